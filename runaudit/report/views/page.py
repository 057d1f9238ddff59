"""The whole page as one value. Two pages of equal views are equal byte for byte."""

from collections.abc import Sequence
from dataclasses import dataclass

from runaudit import __version__
from runaudit.errors import NothingToJudgeError
from runaudit.report.inputs import ArmInput, ComparisonInput
from runaudit.report.views.alerts import Alert, Integrity, alerts
from runaudit.report.views.arm import ArmView, arm_view
from runaudit.report.views.curves import CurvesView, curves_view
from runaudit.report.views.diff import DiffView, diff_view
from runaudit.report.views.images import ImagesView, images_view
from runaudit.report.views.manifest import ManifestView, manifest_views
from runaudit.report.views.scaler import ScalerView, scaler_view
from runaudit.report.views.scores import ScoresView, scores_view, summary
from runaudit.report.views.verdict import VerdictView, verdict_view
from runaudit.report.words import Text, shown
from runaudit.text.words import listed, plural


@dataclass(frozen=True, slots=True, kw_only=True)
class PageView:
    """Everything on the page, in the order in which it is read."""

    title: Text
    subtitle: str
    version: str
    arms: tuple[ArmView, ...]
    summaries: tuple[str, ...]
    verdicts: tuple[VerdictView, ...]
    alerts: tuple[Alert, ...]
    scores: ScoresView
    images: ImagesView
    curves: CurvesView
    scaler: ScalerView
    diffs: tuple[DiffView, ...]
    manifests: tuple[ManifestView, ...]


def page_view(
    arms: Sequence[ArmInput],
    comparisons: Sequence[ComparisonInput] = (),
    *,
    title: str | None = None,
    integrity: Integrity | None = None,
) -> PageView:
    """The page on these arms.

    integrity: run id -> what a re-hash of the store found wrong with it (empty: sound); None: it was not re-hashed.
    Raises NothingToJudgeError where there is no run.
    """
    if not any(arm.runs for arm in arms):
        raise NothingToJudgeError("there is no run to report on", remedy="name at least one run")
    named = tuple(arm_view(arm, index) for index, arm in enumerate(arms))
    sizes = [
        plural(sum(len(arm.runs) for arm in arms), "run"),
        plural(len(arms), "arm"),
        plural(len(comparisons), "comparison"),
    ]
    return PageView(
        title=shown(title or _title(named), 110),
        subtitle=listed(sizes),
        version=__version__,
        arms=named,
        summaries=tuple(summary(arm) for arm in arms),
        verdicts=tuple(verdict_view(comparison, named) for comparison in comparisons),
        alerts=alerts(arms, comparisons, integrity),
        scores=scores_view(arms),
        images=images_view(arms),
        curves=curves_view(arms),
        scaler=scaler_view(arms),
        diffs=tuple(diff_view(comparison, arms) for comparison in comparisons),
        manifests=manifest_views(arms, integrity),
    )


def _title(arms: Sequence[ArmView]) -> str:
    names = [arm.name.short for arm in arms]
    return " · ".join(names if len(names) <= 3 else [*names[:3], f"{len(names) - 3} more"])
