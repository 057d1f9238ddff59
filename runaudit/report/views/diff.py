"""What differs between two arms, leaf by leaf: what counts open, what does not count folded, nothing dropped."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runaudit.diff import Comparison
from runaudit.diff.arms import REPLICATED
from runaudit.diff.lines import changed_lines
from runaudit.diff.result import Derivation, FactorChange, Intent, Missing
from runaudit.errors import RunauditError
from runaudit.factors.compute_budget import UNEXPLAINED
from runaudit.factors.factor import Absent, Change
from runaudit.records.canonical import JSON
from runaudit.records.run import Run
from runaudit.report.inputs import ArmInput, ComparisonInput
from runaudit.report.views.arm import letter
from runaudit.report.views.recorded import design_badge
from runaudit.report.views.verdict import PLAIN, level_text
from runaudit.report.words import Text, clean, shown, value_text
from runaudit.text.verdicts import Tone
from runaudit.text.words import both_levels, plural

MAX_LINES = 400
MAX_SOURCE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """One changed leaf: its name, both levels, and what is said about it."""

    name: Text
    section: str
    before: Text
    after: Text
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeDiff:
    """One changed source file: (kind, line) with kind one of add, del, hunk, same; or why it cannot be shown."""

    path: Text
    lines: tuple[tuple[str, str], ...]
    left_out: int
    missing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Leaves that are no factors, folded. is_bulk: nobody misses them on paper."""

    title: str
    summary: str
    changes: tuple[ChangeRow, ...]
    is_bulk: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffView:
    """One comparison, leaf by leaf. is_open: something is not on record."""

    title: str
    verdict: str
    tone: str
    factors: tuple[ChangeRow, ...]
    derived: tuple[ChangeRow, ...]
    groups: tuple[Group, ...]
    code: tuple[CodeDiff, ...]
    intent: str
    is_open: bool


_SEEDS, _NUISANCE = "Seeds, replicated within the arms", "Cannot change a result"
_BULK = (_SEEDS, _NUISANCE)


def diff_view(comparison: ComparisonInput, arms: Sequence[ArmInput]) -> DiffView:
    """The changes between two arms. Code is shown from the first run of each."""
    a, b = arms[comparison.baseline], arms[comparison.arm]
    title = f"{letter(comparison.baseline)} → {letter(comparison.arm)}"
    code = tuple(_code(comparison.diff.factors, a.runs[0], b.runs[0])) if a.runs and b.runs else ()
    return leaves_view(comparison.diff, title=title, code=code)


def leaves_view(diff: Comparison, *, title: str, code: tuple[CodeDiff, ...] = ()) -> DiffView:
    """A comparison leaf by leaf, with the source that is at hand."""
    tone, badge = design_badge(diff)
    followed = [row for row in diff.derived if row.follows != UNEXPLAINED]
    folded = {
        "Came out otherwise, and nothing on record says why": [
            _changed(row.factor, row.before, row.after) for row in diff.derived if row.follows == UNEXPLAINED
        ],
        _SEEDS: [_leaf(change) for change in diff.nuisance if change.why == REPLICATED],
        _NUISANCE: [_leaf(change) for change in diff.nuisance if change.why != REPLICATED],
        "Code that changed in comments or layout only": [_leaf(change) for change in diff.cosmetic],
        "Not in a record": [_gap(gap) for gap in diff.missing],
    }
    return DiffView(
        title=title,
        verdict=badge,
        # A sound design is no result: green is kept for what the numbers carry.
        tone=PLAIN if tone is Tone.GOOD else tone,
        factors=tuple(_factor(factor) for factor in diff.factors),
        derived=tuple(_derived(row) for row in followed),
        groups=tuple(
            Group(
                title=words, summary=plural(len(rows), "entry", "entries"), changes=tuple(rows), is_bulk=words in _BULK
            )
            for words, rows in folded.items()
            if rows
        ),
        code=code,
        intent=_intent(diff.intent),
        is_open=bool(diff.missing),
    )


