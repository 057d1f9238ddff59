"""Runs side by side that wrote one file: whose it is, nobody can say, so it is told.

Who wrote is asked, not what a file is called: the outcomes list what each run was seen to write, and when it ran. Where
one of them read the file again, its weights, its table of results, it may have gone on with the other's.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from runaudit.records.places import read_back_by, written_by
from runaudit.records.run import Run
from runaudit.system.files import is_of_a_device

COMPILED = ".pyc"
"""What Python compiles a source to is the same whoever writes it, and is put in its place whole."""


@dataclass(frozen=True, slots=True)
class Collision:
    """Two runs at once that wrote the same files."""

    a: Run
    b: Run
    paths: tuple[str, ...]

    @property
    def said(self) -> str:
        """What happened, in a sentence's beginning."""
        more = f" and {len(self.paths) - 1} more" if len(self.paths) > 1 else ""
        return f"runs {self.a.short} and {self.b.short} ran at once and both wrote {self.paths[0]}{more}"


def collisions(runs: Sequence[Run]) -> tuple[Collision, ...]:
    """Runs of these that ran at the same time and wrote into one file; of more than two, each with one before it."""
    writers: dict[str, list[Run]] = defaultdict(list)
    for run in sorted(runs, key=_span):
        for path in frozenset(_written(run)):
            writers[path].append(run)
    pairs: dict[tuple[str, str], tuple[Run, Run, list[str]]] = {}
    for path in sorted(path for path, those in writers.items() if len(those) > 1):
        last = writers[path][0]
        for run in writers[path][1:]:
            if _span(run)[0] < _span(last)[1]:
                pairs.setdefault((last.id, run.id), (last, run, []))[2].append(path)
            last = max(last, run, key=lambda one: _span(one)[1])
    return tuple(Collision(a, b, tuple(paths)) for a, b, paths in pairs.values())


def mixed_up(runs: Sequence[Run]) -> Mapping[str, tuple[Run, Run]]:
    """The files that two of these runs wrote while both ran, and that one read again: path -> the reader and another
    that wrote it."""
    found: dict[str, tuple[Run, Run]] = {}
    back = {run.id: frozenset(map(str, read_back_by(run))) for run in runs}
    for one in collisions(runs) if any(back.values()) else ():
        for path in one.paths:
            for reader, other in ((one.a, one.b), (one.b, one.a)):
                if path in back[reader.id]:
                    found.setdefault(path, (reader, other))
    return found


def _written(run: Run) -> Iterator[str]:
    for path in map(str, written_by(run)):
        if not path.endswith(COMPILED) and not path.startswith("/proc/") and not is_of_a_device(path):
            yield path


def _span(run: Run) -> tuple[str, str]:
    """When a run began and ended, in UTC, which sorts as text; one that has not ended ends after all others."""
    ended = run.outcome.body.get("ended") if run.outcome else None
    return str(run.manifest.section("launch").get("started") or ""), str(ended or "9")
