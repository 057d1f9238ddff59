"""Several arms against one baseline, all at once: Dunnett's test beside Holm's correction. A companion.

It knows that the comparisons share the baseline's noise and so wastes less than Holm; in return it takes the spread of
all arms to be one, which Welch does not.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from runaudit.stats.answer import ArmComparison
from runaudit.stats.values import Sample, StatsPlan

# The multivariate t is integrated by quasi-Monte-Carlo: below this its digits are noise.
_SMALLEST = 1e-5


def with_dunnett(
    comparisons: Sequence[ArmComparison], arms: Sequence[Sample], baseline: Sample, *, plan: StatsPlan
) -> list[ArmComparison]:
    """The comparisons with Dunnett's p, where there are several and every one could be tested.

    Source: Dunnett 1955, as `scipy.stats.dunnett`. Repeated seeds or pairs leave no p: the test knows neither.
    """
    samples = (*arms, baseline)
    is_plain = not plan.is_paired and all(len(choice) == 1 for sample in samples for choice in sample.choices)
    if len(comparisons) < 2 or not is_plain or any(comparison.p is None for comparison in comparisons):
        return list(comparisons)
    from scipy.stats import dunnett

    # `random_state` is the name that every supported scipy knows.
    found = dunnett(
        *(np.array(arm.values) for arm in arms),
        control=np.array(baseline.values),
        random_state=np.random.default_rng(plan.seed),
    )
    return [
        replace(comparison, dunnett_p=min(1.0, max(float(p), _SMALLEST)))
        for comparison, p in zip(comparisons, found.pvalue, strict=True)
    ]
