"""The images to look at. One run per arm is shown, the one nearest its arm's median result: typical, not the best.

Crops and frames of super-resolution stand in rows of their own; what other programs kept, under the names of its files.
"""

import base64
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import mean, median

from runaudit.records.run import Run
from runaudit.report.inputs import ArmInput
from runaudit.report.panels import FIGURE, Panel
from runaudit.report.views.arm import letter, seed_text
from runaudit.report.views.scores import bicubic, gain, psnr, sequences
from runaudit.report.words import Text, clean, digest, number
from runaudit.text.words import listed

SHARED = ("lr", "bicubic", "hr")
CAPTIONS = {
    "lr": "LR, reference frame",
    "bicubic": "bicubic",
    "sr": "SR",
    "hr": "HR, ground truth",
    "error": "error",
}
MAX_COLUMNS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One image with its caption, or in its place the reason why there is none. `uri` is a data URI or empty."""

    kind: str
    caption: str
    detail: str
    alt: str
    uri: str
    width: int
    height: int
    digest: Text
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SequencePictures:
    """The images of one sequence, row by row: what all arms share, each arm's SR, each arm's error."""

    sequence: str
    columns: int
    rows: tuple[tuple[Picture, ...], ...]

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """All of them."""
        return tuple(picture for row in self.rows for picture in row)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagesView:
    """All sequences; which run stands for which arm; by which rule the details were chosen; in words what is missing.
    figures: pictures of any other kind, those of one name side by side."""

    sequences: tuple[SequencePictures, ...]
    figures: tuple[SequencePictures, ...]
    shown: tuple[str, ...]
    rule: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chosen:
    index: int
    run: Run
    panels: dict[tuple[str, str], Panel]


def images_view(arms: Sequence[ArmInput]) -> ImagesView:
    """The images of the typical run of every arm."""
    chosen = [pick for index, arm in enumerate(arms) if (pick := _choose(arm, index))]
    kept = sorted({name for pick in chosen for name, kind in pick.panels if kind == FIGURE})
    names = sorted({name for pick in chosen for name, kind in pick.panels if kind != FIGURE} | set(sequences(arms)))
    drawn = [name for name in names if any((name, kind) in pick.panels for pick in chosen for kind in CAPTIONS)]
    blank = [clean(name) for name in names if name not in drawn]
    lacking = {pick.index for pick in chosen}
    missing = [
        f"No run of {letter(i)} left images (artifacts that are PNG files)."
        for i in range(len(arms))
        if i not in lacking
    ]
    if drawn and blank:
        missing.append(f"No images of {', '.join(blank)}.")
    return ImagesView(
        sequences=tuple(_sequence(name, chosen) for name in drawn),
        figures=tuple(_figures(name, chosen) for name in kept),
        shown=tuple(_shown(pick, arms[pick.index]) for pick in chosen),
        rule=_rule([panel for pick in chosen for (name, kind), panel in pick.panels.items() if name in drawn]),
        missing=tuple(missing),
    )


def _rule(crops: Sequence[Panel]) -> str:
    """How the details that are shown were chosen; empty where there is none."""
    said = sorted({clean(panel.about) for panel in crops})
    if not said:
        return ""
    if said == [""]:
        return "The program chose the details that are shown; by which rule is not on record."
    told = listed([words for words in said if words])
    return f"Shown is {told}." if "" not in said else f"Shown is {told}; of some pictures that is not on record."


def _choose(arm: ArmInput, index: int) -> _Chosen | None:
    """The run nearest the median of the arm's results, of those that left images; else the first."""
    able = [run for run in arm.runs if arm.panels.get(run.id)]
    if not able:
        return None
    gains = {run.id: value for run in able if math.isfinite(value := _standing(run, arm))}
    middle = median(gains.values()) if gains else 0.0
    best = min(able, key=lambda run: abs(gains[run.id] - middle) if run.id in gains else math.inf)
    return _Chosen(index=index, run=best, panels={(p.sequence, p.kind): p for p in arm.panels[best.id]})


