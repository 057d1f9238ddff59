"""RA45: the log itself: whether there is enough of it to judge by, and whether its steps are in order."""
# ruff: noqa: D102  (what a rule checks is told once, in the docstring of its class: users read it too)

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar

from runaudit.health.rising import Rise, rise_of
from runaudit.health.rule import TrajectoryRule
from runaudit.health.tracks import Track, words_of
from runaudit.metrics.catalogue import Direction
from runaudit.records.finding import Finding, Severity
from runaudit.records.segments import Point, repeated, repeated_words
from runaudit.stats.trend import MIN_POINTS
from runaudit.text.words import listed, plural


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """How it was logged: the names of series whose steps went back or came twice where nothing was resumed, with how
    often; again: how many steps came more than once, and how often at the least and the most; lines that were torn."""

    backwards: Mapping[str, int]
    twice: Mapping[str, int]
    torn: int
    again: Mapping[str, tuple[int, int, int]]


def log_of(series: Mapping[str, Sequence[Point]], resumed: Sequence[int], torn: int) -> Log:
    """What is irregular about a log. A resume may repeat steps: what came after it stands."""
    backwards: dict[str, int] = {}
    twice: dict[str, int] = {}
    again: dict[str, tuple[int, int, int]] = {}
    for name, points in series.items():
        if len(points) < 2:
            continue
        back, same = _disorder(points)
        if back and back > len(resumed):
            backwards[name] = back
        if same and not resumed:  # What was imported lies in the order of steps: nothing goes back there.
            twice[name], again[name] = same, repeated(points)
    return Log(backwards=backwards, twice=twice, torn=torn, again=again)


def _disorder(points: Sequence[Point]) -> tuple[int, int]:
    """How often a step is below, and how often it equals, the one before."""
    import numpy as np

    from runaudit.records.points import Points

    if isinstance(points, Points):
        moves = np.diff(np.asarray(points.steps))
        return int((moves < 0).sum()), int((moves == 0).sum())
    steps = [step for step, _ in points]
    moved = [after - before for before, after in pairwise(steps)]
    return sum(move < 0 for move in moved), sum(move == 0 for move in moved)


class LogIrregular(TrajectoryRule):
    """Steps come in order, each once.

    Where they do not, two writers may have shared a log, or a run went on without saying so. The later value of a step
    is what is judged."""

    code = "RA451"
    name = "log_irregular"
    severity = Severity.INFO
    example = "the steps of train/loss go back 3 times, and nothing was resumed"

    def check(self, log: Log) -> Iterator[Finding]:
        for names, what in ((log.backwards, "go back"), (log.twice, "come twice")):
            if names:
                worst = max(names, key=lambda name: (names[name], name))
                others = f", and of {plural(len(names) - 1, 'other series', 'other series')}" if len(names) > 1 else ""
                told = f"the steps of {worst}{others} {what} {plural(names[worst], 'time')}"
                if names is log.twice:
                    steps, fewest, most = log.again[worst]
                    comes = "comes" if steps == 1 else "come"
                    told = f"{plural(steps, 'step')} of {worst}{others} {comes} {repeated_words(fewest, most)}"
                yield self.finding(
                    worst,
                    f"{told}, and nothing was resumed",
                    remedy="log each step once; call event(step, 'resume') where a run goes on",
                    evidence={"series": len(names), "times": names[worst], "sure": "observed"},
                )
        if log.torn:
            yield self.finding(
                "log",
                f"{plural(log.torn, 'line')} of the log {'was' if log.torn == 1 else 'were'} torn and left out",
                remedy="a killed process leaves one; more of them are a disk that is full, or two writers",
                evidence={"torn": log.torn, "sure": "observed"},
            )


