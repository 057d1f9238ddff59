"""RA53: losses and schedules of noise that are easily off by a factor."""
# ruff: noqa: D102  (what a rule checks is told once, in the docstring of its class: users read it too)

import math
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar

from runaudit.guard.lint.facts import Noise
from runaudit.guard.lint.settings import Setting
from runaudit.guard.lint.written import Written
from runaudit.records.finding import Finding, Severity
from runaudit.rules import Rule

EDM = (-1.2, 1.2)
"""Mean and deviation of ln sigma that EDM trains with: its range of use is known to fit."""


class LossOfSums(Rule):
    """A loss on frequencies does not grow with the image.

    An FFT sums over all pixels: without a norm the first coefficients outweigh the rest, and the weight that was tuned
    on tiles is another one on frames."""

    code = "RA530"
    name = "unnormalised_fft_loss"
    severity = Severity.WARNING
    switchable = True
    example = "losses.py:41 compares FFTs without a norm: their sum grows with H x W"

    def check(self, written: Written) -> Iterator[Finding]:
        found = [one for one in written.transforms if one.loss and not one.scaled]
        for path in dict.fromkeys(one.path for one in found):
            lines = [one for one in found if one.path == path]
            yield self.finding(
                f"code.{path}",
                f"{lines[0]} compares FFTs without a norm: their sum grows with H x W",
                remedy='norm="ortho", or divide by H x W; then tune the weight of this loss anew',
                evidence={"places": [str(one) for one in lines]},
            )


class SigmaCoverage(Rule):
    """The noise that is trained on covers the noise of use.

    A denoiser that never saw a level of noise guesses there. What is declared as the range of use is held against how
    often training draws beyond it."""

    code = "RA531"
    name = "sigma_coverage"
    severity = Severity.WARNING
    switchable = True
    limits: ClassVar[Mapping[str, float]] = MappingProxyType({"share": 0.005})
    limit_words: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"share": "least share of training's draws beyond the noise of use"}
    )
    example = "use goes up to sigma 10, and 0.18 % of what is trained on lies above it (95 % lie in 0.029 to 3.16)"

    def check(self, used_noise: Sequence[Setting], trained_noise: Noise) -> Iterator[Finding]:
        mean, deviation, where = trained_noise.mean, trained_noise.deviation, trained_noise.where
        if (mean, deviation) == EDM and {one.value for one in used_noise} <= {0.002, 80}:
            return
        for one in used_noise:
            share = _tail((math.log(one.value) - mean) / deviation)
            below = one.path.lower().endswith("min")
            if (share := 1 - share if below else share) < self.limit("share"):
                low, high = (math.exp(mean + k * deviation) for k in (-1.96, 1.96))
                yield self.finding(
                    one.path,
                    f"use goes {'down' if below else 'up'} to sigma {one.value:g}, and {_percent(share)} of what is "
                    f"trained on lies {'below' if below else 'above'} it (95 % lie in {low:.3g} to {high:.3g})",
                    remedy=f"does such noise occur in use? then widen what is trained on ({where})",
                    evidence={"share": share, "mean": mean, "deviation": deviation},
                )


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"


def _tail(z: float) -> float:
    """The share of a normal distribution above z."""
    return math.erfc(z / math.sqrt(2)) / 2


RULES: tuple[Rule, ...] = (LossOfSums(), SigmaCoverage())
