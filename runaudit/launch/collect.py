"""What a command told the trackers that it uses, as the series of its run: read from what its own processes wrote.

Nobody changes a line of a program for it. What cannot be read, or whose it is cannot be told, becomes a note: the run
is over, and nothing may be lost for a log file.
"""

import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path

from runaudit.errors import RunauditError
from runaudit.importers.base import Skipped
from runaudit.importers.curves import same_values
from runaudit.importers.draft import Draft, Points
from runaudit.importers.kinds import CALLED
from runaudit.importers.merging import HYDRA, TABLE
from runaudit.importers.walk import drafts_at
from runaudit.launch.evidence import Written
from runaudit.launch.parted import READ, laid_out
from runaudit.record.ledger import claim, claims
from runaudit.records.columns import names_among
from runaudit.records.trajectory import Trajectory, write_lines
from runaudit.store.catalogue import SERIES
from runaudit.store.kept import damage_of, open_kept
from runaudit.system.files import open_ordinary

_CLOCK = re.compile(r"(?:trainer/)?(?:epoch|step|global_step|iteration)")
"""What loggers log beside the numbers to say when; it measures nothing."""


def gather(
    live: Path,
    written: Written,
    *,
    cwd: Path,
    since: float,
    names: Mapping[str, str],
    clean: Callable[[str], str],
) -> Sequence[Draft]:
    """Add what other trackers recorded to the run's series; a series the run logged itself is not taken twice.

    cwd: where the command ran. since: when, in seconds since 1970. names: foreign name -> ours. clean: a text without
    its secrets, for a tracker keeps whatever name it was given. Returns what was read.
    """
    if not live.is_dir():
        return ()  # Its folder is gone, or was never here: there is nothing to add to.
    try:
        drafts, notes = _read(live, written, since)
    except Exception as error:  # Whatever a tracker wrote, the run is over and its outcome is sealed.
        claim(live, "note", text=clean(f"what was written for trackers could not be read: {error}"))
        return ()

    def named(name: str) -> str:
        return clean(names.get(name, name))

    told = {named(name) for draft in drafts for name in (*draft.series, *draft.metrics)}
    again = {_numbered(name, at) for name in told for at in range(2, len(drafts) + 1)}
    own = _logged(live, told | again)
    found = as_one(drafts, own=own, named=named)
    if found.series:
        _add(live / SERIES, write_lines(Trajectory(series=found.series)))
    if found.metrics:
        claim(live, "metrics", values=dict(found.metrics))
    for note in dict.fromkeys((*found.notes, *notes)):
        claim(live, "note", text=clean(note.replace(f"{cwd}{os.sep}", "")))
    return drafts


