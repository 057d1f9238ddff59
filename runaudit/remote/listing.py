"""`runaudit list --remote`: the newest runs of a remote, and which of them are here. Nothing is fetched but what lists
them; what they came to is asked of the store that pulls them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runaudit.errors import IntegrityError, UsageError
from runaudit.records.digest import SHORT
from runaudit.remote.index import KEPT, Newest, keep_index, newest_of, push_names, read_index
from runaudit.remote.place import Place, reached
from runaudit.text.terminal import DIM, UNPAINTED, Paint, printable
from runaudit.text.words import columns, plural

if TYPE_CHECKING:
    from runaudit.remote.layout import Pushed

NEWEST = 50
"""Runs that are listed where nobody says how many: there may be a hundred thousand."""
TITLES = ("run", "cohort", "launched", "status", "seed", "here", "label")


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteList:
    """What `list --remote` answers with. rows: newest first, each with whether it is `here`; runs: how many the remote
    has; hidden: how many of them are put away and not listed; fault: why it may not be all."""

    remote: str
    rows: Sequence[Mapping[str, Any]]
    runs: int
    hidden: int
    fault: IntegrityError | None = None

    def to_json(self) -> dict[str, Any]:
        """The answer for a program."""
        return {"schema": "runaudit.list-remote/1", "remote": self.remote, "runs": self.runs, "archived": self.hidden,
                "newest": [dict(row) for row in self.rows]}  # fmt: skip

    @property
    def headline(self) -> str:
        """The ids alone, one a line."""
        return "\n".join(str(row["id"]) for row in self.rows)

    @property
    def notes(self) -> Iterator[str]:
        """What is not seen in the rows."""
        left = self.runs - self.hidden - len(self.rows)
        if left > 0:
            yield f"the newest {len(self.rows)} of {plural(self.runs - self.hidden, 'run')}; -n N shows more"
        if self.hidden:
            yield f"{self.hidden} archived, --all shows {'it' if self.hidden == 1 else 'them'}"
        if not self.rows and not self.hidden:
            yield f"no run at {self.remote}"

    def _cells(self) -> list[list[str]]:
        return [[printable(cell) for cell in _shown(row)] for row in self.rows]

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal."""
        if self.rows:
            first, *rest = columns([list(TITLES), *self._cells()], left=len(TITLES))
            yield from (paint(first, DIM), *rest)

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a pull request."""
        from runaudit.text.markdown import table  # A terminal needs none of it.

        yield from table(TITLES, (_shown(row) for row in self.rows))


def _shown(row: Mapping[str, Any]) -> list[str]:
    seed = "" if row["seed"] is None else str(row["seed"])
    here = "yes" if row["here"] else ""
    return [row["id"][:SHORT], row["cohort"], row["launched"][:19], row["status"], seed, here, row["label"]]


def remote_list(place: Place, is_here: Callable[[str], bool], *, newest: int | None, everything: bool) -> RemoteList:
    """The newest runs of a remote. newest: how many, else `NEWEST`; everything: those that are put away, too.

    Raises UsageError where there is no remote, StoreError where it cannot be read.
    """
    if newest is not None and newest < 1:
        raise UsageError(f"-n {newest} lists nothing", remedy="give a number from 1 on")
    found = listed_ready(place, newest or NEWEST, everything)
    if found is not None:
        return _list(place, found, is_here, newest, everything)
    from runaudit.remote.layout import read_pushes, require_remote  # What the index spares.

    require_remote(place)
    told = read_pushes(place)
    whole = newest_of(told.runs.values())
    if not told.problems:
        keep_index(place, told.files, whole)
    return _list(place, whole, is_here, newest, everything, _fault(place, told))


def _fault(place: Place, told: "Pushed") -> IntegrityError | None:
    if not told.problems:
        return None
    file, problem = told.problems[0]
    return IntegrityError(
        f"{place.shown}/{file}: {problem}", remedy="delete it there, and push again from where its runs are"
    )


def _list(
    place: Place, found: Newest, is_here: Callable[[str], bool], newest: int | None, everything: bool,
    fault: IntegrityError | None = None,
) -> RemoteList:  # fmt: skip
    kept = [row for row in found.rows if everything or not row["archived"]][: newest or NEWEST]
    return RemoteList(
        remote=place.shown, runs=found.runs, hidden=0 if everything else found.archived, fault=fault,
        rows=[{**row, "here": is_here(row["id"])} for row in kept],
    )  # fmt: skip


def listed_ready(place: Place, newest: int, everything: bool) -> Newest | None:
    """What the index of a remote holds, where it is up to date and holds enough rows; else None. Raises StoreError."""
    with reached(place, "read"):
        names = push_names(place)
        found = read_index(place, names) if names else None
    if found is None or found.is_all:
        return found
    shown = len(found.rows) if everything else sum(not row["archived"] for row in found.rows)
    return found if newest <= min(shown, KEPT) else None


def here_in(root: Path) -> Callable[[str], bool]:
    """Whether a store at `root` has the manifest of a run."""
    return lambda run: (root / "objects" / "sha256" / run[:2] / run).exists()
