"""The exact code state of a run, in a new folder. The user's repository is only read.

The commit is fetched, alone, into a repository of its own; the patch is laid on top; then every file is held against
the digest that the manifest sealed, and what differs is written from the store. Where the commit is gone the stored
sources are all there is, and what they do not hold is named.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from runaudit.errors import IntegrityError, NothingToJudgeError, RunauditError, UsageError
from runaudit.records.digest import digest_bytes
from runaudit.records.run import SHORT, Run
from runaudit.system.git import UPLOAD_PACK, Answer, Git, GitError, ask

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


def restore(run: Run, to: Path, *, repositories: tuple[Path, ...] = (), same: Same | None = None) -> Restored:
    """Rebuild the code of `run` in `to`, which must not exist or be empty.

    `repositories` are searched in order for the commit. With `same` a file that holds a secret can be told from
    another: the sealed digest is that of its redacted content.

    Raises UsageError for a folder in use, NothingToJudgeError for a run whose code is not recorded, IntegrityError
    where a stored source does not match its digest.
    """
    code = run.manifest.section("code")
    if not code.get("files"):
        raise NothingToJudgeError(
            f"run {run.short} records no sources: {run.manifest.reason('code')}", remedy="restore needs a captured run"
        )
    _claim(to)
    notes: list[str] = []
    commit = str(code["commit"]) if code.get("commit") else None
    source = next((git for r in repositories if commit and (git := _with_commit(r, commit))), None)
    if commit and source:
        _check_out(source, commit, to)
        notes += _apply_patch(run, code, to)
    elif commit:
        notes.append(f"the commit {commit[:SHORT]} is in none of the repositories: rebuilt from the stored sources")
    missing = dict(_write_tree(run, code, to, same))
    for name, inner in (code.get("submodules") or {}).items():
        missing |= {f"{name}/{path}": why for path, why in _write_tree(run, inner, _inside(to, name), same)}
    notes += [f"the editable package {name} lies outside this tree and was not restored"
              for name in code.get("siblings") or {}]  # fmt: skip
    notes += [f"{to} lies inside the work tree of {r}, whose guard will see it as an untracked repository"
              for r in repositories if to.resolve().is_relative_to(r.resolve())]  # fmt: skip
    return Restored(
        to=to, commit=commit if source else None, files=len(code["files"]), missing=missing, notes=tuple(notes)
    )


def _claim(to: Path) -> None:
    if to.is_symlink() or (to.exists() and not to.is_dir()):
        raise UsageError(f"{to} is not a folder", remedy="name a folder that does not exist yet")
    if to.is_dir() and any(to.iterdir()):
        raise UsageError(f"{to} is not empty", remedy="name a folder that does not exist yet")
    try:
        to.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RestoreError(f"{to} cannot be made: {error.strerror}", remedy="name another folder") from error


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
    raw = _blob(run, str(patch["digest"]))
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
    known = {*files, *(code.get("submodules") or {})}
    for path in list(_present(to)):
        if path not in known and not any(path.startswith(f"{name}/") for name in code.get("submodules") or {}):
            (to / path).unlink()
    for path, entry in files.items():
        target = _inside(to, path)
        if why := _bring(run, entry, target, same):
            yield path, why


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
    return path.read_bytes() if path.is_file() else None


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


def _inside(root: Path, path: str) -> Path:
    """`path` under `root`. A record is a stranger's file: it must not name a place outside, nor git's own folder.

    Raises IntegrityError for a path that leaves the folder, also through a link that the tree itself holds.
    """
    parts = PurePosixPath(path).parts
    target = root.joinpath(*parts)
    escapes = not parts or path.startswith("/") or ".." in parts or ".git" in {part.lower() for part in parts}
    if escapes or not target.parent.resolve().is_relative_to(root.resolve()):
        raise IntegrityError(
            f"the record names {path!r}, which lies outside the tree", remedy="do not trust this record"
        )
    return target