class InsufficientPoints(TrajectoryRule):
    """There are enough points to judge by.

    Below ten points a curve has no trend that could be told from chance. What was not asked has not been passed. A
    value that is measured once, or at the end of a stage, is a result and no short curve."""

    code = "RA452"
    name = "insufficient_points"
    severity = Severity.INFO
    limits: ClassVar = {"points": 10.0}
    limit_words: ClassVar = {
        "points": "points below which nothing is said of a trend",
    }
    example = "train/loss has 4 points: too few for any statement on how it moved"

    def check(self, curves: Sequence[Track]) -> Iterator[Finding]:
        least = self.limit("points")
        are_curves = any(track.columns.points >= least for track in curves)
        few = [t for t in curves if 0 < t.columns.points < least and not (are_curves and _is_result(t))]
        if few:
            names = listed([track.name for track in few], limit=4)
            counts = sorted({track.columns.points for track in few})
            spread = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
            yield self.finding(
                few[0].name,
                f"{names} {'has' if len(few) == 1 else 'have'} {spread} {'point' if counts[-1] == 1 else 'points'}: "
                "too few for any statement on how it moved",
                remedy="log more often, or judge it by its values alone",
                evidence={"series": len(few), "points": counts[-1], "sure": "observed"},
            )


_RESULTS = frozenset({"test", "final", "best", "summary", "result", "results"})


def _is_result(track: Track) -> bool:
    """Whether a series was never meant as a curve, beside those that were: one value, or what is measured when a stage
    has come to its end."""
    is_once = track.columns.points == 1 and not (track.is_main and not track.is_held_out)
    return is_once or track.name.partition("/")[0] == "full_frame" or bool(words_of(track.name) & _RESULTS)


class DirectionUnknown(TrajectoryRule):
    """Of every held-out curve it is known which way it improves.

    A name that nobody knows may be of what is to rise or of what is to fall, so whether it worsens is never said of it,
    and its best is not named. Only a curve that went far and came back is wrong either way."""

    code = "RA453"
    name = "direction_unknown"
    severity = Severity.INFO
    limits: ClassVar = {"back": 0.5}
    limit_words: ClassVar = {
        "back": "share of the way back from which is warned",
    }
    example = "val/score was not judged: nobody knows which way it improves"

    def check(self, undirected: Sequence[Track]) -> Iterator[Finding]:
        open_ones = [one for one in undirected if one.is_held_out and one.columns.points >= MIN_POINTS]
        for track in open_ones:
            rise = _came_back(track, self.limit("back"))
            if rise is not None:
                yield self.finding(
                    track.name,
                    f"{track.name} came to {rise.best:.4g} and since step {rise.step} went back to {rise.last:.4g}: "
                    f"{rise.share:.0%} of the way; nobody knows which way it improves",
                    remedy="look at which of the two it should be, and declare it in the policy: [stats.directions] "
                    f'"{track.name}" = "higher" or "lower"; then the other rules judge it',
                    step=rise.step,
                    severity=Severity.WARNING,
                    evidence={"best": rise.best, "last": rise.last, "share": rise.share, "sure": "observed"},
                )
        if open_ones:
            yield self.finding(
                open_ones[0].name,
                f"{listed([one.name for one in open_ones], limit=6)} {'was' if len(open_ones) == 1 else 'were'} not "
                f"judged: nobody knows which way {'it improves' if len(open_ones) == 1 else 'they improve'}",
                remedy="declare it in the policy: [stats.directions] "
                f'"{open_ones[0].name}" = "higher" or "lower"; or log it under a name that says it, as val/error',
                evidence={"series": [one.name for one in open_ones], "sure": "observed"},
            )


def _came_back(track: Track, share: float) -> Rise | None:
    """How far a curve came back from where it had gone, whichever way that was."""
    for direction in Direction:
        directed = replace(track, direction=direction)
        part = directed.parts[-1] if directed.parts else None
        rise = rise_of(part) if part else None
        if part is None or part.shape is None or rise is None or rise.is_recovering:
            continue
        # There and back: a curve that goes one way from its start on has not come back.
        if rise.share >= share and part.shape.progress >= 0.5 * (part.shape.end - part.shape.best):
            return rise
    return None


RULES: tuple[TrajectoryRule, ...] = (LogIrregular(), InsufficientPoints(), DirectionUnknown())
