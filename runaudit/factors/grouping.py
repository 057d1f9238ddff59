"""Counting factors, not keys: several changed leaves that are one choice are one factor.

Declared groups and bundles come first, then what runaudit knows: a data set, a container, a schedule, a chosen variant
with the keys only it has, an effective batch that was merely split differently.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from runaudit.factors import builtin as known
from runaudit.factors.arguments import ROOT as ARGUMENTS
from runaudit.factors.code_state import as_one_state
from runaudit.factors.config_groups import by_choice
from runaudit.factors.exchanged import exchanged_data
from runaudit.factors.factor import Absent, Change, ChangeClass, Role
from runaudit.factors.pair import Pair
from runaudit.factors.path import joined, last_key, matches, steps
from runaudit.factors.source import renamed
from runaudit.factors.tree import same

Blocks = dict[str, str]
"""Leaf path -> the factor it is counted under."""


def counted(changes: tuple[Change, ...], pair: Pair) -> tuple[Change, ...]:
    """Every factor leaf with the block it is counted under; the first rule that claims a leaf keeps it."""
    factors = [change for change in changes if change.kind is ChangeClass.FACTOR]
    blocks: Blocks = {}
    for claim in _CLAIMS:
        for path, block in claim(factors, pair).items():
            blocks.setdefault(path, block)
    return tuple(
        replace(change, block=blocks.get(change.path, change.path)) if change.kind is ChangeClass.FACTOR else change
        for change in changes
    )


def declared_bundles(pair: Pair) -> Mapping[str, tuple[str, ...]]:
    """The bundles of the policy that a run declared before its launch. Afterwards is too late."""
    named = {str(n) for side in (pair.a, pair.b) for n in side.run.manifest.body.get("bundles") or ()}
    return {name: paths for name, paths in pair.settings.bundles.items() if name in named}


def _bundles(factors: list[Change], pair: Pair) -> Blocks:
    return {
        change.path: name
        for name, paths in declared_bundles(pair).items()
        for change in factors
        if change.role is Role.TREATMENT and any(matches(change.path, path) for path in paths)
    }


def _groups(factors: list[Change], pair: Pair) -> Blocks:
    blocks: Blocks = {}
    for name, paths in pair.settings.groups.items():
        members = [c for c in factors if c.role is Role.TREATMENT and any(matches(c.path, path) for path in paths)]
        # A group of one is that leaf. A batch whose product moved as well as its split is two choices, not one.
        if len(members) > 1 and not (_all_batch(members) and not _same_product(members)):
            blocks |= {change.path: name for change in members}
    return blocks


def _batch(factors: list[Change], _pair: Pair) -> Blocks:
    """The keys whose product is one batch, where it stayed what it was; each network by itself. And keys that say one
    part of it twice: of the batch of a device, and of all of them."""
    networks: dict[str, list[Change]] = {}
    for change in factors:
        if change.section == "config" and last_key(change.path) in known.BATCH_KEYS:
            networks.setdefault(_network(change.path), []).append(change)
    blocks: Blocks = {}
    for place, members in networks.items():
        if len(members) > 1 and _same_product(members):
            blocks |= {change.path: f"{place}.effective_batch_decomposition" for change in members}
            continue
        for again in _said_again(members):
            blocks |= {change.path: again[0].path for change in again}
    return blocks


def _said_again(members: list[Change]) -> Iterator[list[Change]]:
    """The keys of one kind that changed alike, the plainest name first: from one value to one other, or, of the batch
    of a device and that of all of them, by one ratio."""
    found: dict[tuple[object, ...], list[Change]] = {}
    for change in members:
        if (ratio := _ratio(change)) is not None:
            key = last_key(change.path)
            how = (ratio,) if key in known.DEVICE_BATCH_KEYS else (change.before, change.after)
            found.setdefault((known.BATCH_KEYS[key], *how), []).append(change)
    yield from (sorted(alike, key=lambda one: (len(steps(one.path)), one.path)) for alike in found.values())


def _is_of_a_size(value: float) -> bool:
    """Whether a number is no integer beyond every float: such a one is no batch, and nothing is reckoned with it."""
    return abs(value) < 1e300


def _ratio(change: Change) -> float | None:
    sides = (change.before, change.after)
    numbers = [value for value in sides if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < 2 or not all(value and _is_of_a_size(value) for value in numbers):
        return None
    return float(change.after) / float(change.before)  # type: ignore[arg-type]  # numbers are all that is left


def _network(path: str) -> str:
    """The table of a network with a batch of its own; the config itself for tables of the training as such."""
    keys = list(steps(path)[:-1])
    while len(keys) > 1 and str(keys[-1]).lower() in known.BATCH_TABLES:
        keys.pop()
    return _prefix(tuple(keys))


def _all_batch(members: list[Change]) -> bool:
    return all(last_key(change.path) in known.BATCH_KEYS for change in members)


def _same_product(members: list[Change]) -> bool:
    products = [1.0, 1.0]
    if _all_batch(members) and all(map(_ratio, members)):
        members = [again[0] for again in _said_again(members)]
    kinds = [known.BATCH_KEYS[key] for change in members if (key := last_key(change.path)) in known.BATCH_KEYS]
    if len(set(kinds)) != len(kinds):
        return False
    for change in members:
        for side, value in enumerate((change.before, change.after)):
            if isinstance(value, bool) or not isinstance(value, int | float) or not _is_of_a_size(value):
                return False
            products[side] *= value
    return products[0] == products[1]


def _data(factors: list[Change], _pair: Pair) -> Blocks:
    exchanged = exchanged_data(factors)
    named = {c.path: joined("data", str(steps(c.path)[1])) for c in factors
             if c.section == "data" and len(steps(c.path)) > 1}  # fmt: skip
    return {**named, **exchanged}


def _environment(factors: list[Change], _pair: Pair) -> Blocks:
    env = [c for c in factors if c.section == "env"]
    hardware = [c for c in env if any(matches(c.path, name) for name in (*known.HARDWARE, *known.MACHINE))]
    software = [c for c in env if any(matches(c.path, name) for name in known.NUMERICS)]
    driver = [c for c in software if c.path == "env.driver"]
    if hardware and len(software) == len(driver):
        # A new machine brings its driver.
        hardware, software = hardware + driver, []
    # Files that packages opened by themselves: somebody changed the machine, not one of them.
    blocks: Blocks = {c.path: "env.files" for c in env if c.path.startswith("env.files")}
    if len(software) > 1:
        blocks |= {c.path: "env.software" for c in software}
    if len(hardware) > 1:
        blocks |= {
            c.path: "env.gpu" if any(h.path == "env.gpu" for h in hardware) else "env.hardware" for c in hardware
        }
    return blocks


def _init(factors: list[Change], _pair: Pair) -> Blocks:
    members = [c for c in factors if c.section == "init"]
    checkpoint = any(c.path == "init.checkpoint" for c in members)
    return {c.path: "init.checkpoint" for c in members} if checkpoint else {}


def _tables(factors: list[Change], _pair: Pair) -> Blocks:
    """Tables that came or went in a list of named tables belong to the choice of which tables there are."""
    blocks: Blocks = {}
    for change in factors:
        keys = steps(change.path)
        if (
            keys
            and change.section != "code"
            and (isinstance(keys[-1], int) or keys[-1].startswith("\0"))
            and (isinstance(change.before, Absent) or isinstance(change.after, Absent))
        ):
            parent = change.path.rpartition("[")[0]
            blocks[change.path] = parent
    return blocks


def _variants(factors: list[Change], pair: Pair) -> Blocks:
    """A schedule's keys draw one curve; a changed selector takes along the keys that only one of its variants has."""
    blocks: Blocks = {}
    for change in factors:
        keys = steps(change.path)
        if change.section != "config" or len(keys) < 2:
            continue
        for depth in range(2, len(keys)):
            if str(keys[depth - 1]).lower() in known.SCHEDULE_KEYS:
                blocks.setdefault(change.path, _prefix(keys[:depth]))
        parent = _prefix(keys[:-1])
        if (isinstance(change.before, Absent) or isinstance(change.after, Absent)) and _selected(parent, pair):
            blocks.setdefault(change.path, parent)
        if keys[-1] in _selectors(parent):
            blocks.setdefault(change.path, parent)
    return {path: block for path, block in blocks.items() if sum(other == block for other in blocks.values()) > 1}


