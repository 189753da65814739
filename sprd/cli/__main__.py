"""`python -m sprd.cli`: the command line, as `python -m sprd`."""

import sys

from sprd.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
