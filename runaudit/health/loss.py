"""RA40: the losses themselves: numbers that are none, training that turned, spikes, curves that stand still.

How far a curve came back is measured in units of how far it had come (`r` = rise from the best, over progress to the
best), and only where both are well above the noise of its block medians: a ratio of losses means nothing for a
likelihood below zero, and a line through a noisy curve is crossed by chance.
"""
# ruff: noqa: D102  (what a rule checks is told once, in the docstring of its class: users read it too)

from collections.abc import Iterator, Sequence
from typing import ClassVar

from runaudit.health.best import Best
from runaudit.health.counted import Counter
from runaudit.health.excuses import grown
from runaudit.health.rising import Rise, any_rise_of, rise_of
from runaudit.health.rule import TrajectoryRule
from runaudit.health.shape import FEW, HUGE, SCATTER, noise_of, stretches
from runaudit.health.tracks import Part, Track, words_of
from runaudit.metrics.roles import Role
from runaudit.records.finding import Finding, Severity
from runaudit.records.points import Points
from runaudit.stats.trend import MIN_POINTS
from runaudit.text.words import plural


class NonfiniteLoss(TrajectoryRule):
    """Losses and results are numbers.

    One batch that gave NaN or infinity is bad data or an overflow; many are a training that has stopped to be one, and
    a curve that ends so has no last value that could be reported."""

    code = "RA401"
    name = "nonfinite_loss"
    severity = Severity.CRITICAL
    limits: ClassVar = {"warn": 0.001, "critical": 0.01, "in_a_row": 20.0, "at_the_end": 3.0}
    limit_words: ClassVar = {
        "warn": "share of points that are no number, above which is warned",
        "critical": "share above which it is critical",
        "in_a_row": "points in a row that are critical",
        "at_the_end": "points at the end that are critical",
    }
    example = "train/loss is not finite at 212 of 5000 points, first at step 4788, and to the end from there"

    def check(self, numbers: Sequence[Track], nan_steps: Counter | None) -> Iterator[Finding]:
        yield from self._counted(nan_steps)
        losses = [track for track in numbers if track.role is Role.LOSS and len(track.columns.values)]
        are_well = bool(losses) and not any(len(_faults(track)) for track in losses)
        for track in numbers:
            # Of any other series no rule says a thing, and the page tells what it holds.
            yield from self._beyond(track) if track.role < Role.OTHER or track.is_main else ()
            bad = _faults(track)
            if not len(bad):
                continue
            total = len(bad) + len(track.columns.values)
            longest, tail = _in_a_row(track, bad)
            ends = tail >= min(self.limit("at_the_end"), total)
            end = ", and to the end" if tail == len(bad) > 1 else ", and at its end" if tail and total > 1 else ""
            share = len(bad) / total
            yield self.finding(
                track.name,
                f"{track.name} is not finite at {len(bad)} of {plural(total, 'point')}, first at step {bad.steps[0]}"
                + end,
                remedy=_GO_BACK if ends and len(track.columns.values) else _FIND,
                step=int(bad.steps[0]),
                # A single value of a thin record may be one that was never measured.
                # A result that has no value yet, or none now and then (an AUC of one class), was not lost.
                severity=self._severity(len(bad), share, longest, tail, ends=ends)
                if total >= MIN_POINTS and not (are_well and _is_undefined(track, ends=ends))
                else min(Severity.WARNING, self._severity(len(bad), share, longest, tail, ends=ends)),
                evidence={"count": len(bad), "points": total, "in_a_row": longest, "at_the_end": tail,
                          "sure": "observed"},
            )  # fmt: skip

    def _beyond(self, track: Track) -> Iterator[Finding]:
        """Of values whose squares are no numbers: no rule can say anything of such a curve, which is no pass."""
        import numpy as np

        values = np.asarray(track.columns.values)
        beyond = np.flatnonzero(np.abs(values) >= HUGE)
        if not len(beyond):
            return
        first, ends = int(track.columns.steps[beyond[0]]), int(beyond[-1]) == len(values) - 1
        yield self.finding(
            track.name,
            f"{track.name} is beyond {HUGE:g} at {len(beyond)} of {plural(len(values), 'point')}, first at step {first}"
            + (", and at its end" if ends else ""),
            remedy=_GO_BACK if ends and len(beyond) < len(values) else _FIND,
            step=first,
            severity=Severity.CRITICAL if ends and len(values) >= MIN_POINTS else Severity.WARNING,
            evidence={"count": len(beyond), "points": len(values), "limit": HUGE, "sure": "observed"},
        )

    def _counted(self, nan_steps: Counter | None) -> Iterator[Finding]:
        """Of steps that are counted and never logged."""
        if nan_steps is None or not nan_steps.count:
            return
        count, total = nan_steps.count, int(nan_steps.steps[-1] - nan_steps.steps[0])
        firsts, lengths = nan_steps.runs
        longest = int(lengths.max()) if len(lengths) else 1
        tail = int(lengths[-1]) if len(lengths) and firsts[-1] + lengths[-1] > nan_steps.steps[-1] else 0
        ends = tail >= self.limit("at_the_end")
        yield self.finding(
            nan_steps.name,
            f"the loss of {count} of {plural(total, 'step')} was not finite, first by step {nan_steps.first}"
            + (", and to the end" if tail == count else ", and at its end" if tail else ""),
            remedy=_GO_BACK if ends else _FIND,
            step=nan_steps.first,
            severity=self._severity(count, count / max(1, total), longest, tail, ends=ends),
            evidence={"count": count, "points": total, "in_a_row": longest, "at_the_end": tail, "sure": "observed"},
        )

    def _severity(self, count: int, share: float, longest: int, tail: int, *, ends: bool) -> Severity:
        # Of a young run one bad batch is a large share, and of the same run a while later none to speak of.
        if ends or (share > self.limit("critical") and count > FEW) or longest >= self.limit("in_a_row"):
            return Severity.CRITICAL
        return Severity.WARNING if tail or (share > self.limit("warn") and count > 1) else Severity.INFO


