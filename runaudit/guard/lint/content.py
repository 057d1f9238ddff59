"""RA56: a sampled batch is looked at. Each of these went unnoticed for weeks, and one of them reported +48 dB."""
# ruff: noqa: D102  (what a rule checks is told once, in the docstring of its class: users read it too)

import math
from collections.abc import Iterator, Mapping
from statistics import median
from types import MappingProxyType
from typing import ClassVar

from runaudit.guard.lint.looks import DataLook, Look, Shift
from runaudit.guard.lint.settings import DATA_RANGE, Setting, Settings
from runaudit.records.finding import Finding, Severity
from runaudit.rules import Rule
from runaudit.text.words import head, plural


class NotTheData(Rule):
    """The files of a dataset are the data.

    Git LFS leaves a pointer of three lines where a file was not fetched, and a server that refuses sends a page.
    Loaders that skip what they cannot read train on the rest without a word."""

    code = "RA560"
    name = "not_the_data"
    switchable = True
    example = "12 files of train are pointers of Git LFS, not the data: a/0001.png, a/0002.png"

    def check(self, sampled: DataLook) -> Iterator[Finding]:
        for part in dict.fromkeys(one.part for one in sampled.stubs):
            for kind, what in (("pointer", "of Git LFS, not the data"), ("text", "of text, not the data")):
                paths = [one.path for one in sampled.stubs if (one.part, one.kind) == (part, kind)]
                if paths:
                    noun = "pointer" if kind == "pointer" else "page"
                    are = f"is a {noun}" if len(paths) == 1 else f"are {noun}s"
                    yield self.finding(
                        f"data.{part}",
                        f"{plural(len(paths), 'file')} of {part} {are} {what}: {head(paths, 3)}",
                        remedy="git lfs pull" if kind == "pointer" else f"look at {paths[0]}, and fetch it anew",
                        evidence={"files": paths},
                        severity=None if kind == "pointer" else Severity.WARNING,
                    )


class HeldOutInTraining(Rule):
    """No held-out file is trained on.

    Whatever its name and folder: a file of the test data that equals one of the training data byte for byte was learnt.
    Masks, texts and images of one value are left out; of more than 1,000 held-out files, so many are looked for."""

    code = "RA561"
    name = "held_out_in_training"
    requires = frozenset({"RA204"})
    switchable = True
    example = "3 files of test are trained on, byte for byte: 0007.png is train/a/0211.png"

    def check(self, sampled: DataLook) -> Iterator[Finding]:
        for part in dict.fromkeys(one.part for one in sampled.copies):
            found = [one for one in sampled.copies if one.part == part]
            first = found[0]
            are = "is" if len(found) == 1 else "are"
            yield self.finding(
                f"data.{part}",
                f"{plural(len(found), 'file')} of {part} {are} trained on, byte for byte: {first.path} is "
                f"{first.trained}/{first.trained_path}",
                remedy="take them out of the one or the other",
                evidence={"files": [one.path for one in found], "trained": [one.trained_path for one in found]},
            )


class ConstantChannel(Rule):
    """Every channel of the input says something.

    A channel that is one value in every image is an input that nothing depends on: padding, or a band that was not
    written. Copying another channel into it would add no information either."""

    code = "RA562"
    name = "constant_channel"
    severity = Severity.WARNING
    switchable = True
    limits: ClassVar[Mapping[str, float]] = MappingProxyType({"images": 2})
    limit_words: ClassVar[Mapping[str, str]] = MappingProxyType({"images": "images that must have been looked at"})
    example = "3 of 4 channels are one value in all 8 images of train that were looked at"

    def check(self, sampled: DataLook, told: Settings) -> Iterator[Finding]:
        if told.has_word("mask", "condition", "conditioning", "cond"):
            return  # A channel that is declared to be another kind of input may be one value in a few images.
        groups = _groups([one for one in sampled.looks if one.channels and one.role != "mask"])
        for (part, channels, *_), looks in groups.items():
            images = sum(one.samples for one in looks)
            constant = set.intersection(*(set(one.constant) for one in looks))
            alpha = {channels - 1} if channels in (2, 4) and all(one.bits == 8 for one in looks) else set()
            dead = constant - (alpha if len(constant) == 1 else set())
            # Images that are each of one colour may say much by which; none of one colour throughout does.
            is_all = len(constant) == channels
            if is_all and len({(one.low, one.high) for one in looks}) > 1:
                continue
            if dead and images >= self.limit("images"):
                which = "every pixel" if is_all else f"{len(dead)} of {channels} channels"
                yield self.finding(
                    f"data.{part}",
                    f"{which} {'is' if is_all or len(dead) == 1 else 'are'} one value in all "
                    f"{images} images of {part} that were looked at",
                    remedy=f"look at channel {min(dead)} of {looks[0].path}; leave it out, or declare what it is for",
                    evidence={"channels": sorted(dead), "files": [one.path for one in looks]},
                )


