"""TOML read with bounds: a stranger's file must not take long, and ends in a line where it is more than a config.

Python's reader refuses a key that stands twice by itself. Its work on a dotted key grows with the square of the parts,
for each table anew, and its depth is that of Python's stack; so both are looked at before it reads.
"""

import re
import tomllib
from typing import Any

from runaudit.errors import RecordError

MAX_BYTES = 1 << 20
"""It reads about two million characters a second."""
MAX_PARTS = 50
_LONG_KEY = re.compile(r"""(?<![\w"'-])(?:[\w"'-]{1,200}[ \t]*\.[ \t]*){50}""")
"""The beginning of a key of more than MAX_PARTS parts."""


def parse_toml(raw: bytes, *, where: str) -> dict[str, Any]:
    """The table in `raw`. Raises RecordError for what is no TOML, or would take long to read."""
    if len(raw) > MAX_BYTES:
        raise RecordError(f"{where} is larger than {MAX_BYTES >> 20} MiB", remedy="keep data out of it")
    try:
        text = raw.decode("utf-8")
        if match := _LONG_KEY.search(text):
            line = text.count("\n", 0, match.start()) + 1
            raise RecordError(f"{where} line {line} has a key of more than {MAX_PARTS} parts", remedy="flatten it")
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecordError(f"{where} is not TOML: {error}", remedy="fix the file") from error
    except ValueError as error:
        raise RecordError(f"{where} holds a number of thousands of digits", remedy="give it as text") from error
    except RecursionError as error:
        raise RecordError(f"{where} is nested too deeply", remedy="flatten it") from error
