"""What a page is made of: arms of runs, and the judgements on pairs of arms as `diff` and `stats` answer them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from runaudit.diff import Comparison
from runaudit.records.run import Run
from runaudit.report.panels import Panel
from runaudit.stats.answer import ArmSummary, StatsAnswer


@dataclass(frozen=True, kw_only=True)
class ArmInput:
    """The runs that differ only in their seed. `effective_n` counts distinct seeds that provably acted, where known.

    panels: images by run id. cohort: the cohort's id, where it has one. summary: the arm on the page's metric, where a
    run of it has one. drawn: the runs as their curves are drawn, those that went on from others with what these logged.
    left_out: the runs that were launched with these and stand in no arm of the page. odd: that they are not one design,
    in a sentence part; empty where they are.
    """

    name: str
    runs: tuple[Run, ...]
    effective_n: int | None = None
    cohort: str | None = None
    panels: Mapping[str, tuple[Panel, ...]] = field(default_factory=lambda: MappingProxyType({}))
    summary: ArmSummary | None = None
    drawn: tuple[Run, ...] = ()
    left_out: tuple[Run, ...] = ()
    odd: str = ""

    @property
    def curved(self) -> "ArmInput":
        """The same with the runs as they are drawn."""
        return replace(self, runs=self.drawn) if self.drawn else self


@dataclass(frozen=True, kw_only=True)
class Part:
    """Arms, by their places, that are shown on one metric; None: no run of theirs has a number. name: what they have in
    common, where the page has several parts."""

    metric: str | None
    arms: tuple[int, ...]
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class Unjudged:
    """A metric that could not be judged: why, as a sentence, and what a judgement would need. leads: whether it is the
    one that the page is about."""

    words: str
    needs: str
    leads: bool = False


@dataclass(frozen=True, kw_only=True)
class ComparisonInput:
    """Arm number `arm` against arm number `baseline`, as `diff` and `stats` judged them. Counted from 0. unjudged: the
    metrics that were to be judged and could not be."""

    baseline: int
    arm: int
    diff: Comparison
    stats: tuple[StatsAnswer, ...] = ()
    unjudged: tuple[Unjudged, ...] = ()
