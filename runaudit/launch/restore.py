"""The exact code state of a run, in a new folder. The user's repository is only read.

The commit is fetched, alone, into a repository of its own; the patch is laid on top; then every file is held against
the digest that the manifest sealed, and what differs is written from the store. Where the commit is gone the stored
sources are all there is, and what they do not hold is named.
"""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runaudit.errors import IntegrityError, NothingToJudgeError, RunauditError, UsageError
from runaudit.records.digest import digest_bytes
from runaudit.records.filenames import elsewhere_fault, on_disk, tree_fault, twins
from runaudit.records.run import SHORT, Run
from runaudit.store.tombstone import ForgottenError
from runaudit.system.files import is_below, is_in_git, read_ordinary, store_around
from runaudit.system.git import UPLOAD_PACK, Answer, Git, GitError, ask, is_whole_id

TIMEOUT_S = 600.0


class RestoreError(RunauditError):
    """The folder cannot be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was rebuilt. `missing`: path -> why its bytes are not the sealed ones. `notes`: what else is to be told."""

    to: Path
    commit: str | None
    files: int
    missing: Mapping[str, str]
    notes: tuple[str, ...]

    @property
    def exact(self) -> bool:
        """Whether every file of the record is there, byte for byte."""
        return not self.missing


Same = Callable[[bytes, Mapping[str, Any]], bool]
"""Whether a content with secrets in it is the one that an entry was made of: only the store's own key tells."""


def check_kept(run: Run) -> None:
    """Raises NothingToJudgeError for a run whose code is not recorded."""
    code = run.manifest.section("code")
    if code.get("files"):
        return
    commit = str(code.get("commit") or "")
    raise NothingToJudgeError(
        f"run {run.short} records no sources: {run.manifest.reason('code')}",
        remedy=f"its commit is known: `git worktree add DIR {commit}` in a clone of its repository"
        if is_whole_id(commit) else "restore needs a captured run",
    )  # fmt: skip


def restore(
    run: Run,
    to: Path,
    *,
    repositories: tuple[Path, ...] = (),
    same: Same | None = None,
    is_trusted: bool = True,
) -> Restored:
    """Rebuild the code of `run` in `to`, which must not exist or be empty.

    `repositories` are searched in order for the commit. With `same` a file that holds a secret can be told from
    another: the sealed digest is that of its redacted content. A run that is not trusted may hold no name either that
    is another one on another system.

    Raises UsageError for a folder in use, NothingToJudgeError for a run whose code is not recorded, IntegrityError
    for a record whose files have no place in a folder, before anything is written, and where a stored source does not
    match its digest.
    """
    code = run.manifest.section("code")
    check_kept(run)
    check_names(code, is_trusted=is_trusted)
    was_there = to.exists()
    _claim(to)
    try:
        return _rebuilt(run, to, repositories, same)
    except BaseException:
        _left_as_found(to, was_there)
        raise


def _rebuilt(run: Run, to: Path, repositories: tuple[Path, ...], same: Same | None) -> Restored:
    code = run.manifest.section("code")
    _check_twins(code, to)
    notes: list[str] = []
    commit = str(code["commit"]) if code.get("commit") else None
    if commit and not is_whole_id(commit):
        notes.append(f"the record names the commit {commit!r}, which is no whole id of one, so it was not looked up: "
                     "rebuilt from the stored sources")  # fmt: skip
        commit = None
    source = next((git for r in repositories if commit and (git := _with_commit(r, commit))), None)
    if commit and source:
        _check_out(source, commit, to)
        notes += _apply_patch(run, code, to)
    elif commit:
        notes.append(f"the commit {commit[:SHORT]} is in none of the repositories: rebuilt from the stored sources")
    missing = dict(_write_tree(run, code, to, same))
    for name, inner in (code.get("submodules") or {}).items():
        place = _inside(to, name)
        if place.is_symlink() or place.is_file():
            place.unlink()
        missing |= {f"{name}/{path}": why for path, why in _write_tree(run, inner, place, same)}
    notes += [f"the editable package {name} lies outside this tree and was not restored"
              for name in code.get("siblings") or {}]  # fmt: skip
    notes += [f"{to} lies inside the work tree of {r}, whose guard will see it as an untracked repository"
              for r in repositories if to.resolve().is_relative_to(r.resolve())]  # fmt: skip
    return Restored(
        to=to, commit=commit if source else None, files=len(code["files"]), missing=missing, notes=tuple(notes)
    )


