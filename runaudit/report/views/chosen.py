"""Which series are drawn, and in which order: what their names say they are for decides, so that any program's page
shows its losses and results first. Whoever asks for certain ones gets exactly those.
"""

import difflib
import fnmatch
from collections.abc import Mapping, Sequence

from runaudit.errors import UsageError
from runaudit.metrics.catalogue import BASELINES, PRIMARY
from runaudit.metrics.heldout import is_held_out
from runaudit.metrics.roles import Role, role
from runaudit.records.segments import columns_of
from runaudit.report.inputs import ArmInput
from runaudit.report.words import called, clean
from runaudit.text.words import listed

MAIN = "train/loss"
MOST = 12
"""Figures of results that are drawn where nobody asked for certain ones."""
MOST_OF_A_ROLE: Mapping[Role, int] = {Role.LOSS: 5, Role.HELD_OUT: 8, Role.RATE: 2, Role.GRADIENT: 2, Role.SPEED: 2}
"""So that forty parts of a loss do not crowd out the one metric."""
TRAINING = (Role.RATE, Role.GRADIENT, Role.SPEED)
"""What says how it was trained, and not what came out."""


def series_names(arms: Sequence[ArmInput]) -> list[str]:
    """The series of all runs. A final result logged once is a number, not a curve; it stands among the results."""
    logged = [series for arm in arms for run in arm.runs for series in run.trajectory.series.items()]
    return sorted({name for name, points in logged if len(points) > 1 or (name == MAIN and points)}, key=_rank)


def _rank(name: str) -> tuple[object, ...]:
    """The order in which series are looked at: loss, held-out results, further ones; what no training moves, last."""
    is_baseline = any(part.endswith(f"_{key}") for part in name.split("/") for key in BASELINES)
    parts = name.split("/")
    is_whole = parts[-1].lower() in ("loss", "train_loss", "val_loss", "eval_loss", "total_loss")
    return (
        role(name), is_baseline, name != MAIN, is_held_out_loss(name) and not is_whole, not is_whole,
        not name.startswith(f"{PRIMARY}/") and name != PRIMARY, len(parts) > 3, name,
    )  # fmt: skip


def is_held_out_loss(name: str) -> bool:
    """Whether a series is a loss measured on what the network does not learn from."""
    return role(name) is Role.LOSS and is_held_out(name)


def chosen(names: Sequence[str]) -> list[str]:
    """What is drawn where nobody asked: the first of each role, results and how it was trained apart."""
    found: list[str] = []
    for name in names:
        kind = role(name)
        same = sum(role(other) is kind for other in found)
        results = sum(role(other) not in TRAINING for other in found)
        if kind.is_curve and same < MOST_OF_A_ROLE.get(kind, MOST) and (kind in TRAINING or results < MOST):
            found.append(name)
    return found


def constants(names: Sequence[str], arms: Sequence[ArmInput]) -> dict[str, float]:
    """Series that were one and the same number in every run at every step: a sentence says all of it."""
    found = {}
    for name in names:
        if not role(name).is_curve or role(name) is Role.LOSS:
            continue
        first: float | None = None
        for series in (run.trajectory.series.get(name, ()) for arm in arms for run in arm.runs):
            first = series[0][1] if first is None and series else first
            values = columns_of(series)
            if len(values.non_finite) or (values.values != first).any():
                break
        else:
            if first is not None:
                found[name] = first
    return found


def asked(names: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """The series that patterns name, in the order asked for."""
    found: dict[str, None] = {}
    for pattern in wanted:
        hits = [name for name in names if name == pattern] or [n for n in names if fnmatch.fnmatchcase(n, pattern)]
        if not hits:
            near = difflib.get_close_matches(pattern, names, n=3, cutoff=0.4) or names
            words = listed([called(name).short for name in near]) if near else ""
            raise UsageError(
                f"no run logged a series named {clean(pattern)} more than once",
                remedy=f"name one that was: {words}" if words else "these runs logged no series; leave --curves out",
            )
        found |= dict.fromkeys(hits)
    return list(found)
