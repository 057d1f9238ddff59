"""What a policy excused that was written after the runs: said beside the verdict, never silently applied.

A rule that is written once the results are known can turn any confounded comparison into a clean one. It may be right
all the same, so it holds; but whoever reads the answer must see that it came later.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runaudit.factors.policydate import written_on
from runaudit.records.run import Run
from runaudit.settings import FactorSettings, Settings
from runaudit.text.words import listed, plural


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindsight:
    """A policy that is newer than runs it judges: its file, since when it says so and by what that is known, the first
    and the last of the launches before it, the verdict without it, and the factors that only it excuses."""

    file: str
    written: str
    by: str
    launches: tuple[str, ...]
    verdict: str
    without: str
    excused: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The finding for a program."""
        return {"file": self.file, "written": self.written, "by": self.by, "launches": [*self.launches],
                "verdict_without": self.without, "excused": [*self.excused]}  # fmt: skip

    @property
    def note(self) -> str:
        """The finding in one sentence."""
        when = f"{self.launches[0][:19]}Z" if len(self.launches) == 1 else f"the first {self.launches[0][:19]}Z"
        moved = f"without it the verdict is {self.without}" if self.without != self.verdict else "it moves no verdict"
        excused = f"; it excuses {listed(self.excused)}" if self.excused else ""
        return (
            f"the policy {self.file} was written on {self.written[:19]}Z ({self.by}), after "
            f"{plural(len(self.launches), 'launch', 'launches')} that it judges ({when}): {moved}{excused}"
        )


def hindsight(
    runs: Sequence[Run], settings: Settings, verdict: str, kept: frozenset[str],
    without: Callable[[], tuple[str, tuple[str, ...]]],
) -> Hindsight | None:  # fmt: skip
    """What the policy excused after the fact; None where it excused nothing, or was there before the runs.

    kept: the factors that stand. without: verdict and factors as they are with no policy; asked only where it matters.
    """
    if settings.source is None or settings.factors == FactorSettings():
        return None
    date = written_on(settings.source, settings.factors)
    starts = sorted(start for run in runs if (start := _start(run)))
    if date is None or not (before := tuple(start for start in starts if start < date.written)):
        return None
    plain, factors = without()
    excused = tuple(factor for factor in factors if factor not in kept)
    if plain == verdict and not excused:
        return None
    return Hindsight(file=settings.source.name, written=date.written, by=date.by, launches=before, verdict=verdict,
                     without=plain, excused=excused)  # fmt: skip


def _start(run: Run) -> str | None:
    """When a run was launched, in the words of a date; None where its record does not say, or says something else."""
    from runaudit.system.clock import utc_text

    started = run.manifest.section("launch").get("started")
    try:
        moment = datetime.fromisoformat(started) if isinstance(started, str) else None
    except ValueError:
        return None
    return utc_text(moment.timestamp()) if moment is not None and moment.tzinfo is not None else None
