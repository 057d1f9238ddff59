"""The one differ of source lines: the count in a row, the hunks of a function and the page all read what it says."""

import difflib
from collections.abc import Sequence


def changed_lines(before: Sequence[str], after: Sequence[str], *, context: int) -> list[str]:
    """The rows of a unified diff: `@@ …` before each stretch, and `+`, `-` or a space before each line."""
    return list(difflib.unified_diff(before, after, lineterm="", n=context))[2:]