def _selected(parent: str, pair: Pair) -> bool:
    """Whether a key that selects a variant changed in a table of the config."""
    names = (f"{parent}.{key}" for key in _selectors(parent))
    return any(not same(pair.a.at(name), pair.b.at(name)) for name in names)


def _selectors(parent: str) -> tuple[str, ...]:
    """The keys that choose a variant in a table. A whole config, a command line and the tables of the run are about no
    one thing: `--name two --lr 0.2` names the run or picks a network, and the rate beside it does not come of that."""
    keys = steps(parent)
    if len(keys) < 2 or parent == ARGUMENTS:
        return ()
    whole = str(keys[-1]).lower() in known.TRAINING_TABLES | known.RUN_TABLES
    return known.CLASS_KEYS if whole else known.SELECTOR_KEYS


def _prefix(keys: tuple[str | int, ...]) -> str:
    path = str(keys[0])
    for key in keys[1:]:
        path = joined(path, key) if isinstance(key, str) else f"{path}[{key}]"
    return path


def _code(factors: list[Change], _pair: Pair) -> Blocks:
    return dict(as_one_state(factors))


def _config_groups(factors: list[Change], pair: Pair) -> Blocks:
    return by_choice(factors, pair)


def _renamed(factors: list[Change], _pair: Pair) -> Blocks:
    return dict(renamed(factors))


_CLAIMS: tuple[Callable[[list[Change], Pair], Blocks], ...] = (
    _bundles,
    _groups,
    _config_groups,
    _batch,
    _data,
    _code,
    _environment,
    _init,
    _tables,
    _variants,
    _renamed,
)
"""What makes one factor of several leaves: what was declared comes first."""
