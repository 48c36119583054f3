"""``python -m clientcare``, for machines where the script folder is not on the path."""

import sys

from clientcare.cli.program import main

if __name__ == "__main__":
    sys.exit(main())
