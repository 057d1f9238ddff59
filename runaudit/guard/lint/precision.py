"""RA52: 16-bit floats. fp16 has a range, from 6e-5 to 65504; bf16 has that of 32 bits and few digits."""
# ruff: noqa: D102  (what a rule checks is told once, in the docstring of its class: users read it too)

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar

from runaudit.guard.lint.settings import AMP, Setting, Settings
from runaudit.guard.lint.written import Place, Written
from runaudit.records.finding import Finding, Severity
from runaudit.rules import Rule


class NoScaler(Rule):
    """fp16 has a gradient scaler.

    Gradients below 6e-8 are zero in fp16. A scaler lifts the loss, and with it every gradient, into the range."""

    code = "RA520"
    name = "fp16_without_scaler"
    severity = Severity.WARNING
    switchable = True
    example = "train.py:31 computes in fp16, and no GradScaler was found"

    def check(self, precision: str, written: Written) -> Iterator[Finding]:
        casts = [one for one in written.of("autocast") if "enabled=False" not in one.text]
        casts += [one for one in written.half_words if one.text.endswith(".half()")]
        if precision != "fp16" or not casts or not written.of("backward"):
            return
        if written.of("GradScaler") or written.missing or written.frameworks:
            return
        yield self.finding(
            f"code.{casts[0].path}",
            f"{casts[0]} computes in fp16, and no GradScaler was found",
            remedy="torch.amp.GradScaler around backward and step, or bfloat16 where the device has it",
            evidence={"places": [str(place) for place in casts[:5]]},
        )


class ScalerWithoutUse(Rule):
    """A gradient scaler belongs to fp16.

    bf16 has the range of 32 bits: there is nothing to lift, and a scaler only makes steps that are skipped."""

    code = "RA521"
    name = "scaler_with_bf16"
    severity = Severity.INFO
    switchable = True
    example = "train.py:20 makes a GradScaler, and it computes in bf16"

    def check(self, precision: str, written: Written) -> Iterator[Finding]:
        made = [one for one in written.of("GradScaler") if "enabled" not in one.text]
        if precision == "bf16" and made and not written.frameworks:
            yield self.finding(
                f"code.{made[0].path}",
                f"{made[0]} makes a GradScaler, and it computes in bf16",
                remedy="leave it out, or switch it off with enabled=False",
            )


class SmallEpsilon(Rule):
    """A hand-written norm does not divide by what is nothing in its precision.

    Below 6.1e-5 a number of fp16 loses digits, below 6e-8 it is zero. Autocast runs nn.LayerNorm in 32 bits, and a norm
    that is written by hand in 16."""

    code = "RA522"
    name = "small_epsilon"
    severity = Severity.WARNING
    switchable = True
    limits: ClassVar[Mapping[str, float]] = MappingProxyType({"fp16": 6.1e-5, "bf16": 1e-5})
    limit_words: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"fp16": "least eps in fp16", "bf16": "least eps in bf16"}
    )
    example = "models/mdt.py:320 divides by the root of sigma + 1e-05 in fp16"

    def check(self, precision: str, written: Written) -> Iterator[Finding]:
        if precision not in ("fp16", "bf16"):
            return
        for one in written.epsilons:
            if not one.island and one.value < self.limit(precision):
                yield self.finding(
                    f"code.{one.path}",
                    f"{one} divides by the root of {one.text} in {precision}"
                    + ("" if f"{one.value:g}" in one.text or "e-" in one.text else f" (eps {one.value:g})"),
                    remedy="compute the norm in 32 bits (x.float()), or add 1e-4",
                    evidence={"eps": one.value},
                )


class TransformInHalf(Rule):
    """An FFT computes in 32 bits.

    Its first coefficient is the sum of all pixels: a mean of 0.5 over 512 x 512 is twice the range of fp16. The cast
    belongs before the region where autocast is off: what comes in as fp16 has lost its digits."""

    code = "RA523"
    name = "fft_in_fp16"
    severity = Severity.WARNING
    switchable = True
    example = "models/mdt.py:392 takes an FFT of what autocast computed in fp16: torch.fft.rfft2(x)"

    def check(self, precision: str, written: Written) -> Iterator[Finding]:
        if precision != "fp16":
            return
        for one in written.transforms:
            if one.island or (written.missing and not one.half):
                continue
            sure = "takes an FFT of what autocast computed in fp16"
            yield self.finding(
                f"code.{one.path}",
                f"{one} {sure if one.half else 'takes an FFT, of fp16 if its input is'}: {one.text}",
                remedy="x = x.float() first, then the FFT with autocast off",
                severity=None if one.half else Severity.INFO,
            )


class HalfNotKnown(Rule):
    """Mixed precision says which.

    fp16 needs a scaler and bf16 has none: a switch that only says "amp" leaves open what the numbers were."""

    code = "RA524"
    name = "precision_not_said"
    severity = Severity.INFO
    switchable = True
    example = "config.amp = True does not say whether it is fp16 or bf16, and no autocast was found"

    def check(self, told: Settings, written: Written) -> Iterator[Finding]:
        found = told.find(AMP)
        if isinstance(found, Setting) and found.value is True and not written.of("autocast") and not written.whole:
            yield self.finding(
                found.path,
                f"{found} does not say whether it is fp16 or bf16, and no autocast was found",
                remedy="set the type beside the switch",
            )


class HalfEvaluation(Rule):
    """What is judged is computed in 32 bits.

    In 16 bits a result carries the rounding of every layer: two runs that differ by it are not known to differ, and a
    run that is evaluated otherwise cannot be compared with it. Memory may leave no choice; then all runs need it."""

    code = "RA525"
    name = "half_precision_evaluation"
    severity = Severity.INFO
    switchable = True
    example = "config.eval.precision = fp16: what is judged is computed in 16 bits"

    def check(self, judged_in_half: "Setting | Place | None") -> Iterator[Finding]:
        if judged_in_half is None:
            return
        where, value = str(judged_in_half), None
        if isinstance(judged_in_half, Setting):
            subject, value = judged_in_half.path, judged_in_half.value
        else:
            subject = f"code.{judged_in_half.path}"
            where += f" computes under autocast in {judged_in_half.text}"
        yield self.finding(
            subject,
            f"{where}: what is judged is computed in 16 bits",
            remedy="evaluate in 32 bits, or every run that is compared in the same precision",
            evidence={"value": value} if value is not None else {},
        )


RULES: tuple[Rule, ...] = (
    NoScaler(),
    ScalerWithoutUse(),
    SmallEpsilon(),
    TransformInHalf(),
    HalfNotKnown(),
    HalfEvaluation(),
)
