"""A git directory of our own that stands for somebody else's: its objects and names, and nothing of its configuration.

A repository's configuration can name programs for nearly all that git does: filters, hooks, textconv, drivers, helpers,
remotes; a list of them to switch off is never whole (`-c` cannot even name the filter `a=b`), and each release of git
adds to it. So git is never asked in the repository itself but where nothing of that is read: a folder with links to the
objects, the refs and the index, and a configuration that we wrote, of the few settings that say how bytes lie on disk.
The user's and the machine's configuration give the same settings and no program either: git-lfs, called as the user's
own filter, takes commands from the repository it is called in.

In the repository itself two questions are asked that only read: where its directory lies, and what is configured.
"""

import contextlib
import os
import re
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from runaudit.errors import CaptureError
from runaudit.system.files import read_ordinary

KEPT = frozenset(
    {
        "core.repositoryformatversion", "extensions.objectformat", "extensions.refstorage",
        "core.autocrlf", "core.eol", "core.filemode", "core.symlinks", "core.ignorecase", "core.precomposeunicode",
        "core.protecthfs", "core.protectntfs", "core.trustctime", "core.checkstat", "core.bigfilethreshold",
        "core.sparsecheckout", "core.sparsecheckoutcone", "user.name", "user.email",
    }
)  # fmt: skip
"""The settings that git is given: how names and bytes lie on disk, and who writes a note."""
_USERS_OWN = frozenset({"core.excludesfile", "core.attributesfile"})
"""Paths of files: taken from the user and the machine alone, as a repository could name a pipe."""
_LINKED = ("objects", "refs", "packed-refs", "reftable", "shallow", "info/exclude", "info/attributes")
_OWN = ("index", "info/sparse-checkout")
"""What each work tree has for itself; the rest is shared by all of a repository."""
_DRIVER = re.compile(r"filter\.(?P<name>.+)\.(?:clean|process)", re.DOTALL)
_REMOTE = re.compile(r"remote\.(?P<name>.+)\.url", re.DOTALL)

Ask = Callable[..., bytes]
"""Git in the repository itself: words -> what it printed."""


class ShadowError(CaptureError):
    """A repository that cannot be stood for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One configured value: whose it is (system, global, local, worktree, command), its name and its text."""

    scope: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Configured:
    """All that is configured for a repository, in the order in which git reads it."""

    settings: tuple[Setting, ...]

    @property
    def remotes(self) -> dict[str, str]:
        """The first address of each remote."""
        found: dict[str, str] = {}
        for one in self.settings:
            if match := _REMOTE.fullmatch(one.name):
                found.setdefault(match["name"], one.value)
        return found

    @property
    def filters(self) -> frozenset[str]:
        """The names of filters that some program stands behind, whoever named it. None of them is ever run."""
        return frozenset(m["name"] for one in self.settings if one.value and (m := _DRIVER.fullmatch(one.name)))

    @property
    def kept(self) -> dict[str, str]:
        """The settings that say how names and bytes lie on disk: the last one holds, as in git."""
        found: dict[str, str] = {}
        for one in self.settings:
            if one.name in KEPT or (one.name in _USERS_OWN and one.scope in ("system", "global")):
                found[one.name] = one.value
        return found


def configured(raw: bytes) -> Configured:
    """What `git config --list -z --show-scope` printed."""
    fields = raw.split(b"\0")
    found = []
    for scope, item in zip(fields[::2], fields[1::2], strict=False):
        name, newline, value = os.fsdecode(item).partition("\n")
        # A name without a value is true.
        found.append(Setting(scope=os.fsdecode(scope), name=name, value=value if newline else "true"))
    return Configured(tuple(found))


class Shadow:
    """The folder. It is gone when this is: nobody need close it."""

    def __init__(self, own: Path, common: Path, settings: dict[str, str]) -> None:
        """own: the git directory of one work tree; common: what it shares with the other work trees."""
        try:
            self.folder = Path(tempfile.mkdtemp(prefix="runaudit-git-"))
            self._end = weakref.finalize(self, shutil.rmtree, self.folder, True)
            (self.folder / "info").mkdir()
            (self.folder / "config").write_text(_written(settings), encoding="utf-8", errors="surrogateescape")
            (self.folder / "HEAD").write_bytes(_head(own / "HEAD"))
            for name, place in _parts(own, common):
                (self.folder / name).symlink_to(place)
        except OSError as error:
            raise ShadowError(
                f"the repository at {own} cannot be looked at: {error.strerror or error}",
                remedy="check its permissions, and that the folder for temporary files can be written to",
            ) from error


def _parts(own: Path, common: Path) -> Iterator[tuple[str, Path]]:
    """Name in the shadow -> where it really lies. What is no file or folder (a pipe) is left out."""
    for home, names in ((common, _LINKED), (own, _OWN)):
        for name in names:
            if (home / name).is_file() or (home / name).is_dir():
                yield name, home / name
    with contextlib.suppress(OSError):
        yield from ((place.name, place) for place in own.glob("sharedindex.*") if place.is_file())


def _head(path: Path) -> bytes:
    """Which branch or commit is checked out. In an old repository HEAD is a link to the branch."""
    if path.is_symlink() and not path.readlink().is_absolute():
        return b"ref: " + os.fsencode(path.readlink()) + b"\n"
    return read_ordinary(path, most=4096)


def _written(settings: dict[str, str]) -> str:
    """A configuration file. A value is quoted, so that it can end neither its line nor its section."""
    lines = ["[core]\n\tbare = false\n"]
    for name, value in settings.items():
        section, _, key = name.partition(".")
        text = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
        lines.append(f'[{section}]\n\t{key} = "{text}"\n')
    return "".join(lines)
