"""What the pixels of a dataset say against what is believed of it.

The shapes of a dataset can all be right while its truth lies a third of a pixel beside its frames, is stored at another
depth, or came from a frame that the other split holds too. A perfect image that lies 0.25 high-res pixels off scores
34 dB, 1.0 pixels off 23 dB, where bicubic has 26 (three photographs of the demo): whoever trains on such pairs learns
nothing that a full frame shows.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import ceil, hypot, log2, log10
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runaudit.errors import UsageError
from trainer.data.layout import Place
from trainer.data.png import stored_bits
from trainer.data.registration import register
from trainer.data.scenes import Burst, DatasetMeta, Doubles, Floats, Mask

OFFSET_LR_PX = 0.1
"""A truth further off is told: at x3 that is 0.3 high-res pixels, which cap a perfect image near 33 dB."""
ALIKE = 0.5
"""The truth, made small, correlates with its reference at least so; the demo's bursts with 0.99."""
SMOOTHING_LR_PX = 2.0
"""Before they are correlated: what lies a pixel off, or is noisy, is still alike."""
BRIGHTER = 1.5
"""A truth so many times as bright as its reference, or as dark, is told."""
OTHER_UNIT = 16.0
"""So many times as bright it is counted in another unit: 8 bits read as 16 are 257 times too dark."""
UNUSED_RANGE = 0.5
"""The highest count there is, as a share of the declared range, below which the range is told."""
SATURATED = 0.01
"""A larger share of pixels at the top count is told."""
COVERED = 0.5
"""A reference or a truth of which less is clear is told."""
INVERTED = 0.1
"""Where less than this is clear in half of the bursts, the masks may be the other way round."""
REGISTERED = 12
"""Bursts of a split that are registered, evenly chosen: a check of a thousand is to take seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is kept of a burst once its pixels are let go.

    bits: of the stored frames and of the stored truth. top: the highest fraction of the range in any image. saturated:
    share of the reference's pixels there. clear: shares of the reference and of the truth. brightness: the truth's mean
    over the reference's, both where clear; None where one is black. alike: their correlation; offset: where the truth
    lies, (dy, dx) in low-res pixels from the reference; both None where they were not asked, or cannot be said. frames,
    truth: digests of their pixels; empty of a frame that is one flat value.
    """

    name: str
    split: str
    bits: frozenset[int]
    truth_bits: int
    top: float
    saturated: float
    clear: tuple[float, float]
    brightness: float | None
    alike: float | None
    offset: tuple[float, float] | None
    frames: tuple[str, ...]
    truth: str

    @property
    def is_in_other_unit(self) -> bool:
        """Whether the truth is so much brighter or darker than its reference that it is counted in another unit."""
        return self.brightness is not None and not 1 / OTHER_UNIT <= self.brightness <= OTHER_UNIT


def facts_of(burst: Burst, place: Place, *, is_registered: bool) -> Facts:
    """Look at one burst. is_registered: whether its truth is laid over its reference, most of the time it takes."""
    small, seen = _made_small(burst)
    alike = _alike(burst.lr[0], small, seen) if is_registered else None
    return Facts(
        name=place.name,
        split=place.split,
        bits=frozenset(stored_bits(path) for path in place.frame_files()),
        truth_bits=stored_bits(place.folder / "HR.png"),
        top=float(max(burst.lr.max(), burst.hr.max())),
        saturated=float((burst.lr[0] >= 1.0).mean()),
        clear=(float(burst.clear_lr[0].mean()), float(burst.clear_hr.mean())),
        brightness=_brightness(burst, small, seen),
        alike=alike,
        offset=_offset(burst, small, seen) if alike is not None and alike >= ALIKE else None,
        frames=tuple("" if np.ptp(frame) == 0 else _digest(frame) for frame in burst.lr),
        truth=_digest(burst.hr),
    )


