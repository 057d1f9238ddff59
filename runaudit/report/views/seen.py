"""What a run was observed to use, beside what it declared: files it read, modules it imported, seeds it set."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runaudit.factors.gaps import edited_files
from runaudit.factors.levels import levels
from runaudit.factors.observed import observed_of, unread_data
from runaudit.records.run import Run
from runaudit.report.inputs import ArmInput
from runaudit.report.views.arm import letter, seed_text
from runaudit.report.words import Text, clean, shown, value_text
from runaudit.settings import FactorSettings
from runaudit.text.words import listed, plural

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
    found = (_view(index, arm, run) for index, arm in enumerate(arms) if (run := _observed(arm)) is not None)
    return tuple(view for view in found if view.groups)


def never_read(arm: ArmInput) -> tuple[str, ...]:
    """The declared data sets of an arm that none of its runs was seen to read; empty where a run was seen in part."""
    found = [unread_data(run) for run in arm.runs if observed_of(run) is not None and run.finished]
    if not found or len(found) < sum(run.finished for run in arm.runs):
        return ()
    return tuple(sorted(set.intersection(*(set(names or ()) for names in found))))


def _observed(arm: ArmInput) -> Run | None:
    return next((run for run in arm.runs if observed_of(run) is not None), None)


def _view(index: int, arm: ArmInput, run: Run) -> SeenView:
    return SeenView(
        arm=index,
        letter=letter(index),
        seed=seed_text(run),
        level=_level(arm),
        groups=tuple(_groups(run)),
    )


def _level(arm: ArmInput) -> str:
    """How well the runs of an arm were seen. Without a gap that was noticed: what nobody can see leaves none."""
    gaps = [why for run in arm.runs if (why := _gap(run))]
    full = len(arm.runs) - len(gaps)
    if not gaps:
        return "no gap was noticed" + (f" in any of its {full} runs" if full > 1 else "")
    why = listed(list(dict.fromkeys(gaps)), limit=3)
    if not full:
        return clean(f"in every run a gap: {why}" if len(gaps) > 1 else f"a gap: {why}")
    return clean(f"{full} of {plural(len(arm.runs), 'run')} without a gap that was noticed; else {why}")


def _gap(run: Run) -> str:
    """Why it is not known what a run used; empty where nothing is missing."""
    seen = observed_of(run)
    if seen is None:
        return "not observed"
    if edited := _edited(run):
        return f"{listed(edited, limit=3)} edited while it ran"
    return "" if seen.full else seen.reason or "seen in part"


def _edited(run: Run) -> list[str]:
    return list(edited_files(levels(run, FactorSettings())))


def _groups(run: Run) -> Iterator[tuple[str, str, tuple[Text, ...], int]]:
    seen = observed_of(run)
    if seen is None:
        return
    undeclared = {path for rows in seen.undeclared.values() for path in rows}
    declared = [path for path in seen.reads if path not in undeclared]
    sealed = undeclared & set(run.manifest.section("code").get("files") or ())
    undeclared -= sealed
    edited = sealed.intersection(_edited(run))
    kinds = (
        ("Files of the sealed code that were used", "file", sorted(sealed - edited)),
        ("Files of the code that were edited while it ran", "file", sorted(edited)),
        ("Files read that nobody declared, known by observation", "file", sorted(undeclared)),
        ("Declared files that were read", "file", sorted(declared)),
        ("Declared data sets that nothing was seen to read", "data set", unread_data(run) or ()),
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
