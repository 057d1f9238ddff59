"""The network's numbers: one frozen class a block. `trainer.config` holds them beside the rest of a run.

The settings of every choice are always present, so that choosing moves one leaf. A choice that the rest of the network
cannot act on is refused, never passed over: two runs that differ in it would be told apart, and be the same.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Activation = Literal["leaky_relu", "relu", "gelu", "silu", "prelu"]


def ranged(default: float, low: float = 0.0, high: float = math.inf, *, above: bool = False) -> Any:
    """A numeric field that must lie in [low, high], or in (low, high] with `above`."""
    return field(default=default, metadata={"low": low, "high": high, "above": above})


@dataclass(frozen=True, slots=True, kw_only=True)
class TernConfig:
    """Learned registration filters: one k x k kernel per frame."""

    channels: int = ranged(16, 1)
    kernel: int = ranged(5, 1)
    stride: int = ranged(2, 1)
    heads: int = ranged(1, 1)
    identity_start: bool = True
    unit_gain: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowConfig:
    """Local matching: offsets up to `radius`, a window of `reach_px`, then Gauss-Newton passes."""

    radius: int = ranged(3, 1)
    refinements: int = ranged(2, 0)
    reach_px: float = ranged(12.0, 0.0, above=True)
    stride: int = ranged(4, 1)
    hidden: int = ranged(32, 1)
    sharpness: float = ranged(8.0, 0.0, above=True)
    damping: float = ranged(1e-5, 0.0, above=True)
    nearness_px: float = ranged(0.25, 0.0, above=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeformableConfig:
    """Modulated deformable sampling: kernel x kernel taps a pixel, each moved by no more than `reach_px`.

    Offsets and masks are predicted at every `stride`-th low-res pixel.
    """

    channels: int = ranged(16, 1)
    kernel: int = ranged(3, 1)
    stride: int = ranged(2, 1)
    heads: int = ranged(1, 1)
    reach_px: float = ranged(4.0, 0.0, above=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignmentConfig:
    """The swappable block. All kinds are always configured; `kind` alone chooses."""

    kind: Literal["tern", "flow", "deformable"] = "flow"
    tern: TernConfig = field(default_factory=TernConfig)
    flow: FlowConfig = field(default_factory=FlowConfig)
    deformable: DeformableConfig = field(default_factory=DeformableConfig)


@dataclass(frozen=True, slots=True, kw_only=True)
class FusionConfig:
    """TEFA blocks on the registered frames; with none, the permutation-invariant maps alone are fused.

    `activation` is that of the blocks, of slope 0.01 where it leaks.
    """

    channels: int = ranged(16, 1)
    blocks: int = ranged(0)
    heads: int = ranged(1, 1)
    squeeze: int = ranged(8, 1)
    detail_gain: float = ranged(4.0, 0.0, above=True)
    activation: Activation = "leaky_relu"


@dataclass(frozen=True, slots=True, kw_only=True)
class FftHeadConfig:
    """Blocks of FSAS and DFFN (FFTformer): `patch` low-res pixels a side, `expansion` times as many hidden channels.

    `fp32_islands` keeps spectra, what comes back from them and the normalisation after the product in fp32 under
    autocast. Without it they are rounded to the autocast's type, as a transform in half precision stores them: that
    overflows, and is here so that it can be shown.
    """

    patch: int = ranged(8, 2)
    expansion: int = ranged(2, 1)
    fp32_islands: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadConfig:
    """`blocks` blocks at low resolution before the pixel shuffle: `residual` convolutions, or the `fft` transformer.

    `activation` (of slope 0.1 where it leaks) and `normalisation` stand between the two convolutions of a residual
    block; `groups` are those of normalisation = group, `norm_eps` is added to every variance, that of the fft head's
    too. `instance` and `group` normalise by the whole field and so see another one in a tile than in a frame, as
    does `pooling` = global, a gate a channel (squeeze and excite). `local` pools over `window` low-res pixels: give it
    the side of the training tile.
    """

    kind: Literal["residual", "fft"] = "residual"
    channels: int = ranged(48, 1)
    blocks: int = ranged(4)
    activation: Activation = "leaky_relu"
    normalisation: Literal["none", "batch", "layer", "instance", "group"] = "none"
    groups: int = ranged(8, 1)
    norm_eps: float = ranged(1e-5, 0.0, above=True)
    pooling: Literal["none", "global", "local"] = "none"
    window: int = ranged(32, 1)
    squeeze: int = ranged(8, 1)
    fft: FftHeadConfig = field(default_factory=FftHeadConfig)


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmConfig:
    """What the head is told of a whole burst: its `altitude`, by scales and shifts of the features (FiLM).

    Its units, mean and deviation, are those of the training split, sealed with the data and kept with the weights.
    """

    input: Literal["none", "altitude"] = "none"
    hidden: int = ranged(16, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """The network. `topology` = paper is the published PIUnet, which registers deep features (42 channels, 16 blocks).

    It names no reference, so its image lies at the mean of the frames. `anchor` ties it to frame 0: `residual` adds
    what it learned to frame 0 instead of the mean of all; `token` also marks the features of frame 0 by a learned
    vector. `consistency_steps` of back-projection make the picture agree with the frames (estimated motion, the PSF of
    `eval.psf_sigma_hr_px`); they are part of how a picture is made, and no weight knows of them.
    """

    topology: Literal["aligned", "paper"] = "aligned"
    anchor: Literal["none", "residual", "token"] = "none"
    scale: int = ranged(3, 1)
    residual: Literal["registered", "reference", "mean"] = "registered"
    log_scale: bool = False
    consistency_steps: int = ranged(0, 0, 100)
    input_mean: float = ranged(0.0, -math.inf)
    input_deviation: float = ranged(1.0, 0.0, above=True)
    alignment: AlignmentConfig = field(default_factory=AlignmentConfig)
    fusion: FusionConfig = field(default_factory=FusionConfig)
    head: HeadConfig = field(default_factory=HeadConfig)
    film: FilmConfig = field(default_factory=FilmConfig)


def unusable(model: ModelConfig) -> Mapping[str, tuple[bool, str]]:
    """Leaves of the network -> whether the rest of it cannot act on them, and what to do then."""
    tern, deformable, fusion, head = model.alignment.tern, model.alignment.deformable, model.fusion, model.head
    is_paper = model.topology == "paper"
    found = {
        "model.alignment.tern.kernel": (tern.kernel % 2 == 0, "give the kernel an odd side"),
        "model.alignment.tern.heads": (tern.channels % tern.heads > 0, "let the heads divide the channels"),
        "model.alignment.kind": (
            is_paper and model.alignment.kind == "deformable",
            'set model.topology = "aligned": the paper\'s network registers deep features by TERN',
        ),
        "model.alignment.deformable.kernel": (deformable.kernel % 2 == 0, "give the kernel an odd side"),
        "model.alignment.deformable.heads": (
            deformable.channels % deformable.heads > 0,
            "let the heads divide the channels",
        ),
        "model.fusion.heads": (fusion.channels % fusion.heads > 0, "let the heads divide the channels"),
        "model.fusion.activation": (
            fusion.activation != "leaky_relu" and not fusion.blocks and not is_paper,
            "set model.fusion.blocks to 1 or more: without blocks there is nothing to activate",
        ),
        "model.anchor": (
            model.anchor != "none" and not is_paper,
            'set model.anchor = "none": an aligned network registers to frame 0 as it is',
        ),
        "model.film.input": (
            model.film.input != "none" and is_paper,
            'set it to "none", or model.topology = "aligned": the paper has its own heads',
        ),
        "model.head.groups": (
            head.normalisation == "group" and head.channels % head.groups > 0,
            "let the groups divide the channels",
        ),
    }
    return found | {f"model.head.{name}": told for name, told in _head_choices(head, is_paper=is_paper).items()}


def _head_choices(head: HeadConfig, *, is_paper: bool) -> dict[str, tuple[bool, str]]:
    """Choices of the residual head that another head would pass over."""
    plain, has_own = HeadConfig(), ("activation", "normalisation", "pooling")
    told = {}
    for name in ("kind", *has_own):
        default = getattr(plain, name)
        chosen = getattr(head, name) != default
        if is_paper:
            told[name] = (chosen, f'set it to "{default}", or model.topology = "aligned": the paper has its own heads')
        elif name != "kind":
            is_fft = head.kind == "fft"
            told[name] = (chosen and is_fft, f'set it to "{default}", or model.head.kind = "residual"')
    return told
