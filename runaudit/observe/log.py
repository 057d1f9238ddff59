"""Many logs, one trace: what the processes of a run noted is put in the order of time and told as facts.

The order matters: what was written before it was read is the run's own, what was read before it was written is an input
with the content it had *before*. A log ends where its process ended, killed or not.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from runaudit.observe import gaps
from runaudit.observe import hook as untyped
from runaudit.observe.trace import Child, Lookup, Process, Read, Seeding, Text, Trace
from runaudit.system.files import read_ordinary

_HOOK: Any = untyped
_NAME = re.compile(r"(\d+)-([0-9a-f]+)-(\d+)\.log")
_ESCAPED = re.compile(r"\\([\\tn0])")
_OF_FILES = frozenset("RXFBWKMLD")
# The fewest fields of a line that is whole; a line may be cut where its process was killed.
_LEAST = {
    "R": 4,
    "X": 2,
    "F": 2,
    "B": 2,
    "W": 2,
    "M": 2,
    "L": 2,
    "S": 10,
    "C": 2,
    "T": 3,
    "Z": 4,
    "E": 3,
    "V": 2,
    "N": 3,
    "I": 2,
    "G": 2,
    "O": 2,
}
_PLAIN = {"\\": "\\", "t": "\t", "n": "\n", "0": "\0"}


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """One noted fact: when (nanoseconds of the monotonic clock), who, what."""

    moment: int
    pid: int
    kind: str
    fields: tuple[str, ...]


def lines_of(folder: Path) -> tuple[list[Line], Mapping[int, str]]:
    """All lines of all logs in the order of time, and the processes of which lines are missing, each with why."""
    found: list[Line] = []
    short: dict[int, str] = {}
    key = _key(folder)
    for path in sorted(folder.glob("*.log")):
        named = _NAME.fullmatch(path.name)
        if named is None:
            continue
        pid = int(named.group(1))
        try:
            data = read_ordinary(path)
        except OSError:  # The run's own folder: a pipe under that name is no log, and what it saw is lost.
            short[pid] = "has a log that cannot be read"
            continue
        end = data.find(b"\0")
        head, _, body = (data if end < 0 else data[:end]).partition(b"\n")
        if head.endswith(b"!"):
            short[pid] = "had no room to note what it saw"
        found.extend(_parsed(pid, body, key))
    return sorted(found), short


def _key(folder: Path) -> bytes:
    try:
        return read_ordinary(folder / str(_HOOK.KEY))
    except OSError:
        return b""


def _legible(raw: bytes, pid: int, key: bytes) -> bytes:
    """A line as it was before it was masked."""
    kind, _, rest = raw.partition(b"\t")
    moment, _, hidden = rest.partition(b"\t")
    if kind.decode("latin-1") not in _HOOK.MASKED or hidden[:1] not in (b"~", b"^"):
        return raw
    try:
        data = bytes.fromhex(hidden[1:].decode("ascii"))
    except ValueError:
        return raw
    stamp = b"%s\t%s\t" % (kind, moment)
    mask: bytes = _HOOK.masked(key if hidden[:1] == b"~" else b"", stamp + b"%d" % pid, data)
    return stamp + bytes.fromhex(mask[1:].decode("ascii"))


def _parsed(pid: int, body: bytes, key: bytes) -> Iterator[Line]:
    for raw in body.split(b"\n"):
        words = _legible(raw, pid, key).decode("utf-8", "surrogateescape").split("\t")
        if len(words) < 2 or not words[1].isdigit():
            continue
        fields = tuple(_ESCAPED.sub(lambda m: _PLAIN[m[1]], word) if "\\" in word else word for word in words[2:])
        if len(fields) >= _LEAST.get(words[0], 1) and (words[0] != "S" or (fields[0] + fields[9]).isdigit()):
            yield Line(int(words[1]), pid, words[0], fields)


@dataclass
class _Merge:
    """The files as they stand at a moment of the run."""

    reads: dict[str, Read] = field(default_factory=dict)
    written: dict[str, set[int]] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    own: set[str] = field(default_factory=set)
    before: dict[str, str] = field(default_factory=dict)
    origin: dict[str, str] = field(default_factory=dict)

    def source(self, path: str) -> str:
        """Where the content of `path` came from: the name it had before the run moved or linked it."""
        for _ in range(16):
            if path in self.origin:
                path = self.origin[path]
                continue
            above = next((a for a in self.origin if path.startswith(a + "/")), None)
            if above is None:
                return path
            path = self.origin[above] + path[len(above) :]
        return path

    def read(self, path: str, **facts: object) -> None:
        """A first sight of a file to read, or one more fact about it."""
        path = self.source(path)
        old = self.reads.get(path)
        if old is None:
            old = Read(path=path, own=path in self.own, before="")
            if not old.own and path in self.written:
                old = replace(old, before=self._known(path))
        elif gaps.is_trackers(old.through) and not gaps.is_trackers(str(facts.get("through") or "")):
            old = replace(old, by="", through="")  # A tracker's reading is none of the run's; this one is.
        elif not old.executed and not facts.get("executed") and not facts.get("via"):
            return
        kept = {k: v for k, v in facts.items() if v and not (k != "executed" and getattr(old, k))}
        self.reads[path] = replace(old, **kept)  # type: ignore[arg-type]

    def _known(self, path: str) -> str | None:
        found = self.before.get(path, "-")
        return None if found in ("-", "0") else found

    def change(self, path: str, pid: int, *, fresh: bool) -> None:
        """The run is about to write, replace or remove a file."""
        first = path not in self.written and path not in self.removed
        if first and path in self.reads and not self.reads[path].own:
            if self.before.get(path) == "0":
                self.reads[path] = replace(self.reads[path], own=True)
            else:
                self.reads[path] = replace(self.reads[path], before=self._known(path))
        if fresh or path in self.removed or self.before.get(path) == "0":
            self.own.add(path)
        self.origin.pop(path, None)
        self.written.setdefault(path, set()).add(pid)

    def move(self, old: str, new: str, pid: int, *, link: bool) -> None:
        """`new` holds from now on what `old` held."""
        source = self.source(old)
        self.change(new, pid, fresh=False)
        if not link:
            self.gone(old)
        self.own.discard(new)
        if old in self.own or source in self.own:
            self.own.add(new)
        elif any(path.startswith(old + "/") for path in self.written):
            self.own.update(new + path[len(old) :] for path in list(self.own) if path.startswith(old + "/"))
            self.written.update(
                {new + p[len(old) :]: set(w) for p, w in list(self.written.items()) if p.startswith(old + "/")}
            )
        else:
            self.origin[new] = source

    def gone(self, path: str) -> None:
        """A file that is removed, or moved away."""
        if path in self.reads and not self.reads[path].own and path not in self.written:
            known = self.before.get(path)
            self.reads[path] = replace(
                self.reads[path], own=known == "0", before="" if known == "0" else self._known(path)
            )
        self.removed.add(path)

    def grown(self) -> dict[str, str | None]:
        """What was written and held something before that may still be in it: it was appended to, or read and written
        anew with what it said."""
        found: dict[str, str | None] = {}
        for path in self.written:
            read = self.reads.get(path)
            if read is not None and not read.own and read.before != "":
                found[path] = read.before
            elif path not in self.own and path in self.before:
                found[path] = self._known(path)
        return found

    def fetched(self, cwd: str) -> None:
        """What a hub sent is an input, though this run wrote it before it read it. Its own files lie in its folder."""
        for path, read in self.reads.items():
            if read.own and not path.startswith(f"{cwd}/"):
                self.reads[path] = replace(read, own=False, before="")

    def finish(self) -> None:
        """What was hashed first and never seen to be written may have been written by native code: sqlite's files."""
        for path, digest in self.before.items():
            read = self.reads.get(path)
            if read is not None and read.before == "" and not read.own and path not in self.written:
                if digest == "0":
                    self.reads[path] = replace(read, own=True)
                elif digest != "-":
                    self.reads[path] = replace(read, before=digest)

    def take(self, line: Line) -> None:
        """One line about files."""
        given = line.fields
        match line.kind:
            case "R":
                self.read(given[0], by=given[1], via=given[2], through=given[3])
            case "X":
                self.read(given[0], by=given[1], executed=True)
            case "F":
                inside = [read.own for path, read in self.reads.items() if path.startswith(given[0] + "/")]
                self.reads[given[0]] = Read(path=given[0], by=given[1], folder=True, own=bool(inside) and all(inside))
            case "B":
                self.before.setdefault(given[0], given[1])
            case "W":
                self.change(given[0], line.pid, fresh=given[1] == "new")
            case "K":
                self.written.setdefault(given[0], set()).add(line.pid)
            case "M" | "L":
                self.move(given[0], given[1], line.pid, link=line.kind == "L")
            case "D":
                self.gone(given[0])


