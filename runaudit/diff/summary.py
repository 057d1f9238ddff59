"""One changed factor in one line a person can read."""

from collections.abc import Iterable

from runaudit.diff.lines import changed_lines
from runaudit.diff.lists import list_summary
from runaudit.diff.result import FactorChange
from runaudit.factors.code_state import PROGRAM
from runaudit.factors.config_groups import choices
from runaudit.factors.config_source import TWO_WAYS
from runaudit.factors.documents import text_of
from runaudit.factors.exchanged import exchanged_data
from runaudit.factors.factor import ABSENT, Absent, Change, ChangeClass, Role, section_of
from runaudit.factors.following import ARGUMENTS
from runaudit.factors.pair import Pair
from runaudit.factors.path import last_key, matches
from runaudit.records.canonical import JSON
from runaudit.text.words import both_levels, head

ORDER = ("config", "code", "data", "env", "init", "eval", "seed")
"""Sections in the order in which factors are listed; bundles and unknown sections come first."""


def factor_changes(changes: Iterable[Change], pair: Pair) -> tuple[FactorChange, ...]:
    """The factors that the leaves which are factors are counted under, in a fixed order."""
    blocks: dict[str, list[Change]] = {}
    for change in (change for change in changes if change.kind is ChangeClass.FACTOR):
        blocks.setdefault(change.block or change.path, []).append(change)
    rows = [_factor(name, tuple(members), pair) for name, members in blocks.items()]
    return tuple(sorted(rows, key=lambda row: (_position(row.section), row.factor)))


def _position(section: str) -> int:
    return ORDER.index(section) if section in ORDER else -1


def _factor(name: str, members: tuple[Change, ...], pair: Pair) -> FactorChange:
    roles = {member.role for member in members}
    role = Role.EVALUATION if Role.EVALUATION in roles else roles.pop() if len(roles) == 1 else Role.TREATMENT
    own = section_of(name)
    before, after = _levels(name, members)
    return FactorChange(
        factor=name,
        section=own if own == members[0].section else "bundle",
        before=before,
        after=after,
        summary=_summary(name, members, pair),
        role=role,
        members=members,
    )


def _levels(name: str, members: tuple[Change, ...]) -> tuple[JSON | Absent, JSON | Absent]:
    if len(members) == 1 and members[0].path == name:
        return members[0].before, members[0].after
    sides = ({_inner(name, m.path): m.before for m in members}, {_inner(name, m.path): m.after for m in members})
    kept = tuple({key: value for key, value in side.items() if value is not ABSENT} for side in sides)
    return kept[0] or ABSENT, kept[1] or ABSENT


def _inner(name: str, path: str) -> str:
    return path.removeprefix(name).lstrip(".") or last_key(path) if path.startswith(name) else path


def _summary(name: str, members: tuple[Change, ...], pair: Pair) -> str:
    if (option := choices(pair).get(name)) is not None and all(member.path != name for member in members):
        parts = [
            f"{_inner(name, m.path)} {_moved(m.before, m.after)}" for m in members if not matches(m.path, ARGUMENTS)
        ]
        return f"{name} (group {option[0]} → {option[1]}: {head(parts, 4)})"
    if len(members) == 1:
        only = members[0]
        if only.section == "code" and only.path != PROGRAM and (lines := _code_summary(only, pair)):
            return f"{name} ({lines}; {only.why})" if only.why.startswith(TWO_WAYS) else f"{name} ({lines})"
        if lists := list_summary(only.before, only.after):
            return f"{name} ({lists})"
        why = f" ({only.why})" if only.why.startswith(("breaks", "its rule", TWO_WAYS)) else ""
        return f"{name} {' → '.join(both_levels(only.before, only.after))}{why}"
    if name.startswith("code.") and len(members) == 2 and name in {member.path for member in members}:
        return f"{name} (renamed from {members[0].path if members[1].path == name else members[1].path})"
    if len(exchanged_data(members)) == len(members):
        came = next(member.path for member in members if isinstance(member.before, Absent))
        return f"{name} → {came}"
    parts = [f"{_inner(name, m.path)} {_moved(m.before, m.after)}" for m in members]
    return f"{name} ({head(parts, 4)})"


def _moved(before: JSON | Absent, after: JSON | Absent) -> str:
    lists = None if isinstance(before, Absent) or isinstance(after, Absent) else list_summary(before, after)
    return lists or " → ".join(both_levels(before, after))


def _code_summary(change: Change, pair: Pair) -> str:
    sides = [
        "" if isinstance(value, Absent) else text_of(side.run, str(value))
        for value, side in ((change.before, pair.a), (change.after, pair.b))
    ]
    if sides[0] is None or sides[1] is None:
        return change.why
    if isinstance(change.before, Absent) or isinstance(change.after, Absent):
        return "added" if isinstance(change.before, Absent) else "removed"
    lines = changed_lines(sides[0].splitlines(), sides[1].splitlines(), context=0)
    plus = sum(line.startswith("+") for line in lines)
    minus = sum(line.startswith("-") for line in lines)
    return f"+{plus} −{minus} lines"
