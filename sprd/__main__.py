"""`python -m sprd`: the command line."""

import sys

from sprd.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
