"""The score of the PROBA-V super-resolution challenge, as it is published, beside our own figures.

Each picture is held against the truth at the best of 7x7 shifts with its brightness free, inside a border of 3, against
a peak of 65535 counts whatever the images use (PROBA-V: 14 of 16 bits, which is worth 12 dB beside a peak of 16383). A
scene's score is the baseline's cPSNR over the picture's; the challenge ranks by their mean, and below 1 beats the
baseline. Source: Maertens et al. 2019, Super-resolution of PROBA-V images using convolutional neural networks. Nothing
else in the trainer counts so; numbers of the field's tables are comparable with these alone.
"""

from dataclasses import dataclass
from math import log10

from trainer.data.scenes import Burst, Doubles
from trainer.metrics import cpsnr, cssim

PEAK_COUNTS = 65535.0
SCALE = 3
"""The challenge's. Of another scale there is no baseline to compare with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeScore:
    """cPSNR in dB against 65535 counts, cSSIM, and the baseline's cPSNR over ours: below 1 it is beaten."""

    cpsnr: float
    cssim: float
    score: float


def challenge_score(image: Doubles, burst: Burst) -> ChallengeScore | None:
    """The score of a picture (H, W) in [0, 1]; None where the challenge's baseline knows no such scene.

    The pixels that count are the truth's clear ones, `SM.png`.
    """
    if burst.norm_db is None or burst.scale != SCALE:
        return None
    share = burst.data_range / PEAK_COUNTS  # of the peak that 1 stands for
    found = cpsnr(image, burst.hr, data_range=1.0, clear=burst.clear_hr).db - 20 * log10(share)
    return ChallengeScore(
        cpsnr=found,
        cssim=cssim(image * share, burst.hr * share, data_range=1.0, clear=burst.clear_hr),
        score=burst.norm_db / found,
    )
