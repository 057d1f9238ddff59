"""Seeds x sequences: where the spread of an arm comes from. Sequences are fixed blocks, never replicates.

The few test sequences were chosen, not drawn; a verdict holds on these. Treating them as a second random
sample claims a difference without effect in 22 % of comparisons (hierarchical bootstrap, three seeds) where
the test on seed means stays at 4 % (measured).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runaudit.stats.cohort import NO_VALUE, usable, why_left_out
from runaudit.stats.values import ArmValues


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceSummary:
    """One sequence over the seeds of one arm."""

    sequence: str
    mean: float
    sd: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """Two-way table without replication: sd between seeds, sd of what is left, mean per sequence.

    seed_sd: how much a seed shifts all sequences together. residual_sd: how much it shifts each one apart.
    """

    seed_sd: float | None
    residual_sd: float | None
    sequences: tuple[SequenceSummary, ...]


def components(scores: NDArray[np.float64], sequences: Sequence[str]) -> Components:
    """Method of moments on scores (n_seeds, n_sequences); a negative seed variance is reported as 0.

    seed variance = (MS_seed - MS_residual) / n_sequences, sequences as fixed columns.
    """
    n_seeds, n_sequences = scores.shape
    seed_sd = residual_sd = None
    if n_seeds > 1 and n_sequences > 1:
        rows, columns = scores.mean(axis=1), scores.mean(axis=0)
        residual = scores - rows[:, None] - columns[None, :] + scores.mean()
        ms_residual = float((residual**2).sum()) / ((n_seeds - 1) * (n_sequences - 1))
        ms_seed = n_sequences * float(rows.var(ddof=1))
        seed_sd = max(0.0, (ms_seed - ms_residual) / n_sequences) ** 0.5
        residual_sd = ms_residual**0.5
    summaries = (
        SequenceSummary(
            sequence=name,
            mean=float(scores[:, index].mean()),
            sd=float(scores[:, index].std(ddof=1)) if n_seeds > 1 else None,
        )
        for index, name in enumerate(sequences)
    )
    return Components(seed_sd=seed_sd, residual_sd=residual_sd, sequences=tuple(summaries))


def sequence_differences(mine: Components | None, theirs: Components | None) -> tuple[tuple[str, float], ...]:
    """Per sequence, the difference of the means of two arms; shown side by side, tested nowhere."""
    if mine is None or theirs is None:
        return ()
    other = {summary.sequence: summary.mean for summary in theirs.sequences}
    return tuple((s.sequence, s.mean - other[s.sequence]) for s in mine.sequences if s.sequence in other)


def arm_components(arm: ArmValues) -> Components | None:
    """Components of an arm, or None if it names no sequences or any run that counts lacks a number on one of them.

    The runs are those of the arm's own mean: none that failed, and what is one draw once, however often it was run.
    """
    rows = [[np.nan if value is None else float(value) for value in values] for _, values in arm.by_sequence]
    every = np.array(rows, dtype=np.float64).T  # (n_runs, n_sequences)
    if any(why_left_out(arm, index) == NO_VALUE for index in range(len(arm.values))):
        return None
    draws = usable(arm).values()
    scores = np.array([every[places].mean(axis=0) for places in draws]) if every.size and draws else every[:0]
    if scores.size == 0 or not np.isfinite(scores).all():
        return None
    # Rows in an order of their own, so that the order of the runs leaves no trace in the last bits.
    ordered = scores[np.lexsort(scores.T)]
    return components(ordered, [name for name, _ in arm.by_sequence])
