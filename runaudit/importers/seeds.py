"""Which setting of a foreign record is the run's seed, whatever its program calls it.

`random seed`, `RNG_SEED`, `train.seed` and `--seed=3` are seeds. What a policy names comes first; then a setting that
is called just `seed`, nearer to the top before one deeper down; then one that has the word in its name. The seed of the
data, of the evaluation or of a search is none of the training: `data.seed` chooses, as `data_seed` does. Where two of
the same rank disagree nobody knows which one acted, and both stay settings. A run's name is a guess, and marked as one.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runaudit.importers.tables import leaves
from runaudit.records.canonical import JSON
from runaudit.records.seednames import names_the_seed, seeds_another

_IN_NAME = re.compile(r"(?:^|[^a-z])seed[-_ =:]?(\d{1,10})(?!\d)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """A seed and the setting that names it; None: the record says that none was set. guessed: nothing but the run's
    name hints at it."""

    value: JSON
    path: str
    guessed: bool = False


def find_seed(
    config: Mapping[str, Any], args: Mapping[str, Any], name: str, wanted: Sequence[str], *, declared: int | None = None
) -> Seed | None:
    """The seed of a run. wanted: dotted paths that a policy names, best first. declared: what its tracker says of it,
    beside all settings."""
    settings = dict(leaves({**config, **({"args": {**args, **_table(config.get("args"))}} if args else {})}))
    for path in wanted:
        # A policy may write `config.train.seed`, as `diff` names it, or the key alone.
        value = settings.get(path.removeprefix("config."), _NONE)
        if value is not _NONE and (_is_seed(value) or value is None):
            return Seed(value=_as_seed(value), path=f"config.{path.removeprefix('config.')}")
    if declared is not None:
        return Seed(value=declared, path=_holding(settings, declared))
    for rank in (_is_just_seed, names_the_seed):
        if (found := _nearest(settings, rank)) is not None:
            return found
    if match := _IN_NAME.search(name):
        return Seed(value=int(match[1]), path="the run's name", guessed=True)
    return None


_NONE = object()


def _holding(settings: Mapping[str, JSON], value: int) -> str:
    """The setting that repeats a seed which is told by itself; of the tracker alone, where none does."""
    hits = (path for path in settings if names_the_seed(path) and settings[path] == value)
    found = next(hits, None)
    return "the tracker" if found is None else f"config.{found}"


def _nearest(settings: Mapping[str, JSON], is_one: Callable[[str], bool]) -> Seed | None:
    """The seed among the settings of such names that lie nearest to the top; None where these disagree."""
    hits = [path for path, value in settings.items()
            if is_one(path) and not seeds_another(path) and (_is_seed(value) or value is None)]  # fmt: skip
    if not hits:
        return None
    depth = min(_depth(path) for path in hits)
    near = [path for path in hits if _depth(path) == depth]
    values = {_as_seed(settings[path]) for path in near}
    return Seed(value=values.pop(), path=f"config.{near[0]}") if len(values) == 1 else None


def _depth(path: str) -> int:
    return path.count(".") - path.startswith("args.")  # `--seed 3` is no deeper than `seed: 3`.


def _is_just_seed(path: str) -> bool:
    return path.rpartition(".")[2].strip("_-").lower() == "seed"


def _is_seed(value: JSON) -> bool:
    if isinstance(value, str):  # Some trackers keep every setting as text.
        return re.fullmatch(r"\d{1,20}", value) is not None
    return isinstance(value, int) and not isinstance(value, bool)


def _as_seed(value: Any) -> JSON:
    return int(value) if isinstance(value, str) else value


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def without_leaf(config: Mapping[str, Any], path: str) -> dict[str, Any]:
    """A config without the leaf that is told by itself, and without tables that held nothing else. path: as `Seed` has
    it, a name may hold dots itself."""
    return _without(config, path.removeprefix("config."))


def _without(table: Mapping[str, Any], path: str) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, inner in table.items():
        if key == path:
            continue
        if isinstance(inner, Mapping) and path.startswith(f"{key}."):
            inner = _without(inner, path[len(key) + 1 :])
            if not inner:
                continue
        kept[key] = inner
    return kept
