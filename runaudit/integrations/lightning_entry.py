"""What Lightning asks every installed package for, as it makes a Trainer: callbacks.

To be installed is not to be asked to record: there is a callback where the program made a `RunauditLogger`, and where
the program itself runs under `runaudit run`. Nothing is imported for any other Trainer.
"""

import os
import sys
from typing import Any


def callbacks() -> list[Any]:
    """The callback of a Trainer that is recorded."""
    if "runaudit.integrations.lightning" not in sys.modules and not os.environ.get("RUNAUDIT_RUN"):
        return []
    from runaudit.integrations.lightning import RunauditCallback

    return [RunauditCallback()]
