"""Settings that were written in terms of others: `sgd.lr: ${lr}` follows `lr`, and is no choice of its own.

Who imported the record kept what stood there, beside the value it came to. Two runs in which the same stands there
chose the same; what it refers to is compared by itself. That excuses nothing where a setting that is referred to does
not count, as where a run writes: the value may be used for what does.

What Hydra says of a job itself is no setting: its own folder and the list of its overrides (`override_dirname`, each of
which is a setting itself) under a key that reads nothing, and its number within a sweep where the key names the run or
what it writes. Under any other key the number may choose, as in
`fold: ${hydra:job.num}`.
"""

from collections.abc import Callable, Mapping

from runaudit.factors import builtin as known
from runaudit.factors.evidence import is_read
from runaudit.factors.factor import ABSENT, ChangeClass, Classification
from runaudit.factors.levels import Levels
from runaudit.factors.namewords import words
from runaudit.factors.path import last_key
from runaudit.factors.readback import may_read_back
from runaudit.records.canonical import JSON, MAPPINGS

Standing = Callable[[str, JSON], Classification]


def as_written(path: str, of: Levels, standing: Standing) -> str:
    """What stood in the place of a setting, if all that it refers to are settings that count; empty otherwise."""
    table = of.run.manifest.section("origin").get("interpolated")
    entry = table.get(path) if isinstance(table, Mapping) else None
    if not isinstance(entry, Mapping):
        return ""
    text, read = entry.get("written"), entry.get("of")
    if not isinstance(text, str) or not isinstance(read, list | tuple) or not read:
        return ""
    own = _of_the_job(path, of)
    return text if all(other in own or _counts(str(other), of, standing) for other in read if other != path) else ""


def _of_the_job(path: str, of: Levels) -> frozenset[str]:
    """What of Hydra's own a leaf may repeat and still choose nothing."""
    key = last_key(path)
    found = set(words(key))
    if is_read(key) or found & known.DATA_WORDS or may_read_back(of):
        return frozenset()
    names_it = found & (known.OUTPUT_WORDS | known.KEPT_WORDS | known.PLACE_WORDS)
    return _FOLDERS | _NUMBERS if names_it or key in known.NAMING_KEYS | known.SHORT_NAMING_KEYS else _FOLDERS


_FOLDERS = frozenset({f"hydra hydra.{name}" for name in ("run.dir", "sweep.dir", "sweep.subdir", "runtime.output_dir",
                                                    "job.override_dirname")})  # fmt: skip
_NUMBERS = frozenset({"hydra hydra.job.num", "hydra hydra.job.id"})


def _counts(path: str, of: Levels, standing: Standing) -> bool:
    value = of.at(path)
    if not path.startswith("config") or value is ABSENT or isinstance(value, MAPPINGS):
        return False
    found = standing(path, value)
    return found.kind is ChangeClass.FACTOR or found.follows == "seed"
