"""Whether a text needs the gate at all. It costs a third of what a plain `list` may take, and most texts hold nothing
that it would look at twice.
"""

import re

_WORD = re.compile(r"[A-Za-z0-9_-]{20,}")
"""A word so long that, of both cases and with digits, it may be a secret."""
_LETTERS = bytes(97 if chr(byte).isalnum() or byte in b"_-" else 32 for byte in range(128)) + b" " * 128


def may_be_drawn(text: str) -> bool:
    """Whether a text may hold a secret: a long word of digits and both cases, an address, a bearer's mark. Most texts
    have no long word; to look for one in the bytes takes 3 ms a megabyte, to match them all took a hundred."""
    if "://" in text or "bearer " in text or "Bearer " in text:
        return True
    if b"a" * 20 not in text.encode("ascii", "replace").translate(_LETTERS):
        return False
    return any(word != word.lower() and any("0" <= char <= "9" for char in word) for word in _WORD.findall(text))
