"""Every metric that is known, in one table: which way it improves, its unit, the digits it is worth, its words.

Judge, page, list and the reader of claims ask here, so a metric is added by one line of `QUANTITIES` and is then known
to all of them, wherever it was measured: `val/psnr`, `full_frame/psnr/camera` and `test_psnr` are one quantity.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from runaudit.errors import UsageError


class Direction(StrEnum):
    """Which way the metric improves."""

    HIGHER = "higher"
    LOWER = "lower"

    @property
    def other(self) -> "Direction":
        """The other way."""
        return Direction.LOWER if self is Direction.HIGHER else Direction.HIGHER


@dataclass(frozen=True, slots=True)
class Quantity:
    """What is measured: its words, which way it improves (None: its name settles none), unit, digits worth showing."""

    words: str
    direction: Direction | None
    unit: str = ""
    digits: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric's name read: the quantity, its words where it was measured, and the test sequence it was taken on."""

    name: str
    quantity: Quantity
    words: str
    sequence: str | None = None

    @property
    def unit(self) -> str:
        """The unit, empty where there is none or none is known."""
        return self.quantity.unit

    @property
    def digits(self) -> int:
        """Decimals that are worth showing."""
        return self.quantity.digits


_HIGHER, _LOWER = Direction.HIGHER, Direction.LOWER


def declared_directions(words: Mapping[str, str]) -> dict[str, Direction]:
    """What a policy says of metrics, metric -> higher or lower. Raises UsageError for another word."""
    for name, word in words.items():
        if word not in tuple(Direction):
            raise UsageError(f"{word!r} is no direction of {name}", remedy="write higher or lower")
    return {name: Direction(word) for name, word in words.items()}


QUANTITIES: Mapping[str, Quantity] = {
    # the word that names it: what it is
    "psnr": Quantity("PSNR", _HIGHER, "dB", 2),
    "cpsnr": Quantity("cPSNR", _HIGHER, "dB", 2),
    "snr": Quantity("SNR", _HIGHER, "dB", 2),
    "ssim": Quantity("SSIM", _HIGHER),
    "cssim": Quantity("cSSIM", _HIGHER),
    "msssim": Quantity("MS-SSIM", _HIGHER),
    "vif": Quantity("VIF", _HIGHER),
    "accuracy": Quantity("accuracy", _HIGHER),
    "acc": Quantity("accuracy", _HIGHER),
    "auc": Quantity("AUC", _HIGHER),
    "auroc": Quantity("AUROC", _HIGHER),
    "f1": Quantity("F1", _HIGHER),
    "iou": Quantity("IoU", _HIGHER),
    "miou": Quantity("mIoU", _HIGHER),
    "dice": Quantity("Dice", _HIGHER),
    "map": Quantity("mAP", _HIGHER),
    "map50": Quantity("mAP50", _HIGHER),
    "ap": Quantity("AP", _HIGHER),
    "ap50": Quantity("AP50", _HIGHER),
    "mrr": Quantity("MRR", _HIGHER),
    "ndcg": Quantity("nDCG", _HIGHER),
    "precision": Quantity("precision", _HIGHER),
    "recall": Quantity("recall", _HIGHER),
    "bleu": Quantity("BLEU", _HIGHER),
    "rouge": Quantity("ROUGE", _HIGHER),
    "r2": Quantity("R²", _HIGHER),
    "kappa": Quantity("Cohen's kappa", _HIGHER),
    "mcc": Quantity("MCC", _HIGHER),
    "jaccard": Quantity("Jaccard index", _HIGHER),
    "dsc": Quantity("Dice", _HIGHER),
    "hits": Quantity("hits", _HIGHER),
    "spearman": Quantity("Spearman's rho", _HIGHER),
    "pearson": Quantity("Pearson's r", _HIGHER),
    "success": Quantity("success", _HIGHER),
    "winrate": Quantity("share of wins", _HIGHER),
    "loglik": Quantity("log-likelihood", _HIGHER),
    "loglikelihood": Quantity("log-likelihood", _HIGHER),
    "likelihood": Quantity("likelihood", _HIGHER),
    "return": Quantity("return", _HIGHER),
    "reward": Quantity("reward", _HIGHER),
    "rew": Quantity("reward", _HIGHER),
    "rewards": Quantity("reward", _HIGHER),
    "returns": Quantity("return", _HIGHER),
    "top1": Quantity("top-1 accuracy", _HIGHER),
    "top5": Quantity("top-5 accuracy", _HIGHER),
    "meteor": Quantity("METEOR", _HIGHER),
    "chrf": Quantity("chrF", _HIGHER),
    "cider": Quantity("CIDEr", _HIGHER),
    "bertscore": Quantity("BERTScore", _HIGHER),
    "loss": Quantity("loss", _LOWER),
    "l1": Quantity("L1", _LOWER),
    "l2": Quantity("L2", _LOWER),
    "mae": Quantity("MAE", _LOWER),
    "mse": Quantity("MSE", _LOWER),
    "rmse": Quantity("RMSE", _LOWER),
    "nll": Quantity("NLL", _LOWER),
    "mape": Quantity("MAPE", _LOWER),
    "smape": Quantity("sMAPE", _LOWER),
    "wape": Quantity("WAPE", _LOWER),
    "mase": Quantity("MASE", _LOWER),
    "rmsle": Quantity("RMSLE", _LOWER),
    "crps": Quantity("CRPS", _LOWER),
    "pinball": Quantity("pinball loss", _LOWER),
    "brier": Quantity("Brier score", _LOWER),
    "hausdorff": Quantity("Hausdorff distance", _LOWER),
    "hd95": Quantity("95 % Hausdorff distance", _LOWER),
    "logloss": Quantity("log loss", _LOWER),
    "error": Quantity("error", _LOWER),
    "err": Quantity("error", _LOWER),
    "lpips": Quantity("LPIPS", _LOWER),
    "fid": Quantity("FID", _LOWER),
    "kid": Quantity("KID", _LOWER),
    "perplexity": Quantity("perplexity", _LOWER),
    "ppl": Quantity("perplexity", _LOWER),
    "wer": Quantity("WER", _LOWER),
    "cer": Quantity("CER", _LOWER),
    "ece": Quantity("ECE", _LOWER),
    "bpd": Quantity("bits per dimension", _LOWER),
    "bpb": Quantity("bits per byte", _LOWER),
    "bpc": Quantity("bits per character", _LOWER),
    "bce": Quantity("binary cross entropy", _LOWER),
    "nce": Quantity("NCE", _LOWER),
    "ctc": Quantity("CTC", _LOWER),
    "huber": Quantity("Huber", _LOWER),
    "hinge": Quantity("hinge", _LOWER),
    "nelbo": Quantity("negative ELBO", _LOWER),
    "epe": Quantity("end-point error", _LOWER, "px", 3),
    "sam": Quantity("SAM", _LOWER),
    "ergas": Quantity("ERGAS", _LOWER),
    "niqe": Quantity("NIQE", _LOWER),
    "brisque": Quantity("BRISQUE", _LOWER),
}
"""A word of a metric's name -> the quantity."""

