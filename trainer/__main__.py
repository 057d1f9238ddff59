"""`python -m trainer`: train, evaluate, and make or check the data."""

import sys

from runaudit import observe

if __name__ == "__main__":
    # Before anything else is imported: what ran is what is sealed, and what was not seen is unknown.
    observe()

    from trainer.cli import main

    sys.exit(main())