def _groups(looks: list[Look]) -> dict[tuple[str, int, str, str], list[Look]]:
    found: dict[tuple[str, int, str, str], list[Look]] = {}
    for one in looks:
        found.setdefault((one.part, one.channels, one.path.partition(":")[2], one.role), []).append(one)
    return found


class RangesDiffer(Rule):
    """Input and truth are counts of one range.

    A truth of 8 bits beside frames of 16 is another unit: a PSNR between them is off by up to 48 dB."""

    code = "RA563"
    name = "ranges_differ"
    severity = Severity.WARNING
    switchable = True
    limits: ClassVar[Mapping[str, float]] = MappingProxyType({"factor": 4})
    limit_words: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"factor": "multiple of 255 above which the other one is of more bits"}
    )
    example = "train: the truth goes up to 255 (8 bits) and the input up to 40211 (16 bits)"

    def check(self, sampled: DataLook) -> Iterator[Finding]:
        for part in dict.fromkeys(one.family for one in sampled.looks):
            sides = {role: _counts(sampled, part, role) for role in ("truth", "input")}
            if not all(sides.values()):
                continue
            high = {role: max(one.high for one in looks) for role, looks in sides.items()}
            bits = {role: max(one.bits for one in looks) for role, looks in sides.items()}
            narrow, wide = sorted(high, key=lambda role: high[role])
            if high[narrow] <= 255 and bits[wide] > 8 and high[wide] > 255 * self.limit("factor"):
                yield self.finding(
                    f"data.{part}",
                    f"{part}: the truth goes up to {high['truth']:g} ({bits['truth']} bits) and the input up to "
                    f"{high['input']:g} ({bits['input']} bits)",
                    remedy="is one of them scaled when it is loaded? else write both anew from one source",
                    evidence={"high": high, "bits": bits},
                )


def _counts(sampled: DataLook, part: str, role: str) -> list[Look]:
    return [one for one in sampled.looks if one.family == part and one.role == role and one.bits and one.high > 0]


class RangeNotUsed(Rule):
    """The range of the files is the range of the data.

    Counts of 12 bits in files of 16 fill a sixteenth of their range: who divides by 65535 trains on a dark image, and a
    PSNR with that range is 24 dB too high."""

    code = "RA564"
    name = "range_not_used"
    severity = Severity.WARNING
    switchable = True
    limits: ClassVar[Mapping[str, float]] = MappingProxyType({"bits": 12})
    limit_words: ClassVar[Mapping[str, str]] = MappingProxyType({"bits": "bits that all counts fit in, of files of 16"})
    example = (
        "train: files of 16 bits hold counts up to 4021 (12 bits) in the 8 that were looked at; a range of 65535 makes "
        "PSNR 24.2 dB higher"
    )

    def check(self, sampled: DataLook, told: Settings, stated_range: float | None) -> Iterator[Finding]:
        found = told.find(DATA_RANGE)
        stated = float(found.value) if isinstance(found, Setting) and found.value else stated_range
        for part in dict.fromkeys(one.part for one in sampled.looks):
            looks = [one for one in sampled.looks if one.part == part and one.bits == 16 and one.role != "mask"]
            high = max((one.high for one in looks), default=0.0)
            if len(looks) < 2 or not 255 < high < 2 ** self.limit("bits"):
                continue
            if stated is not None and 255 < stated < 4 * high:
                continue
            extra = 20 * math.log10((stated if stated and stated > high else 65535) / high)
            yield self.finding(
                f"data.{part}",
                f"{part}: files of 16 bits hold counts up to {high:g} ({math.ceil(math.log2(high + 1))} bits) in the "
                f"{len(looks)} that were looked at; a range of {stated if stated and stated > high else 65535:g} makes "
                f"PSNR {extra:.1f} dB higher",
                remedy="what are they divided by, and which data_range has the metric? state it: --eval data_range=N",
                evidence={"high": high, "files": [one.path for one in looks]},
            )


