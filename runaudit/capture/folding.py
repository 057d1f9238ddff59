"""Thousands of files of one folder as one entry of a record: a tree with one digest.

What was read is what counts: a file that lies beside the others and was not opened is no part of the tree.
"""

import os
import posixpath
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from runaudit.capture.contents import Content
from runaudit.records.canonical import JSON
from runaudit.records.digest import Digest, FileEntry, digest_tree
from runaudit.records.filenames import legible

MANY = 500
"""So many files of one role in one folder are told as one."""
MANY_FOLDERS = 200
"""So many folders below one are told as that one: a class of images is a folder of its own."""
MAX_LISTED = 500_000

Row = dict[str, JSON]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file with its content, ready to become a row. `group`: what rows must share to be folded together."""

    path: str
    content: Content
    group: tuple[JSON, ...]
    row: Callable[[str, Content, int], Row]


def rows(found: Iterable[Found]) -> list[Row]:
    """One row a file; one a folder where there are many."""
    heaps: dict[tuple[str, tuple[JSON, ...]], list[Found]] = {}
    for one in found:
        heaps.setdefault((posixpath.dirname(one.path), one.group), []).append(one)
    result: list[Row] = []
    for (folder, _), members in _merged(heaps).items():
        if len(members) < MANY and all(posixpath.dirname(one.path) == folder for one in members):
            result += [one.row(one.path, one.content, 0) for one in members]
        else:
            result.append(members[0].row(f"{folder}/", tree(folder, members), len(members)))
    return sorted(result, key=lambda row: str(row["path"]))


def _merged(
    heaps: dict[tuple[str, tuple[JSON, ...]], list[Found]],
) -> dict[tuple[str, tuple[JSON, ...]], list[Found]]:
    """Folders of a folder that holds very many of them become one heap, from below upwards."""
    while True:
        parents: dict[tuple[str, tuple[JSON, ...]], list[str]] = {}
        for folder, group in heaps:
            parents.setdefault((posixpath.dirname(folder), group), []).append(folder)
        crowded = {
            key: inner for key, inner in parents.items() if len(inner) > MANY_FOLDERS and key[0] not in ("", "/")
        }
        if not crowded:
            return heaps
        for (parent, group), inner in crowded.items():
            whole = heaps.setdefault((parent, group), [])
            for folder in inner:
                whole += heaps.pop((folder, group))


def tree(folder: str, members: Iterable[Found]) -> Content:
    """The content of many files as one: the digest over path, size and content of each."""
    entries: list[FileEntry] = []
    for one in members:
        if one.content.digest is None:
            return Content(digest=None, reason=f"{posixpath.basename(one.path)}: {one.content.reason}")
        name = legible(one.path[len(folder) + 1 :])
        entries.append(FileEntry(path=name, size=one.content.size or 0, digest=Digest.parse(one.content.digest)))
    return Content(digest=str(digest_tree(entries)), size=sum(entry.size for entry in entries))


def files_of(folder: str) -> Iterator[str]:
    """The files that lie in a folder, of which so many were opened that they were not told one by one."""
    with os.scandir(folder) as entries:
        for number, entry in enumerate(entries):
            if number >= MAX_LISTED:
                raise OSError(7, "it holds too many files")
            if entry.is_file():
                yield str(Path(entry.path))