def process_of(line: Line) -> Process:
    """The process that a START line speaks of."""
    parent, how, executable, _, cwd, version, prefix, base, _, number, *rest = line.fields
    return Process(
        pid=line.pid, parent=int(parent), executable=executable, argv=tuple(rest[int(number) :]), cwd=cwd,
        version=version, prefix=prefix, base_prefix=base, flags=tuple(rest[: int(number)]),
        late=how == "late", forked=how == "fork",
    )  # fmt: skip


def processes_of(lines: Sequence[Line], root_pid: int | None) -> tuple[Process, ...]:
    """Every process, the command's own first; a pid that exec gave another program stands twice."""
    found: list[Process] = []
    current: dict[int, int] = {}
    for line in lines:
        if line.kind == "S":
            current[line.pid] = len(found)
            found.append(process_of(line))
        elif line.kind == "P" and line.pid in current:
            process = found[current[line.pid]]
            new = tuple(part for part in line.fields if part not in process.folders)
            found[current[line.pid]] = replace(process, folders=process.folders + new)
    if root_pid is not None:
        found.sort(key=lambda process: process.pid != root_pid)
    return tuple(found)


def begun_of(lines: Sequence[Line]) -> dict[str, bool]:
    """The runs of MLflow's database that were written of, each with whether it was begun here."""
    told = [line.fields for line in lines if line.kind == "O"]
    begun = {what for how, what in told if how == "begun"}
    return {what: what in begun for how, what in told if how in ("begun", "logged")}


