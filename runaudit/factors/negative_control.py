"""A measurement that no training can move: the full-frame PSNR of bicubic interpolation.

It depends on the test images and the metric alone. If it differs between two runs, the data or the metric changed,
whatever the hashes say.
"""

from collections.abc import Mapping

from runaudit.metrics.catalogue import CONTROL
from runaudit.records.results import ends_of
from runaudit.records.run import Run

_PREFIX = f"{CONTROL}/"
TOLERANCE_DB = 1e-4
"""Summation order moves a float64 PSNR by far less; the least real change, a border of one pixel, by far more."""


def controls(run: Run) -> Mapping[str, float]:
    """The control of each sequence: a final metric, or the last value of its series."""
    found = {name: points[-1][1] for name, points in ends_of(run).series.items() if name.startswith(_PREFIX) and points}
    return found | {name: value for name, value in run.metrics.items() if name.startswith(_PREFIX)}


def control_barriers(a: Run, b: Run) -> tuple[str, ...]:
    """Why the controls forbid a comparison; empty where they agree or only one run has them."""
    left, right = controls(a), controls(b)
    if not left or not right:
        return ()
    if left.keys() != right.keys():
        names = sorted(name.removeprefix(_PREFIX) for name in left.keys() ^ right.keys())
        return (f"the test sequences differ: {', '.join(names)} in one run only",)
    moved = [name for name in sorted(left) if not abs(left[name] - right[name]) <= TOLERANCE_DB]
    if not moved:
        return ()
    shown = ", ".join(name.removeprefix(_PREFIX) for name in moved)
    values = f"{left[moved[0]]:.4f} → {right[moved[0]]:.4f} dB"
    return (f"bicubic PSNR moved on {shown} ({values}), and no training moves it: the test data or the metric changed",)
