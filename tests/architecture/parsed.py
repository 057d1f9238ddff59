"""Each file of the house, parsed once for all tests that ask about it: parsing it for each was most of their time."""

import ast
from functools import cache
from pathlib import Path


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Every node of a Python file, the file itself first."""
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