def check_names(code: Mapping[str, Any], *, is_trusted: bool) -> None:
    """Raises IntegrityError where a file of the record cannot be put into a folder, or leads out of it; UsageError for
    a name that is another one on another system, in a record that is not trusted."""
    files = _names(code)
    if fault := tree_fault(files):
        raise IntegrityError(
            f"the record names {fault[0]!r}, which {fault[1]}; nothing was written", remedy="do not trust this record"
        )
    if not is_trusted and (fault := elsewhere_fault(files)):
        raise UsageError(
            f"the record comes from elsewhere and names {fault[0]!r}, which {fault[1]}; nothing was written",
            remedy="add --trust to take its names as they are",
        )


def _names(code: Mapping[str, Any]) -> dict[str, bool]:
    """Every file of the tree, submodules included -> whether it is a link."""
    found = {str(path): entry.get("mode") == "120000" for path, entry in (code.get("files") or {}).items()}
    for name, inner in (code.get("submodules") or {}).items():
        # A submodule is a folder: a file or link of its name, or a bad name, must show also where it is empty.
        found |= {f"{name}/{path}": is_link for path, is_link in _names(inner).items()} or {f"{name}/file": False}
    return found


def _check_twins(code: Mapping[str, Any], to: Path) -> None:
    """Raises UsageError where two files of the record would be one in this folder."""
    if found := twins(_names(code)):
        probe = to / "runaudit-Case"
        probe.touch()
        folds = (to / "RUNAUDIT-cASE").exists()
        probe.unlink()
        if folds:
            raise UsageError(
                f"{found[0]!r} and {found[1]!r} of the record are one file here: this file system does not tell case "
                "or accents apart", remedy="restore on one that does",
            )  # fmt: skip


def _claim(to: Path) -> None:
    if store := store_around(to):
        raise UsageError(f"{to} lies within the store {store}", remedy="name a folder outside of it")
    if is_in_git(to):
        raise UsageError(f"{to} lies within git's own folder", remedy="name a folder outside of it")
    if to.is_symlink() or (to.exists() and not to.is_dir()):
        raise UsageError(f"{to} is not a folder", remedy="name a folder that does not exist yet")
    if to.is_dir() and any(to.iterdir()):
        raise UsageError(f"{to} is not empty", remedy="name a folder that does not exist yet")
    try:
        to.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RestoreError(f"{to} cannot be made: {error.strerror}", remedy="name another folder") from error


def _left_as_found(to: Path, was_there: bool) -> None:
    """Take half a tree away again: it was empty, and nobody should take what lies there for the code of the run."""
    for path in to.iterdir():
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() and not path.is_symlink() else path.unlink()
    if not was_there:
        with contextlib.suppress(OSError):
            to.rmdir()


# ── git, in the new folder only ──────────────────────────────────────────────────────────────────────────────────


def _git(folder: Path, *words: str, stdin: bytes = b"", protocols: str = "none") -> Answer:
    """Git as the record needs it: no configuration but the folder's own, bytes and modes as they are."""
    switches = ("core.autocrlf=false", "core.symlinks=true", "core.fileMode=true", "advice.detachedHead=false",
                "safe.directory=*")  # fmt: skip
    return ask(folder, *words, switches=switches, protocols=protocols, alone=True, stdin=stdin, limit_s=TIMEOUT_S)


def _with_commit(repository: Path, commit: str) -> Git | None:
    """The repository, where it is one and holds the commit."""
    try:
        git = Git(repository) if repository.is_dir() else None
    except GitError:
        return None
    return git if git and git.ask("cat-file", "-e", f"{commit}^{{commit}}").code == 0 else None


def _check_out(source: Git, commit: str, to: Path) -> None:
    """The one commit, fetched through upload-pack: reads the source, also where it is shallow or the commit is on no
    branch, and leaves no link to it."""
    steps: tuple[tuple[str, ...], ...] = (
        ("init", "--quiet", "--template="),
        ("fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", f"--upload-pack={UPLOAD_PACK}",
         str(source.directory), commit),
        ("checkout", "--quiet", "--detach", commit),
    )  # fmt: skip
    for step in steps:
        done = _git(to, *step, protocols="file" if step[0] == "fetch" else "none")
        if done.code != 0:
            raise RestoreError(
                f"git {step[0]} of {commit[:SHORT]} failed: {done.reason}", remedy=f"look at {source.top}"
            )


