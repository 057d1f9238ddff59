"""Secrets in another writing: base64, percent signs, UTF-16, the compressed blocks of a binary patch.

Whoever holds the text reads them with one more command. Two layers are taken off: a key in a JSON in base64, a
percent-encoded URL in base64.
"""

import base64
import binascii
import contextlib
import json
import re
import zlib
from collections.abc import Callable
from urllib.parse import quote, unquote

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_PERCENT = re.compile(r"(?<![^\s\"'<>`])[^\s\"'<>`]*%[0-9A-Fa-f]{2}[^\s\"'<>`]*")
_BLOCK = re.compile(rb"(?:literal|delta) \d+\n((?:[A-Za-z][!-~]+\n)+)")
LAYERS = 2
MAX_UNPACKED = 64 << 20
"""So much of a block of a patch is looked into: a bomb unpacks to more, a file that git tracks does not."""
MAX_RUN = 1 << 20
"""A run of base64 that is longer is a file of its own, and no secret in a text."""

Is = Callable[[str, int], bool]
"""Whether a decoded text, at this depth, holds a secret."""


def replaced(text: str, holds: Is, replacement: Callable[[str], str], depth: int) -> str:
    """`text` with every encoded run replaced that holds a secret once it is decoded."""
    if depth >= LAYERS:
        return text

    def put_base64(match: re.Match[str]) -> str:
        word = match[0]
        plain = _decoded(word) if len(word) <= MAX_RUN else None
        return replacement(word) if plain and holds(plain, depth + 1) else word

    def put_percent(match: re.Match[str]) -> str:
        plain = unquote(match[0], errors="surrogateescape")
        return replacement(match[0]) if plain != match[0] and holds(plain, depth + 1) else match[0]

    if "%" in text:
        text = _PERCENT.sub(put_percent, text)
    return _BASE64.sub(put_base64, text)


def _decoded(word: str) -> str | None:
    """The text that a word of base64 holds; None where it holds none. 15 random bytes are text once in 30,000."""
    # Names are of one case; a text in base64 hardly ever is.
    if word.islower() or word.isupper():
        return None
    body = word.rstrip("=")
    body = body.replace("-", "+").replace("_", "/")
    try:
        raw = base64.b64decode(body + "=" * (-len(body) % 4))
    except (binascii.Error, ValueError):
        return None
    if not raw.isascii() or b"\0" in raw:
        return None
    text = raw.decode("ascii")
    return (
        text if text.isprintable() or text.replace("\n", "").replace("\t", "").replace("\r", "").isprintable() else None
    )


def octets(text: str) -> bytes:
    """The bytes that a text stands for, whatever it is: a byte that was no UTF-8 is itself again, any other lone
    surrogate three bytes. No text is refused: a secret that cannot be replaced would be a run that is not sealed."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def writings(secret: str) -> tuple[str, ...]:
    """The ways in which a known secret may be written within a longer word: as it is, percent-encoded, as a string of
    code, in base64 at each of its three alignments. What is written twice over is found when it is decoded."""
    raw = octets(secret)
    found = [secret, quote(raw, safe=""), secret.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")]
    found += _alignments(raw)
    if not secret.isascii():
        found += _beyond_ascii(secret, raw)
    return tuple(dict.fromkeys(word for word in found if len(word) >= 8))


def _beyond_ascii(secret: str, raw: bytes) -> list[str]:
    """A secret with letters beyond ASCII as JSON, Python, a terminal, a name of a record and Latin-1 write it."""
    found = [json.dumps(secret)[1:-1], ascii(secret)[1:-1]]
    found += [raw.decode("utf-8", how) for how in ("backslashreplace", "replace", "surrogateescape")]
    with contextlib.suppress(UnicodeEncodeError):
        found.append(secret.encode("latin-1").decode("utf-8", "surrogateescape"))
    return [*found, secret.encode("ascii", "backslashreplace").decode()]


def _alignments(raw: bytes) -> list[str]:
    """The characters that base64 of a text with `raw` inside must hold, for each place where it can begin."""
    found = []
    for lead in range(3):
        code = base64.b64encode(b"\0" * lead + raw).decode().rstrip("=")
        start = -(-lead * 8 // 6)
        end = (lead + len(raw)) * 8 // 6
        found += [code[start:end], code[start:end].replace("+", "-").replace("/", "_")]
    return found


def wide(data: bytes) -> str | None:
    """The codec of a text of two bytes a character; None where `data` is none."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    half = data[:4096]
    if len(half) < 16 or b"\0" not in half:
        return None
    odd, even = half[1::2].count(0), half[::2].count(0)
    if odd >= 0.9 * (len(half) // 2) and not even:
        return "utf-16-le"
    return "utf-16-be" if even >= 0.9 * (len(half) // 2) and not odd else None


def decoded(data: bytes) -> tuple[str | None, str]:
    """The text of these bytes, and the wide codec that it was in; bytes that only look wide are read as UTF-8."""
    if codec := wide(data):
        with contextlib.suppress(UnicodeDecodeError):
            return codec, data.decode(codec, "surrogatepass")
    return None, data.decode("utf-8", "surrogateescape")


def unpacked(block: bytes) -> bytes:
    """What a binary block of a git patch holds, up to a cap; of a block that git would not take, nothing."""
    found = []
    for match in _BLOCK.finditer(block):
        try:
            raw = b"".join(_line(line) for line in match[1].splitlines())
            found.append(zlib.decompressobj().decompress(raw, MAX_UNPACKED))
        except (ValueError, zlib.error):
            continue
    return b"\n".join(found)


def _line(line: bytes) -> bytes:
    """One line of git's base85: its first letter counts its bytes."""
    size = line[0] - 64 if line[0] <= 90 else line[0] - 70
    return base64.b85decode(line[1:])[:size]
