"""Which files are code, and how each enters a record: by digest always, by content when a run could have read it.

The effective tree is what stood in the work tree, not what was committed: an untracked module that is imported changes
a result as much as a tracked one. There are stated caps. Beyond them a launch is refused and the files are named;
nothing is ever cut, because a cut tree restores into another program.
"""

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from runaudit.capture.redact import Redactor
from runaudit.errors import CaptureError, UsageError
from runaudit.records.canonical import JSON
from runaudit.records.digest import Digest, digest_bytes, digest_file
from runaudit.store.held import put_all
from runaudit.system.files import read_ordinary
from runaudit.text.typed import typed_word

Put = Callable[[bytes], Digest]

_MIB = 1 << 20
_IMPORTABLE = frozenset({".py", ".pyi", ".pyx", ".pxd", ".so", ".pyd"})
_CONFIG = frozenset(
    {
        ".toml", ".yaml", ".yml", ".json", ".cfg", ".ini", ".conf", ".gin", ".jsonnet", ".libsonnet", ".properties",
        ".sh", ".bash", ".zsh", ".fish", ".mk", ".cmake", ".proto", ".c", ".cc", ".cpp", ".cxx", ".h", ".hh",
        ".hpp", ".cu", ".cuh", ".cl", ".metal", ".glsl", ".rs", ".jl", ".lua", ".r", ".f90", ".ipynb", ".j2",
        ".jinja",
    }
)  # fmt: skip
_NAMES = frozenset({"Makefile", "Dockerfile", "CMakeLists.txt", "Pipfile", "Snakefile", "constraints.txt"})
_SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages", "dist-packages", ".git", ".hg", ".svn"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much code one launch may record, in bytes and files. Each has an environment variable, in MiB."""

    file: int = 8 * _MIB
    total: int = 256 * _MIB
    patch: int = 64 * _MIB
    count: int = 50_000
    text: int = _MIB
    """Tracked files that are no source (a README, a table) are kept by content up to here, by digest beyond."""

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Limits":
        """The caps with what RUNAUDIT_MAX_FILE_MIB, …_TOTAL_MIB, …_PATCH_MIB and …_FILES say."""
        given = {
            "file": _setting(environ, "RUNAUDIT_MAX_FILE_MIB", _MIB),
            "total": _setting(environ, "RUNAUDIT_MAX_TOTAL_MIB", _MIB),
            "patch": _setting(environ, "RUNAUDIT_MAX_PATCH_MIB", _MIB),
            "count": _setting(environ, "RUNAUDIT_MAX_FILES", 1),
        }
        return cls(**{name: value for name, value in given.items() if value is not None})


def _setting(environ: Mapping[str, str], name: str, unit: int) -> int | None:
    text = environ.get(name)
    if text is None:
        return None
    if not text.isdigit() or int(text) == 0:
        raise UsageError(
            f"{name}={text!r} is not a whole number above zero", remedy=f"set {name} to a number, or unset it"
        )
    return int(text) * unit


def is_source(path: str) -> bool:
    """Whether a program could import or read this file as code or configuration."""
    name = PurePosixPath(path)
    return (
        name.suffix.lower() in _IMPORTABLE
        or name.suffix.lower() in _CONFIG
        or name.name in _NAMES
        or (name.name.startswith("requirements") and name.suffix == ".txt")
    )


def is_installed(path: str) -> bool:
    """Whether a path lies in a virtual environment or package folder: `env.packages` speaks for those."""
    return not _SKIPPED.isdisjoint(PurePosixPath(path).parts)