_FIND = "find the first batch that does it; check its inputs, logarithms, divisions and square roots"
_GO_BACK = "no result of this run can be reported; go back to a checkpoint from before that step"


def _is_undefined(track: Track, *, ends: bool) -> bool:
    """Whether it is a result, and no loss, that never had a value or has one in the end."""
    is_lost = ends and len(track.columns.values) > 0
    return not is_lost and track.role not in (Role.LOSS, Role.SCALER) and not track.is_main


def _faults(track: Track) -> Points:
    """What is not finite and stands for no step at which nothing was measured. Of an evaluation most steps are such: it
    has values at even distances, from the start on, and where the next one should have come it is a number no more. A
    training loss is computed at every step, or over an epoch of them."""
    import numpy as np

    good, bad = track.columns.steps, track.columns.non_finite
    if track.role is Role.LOSS and not track.is_held_out and "epoch" not in words_of(track.name):
        return bad
    if len(good) < 3 or len(bad) < 3 * len(good) or not np.isnan(np.asarray(bad.values)).all():
        return bad
    usual = float(np.median(np.diff(good)))
    if np.diff(good).max() > 2 * usual or good[0] - bad.steps[0] > 2 * usual:
        return bad
    due = good[-1] + usual if bad.steps[-1] - good[-1] > 2 * usual else bad.steps[-1] + 1
    return bad[int(np.searchsorted(np.asarray(bad.steps), due)) :]


def _in_a_row(track: Track, bad: Points) -> tuple[int, int]:
    """How many points in a row were not finite at most, and how many of them the last ones are."""
    import numpy as np

    good = track.columns.steps
    # Where a bad point would stand among the good ones: equal places are neighbours.
    places = np.searchsorted(good, np.asarray(bad.steps))
    counts = np.unique(places, return_counts=True)
    return int(counts[1].max()), int((places == len(good)).sum())


