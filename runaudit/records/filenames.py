"""Names of files in a record: how one that is no text is written, and which can be put back into a folder.

A record is JSON, and a file's name is bytes. Bytes that are not UTF-8 are written `\\xff`; a backslash that a name has
of its own, and that would be read as such, is written `\\x5c`. So every name has one way of writing, and back.

A record may be a stranger's, and a folder is made by its names. They are judged all together, before one is written.
"""

import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

MAX_PART, MAX_PATH = 255, 4000
"""Bytes that a file system takes in one name, and in all names of a path together."""
_OWN_BACKSLASH = re.compile(r"\\(?=x(?:5c|[89a-f][0-9a-f]))")
_ESCAPED = re.compile(r"\\x(5c|[89a-f][0-9a-f])")
_BYTES = re.compile("[\udc80-\udcff]")
_UNSEEN = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
"""Characters that macOS leaves out of a name when it looks for it."""
_GIT = re.compile(r"\.git|git~[0-9]+")
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)")
"""What Windows opens a device for, in any folder and with any suffix."""


def legible(path: str) -> str:
    """A path as a record holds it. `path` is as Python gives it: bytes that are not UTF-8 are lone surrogates."""
    return _OWN_BACKSLASH.sub(r"\\x5c", path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def spelt_out(value: Any) -> Any:
    """A text, or all text of a tree of JSON, with each byte of a name that is not UTF-8 as it is written: `\\xe9`. Half
    of a character from elsewhere stays what it is, and no record takes it."""
    return _each_text(
        value, lambda text: text if text.isascii() else _BYTES.sub(lambda m: f"\\x{ord(m[0]) - 0xDC00:02x}", text)
    )


def whole(text: str) -> str:
    """Text that a record can hold. What Python could not read as UTF-8, as in a file's name, is a lone surrogate to it,
    and stands here as the escape of its byte: no name that a program tells may keep its run from being sealed."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        try:
            return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        except UnicodeEncodeError:  # Half of a pair of UTF-16, which is no byte.
            return text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text


def all_whole(value: Any) -> Any:
    """A tree of JSON of such text."""
    return _each_text(value, whole)


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    """A tree of JSON with all of its texts changed, its keys among them."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {change(key) if isinstance(key, str) else key: _each_text(item, change) for key, item in value.items()}
    return [_each_text(item, change) for item in value] if isinstance(value, list | tuple) else value


def on_disk(name: str) -> str:
    """The path that `legible` wrote as `name`, as Python takes it."""
    return _ESCAPED.sub(lambda m: "\\" if m[1] == "5c" else chr(0xDC00 + int(m[1], 16)), name)


def parts_fault(name: str) -> str | None:
    """Why a name of a record leads out of the folder that it belongs into, or into git's own; None where it stays."""
    path = on_disk(name)
    parts = PurePosixPath(path).parts
    if not parts or "\0" in path or path.endswith("/"):
        return "is no file's name, so it lies outside the tree"
    if path.startswith("/") or ".." in parts:
        return "lies outside the tree"
    if any(_is_gits(part) for part in parts):
        return "lies outside the tree, in git's own folder"
    try:
        long = [part for part in parts if len(os.fsencode(part)) > MAX_PART]
        if long or len(os.fsencode(path)) > MAX_PATH:
            return "is longer than a file system takes"
    except UnicodeEncodeError:
        return "is no name of a file"
    return None


def tree_fault(files: Mapping[str, bool]) -> tuple[str, str] | None:
    """The first file of a tree that cannot be put into a folder, and why; None where all can.

    files: name -> whether it is a symbolic link.
    """
    plain: dict[str, bool] = {}
    for name, is_link in files.items():
        if why := parts_fault(name):
            return name, why
        if (one := str(PurePosixPath(name))) in plain:
            return name, "is another file's name, too"
        plain[one] = is_link
    for name in files:
        for parent in PurePosixPath(name).parents:
            if str(parent) in plain:
                what = "a link that may lead outside the tree" if plain[str(parent)] else "a file"
                return name, f"lies below {str(parent)!r}, which is {what}"
    return None


def elsewhere_fault(files: Mapping[str, bool]) -> tuple[str, str] | None:
    """The first file whose name is another one on another system: harmless here, and what a stranger would try."""
    seen: dict[str, str] = {}
    for name in files:
        for part in on_disk(name).split("/"):
            if _DEVICE.fullmatch(part.partition(".")[0].rstrip(" ").lower()):
                return name, "is the name of a device on Windows"
            if part == ".":
                return name, "names a folder by a dot, so that one file has two names"
            if part != part.rstrip(". "):
                return name, "ends in a dot or a space, which Windows leaves out"
        if re.match(r"[A-Za-z]:|\\", name) or ".." in re.split(r"[/\\]", name):
            return name, "lies outside the tree on Windows"
        for whole in _with_folders(name):
            if seen.setdefault(folded(whole), whole) != whole:
                return name, f"differs from {seen[folded(whole)]!r} by case or accents alone"
    return None


def twins(files: Mapping[str, bool]) -> tuple[str, str] | None:
    """Two names that are one where the file system does not tell case or accents apart."""
    seen: dict[str, str] = {}
    for name in files:
        for whole in _with_folders(name):
            if (other := seen.setdefault(folded(whole), whole)) != whole:
                return other, whole
    return None


def folded(name: str) -> str:
    """A name as a file system reads it that does not tell case or accents apart."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def _with_folders(name: str) -> Iterator[str]:
    yield name
    yield from (str(parent) for parent in PurePosixPath(name).parents if str(parent) != ".")


def _is_gits(part: str) -> bool:
    """Whether some file system takes this name for `.git`."""
    plain = _UNSEEN.sub("", part).partition(":")[0].rstrip(". ").lower()
    return _GIT.fullmatch(plain) is not None
