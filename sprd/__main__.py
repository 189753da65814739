"""`python -m sprd`: the command line."""

import os
import sys

if __name__ == "__main__":
    # `-m` looks where the command was typed first: a random.py there is not Python's.
    if not sys.flags.safe_path and sys.path[0] != os.path.dirname(os.path.dirname(__file__)):
        del sys.path[0]
    from sprd.cli.main import main

    sys.exit(main())
