"""Re-hash everything that is stored, and say which file of which run is wrong.

Nothing cached is trusted. What `verify` proves: no stored byte differs from its digest, no launch was removed from or
moved within the log, the log ends where it was sealed to end, every link leads somewhere. What it cannot prove without
an anchor outside the store: that the whole history was not rewritten on purpose, the sealed end of the log included.

One damaged line, record or file never hides another: each is a problem of its own, and the rest is checked as well.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from runaudit.errors import IntegrityError, RunauditError, StoppedError
from runaudit.records.canonical import canonical_bytes
from runaudit.records.digest import digest_bytes
from runaudit.records.outcome import Outcome
from runaudit.records.run import SHORT
from runaudit.store.end import FILE, GENESIS, MARKED, Ends, end_fault, end_remarks, read_ends
from runaudit.store.ends import correction_told
from runaudit.store.forget import forgotten_remarks
from runaudit.store.incidents import incidents
from runaudit.store.kept import KEY_FILE, odd_places, read_kept
from runaudit.store.keymark import key_fault
from runaudit.store.kinds import ENDINGS, KNOWN, REMARKS
from runaudit.store.lanes import lane_problems, lane_remarks, read_lanes
from runaudit.store.leftovers import inventory, leftovers
from runaudit.store.line import LogEntry, entry_of
from runaudit.store.links import LEADS_OUT, links_out
from runaudit.store.rehash import Hashed, Launch, Problem, check_runs, relative
from runaudit.store.remarks import remark_faults
from runaudit.store.removed import removed_remarks
from runaudit.store.store import STORE_SCHEMA, Store
from runaudit.system.progress import work
from runaudit.system.workers import shared_out
from runaudit.text.words import plural

SIGNATURES = "signatures"
CHUNK = 64
"""Runs that are checked in one go: enough that a process is not asked for each, few enough to say how far it is."""


ATTEMPTS = 4
"""So often the store is read where something looks wrong and others write to it meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """How many runs and files were checked, what was wrong, and what was seen that is no fault."""

    runs: int
    checked: int
    problems: tuple[Problem, ...]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    raw: bytes
    entry: LogEntry | None


def verify(store: Store, ids: tuple[str, ...] | None = None, *, jobs: int = 1, unread_until: int = 0) -> Verification:
    """Check every run of the store, or those named.

    jobs: processes that share the work. unread_until: runs of which no line of the log is newer than this one are left
    out, for whoever has a witness that they were sound; a remark says how many. The log itself is always read whole.

    What looks wrong while others write is asked again by the log as it is then: bytes that were forgotten after it was
    read are no damage. Where the log stays as it was, or after `ATTEMPTS`, what is wrong is wrong.
    """
    for _ in range(ATTEMPTS - 1):
        found, raw = _verified(store, ids, jobs, unread_until)
        if not found.problems or _log_of(store) == raw:
            return found
        store = Store(store.root)
    return _verified(store, ids, jobs, unread_until)[0]


def _log_of(store: Store) -> bytes | None:
    """The log as it lies there now; None where it cannot be read: what is wrong with that has been said."""
    try:
        return Store(store.root).log_bytes()
    except (OSError, RunauditError):
        return None