def _add(path: Path, lines: bytes) -> None:
    """Put the lines behind what the run logged, all of them or none: the half of a series that a full disk took would
    stand for the whole when the run is sealed again. Raises OSError."""
    with os.fdopen(open_kept(path, os.O_WRONLY | os.O_APPEND), "ab", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        try:
            written = 0
            while written < len(lines):
                written += file.write(lines[written:])
        except OSError:
            file.truncate(size)
            raise


def _logged(live: Path, names: Set[str]) -> frozenset[str]:
    """Which of these names the run logged itself, and all that it said it ended with. Raises OSError."""
    said = {name for row in claims(live) if row["k"] == "metrics" for name in row["values"]}
    try:
        with open_ordinary(live / SERIES) as file:
            return names_among(file, names) | said
    except FileNotFoundError:
        return frozenset(said)
    except OSError as error:
        raise damage_of(error) or error from error


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _read(live: Path, written: Written, since: float) -> tuple[Sequence[Draft], list[str]]:
    """What trackers tell of the run, each draft with its place, and what has to be said of the others."""
    drafts: list[Draft] = []
    with tempfile.TemporaryDirectory(dir=live, prefix="tracked-") as folder:
        target = Path(folder).absolute()
        notes = laid_out(written, target)
        told = [*drafts_at(target, (*READ, TABLE))] if any(target.iterdir()) else []
        told = [
            one for one in told if not isinstance(one, Draft) or one.kind != TABLE
        ]  # It lies in no folder of a job.
        for one in told:
            source = one.source.replace(f"{target}{os.sep}", os.sep)
            if isinstance(one, Draft):
                said = [note.replace(f"{target}{os.sep}", os.sep) for note in one.notes]
                drafts.append(replace(one, source=source, notes=said))
            else:
                notes.append(_left_out(source, one.reason.replace(f"{target}{os.sep}", os.sep), broken=one.broken))
    for path in written.databases:
        for found in _of_database(path, written.begun, since):
            if isinstance(found, Draft):
                drafts.append(found)
            else:
                notes.append(_left_out(found.source, found.reason, broken=True))
    if not written.databases and (away := sorted(written.begun)):
        notes.append(f"MLflow keeps what was logged to {', '.join(away[:3])} on a server, which was not asked: "
                     "`runaudit import mlflow ADDRESS` reads it")  # fmt: skip
    return drafts, notes


def _left_out(source: str, reason: str, *, broken: bool) -> str:
    if not broken:
        return f"{source} holds no numbers that could be read: {reason}"
    return reason if source in reason else f"{source}: {reason}"


def _of_database(path: Path, begun: Mapping[str, bool], since: float) -> Iterator[Draft | Skipped]:
    """The runs of a database of MLflow's that this run wrote of; of one that another began, what was logged since."""
    from runaudit.importers.mlflow_run import draft_of
    from runaudit.importers.mlflow_sqlite import is_live, read_live

    try:
        if not begun:
            if is_live(path) and path.stat().st_mtime >= since:
                why = "runs were written to it while this run ran, and it was not seen which of them are this run's"
                yield Skipped(source=str(path), reason=f"{why}: nothing was taken")
            return
        for run in sorted(read_live(path, frozenset(begun)), key=lambda run: str(run.started)):
            if not begun[run.run]:
                fresh = {name: [one for one in points if one[1] >= since * 1000] for name, points in run.series.items()}
                run = replace(run, series={name: points for name, points in fresh.items() if points})
            yield draft_of(run)
    except (RunauditError, OSError) as error:
        yield Skipped(source=str(path), reason=f"{path} could not be read: {error}")


# ── one run of it ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True, kw_only=True)
class Taken:
    """The series that come to a run, what it ended with beside them, and where all of it comes from."""

    series: dict[str, Points] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def _numbered(name: str, number: int) -> str:
    return f"{name} ({number})"


def as_one(drafts: Sequence[Draft], *, own: frozenset[str], named: Callable[[str], str]) -> Taken:
    """The series of several trackers as those of one run. `own`: what the run logged itself, which stands. One name
    with two curves is two, the second with a number; one curve that two loggers were given is one."""
    taken = Taken()
    for draft in drafts:
        place, tool = draft.source, CALLED[draft.kind]
        came = 0
        for name, points in draft.series.items():
            ours = named(name)
            if not points or ours in own or _CLOCK.fullmatch(name):
                continue
            number, called = 1, ours
            while ours in taken.series and not same_values(taken.series[ours], points):
                number += 1
                ours = _numbered(called, number)
            if ours in taken.series or ours in own:
                continue
            if number > 1:
                taken.notes.append(f"{called} was logged more than once: that of {place} is kept as {ours}")
            taken.series[ours] = points
            came += 1
        ends = {ours: value for name, value in draft.metrics.items()
                if (ours := named(name)) not in own and not _CLOCK.fullmatch(name)}  # fmt: skip
        taken.metrics |= {name: value for name, value in ends.items() if name not in taken.series}
        if came:
            taken.notes.append(f"{came} series come from {place} ({tool})")
        if draft.kind == HYDRA:
            taken.notes.append(f"the settings that Hydra composed lie in {place}/.hydra/config.yaml")
        elif not any(draft.series.values()):
            taken.notes.append(f"{place} ({tool}) holds no numbers that could be read")
        if draft.torn:
            taken.notes.append(f"{place} ends in the middle of a record")
        taken.notes += [f"{place}: {note}" for note in draft.notes]
    taken.metrics = {name: value for name, value in taken.metrics.items() if name not in taken.series}
    return taken
