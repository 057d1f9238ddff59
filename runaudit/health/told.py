"""RA46: what a program told of its own steps: which were not taken, why, and what lay in their batches.

A loop that refuses a bad step protects its weights and hides the cause. Where it says what was not finite and which
tiles it was drawn from, the file to look at can be named.
"""
# ruff: noqa: D102  (what a rule checks is told once, in the docstring of its class: users read it too)

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from runaudit.health.rule import TrajectoryRule
from runaudit.records.finding import Finding, Severity
from runaudit.records.trajectory import Event
from runaudit.text.words import listed, plural

REASONS = {
    "input": "the input was not finite",
    "loss": "the loss was not finite (overflow or NaN)",
    "gradient": "gradients were non-finite (overflow or NaN)",
    "spike": "the gradient was far longer than is usual",
    "loss_spike": "the loss was far larger than is usual",
}
"""The words of `reason`; one that is none of these is told as it stands."""
REMEDIES = {
    "input": "look at these files: a value that is not a number is in the data, or comes of how they are prepared",
    "loss": "a lower learning rate, a longer warm-up, fp32 or bf16; look at the tiles that come up again",
    "gradient": "a lower learning rate, a longer warm-up, fp32 or bf16; look at the tiles that come up again",
}
_SPIKES = "a lower learning rate or a longer warm-up, if there are many; look at the tiles that come up again"


class StepsNotTaken(TrajectoryRule):
    """A step that was not taken has a cause that can be looked at.

    Read are events of kind `skipped` with a `reason` (input, loss, gradient, spike, loss_spike), `what` was not finite,
    and the `tiles` or `bursts` of the batch. What several such batches have in common is named."""

    code = "RA461"
    name = "steps_not_taken"
    severity = Severity.INFO
    limits: ClassVar = {"names": 4.0}
    limit_words: ClassVar = {"names": "how many tiles, bursts or tensors are named"}
    example = "2 steps were not taken since the input was not finite (frames), the first at step 12: burst coins"

    def check(self, skip_events: Sequence[Event]) -> Iterator[Finding]:
        groups: dict[str, list[Event]] = {}
        for event in skip_events:
            groups.setdefault(str(event.detail.get("reason", "of a reason that was not told")), []).append(event)
        for reason, events in groups.items():
            count, first = len(events), min(event.step for event in events)
            what = list(dict.fromkeys(name for event in events for name in _names(event, "what")))
            tiles, bursts = ([_names(event, key) for event in events] for key in ("tiles", "bursts"))
            yield self.finding(
                "train/skipped",
                f"{plural(count, 'step')} {'was' if count == 1 else 'were'} not taken since "
                + REASONS.get(reason, reason)
                + (f" ({self._few(what)})" if what else "")
                + f", {'at' if count == 1 else 'the first at'} step {first}"
                + self._place(reason, tiles, bursts),
                remedy=REMEDIES.get(reason, _SPIKES),
                step=first,
                severity=Severity.WARNING if reason == "input" else Severity.INFO,
                evidence={
                    "reason": reason, "steps": [event.step for event in events], "what": what,
                    "tiles": tiles, "bursts": bursts, "sure": "observed",
                },
            )  # fmt: skip

    def _place(self, reason: str, tiles: Sequence[Sequence[str]], bursts: Sequence[Sequence[str]]) -> str:
        """Where to look: the inputs that were bad; else what all batches have in common, as far as there is any."""
        if reason == "input":
            found = _union(bursts) or _union(tiles)
            return (
                f": {'burst' if any(bursts) else 'tile'}{'s' if len(found) > 1 else ''} {self._few(found)}"
                if found
                else ""
            )
        if len(tiles) == 1:
            return f", in a batch of {self._few(tiles[0])}" if tiles[0] else ""
        shared = [name for name in tiles[0] if all(name in one for one in tiles)]
        return f"; in each of their batches: {self._few(shared)}" if shared else ""

    def _few(self, names: Sequence[str]) -> str:
        return listed(list(names), limit=int(self.limit("names")))


def _union(groups: Sequence[Sequence[str]]) -> list[str]:
    return list(dict.fromkeys(name for group in groups for name in group))


def _names(event: Event, key: str) -> list[str]:
    found: Any = event.detail.get(key)
    return [str(name) for name in found] if isinstance(found, list | tuple) else []


RULES: tuple[TrajectoryRule, ...] = (StepsNotTaken(),)