def ledgers_of(lines: Sequence[Line], begun: Mapping[str, bool]) -> dict[str, set[int]]:
    """The databases that MLflow kept the numbers of this run in, with whose they are: opened by nothing else, and asked
    of no run that another began."""
    told = [line for line in lines if line.kind == "O"]
    asked = {line.fields[1] for line in told if line.fields[0] in ("asked", "logged")}
    if not begun or not all(begun.get(run) for run in asked):
        return {}
    other = {line.fields[1] for line in told if line.fields[0] == "opened"}
    found: dict[str, set[int]] = {}
    for line in told:
        if line.fields[0] == "ledger" and line.fields[1] not in other:
            found.setdefault(line.fields[1], set()).add(line.pid)
    return found


def lookups_of(lines: Sequence[Line], ours: str) -> tuple[Lookup, ...]:
    """What was looked up, without what the run had set itself."""
    found: dict[tuple[str, str], Lookup] = {}
    set_here: set[tuple[str, str]] = set()
    for line in lines:
        if line.kind == "V":
            set_here.add((line.fields[0], line.fields[1]))
        elif line.kind == "E":
            name, raw, by = line.fields
            value = None if raw == "-" else raw[1:]
            if value is not None and (name, value) in set_here:
                continue
            if name == "PYTHONPATH" and value is not None:
                value = None if value == ours else value.removeprefix(ours + ":")
            found.setdefault((name, by), Lookup(name=name, value=value, by=by))
    return tuple(found.values())


def last_words_of(lines: Sequence[Line], processes: Sequence[Process]) -> str:
    """The traceback with which the command's own process ended, else the last one of any."""
    found = {line.pid: line.fields[0] for line in lines if line.kind == "Y"}
    own = processes[0].pid if processes else 0
    return found.get(own) or next(reversed(found.values()), "")


def _seeding(line: Line) -> Seeding:
    call, value, file, number = line.fields
    plain: object = value
    try:
        plain = int(value)
    except ValueError:
        plain = None if value == "None" else value
    return Seeding(call=call, value=plain, file=file, line=int(number))


def read_trace(
    folder: Path, *, root_pid: int | None = None, command: Sequence[str] | None = None, seeds_from: int = 0
) -> Trace:
    """Everything that the hook laid in `folder` saw; of what was seeded, from a moment of the monotonic clock on.

    `root_pid`: the process that the command became; `command`: its words. Both let a command that is no Python process
    be noticed. Lines of a log that cannot be read are left out; a folder that is not there is a run nobody saw.
    """
    folder = folder.absolute()
    lines, short = lines_of(folder / "log")
    merged = _Merge()
    for line in lines:
        if not (line.kind in _OF_FILES and line.fields[0].startswith(f"{folder}/")):
            merged.take(line)
    merged.finish()
    processes = processes_of(lines, root_pid)
    if processes and gaps.hub_asked(lines):
        merged.fetched(processes[0].cwd)
    started = [Child(argv=line.fields[2:], by=line.fields[0], cwd=line.fields[1]) for line in lines if line.kind == "C"]
    root_seen = bool(processes) and root_pid in (None, processes[0].pid)
    children = gaps.matched(started, processes[1:] if root_seen else processes)
    begun = begun_of(lines)
    ledgers = ledgers_of(lines, begun)
    for path, pids in ledgers.items():
        merged.written.setdefault(path, set()).update(pids)
    texts = {(line.fields[0], line.fields[2]): line for line in lines if line.kind == "T"}
    seeds = {line.fields: line for line in lines if line.kind == "Z" and line.moment >= seeds_from}
    return Trace(
        processes=processes,
        reads=MappingProxyType(merged.reads),
        written=MappingProxyType({path: frozenset(pids) for path, pids in merged.written.items()}),
        grown=MappingProxyType(merged.grown()),
        removed=frozenset(merged.removed),
        begun=MappingProxyType(begun),
        ledgers=frozenset(ledgers),
        listed=MappingProxyType({line.fields[0]: line.fields[1] for line in reversed(lines) if line.kind == "G"}),
        children=children,
        texts=tuple(Text(name=name, source=text, by=line.fields[1]) for (name, text), line in texts.items()),
        seeded=tuple(_seeding(line) for line in seeds.values()),
        lookups=lookups_of(lines, str(folder)),
        network=gaps.hosts(lines),
        last_words=last_words_of(lines, processes),
        partial=gaps.reasons(lines, processes, children, short=short, root_pid=root_pid, command=command),
    )
