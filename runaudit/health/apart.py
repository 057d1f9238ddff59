"""RA409, RA410: validation that worsens while training improves, and two measures of one quality that disagree."""
# ruff: noqa: D102  (what a rule checks is told once, in the docstring of its class: users read it too)

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runaudit.health.best import Best
from runaudit.health.rising import Rise, rise_of
from runaudit.health.rule import TrajectoryRule
from runaudit.health.shape import Shape
from runaudit.health.tracks import Part, Track
from runaudit.health.turn import turn_of
from runaudit.metrics.catalogue import QUANTITIES
from runaudit.records.finding import Finding, Severity
from runaudit.stats.trend import MIN_POINTS


class Overfit(TrajectoryRule):
    """The validation does not worsen while the training improves.

    From there on the network learns its examples by heart. A constant gap between the two is none of that; and where
    the held-out quality still improves, a loss that worsens says that the network is too sure, which is told only."""

    code = "RA409"
    name = "overfit"
    severity = Severity.WARNING
    example = "val/loss worsens since about step 3100 (smoothed, from 0.41 to 0.58) while train/loss still falls"

    def check(self, overfits: "Sequence[Overfitting]", best: Best | None) -> Iterator[Finding]:
        for one in overfits:
            kept = f", or take the checkpoint of step {best.step}, where {best.metric} was best" if best else ""
            yield self.finding(
                one.part.track.name,
                f"{one.part.subject} worsens since about step {one.step} (smoothed, from {one.best:.4g} to "
                f"{one.last:.4g}) while {one.learned} still falls"
                + (f", and {one.better} improves" if one.better else ""),
                remedy=f"choose the checkpoint by {one.better}"
                if one.better
                else f"stop at step {one.step}{kept}; then more data, augmentation or weight decay",
                step=one.step,
                severity=Severity.WARNING if one.is_grave else Severity.INFO,
                evidence={"best": one.best, "last": one.last, "share": one.share, "p": one.p, "sure": "observed"},
            )


@dataclass(frozen=True, eq=False, kw_only=True)
class Overfitting:
    """A held-out part that worsens while the training loss named `learned` falls. better: a held-out quality that has
    improved since, empty where none has. Values as they were logged."""

    part: Part
    learned: str
    step: int
    best: float
    last: float
    share: float
    p: float
    better: str = ""

    @property
    def is_grave(self) -> bool:
        """Whether it is about what the network is for, and nothing that says more of it improves."""
        return not self.better and (self.part.track.is_main or self.is_quality)

    @property
    def is_quality(self) -> bool:
        """Whether it is a quality rather than one loss of several."""
        return self.part.track.name.replace("_", "/").split("/")[-1].lower() in QUANTITIES


def overfits_of(held_out: Sequence[Track], losses: Sequence[Track]) -> tuple[Overfitting, ...]:
    """Every held-out series that rose, by Mann-Kendall at p < 0.01 since its best, while the training loss fell."""
    learned = [track for track in losses if track.is_main and not track.is_held_out]
    judges = [track for track in held_out if track.is_plain_quality]
    found = [_overfitting(part, learned, judges) for track in held_out for part in track.parts]
    return tuple(one for one in found if one is not None)


def _overfitting(part: Part, learned: Sequence[Track], judges: Sequence[Track]) -> Overfitting | None:
    rise = rise_of(part, noise=3.0) or _from_its_start(part)
    if rise is None or part.shape is None or rise.share < 0.02 or rise.is_recovering:
        return None
    at = int(part.shape.first.searchsorted(rise.step))
    found = part.shape.trend_of(min(at, len(part.shape) - MIN_POINTS))
    if found is None or not found.is_rising:
        return None
    for track in learned:
        if _falls_since(track, rise.step):
            is_judge = part.track.is_quality and not rise.is_from_start
            better = (one.name for one in judges if not is_judge and one.has_improved_since(rise.step))
            turn = rise.step if rise.is_from_start else int(part.shape.first[turn_of(part.shape)])
            return Overfitting(
                part=part, learned=track.name, step=turn, best=rise.best, last=rise.last, share=rise.share,
                p=found.p, better=next(better, ""),
            )  # fmt: skip
    return None


LEAST_LOST = 0.05
"""Of a quality that was best at its start, the share of it that is lost at the least before it is told."""


