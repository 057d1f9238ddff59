"""What the record says of how a run was set up, as far as a rule needs it: precision, scaler, clipping, where it began.

Programs name these as they like, so a leaf is found by its last words; where two leaves of one meaning disagree nothing
is known, and the rule that asks says less.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from runaudit.records.canonical import MAPPINGS

GROWTH_INTERVAL = 2000
"""Clean steps after which PyTorch's GradScaler doubles its scale, where the record says nothing else."""
_CLIP = re.compile(r"(?:max_?)?grad(?:ient)?_?(?:norm_)?clip(?:ping|_val|_value|_norm)?|clip_?grad(?:_?norm)?|"
                   r"max_?grad_?norm|gradient_clip_val|grad_?clip|clip_?norm|clipping")  # fmt: skip
_GROWTH = re.compile(r"growth_?interval|loss_?scale_?window|scale_?window")
_INIT = re.compile(r"init(?:ial)?_?(?:loss_?)?scale|(?:init(?:ial)?_)?loss_?scale_?init")

_PRECISIONS = frozenset({"precision", "amp", "dtype", "amp_dtype", "mixed_precision", "autocast_dtype"})
_FP16 = frozenset({"16", "16-mixed", "fp16", "float16", "half"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """None: the record does not say, or says two things. init_kind: random, resume or checkpoint. is_fp16: whether it
    says that it computes in fp16, where a scaler finds its scale by gradients that are not finite."""

    clip: float | None = None
    growth_interval: int = GROWTH_INTERVAL
    init_scale: float | None = None
    init_kind: str | None = None
    is_fp16: bool = False


def setup_of(config: Mapping[str, Any] | None, init: Mapping[str, Any] | None = None) -> Setup:
    """The setup that a config and the section on the start of a run tell."""
    leaves = list(_leaves(config or {}))
    growth = _one(leaves, _GROWTH)
    kind = (init or {}).get("kind")
    return Setup(
        clip=_one(leaves, _CLIP),
        growth_interval=int(growth) if growth and growth >= 1 else GROWTH_INTERVAL,
        init_scale=_one(leaves, _INIT),
        init_kind=str(kind) if kind else None,
        is_fp16=any(
            (key == "fp16" and value is True)
            or (key in _PRECISIONS and str(value).lower().removeprefix("torch.") in _FP16)
            for key, value in leaves
        ),
    )


def _leaves(value: Mapping[str, Any], depth: int = 0) -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        if isinstance(inner, MAPPINGS) and depth < 20:
            yield from _leaves(inner, depth + 1)
        else:
            yield str(key).lower().replace("-", "_").rpartition(".")[2], inner


def _one(leaves: list[tuple[str, Any]], name: re.Pattern[str]) -> float | None:
    found = {
        float(value)
        for key, value in leaves
        if name.fullmatch(key) and isinstance(value, int | float) and not isinstance(value, bool) and value > 0
    }
    return found.pop() if len(found) == 1 else None
