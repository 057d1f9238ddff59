"""A comparison for a terminal and for a pull request. The first line is the verdict and its reason in one sentence."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from runaudit.diff.code import Hunk, code_hunks
from runaudit.diff.result import Comparison, Derivation, FactorChange, Side
from runaudit.factors.factor import Change, Role
from runaudit.records.run import Run
from runaudit.text.markdown import code, escaped, fenced, table
from runaudit.text.terminal import BOLD, DIM, GREEN, RED, UNPAINTED, YELLOW, Paint, printable
from runaudit.text.verdicts import verdict_words
from runaudit.text.words import level

MAX_MISSING = 8


def headline(comparison: Comparison) -> str:
    """The verdict and its reason in one sentence."""
    conditional = comparison.conditional
    held = f" (conditional: {conditional})" if conditional and conditional is not comparison.verdict else ""
    return printable(f"{comparison.verdict}: {comparison.reason}{held}")


def text_lines(
    comparison: Comparison, *, hunks: Sequence[Hunk] = (), everything: bool = False, paint: Paint = UNPAINTED
) -> Iterator[str]:
    """The comparison for a terminal; what cannot matter is collapsed to counts unless `everything`."""
    yield paint(headline(comparison), BOLD + verdict_words("diff", comparison.verdict).tone.colour)
    yield f"  a  {_side(comparison.a)}"
    yield f"  b  {_side(comparison.b)}"
    if comparison.factors:
        yield ""
        yield paint("factors", BOLD)
        width = max(len(row.factor) for row in comparison.factors)
        for row in comparison.factors:
            yield from _factor(row, width, paint)
    if comparison.intent.declared:
        yield ""
        met = "met" if comparison.intent.met else "not met"
        yield printable(f"intent {', '.join(comparison.intent.declared)}: {met}; {comparison.intent.reason}")
    yield from _missing(comparison, everything, paint)
    yield from _rest(comparison, everything, paint)
    if comparison.notes:
        yield ""
        yield from (printable(f"note: {note}") for note in comparison.notes)
    yield from _code(hunks, paint)


def _side(side: Side) -> str:
    name = printable(f"{side.id[:12]}  {side.label}")
    if side.n is None:
        return name
    seeds = ", ".join(level(seed) for seed in side.seeds)
    return f"{name}  (n {side.n}, effective {side.effective_n}; seeds {seeds})"


def _factor(row: FactorChange, width: int, paint: Paint) -> Iterator[str]:
    words = [str(row.role)] if row.role is not Role.TREATMENT else []
    words += ["intended"] if row.intended else []
    mark = paint(f"  [{', '.join(words)}]", DIM) if words else ""
    detail = row.summary.removeprefix(row.factor).strip()
    if len(row.members) > 1:
        yield printable(f"  {row.factor}") + mark
        for member in row.members:
            yield printable(f"      {member.path}  {level(member.before)} → {level(member.after)}")
    else:
        yield printable(f"  {row.factor:<{width}}  {detail}") + mark


def _missing(comparison: Comparison, everything: bool, paint: Paint) -> Iterator[str]:
    if not comparison.missing:
        return
    yield ""
    yield paint("missing", BOLD + YELLOW)
    rows = comparison.missing if everything else comparison.missing[:MAX_MISSING]
    for row in rows:
        where = "on both sides" if row.side == "both" else f"in {row.side}"
        yield printable(f"  {row.factor}  {where}: {row.reason}")
    if len(rows) < len(comparison.missing):
        yield f"  and {len(comparison.missing) - len(rows)} more (--all shows them)"


def _rest(comparison: Comparison, everything: bool, paint: Paint) -> Iterator[str]:
    groups: tuple[tuple[str, Sequence[Change | Derivation]], ...] = (
        ("derived", comparison.derived),
        ("nuisance", comparison.nuisance),
        ("cosmetic", comparison.cosmetic),
    )
    counts = [f"{len(rows)} {name}" for name, rows in groups if rows]
    if not counts:
        return
    yield ""
    if not everything:
        yield paint(f"not counted: {', '.join(counts)} (--all shows them)", DIM)
        return
    for name, rows in groups:
        if rows:
            yield paint(name, BOLD)
            for row in rows:
                path = row.factor if isinstance(row, Derivation) else row.path
                why = f"follows {row.follows}" if isinstance(row, Derivation) else row.why
                yield printable(f"  {path}  {level(row.before)} → {level(row.after)}  ({why})")


def _code(hunks: Sequence[Hunk], paint: Paint) -> Iterator[str]:
    for hunk in hunks:
        yield ""
        yield paint(printable(f"{hunk.path} · {hunk.function}"), BOLD)
        for line in hunk.lines:
            colour = GREEN if line.startswith("+") else RED if line.startswith("-") else ""
            yield paint(printable(f"  {line}"), colour) if colour else printable(f"  {line}")


def markdown_lines(comparison: Comparison, *, hunks: Sequence[Hunk] = (), everything: bool = False) -> Iterator[str]:
    """The comparison for a pull request."""
    yield f"**{comparison.verdict}**: {escaped(comparison.reason)}"
    yield ""
    yield f"`a` {escaped(_side(comparison.a))} · `b` {escaped(_side(comparison.b))}"
    if comparison.factors:
        yield from ("", *table(("factor", "a", "b"), _factor_rows(comparison.factors)))
    if comparison.missing:
        gaps = ", ".join(f"{code(row.factor)} ({row.side})" for row in comparison.missing)
        yield from ("", f"Missing: {gaps}. If all of it were equal: **{comparison.conditional}**.")
    if comparison.intent.declared:
        declared = ", ".join(comparison.intent.declared)
        yield from ("", f"Intent {escaped(declared)}: {escaped(comparison.intent.reason)}.")
    if everything:
        plain = text_lines(comparison, everything=True)
        yield from ("", "<details><summary>everything</summary>", "", *fenced(plain), "", "</details>")
    for note in comparison.notes:
        yield from ("", f"> {escaped(note)}")
    for hunk in hunks:
        yield from ("", f"{code(hunk.path)} · {code(hunk.function)}", "", *fenced(hunk.lines, "diff"))


def _factor_rows(factors: Sequence[FactorChange]) -> Iterator[tuple[str, str, str]]:
    for row in factors:
        mark = f" ({row.role})" if row.role is not Role.TREATMENT else ""
        for member in row.members:
            inner = "" if member.path == row.factor else f": {member.path}"
            yield row.factor + inner + mark, level(member.before), level(member.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffAnswer:
    """What `diff` answers with: the comparison, and the changed functions of two runs that stand for its sides."""

    comparison: Comparison
    pair: tuple[Run, Run]

    def to_json(self) -> dict[str, Any]:
        """The comparison as the JSON contract words it."""
        return self.comparison.to_json()

    @property
    def headline(self) -> str:
        """The verdict and its reason in one sentence."""
        return headline(self.comparison)

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal."""
        hunks = code_hunks(self.comparison, *self.pair)
        return text_lines(self.comparison, hunks=hunks, everything=verbose, paint=paint)

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a pull request."""
        return markdown_lines(self.comparison, hunks=code_hunks(self.comparison, *self.pair), everything=verbose)
