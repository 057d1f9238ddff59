"""A study for a terminal and for a pull request. The first line is the verdict and its reason in one sentence."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from runaudit.factors.never import never_recorded
from runaudit.study.answer import Judgement, answer, judged, lifting
from runaudit.study.columns import Column
from runaudit.study.pairs import Chain, Pair
from runaudit.study.projects import command_of
from runaudit.study.study import Study
from runaudit.study.suggest import Extension
from runaudit.study.words import interaction_lines, notes_on, suggestion_lines, suggestion_sentence
from runaudit.text.markdown import bullets, escaped, table
from runaudit.text.shown import Shown
from runaudit.text.terminal import BOLD, UNPAINTED, Paint, printable
from runaudit.text.verdicts import verdict_words
from runaudit.text.words import level, listed, off_record, plural, resting_on

MAX_ROWS = 12
MAX_LEVELS = 6


def headline(judgement: Judgement) -> str:
    """The verdict and its reason in one sentence; of foreign records, what they show, and what it rests on besides."""
    return f"{_verdict(judgement)}: {_reason(judgement)}"


def _verdict(judgement: Judgement) -> str:
    if not judgement.on_record:
        return judgement.verdict
    return f"{judgement.conditional} {resting_on(judgement.on_record, judgement.assumed)}"


def _reason(judgement: Judgement) -> str:
    if judgement.on_record:
        return judgement.recorded + off_record(judgement.verdict, len(judgement.open))
    held = judgement.conditional not in (None, judgement.verdict)
    return judgement.reason + (f" (conditional: {judgement.conditional})" if held else "")


def text_lines(
    study: Study, judgement: Judgement, *, everything: bool = False, paint: Paint = UNPAINTED
) -> Iterator[str]:
    """The study for a terminal; long lists are cut unless `everything`."""
    yield paint(printable(headline(judgement)), BOLD + verdict_words("study", judgement.verdict).tone.colour)
    for title, lines in sections(study, everything):
        if lines:
            yield ""
            yield paint(title, BOLD)
            yield from (f"  {printable(line)}" for line in lines)


def markdown_lines(study: Study, judgement: Judgement, *, everything: bool = False) -> Iterator[str]:
    """The study for a pull request: the same sections; the factor table as a table."""
    word, space, rest = _verdict(judgement).partition(" ")
    yield f"**{word}{space}{escaped(rest)}**: {escaped(_reason(judgement))}"
    for title, lines in sections(study, everything):
        if title == "factors" and lines:
            yield from ("", *table(("factor", "levels (runs)", "standing"), factor_rows(study)))
        elif lines:
            yield from ("", f"**{title}**", "", *bullets(lines))


def factor_rows(study: Study) -> Iterator[tuple[str, str, str]]:
    """Every factor with its levels and the runs at each, and whether its effect can be told."""
    return ((column.factor, _levels(column), _standing(study, column)) for column in study.model.columns)


def sections(study: Study, everything: bool = False) -> Iterator[tuple[str, list[str]]]:
    """What is said below the verdict: (title, lines), the factors among them; an empty one has nothing to say."""
    design = study.design
    counted = f"{study.with_result} with a result"
    size = f"{plural(study.launched, 'run')} in {plural(len(study.table.cells), 'cell')}, {counted}"
    spare = max(0, min(study.residual_df, study.with_result))
    rank = f"rank {design.rank} of {design.columns} columns, {spare} residual degrees of freedom"
    yield "design", [f"{size}; {rank}"]
    yield "projects", list(_projects(study))
    width = max((len(column.factor) for column in study.model.columns), default=0)
    yield (
        "factors",
        [f"{name:<{width}}  {levels}  [{standing}]" for name, levels, standing in factor_rows(study)],
    )
    yield "never varied", _cut([listed(study.table.never_varied, limit=999 if everything else MAX_ROWS)], True)
    yield "next runs", [line for found in study.extensions for line in _next(study, found, everything)]
    clean = [pair for pair in study.pairs if pair.is_single]
    yield "single-factor pairs", _cut([_pair(study, pair) for pair in clean], everything)
    yield "chains", _cut([_chain(study, chain) for chain in study.chains], everything)
    yield "interactions", list(interaction_lines(study))
    gaps = [*_cut(_missing(study, everything), everything), *_folded(study, everything)]
    yield "not in all records", [*gaps, *filter(None, [lifting(study, judged(study))])]
    yield "assumed", [study.assumed.note] if study.assumed else []
    yield "notes", _cut(list(notes_on(study)), everything)


def _projects(study: Study) -> Iterator[str]:
    """Which of several projects this is, and how to see the others."""
    if study.project is None:
        return
    total = len(study.project.runs) + sum(len(one.runs) for one in study.beside)
    alike = "the others are of unrelated programs"
    yield f"these are {len(study.project.runs)} of {total} runs: {study.project.name}; {alike}"
    rows = [(f"{plural(len(one.runs), 'run')}", one.name, command_of(one)) for one in study.beside]
    widths = [max(len(row[at]) for row in rows) for at in (0, 1)]
    for count, name, command in rows:
        yield f"  {count:<{widths[0]}}  {name:<{widths[1]}}  {command}"


def _cut(lines: list[str], everything: bool) -> list[str]:
    lines = [line for line in lines if line]
    if everything or len(lines) <= MAX_ROWS:
        return lines
    return [*lines[:MAX_ROWS], f"and {len(lines) - MAX_ROWS} more (--all shows them)"]


def _levels(column: Column) -> str:
    counts = Counter(column.codes)
    rows = [f"{level(value)} ({counts[code]})" for code, value in enumerate(column.levels)]
    return ", ".join(rows[:MAX_LEVELS]) + (
        f" and {plural(len(rows) - MAX_LEVELS, 'more level')}" if len(rows) > MAX_LEVELS else ""
    )


def _standing(study: Study, column: Column) -> str:
    if column.factor in study.barriers:
        return "evaluation"
    bare = listed(list(map(level, study.unmeasured.get(column.factor, ()))), limit=4)
    if study.is_estimable(column):
        if column.factor in study.doubted:
            return "estimable, if it is no part of the measure"
        return f"estimable but for {bare}: no result" if bare else "estimable"
    others = [
        name for members in study.alias_sets if column.factor in members for name in members if name != column.factor
    ]
    if not others:
        return "no result at another level"
    return f"aliased with {listed(others, limit=4)}" + (f"; no result at {bare}" if bare else "")


def _name(study: Study, place: int) -> str:
    runs = [study.table.runs[row] for row in study.table.cells[place].rows]
    return f"{runs[0].label} ({runs[0].short})" + (f" and {len(runs) - 1} more" if len(runs) > 1 else "")


def _pair(study: Study, pair: Pair) -> str:
    doubt = ", if that is no part of the measure" if pair.doubt else ""
    return f"{_name(study, pair.a)} | {_name(study, pair.b)}: {listed(pair.factors)}{doubt}"


def _chain(study: Study, chain: Chain) -> str:
    steps = [_name(study, chain.cells[0])]
    steps += [
        f"-[{factor}]-> {_name(study, place)}" for place, factor in zip(chain.cells[1:], chain.factors, strict=True)
    ]
    return " ".join(steps)


def _next(study: Study, found: Extension, everything: bool) -> Iterator[str]:
    if found.short:
        yield suggestion_sentence(study, found)
        return
    head, steps = suggestion_lines(study, found)
    yield f"{head}:"
    yield from (f"  {line}" for line in _cut(steps, everything))


def _missing(study: Study, everything: bool) -> list[str]:
    """The gaps of these runs; those of every run of their tracker only where everything is told."""
    total = len(study.table.runs)
    return [
        f"{path}: {len(lacking)} of {total} runs ({reason})" if lacking else f"{path}: {reason}"
        for path, (lacking, reason) in study.missing.items()
        if everything or not never_recorded(path, lacking)
    ]


def _folded(study: Study, everything: bool) -> Iterator[str]:
    if everything:
        return
    found: dict[str, list[str]] = {}
    for path, (lacking, _) in study.missing.items():
        if never := never_recorded(path, lacking):
            found.setdefault(never, []).append(path)
    yield from (f"never recorded by {never}: {', '.join(paths)}" for never, paths in found.items())


@dataclass(frozen=True, kw_only=True, repr=False)
class StudyAnswer(Shown):
    """What `study` answers with: the study, and what may be concluded from it."""

    study: Study

    @cached_property
    def judgement(self) -> Judgement:
        """The verdict over all runs together, with its reason."""
        return judged(self.study)

    @property
    def verdict(self) -> str:
        """The word of the verdict."""
        return self.judgement.verdict

    def to_json(self) -> dict[str, Any]:
        """The answer as the JSON contract words it."""
        return answer(self.study)

    @property
    def headline(self) -> str:
        """The verdict and its reason in one sentence."""
        return headline(self.judgement)

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal."""
        return text_lines(self.study, self.judgement, everything=verbose, paint=paint)

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a pull request."""
        return markdown_lines(self.study, self.judgement, everything=verbose)
