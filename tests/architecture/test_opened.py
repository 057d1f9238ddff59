"""A file that somebody else made is opened by the one reader that waits for no pipe (`system/files.py`).

A path comes from a record, from the folder that a program wrote to, or from a package of the user's: behind any of them
may lie a pipe, which `open` waits for without end.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.parsed import nodes

HOUSE = Path(__file__).parents[2] / "runaudit"
ALLOWED = {
    "observe/hook.py": "stands alone in the command's process; it opens /proc and the key of its own store",
    "observe/hook_network.py": "/proc",
    "observe/sampler.py": "/proc",
    "store/catalogue.py": "/proc",
    "system/locks.py": "/proc",
    "launch/lost.py": "/proc",
    "launch/lastwords.py": "the file that standard error is",
    "report/assets.py": "what is installed with runaudit",
}
"""File -> what it opens by itself."""


def opened(path: Path) -> Iterator[int]:
    """The lines of a file on which something is opened to be read."""
    for node in nodes(path):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        modes = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and arg.value in ("r", "rb")]
        if name in ("read_bytes", "read_text") or (name == "open" and modes):
            yield node.lineno


def test_what_others_made_is_opened_by_the_reader_that_waits_for_no_pipe():
    found = {str(path.relative_to(HOUSE)): list(opened(path)) for path in sorted(HOUSE.rglob("*.py"))}

    assert {name: lines for name, lines in found.items() if lines and name not in ALLOWED} == {}
    assert sorted(ALLOWED) == sorted(name for name in ALLOWED if found[name]), "no longer opens anything: take it out"
