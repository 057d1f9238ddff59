"""What the user vouches for of foreign records: shown beside every answer like a waiver, because nobody saw it.

A tracker that has no place for the data makes every comparison of its runs incomplete, although the user may well know
that the data was the same. So it can be stated, in the policy, for one answer, or sealed with an import; and a verdict
that holds if what is missing was equal then counts, as what it is: a verdict on what was recorded and on what was
stated. A statement fills a gap and nothing else. What two records show to differ still differs, config and code cannot
be stated at all, and of a run of our own nothing is: there runaudit was present, and what it did not see is unknown,
whatever anybody declares afterwards.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from runaudit.factors.hindsight import launched_at
from runaudit.factors.lineage import PREFIX
from runaudit.factors.never import COMMIT_NEEDED, EDITS_NEEDED, PATCH, covers, is_dirty, is_foreign, lacks_commit
from runaudit.factors.policydate import written_on
from runaudit.records.manifest import START, Manifest
from runaudit.records.run import Run
from runaudit.settings import VOUCHABLE, Settings
from runaudit.text.words import listed

TYPED = "--assume"
SEALED = "import --assume"


def vouched(path: str, runs: Iterable[Run], settings: Settings, *, among: Iterable[Run]) -> bool:
    """Whether the gap `path` of all these runs is filled by what the user states. among: all runs of the answer."""
    runs, among = tuple(runs), tuple(among)
    if covers(START, path) and len(runs) < len(among):
        return False  # Of the others the beginning is there: that they began alike is what the records deny.
    if covers(PATCH, path) and any(map(is_dirty, among)):
        return False  # That the tree was clean would be a difference, and that the edits were the same nobody can see.
    return bool(runs) and all(_stated(path, run, settings) and _is_theirs(path, run) for run in runs)


def _is_theirs(path: str, run: Run) -> bool:
    """Whether somebody else recorded the run, and its parents where the gap is theirs."""
    if not is_foreign(run):
        return False
    return run.parent is None or not path.startswith(PREFIX) or _is_theirs(path, run.parent)


def _stated(path: str, run: Run, settings: Settings) -> bool:
    return any(covers(word, path) for word in (*settings.imports.assume, *settings.imports.typed, *sealed_words(run)))


def sealed_words(run: Run) -> tuple[str, ...]:
    """What was vouched for when a run was imported, as its record has it."""
    words = run.manifest.section("origin").get("assumed")
    return tuple(map(str, words)) if isinstance(words, list | tuple) else ()


def remedy(paths: Sequence[str]) -> str:
    """What states all of these gaps of foreign records to be equal, as it is typed; empty where nobody can."""
    words = [next((word for word in VOUCHABLE if covers(word, path)), "") for path in paths]
    return " ".join(f"{TYPED} {word}" for word in sorted(set(words))) if words and all(words) else ""


def lifted_by(paths: Sequence[str], open_code: str) -> str:
    """How these gaps of foreign records are stated to be equal, as it is typed, or, where nobody can, what would tell
    it; empty where nothing is to be said. open_code: why they leave open which code ran."""
    if lacks_commit(paths):
        return COMMIT_NEEDED
    if open_code:
        return EDITS_NEEDED
    typed = remedy(paths)
    return f"where you know that they were equal: {typed} (or [import] assume in the policy)" if typed else ""


def stating(run: Run, words: Sequence[str]) -> Run:
    """A foreign run, before it is sealed, with what its importer vouches for."""
    if not words or not is_foreign(run):
        return run
    body = run.manifest.to_json()
    origin = {**body.get("origin", {}), "assumed": sorted({*sealed_words(run), *words})}
    return replace(run, manifest=Manifest.of({**body, "origin": origin}))


def unstated(run: Run) -> Run:
    """The run as it would be sealed if nothing had been vouched for."""
    if not sealed_words(run):
        return run
    body = run.manifest.to_json()
    origin = {key: value for key, value in body["origin"].items() if key != "assumed"}
    return replace(run, manifest=Manifest.of({**body, "origin": origin}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One section that is vouched for, and where that is stated. used: whether a gap was filled by it."""

    section: str
    by: str
    used: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """What is vouched for in an answer. covers: the gaps that it fills. left: those that nothing fills, so that the
    verdict stays open; own: those of them that would be filled, were they not of a run of our own. written, dated_by:
    since when the policy says so, and by what that is known. first: when the first of the runs began, if before."""

    statements: tuple[Statement, ...]
    covers: tuple[str, ...]
    left: tuple[str, ...]
    own: tuple[str, ...] = ()
    written: str = ""
    dated_by: str = ""
    first: str = ""

    @property
    def holds(self) -> bool:
        """Whether nothing is missing but what is vouched for."""
        return bool(self.covers) and not self.left

    @property
    def sections(self) -> tuple[str, ...]:
        """The sections that were needed."""
        return tuple(sorted(row.section for row in self.statements if row.used))

    @property
    def words(self) -> str:
        """The sections that were needed, in a sentence."""
        return listed(self.sections, limit=99)

    @property
    def note(self) -> str:
        """What is assumed, by whom, since when, and what of it was not needed."""
        stated = "; ".join(f"{listed(names, limit=99)} ({by})" for by, names in self._by())
        idle = [row.section for row in self.statements if not row.used]
        parts = [f"assumed, not recorded: {stated}"] if stated else []
        if self.covers and self.left:
            parts.append(f"nothing that is stated fills {listed(self.left)}")
        if self.own:
            parts.append(f"of a run of our own nothing is assumed, what was not seen of {listed(self.own)} is unknown")
        if idle:
            parts.append(f"the assumption of {listed(idle, limit=99)} fills no gap here")
        return "; ".join(parts)

    def _by(self) -> Iterator[tuple[str, list[str]]]:
        """Where sections that were needed are stated, and which these are."""
        for by in dict.fromkeys(row.by for row in self.statements if row.used):
            dated = ""
            if self.written and by not in (TYPED, SEALED):
                late = f", after the runs began (the first {self.first[:19]}Z)" if self.first else ""
                dated = f", written {self.written[:19]}Z ({self.dated_by}){late}"
            yield by + dated, [row.section for row in self.statements if row.used and row.by == by]

    def to_json(self) -> dict[str, Any]:
        """The assumption for a program."""
        return {
            "stated": [{"section": row.section, "by": row.by, "used": row.used} for row in self.statements],
            "sections": list(self.sections),
            "covers": list(self.covers), "left": list(self.left), "holds": self.holds,
            "written": self.written or None, "dated_by": self.dated_by or None, "first_launch": self.first or None,
            "note": self.note,
        }  # fmt: skip


