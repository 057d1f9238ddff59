"""RA50: how many samples an update sees, and what depends on it."""
# ruff: noqa: D102  (what a rule checks is told once, in the docstring of its class: users read it too)

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar

from runaudit.guard.lint.facts import Before, Effective, Presence
from runaudit.guard.lint.written import Place
from runaudit.records.finding import Finding, Severity
from runaudit.rules import Rule
from runaudit.text.words import plural


class EffectiveBatch(Rule):
    """The effective batch is known.

    An update sees batch x accumulation x processes. 4 x 16 and 32 x 2 are one gradient noise; 4 x 16 and 4 x 1 are two,
    though both say "batch 4"."""

    code = "RA501"
    name = "effective_batch"
    severity = Severity.INFO
    switchable = True
    example = "batch 4 x accumulation 16 x world 1 = 64"

    def check(self, effective: Effective) -> Iterator[Finding]:
        one = effective
        note = " (no accumulation is set)" if one.assumed else ""
        yield self.finding(
            "config",
            f"batch {one.micro} x accumulation {one.accumulation} x world {one.world} = {one.total}{note}",
            evidence={"micro": one.micro, "accumulation": one.accumulation, "world": one.world, "total": one.total},
        )


class MicroBatchNorm(Rule):
    """Batch norm sees enough samples.

    Batch norm takes its statistics from the samples of one step in one process. Accumulation makes the gradient smooth
    and leaves these statistics as noisy as they are."""

    code = "RA502"
    name = "micro_batch_norm"
    severity = Severity.WARNING
    switchable = True
    limits: ClassVar[Mapping[str, float]] = MappingProxyType({"micro": 8})
    limit_words: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"micro": "samples in a batch of one process, fewer than"}
    )
    example = "batch norm (models/head.py:51) takes its statistics from 4 samples; accumulation does not help"

    def check(self, micro: int, batch_norms: tuple[Place, ...]) -> Iterator[Finding]:
        if batch_norms and micro < self.limit("micro"):
            yield self.finding(
                "config",
                f"batch norm ({batch_norms[0]}) takes its statistics from {plural(micro, 'sample')}; "
                "accumulation does not help",
                remedy="are its statistics frozen or synchronised? else group norm, or more samples a step",
                evidence={"micro": micro, "places": [str(place) for place in batch_norms[:10]]},
            )


class TinyBatch(Rule):
    """A large model is updated from more than a few samples.

    The noise of a gradient falls with the samples it is averaged over; at a handful, large models need small rates."""

    code = "RA503"
    name = "tiny_effective_batch"
    severity = Severity.WARNING
    switchable = True
    limits: ClassVar[Mapping[str, float]] = MappingProxyType({"batch": 8, "parameters": 1e8})
    limit_words: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"batch": "samples in an effective batch, fewer than", "parameters": "parameters of the network, more than"}
    )
    example = "an update of 1.6e+09 parameters sees 4 samples"

    def check(self, effective: Effective, parameters: int, from_scratch: Presence) -> Iterator[Finding]:
        few = effective.total < self.limit("batch")
        if few and parameters > self.limit("parameters") and from_scratch.there:
            yield self.finding(
                "config",
                f"an update of {parameters:.2g} parameters sees {effective.total} samples",
                remedy="check the noise of the loss; more samples a step, or accumulation, lower it",
                evidence={"total": effective.total, "parameters": parameters},
            )


class RateForBatch(Rule):
    """The learning rate moved with the batch.

    A rate that was tuned for one batch is another choice at a batch four times as large: linear and square-root scaling
    are starting points, and neither is a rule."""

    code = "RA504"
    name = "rate_for_batch"
    severity = Severity.WARNING
    switchable = True
    limits: ClassVar[Mapping[str, float]] = MappingProxyType({"ratio": 4})
    limit_words: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"ratio": "multiple by which the effective batch changed"}
    )
    example = "the effective batch went from 64 to 256 and the learning rate stayed at 0.0002"

    def check(self, rate_before: Before, rate_now: Before) -> Iterator[Finding]:
        before, now = rate_before, rate_now
        ratio = max(before.batch, now.batch) / min(before.batch, now.batch)
        if ratio >= self.limit("ratio") and before.rate.value == now.rate.value:
            linear = now.rate.value * now.batch / before.batch
            root = now.rate.value * (now.batch / before.batch) ** 0.5
            yield self.finding(
                now.rate.path,
                f"the effective batch went from {before.batch} to {now.batch} and the learning rate stayed at "
                f"{now.rate.value:g}",
                remedy=f"tune it anew: {root:.2g} (square root) to {linear:.2g} (linear) are starting points",
                evidence={"baseline": before.run, "before": before.batch, "now": now.batch, "rate": now.rate.value},
            )


RULES: tuple[Rule, ...] = (EffectiveBatch(), MicroBatchNorm(), TinyBatch(), RateForBatch())