def problems_of(facts: Sequence[Facts]) -> Iterator[str]:
    """What makes a dataset unfit: judged by what was trained on, or a truth in another unit than its frames."""
    truths = _first_of(facts, lambda one: [one.truth])
    frames = _first_of(facts, lambda one: one.frames)
    for one in facts:
        other = truths[one.truth]
        if other.split != one.split:
            yield f"{one.name} in {one.split} shows the same truth as {other.name} in {other.split}"
            continue
        shared = [frames[digest] for digest in one.frames if digest]
        elsewhere = [other for other in shared if other.split != one.split]
        if elsewhere:
            what = "a frame" if len(elsewhere) == 1 else f"{len(elsewhere)} frames"
            yield f"{one.name} in {one.split} shares {what} with {elsewhere[0].name} in {elsewhere[0].split}"
    for one in facts:
        if one.brightness is not None and one.is_in_other_unit:
            stored = f"; frames are stored at {_bits(one.bits)}, the truth at {one.truth_bits} bits"
            yield f"{one.name}: the truth is {_times(one.brightness)} as its reference{stored}"


def remarks_of(facts: Sequence[Facts], meta: DatasetMeta) -> Iterator[str]:
    """What can be trained on and is worth a look first."""
    yield from _of_range(facts, meta)
    yield from _of_clearance(facts)
    for split in ("train", "test"):
        yield from _of_place([one for one in facts if one.split == split], split, meta)
    alone = [one for one in facts if len(set(one.frames) - {""}) < sum(map(bool, one.frames))]
    if alone:
        yield f"{_named(alone)}: frames of one burst are equal to the bit; equal frames give fusion nothing"


def _of_range(facts: Sequence[Facts], meta: DatasetMeta) -> Iterator[str]:
    top = max((one.top for one in facts), default=1.0)
    if 0 < top < UNUSED_RANGE:
        count = round(top * meta.data_range)
        yield (
            f"the highest count is {count} ({ceil(log2(count + 1))} bits), the data range {meta.data_range:g}: PSNR is"
            f" counted against the range, {-20 * log10(top):.1f} dB above one against {count}"
        )
    mixed = [one for one in facts if one.bits != {one.truth_bits}]
    if mixed:
        one = mixed[0]
        yield f"{_named(mixed)}: frames of {_bits(one.bits)} beside a truth of {one.truth_bits} bits"
    full = [one for one in facts if one.saturated > SATURATED]
    if full:
        worst = max(full, key=lambda one: one.saturated)
        yield f"{_named(full)}: up to {worst.saturated:.1%} of the reference is at the top count, saturated"
    unlike = [
        one
        for one in facts
        if one.brightness is not None and not one.is_in_other_unit and not 1 / BRIGHTER <= one.brightness <= BRIGHTER
    ]
    if unlike:
        worst = max(unlike, key=lambda one: abs(log2(one.brightness or 1.0)))
        yield f"{_named(unlike)}: the truth is up to {_times(worst.brightness or 1.0)} as its reference"


def _of_clearance(facts: Sequence[Facts]) -> Iterator[str]:
    if facts and median(min(one.clear) for one in facts) < INVERTED:
        yield f"less than {INVERTED:.0%} is clear in half of the bursts: in a mask white is clear; are they inverted?"
        return
    covered = [one for one in facts if min(one.clear) < COVERED]
    if covered:
        worst = min(covered, key=lambda one: min(one.clear))
        what = "reference" if worst.clear[0] <= worst.clear[1] else "truth"
        yield f"{_named(covered)}: less than half is clear (the {what} of {worst.name}: {min(worst.clear):.0%})"


