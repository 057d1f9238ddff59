"""A run once more: its code in a new folder, its causes as they were sealed, its command; then the two side by side,
the inputs first.

The guard is asked again and its refusals are waived with the reason that this is a repetition: what it would refuse
(an edited tree, a label in use) is what is being repeated. The waivers stand in the new record like any others.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runaudit.capture.draft import ABSENT, LaunchRequest, redactor_of
from runaudit.capture.source import is_content
from runaudit.diff import compare_designs
from runaudit.diff.result import FactorChange
from runaudit.errors import GuardRefusedError, IntegrityError, NothingToJudgeError, UsageError
from runaudit.factors.cohort import cohort_of
from runaudit.factors.factor import Absent
from runaudit.factors.identity import identity_of
from runaudit.factors.tree import leaves_of
from runaudit.guard.admission import prepare
from runaudit.launch.process import Ended, executable
from runaudit.launch.reproduction import Repetition, judge_repetition
from runaudit.launch.restore import Restored, check_kept, restore
from runaudit.launch.wrapper import run_sealed
from runaudit.records.canonical import JSON, canonical_bytes
from runaudit.records.digest import digest_bytes
from runaudit.records.filenames import parts_fault
from runaudit.records.manifest import Manifest
from runaudit.records.places import started_in, top_of
from runaudit.records.run import Run
from runaudit.settings import Settings
from runaudit.store import Store
from runaudit.store.catalogue import liveness, load, run_ids
from runaudit.store.foreign import came_from, trusted
from runaudit.system.files import is_below
from runaudit.system.git import work_tree
from runaudit.text.typed import typed_words
from runaudit.text.words import plural

PLACES = tuple(f"env.variables.{name}" for name in ("PYTHONPATH", "PWD", "OLDPWD", "RUNAUDIT_RUN"))
"""What is set for a repetition because it lies elsewhere."""
STDERR = 2
"""What the command prints is a message here: the result is the comparison, and stdout is for that alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerun:
    """The repetition: where its code lies, its run, and what came of it."""

    restored: Restored
    again: Run
    repetition: Repetition
    linked: tuple[str, ...] = ()


def rerun(
    store: Store,
    run: Run,
    to: Path,
    *,
    settings: Settings | None = None,
    environ: Mapping[str, str] = os.environ,
    is_trusted: bool = False,
) -> Rerun:
    """Restore `run` into the new folder `to`, run its command there, seal that as a run of its own, and compare.

    A run that was not launched in this store holds somebody else's command and code: it is run where `is_trusted`.
    Raises GuardRefusedError where it is not, NothingToJudgeError for a run whose command or code cannot be restored as
    it was.
    """
    settings = settings or Settings()
    if not run.finished and liveness(store.live_dir(run.id)) == "running":
        raise UsageError(f"run {run.short} is running", remedy="wait for its end: a repetition is held against it")
    command = command_of(run)
    if is_trusted:
        trusted(store, run)
    elif source := came_from(store, run):
        check_kept(run)  # Of a run without code there is nothing to read first, and nothing to trust.
        raise untrusted(run, command, source)
    restored = restored_exactly(store, run, to, environ=environ)
    cwd = start_in(run, to)
    linked = tuple(link_data(run, to))
    command = with_program(command, run, cwd)
    executable(command, cwd=cwd, environ=environ)
    manifest = _sealed(store, run, to, command, settings, environ)
    again, _ = run_restored(store, manifest, command, cwd, to, settings=settings, environ=environ, stdout=STDERR)
    return Rerun(
        restored=restored,
        again=again,
        repetition=judge_repetition(
            run, again, replicates(store, run, settings), inputs=other_inputs(run, again, to, settings)
        ),
        linked=linked,
    )


def restored_exactly(store: Store, run: Run, to: Path, *, environ: Mapping[str, str] = os.environ) -> Restored:
    """The code of `run` in the new folder `to`. Raises NothingToJudgeError where a file is not as it was sealed."""
    found = restore(run, to, repositories=repositories_of(run, store), same=same_content(store, environ))
    if not found.exact:
        path, why = next(iter(found.missing.items()))
        raise NothingToJudgeError(
            f"the code of run {run.short} cannot be restored exactly: {path}: {why}",
            remedy=f"`runaudit restore {run.short} --to DIR` restores what is there and names the rest",
        )
    return found


def run_restored(
    store: Store, manifest: Manifest, command: Sequence[str], cwd: Path, to: Path, *, settings: Settings,
    environ: Mapping[str, str], stdout: int,
) -> tuple[Run, Ended]:  # fmt: skip
    """Run the command of a sealed launch in the restored tree `to`: the run as it is kept, how its process ended."""
    done = run_sealed(
        store, manifest, command, cwd=cwd, environ=with_path(environ, to), series_names=settings.series, stdout=stdout
    )
    if done.fault is not None:
        raise done.fault
    return load(store, manifest.id), done.ended


