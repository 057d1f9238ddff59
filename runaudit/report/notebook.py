"""An answer as a notebook shows it: the same words, tables and drawings as on the page, in a fragment of their own.

It is set by the page's templates, so everything is escaped, and it loads and runs nothing. Colours come with it, bound
to the fragment, because a notebook has a style of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from runaudit.diff import Comparison, Verdict
from runaudit.factors.cohort import Cohort
from runaudit.health.answer import HealthAnswer
from runaudit.records.run import Run
from runaudit.report.effects import effect_figure
from runaudit.report.html import render
from runaudit.report.views.arm import seed_text
from runaudit.report.views.diff import leaves_view
from runaudit.report.views.evidence import evidence_views
from runaudit.report.views.recorded import assumed_in_words, design_badge, design_meaning, gaps_in_words
from runaudit.report.views.verdict import changed, conditional_words, reason_words, treatments
from runaudit.report.words import clean
from runaudit.runs.rows import figures_of
from runaudit.stats.answer import StatsAnswer
from runaudit.stats.words import heading, is_told_as_recorded, reason
from runaudit.store.answer import VerifyAnswer
from runaudit.study.text import StudyAnswer
from runaudit.text.terminal import printable
from runaudit.text.verdicts import Tone, comparison_clause, verdict_words
from runaudit.text.words import columns, listed

EMPTY: Mapping[str, Any] = {"diff": None, "evidence": (), "effects": (), "notes": (), "lines": ()}
CLEAN = (Verdict.SINGLE_FACTOR, Verdict.REPLICATE, Verdict.IDENTICAL)
"""Verdicts whose reason only names again what changed."""


def fragment(answer: object) -> str | None:
    """The answer, the run or the cohort as HTML; None for what is none of these."""
    match answer:
        case Run():
            return _of_runs([answer], answer.headline)
        case Cohort():
            return _of_runs(answer.runs, answer.headline)
        case Comparison():
            return _set("diff", str(answer.verdict), **_comparison(answer))
        case StatsAnswer():
            return _set("stats", str(answer.verdict), **_stats(answer))
        case StudyAnswer():
            first, *lines = answer.text_lines()
            words = first if answer.judgement.on_record else first.partition(": ")[2]
            return _set("study", answer.verdict, words=clean(words), lines=_printable(lines))
        case VerifyAnswer():
            return _set(
                "verify", answer.verdict, words=clean(answer.headline), lines=_printable(list(answer.text_lines())[:-1])
            )
        case HealthAnswer():
            words = clean(answer.headline).partition(": ")[2]
            return _set("health", answer.verdict, words=words, lines=_printable([*answer.text_lines()][1:]))
    return None


def _of_runs(runs: Sequence[Run], headline: str) -> str:
    """Runs with the metric that matters first, a line each; of a single one its metrics, a line each."""
    figures = [figures_of(run) for run in runs]
    if len(runs) == 1:
        rows: list[tuple[str, ...]] = [(figure.name, f"{figure.value:.6g}") for figure in figures[0]]
    else:
        rows = [
            (
                run.short,
                f"seed {seed_text(run)}",
                run.status,
                *(f"{one.name} {one.value:.6g}" for one in own[:1]),
            )
            for run, own in zip(runs, figures, strict=True)
        ]
    most = max(map(len, rows), default=0)
    lines = columns([(*row, *[""] * (most - len(row))) for row in rows], left=most) if rows else ()
    ends = listed([*dict.fromkeys(run.status for run in runs)])
    return render("notebook.html.j2", **{**EMPTY, "tone": _tone(runs), "verdict": clean(ends),
                                         "words": clean(headline), "lines": _printable(lines)})  # fmt: skip


def _tone(runs: Sequence[Run]) -> Tone:
    if any(run.fault for run in runs):
        return Tone.BAD
    return Tone.GOOD if all(run.finished for run in runs) else Tone.DOUBT


def _set(command: str, word: str, **parts: Any) -> str:
    about = verdict_words(command, word)
    badge = {"tone": about.tone, "verdict": clean(about.words)}
    return render("notebook.html.j2", **{**EMPTY, **badge, **parts})


def _comparison(answer: Comparison) -> dict[str, Any]:
    factors = treatments(answer)
    tone, badge = design_badge(answer)
    if answer.tells_what_is_recorded:
        reason, held = gaps_in_words(answer), ""
    else:
        reason = "" if answer.verdict in CLEAN else reason_words(answer, factors)
        held = conditional_words(answer.conditional)
    meaning = design_meaning(answer, len(factors))
    words = (f"{changed(answer, factors)}.", meaning, reason, held, assumed_in_words(answer))
    return {
        "tone": tone,
        "verdict": badge,
        "words": " ".join(filter(None, words)),
        "diff": leaves_view(answer, title=clean(f"{answer.a.label} → {answer.b.label}")),
        "notes": [clean(note) for note in answer.notes],
    }


def _stats(answer: StatsAnswer) -> dict[str, Any]:
    figure = effect_figure(answer)
    evidence = evidence_views(answer, apart=clean(comparison_clause(answer.design.verdict)))
    if len(answer.comparisons) > 1:  # The page has one arm a verdict; here the rows say whose they are.
        named = zip(answer.comparisons, evidence, strict=True)
        evidence = (replace(view, metric=f"{clean(row.arm)}: {view.metric}") for row, view in named)
    return {
        **_badge_of(answer),
        "words": clean(reason(answer)),
        "evidence": tuple(evidence),
        "effects": () if figure is None else (figure,),
        "notes": [clean(note) for note in answer.notes],
    }


def _badge_of(answer: StatsAnswer) -> dict[str, Any]:
    """The badge: what each arm did, and how loud; never that of a clean pass where the answer rests on a condition."""
    words = heading(answer)
    badge = {"verdict": clean(words[:1].lower() + words[1:])}
    if not is_told_as_recorded(answer) or answer.conditional is None:
        return badge
    held = verdict_words("stats", answer.conditional)
    return badge | {"tone": Tone.DOUBT if held.tone is Tone.GOOD else held.tone}


def _printable(lines: Any) -> list[str]:
    return [printable(line) for line in lines]