SHARES = frozenset({
    "accuracy", "acc", "auc", "auroc", "f1", "iou", "miou", "dice", "dsc", "map", "map50", "ap", "ap50", "mrr",
    "ndcg", "precision", "recall", "jaccard", "hits", "success", "winrate", "top1", "top5", "bleu", "rouge", "wer",
})  # fmt: skip
"""Words of shares, which one program writes from 0 to 1 and the other in percent."""

NAMED: Mapping[str, Quantity] = {
    "full_frame/registration_error_px": Quantity("registration error", _LOWER, "px", 3),
    "full_frame/gain_db": Quantity("full-frame gain over bicubic", None, "dB", 2),
    "full_frame/challenge_cpsnr": Quantity("cPSNR as PROBA-V's challenge counts it", _HIGHER, "dB", 2),
    "full_frame/challenge_cssim": Quantity("cSSIM as PROBA-V's challenge counts it", _HIGHER, "", 4),
    "full_frame/challenge_score": Quantity(
        "PROBA-V challenge score, the baseline's cPSNR over this one", _LOWER, "", 4
    ),
    "full_frame/psnr_single_frame": Quantity("PSNR of the same network fed one frame only", _HIGHER, "dB", 2),
    "full_frame/psnr_control": Quantity("PSNR of the same network fed one frame only", _HIGHER, "dB", 2),
    "full_frame/psnr_tiled": Quantity("PSNR of the same network run tile by tile", _HIGHER, "dB", 2),
    "registration_error_px": Quantity("registration error", _LOWER, "px", 3),
    "train/loss": Quantity("training loss", _LOWER, "", 5),
    "train/lr": Quantity("learning rate", None, "", 6),
    "train/grad_norm": Quantity("gradient norm", None, "", 3),
    "amp/scale": Quantity("loss scale", None, "", 0),
    "time/step_s": Quantity("time per step", None, "s", 3),
    "time_to_train_minutes": Quantity("time to train", _LOWER, "min", 2),
}
"""Whole names that say something else, or more, than their words do. What follows them is a sequence."""