def sealed_as_it_is(
    request: LaunchRequest, store: Store, *, reason: str, waived: set[str], settings: Settings,
    environ: Mapping[str, str], baseline: str | None = None,
) -> Manifest:  # fmt: skip
    """Seal a launch made of earlier ones. What the guard refuses of it (an edited tree, a label in use) is what is
    wanted: waived with the reason. waived: codes that were refused before; those of this launch are added."""
    while True:
        waive = tuple(f"{code}={reason}" for code in sorted(waived))
        asked = prepare(request, store, settings=settings, baseline=baseline, waive=waive, environ=environ)
        refused = {finding.code for finding in asked.answer.refusals}
        if refused <= waived:
            return asked.sealed(environ=environ)
        waived |= refused


def untrusted(run: Run, command: Sequence[str], source: str, *, again: str = "") -> GuardRefusedError:
    """What would be run, and whose it is, for a reader to decide. again: what to type then, if it is no `rerun`."""
    files = run.manifest.section("code").get("files")
    code = f"its {plural(len(files), 'file')} of code" if isinstance(files, Mapping) and files else "no code of its own"
    return GuardRefusedError(
        f"run {run.short} ({run.label}) was not launched here but came from {source}; it would run "
        f"`{typed_words(command)}` on this machine, with {code}, and was not started",
        remedy=f"read it first: `runaudit restore {run.short} --to DIR`; if you trust it: "
        f"`{again or f'runaudit rerun {run.short} --trust'}`",
    )


def start_in(run: Run, to: Path) -> Path:
    """The folder of the restored tree in which the command starts. Raises IntegrityError for one outside of it."""
    prefix = str(run.manifest.section("launch").get("prefix", "."))
    if prefix != "." and (why := parts_fault(prefix)):
        raise IntegrityError(f"run {run.short} starts in {prefix!r}, which {why}", remedy="do not trust this record")
    return to / prefix


def other_inputs(run: Run, again: Run, to: Path, settings: Settings) -> tuple[FactorChange, ...]:
    """The factors in which a repetition differs from what it repeats. That it lies in another place is none."""
    found = compare_designs(run, again, settings=settings).factors
    return tuple(
        factor for factor in found
        if not is_place(factor, to, top_of(run)) and not _is_read_where_it_lay(factor, run, again)
    )  # fmt: skip


def _is_read_where_it_lay(factor: FactorChange, run: Run, again: Run) -> bool:
    """Whether a file of the run's own tree is a dataset's that both read at one place, by its full path: to the
    repetition that place lies outside of its tree."""
    if not (factor.factor.startswith("code.") and isinstance(factor.after, Absent)):
        return False
    path = top_of(run) / factor.factor.removeprefix("code.")
    ours, theirs = (one.manifest.section("data") for one in (run, again))
    same = (entry for name, entry in ours.items() if isinstance(entry, Mapping) and entry == theirs.get(name))
    return any(path.is_relative_to(str(entry["path"])) for entry in same if entry.get("path"))


def is_place(factor: FactorChange, to: Path, top: Path) -> bool:
    """Whether a factor says only where the repetition was run: the variables that we set for it, and paths into it."""
    if factor.factor in PLACES:
        return True
    before, after = (_words(side) for side in (factor.before, factor.after))
    return before is not None and after is not None and after.replace(str(to), str(top)) == before


def _words(level: Any) -> str | None:
    return None if isinstance(level, Absent) else canonical_bytes(level).decode()


def command_of(run: Run) -> tuple[str, ...]:
    """The command of a run that was captured. Raises NothingToJudgeError where it cannot be run again."""
    argv = tuple(str(word) for word in run.manifest.section("launch").get("argv") or ())
    if not argv:
        raise NothingToJudgeError(f"run {run.short} records no command", remedy="only captured runs can be repeated")
    if any("<redacted:" in word for word in argv):
        raise NothingToJudgeError(
            f"the command of run {run.short} held a secret, which was not recorded",
            remedy="restore its code and start it by hand under `runaudit run`",
        )
    return argv


def with_program(command: tuple[str, ...], run: Run, cwd: Path) -> tuple[str, ...]:
    """The command with its program found: `.venv/bin/python` is no part of the code, and lies where the run began."""
    first = Path(command[0])
    there = started_in(run) / first
    if os.sep not in command[0] or (cwd / first).exists() or not there.is_file():
        return command
    return (str(there), *command[1:])