def _from_its_start(part: Part) -> Rise | None:
    """The fall of a quality that was never better than at its start: what is trained is something else."""
    shape = part.shape
    if shape is None or not part.track.is_plain_quality or len(shape) < MIN_POINTS or shape.best_at > 0.1 * len(shape):
        return None
    lost, least = shape.end - shape.best, max(12 * shape.noise, LEAST_LOST * abs(shape.best))
    if lost <= least or bool((shape.smooth[-shape.tail :] <= shape.best + 0.5 * lost).any()):
        return None
    return Rise(
        share=1.0, is_from_start=True, step=int(shape.first[shape.best_at]), best=part.told(shape.best),
        best_step=int(shape.last[shape.best_at]), last=part.told(shape.end), noise=shape.noise, is_recovering=False,
    )  # fmt: skip


def _falls_since(track: Track, step: int) -> bool:
    """Whether a training loss was lower at its end than it was then, beyond its noise."""
    shape = track.last_shape
    return shape is not None and shape.change_since(step) < -shape.noise


_SMALL = frozenset({"tile", "tiles", "patch", "patches", "crop", "crops", "cropped"})
_WHOLE = frozenset({"full", "whole", "frame", "fullframe", "image", "full_frame", "uncropped"})
_FULL = _WHOLE - {"frame", "image"}


class MetricDisagreement(TrajectoryRule):
    """Tiles and full frames tell the same.

    A network is chosen on tiles and shown on full frames. Where the one improves while the other worsens, what is
    selected is not what is wanted. Read are pairs of one quantity: one whose name says tile, patch or crop, or no
    more than that it is held out (`val/psnr`), and one that says full, whole or frame (`full_frame/psnr`)."""

    code = "RA410"
    name = "metric_disagreement"
    severity = Severity.WARNING
    example = "tile/psnr rises (p = 1e-8) while full_frame/psnr falls (p = 1e-5) since step 2000"

    def check(self, tiles_and_frames: "Sequence[tuple[Track, Track]]") -> Iterator[Finding]:
        for small, whole in tiles_and_frames:
            step = _worsens_since(whole)
            own, other = _last_shape(small), _last_shape(whole)
            if step is None or own is None or other is None:
                continue
            better = own.trend_of(min(_place(own, step), len(own) // 2))
            worse = other.trend_of(_place(other, step))
            if better is None or worse is None or not better.is_falling or not worse.is_rising:
                continue
            yield self.finding(
                whole.name,
                f"{small.name} improves (p = {better.p:.1g}) while {whole.name} worsens (p = {worse.p:.1g}) since step "
                f"{step}",
                remedy="choose checkpoints by the full frame; look at borders, overlap and what padding does",
                step=step,
                evidence={"p_tile": better.p, "p_full_frame": worse.p, "sure": "observed"},
            )


def tiles_and_frames_of(tracks: Sequence[Track]) -> Iterator[tuple[Track, Track]]:
    """Series of one quantity, taken on small pieces and on the whole."""
    for small in tracks:
        for whole in tracks:
            own, other = _split(small.name), _split(whole.name)
            # A frame may be one of speech: beside what is not said to be small, only the full one is no other measure.
            is_pair = (own[1] & _SMALL and other[1] & _WHOLE) or (small.is_held_out and other[1] & _FULL)
            if own[0] == other[0] and is_pair and not own[1] & _WHOLE:
                yield small, whole


def _split(name: str) -> tuple[str, frozenset[str]]:
    """The quantity that a name ends with, and the words before it."""
    words = [word for word in name.lower().replace("-", "_").replace("/", "_").split("_") if word]
    quantity = next((word for word in words if word in QUANTITIES), "")
    return quantity or name, frozenset(words) - {quantity} if quantity else frozenset()


def _last_shape(track: Track) -> Shape | None:
    """The shape of the last part of a series that has a better and a worse; None of a short one."""
    return track.last_shape if track.direction is not None else None


def _worsens_since(track: Track) -> int | None:
    """Since when a series worsens, should it do so: since it turned; since its start, where it was best then."""
    shape = _last_shape(track)
    if shape is None:
        return None
    if shape.best_at <= 0.1 * len(shape):
        return int(shape.first[0])
    return int(shape.first[min(turn_of(shape), len(shape) - MIN_POINTS)]) if shape.end > shape.best else None


def _place(shape: Shape, step: int) -> int:
    """The block of a step, with enough of them behind it for a trend."""
    return max(0, min(int(shape.first.searchsorted(step)), len(shape) - MIN_POINTS))


RULES: tuple[TrajectoryRule, ...] = (Overfit(), MetricDisagreement())
