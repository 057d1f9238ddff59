"""Whether an Ultralytics training ended by its own early stopping, which writes no word of it.

It watches one number, its fitness, and ends when `patience` epochs have passed since the best. The number is not in
`results.csv`, what it is made of is: of detection 0.1 mAP50 + 0.9 mAP50-95, mAP50-95 alone in later releases, summed
over boxes, masks and poses; of classification the mean of top-1 and top-5 (`fitness` in ultralytics/utils/metrics.py,
YOLOv5's in utils/metrics.py).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

Points = Sequence[tuple[int, float]]
_FINE = re.compile(r"metrics/mAP(?:50-95|_0\.5:0\.95)(\([BMP]\))?")
_TOP = "metrics/accuracy_top1", "metrics/accuracy_top5"
_WEIGHTS = (0.1, 0.9), (0.0, 1.0)


def stopped_early(settings: Mapping[str, Any], series: Mapping[str, Points]) -> bool:
    """Whether the last epoch lies `patience` epochs behind the best, and none before it lay further behind its own."""
    patience = settings.get("patience")
    if isinstance(patience, bool) or not isinstance(patience, int) or patience < 1:
        return False
    return any(_waits(points) == patience for points in _fitnesses(series))


def _fitnesses(series: Mapping[str, Points]) -> Iterator[Points]:
    """What it may have watched, by the releases."""
    if all(name in series for name in _TOP):
        yield _weighted([(series[name], 0.5) for name in _TOP])
    fine = {match[1] or "": name for name in series if (match := _FINE.fullmatch(name))}
    coarse = {kind: name.replace("50-95", "50").replace("0.5:0.95", "0.5") for kind, name in fine.items()}
    if fine and all(name in series for name in coarse.values()):
        for low, high in _WEIGHTS:
            yield _weighted([(series[table[kind]], weight) for kind in fine
                             for table, weight in ((coarse, low), (fine, high))])  # fmt: skip


def _weighted(parts: Sequence[tuple[Points, float]]) -> Points:
    tables = [(dict(points), weight) for points, weight in parts]
    steps = sorted(set.intersection(*(set(table) for table, _ in tables)))
    return [(step, sum(weight * table[step] for table, weight in tables)) for step in steps]


def _waits(points: Points) -> int | None:
    """The epochs from the best to the last; None where an earlier one lay as far behind, and none stopped there."""
    waits: list[int] = []
    best, at = 0.0, 0
    for step, value in points:
        # An equal one is a new best in some releases; what is right to the last digit of the table is rarely equal.
        if not waits or (isfinite(value) and value > best) or best == 0.0:
            best, at = value if isfinite(value) else 0.0, step
        waits.append(step - at)
    return waits[-1] if waits and waits[-1] > max(waits[:-1], default=-1) else None
