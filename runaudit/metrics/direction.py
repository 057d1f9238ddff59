"""Which way a metric improves. Known names are known; any other direction is declared or the judge refuses.

Guessing wrong turns a regression into a success, so a name that mixes words of both kinds, or a word that
turns the meaning round (`psnr_gap`, `accuracy_drop`), counts as unknown.
"""

import re
from enum import StrEnum

from runaudit.errors import UsageError


class Direction(StrEnum):
    """Which way the metric improves."""

    HIGHER = "higher"
    LOWER = "lower"


# fmt: off
HIGHER_IS_BETTER = frozenset({
    "psnr", "cpsnr", "ssim", "cssim", "msssim", "vif", "accuracy", "acc", "auc", "auroc", "f1", "iou",
    "miou", "dice", "map", "precision", "recall", "bleu", "rouge", "r2", "snr",
})
LOWER_IS_BETTER = frozenset({
    "loss", "l1", "l2", "mae", "mse", "rmse", "nll", "error", "err", "lpips", "fid", "kid",
    "perplexity", "ppl", "wer", "cer", "ece", "bpd", "sam", "ergas", "niqe", "brisque",
})
_TURNS_ROUND = frozenset({
    "gap", "drop", "reduction", "delta", "diff", "difference", "ratio", "std", "sd", "var", "variance",
    "range", "neg", "negative", "inverse", "minus", "rank",
})
# fmt: on


def known_direction(metric: str) -> Direction | None:
    """The direction a metric's name settles, or None. `val/psnr`, `full_frame.ssim`, `test_loss` are
    known.
    """
    words = {word for word in re.split(r"[^a-z0-9]+", metric.lower()) if word}
    if words & _TURNS_ROUND:
        return None
    up, down = bool(words & HIGHER_IS_BETTER), bool(words & LOWER_IS_BETTER)
    if up == down:
        return None
    return Direction.HIGHER if up else Direction.LOWER


def settle_direction(metric: str, declared: Direction | None) -> Direction:
    """The declared direction, or the known one.

    Raises UsageError if neither exists, or if they contradict each other: one of the two is then a mistake.
    """
    known = known_direction(metric)
    if declared is None and known is None:
        raise UsageError(
            f"whether a higher or a lower '{metric}' is better is not known",
            remedy="declare it: --direction higher or --direction lower",
        )
    if declared is not None and known is not None and declared != known:
        raise UsageError(
            f"'{metric}' was declared as {declared} is better, but that name means {known} is better",
            remedy="correct the direction, or give the metric another name",
        )
    return declared or known  # type: ignore[return-value]  # both None was refused above
