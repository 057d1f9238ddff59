"""What a run was observed to use, beside what it declared: files it read, modules it imported, seeds it set."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runaudit.factors.observed import observed_of
from runaudit.records.run import Run
from runaudit.report.inputs import ArmInput
from runaudit.report.views.arm import letter, seed_text
from runaudit.report.words import Text, clean, shown, value_text
from runaudit.text.words import plural

MAX_NAMES = 40
"""Names of a kind on the page; the record has them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenView:
    """One arm's first run that was observed. groups: (what, how many, names, how many names are left out)."""

    arm: int
    letter: str
    seed: str
    level: str
    groups: tuple[tuple[str, str, tuple[Text, ...], int], ...]


def seen_views(arms: Sequence[ArmInput]) -> tuple[SeenView, ...]:
    """What was observed, one run an arm: the runs of an arm are of one design."""
    found = (_view(index, run) for index, arm in enumerate(arms) if (run := _observed(arm)) is not None)
    return tuple(view for view in found if view.groups)


def _observed(arm: ArmInput) -> Run | None:
    return next((run for run in arm.runs if observed_of(run) is not None), None)


def _view(index: int, run: Run) -> SeenView:
    return SeenView(
        arm=index,
        letter=letter(index),
        seed=seed_text(run),
        level=_level(run),
        groups=tuple(_groups(run)),
    )


def _level(run: Run) -> str:
    seen = observed_of(run)
    if seen is None or seen.full:
        return "everything that it did was seen"
    return clean(f"seen in part: {seen.reason}" if seen.reason else "seen in part")


def _groups(run: Run) -> Iterator[tuple[str, str, tuple[Text, ...], int]]:
    seen = observed_of(run)
    if seen is None:
        return
    undeclared = {path for rows in seen.undeclared.values() for path in rows}
    declared = [path for path in seen.reads if path not in undeclared]
    kinds = (
        ("Files read that nobody declared", "file", sorted(undeclared)),
        ("Declared files that were read", "file", sorted(declared)),
        ("Environment variables looked up", "variable", sorted(seen.looked_up)),
        ("Packages imported", "package", [f"{name} {version}" for name, version in sorted(seen.imported.items())]),
        ("Generators seeded", "call", [f"{call}({value_text(value).short})" for call, value in seen.seeded]),
        ("Files written", "file", sorted(seen.written)),
    )
    for title, noun, names in kinds:
        if names:
            yield (
                title,
                plural(len(names), noun),
                tuple(shown(name, 90) for name in names[:MAX_NAMES]),
                max(0, len(names) - MAX_NAMES),
            )