PRIMARY = "full_frame/psnr"
"""What is judged where nobody named a metric: the mean over its sequences, or each of them."""
BASELINES: Mapping[str, str] = {
    "bicubic": "bicubic of the reference frame",
    "ibp": "IBP with estimated motion",
    "registered_median": "the median of the registered frames",
}
"""What no training moves: `full_frame/psnr_<key>/<sequence>` -> its words."""
CONTROL = f"{PRIMARY}_bicubic"
"""The negative control: it depends on the test images and the metric alone."""

_PLACES = {"full_frame": "full-frame", "tile": "tile", "val": "validation", "valid": "validation", "test": "test",
           "eval": "evaluation", "train": "training"}  # fmt: skip
"""Where a quantity was measured, as the first part of a name says it."""
_UNITS = {"_db": "dB", "_px": "px", "_s": "s"}
"""A name's end that says the unit."""
_TURNS_ROUND = frozenset({
    "gap", "drop", "reduction", "delta", "diff", "difference", "std", "sd", "range", "neg", "negative", "minus",
    "improvement", "increase", "decrease", "degradation", "change", "chosen", "rejected", "deficit", "shortfall",
    "gain", "gains", "lift", "skill", "excess", "inv", "inverted", "negated", "flipped", "complement", "reciprocal",
    "forget", "forgotten", "forgetting", "unlearn", "unlearned", "unlearning", "attack", "attacks", "attacker",
    "adversary", "opponent", "backdoor", "trojan", "poison", "poisoned", "membership", "mia",
    "leak", "leakage", "bias", "disparity", "free",
})  # fmt: skip
"""Words with which a name is of a difference of the quantity, in its unit, or of one side of it (the rewards of what is
chosen, and of what is rejected, both fall in a preference training), or of somebody who is to fail (an attacker, what
is to be forgotten): which way it improves is then open."""
_RIVALS = frozenset({"discriminator", "disc", "d", "netd"})
"""Words of a network that is made to fail: it is no better the more often it is right."""
_PLAYERS = frozenset({
    "d", "g", "gen", "generator", "critic", "adv", "adversarial", "actor", "policy", "pg", "value", "vf", "q", "qf",
    "surrogate", "gan", "netg", "real", "fake", "domain", "alpha", *_RIVALS,
})  # fmt: skip
"""Words of one side of a game, or of a part of reinforcement learning: its loss is measured against what the other side
does, or what the policy visits, and falls where a training fails as well (Goodfellow et al. 2014, section 3: a
discriminator that wins leaves the generator nothing to learn by)."""
_NEGATED = re.compile(r"(?:^|[/(])\s*(?:(?:1|one)\s*[-\u2212\u2013]\s*|[-\u2212\u2013]+)(?=[a-z])", re.IGNORECASE)
"""`1-ssim`, `-loss`, `val/1 - accuracy`; `top-1-acc`, `layer_1-loss` and `train - loss` are none."""
_PLAIN_WORDS = frozenset({
    "full", "frame", "epoch", "step", "mean", "avg", "average", "final", "best", "last", "top", "macro", "micro",
    "weighted", "ema", "score", "rate",
})  # fmt: skip
"""Words of a name that change nothing of which way it improves."""
_OTHER_KINDS = frozenset({
    "weight", "weights", "threshold", "thresholds", "thresh", "thr", "coef", "coeff", "coefficient", "lambda",
    "patience", "tolerance", "epsilon", "schedule", "cutoff", "variance", "ratio", "inverse", "rank", "var",
})  # fmt: skip
"""Words with which a name is of something else: `mse_weight` is a setting, `iou_threshold` a place on an axis."""
_OTHER_HEADS = frozenset({
    "scale", "factor", "count", "counts", "time", "seconds", "size", "margin", "eps", "budget", "limit", "steps",
    "index", "idx", "code",
})  # fmt: skip
"""Words that say so where a part of a name ends with them: `loss_scale`, while `psnr/scale_2` is a PSNR."""
_OTHER_STARTS = frozenset({"num", "time", "steps", "epochs"})
"""And where it begins with them: `time_to_accuracy` is a time."""


