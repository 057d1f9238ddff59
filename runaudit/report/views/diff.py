"""What differs between two arms, leaf by leaf: what counts open, what does not count folded, nothing dropped."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runaudit.errors import RunauditError
from runaudit.records.run import Run
from runaudit.report.inputs import ArmInput, ComparisonInput
from runaudit.report.views.arm import letter
from runaudit.report.views.verdict import factor_value
from runaudit.report.words import Text, clean, shown, value_text
from runaudit.text.verdicts import verdict_words
from runaudit.text.words import plural

MAX_LINES = 400
MAX_SOURCE = 1 << 20
GROUPS = {
    "nuisance": "Cannot change a result",
    "cosmetic": "Code that changed in comments or layout only",
    "missing": "Not in a record",
}


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
    """Leaves that are no factors, folded."""

    title: str
    summary: str
    changes: tuple[ChangeRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffView:
    """One comparison, leaf by leaf."""

    title: str
    verdict: str
    tone: str
    factors: tuple[ChangeRow, ...]
    derived: tuple[ChangeRow, ...]
    groups: tuple[Group, ...]
    code: tuple[CodeDiff, ...]
    intent: str


def diff_view(comparison: ComparisonInput, arms: Sequence[ArmInput]) -> DiffView:
    """The changes between two arms. Code is shown from the first run of each."""
    diff = comparison.diff
    about = verdict_words("diff", str(diff.get("verdict")))
    a, b = arms[comparison.baseline], arms[comparison.arm]
    groups = (
        Group(title=title, summary=plural(len(changes), "leaf", "leaves"), changes=changes)
        for key, title in GROUPS.items()
        if (changes := tuple(_change(row) for row in _rows(diff, key)))
    )
    return DiffView(
        title=f"{letter(comparison.baseline)} → {letter(comparison.arm)}",
        verdict=clean(about.words),
        tone=about.tone,
        factors=tuple(_change(row) for row in _rows(diff, "factors")),
        derived=tuple(_change(row) for row in _rows(diff, "derived")),
        groups=tuple(groups),
        code=tuple(_code(_rows(diff, "factors"), a.runs[0], b.runs[0])) if a.runs and b.runs else (),
        intent=_intent(diff.get("intent")),
    )


def _rows(diff: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    """The entries of one list; a bare name is an entry that says no more."""
    for row in diff.get(key) or ():
        yield row if isinstance(row, Mapping) else {"factor": row}


def _change(row: Mapping[str, Any]) -> ChangeRow:
    side, follows = row.get("side"), row.get("follows")
    said = [row.get("summary"), row.get("reason"), f"follows {_rule(follows)}" if follows else None]
    said.append(f"missing on {'both sides' if side == 'both' else f'side {side}'}" if side else None)
    return ChangeRow(
        name=shown(row.get("factor", "?"), 80),
        section=clean(str(row.get("section") or str(row.get("factor", "")).partition(".")[0])),
        before=factor_value(row, "before"),
        after=factor_value(row, "after"),
        words=clean("; ".join(str(part) for part in said if part)),
    )


def _rule(follows: object) -> str:
    if isinstance(follows, Mapping):
        return ", ".join(f"{key} {value}" for key, value in follows.items())
    return ", ".join(map(str, follows)) if isinstance(follows, list | tuple) else str(follows)


def _intent(intent: object) -> str:
    if not isinstance(intent, Mapping) or not intent.get("declared"):
        return "No intent was declared before launch."
    declared = ", ".join(value_text(name).short for name in intent["declared"])
    met = intent.get("met")
    words = "" if met is None else ", and that is what changed" if met else ", but that is not what changed"
    return f"Declared before launch to differ: {declared}{words}."


# ── source files ─────────────────────────────────────────────────────────────────────────────────────────────────


def _code(rows: Iterator[Mapping[str, Any]], a: Run, b: Run) -> Iterator[CodeDiff]:
    paths = {p for run in (a, b) for p in run.manifest.section("code").get("files") or ()}
    for row in rows:
        name = str(row.get("factor", "")).removeprefix("code.")
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
    rows = [_kinded(text) for text in difflib.unified_diff(before, after, "before", "after", lineterm="", n=3)][2:]
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
