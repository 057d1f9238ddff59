"""A comparison for a terminal and for a pull request. The first line is the verdict and its reason in one sentence."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runaudit.diff.code import Hunk, code_hunks
from runaudit.diff.code import folded as folded_code
from runaudit.diff.result import Comparison, Derivation, FactorChange, Missing, Side
from runaudit.factors.factor import Change, Role
from runaudit.records.run import Run
from runaudit.text.likeness import told_apart
from runaudit.text.markdown import code, escaped, fenced, table
from runaudit.text.terminal import BOLD, DIM, GREEN, RED, UNPAINTED, YELLOW, Paint, printable
from runaudit.text.verdicts import verdict_words
from runaudit.text.words import both_levels, in_order, level, off_record, plural, resting_on

MAX_MISSING = 8


def headline(comparison: Comparison) -> str:
    """The verdict and its reason in one sentence; of foreign records, what they show, and what it rests on besides."""
    return printable(f"{_verdict(comparison)}: {_reason(comparison)}")


def _verdict(comparison: Comparison) -> str:
    if not comparison.tells_what_is_recorded:
        return str(comparison.verdict)
    stated = comparison.assumed.words if comparison.assumed and not comparison.open else ""
    return f"{comparison.conditional} {resting_on(comparison.on_record, stated)}"


def _reason(comparison: Comparison) -> str:
    if comparison.tells_what_is_recorded:
        return comparison.recorded + off_record(comparison.verdict, len(comparison.open))
    conditional = comparison.conditional
    held = f" (conditional: {conditional})" if conditional and conditional is not comparison.verdict else ""
    return comparison.reason + held


def text_lines(
    comparison: Comparison, *, hunks: Sequence[Hunk] = (), everything: bool = False, paint: Paint = UNPAINTED
) -> Iterator[str]:
    """The comparison for a terminal; what cannot matter is collapsed to counts unless `everything`."""
    # A verdict on what is recorded is never shown as a clean one, whoever vouches for the rest.
    yield paint(headline(comparison), BOLD + verdict_words("diff", comparison.verdict).tone.colour)
    yield f"  a  {_side(comparison.a, comparison.b)}"
    yield f"  b  {_side(comparison.b, comparison.a)}"
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
    shown, left = (tuple(hunks), 0) if everything else folded_code(hunks)
    yield from _code(shown, paint)
    if left:
        yield from ("", _left_out(hunks, left))


def _side(side: Side, other: Side) -> str:
    name = printable(f"{side.id[:12]}  {told_apart(side.label, other.label)}")
    if side.n is None:
        return name
    seeds = ", ".join(in_order(level(seed) for seed in side.seeds))
    return f"{name}  (n {side.n}, effective {side.effective_n}; seeds {seeds})"


def _factor(row: FactorChange, width: int, paint: Paint) -> Iterator[str]:
    words = [str(row.role)] if row.role is not Role.TREATMENT else []
    words += ["intended"] if row.intended else []
    mark = paint(f"  [{', '.join(words)}]", DIM) if words else ""
    detail = row.summary.removeprefix(row.factor).strip()
    if len(row.members) > 1:
        yield printable(f"  {row.factor}") + mark
        for member in row.members:
            yield printable(f"      {member.path}  {' → '.join(both_levels(member.before, member.after))}")
    else:
        yield printable(f"  {row.factor:<{width}}  {detail}") + mark


def _missing(comparison: Comparison, everything: bool, paint: Paint) -> Iterator[str]:
    """The gaps of these runs; those of every run of their tracker, and those that are vouched for, in a line each."""
    own = comparison.missing if everything else [row for row in comparison.open if not row.never]
    rows = own if everything else own[:MAX_MISSING]
    if rows:
        yield from ("", paint("missing", BOLD + YELLOW))
    for row in rows:
        where = "on both sides" if row.side == "both" else f"in {row.side}"
        marks = [f"never recorded by {row.never}"] if row.never else []
        marks += ["assumed"] if row.assumed else []
        mark = f" [{'; '.join(marks)}]" if marks else ""
        yield printable(f"  {row.factor}  {where}: {row.reason}{mark}")
    if len(rows) < len(own):
        yield f"  and {len(own) - len(rows)} more (--all shows them)"
    told = [] if everything else [*folded(comparison.open)]
    told += [comparison.assumed.note] if comparison.assumed else []
    told += [comparison.lifted_by] if comparison.lifted_by else []
    yield from ("", *map(printable, told)) if told else ()


def folded(rows: Sequence[Missing]) -> Iterator[str]:
    """`never recorded by W&B: data, eval`: what is missing of every run of its tracker."""
    for never in dict.fromkeys(row.never for row in rows if row.never):
        yield f"never recorded by {never}: {', '.join(row.factor for row in rows if row.never == never)}"


def _not_counted(comparison: Comparison) -> dict[str, Sequence[Change | Derivation]]:
    """What changed and is no factor, by the kind of its excuse."""
    groups: dict[str, Sequence[Change | Derivation]] = {
        "derived": comparison.derived, "nuisance": comparison.nuisance, "cosmetic": comparison.cosmetic,
    }  # fmt: skip
    return {name: rows for name, rows in groups.items() if rows}


def _count(groups: Mapping[str, Sequence[Change | Derivation]]) -> str:
    return f"not counted: {', '.join(f'{len(rows)} {name}' for name, rows in groups.items())} (--all shows them)"


def _rest(comparison: Comparison, everything: bool, paint: Paint) -> Iterator[str]:
    groups = _not_counted(comparison)
    if not groups:
        return
    yield ""
    if not everything:
        yield paint(_count(groups), DIM)
        return
    for name, rows in groups.items():
        yield paint(name, BOLD)
        for row in rows:
            path = row.factor if isinstance(row, Derivation) else row.path
            why = f"follows {row.follows}" if isinstance(row, Derivation) else row.why
            yield printable(f"  {path}  {' → '.join(both_levels(row.before, row.after))}  ({why})")


def _left_out(hunks: Sequence[Hunk], left: int) -> str:
    files = plural(len({hunk.path for hunk in hunks if hunk.lines}), "changed file")
    return f"{left} more lines of {files} (--all shows them)"


def _code(hunks: Sequence[Hunk], paint: Paint) -> Iterator[str]:
    for hunk in hunks:
        yield ""
        yield paint(printable(f"{hunk.path} · {hunk.function}"), BOLD)
        for line in hunk.lines:
            colour = GREEN if line.startswith("+") else RED if line.startswith("-") else ""
            yield paint(printable(f"  {line}"), colour) if colour else printable(f"  {line}")


def markdown_lines(comparison: Comparison, *, hunks: Sequence[Hunk] = (), everything: bool = False) -> Iterator[str]:
    """The comparison for a pull request."""
    word, space, rest = _verdict(comparison).partition(" ")
    yield f"**{word}{space}{escaped(rest)}**: {escaped(_reason(comparison))}"
    yield ""
    yield f"`a` {escaped(_side(comparison.a, comparison.b))} · `b` {escaped(_side(comparison.b, comparison.a))}"
    if comparison.factors:
        yield from ("", *table(("factor", "a", "b"), _factor_rows(comparison.factors)))
    yield from _markdown_gaps(comparison, everything)
    if comparison.assumed:
        yield from ("", f"> {escaped(comparison.assumed.note)}")
    if comparison.intent.declared:
        declared = ", ".join(comparison.intent.declared)
        yield from ("", f"Intent {escaped(declared)}: {escaped(comparison.intent.reason)}.")
    if everything:
        plain = text_lines(comparison, everything=True)
        yield from ("", "<details><summary>everything</summary>", "", *fenced(plain), "", "</details>")
    elif groups := _not_counted(comparison):
        yield from ("", escaped(_count(groups)))
    for note in comparison.notes:
        yield from ("", f"> {escaped(note)}")
    shown, left = (tuple(hunks), 0) if everything else folded_code(hunks)
    for hunk in shown:
        yield from ("", f"{code(hunk.path)} · {code(hunk.function)}", "", *fenced(hunk.lines, "diff"))
    if left:
        yield from ("", f"{_left_out(hunks, left)}.")


def _markdown_gaps(comparison: Comparison, everything: bool) -> Iterator[str]:
    rows = [row for row in comparison.missing if everything or not row.never]
    gaps = ", ".join(f"{code(row.factor)} ({row.side}{', assumed' if row.assumed else ''})" for row in rows)
    is_told = comparison.conditional is None or comparison.tells_what_is_recorded
    held = "" if is_told else f" If all of it were equal: **{comparison.conditional}**."
    if gaps:
        yield from ("", f"Missing: {gaps}.{held}")
    if not everything:
        yield from (line for never in folded(comparison.open) for line in ("", f"{escaped(never)}."))


def _factor_rows(factors: Sequence[FactorChange]) -> Iterator[tuple[str, str, str]]:
    for row in factors:
        mark = f" ({row.role})" if row.role is not Role.TREATMENT else ""
        for member in row.members:
            inner = "" if member.path == row.factor else f": {member.path}"
            yield row.factor + inner + mark, *both_levels(member.before, member.after)


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
