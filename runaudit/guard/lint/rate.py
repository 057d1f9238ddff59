"""RA51: the learning rate, and what keeps its first steps from going astray. Suggestions, and worded as such: that a
rate is wrong can be told from a run, never from a number."""
# ruff: noqa: D102  (what a rule checks is told once, in the docstring of its class: users read it too)

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar

from runaudit.guard.lint.facts import Presence
from runaudit.guard.lint.settings import LR, NOT_FINITE, PARAMETERS, Setting, Settings
from runaudit.records.finding import Finding, Severity
from runaudit.rules import Rule


class HighRate(Rule):
    """A high rate on attention has a warm-up and clipped gradients.

    Adam's first steps are as long as the rate, whatever the gradient; attention and blocks that work on frequencies
    take few such steps at 1e-3 before their numbers leave the range."""

    code = "RA510"
    name = "high_rate"
    severity = Severity.WARNING
    switchable = True
    limits: ClassVar[Mapping[str, float]] = MappingProxyType({"rate": 1e-3, "small": 1e6})
    limit_words: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"rate": "learning rate from which on", "small": "parameters below which a network is small"}
    )
    example = (
        "the learning rate is 0.001 with Adam and attention in models/mdt.py:320, without warm-up and without clipping"
    )

    def check(self, rate: Setting, adam: Presence, attention: Presence, warmup: Presence, clipping: Presence,
              told: Settings) -> Iterator[Finding]:  # fmt: skip
        if not adam.there or not attention.there or rate.value < self.limit("rate"):
            return
        lacks = [name for name, one in (("warm-up", warmup), ("clipping", clipping)) if not one.there]
        small = parameters_of(told)
        if not lacks or (small is not None and small < self.limit("small")):
            return
        yield self.finding(
            rate.path,
            f"the learning rate is {rate.value:g} with Adam and {attention.where}, "
            f"{' and '.join(f'without {name}' for name in lacks)}",
            remedy="a warm-up, clipping or 2e-4 are usual here; a model below a million parameters needs none of them",
            evidence={"rate": rate.value, "lacks": lacks},
        )


class LowRate(Rule):
    """A run from scratch has a rate that gets somewhere.

    1e-5 is a rate for weights that are good already. One from-scratch run at 1e-5 ended below its baseline: a single
    run, so a hint and no proof."""

    code = "RA511"
    name = "low_rate"
    severity = Severity.WARNING
    switchable = True
    limits: ClassVar[Mapping[str, float]] = MappingProxyType({"rate": 1e-5})
    limit_words: ClassVar[Mapping[str, str]] = MappingProxyType({"rate": "learning rate at or below which"})
    example = "the learning rate is 1e-05 with Adam, and the weights start at random"

    def check(self, rate: Setting, adam: Presence, from_scratch: Presence) -> Iterator[Finding]:
        if adam.there and from_scratch.there and rate.value <= self.limit("rate"):
            yield self.finding(
                rate.path,
                f"the learning rate is {rate.value:g} with Adam, and the weights start at random",
                remedy="is it a rate for fine-tuning? 1e-4 to 5e-5 are usual from scratch",
                evidence={"rate": rate.value},
            )


class NoWarmup(Rule):
    """Attention that starts at random warms up.

    Adam's estimate of the gradient's spread is poor in the first steps, and attention pays for it. Many networks do
    without."""

    code = "RA512"
    name = "no_warmup"
    severity = Severity.INFO
    switchable = True
    example = "no warm-up was found, with Adam and attention in model.py:41"

    def check(self, adam: Presence, transformer: Presence, warmup: Presence, from_scratch: Presence,
              told: Settings) -> Iterator[Finding]:  # fmt: skip
        rate = told.find(LR)
        if isinstance(rate, Setting) and rate.value >= HighRate.limits["rate"]:
            return  # RA510 says it.
        if adam.there and transformer.there and from_scratch.there and not warmup.there:
            yield self.finding(
                "config",
                f"no warm-up was found, with Adam and {transformer.where}",
                remedy="a warm-up over the first hundreds of steps costs nothing",
            )


class NoClipping(Rule):
    """Gradients are clipped where one of them can spoil a run.

    One gradient out of range sends attention, and everything that computes in 16 bits, where it does not come back
    from. In fp16 the gradients are unscaled before they are clipped (`scaler.unscale_`)."""

    code = "RA513"
    name = "no_clipping"
    severity = Severity.INFO
    switchable = True
    example = "gradients are not clipped, and it computes in fp16"

    def check(self, clipping: Presence, precision: str, transformer: Presence) -> Iterator[Finding]:
        if clipping.there or (precision != "fp16" and not transformer.there):
            return
        why = "it computes in fp16" if precision == "fp16" else f"there is {transformer.where}"
        yield self.finding(
            "config",
            f"gradients are not clipped, and {why}",
            remedy="log the norm of the gradient; a limit near its 90th percentile cuts only what stands out",
        )


def parameters_of(told: Settings) -> int | None:
    """How many numbers the model has, where the settings say so."""
    found = told.find(PARAMETERS)
    return int(found.value) if isinstance(found, Setting) else None


class RateNotFinite(Rule):
    """A learning rate is a finite number.

    `lr: .nan`, as a sweep or a division by nothing leaves it, makes every weight NaN in the first step; an infinite one
    does so in the second. What no rate can be, as a limit or a placeholder, is not asked."""

    code = "RA514"
    name = "rate_not_finite"
    severity = Severity.WARNING
    switchable = True
    example = "the learning rate is nan (config.lr)"

    def check(self, told: Settings) -> Iterator[Finding]:
        for one in told.all_of(NOT_FINITE)[:1]:
            yield self.finding(
                one.path,
                f"the learning rate is {one.value} ({one.path})",
                remedy="look at what writes it: a sweep, an interpolation, a division by zero",
                evidence={"rate": str(one.value)},
            )


RULES: tuple[Rule, ...] = (HighRate(), LowRate(), NoWarmup(), NoClipping(), RateNotFinite())
