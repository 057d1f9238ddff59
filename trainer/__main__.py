"""`python -m trainer`: train, evaluate, and make or check the data."""

import sys

from trainer.cli import main

if __name__ == "__main__":
    sys.exit(main())
