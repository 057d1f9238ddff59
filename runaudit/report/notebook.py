"""An answer as a notebook shows it: the same words, tables and drawings as on the page, in a fragment of their own.

It is set by the page's templates, so everything is escaped, and it loads and runs nothing. Colours come with it, bound
to the fragment, because a notebook has a style of its own.
"""

from collections.abc import Mapping
from typing import Any

from runaudit.diff import Comparison
from runaudit.report.effects import effect_figure
from runaudit.report.html import render
from runaudit.report.views.diff import leaves_view
from runaudit.report.views.verdict import change_words, evidence_views, treatments
from runaudit.report.words import clean
from runaudit.stats.answer import StatsAnswer
from runaudit.store.answer import VerifyAnswer
from runaudit.study.text import StudyAnswer
from runaudit.text.terminal import printable
from runaudit.text.verdicts import verdict_words
from runaudit.text.words import plural

EMPTY: Mapping[str, Any] = {"diff": None, "evidence": (), "effects": (), "notes": (), "lines": ()}


def fragment(answer: object) -> str | None:
    """The answer as HTML; None for what is no answer of judgement."""
    match answer:
        case Comparison():
            return _set("diff", str(answer.verdict), **_comparison(answer))
        case StatsAnswer():
            return _set("stats", str(answer.verdict), **_stats(answer))
        case StudyAnswer():
            first, *lines = answer.text_lines()
            return _set("study", answer.verdict, words=clean(first.partition(": ")[2]), lines=_printable(lines))
        case VerifyAnswer():
            return _set("verify", answer.verdict, words=clean(answer.headline), lines=_printable(answer.text_lines()))
    return None


def _set(command: str, verdict: str, **parts: Any) -> str:
    about = verdict_words(command, verdict)
    return render("notebook.html.j2", **{**EMPTY, **parts}, tone=about.tone, verdict=clean(about.words))


def _comparison(answer: Comparison) -> dict[str, Any]:
    factors = treatments(answer)
    meaning = verdict_words("diff", answer.verdict).meaning.format(factors=plural(len(factors), "factor"))
    return {
        "words": f"{change_words(factors)}. {meaning} {clean(answer.reason)}",
        "diff": leaves_view(answer, title=clean(f"{answer.a.label} → {answer.b.label}")),
        "notes": [clean(note) for note in answer.notes],
    }


def _stats(answer: StatsAnswer) -> dict[str, Any]:
    figure = effect_figure(answer)
    return {
        "words": clean(answer.reason),
        "evidence": tuple(evidence_views(answer, design=clean(verdict_words("diff", answer.design.verdict).words))),
        "effects": () if figure is None else (figure,),
        "notes": [clean(note) for note in answer.notes],
    }


def _printable(lines: Any) -> list[str]:
    return [printable(line) for line in lines]