def _apply_patch(run: Run, code: Mapping[str, Any], to: Path) -> Iterator[str]:
    patch = code.get("patch")
    if not isinstance(patch, Mapping):
        return
    try:
        raw = _blob(run, str(patch["digest"]))
    except ForgottenError as error:
        yield f"the recorded patch was {error.row.said}: changed files come from the stored sources"
        return
    done = _git(to, "apply", "--binary", "--whitespace=nowarn", "-", stdin=raw)
    if done.code != 0:
        why = "secrets in it were redacted" if patch.get("redacted") else "it does not fit the commit"
        yield f"the recorded patch could not be applied ({why}): changed files come from the stored sources"


def _blob(run: Run, digest: str) -> bytes:
    try:
        return run.blobs[digest]
    except KeyError as error:
        raise IntegrityError(
            f"the store has no {digest[:19]}…, which run {run.short} names", remedy="`runaudit verify` lists all"
        ) from error


# ── every file against its digest ────────────────────────────────────────────────────────────────────────────────


def _write_tree(run: Run, code: Mapping[str, Any], to: Path, same: Same | None) -> Iterator[tuple[str, str]]:
    """Bring the folder to the sealed state; yields each path whose bytes could not be, with the reason."""
    files: Mapping[str, Mapping[str, Any]] = code.get("files") or {}
    inner = tuple(on_disk(name) for name in code.get("submodules") or {})
    known = {*map(on_disk, files), *inner}
    for path in list(_present(to)):
        if path not in known and not any(path.startswith(f"{name}/") for name in inner):
            (to / path).unlink()
            _leave_no_empty_folder(to / path, to)
    for path, entry in files.items():
        target = _inside(to, path)
        try:
            why = _bring(run, entry, target, same)
        except ForgottenError as error:
            why = error.row.said
        if why:
            yield path, why


def _leave_no_empty_folder(gone: Path, to: Path) -> None:
    """Where the commit had a folder, the record may have a file."""
    for folder in gone.parents:
        if folder == to or any(folder.iterdir()):
            return
        folder.rmdir()


def _present(to: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(to):
        if ".git" in folders:
            folders.remove(".git")
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        for name in (*names, *links):
            yield (Path(folder) / name).relative_to(to).as_posix()


def _bring(run: Run, entry: Mapping[str, Any], target: Path, same: Same | None) -> str | None:
    """Why `target` is not the sealed file, None where it is. The mode is brought along."""
    digest = str(entry["digest"])
    found = _content(target)
    if found is not None and str(digest_bytes(found)) == digest:
        _set_mode(target, entry)
        return None
    if entry.get("redacted"):
        if found is None:
            _write(target, _blob(run, digest), entry)
            return "secrets in it were redacted when it was recorded"
        if same is not None and same(found, entry):
            _set_mode(target, entry)
            return None
        if entry.get("identity") is None or same is None:
            return "holds a secret, so the record cannot say whether this is the same"
        _write(target, _blob(run, digest), entry)
        return "secrets in it were redacted when it was recorded, and the commit holds another content"
    if not entry.get("stored", True):
        return "its content is not in the store, only its digest" + ("" if found is None else "; the commit's differs")
    _write(target, _blob(run, digest), entry)
    return None


def _content(path: Path) -> bytes | None:
    if path.is_symlink():
        return os.fsencode(path.readlink())
    return read_ordinary(path) if path.is_file() else None


def _write(target: Path, data: bytes, entry: Mapping[str, Any]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_symlink() or target.is_file():
        target.unlink()
    if entry.get("mode") == "120000":
        target.symlink_to(os.fsdecode(data))
        return
    target.write_bytes(data)
    _set_mode(target, entry)


def _set_mode(target: Path, entry: Mapping[str, Any]) -> None:
    if not target.is_symlink():
        target.chmod(0o755 if entry.get("mode") == "100755" else 0o644)


def _inside(root: Path, name: str) -> Path:
    """Where a file of the record goes, under `root`. Raises IntegrityError where a link leads out of the folder: the
    names were checked, and what the commit put there was not."""
    target = root / on_disk(name)
    if not is_below(target, root):
        raise IntegrityError(
            f"the record names {name!r}, which lies outside the tree", remedy="do not trust this record"
        )
    return target
