"""The code of a run: what stood in the work tree, next to the commit it stood on.

The commit alone is a false witness: two runs of one commit may have run different code. So the record holds the commit,
the patch against it (staged and unstaged together: `git diff HEAD` is what the interpreter reads), every untracked file
that can be imported or read as configuration, each submodule and each sibling under development in the same way. The
work tree and its index are only read.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from runaudit.capture.filtered import ChangedFile, compared
from runaudit.capture.redact import Redactor, without_user
from runaudit.capture.source import Basket, Limits, Put, folder_files, is_installed, is_source, redaction
from runaudit.errors import CaptureError, RecordError
from runaudit.records.canonical import JSON
from runaudit.records.digest import Digest
from runaudit.records.filenames import legible
from runaudit.system.files import read_ordinary
from runaudit.system.git import MAX_OUT, Git, work_tree

LOOKS = 3
MAX_DEPTH = 8
"""Submodules within submodules beyond this are a cycle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitState:
    """What `git status` says. Paths are posix, relative to `top`. `others` are untracked files that are no source.
    `filtered` are tracked files under a git filter, which is not run: whether they are as committed is not known."""

    top: Path
    commit: str | None
    branch: str | None
    remote: str | None
    changed: tuple[str, ...]
    untracked: tuple[str, ...]
    others: tuple[str, ...]
    filtered: tuple[str, ...] = ()

    @property
    def dirty(self) -> bool:
        """Whether the code differs from the commit: a tracked change, or an untracked file that could be read."""
        return bool(self.changed or self.untracked or self.filtered)


def git_state(root: Path, *, exclude: tuple[Path, ...] = ()) -> GitState | None:
    """The state of the work tree around `root`, or None outside git.

    `exclude` are folders that are no code: the store. Raises CaptureError where git fails.
    """
    top = work_tree(root.absolute())
    return None if top is None else _state(Git(top), exclude)


def _state(git: Git, exclude: tuple[Path, ...]) -> GitState:
    raw = git.run("status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all", "--ignore-submodules=all",
                  "--no-renames")  # fmt: skip
    facts: dict[str, str] = {}
    changes: list[ChangedFile] = []
    unknown: list[str] = []
    for line in filter(None, os.fsdecode(raw).split("\0")):
        match line[0]:
            case "#":
                _, name, value = line.split(" ", 2)
                facts[name] = value
            case "1":
                _, codes, _, *modes, committed, _, path = line.split(" ", 8)
                # Neither staged nor of another mode: only the bytes can differ.
                is_bytes = codes[0] == "." and len(set(modes)) == 1
                changes.append(ChangedFile(path=path, stored=committed if is_bytes else None))
            case "u":
                changes.append(ChangedFile(path=line.split(" ", 10)[10], stored=None))
            case "?":
                unknown.append(line[2:])
    unknown = [path for path in unknown if not _within(git.top / path, exclude)]
    code = [path for path in unknown if path.endswith("/") or (is_source(path) and not is_installed(path))]
    found = compared(git, changes)
    oid, head = facts.get("branch.oid", "(initial)"), facts.get("branch.head", "(detached)")
    return GitState(
        top=git.top,
        commit=None if oid == "(initial)" else oid,
        branch=None if head == "(detached)" else legible(head),
        remote=_remote(git.config.remotes),
        changed=found.changed,
        filtered=found.unknown,
        untracked=tuple(code),
        others=tuple(sorted(set(unknown) - set(code))),
    )


def _remote(remotes: dict[str, str]) -> str | None:
    """The address of `origin`, else of the first remote by name; without credentials."""
    if not remotes:
        return None
    return legible(without_user(remotes.get("origin", remotes[min(remotes)])))


def _within(path: Path, folders: tuple[Path, ...]) -> bool:
    return any(path == folder or folder in path.parents for folder in folders)