def _verified(store: Store, ids: tuple[str, ...] | None, jobs: int, unread_until: int) -> tuple[Verification, bytes]:
    """One reading of the store, and the log that it went by."""
    there = inventory(store) if ids is None else None
    ends, raw = read_ends(store.root), store.log_bytes()
    lines = tuple(_lines(raw))
    entries = tuple(line.entry for line in lines if line.entry is not None)
    problems = [Problem(run=None, file=file, problem=text) for file, text in _log_faults(store, raw, lines, ends)]
    launches = _launches(entries)
    launched = frozenset(launches)
    wanted = [launch for launch in launches.items() if ids is None or launch[0] in ids]
    fresh = [launch for launch in wanted if launch[1][-1].seq > unread_until]
    found, hashed = _checked(store, fresh, jobs)
    problems += found
    problems += _check_remarks(store, entries, ids, hashed)
    lanes = read_lanes(store)
    problems += [Problem(run=run, file=file, problem=text) for run, file, text in lane_problems(store, lanes, entries)
                 if run is None or ids is None or run in ids]  # fmt: skip
    remarks = [*end_remarks(ends, len(lines)), *incidents(store, entries), *forgotten_remarks(store),
               *removed_remarks(store), *lane_remarks(store, lanes)]  # fmt: skip
    remarks += _told_of_lines(store, entries, fresh)
    if len(fresh) < len(wanted):
        remarks.append(
            f"not read again: {plural(len(wanted) - len(fresh), 'run')} of which all was sealed up to line "
            f"{unread_until} of the log; nor was it looked for what no line of the log names"
        )
    elif there is not None:
        problems += _check_others(store, entries, launched, hashed)
        named = hashed.mentioned | {e.digest.hex for e in entries} | {e.subject.rpartition(":")[2] for e in entries}
        more, unnamed = leftovers(store, there, launched, frozenset(named), hashed)
        problems += more
        # What a damaged record led to is named by nobody now, and was not left by a launch that died.
        remarks += [] if found else unnamed
    verification = Verification(
        runs=len(fresh),
        checked=len(hashed.files) + bool(lines),
        problems=tuple(dict.fromkeys(problems)),
        remarks=tuple(remarks),
    )
    return verification, raw


def _launches(entries: Sequence[LogEntry]) -> dict[str, list[LogEntry]]:
    """Every run that the log counts, with its own lines, in the order of their launches."""
    found: dict[str, list[LogEntry]] = {entry.digest.hex: [] for entry in entries if entry.kind == "manifest"}
    for entry in entries:
        run = entry.digest.hex if entry.kind == "manifest" else entry.subject.removeprefix("sha256:")
        if run in found:
            found[run].append(entry)
    return found


# ── the log ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _lines(raw: bytes) -> Iterator[_Line]:
    """Every whole line; one that is damaged has no entry, and its neighbours are read all the same."""
    for number, line in enumerate(raw[: raw.rfind(b"\n") + 1].split(b"\n")[:-1], start=1):
        try:
            yield _Line(number, line, entry_of(line, number))
        except IntegrityError:
            yield _Line(number, line, None)


def _log_faults(store: Store, raw: bytes, lines: Sequence[_Line], ends: Ends) -> Iterator[tuple[str, str]]:
    """(file, sentence) of all that is wrong with the log, its sealed end, the store's marker and its folders."""
    yield from ((name, f"is a link that {LEADS_OUT}, to {to}: nothing is written through it")
                for name, to in links_out(store.root, everywhere=True))  # fmt: skip
    yield from odd_places(store.root)
    with contextlib.suppress(IntegrityError):  # Told on its own, below or above.
        if fault := key_fault(store):
            yield KEY_FILE, fault
    yield from (("log.jsonl", text) for text in _chain_faults(lines))
    if fault := end_fault(raw, ends.newest):
        yield "log.jsonl", fault
    if ends.is_there and not ends.is_whole:
        yield FILE, "is damaged; the next launch writes it anew"
    elif not ends.is_there and any(MARKED in line.raw for line in lines):
        yield FILE, "is missing: the log was written with a sealed end, and nothing says now where it ended"
    for path in sorted((store.root / SIGNATURES).glob("*-*-*.dsse.json")):
        try:
            made_so = path.name.split(".")[0].split("-")[2] == digest_bytes(read_kept(path)).hex[:12]
            fault = "" if made_so else "is not the signature that was made under this name"
        except IntegrityError as error:
            fault = str(error).removeprefix(f"{path} ")
        if fault:
            yield f"{SIGNATURES}/{path.name}", fault
    if (end := ends.newest) is not None and end.store != store.identity:
        yield "store.json", f"names another store than {FILE}, which was made with it"
    made = canonical_bytes({"schema": STORE_SCHEMA} | ({"id": store.identity} if store.identity else {}))
    if read_kept(store.root / "store.json") != made:
        yield "store.json", "is not as it was made"