def _factor(row: FactorChange) -> ChangeRow:
    # What the three columns say already is not said again, as `diff` writes it or as they do.
    said = (
        f"{before} → {after}"
        for before, after in (
            (level_text(row.before).full, level_text(row.after).full),
            both_levels(row.before, row.after),
        )
    )
    words = row.summary.removeprefix(f"{row.factor} ")
    words = "" if words in said else words
    if words.startswith("(") and words.endswith(")"):
        words = words[1:-1]
    return _changed(row.factor, row.before, row.after, words=words, section=row.section)


def _derived(row: Derivation) -> ChangeRow:
    return _changed(row.factor, row.before, row.after, words=f"follows {row.follows}")


def _leaf(row: Change) -> ChangeRow:
    return _changed(row.path, row.before, row.after)


def _changed(
    name: str, before: JSON | Absent, after: JSON | Absent, *, words: str = "", section: str = ""
) -> ChangeRow:
    return ChangeRow(
        name=shown(name, 80),
        section=clean(section or name.partition(".")[0]),
        before=level_text(before),
        after=level_text(after),
        words=clean(words),
    )


def _gap(row: Missing) -> ChangeRow:
    side = "both sides" if row.side == "both" else f"side {row.side}"
    never = f"never recorded by {row.never}" if row.never else ""
    assumed = "assumed" if row.assumed else ""
    return ChangeRow(
        name=shown(row.factor, 80),
        section=clean(row.factor.partition(".")[0]),
        before=Text("", ""),
        after=Text("", ""),
        words=clean("; ".join(part for part in (row.reason, f"missing on {side}", never, assumed) if part)),
    )


def _intent(intent: Intent) -> str:
    if not intent.declared:
        return "No intent was declared before launch."
    declared = ", ".join(value_text(name).short for name in intent.declared)
    words = "" if intent.met is None else ", and that is what changed" if intent.met else f"; {clean(intent.reason)}"
    return f"Declared before launch to differ: {declared}{words}."


# ── source files ─────────────────────────────────────────────────────────────────────────────────────────────────


def _code(factors: Sequence[FactorChange], a: Run, b: Run) -> Iterator[CodeDiff]:
    paths = {p for run in (a, b) for p in run.manifest.section("code").get("files") or ()}
    for factor in factors:
        name = factor.factor.removeprefix("code.")
        path = name.removeprefix("code").removeprefix("['").removesuffix("']") if name not in paths else name
        if path in paths:
            yield code_diff(path, a, b)


def code_diff(path: str, a: Run, b: Run) -> CodeDiff:
    """The unified diff of one source file as it stood in two runs."""
    try:
        before, after = _source(a, path), _source(b, path)
    except (KeyError, RunauditError, ValueError) as error:
        reason = (
            "its content is not in the store" if isinstance(error, KeyError | UnicodeDecodeError) else clean(str(error))
        )
        return CodeDiff(path=shown(path), lines=(), left_out=0, missing=reason)
    rows = [_kinded(text) for text in changed_lines(before, after, context=3)]
    return CodeDiff(path=shown(path), lines=tuple(rows[:MAX_LINES]), left_out=max(0, len(rows) - MAX_LINES), missing="")


def _source(run: Run, path: str) -> list[str]:
    """The lines of a file; none where the run did not have it. Raises KeyError where its content was not stored."""
    entry = (run.manifest.section("code").get("files") or {}).get(path)
    if entry is None:
        return []
    data = run.blobs[str(entry["digest"])]
    if len(data) > MAX_SOURCE:
        raise ValueError(f"it is larger than {MAX_SOURCE >> 20} MB")
    return data.decode("utf-8").splitlines()


def _kinded(text: str) -> tuple[str, str]:
    kind = {"+": "add", "-": "del", "@": "hunk"}.get(text[:1], "same")
    # Tabs become four spaces; every other invisible character is written out, so no diff can hide what it changes.
    return kind, clean(text.replace("\t", "    "))
