"""Tracked files under a git filter: what can be said of them when nobody runs the filter.

A filter (`filter=NAME` in the attributes) is a program that turns what lies in the work tree into what git stores. It
is not run, whoever configured it, so such a file can only be held against its stored form. Where the bytes are those
that git stores, it is as committed. Where git stores a pointer of Git LFS, that names the content by its digest, and
nothing need be run to hold the two together. In every other case it is not known whether the file is as committed: it
is named, and the tree does not count as clean. What the file holds is recorded by content all the same.

Pointer: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
"""

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from runaudit.records.digest import digest_file
from runaudit.system.git import Git

_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:(?P<oid>[0-9a-f]{64})\nsize (?P<size>\d+)\n"
)
_MOST = 1024
"""No pointer is longer, says its specification."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFile:
    """A tracked file that git calls changed. `stored`: the object of its stored form, where only the bytes in the work
    tree can differ from it; None where the index, the mode or the file's being there tells of a change by itself."""

    path: str
    stored: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The paths that were changed, and those of which that is not known."""

    changed: tuple[str, ...]
    unknown: tuple[str, ...] = ()


def compared(git: Git, changes: Sequence[ChangedFile]) -> Compared:
    """Tell changed files from those that only their filter makes look so. Raises GitError."""
    under = _under_a_filter(git, [one.path for one in changes if one.stored])
    unknown: set[str] = set()
    as_committed: set[str] = set()
    for one in changes:
        if one.path in under and one.stored:
            match _is_content(git, one):
                case None:
                    unknown.add(one.path)
                case True:
                    as_committed.add(one.path)
    return Compared(
        changed=tuple(one.path for one in changes if one.path not in unknown | as_committed),
        unknown=tuple(sorted(unknown)),
    )


def _under_a_filter(git: Git, paths: Iterable[str]) -> frozenset[str]:
    """Those of the paths whose attributes name a filter that a program stands behind."""
    asked = b"".join(os.fsencode(path) + b"\0" for path in paths)
    if not asked or not git.config.filters:
        return frozenset()
    fields = os.fsdecode(git.run("check-attr", "-z", "--stdin", "filter", stdin=asked)).split("\0")
    # A file under a filter that nobody configured is stored as it is.
    return frozenset(path for path, name in zip(fields[::3], fields[2::3], strict=False) if name in git.config.filters)


def _is_content(git: Git, one: ChangedFile) -> bool | None:
    """Whether a file is what the LFS pointer that git stores says; None where it stores something else."""
    assert one.stored is not None
    size = git.run("cat-file", "-s", one.stored, check=False).strip()
    if not size.isdigit() or int(size) > _MOST:
        return None
    pointer = _POINTER.fullmatch(git.run("cat-file", "blob", one.stored))
    if pointer is None:
        return None
    place = git.top / one.path
    try:
        return place.lstat().st_size == int(pointer["size"]) and digest_file(place).hex == pointer["oid"].decode()
    except OSError:
        return False