def _standing(run: Run, arm: ArmInput) -> float:
    """Its mean gain over bicubic, else its value of the metric that the page is about; NaN where it has neither."""
    gains = [value for name in sequences([arm]) if (value := gain(run, name)) is not None]
    if gains:
        return mean(gains)
    values = arm.summary.values if arm.summary else ()
    found = dict(zip((one.id for one in arm.runs), values, strict=False)).get(run.id)
    return math.nan if found is None else found


def _shown(pick: _Chosen, arm: ArmInput) -> str:
    what = "gain" if sequences([arm]) else "result"
    why = f"the run nearest the median {what}" if len(arm.runs) > 1 else "the only run"
    return f"{letter(pick.index)}: seed {seed_text(pick.run)} ({pick.run.short}), {why}"


def _figures(name: str, chosen: Sequence[_Chosen]) -> SequencePictures:
    """What the arms kept under one name, side by side."""
    row = tuple(_picture(name, FIGURE, pick) for pick in chosen)
    return SequencePictures(sequence=clean(name), columns=max(2, min(len(chosen), MAX_COLUMNS)), rows=(row,))


def _sequence(name: str, chosen: Sequence[_Chosen]) -> SequencePictures:
    common = tuple(picture for kind in SHARED for picture in _shared(name, kind, chosen))
    results = tuple(_picture(name, "sr", pick) for pick in chosen)
    errors = tuple(_picture(name, "error", pick) for pick in chosen)
    # One arm: LR, bicubic, SR, HR, error side by side. Several: one above the other, so that arms stand in columns.
    if len(chosen) == 1:
        return SequencePictures(sequence=clean(name), columns=5, rows=((*common[:2], *results, *common[2:], *errors),))
    return SequencePictures(sequence=clean(name), columns=max(3, len(chosen)), rows=(common, results, errors))


def _shared(name: str, kind: str, chosen: Sequence[_Chosen]) -> Iterator[Picture]:
    """Once, where every arm has the same image; else each arm's own, because then something differs."""
    found = {pick.panels[name, kind].digest for pick in chosen if (name, kind) in pick.panels}
    if len(found) <= 1:
        holder = next((pick for pick in chosen if (name, kind) in pick.panels), chosen[0])
        yield _picture(name, kind, holder, shared=True)
    else:
        yield from (_picture(name, kind, pick) for pick in chosen)


def _picture(name: str, kind: str, pick: _Chosen, *, shared: bool = False) -> Picture:
    panel = pick.panels.get((name, kind))
    who = "" if shared else f"{letter(pick.index)} · "
    detail = _detail(name, kind, pick.run)
    caption = f"{who}{CAPTIONS[kind]}" if kind in CAPTIONS else f"{who}seed {seed_text(pick.run)}"
    shows = f"{caption} of {clean(name)}" if kind in CAPTIONS else f"{clean(name)} as {caption} kept it"
    return Picture(
        kind=kind,
        caption=caption,
        detail=detail,
        alt=f"{shows}{', ' + detail if detail else ''}",
        uri=f"data:image/png;base64,{base64.b64encode(panel.png).decode()}" if panel and panel.png else "",
        width=panel.width if panel else 0,
        height=panel.height if panel else 0,
        digest=digest(panel.digest if panel else ""),
        problem=(panel.problem if panel else "this run left no such image"),
    )


def _detail(name: str, kind: str, run: Run) -> str:
    """The number that belongs to the image, full frame."""
    if kind == "bicubic" and (value := bicubic(run, name)) is not None:
        return f"{number(value)} dB"
    if kind == "sr" and (own := psnr(run, name)) is not None:
        over = gain(run, name)
        return f"{number(own)} dB" + ("" if over is None else f" ({number(over, signed=True)})")
    return ""
