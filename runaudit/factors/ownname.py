"""What in the name of a run, or of what it wrote, is only this run: its seed, its id at its tracker, when it began.

Two seeds of one design write to `out/s3` and `out/s4`, or to folders named by the minute. What is left of such a name,
with marks in the place of what is the run's own, counts as any text does.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from runaudit.factors import builtin as known
from runaudit.factors.evidence import is_for_weights, is_read
from runaudit.factors.namewords import words
from runaudit.factors.starts import STAMP, begun, is_start

if TYPE_CHECKING:
    from runaudit.factors.levels import Levels

OWN = "it names what the run wrote by its seed, its id or its start"
_SEED_IN_NAME = r"(?i)((?:(?<![a-z])seed|(?<![a-z0-9])s)[-_=]?)%d(?![0-9a-z]|\.\d)"
_LEAST_ID = 4
"""Letters of an id from which on it stands in a name by no chance."""


def own_name(key: str, value: str, of: "Levels") -> str:
    """A name of the run or of its outputs that bears the run's own seed and says that it does (`out/s3`, `base_seed3`),
    its id at its tracker, or the time at which it began, with marks in their place; empty for any other value, and
    where a key reads from it."""
    found = set(words(key))
    is_name = key.lower().lstrip("-") in known.NAMING_KEYS | known.SHORT_NAMING_KEYS
    if is_read(key) or not (is_name or found & known.OUTPUT_WORDS or is_for_weights(found)):
        return ""
    marked, began, seed = value, begun(of.run), of.tree.get("seed")
    for name in _ids(of):
        marked = re.sub(rf"(?<![0-9A-Za-z]){re.escape(name)}(?![0-9A-Za-z])", "<run>", marked)
    if began is not None:
        marked = STAMP.sub(lambda match: "<start>" if is_start(match, began) else match[0], marked)
    if isinstance(seed, int) and not isinstance(seed, bool):
        by_seed, count = re.subn(_SEED_IN_NAME % seed, r"\1<seed>", marked)
        marked = by_seed if count == 1 else marked
    return marked if marked != value else ""


def _ids(of: "Levels") -> Iterator[str]:
    """What only this run is called: its ids, not its label."""
    manifest = of.run.manifest
    for table in (manifest.body, manifest.section("origin")):
        for key in ("run", "run_id", "id"):
            name = str(table.get(key) or "").rpartition("/")[2]
            if len(name) >= _LEAST_ID and not name.isalpha():
                yield name