def _chain_faults(lines: Sequence[_Line]) -> Iterator[str]:
    """What is wrong with the chain, one sentence a break."""
    expected = GENESIS
    for line in lines:
        if line.entry is None:
            yield f"line {line.number} of the store's log is damaged"
        else:
            if line.entry.seq != line.number:
                yield (
                    f"line {line.number} of the log says it is launch record {line.entry.seq}: "
                    "lines were removed or moved"
                )
            if line.entry.prev != expected:
                yield f"line {line.number} of the log does not follow the line before it"
            if line.entry.kind == "manifest" and line.entry.subject != str(line.entry.digest):
                yield f"line {line.number} of the log counts a launch under the name of another"
        expected = str(digest_bytes(line.raw))


# ── the runs ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _checked(store: Store, launches: Sequence[Launch], jobs: int) -> tuple[list[Problem], Hashed]:
    """What is wrong with these runs, and all that was hashed for it. Raises StoppedError where Ctrl-C ends it."""
    problems: list[Problem] = []
    hashed = Hashed()
    done = 0
    chunks = [launches[at : at + CHUNK] for at in range(0, len(launches), CHUNK)]
    try:
        with work("hashing again", len(launches), "runs") as advance:
            for chunk, (found, part) in zip(chunks, _each(store, chunks, hashed, jobs), strict=True):
                problems += found
                if part is not hashed:
                    hashed.add(part)
                done += len(chunk)
                advance(len(chunk))
    except KeyboardInterrupt as error:
        raise _stopped(launches, done, problems) from error
    return problems, hashed


def _each(
    store: Store, chunks: Sequence[Sequence[Launch]], hashed: Hashed, jobs: int
) -> Iterator[tuple[list[Problem], Hashed]]:
    """Each chunk's problems and what was hashed, in their order: all into `hashed` here, or each by a process."""
    if jobs <= 1 or len(chunks) <= 1:
        yield from (check_runs(store.root, chunk, hashed) for chunk in chunks)
        return
    yield from shared_out(partial(check_runs, store.root), chunks, jobs)


def _stopped(launches: Sequence[Launch], done: int, problems: Sequence[Problem]) -> StoppedError:
    """How far it came, what was wrong until there, and the word that goes on from there.

    Launches come in the order of their lines, so every run of which no line is newer than the last one's first was
    among them.
    """
    wrong = "; ".join(f"{one.file}: {one.problem}" for one in problems[:3])
    said = f"{plural(len(problems), 'problem')} so far: {wrong}" if problems else "nothing wrong so far"
    return StoppedError(
        f"stopped after {done:,} of {plural(len(launches), 'run')}, {said}",
        remedy=f"the same command with --since line:{launches[done - 1][1][0].seq} goes on from there" if done else "",
    )


def _told_of_lines(store: Store, entries: Sequence[LogEntry], launches: Sequence[Launch]) -> Iterator[str]:
    """Results that were corrected, and lines that count for nothing: no faults, and nobody should miss them."""
    for run, lines in launches:
        ends = [entry for entry in lines if entry.kind in ENDINGS]
        with contextlib.suppress(RunauditError):  # Damaged or forgotten: told on its own.
            newest = Outcome.from_bytes(store.read(ends[-1].digest), where="outcome") if len(ends) > 1 else None
            if said := correction_told(store, newest):
                yield f"the result of run {run[:SHORT]} was corrected after it was sealed: {said}"
    for entry in entries:
        if entry.kind not in KNOWN:
            yield f"line {entry.seq} of the log counts for nothing: no line known to this runaudit is a {entry.kind!r}"


def _check_remarks(
    store: Store, entries: tuple[LogEntry, ...], ids: tuple[str, ...] | None, hashed: Hashed
) -> Iterator[Problem]:
    """What was said of the runs after they were sealed: notes, and that they were put away."""
    for run, entry, fault in remark_faults(store, entries, None if ids is None else frozenset(ids)):
        hashed.object_fault(store, entry.digest)
        yield Problem(run=run, file=relative(store, entry.digest), problem=f"{entry.kind}: {fault}")


def _check_others(
    store: Store, entries: Sequence[LogEntry], launched: frozenset[str], hashed: Hashed
) -> Iterator[Problem]:
    """Lines about no run (a look at a comparison) seal an object too."""
    for entry in entries:
        is_other = entry.kind not in REMARKS and entry.subject.removeprefix("sha256:") not in launched
        if is_other and (fault := hashed.object_fault(store, entry.digest)):
            yield Problem(run=None, file=relative(store, entry.digest), problem=f"{entry.kind}: {fault}")
