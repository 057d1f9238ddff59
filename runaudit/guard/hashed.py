"""Where a source seeds a generator from `hash()`, which Python salts anew in every process."""

import ast
from collections.abc import Iterator


def hash_seeded_lines(raw: bytes) -> Iterator[int]:
    """Line numbers where something called or named `seed` is given a value that calls the built-in `hash`."""
    if b"hash(" not in raw or b"seed" not in raw:
        return
    try:
        tree = ast.parse(raw)
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        if _seeds(node) and any(_calls_hash(inner) for inner in ast.walk(node)):
            yield node.lineno  # type: ignore[attr-defined]


def _seeds(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Attribute(attr=name)) if "seed" in name.lower():
            return True
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.Assign(targets=[ast.Attribute(attr=name)]):
            return "seed" in name.lower()
    return False


def _calls_hash(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "hash"
