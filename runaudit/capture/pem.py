"""Private keys as OpenSSL and PGP write them, whole or cut off, in time that grows with the text alone.

A pattern that asks behind each beginning for an end reads the same 20,000 letters again for each: rows of beginnings
without one took seventeen seconds a megabyte. So the ends are looked for once.
"""

import re
from bisect import bisect_left
from collections.abc import Callable

_KIND = r"[A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
_BEGIN = re.compile(f"-----BEGIN {_KIND}")
_END = re.compile(f"(?=(-----END {_KIND}))")
"""Looked for at every place: the dashes behind one may be those before the next."""
_BODY = re.compile(r"(?:[\s+\\n\"',-]*[A-Za-z0-9+/=]{16,})+")
"""Of a key whose end is not there: all that looks like base64, in the quotes, or behind the signs, of each line."""
_OTHERS = re.compile("[<>]")
"""What stands in no key: text between two of them, on a page that shows some."""
SHORTEST, LONGEST = 64, 20_000
HINT = "PRIVATE KEY"
RULES = "\n".join((_BEGIN.pattern, _END.pattern, _BODY.pattern, _OTHERS.pattern, f"{SHORTEST} {LONGEST}"))
"""The patterns as one text."""


def keys_replaced(text: str, replacement: Callable[[str, bool], str]) -> str:
    """`text` with every private key replaced; whether it is one beyond doubt is told beside it."""
    ends = {found.start(): found.end(1) for found in _END.finditer(text)}
    starts, others = tuple(ends), tuple(found.start() for found in _OTHERS.finditer(text)) if ends else ()
    pieces: list[str] = []
    done = at = 0
    while begin := _BEGIN.search(text, at):
        body = begin.end()
        at = _end_of(starts, others, body)
        end = ends[at] if at >= 0 else match.end() if (match := _BODY.match(text, body)) else -1
        at = begin.start() + 1
        if end >= 0:
            is_alone = re.match(r"[A-Za-z0-9_-]", text[end : end + 1]) is None
            pieces += (text[done : begin.start()], replacement(text[begin.start() : end], is_alone))
            done = at = end
    return "".join((*pieces, text[done:]))


def _end_of(starts: tuple[int, ...], others: tuple[int, ...], body: int) -> int:
    """Where the end stands of the key whose letters begin at `body`, the nearest of `starts`; -1 where there is none
    that far, or one of `others` before it."""
    found = bisect_left(starts, body + SHORTEST)
    if found == len(starts) or starts[found] > body + LONGEST:
        return -1
    between = bisect_left(others, body)
    return -1 if between < len(others) and others[between] < starts[found] else starts[found]