class PairShifted(Rule):
    """An input lies on its truth.

    An input that lies a pixel beside its truth is learnt as a shift, and bicubic, which cannot learn one, loses to
    everything. Images that were thinned out (every third pixel) lie a pixel off, too."""

    code = "RA565"
    name = "pair_shifted"
    severity = Severity.WARNING
    switchable = True
    limits: ClassVar[Mapping[str, float]] = MappingProxyType({"pixels": 0.75, "sure": 0.4, "spread": 0.3})
    limit_words: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "pixels": "shift from which is warned, in pixels",
            "sure": "height of the peak of a pair that counts, 0 to 1",
            "spread": "how far pairs may differ, in pixels",
        }
    )
    example = "train: inputs lie 1.0 pixels down and 1.0 pixels right of their truth, in 4 of 4 pairs (sure 0.9)"

    def check(self, sampled: DataLook) -> Iterator[Finding]:
        for part in dict.fromkeys(one.part for one in sampled.shifts):
            every = [one for one in sampled.shifts if one.part == part]
            sure = [one for one in every if one.sure >= self.limit("sure")]
            if 2 * len(sure) <= len(every) or not sure:
                continue
            down, right = median(one.down for one in sure), median(one.right for one in sure)
            agree = [one for one in sure if self._near(one, down, right)]
            # Frames of a burst lie anywhere within a pixel or two, and none of them is wrong: they do not agree.
            if math.hypot(down, right) < self.limit("pixels") or len(agree) < 0.8 * len(sure):
                continue
            yield self.finding(
                f"data.{part}",
                f"{part}: inputs lie {_way(down, 'down', 'up')} and {_way(right, 'right', 'left')} of their truth, in "
                f"{len(agree)} of {plural(len(every), 'pair')} (sure {median(one.sure for one in sure):.1f})",
                remedy=f"lay {sure[0].given} over {sure[0].truth}; about which point was it made smaller?",
                evidence={"down": down, "right": right, "pairs": len(every), "agree": len(agree)},
            )

    def _near(self, one: Shift, down: float, right: float) -> bool:
        return max(abs(one.down - down), abs(one.right - right)) <= self.limit("spread")


def _way(amount: float, plus: str, minus: str) -> str:
    return f"{abs(amount):.1f} pixels {plus if amount >= 0 else minus}"


class NotFinite(Rule):
    """The data is made of numbers.

    One NaN in an input is a NaN in every weight after one step. A few files of each kind are looked at, of a stack
    a few images: that nothing was found there says nothing of the others (RA567 counts them)."""

    code = "RA566"
    name = "data_not_finite"
    severity = Severity.WARNING
    switchable = True
    example = "1,204 values of train/a.npy are NaN or infinite"

    def check(self, sampled: DataLook) -> Iterator[Finding]:
        for part in dict.fromkeys(one.part for one in sampled.looks if one.nonfinite):
            found = [one for one in sampled.looks if one.part == part and one.nonfinite]
            yield self.finding(
                f"data.{part}",
                f"{found[0].nonfinite:,} values of {part}/{found[0].path} are NaN or infinite"
                + (f", and some of {plural(len(found) - 1, 'more file')}" if len(found) > 1 else ""),
                remedy="are they masked before the loss? else write them anew",
                evidence={"files": [one.path for one in found]},
            )


class NotLookedAt(Rule):
    """What was not looked at is told.

    A file that cannot be read here was not found to be in order, nor was one that was not among the few of each kind
    that are looked at."""

    code = "RA567"
    name = "data_not_looked_at"
    severity = Severity.INFO
    switchable = True
    example = "some data was not looked at: a.tif cannot be read (UnidentifiedImageError)"

    def check(self, sampled: DataLook) -> Iterator[Finding]:
        if sampled.unread:
            yield self.finding("data", f"some data was not looked at: {head(list(sampled.unread), 3)}",
                               evidence={"why": list(sampled.unread)})  # fmt: skip
        if sampled.sampled:
            yield self.finding("data", f"of the data a sample was looked at: {head(list(sampled.sampled), 3)}",
                               evidence={"sampled": list(sampled.sampled)})  # fmt: skip


RULES: tuple[Rule, ...] = (
    NotTheData(),
    HeldOutInTraining(),
    ConstantChannel(),
    RangesDiffer(),
    RangeNotUsed(),
    PairShifted(),
    NotFinite(),
    NotLookedAt(),
)
