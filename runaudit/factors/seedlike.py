"""Settings that bear the name of a seed: which of them replicate, and which choose something.

One whole number that is the run's seed, or one of several generators', draws other numbers of one design. Another kind
of value is a choice, and so is `data.seed` beside `model.seed`. Of several seeds in tables, where nobody knows which of
them acted, two runs are replicates only if all of them moved by one number, as a program makes them of its seed: else
one was held, and it may be the one that acted. So what a seed in a table is can be told of two runs alone: no key has
it, and cohorts ask what a comparison asks.
"""

from collections.abc import Iterator, Mapping, Sequence

from runaudit.factors.arguments import ROOT
from runaudit.factors.factor import ABSENT, ChangeClass, Classification, Role, section_of
from runaudit.factors.levels import SEED_KEYS, Levels
from runaudit.factors.path import last_key, steps
from runaudit.factors.tree import Difference, leaves_of, same
from runaudit.records.canonical import JSON, MAPPINGS
from runaudit.records.sections import OfSection
from runaudit.records.seednames import ends_in_seed, is_one_seed, names_the_seed, seeds_another

NO_SEED = "a seed is one whole number; what is none is a choice"
OF_ANOTHER = "the seed of what its table is about, and no seed of the training"
ONE_HELD = "which of several seeds acted is not known, and they did not move together"
ALONE = "the seed of a table, which did not move with the run's own"
_HASHES = "env.variables.PYTHONHASHSEED"
"""It says `random` where nobody set it."""


def no_seed(path: str, value: JSON, of: Levels) -> str:
    """Why a leaf that bears the name of a seed is a choice all the same; empty where it may be a seed."""
    if path == _HASHES or isinstance(value, MAPPINGS):
        return ""
    if not is_one_seed(value):
        return NO_SEED
    return OF_ANOTHER if _is_nested(path) and seeds_another(path) and "seed" not in of.tree else ""


def role_of_pair(path: str, found: Classification, a: Levels, b: Levels) -> Classification:
    """What a seed in a table that differs between two runs is for the two. Where both know their seed, one in a table
    is another: it replicates with it, or it chooses."""
    if found.kind is not ChangeClass.FACTOR or not _is_nested(path):
        return found
    if "seed" in a.tree and "seed" in b.tree:
        return _beside_the_seed(path, found, a, b)
    left, right = _open(a), _open(b)
    if path not in left or len(left) < 2 or left.keys() != right.keys():
        return found
    if not all(map(is_one_seed, (*left.values(), *right.values()))):
        return found
    return Classification(role=Role.SEED) if _apart(left) == _apart(right) else Classification(why=ONE_HELD)


def _beside_the_seed(path: str, found: Classification, a: Levels, b: Levels) -> Classification:
    """A seed in a table beside the run's own, which both know: one that moved by the same number follows it, as
    `${seed}` and `seed + 100` do; one that moved while that one stood still, or by another number, was chosen."""
    own = [of.tree["seed"] for of in (a, b)]
    nested = [nested_seeds(of).get(path) for of in (a, b)]
    if not all(map(is_one_seed, (*own, *nested))):
        return found
    moved = [_whole(after) - _whole(before) for before, after in (own, nested)]
    return Classification(role=Role.SEED) if moved[0] == moved[1] else Classification(why=ALONE)


def nested_seeds(of: Levels) -> Mapping[str, JSON]:
    """What bears the name of a seed in tables of a config, by path, and the words without a name that may be it; at the
    top of it, beside a seed of the run's own alone, for without that one it is a choice."""
    found = _nested(of.tree.get("config"))
    return found if "seed" in of.tree else {path: value for path, value in found.items() if not _is_beside(path)}


def moved_alone(left: Mapping[str, JSON], right: Mapping[str, JSON], own: Sequence[JSON]) -> bool:
    """Whether one of the seeds in tables of two runs, or beside their own, is a choice between the two: the quick
    answer to what `role_of_pair` finds of each, where both know their own seed."""
    for path in left.keys() & right.keys() if all(map(is_one_seed, own)) else ():
        before, after = left[path], right[path]
        if before == after or not (is_one_seed(before) and is_one_seed(after)) or not _is_nested(path):
            continue
        if _whole(after) - _whole(before) not in (0, _whole(own[1]) - _whole(own[0])):
            return True
    return False


def is_loose_number(path: str, value: JSON) -> bool:
    """Whether a leaf is a word of another tracker's command line that has no name and may be the run's seed, as it is
    where it has its value: `train.py 1`, `train.py 2`."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return is_whole and path.startswith(_LOOSE)


def in_doubt(of: Levels) -> tuple[str, ...]:
    """As text, how the seeds in tables of a run lie to its own; where nobody knows that one, and they are not one, how
    they lie to each other."""
    if "seed" in of.tree:
        return _against(of)
    found = _open(of)
    return tuple(f"{path} {by}" for path, by in _apart(found).items()) if all(map(is_one_seed, found.values())) else ()


def _apart(seeds: Mapping[str, JSON]) -> Mapping[str, int]:
    """How far each seed is from the first one."""
    numbers = {path: _whole(value) for path, value in seeds.items()}
    first = next(iter(numbers.values()), 0)
    return {path: number - first for path, number in numbers.items()}


def _whole(value: JSON) -> int:
    return int(value if isinstance(value, int | float) else str(value))


def _against(of: Levels) -> tuple[str, ...]:
    """As text, the seeds in tables of a run: its own seed, or another number. Runs for which these are one text are of
    one design if any two of them are."""
    seed = of.tree.get("seed", ABSENT)
    return tuple(f"{path}={'seed' if same(value, seed) else value}" for path, value in nested_seeds(of).items())


def all_seeds(of: Levels) -> tuple[str, ...]:
    """As text, the seeds in tables of a run and its own, where it has such: of two runs with other ones each is asked
    what it replicates."""
    found = nested_seeds(of)
    return tuple(f"{path}={value}" for path, value in {**found, "seed": of.tree.get("seed")}.items()) if found else ()


def nested_differences(a: Levels, b: Levels) -> Iterator[Difference]:
    """What bears the name of a seed in tables, and differs between two runs."""
    left, right = nested_seeds(a), nested_seeds(b)
    for path in sorted({*left, *right}) if left is not right else ():
        before, after = left.get(path, ABSENT), right.get(path, ABSENT)
        if not same(before, after):
            yield path, before, after


def _is_nested(path: str) -> bool:
    """Whether a leaf is a seed by its name in a table of the config, or beside the run's own at its top, as `data_seed`
    and `cuda_seed` are. An argument lies no deeper than a setting."""
    if section_of(path) != "config" or path.startswith(ROOT):
        return False
    return names_the_seed(last_key(path)) if len(steps(path)) > 2 else _is_beside(path)


def _is_beside(path: str) -> bool:
    """Whether a leaf at the top of the config is a seed by its name, and no name of the run's own."""
    key = last_key(path)
    return section_of(path) == "config" and len(steps(path)) == 2 and key not in SEED_KEYS and ends_in_seed(key)


_LOOSE = f"{ROOT}.positional."
_nested = OfSection(
    lambda config: {
        path: value for path, value in leaves_of(config, "config") if _is_nested(path) or is_loose_number(path, value)
    }
)


def _open(of: Levels) -> Mapping[str, JSON]:
    """Those that may be the run's seed: of a rarer name nobody knows what it seeds."""
    found = {path: value for path, value in nested_seeds(of).items() if last_key(path) in SEED_KEYS}
    return {path: value for path, value in found.items() if not seeds_another(path)}