class Divergence(TrajectoryRule):
    """A training that got somewhere does not leave it again.

    Where the loss rose from its best by a good part of what it had gained, and stayed there, the last weights are worse
    than earlier ones. What drove it away, one run cannot show."""

    code = "RA402"
    name = "divergence"
    severity = Severity.CRITICAL
    limits: ClassVar = {"warn": 0.1, "critical": 0.5, "noise": 5.0}
    limit_words: ClassVar = {
        "warn": "share of the gain that is lost, from which is warned",
        "critical": "share from which it is critical",
        "noise": "how far gain and loss must be above the noise, in standard deviations",
    }
    example = "val/l1 rose from 0.021 to 0.094 since step 25000: worse than where it began"

    def check(
        self,
        curves: Sequence[Track],
        terms: Sequence[Track],
        rates: Sequence[Track],
        levels: Sequence[Track],
        overfitted: frozenset[str],
        best: Best | None,
        goes_on: bool,
    ) -> Iterator[Finding]:
        judges = [track for track in curves if track.is_quality or (track.is_held_out and track.is_main)]
        for track in curves:
            if track.name in overfitted:
                continue
            for part in track.parts:
                rise = any_rise_of(part, [*rates, *levels], noise=self.limit("noise"), goes_on=goes_on)
                # While a rate is warmed up a loss may rise from where it began: what was never gained is not lost.
                if rise is not None and goes_on and rise.is_early:
                    continue
                if rise is not None and rise.share >= self.limit("warn"):
                    # What a loss is made of may change; what it is for may improve all the same: a value function
                    # whose targets grow, a likelihood that is less sure of more right answers.
                    better = [t.name for t in judges if not track.is_quality and _is_above(t, track, rise.step)]
                    doubts = [f"while {name} improves" for name in better[:1]]
                    # The loss of an agent has no level: what it is for is the reward.
                    kept = [t.name for t in judges if words_of(t.name) & _REWARDS and _is_kept(t)]
                    doubts += [
                        f"while {name} holds what it gained" for name in kept[:1] if not (better or track.is_quality)
                    ]
                    doubts += [f"while {words}" for words in [grown(track, terms, curves, rise)] if words]
                    yield self._found(part, rise, best, doubts, is_calm=bool(better or kept) or rise.share < 1)

    def _found(self, part: Part, rise: Rise, best: Best | None, doubts: Sequence[str], *, is_calm: bool) -> Finding:
        lost = f"{rise.share:.0%} of what it had gained is lost"
        lost = f"{rise.last / rise.best:.0f} times as high" if rise.is_in_decades else lost
        end = "worse than where it began" if rise.share >= 1 else lost
        what = f"{part.subject} {'fell' if rise.last < rise.best else 'rose'}"
        kept = f": step {best.step} was best ({best.metric} {best.value:.4g})" if best else ""
        return self.finding(
            part.track.name,
            f"{what} from {rise.best:.4g} to {rise.last:.4g} since step {rise.step}: {end}{rise.words}"
            + "".join(f" ({doubt})" for doubt in doubts),
            remedy=f"use {'the best validation checkpoint' if best else 'a checkpoint from before'}, not the last"
            f"{kept}; look at gradient norm and scale at that step, then try a lower learning rate, warm-up or "
            "clipping, one at a time",
            step=rise.step,
            severity=Severity.INFO if doubts and is_calm else self._severity(part, rise),
            evidence={"best": rise.best, "best_step": rise.best_step, "last": rise.last, "share": rise.share,
                      "noise": rise.noise, "sure": "observed"},
        )  # fmt: skip

    def _severity(self, part: Part, rise: Rise) -> Severity:
        is_term = part.track.role is Role.LOSS and not part.track.is_main
        if rise.is_explained or (rise.is_recovering and rise.share < 1) or is_term:
            return Severity.INFO
        if rise.is_recovering or rise.is_late or rise.is_in_decades or rise.is_both_ways:
            return Severity.WARNING
        return Severity.CRITICAL if rise.share >= self.limit("critical") else Severity.WARNING


def _is_above(judge: Track, track: Track, step: int) -> bool:
    """Whether a curve that says more than this one has improved since: quality more than loss, held-out more than
    learned."""
    says_more = judge.is_quality or not track.is_held_out
    return judge is not track and says_more and judge.has_improved_since(step)


_REWARDS = frozenset({"reward", "rewards", "rew", "return", "returns"})


def _is_kept(judge: Track) -> bool:
    """Whether a curve improved and did not fall back since."""
    part = judge.parts[-1] if judge.parts else None
    if part is None or not len(part.steps):
        return False
    return judge.has_improved_since(int(part.steps[0])) and rise_of(part) is None


BACK = 0.25
"""Of a jump that came back no more than this share is left two blocks later."""


class Spike(TrajectoryRule):
    """The loss has no spikes.

    A jump that is gone after a few steps did no lasting harm, which nobody knows while it happens. One is told of;
    several high ones say that the training is close to where it would not come back."""

    code = "RA403"
    name = "spike"
    severity = Severity.WARNING
    limits: ClassVar = {"sigma": 8.0, "steps": 3.0, "share": 0.03, "several": 5.0}
    limit_words: ClassVar = {
        "sigma": "height above the noise, in standard deviations",
        "steps": "points from which a high spike is a long one",
        "share": "share of the run in which it must be back",
        "several": "high spikes from which is warned",
    }
    example = "train/loss jumped from 0.41 to 3.9 at step 5210 and was back 12 points later"

    def check(self, losses: Sequence[Track], rates: Sequence[Track]) -> Iterator[Finding]:
        for track in losses:
            for part in track.parts:
                found = _spikes(part, self.limit("sigma"), self.limit("share"))
                found = [one for one in found if not _restarted(rates, one[0], one[3])]
                if not found:
                    continue
                step, value, usual, until, points = max(found, key=lambda one: one[1] - one[2])
                high = [one for one in found if _is_high(part, one[1] - one[2], one[4])]
                long = [one for one in high if one[4] >= self.limit("steps")]
                is_grave = track.is_main and (len(high) >= self.limit("several") or len(long) > 1)
                others = f"; {plural(len(found) - 1, 'smaller one')} besides" if len(found) > 1 else ""
                yield self.finding(
                    track.name,
                    f"{part.subject} jumped from {usual:.4g} to {value:.4g} at step {step} and was back "
                    f"{plural(points, 'point')} later{others}",
                    remedy="look at the batches of these steps and at the gradient norm before clipping; nothing need "
                    "be done about one",
                    step=step,
                    severity=Severity.WARNING if is_grave else Severity.INFO,
                    evidence={"value": value, "usual": usual, "points": points, "until": until, "spikes": len(found),
                              "sure": "observed"},
                )  # fmt: skip