def assumption(
    runs: Sequence[Run], settings: Settings, filled: Sequence[str], left: Sequence[str]
) -> Assumption | None:
    """What is vouched for in an answer on these runs; None where nothing is stated, or where it is nothing to them.

    filled, left: the gaps that `vouched` found filled, and the others.
    """
    foreign = [run for run in runs if is_foreign(run)]
    stated = dict(_statements(foreign, settings))
    said = [word for word, by in stated.items() if by != SEALED]
    is_ours = len(foreign) < len(runs)
    own = tuple(path for path in left
                if (is_ours or path.startswith(PREFIX)) and any(covers(word, path) for word in said))  # fmt: skip
    if not stated or not (foreign or own):
        return None
    rows = tuple(
        Statement(section=word, by=by, used=any(covers(word, path) for path in filled)) for word, by in stated.items()
    )
    found = Assumption(statements=rows, covers=tuple(filled), left=tuple(left), own=own)
    date = None
    if settings.source is not None and any(row.used and row.by == _policy(settings) for row in rows):
        date = written_on(settings.source, lambda policy: policy.imports.assume, settings.imports.assume)
    if date is None:
        return found
    before = [start for run in foreign if (start := launched_at(run)) is not None and start < date.written]
    return replace(found, written=date.written, dated_by=date.by, first=min(before, default=""))


def _statements(runs: Sequence[Run], settings: Settings) -> Iterator[tuple[str, str]]:
    """Every section that is stated, with where it is stated; what the user says now comes last, and wins."""
    for run in runs:
        yield from ((word, SEALED) for word in sealed_words(run))
    yield from ((word, _policy(settings)) for word in settings.imports.assume)
    yield from ((word, TYPED) for word in settings.imports.typed)


def _policy(settings: Settings) -> str:
    return f"[import] assume of {settings.source.name if settings.source else 'the policy'}"
