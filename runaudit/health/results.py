"""RA44: what came out, held against what no training is needed for. A network that ends below bicubic has learned
nothing that is worth showing, whatever its loss curve did; one that does as well on a single frame fuses nothing."""
# ruff: noqa: D102  (what a rule checks is told once, in the docstring of its class: users read it too)

from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar

from runaudit.health.rule import TrajectoryRule
from runaudit.metrics.catalogue import BASELINES, PRIMARY
from runaudit.records.finding import Finding, Severity
from runaudit.text.words import listed

SINGLE_FRAME = ("psnr_single_frame", "psnr_control")
"""How the same network is called that was fed one frame only."""


class BelowBicubic(TrajectoryRule):
    """Full frames are better than bicubic.

    Bicubic interpolation needs no training. What is below it on whole frames is worse than doing nothing, though it may
    be above on the tiles that it was trained on. Read are `full_frame/psnr/NAME` and `full_frame/psnr_bicubic/NAME`."""

    code = "RA441"
    name = "below_bicubic"
    severity = Severity.ERROR
    example = "full_frame/psnr is 0.35 to 0.99 dB below bicubic on camera and text"

    def check(self, against_baselines: Mapping[str, float]) -> Iterator[Finding]:
        for words, below, count in _lost_to(against_baselines, [BICUBIC]):
            yield self.finding(
                PRIMARY,
                _below(words, below),
                remedy="compare tile and full-frame values, the registration of the frames and the range of the "
                "data before training any longer",
                evidence={"gap_db": dict(below), "sequences": count, "sure": "observed"},
            )


class BelowClassical(TrajectoryRule):
    """Full frames are better than what fuses them without learning.

    Iterated back-projection and the median of the registered frames use all frames and need no training. A network
    below them has not earned its training yet. Read are `full_frame/psnr/NAME` and `full_frame/psnr_ibp/NAME` or
    `full_frame/psnr_registered_median/NAME`."""

    code = "RA443"
    name = "below_classical_fusion"
    severity = Severity.WARNING
    example = "full-frame PSNR is 0.21 to 0.51 dB below IBP with estimated motion on camera and text"

    def check(self, against_baselines: Mapping[str, float]) -> Iterator[Finding]:
        for words, below, count in _lost_to(against_baselines, [key for key in BASELINES if key != BICUBIC]):
            yield self.finding(
                PRIMARY,
                _below(words, below),
                remedy="train on, or look at the alignment: several frames hold more than the network makes of them",
                evidence={"gap_db": dict(below), "sequences": count, "sure": "observed"},
            )


BICUBIC = "bicubic"


def _lost_to(results: Mapping[str, float], keys: Iterable[str]) -> Iterator[tuple[str, dict[str, float], int]]:
    """(words of a baseline, sequence -> gap in dB where full frames are below it, sequences held against it)."""
    for key in keys:
        gaps = _gaps(results, f"psnr_{key}")
        if below := {name: gap for name, gap in gaps.items() if gap < 0}:
            yield BASELINES[key], below, len(gaps)


def _below(words: str, below: Mapping[str, float]) -> str:
    where = f" on {listed(sorted(below))}" if set(below) != {""} else ""
    return f"full-frame PSNR is {_range(below)} below {words}{where}"


class FusionNoGain(TrajectoryRule):
    """Several frames are better than one.

    The same network, fed copies of its reference frame, gets no new information. Where it does as well, the frames are
    not fused: the gain is that of a single-image network. Read are `full_frame/psnr/NAME` and
    `full_frame/psnr_single_frame/NAME`."""

    code = "RA442"
    name = "fusion_no_gain"
    severity = Severity.WARNING
    limits: ClassVar = {"gain_db": 0.05}
    limit_words: ClassVar = {
        "gain_db": "gain over one frame that is none yet, in dB",
    }
    example = "full-frame PSNR with all frames is 0.02 dB above that with one frame: nothing is fused"

    def check(self, against_one_frame: Mapping[str, float]) -> Iterator[Finding]:
        results = against_one_frame
        for control in SINGLE_FRAME:
            gaps = _gaps(results, control)
            poor = {name: gap for name, gap in gaps.items() if gap < self.limit("gain_db")}
            if poor:
                yield self.finding(
                    PRIMARY,
                    f"full-frame PSNR with all frames is {_signed(poor)} against the same network fed one frame"
                    + (f" on {listed(sorted(poor))}" if set(poor) != {""} else "")
                    + ": little or nothing is fused",
                    remedy="look at the alignment first: registration error, learned shifts, whether frames differ",
                    evidence={"gain_db": dict(poor), "sequences": len(gaps), "sure": "observed"},
                )


def has_any(results: Mapping[str, float], controls: Iterable[str]) -> bool:
    """Whether full frames were held against one of these."""
    return any(_gaps(results, control) for control in controls)


def _gaps(results: Mapping[str, float], control: str) -> dict[str, float]:
    """Sequence ("" of a whole) -> full-frame PSNR minus that of the control, in dB; only what is finite."""
    place = PRIMARY.partition("/")[0]
    gaps = {}
    for name, value in results.items():
        if name != PRIMARY and not name.startswith(f"{PRIMARY}/"):
            continue
        other = results.get(name.replace(PRIMARY, f"{place}/{control}", 1))
        if other is not None and abs(value - other) < float("inf"):
            gaps[name.removeprefix(PRIMARY).removeprefix("/")] = value - other
    return gaps if len(gaps) == 1 else {name: gap for name, gap in gaps.items() if name}


def _range(below: Mapping[str, float]) -> str:
    low, high = -max(below.values()), -min(below.values())
    return f"{low:.2f} dB" if f"{low:.2f}" == f"{high:.2f}" else f"{low:.2f} to {high:.2f} dB"


def _signed(gains: Mapping[str, float]) -> str:
    low, high = min(gains.values()), max(gains.values())
    return f"{low:+.2f} dB" if f"{low:+.2f}" == f"{high:+.2f}" else f"{low:+.2f} to {high:+.2f} dB"


RULES: tuple[TrajectoryRule, ...] = (BelowBicubic(), FusionNoGain(), BelowClassical())
