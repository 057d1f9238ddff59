"""What all runs together can tell: which factors varied alone, which only together, and which runs would part them."""

import re
from dataclasses import dataclass

from runaudit.diff.result import Comparison
from runaudit.report.words import Text, clean, sentence, shown
from runaudit.study.study import Study
from runaudit.study.text import StudyAnswer, factor_rows, sections
from runaudit.text.verdicts import verdict_words
from runaudit.text.words import plural

_OWN = ("factors", "assumed")
"""Told elsewhere on the page: as the table, and beside each verdict."""
_OPEN = ("next runs",)
"""What a reader acts on; the rest is folded."""


_LONG = re.compile(r"\S{65,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyView:
    """The judgement on a study. of: of which runs it is, where the page has others. factors: (name, levels with their
    runs, whether its effect can be told); told: (title,
    lines) that stand open; folded: those that do not."""

    tone: str
    badge: str
    reason: str
    of: str
    factors: tuple[tuple[Text, str, str], ...]
    told: tuple[tuple[str, tuple[str, ...]], ...]
    folded: tuple[tuple[str, tuple[str, ...]], ...]


def _of(found: Study) -> str:
    """Of which project a study is that is of the largest alone."""
    if found.project is None:
        return ""
    runs, projects = plural(len(found.project.runs), "run"), len(found.beside) + 1
    return clean(f"Of the {runs} of {found.project.name}, the largest of {projects} projects.")


def _cut(text: str) -> str:
    """A sentence without the middles of the longest names: the factors stand in full under what changed."""
    return _LONG.sub(lambda found: shown(found[0], 48).short, clean(text))


def moved_alone(answer: StudyAnswer, diff: Comparison) -> frozenset[str]:
    """The factors that moved between two arms, and between the same two levels alone in another pair of the page. That
    an effect is estimable is less: other levels, or a sum of steps, may tell it."""
    table = answer.study.table
    rows = {run.id: row for row, run in enumerate(table.runs)}
    ours = [rows[one] for side in (diff.a, diff.b) for one in side.runs if one in rows]
    single = [pair for pair in answer.study.pairs if pair.is_single]
    return frozenset(
        column.factor
        for column in table.columns
        for levels in [{column.codes[row] for row in ours}]
        if any(
            pair.factors == (column.factor,)
            and {column.codes[table.cells[place].rows[0]] for place in (pair.a, pair.b)} == levels
            for pair in single
        )
    )


def study_view(answer: StudyAnswer) -> StudyView:
    """A study in words, those of the terminal."""
    word, _, reason = answer.headline.partition(": ")
    groups = [
        (clean(title[:1].upper() + title[1:]), tuple(map(_cut, lines)), title in _OPEN)
        for title, lines in sections(answer.study)
        if lines and title not in _OWN
    ]
    return StudyView(
        tone=verdict_words("study", answer.verdict).tone,
        badge=clean(word.replace("_", " ")),
        reason=_cut(sentence(reason)),
        of=_of(answer.study),
        factors=tuple(
            (shown(name, 56), _cut(levels), _cut(standing)) for name, levels, standing in factor_rows(answer.study)
        ),
        told=tuple((title, lines) for title, lines, is_open in groups if is_open),
        folded=tuple((title, lines) for title, lines, is_open in groups if not is_open),
    )