def metric(name: str) -> Metric:
    """What a metric's name means. A name that says no place, or is not known, stands for itself."""
    if (known := _named(name)) is not None:
        sequence = name[len(known) + 1 :]
        words = _on(NAMED[known].words, sequence)
        return Metric(name=name, quantity=NAMED[known], words=words, sequence=sequence or None)
    place, _, rest = name.partition("/")
    key, _, sequence = rest.partition("/")
    own = QUANTITIES.get(key.lower())
    if place in _PLACES and own is not None:
        words = _on(f"{_PLACES[place]} {own.words}", sequence)
        return Metric(name=name, quantity=own, words=words, sequence=sequence or None)
    unit = unit_of(name)
    words = f"validation {rest}" if place == "val" and rest else name
    quantity = QUANTITIES.get(name.lower()) or Quantity(words, known_direction(name), unit, 2 if unit == "dB" else 4)
    return Metric(name=name, quantity=quantity, words=words)


@lru_cache(maxsize=4096)
def known_direction(name: str) -> Direction | None:
    """The direction a metric's name settles, or None. `val/psnr`, `full_frame.ssim`, `test_loss` are known.

    Guessing wrong turns a regression into a success, so a name that mixes words of both kinds, or a word that turns
    the meaning round (`psnr_gap`, `accuracy_drop`) or is of another kind (`mse_weight`), counts as unknown.
    """
    words = _words(name)
    is_of_rival = bool(words & (_PLAYERS if "loss" in words else _RIVALS))
    is_of_rival |= {"entropy", "loss"} <= words and not words & {"cross", "binary", "categorical", "softmax"}
    if words & _TURNS_ROUND or is_of_rival or of_other_kind(name) or _NEGATED.search(name):
        return None
    if (known := _named(name)) is not None:
        return NAMED[known].direction
    found = {quantity.direction for word, quantity in QUANTITIES.items() if word in words}
    if not found and {"cross", "entropy"} <= words:
        return Direction.LOWER
    return found.pop() if len(found) == 1 else None


def is_plain(name: str) -> bool:
    """Whether nothing in a name is left open: a place, a quantity, a sequence. Of any other name what is read of it is
    a guess, which whoever declares it knows better."""
    if known_direction(name) is None:
        return False
    if _named(name) is not None or metric(name).quantity in QUANTITIES.values():
        return True
    known = QUANTITIES.keys() | _PLACES.keys() | _PLAIN_WORDS | {"dev", "validation", "training", "evaluation"}
    return all(word in known or word.isdigit() for word in _words(name))


def unit_of(name: str) -> str:
    """The unit that a metric's name says; empty where it says none."""
    if (known := _named(name)) is not None:
        return NAMED[known].unit
    quantities = [quantity for word, quantity in QUANTITIES.items() if word in _words(name)]
    found = {quantity.unit for quantity in quantities}
    # Of several kinds (`psnr_error`) the name does not say which one is counted in what.
    if (
        len(found) == 1
        and len({one.direction for one in quantities}) == 1
        and not of_other_kind(name)
        and "" not in found
    ):
        return found.pop()
    return next((unit for end, unit in _UNITS.items() if name.lower().endswith(end)), "")


def is_share(name: str) -> bool:
    """Whether a metric is a share, which may be written in percent as well."""
    return known_direction(name) is not None and bool(_words(name) & SHARES)


def of_other_kind(name: str) -> bool:
    """Whether a name with a quantity's word in it is of something else: a setting, a count, a time."""
    parts = [[word for word in re.split(r"[^a-z0-9]+", part) if word] for part in name.lower().split("/")]
    ends = {part[-1] for part in parts if part}
    starts = {part[0] for part in parts if len(part) > 1}
    return bool(_words(name) & QUANTITIES.keys()) and bool(
        _OTHER_KINDS & _words(name) or _OTHER_HEADS & ends or _OTHER_STARTS & starts
    )


def is_quantity(name: str, *, is_directed: bool = False) -> bool:
    """Whether a name stands for one quantity, so that its parts may be averaged: `val` of `val/psnr` does not."""
    return is_directed or known_direction(name) is not None


def _named(name: str) -> str | None:
    """The whole name that this one is, or is a sequence of."""
    return next((known for known in NAMED if name == known or name.startswith(f"{known}/")), None)


def _words(name: str) -> set[str]:
    return {word for word in re.split(r"[^a-z0-9]+", name.lower()) if word}


def _on(words: str, sequence: str) -> str:
    return f"{words} on {sequence}" if sequence else words
