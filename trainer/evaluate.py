"""Full-frame evaluation: the network beside bicubic, beside back-projection, beside itself without extra frames.

Every image is clipped to [0, 1] once, whoever made it, and compared inside one border. A mean of tile PSNR
is given too, under its own name: on the same image it is 0.05 to 3.2 dB higher than the full frame's, so it
is never compared with it.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import torch

from trainer.baseline import PEAK, Baseline, Protocol, Shelf, baseline_of, clipped
from trainer.challenge import ChallengeScore, challenge_score
from trainer.classical import back_projection, bicubic
from trainer.data.registration import register
from trainer.data.scenes import Burst, Doubles
from trainer.metrics import cpsnr, psnr, ssim
from trainer.panels import Images
from trainer.tiling import Net, TilingConfig, reference_copies, tiled_frame, whole_frame

TILE_HR_PX = 96  # of the mean of tile PSNR: the size of a training tile at x3


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationConfig:
    """How images are compared, how the tiled picture is made, and how far every picture is made to agree with its
    frames (`Consistent`)."""

    protocol: Protocol = field(default_factory=Protocol)
    tiling: TilingConfig = field(default_factory=TilingConfig)
    consistency_steps: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceResult:
    """One sequence judged. dB at peak 1 inside the border, unless a name says otherwise.

    single_frame_psnr: the same network fed T copies of the reference. tiled_minus_whole_db: PSNR of the
    tiled picture minus that of the whole-frame one; tiled_difference: their mean absolute difference inside
    the border. cpsnr: registered, the best over all shifts of the truth by up to 3 high-res pixels, with the
    brightness free; beside `psnr` it says what a picture loses by lying elsewhere, and cpsnr_shift where it lies.
    mean_tile_psnr: mean of dB over tiles of 96 pixels, not comparable with `psnr`. challenge: what PROBA-V's would say
    of it, where its baseline knows the scene.
    """

    name: str
    psnr: float
    ssim: float
    cpsnr: float
    cpsnr_shift: tuple[int, int]
    cpsnr_bias: float
    single_frame_psnr: float
    mean_tile_psnr: float
    tiled_psnr: float
    tiled_minus_whole_db: float
    tiled_difference: float
    baseline: Baseline
    challenge: ChallengeScore | None = None

    @property
    def gain_db(self) -> float:
        """Over bicubic of the reference."""
        return self.psnr - self.baseline.bicubic_psnr

    @property
    def registered_gain_db(self) -> float:
        """Over bicubic of the reference, both registered."""
        return self.cpsnr - self.baseline.bicubic_cpsnr


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The figures of a sequence and the pictures behind them."""

    result: SequenceResult
    images: Images


class Consistent:
    """What a network's picture of a burst becomes: back-projection from it, then clipped to the data range.

    A picture whose small, blurred copies are not the frames is wrong by as much, whoever made it. steps: none leaves
    the picture as the network gave it.
    """

    def __init__(self, burst: Burst, protocol: Protocol, steps: int) -> None:
        self._burst, self._steps, self._psf = burst, steps, protocol.psf_sigma_hr_px
        self._found = register(burst) if steps else None

    def __call__(self, image: Doubles) -> Doubles:
        """(H, W) of the network -> (H, W) in [0, 1]."""
        if self._found is None:
            return clipped(image)
        return clipped(
            back_projection(
                self._burst,
                psf_sigma_hr_px=self._psf,
                found=self._found,
                iterations=self._steps,
                start=np.asarray(image, dtype=np.float64),
            )
        )


def _only_reference(burst: Burst) -> Burst:
    """T copies of the reference, which lie where they lie."""
    copies = np.repeat(burst.clear_lr[:1], burst.frames, axis=0)
    return replace(burst, lr=reference_copies(burst), clear_lr=copies, motion=None)


def evaluate_sequence(
    net: Net,
    burst: Burst,
    config: EvaluationConfig | None = None,
    *,
    shelf: Shelf | None = None,
    device: torch.device | str = "cpu",
) -> Judged:
    """Judge `net` on one full-frame burst. `net`: (1, T, h, w) in [0, 1] -> (1, H, W) or (1, 1, H, W).

    The caller puts the model into evaluation mode and, if wanted, wraps it in autocast. shelf: see `baseline_of`.
    """
    config = EvaluationConfig() if config is None else config
    arguments = config.protocol.arguments(burst)
    finished = Consistent(burst, config.protocol, config.consistency_steps)
    whole = finished(whole_frame(net, burst.lr, device=device))
    one_tile = config.tiling.tile >= max(burst.lr.shape[1:])
    tiled = (
        whole
        if one_tile
        else finished(tiled_frame(net, burst.lr, scale=burst.scale, tiling=config.tiling, device=device))
    )
    alone = _only_reference(burst)
    single = Consistent(alone, config.protocol, config.consistency_steps)(whole_frame(net, alone.lr, device=device))
    corrected = cpsnr(whole, burst.hr, **arguments)
    whole_db, tiled_db = (psnr(image, burst.hr, **arguments) for image in (whole, tiled))
    b = config.protocol.border_hr_px
    H, W = whole.shape
    result = SequenceResult(
        name=burst.name,
        psnr=whole_db,
        ssim=ssim(whole, burst.hr, **arguments),
        cpsnr=corrected.db,
        cpsnr_shift=corrected.shift,
        cpsnr_bias=corrected.bias,
        single_frame_psnr=psnr(single, burst.hr, **arguments),
        mean_tile_psnr=mean_tile_psnr(whole, burst),
        tiled_psnr=tiled_db,
        tiled_minus_whole_db=tiled_db - whole_db,
        tiled_difference=float(np.abs(tiled - whole)[b : H - b, b : W - b].mean()),
        baseline=baseline_of(burst, config.protocol, shelf=shelf),
        challenge=challenge_score(whole, burst),
    )
    images = Images(
        low=burst.lr[0],
        bicubic=clipped(bicubic(burst.lr[0], burst.scale)),
        super_resolved=whole,
        truth=burst.hr,
        scale=burst.scale,
    )
    return Judged(result=result, images=images)


def mean_tile_psnr(image: Doubles, burst: Burst, *, tile: int = TILE_HR_PX) -> float:
    """Mean over whole tiles of their PSNR in dB: what tile-based reports show, and no full-frame figure."""
    H, W = burst.hr.shape
    side = min(tile, H, W)
    corners = ((y, x) for y in range(0, H - side + 1, side) for x in range(0, W - side + 1, side))
    windows = [(slice(y, y + side), slice(x, x + side)) for y, x in corners]
    return float(
        np.mean(
            [
                psnr(image[at], burst.hr[at], data_range=PEAK, clear=burst.clear_hr[at])
                for at in windows
                if burst.clear_hr[at].any()
            ]
        )
    )