def capture_code(
    root: Path,
    put: Put | None,
    *,
    has: Callable[[Digest], bool] | None = None,
    limits: Limits | None = None,
    redactor: Redactor | None = None,
    exclude: tuple[Path, ...] = (),
    siblings: tuple[Path, ...] = (),
    is_output: Callable[[str], bool] | None = None,
) -> dict[str, JSON]:
    """The manifest's `code` section for the work tree or folder around `root`.

    `put` stores contents and gives their digest; None only looks; `has` spares what is stored. `siblings` are
    folders of other code under development. `is_output` says of an untracked file that an earlier run wrote it: an
    output is no code.

    Raises CaptureError where a cap is exceeded or git fails; then nothing has been stored.
    """
    exclude = tuple(folder.absolute() for folder in exclude)
    for _ in range(LOOKS):
        known = redactor.learned if redactor else 0
        basket = Basket(limits=limits or Limits(), redactor=redactor)
        code = _tree(root.absolute(), basket, exclude, is_output=is_output or _nothing)
        others = sibling_names(siblings).items()
        code["siblings"] = {name: _tree(path.absolute(), basket, exclude) for name, path in others}
        # A secret that was found in the last file may stand bare in the first.
        if redactor is None or not redactor.overlooked(basket.contents.values(), known):
            break
    basket.check(_sizes(code))
    if put is not None:
        basket.store(put, has=has)
    return code


def sibling_names(siblings: tuple[Path, ...]) -> dict[str, Path]:
    """The names siblings are recorded by: the project's own, else the folder's; with its parent's where two share it.

    A checkout that is moved or cloned again under another name is the same project, and no other code.
    """
    names = {path: _project_name(path) or path.name for path in siblings}
    count = Counter(names.values())
    return {legible("/".join(path.parts[-2:]) if count[name] > 1 else name): path for path, name in names.items()}


def _project_name(folder: Path) -> str | None:
    """`project.name` of a folder's pyproject.toml; None where it has none or it cannot be read."""
    from runaudit.system.tomlfile import parse_toml

    place = folder / "pyproject.toml"
    try:
        name = parse_toml(read_ordinary(place), where=str(place))["project"]["name"]
    except (OSError, RecordError, KeyError, TypeError):
        return None
    return name if isinstance(name, str) and name else None


def _nothing(_: str) -> bool:
    return False


def _tree(
    root: Path,
    basket: Basket,
    exclude: tuple[Path, ...],
    depth: int = 0,
    is_output: Callable[[str], bool] = _nothing,
) -> dict[str, JSON]:
    if depth > MAX_DEPTH:
        raise CaptureError(f"{root} is a submodule within {MAX_DEPTH} others", remedy="untangle the submodules")
    top = work_tree(root)
    if top is None:
        return _folder(root, basket, exclude, is_output)
    git = Git(top)
    tracked, links = _tracked(git)
    files = {path: entry for path in tracked if (entry := basket.entry(top / path, path, tracked=True))}
    state = _state(git, exclude)
    nested = [path.rstrip("/") for path in state.untracked if path.endswith("/")]
    new = [path for path in state.untracked if not path.endswith("/") and not is_output(path)]
    files |= {path: entry for path in new if (entry := basket.entry(top / path, path, tracked=False))}
    inner = _submodules(top, links, nested, basket, exclude, depth)
    return {
        "vcs": "git",
        "commit": state.commit,
        "branch": state.branch,
        "remote": basket.redactor.text(state.remote) if basket.redactor and state.remote else state.remote,
        "dirty": bool(state.changed or state.filtered or new or nested)
        or any(module["dirty"] or module.get("moved") for module in inner.values()),
        "patch": _patch(git, state, basket) if state.changed else None,
        "files": {legible(path): files[path] for path in sorted(files)},
        "untracked": sorted(legible(path) for path in new),
        "submodules": inner,
        # Their content stands in `files`; what is not known is whether the commit holds the same.
        **({"filtered": [legible(path) for path in state.filtered]} if state.filtered else {}),
    }


