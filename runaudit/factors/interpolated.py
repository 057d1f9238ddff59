"""Settings that were written in terms of others: `sgd.lr: ${lr}` follows `lr`, and is no choice of its own.

Who imported the record kept what stood there, beside the value it came to. Two runs in which the same stands there
chose the same; what it refers to is compared by itself. That excuses nothing where a setting that is referred to does
not count, as where a run writes: the value may be used for what does.
"""

from collections.abc import Callable, Mapping

from runaudit.factors.factor import ABSENT, ChangeClass, Classification
from runaudit.factors.levels import Levels
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
    return text if all(_counts(str(other), of, standing) for other in read if other != path) else ""


def _counts(path: str, of: Levels, standing: Standing) -> bool:
    value = of.at(path)
    if not path.startswith("config") or value is ABSENT or isinstance(value, MAPPINGS):
        return False
    found = standing(path, value)
    return found.kind is ChangeClass.FACTOR or found.follows == "seed"
