"""The images a run left to look at, read with care: from inside its folder only, checked against the sealed digest.

An image whose bytes are not those that were sealed is not shown; the page says so in its place.
"""

import os
import stat
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from runaudit.records.digest import digest_bytes
from runaudit.records.run import Run
from runaudit.text.terminal import printable
from runaudit.text.words import listed, plural

KINDS = {
    **{kind: kind for kind in ("lr", "bicubic", "sr", "hr", "error")},
    "low": "lr",
    "super_resolved": "sr",
    "truth": "hr",
}
"""What a file may be called -> what it shows."""
FIGURE = "figure"
"""Any other picture that a run kept: a confusion matrix, samples, a plot of its own."""
MAX_FIGURES = 8
"""Of a run, in the order of their names."""
OTHER_PICTURES = frozenset({".svg", ".svgz", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".pdf", ".eps"})
"""Endings of figures that are told and not shown: an SVG may hold a program, and the others are no PNG."""
NOT_SHOWN = "figures that are not shown"
MAX_BYTES = 4 << 20
"""A crop to look at is some 100 kB; four megabytes each is a page nobody can open."""
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One image of one test sequence: `png` bytes and size in pixels, or the reason why there is none. about: how it
    came about, where the program said so."""

    sequence: str
    kind: str
    digest: str
    png: bytes = b""
    width: int = 0
    height: int = 0
    problem: str = ""
    about: str = ""


def read_panels(run: Run, run_dir: Path) -> tuple[Panel, ...]:
    """Every `…/<sequence>/<kind>.png` or `…/<sequence>-<kind>.png` of kind `panel` that the run's outcome lists, and
    the first few of its other PNG images under their paths; the figures that are left out as one, with the reason."""
    return tuple(_panels(run, run_dir))


def _panels(run: Run, run_dir: Path) -> Iterator[Panel]:
    figures, beyond, others = 0, 0, list[str]()
    rows = run.outcome.artifacts if run.outcome else ()
    for artifact in sorted(rows, key=lambda row: str(row.get("path", ""))):
        path = PurePosixPath(str(artifact.get("path", "")))
        named = panel_name(path) if artifact.get("kind") == "panel" else None
        if named is None and path.suffix.lower() == ".png":
            figures += 1
            beyond += figures > MAX_FIGURES
            named = (str(path), FIGURE) if figures <= MAX_FIGURES else None
        elif named is None and path.suffix.lower() in OTHER_PICTURES:
            others.append(str(path))
        if named is not None:
            about = str(artifact.get("about", ""))
            yield replace(_panel(path, named, str(artifact.get("digest", "")), run_dir), about=about)
    if why := _left_out(others, beyond):
        yield Panel(sequence=NOT_SHOWN, kind=FIGURE, digest="", problem=why)


def _left_out(others: Sequence[str], beyond: int) -> str:
    """Which figures a page leaves out, and why, in a sentence part; empty where it has all."""
    parts = []
    if others:
        is_svg = any(name.lower().endswith((".svg", ".svgz")) for name in others)
        why = ", for an SVG may hold a program" if is_svg else ""
        parts.append(f"{printable(listed(others, 4))}: a page takes in PNG images alone{why}; keep one beside it")
    if beyond:
        parts.append(f"{plural(beyond, 'more PNG image')}: a page has the first {MAX_FIGURES} of a run")
    return "; ".join(parts)


def panel_name(path: PurePosixPath) -> tuple[str, str] | None:
    """(sequence, kind) from a panel's path, or None where it names neither."""
    if path.suffix != ".png":
        return None
    if path.stem in KINDS and len(path.parts) > 1:
        return path.parts[-2], KINDS[path.stem]
    sequence, dash, kind = path.stem.rpartition("-")
    return (sequence, KINDS[kind]) if dash and sequence and kind in KINDS else None


def _panel(path: PurePosixPath, named: tuple[str, str], digest: str, run_dir: Path) -> Panel:
    png, problem = _read(run_dir, path)
    if not problem and str(digest_bytes(png)) != digest:
        png, problem = b"", "the file does not match its sealed digest"
    problem = problem or _flaw(png)
    png = b"" if problem else png
    width, height = png_size(png) or (0, 0)
    return Panel(sequence=named[0], kind=named[1], digest=digest, png=png, width=width, height=height, problem=problem)


def _read(run_dir: Path, path: PurePosixPath) -> tuple[bytes, str]:
    """The bytes of a regular file inside the run's folder, or why not."""
    if path.is_absolute() or ".." in path.parts:
        return b"", "its path leads outside the run's folder"
    target = run_dir / path
    try:
        if not target.resolve().is_relative_to(run_dir.resolve()):
            return b"", "its path leads outside the run's folder"
        # Opened without following a link and without waiting on a pipe; then asked what it is.
        fd = os.open(target, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        return b"", "the file is missing" if isinstance(error, FileNotFoundError) else f"unreadable: {error.strerror}"
    with os.fdopen(fd, "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            return b"", "it is not a regular file"
        if facts.st_size > MAX_BYTES:
            return b"", f"it is larger than {MAX_BYTES >> 20} MB"
        return file.read(MAX_BYTES), ""


def _flaw(png: bytes) -> str:
    """Why a browser would show nothing, or half a picture; empty where the image is whole."""
    if not png:
        return "the file is empty"
    if png_size(png) is None:
        return "the file is not a PNG image"
    at = len(_PNG)
    while at + 12 <= len(png):
        length, kind = int.from_bytes(png[at : at + 4]), png[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(png):
            break
        if zlib.crc32(png[at + 4 : end - 4]) != int.from_bytes(png[end - 4 : end]):
            return "the image is damaged: a checksum in it does not hold"
        if kind == b"IEND":
            return ""
        at = end
    return "the image breaks off: it was not written to its end"


def png_size(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels from the PNG header, or None for something else."""
    if len(data) < 24 or not data.startswith(_PNG) or data[12:16] != b"IHDR":
        return None
    return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
