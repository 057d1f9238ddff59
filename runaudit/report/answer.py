"""What `runaudit report` says in a terminal, a pull request and JSON: what the page says first, and where it is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

from runaudit.report.views.campaign import CampaignView
from runaudit.report.views.diff import DiffView
from runaudit.report.views.page import PageView
from runaudit.report.views.result import ResultTable
from runaudit.report.views.untangled import UntangledView
from runaudit.report.views.verdict import VerdictView
from runaudit.stats.answer import arm_json, comparison_json
from runaudit.text.markdown import bullets, code, escaped, fenced, spoken, table
from runaudit.text.terminal import UNPAINTED, Paint, printable
from runaudit.text.words import plural

MOST_LINES = 120
"""Lines of code in a pull request: a comment holds 65,536 letters, and a reviewer reads no more in one."""
LONGEST_LINE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportAnswer:
    """What `report` answers with: what the page says first, and where it is."""

    view: PageView
    output: Path
    picture: Path | None = None
    pdf: Path | None = None

    @property
    def headline(self) -> str:
        """Where the page is."""
        return str(self.output)

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal."""
        yield from (f"{told.badge}: {told.headline}" for told in (self.view.campaign,) if told)
        yield from (self.view.summary,) if self.view.summary else ()
        for verdict in self.view.verdicts:
            yield f"{_sides(verdict)}: {verdict.badge}. {verdict.change}."
            yield from (f"  {line}" for line in (verdict.assumed,) if line)
            yield from (f"  {evidence.metric} {evidence.sentence}" for evidence in verdict.evidence)
            yield from (f"  {line}" for line in (verdict.unjudged if verdict.evidence else (verdict.claim,)))
            yield from (f"  {line}" for line in verdict.caveats if line != verdict.alone)
        yield from (f"{told.sides}: {told.badge}. {told.headline}" for told in self.view.untangled)
        yield from dict.fromkeys(verdict.alone for verdict in self.view.verdicts if verdict.alone)
        yield from self._alone()
        for alert in self.view.alerts:
            yield f"{alert.title}:"
            yield from (f"  {item}" for item in alert.items)
        yield printable(f"page: {self.output}")
        if self.pdf:
            yield printable(f"pdf: {self.pdf}")

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a pull request, no two lines blank one after the other."""
        for before, line in pairwise(("", *self._markdown())):
            if before or line:
                yield line

    def _markdown(self) -> Iterator[str]:
        yield from (f"## {escaped(self.view.headed)}", "") if self.view.headed else ()
        yield from (escaped(self.view.summary), "") if self.view.summary else ()
        for verdict in self.view.verdicts:
            yield f"**{escaped(_sides(verdict))}**: {escaped(verdict.claim)}"
            yield from ("", escaped(" ".join((f"Design: {verdict.badge}. {verdict.change}.", *verdict.caveats))))
            if verdict.lacking and not any({verdict.arm.letter, verdict.baseline.letter} == {*told.letters}
                                           for told in self.view.untangled):  # fmt: skip
                yield from ("", _with_commands(f"A claim would need {'; and '.join(verdict.lacking)}."))
            yield from (line for told in (verdict.assumed,) if told for line in ("", f"> {escaped(told)}"))
            further = [f"{evidence.metric} {evidence.sentence}" for evidence in verdict.evidence[1:]]
            yield from (("", *bullets(further), "") if further else ("",))
        yield from bullets(self._alone())
        for one in self.view.result.tables:
            yield from self._arms(one)
        yield from ((escaped(self.view.result.bare), "") if self.view.result.bare else ())
        if self.view.campaign:
            yield from _campaign(self.view.campaign)
        for told in self.view.untangled:
            yield from _untangled(told)
        if self.picture is not None:
            words = next(verdict.effects[0].words for verdict in self.view.verdicts if verdict.effects)
            # A path is written so that no bracket or blank in it ends the link.
            yield from (f"![{spoken(words)}]({quote(self.picture.name)})", "")
        for diff in self.view.diffs:
            yield from _factors(diff)
        yield from _code(self.view.diffs)
        for alert in self.view.alerts:
            yield from (f"**{escaped(alert.title)}**", "", *bullets(alert.items), "")
        # Whoever reads a pull request has no disk of ours: what it is called, not where it lies.
        yield f"page: {code(self.output.name)}"
        if self.pdf:
            yield from ("", f"pdf: {code(self.pdf.name)}")

    def _arms(self, told: ResultTable) -> Iterator[str]:
        """The arms on a metric, and where its numbers come from."""
        has, lost = told.has_interval, told.has_failed
        header = ["arm", told.metric or "result", *(["interval"] if has else []), "n"]
        header += ["without a result"] if lost else []
        rows = []
        for row in told.rows:
            arm = self.view.arms[row.arm]
            cells = [f"{arm.name} ({arm.letter})", row.value, *([row.interval or "–"] if has else []), row.n]
            rows.append(cells + ([row.failed or "–"] if lost else []))
        yield from ("", *((escaped(told.title), "") if told.title else ()), *table(header, rows, right=1), "")
        yield from ((escaped(told.under), "") if told.under else ())

    def _alone(self) -> Iterator[str]:
        """The arms that no comparison names, with the letter that stands for each."""
        told = {one.letter for verdict in self.view.verdicts for one in (verdict.arm, verdict.baseline)}
        return (f"{arm.name} ({arm.letter})" for arm in self.view.arms if arm.letter not in told)

    def to_json(self) -> dict[str, Any]:
        """The answer for a program."""
        return {
            "schema": "runaudit.report/1",
            "page": str(self.output),
            "pdf": str(self.pdf) if self.pdf else None,
            "picture": str(self.picture) if self.picture else None,
            "arms": [
                {"letter": arm.letter, "label": arm.name.full, "runs": [run.id.full for run in arm.runs]}
                for arm in self.view.arms
            ],
            "metrics": [
                {
                    "metric": one.name,
                    "better": one.better.partition(" ")[0] or None,
                    "origin": one.origin or None,
                    "arms": [self.view.arms[row.arm].letter for row in one.rows],
                    "numbers": [
                        {"letter": self.view.arms[row.arm].letter} | arm_json(row.summary)
                        for row in one.rows
                        if row.summary is not None
                    ],
                }
                for one in self.view.result.tables
                if one.name
            ],
            "summary": self.view.summary or None,
            "comparisons": [
                {
                    "baseline": verdict.baseline.letter,
                    "arm": verdict.arm.letter,
                    "verdict": verdict.verdict.replace(" ", "_"),
                    "shown": verdict.badge,
                    "claim": verdict.claim,
                    "lacking": list(verdict.lacking),
                    "assumed": verdict.assumed or None,
                    "unjudged": list(verdict.unjudged),
                    "evidence": [
                        {
                            "metric": e.metric,
                            "verdict": e.verdict,
                            "conditional": e.conditional or None,
                            "text": e.sentence,
                            "numbers": comparison_json(e.judged),
                        }
                        for e in verdict.evidence
                    ],
                }
                for verdict in self.view.verdicts
            ],
            "campaign": _campaign_json(self.view.campaign) if self.view.campaign else None,
            "untangled": [_untangled_json(told) for told in self.view.untangled],
            "alerts": [{"title": alert.title, "items": list(alert.items)} for alert in self.view.alerts],
        }


def _campaign(told: CampaignView) -> Iterator[str]:
    """How the jobs of the campaign stand."""
    yield from (f"**Campaign, {escaped(told.badge)}**: {escaped(told.headline)}", "")
    rows = [(f"{letter} {name.short}".strip(), seeds, jobs) for letter, name, seeds, jobs in told.arms]
    yield from (*table(("arm", "seeds", "jobs"), rows), "", *bullets(told.notes), "")


def _campaign_json(told: CampaignView) -> dict[str, Any]:
    return {
        "shown": told.badge,
        "text": told.headline,
        "arms": [
            {"letter": letter or None, "label": name.full, "seeds": seeds, "jobs": jobs}
            for letter, name, seeds, jobs in told.arms
        ],
        "notes": list(told.notes),
    }


def _untangled(told: UntangledView) -> Iterator[str]:
    """Which change moved the metric, where hybrids were run to find out."""
    yield from (
        f"**{escaped(told.sides)}, which change did it**: {_with_commands(f'{told.badge}: {told.headline}')}",
        "",
    )
    rows = [
        (row.name.short, row.size, row.interval, row.p, row.share or "–", "moved it" if row.named else "")
        for row in told.rows
    ]
    header = ("factor", f"effect on {told.metric.words}", "95 % CI", "p", "share", "")
    yield from (*table(header, rows, right=1), "") if rows else ()


def _untangled_json(told: UntangledView) -> dict[str, Any]:
    return {
        "sides": told.sides,
        "metric": told.metric.name,
        "shown": told.badge,
        "text": told.headline,
        "runs": list(told.ids),
    }


def _with_commands(text: str) -> str:
    """A sentence of ours for Markdown, in which what is typed is code."""
    words = text.split("`")
    return "".join(code(word) if place % 2 else escaped(word) for place, word in enumerate(words))


def _factors(diff: DiffView) -> Iterator[str]:
    """What changed between two arms as a table; what is said of a change stands beside it."""
    is_said = any(row.words for row in diff.factors)
    header = (f"{diff.title}: factor", "before", "after", *(("reason",) if is_said else ()))
    rows = [
        (row.name.short, row.before.short, row.after.short, *((row.words,) if is_said else ())) for row in diff.factors
    ]
    if rows:
        yield from (*table(header, rows), "")


def _code(diffs: Sequence[DiffView]) -> Iterator[str]:
    """The changed lines of source files, folded: no name stands in the tags, and no line ends its block."""
    files = [(diff, file) for diff in diffs for file in diff.code if file.lines]
    if not files:
        return
    yield from ("<details>", f"<summary>The change of the code ({plural(len(files), 'file')})</summary>", "")
    room = MOST_LINES
    for diff, file in files:
        lines = [text if len(text) <= LONGEST_LINE else f"{text[:LONGEST_LINE]}…" for _, text in file.lines[:room]]
        room -= len(lines)
        left_out = file.left_out + len(file.lines) - len(lines)
        yield f"{escaped(diff.title)} {code(file.path.short)}"
        yield from ("", *fenced(lines, "diff"), "") if lines else ("",)
        if left_out:
            yield from (f"{plural(left_out, 'more line')}: the page has them.", "")
    yield from ("</details>", "")


def _sides(verdict: VerdictView) -> str:
    """Who is held against whom, each with the letter that stands for it in all that follows, here and on the page."""
    arm, baseline = verdict.arm, verdict.baseline
    return f"{arm.name} ({arm.letter}) against {baseline.name} ({baseline.letter})"