def _of_place(facts: Sequence[Facts], split: str, meta: DatasetMeta) -> Iterator[str]:
    """Where the truths of a split lie: all beside their references by one offset, or each elsewhere."""
    unlike = [one for one in facts if one.alike is not None and one.alike < ALIKE]
    if unlike:
        worst = min(unlike, key=lambda one: one.alike or 0.0)
        yield f"{_named(unlike)}: the truth shows something else than its reference (correlation {worst.alike:.2f})"
    offsets = [one.offset for one in facts if one.offset is not None]
    if not offsets:
        return
    dy, dx = (median(offset[axis] for offset in offsets) for axis in (0, 1))
    far = median(hypot(*offset) for offset in offsets)
    looked = f"{len(offsets)} {split} burst{'s' if len(offsets) > 1 else ''} looked at"
    if hypot(dy, dx) > OFFSET_LR_PX:
        yield (
            f"the truth lies {dy:+.2f}, {dx:+.2f} low-res pixels (down, right) from its reference ({looked}): an offset"
            f" they share comes from how images were made small; a network that keeps to frame 0 is judged"
            f" {hypot(dy, dx) * meta.scale:.1f} high-res pixels off"
        )
    elif far > OFFSET_LR_PX:
        yield (
            f"truths lie {far:.2f} low-res pixels from their references, each in another direction ({looked}): judge by"
            f" the registered measure (full_frame/registered_gain_db), and train with loss.shift_border"
        )


def _made_small(burst: Burst) -> tuple[Doubles, Mask]:
    """The truth as the mean of each low-res pixel (h, w), and where all of it and the reference are clear."""
    s = burst.scale
    _, h, w = burst.lr.shape
    small = burst.hr.astype(np.float64).reshape(h, s, w, s).mean(axis=(1, 3))
    return small, burst.clear_hr.reshape(h, s, w, s).all(axis=(1, 3)) & burst.clear_lr[0]


def _brightness(burst: Burst, small: Doubles, seen: Mask) -> float | None:
    if not seen.any():
        return None
    truth, reference = float(small[seen].mean()), float(burst.lr[0][seen].mean())
    return truth / reference if truth > 0 and reference > 0 else None


def _alike(reference: Floats, small: Doubles, seen: Mask) -> float | None:
    """Correlation of what lies in both; None where one of them is flat, or little of it is clear."""
    from scipy import ndimage

    if seen.sum() < 100:
        return None
    smooth = [
        np.asarray(ndimage.gaussian_filter(image.astype(np.float64), SMOOTHING_LR_PX, mode="nearest"))[seen]
        for image in (reference, small)
    ]
    if min(float(np.std(image)) for image in smooth) == 0:
        return None
    return float(np.corrcoef(smooth[0], smooth[1])[0, 1])


def _offset(burst: Burst, small: Doubles, seen: Mask) -> tuple[float, float] | None:
    """Where the truth lies by registration; None where too little of it can be registered."""
    pair = Burst(
        name=burst.name,
        lr=np.stack([burst.lr[0], small.astype(np.float32)]),
        hr=burst.hr,
        clear_lr=np.stack([burst.clear_lr[0], seen]),
        clear_hr=burst.clear_hr,
        scale=burst.scale,
    )
    try:
        dy, dx, _ = register(pair).motion[1]
    except UsageError:
        return None
    return -float(dy), -float(dx)  # The motion says which point a pixel sees; its content lies the other way.


def _first_of(facts: Iterable[Facts], parts: Callable[[Facts], Iterable[str]]) -> dict[str, Facts]:
    """Each digest -> the burst that showed it first."""
    found: dict[str, Facts] = {}
    for one in facts:
        for digest in parts(one):
            found.setdefault(digest, one)
    return found


def _digest(pixels: NDArray[Any]) -> str:
    """Of the pixels, not of the file: the same image packed anew is the same image."""
    return sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()


def _named(facts: Sequence[Facts]) -> str:
    first = facts[0].name
    return first if len(facts) == 1 else f"{first} and {len(facts) - 1} more burst{'s' if len(facts) > 2 else ''}"


def _bits(bits: frozenset[int]) -> str:
    return " and ".join(map(str, sorted(bits))) + " bits"


def _times(ratio: float) -> str:
    return f"{ratio:.1f} times as bright" if ratio >= 1 else f"{1 / ratio:.1f} times as dark"
