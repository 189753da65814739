"""`python -m sprd.cli`: the command line, as `python -m sprd`."""

import os
import sys

if __name__ == "__main__":
    if not sys.flags.safe_path and sys.path[0] != os.path.dirname(__file__).removesuffix(
        "/sprd/cli"
    ):
        del sys.path[0]
    from sprd.cli.main import main

    sys.exit(main())
