"""Small real objects for the judge's tests."""

from collections.abc import Callable

import pytest

from runaudit.metrics.catalogue import Direction
from runaudit.stats.answer import StatsAnswer
from runaudit.stats.judge import judge
from runaudit.stats.values import ArmValues, Comparability, StatsPlan

SINGLE = Comparability(verdict="single_factor", factors=("config.lr",))


@pytest.fixture
def arm() -> Callable[..., ArmValues]:
    """Make an arm of values with seeds 1, 2, …"""

    def make(label: str, *values: float | None, **parts: tuple[object, ...]) -> ArmValues:
        seeds = parts.pop("seeds", tuple(range(1, len(values) + 1)))
        return ArmValues(label=label, seeds=seeds, values=values, **parts)

    return make


@pytest.fixture
def judged() -> Callable[..., StatsAnswer]:
    """Judge arms on PSNR, one factor apart, with any part of the plan changed."""

    def call(
        *arms: ArmValues,
        design: Comparability = SINGLE,
        metric: str = "psnr",
        direction: Direction | None = None,
        baseline: int | str = -1,
        **plan: object,
    ) -> StatsAnswer:
        return judge(arms, metric=metric, direction=direction, design=design, baseline=baseline, plan=StatsPlan(**plan))

    return call