def same_content(store: Store, environ: Mapping[str, str] = os.environ) -> Callable[[bytes, Mapping[str, Any]], bool]:
    """Whether a content is what an entry of this store was made of. Entries of an older store do not hold the file's
    identity: what they hold is redacted as this store redacts."""
    redactor = redactor_of(store, environ=environ)

    def same(data: bytes, entry: Mapping[str, Any]) -> bool:
        return is_content(data, entry, redactor) or (
            entry.get("identity") is None and str(digest_bytes(redactor.data(data)[0])) == entry.get("digest")
        )

    return same


def repositories_of(run: Run, store: Store) -> tuple[Path, ...]:
    """Where the commit may be found: here, where the run was started, beside the store. All are only read."""
    starts = (Path.cwd(), started_in(run), store.root.absolute())
    found = (work_tree(start.absolute()) for start in starts)
    return tuple(dict.fromkeys(folder for folder in found if folder))


def link_data(run: Run, to: Path) -> Iterator[str]:
    """Datasets that lay inside the tree but not in git are linked to where they lie, so that relative paths hold."""
    top = top_of(run)
    for name, entry in run.manifest.section("data").items():
        path = Path(str(entry.get("path") or "")) if isinstance(entry, Mapping) else Path()
        if not path.is_absolute() or not path.exists() or not path.is_relative_to(top) or path == top:
            continue
        place = to / path.relative_to(top)
        if not place.exists() and is_below(place, to):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(path)
            yield name


def _sealed(
    store: Store, run: Run, to: Path, command: tuple[str, ...], settings: Settings, environ: Mapping[str, str]
) -> Manifest:
    body = run.manifest.to_json()
    named = full_paths(command, body.get("config") or {})
    request = LaunchRequest(
        label=f"rerun of {run.label}",
        seed=body.get("seed", ABSENT),
        config=body.get("config", ABSENT),
        data={name: in_its_tree(entry, run, to, named) for name, entry in (body.get("data") or {}).items()},
        init=body.get("init"),
        evaluation=body.get("eval"),
        argv=command,
        root=start_in(run, to),
        extra={"origin": {"kind": "captured", "rerun_of": run.id}},
    )
    reason = f"repetition of run {run.short}, as it was"
    return sealed_as_it_is(request, store, reason=reason, waived=set(), settings=settings, environ=environ)


def in_its_tree(entry: Mapping[str, Any], run: Run, to: Path, named: Sequence[Path]) -> Any:
    """A dataset where the restored command finds it: in the new tree if it lay in the run's, else where it lies. What
    the command or the config names by its full path (`named`) is read there, whichever tree that is in."""
    path = Path(str(entry.get("path") or ""))
    is_named = any(path.is_relative_to(one) or one.is_relative_to(path) for one in named)
    if is_named or not path.is_relative_to(top_of(run)):
        return where_it_lies(entry)
    inside = to / path.relative_to(top_of(run))
    return inside if inside.exists() else where_it_lies(entry)


def full_paths(command: Sequence[str], config: JSON) -> tuple[Path, ...]:
    """What a command and its config name by a full path."""
    texts = [text for word in command for text in (word, word.partition("=")[2])]
    texts += [leaf for _, leaf in leaves_of(config, "config") if isinstance(leaf, str)]
    return tuple(Path(text) for text in texts if text.startswith(os.sep))


def where_it_lies(entry: Mapping[str, Any]) -> Any:
    """A dataset is read anew where it still lies; where it is gone the record can only repeat what it was."""
    path = Path(str(entry.get("path") or ""))
    return path if path.is_absolute() and path.exists() else dict(entry)


def with_path(environ: Mapping[str, str], to: Path) -> dict[str, str]:
    """The environment in which a restored tree is run."""
    # An editable install points Python at the tree that was restored *from*; the restored one has to come first.
    folders = [str(folder) for folder in (to, to / "src") if folder.is_dir()]
    return {**environ, "PYTHONPATH": os.pathsep.join([*folders, *filter(None, [environ.get("PYTHONPATH")])])}


def replicates(store: Store, run: Run, settings: Settings) -> tuple[Run, ...]:
    """The finished runs of the same design, one of each draw, `run` first. Repetitions of a run do not count."""
    design = identity_of(run, settings.factors)
    found = [run]
    for run_id in run_ids(store):
        other = load(store, run_id, trajectory=False)
        if other.id == run.id or not other.finished or other.manifest.section("origin").get("rerun_of"):
            continue
        if design.matches(identity_of(other, settings.factors)):
            found.append(other)
    drawn = cohort_of(found).replicates
    return (run, *(group[0] for group in drawn if all(one.id != run.id for one in group)))
