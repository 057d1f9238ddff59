"""The calls that were seen to seed a generator: what was seen beats the seed that was declared.

Two runs of one declared seed whose programs seeded with other values drew other numbers: they are replicates at most.
"""

from collections.abc import Mapping, Sequence

from runaudit.factors.factor import ABSENT, SEED_ROLES, Change, ChangeClass, Role
from runaudit.factors.levels import Levels
from runaudit.factors.pair import Pair
from runaudit.factors.tree import same
from runaudit.records.canonical import JSON


def with_seeding(found: Sequence[Change], pair: Pair) -> Sequence[Change]:
    """All changes, and a leaf for each seeding call whose values differ, `seed.<call>`, beside what else was found.

    It follows from a declared seed that differs. A call that one program alone made follows from whatever else differs.
    """
    left, right = _calls(pair.a), _calls(pair.b)
    if left is None or right is None or any(change.path == "seed" for change in found):
        return found
    treatments = [c.path for c in found if c.kind is ChangeClass.FACTOR and c.role not in SEED_ROLES]
    rows = list(found)
    for call in sorted({*left, *right}):
        before, after = left.get(call, ABSENT), right.get(call, ABSENT)
        if same(before, after):
            continue
        cause = treatments[0] if treatments and ABSENT in (before, after) else ""
        rows.append(
            Change(path=f"seed.{call}", before=before, after=after, role=Role.SEED, follows=cause,
                   kind=ChangeClass.DERIVED if cause else ChangeClass.FACTOR, block="" if cause else f"seed.{call}",
                   why="the program was seen to seed a generator, whatever seed was declared")
        )  # fmt: skip
    return rows


def _calls(of: Levels) -> Mapping[str, JSON] | None:
    """Call -> its values in their order; None where the record does not tell the calls."""
    if of.observed is None or not isinstance(of.run.observed.get("seeded"), list | tuple):
        return None
    calls: dict[str, list[JSON]] = {}
    for call, value in of.observed.seeded:
        calls.setdefault(call, []).append(value)
    return {call: values[0] if len(values) == 1 else values for call, values in calls.items()}