@dataclass(slots=True, kw_only=True)
class Basket:
    """The files of one launch while they are gathered; nothing is stored before all of them fit."""

    limits: Limits
    redactor: Redactor | None = None
    contents: dict[Digest, bytes] = field(default_factory=dict)
    held: int = 0
    files: int = 0

    def entry(
        self, path: Path, name: str, *, tracked: bool, sealed: Mapping[str, JSON] | None = None
    ) -> dict[str, JSON] | None:
        """How `path` enters the record, or None where it is not there. `name` is what errors call it.

        `sealed`: an entry that a record holds already. A file that is still that one enters as it did: which secrets
        were known when it was read, and are replaced in what is kept of it, says nothing about the file.
        """
        try:
            facts = path.lstat()
        except OSError:
            return None
        if stat.S_ISLNK(facts.st_mode):
            extra: dict[str, JSON] = {"mode": "120000", **self._target(path, name)}
            return self._kept(os.fsencode(path.readlink()), extra, name, sealed)
        if not stat.S_ISREG(facts.st_mode):
            if tracked and not stat.S_ISDIR(facts.st_mode):
                # Git would open it to compare it, and wait for somebody who writes to it.
                raise CaptureError(f"{name} is a pipe, a socket or a device where git tracks a file",
                                   remedy=f"git checkout -- {typed_word(name)}")  # fmt: skip
            return None
        mode = {"mode": "100755"} if facts.st_mode & 0o100 else {}
        source = is_source(name) and path.suffix not in (".so", ".pyd")
        if source and facts.st_size > self.limits.file:
            raise _refusal(
                [(name, facts.st_size)], "one file", self.limits.file, "RUNAUDIT_MAX_FILE_MIB", tracked=tracked
            )
        if not source and facts.st_size > self.limits.text:
            return {"digest": str(digest_file(path)), "size": facts.st_size, "stored": False, **mode}
        data = read_ordinary(path)
        if not source and not _is_text(data):
            return {"digest": str(digest_bytes(data)), "size": len(data), "stored": False, **mode}
        return self._kept(data, mode, name, sealed)

    def _target(self, path: Path, name: str) -> dict[str, JSON]:
        """What a link to a source file leads to: the link's own text says where it lies, and not what it holds."""
        place = path.resolve()
        if not is_source(name) or not place.is_file():
            return {}
        entry = self.entry(place, name, tracked=False)
        return {} if entry is None else {"target": {"digest": entry["digest"], "size": entry["size"]}}

    def _kept(
        self, data: bytes, extra: dict[str, JSON], name: str, sealed: Mapping[str, JSON] | None
    ) -> dict[str, JSON]:
        if sealed is not None and is_content(data, sealed, self.redactor):
            return {key: sealed[key] for key in ("digest", "size", "redacted", "identity") if key in sealed} | extra
        clean, redacted = self.redactor.data(data, name) if self.redactor is not None else (data, False)
        entry: dict[str, JSON] = {"digest": str(self.keep(clean)), "size": len(clean), **extra}
        return entry | ({} if self.redactor is None or not redacted else redaction(data, self.redactor))

    def keep(self, data: bytes) -> Digest:
        """Put `data` aside, to be stored with the rest."""
        digest = digest_bytes(data)
        self.files += 1
        if digest not in self.contents:
            self.contents[digest] = data
            self.held += len(data)
        return digest

    def check(self, sizes: Iterable[tuple[str, int]]) -> None:
        """Raise CaptureError, with the largest files named, where all together are too much."""
        if self.held > self.limits.total:
            raise _refusal(sizes, "all code together", self.limits.total, "RUNAUDIT_MAX_TOTAL_MIB")
        if self.files > self.limits.count:
            raise CaptureError(
                f"{self.files} files would be recorded as code, the cap is {self.limits.count}: {_largest(sizes)}",
                remedy="ignore data in .gitignore, or set RUNAUDIT_MAX_FILES",
            )

    def store(self, put: Put, *, has: Callable[[Digest], bool] | None = None) -> None:
        """Store everything that was put aside."""
        put_all(put, [data for digest, data in self.contents.items() if has is None or not has(digest)])


def redaction(data: bytes, redactor: Redactor) -> dict[str, JSON]:
    """What an entry says besides where secrets were replaced in what is kept of `data`."""
    return {"redacted": True, "identity": redactor.identity(data)}


def is_content(data: bytes, entry: Mapping[str, JSON], redactor: Redactor | None) -> bool:
    """Whether a file's bytes are those that an entry was made of. The digest of an entry with secrets in it is that of
    what was kept; its identity, under the store's key, is the file's own."""
    if entry.get("identity") is not None:
        return redactor is not None and entry["identity"] == redactor.identity(data)
    return str(digest_bytes(data)) == entry.get("digest")


def _is_text(data: bytes) -> bool:
    if b"\0" in data:
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _refusal(
    sizes: Iterable[tuple[str, int]], what: str, cap: int, setting: str, *, tracked: bool = False
) -> CaptureError:
    return CaptureError(
        f"{what} may be {cap / _MIB:g} MiB of recorded code; too large: {_largest(sizes)}",
        remedy=f"{'move data out of the repository' if tracked else 'ignore data in .gitignore'}, or set {setting}",
    )


def _largest(sizes: Iterable[tuple[str, int]]) -> str:
    top = sorted(sizes, key=lambda pair: -pair[1])[:5]
    return ", ".join(f"{name} ({size / _MIB:.1f} MiB)" for name, size in top)


def folder_files(root: Path, *, exclude: tuple[Path, ...] = ()) -> Iterator[str]:
    """The source files of a folder that is no git work tree, as sorted posix paths. Links are not followed."""
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        folders[:] = sorted(
            name
            for name in folders
            if name not in _SKIPPED
            and not name.startswith(".")
            and not os.path.exists(here / name / "pyvenv.cfg")  # noqa: PTH110  (a folder may not be ours to look into)
            and here / name not in exclude
        )
        for name in sorted(names):
            path = (here / name).relative_to(root).as_posix()
            if is_source(path) and not name.startswith("."):
                yield path