def _tracked(git: Git) -> tuple[list[str], dict[str, str]]:
    """The paths of the index, and its submodules with the commit each is pinned to."""
    files: list[str] = []
    links: dict[str, str] = {}
    for line in filter(None, os.fsdecode(git.run("ls-files", "-s", "-z")).split("\0")):
        facts, _, path = line.partition("\t")
        mode, oid, _ = facts.split(" ")
        if mode == "160000":
            links[path] = oid
        else:
            files.append(path)
    return list(dict.fromkeys(files)), links


def _patch(git: Git, state: GitState, basket: Basket) -> JSON:
    """What was changed since the commit, binary files and modes included."""
    base = state.commit or os.fsdecode(git.run("hash-object", "-t", "tree", "--stdin")).strip()
    raw = git.run("diff", "--binary", "--full-index", "--no-ext-diff", "--no-textconv", "--no-renames", "--no-color",
                  "--src-prefix=a/", "--dst-prefix=b/", "--ignore-submodules=all", base, "--",
                  *_only(git, state), most=max(MAX_OUT, 2 * basket.limits.patch))  # fmt: skip
    if len(raw) > basket.limits.patch:
        raise CaptureError(
            f"the uncommitted changes in {git.top} are a patch of {len(raw) / 2**20:.1f} MiB, the cap is "
            f"{basket.limits.patch / 2**20:g} MiB: {', '.join(state.changed[:5])}",
            remedy="commit the large files, or set RUNAUDIT_MAX_PATCH_MIB",
        )
    if not raw:
        return None
    data, redacted = basket.redactor.patch(raw) if basket.redactor else (raw, False)
    found: dict[str, JSON] = {"digest": str(basket.keep(data)), "size": len(data)}
    return found | (redaction(raw, basket.redactor) if redacted and basket.redactor else {})


def _only(git: Git, state: GitState) -> tuple[str, ...]:
    """The paths of a patch, where git alone would take in every file under a filter, which it does not run."""
    return state.changed if git.config.filters else ()


def _submodules(
    top: Path, links: dict[str, str], nested: list[str], basket: Basket, exclude: tuple[Path, ...], depth: int
) -> dict[str, dict[str, JSON]]:
    """Each submodule with its own dirt. `moved` says that it stands on another commit than the index pins."""
    found: dict[str, dict[str, JSON]] = {}
    for path in sorted({*links, *nested}):
        pinned = links.get(path)
        if not (top / path / ".git").exists():
            # Not checked out: nothing of it can have been imported, the pin says all.
            found[legible(path)] = {"commit": pinned, "dirty": False, "patch": None, "files": {}, "untracked": []}
            continue
        module = _tree(top / path, basket, exclude, depth + 1)
        found[legible(path)] = module | {"pinned": pinned, "moved": pinned is not None and module["commit"] != pinned}
    return found


def _folder(
    root: Path, basket: Basket, exclude: tuple[Path, ...], is_output: Callable[[str], bool] = _nothing
) -> dict[str, JSON]:
    """A folder outside git: its source files are all there is, and they are all kept."""
    files: dict[str, JSON] = {}
    for path in folder_files(root, exclude=exclude):
        if basket.files > basket.limits.count:
            basket.check(_sizes({"files": files}))
        if not is_output(path) and (entry := basket.entry(root / path, path, tracked=False)):
            files[legible(path)] = entry
    return {"vcs": None, "commit": None, "branch": None, "remote": None, "dirty": False, "patch": None, "files": files,
            "untracked": [], "submodules": {}}  # fmt: skip


def _sizes(code: dict[str, JSON], prefix: str = "") -> Iterator[tuple[str, int]]:
    for path, entry in code["files"].items():
        if entry.get("stored", True):
            yield prefix + path, int(entry["size"])
    for group in ("submodules", "siblings"):
        for name, inner in code.get(group, {}).items():
            yield from _sizes(inner, f"{prefix}{name}/")