def _is_high(part: Part, height: float, points: int) -> bool:
    """Whether a jump takes back half of what was gained or more: less does a harder batch, or a harder task. A single
    point does so where noise has heavy tails, unless it is higher still."""
    return part.shape is not None and height >= (0.5 if points > 1 else 3.0) * part.shape.progress


def _spikes(part: Part, sigma: float, share: float) -> list[tuple[int, float, float, int, int]]:
    """(step, value, what is usual there, last step, points) of every jump that came back."""
    import numpy as np

    values = part.values
    count = len(values)
    block = max(5, round(count * share / 2))
    blocks = count // block
    if blocks < 6:
        return []
    scaled = np.log(values) if values.min() > 0 else np.clip(values, -HUGE, HUGE)
    medians = np.median(scaled[: blocks * block].reshape(blocks, block), axis=1)
    # A jump is one against what was before it and what comes after: a steep descent is none. The two blocks next to it
    # may be part of it.
    at = np.arange(blocks)
    sizes = np.full(blocks, block)
    sizes[-1] += count - blocks * block
    usual = np.repeat(np.maximum(medians[np.maximum(at - 2, 0)], medians[np.minimum(at + 2, blocks - 1)]), sizes)
    residual = scaled - usual
    calm = np.abs(scaled - np.repeat(medians, sizes))
    line = max(sigma * max(noise_of(scaled), float(SCATTER * np.median(calm))), 1e-12)
    if residual.max() <= line:
        return []  # Of most curves; what follows is a third of the cost.
    # Noise with heavy tails throws single points far out all the time: a spike stands out from those as well.
    # Many spikes in a short log are themselves a twentieth of it: the next quantile, of which theirs is at most twice.
    tenth, twentieth = np.quantile(calm, [0.9, 0.95]) if count >= 100 else (0.0, 0.0)
    wild = float(min(twentieth, 2 * tenth))
    high = residual > max(line, 3.0 * wild)
    high[: 2 * block] = high[-block:] = False
    starts, ends = stretches(high)
    found = []
    for start, end in _joined(list(zip(starts.tolist(), ends.tolist(), strict=True)), block):
        if end - start > 2 * block:
            continue
        top = start + int(scaled[start:end].argmax())
        # It was back only if what came after it is near to what was before: a restart that is learnt away is no spike.
        place = min(top // block, blocks - 1)
        back, after = float(medians[max(place - 2, 0)]), float(medians[min(place + 2, blocks - 1)])
        if after - back > BACK * (float(scaled[top]) - back):
            continue
        found.append((
            int(part.steps[start]), float(values[top]), float(np.exp(back)) if values.min() > 0 else back,
            int(part.steps[end - 1]), end - start,
        ))  # fmt: skip
    return found


def _joined(stretches: list[tuple[int, int]], gap: int) -> list[tuple[int, int]]:
    """Stretches with less than half of `gap` between them are one."""
    joined: list[tuple[int, int]] = []
    for start, end in stretches:
        if joined and start - joined[-1][1] < gap // 2:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _restarted(rates: Sequence[Track], first: int, last: int) -> bool:
    """Whether the learning rate was raised at these steps: then the jump has its reason."""
    import numpy as np

    for track in rates:
        steps, values = track.columns.steps, track.columns.values
        low, high = np.searchsorted(steps, first, side="left") - 2, np.searchsorted(steps, last, side="right") + 1
        near = values[max(0, low) : high]
        if len(near) > 1 and (near[1:] > 1.2 * near[:-1]).any():
            return True
    return False


RULES: tuple[TrajectoryRule, ...] = (NonfiniteLoss(), Divergence(), Spike())
