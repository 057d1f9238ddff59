"""The house keeps nothing that only its tests use: such code is read, mended and trusted, and does nothing."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.architecture.parsed import nodes

ROOT = Path(__file__).parents[2]
HOUSE = ("runaudit", "trainer")
USERS = (*HOUSE, "templates", "examples", "Makefile", "README.md", "pyproject.toml")
"""Where a name may be used from: the code, what is shown to users, and the commands that start it."""

ALLOWED = {
    "forward": "torch calls it",
    "writable": "io.RawIOBase has it; who writes into the file asks",
    "list_commands": "click calls it",
    "format_commands": "click calls it",
    "format_options": "click calls it",
    "collect_usage_pieces": "click calls it",
    "prove_seed": "the public face of a recording: a training loop of the user's calls it",
    "uninstall": "the other half of `observe()`: a notebook goes on after what was observed",
}
"""Name -> why it stays although nothing here calls it."""


def public_names(path: Path) -> Iterator[str]:
    """The public functions, classes and methods that a file defines."""
    hooks = {
        inner for node in nodes(path) if isinstance(node, ast.ClassDef) and is_a_host_s(node) for inner in node.body
    }
    for node in nodes(path):
        defines = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
        if defines and node not in hooks and not called_from_outside(node):
            yield node.name


def is_a_host_s(node: ast.ClassDef) -> bool:
    """Whether a framework calls the methods of a class, by the names that its own base has."""
    return any(
        isinstance(base, ast.Name) and base.id in ("Logger", "Callback", "TrainerCallback") for base in node.bases
    )


def called_from_outside(node: ast.FunctionDef | ast.ClassDef) -> bool:
    """Whether a decorator hands it to somebody who calls it: a command, a rule, a filter, a check of a model."""
    return any(
        isinstance(outer := decorator.func if isinstance(decorator, ast.Call) else decorator, ast.Attribute | ast.Name)
        and getattr(outer, "attr", getattr(outer, "id", "")) in ("command", "callback", "register", "rule", "validator")
        for decorator in node.decorator_list
    )


def uses() -> Iterator[str]:
    """Every name that is used: in code, in a table of names as text, in a template, in a command, in the README."""
    for name in USERS:
        place = ROOT / name
        for path in place.rglob("*") if place.is_dir() else [place]:
            if path.is_relative_to(ROOT / "examples" / "bench"):
                continue  # what is only measured is not used
            if path.suffix == ".py":
                yield from used_in(path)
            elif path.suffix in (".j2", ".html", ".md", ".toml", ".sh", "") and path.is_file():
                yield from re.findall(r"\w+", path.read_text(encoding="utf-8", errors="replace"))


def used_in(path: Path) -> Iterator[str]:
    """Names read, attributes asked for, quoted annotations and names in tables; comments and docstrings use nothing."""
    for node in nodes(path):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                yield name
            case ast.Constant(value=str(text)) if re.fullmatch(r"[\w.:]+", text):
                yield re.split(r"[.:]", text)[-1]
            case ast.Constant(value=str(text)) if "\n" not in text and re.fullmatch(r"[\w\[\]|,. ]+", text):
                yield from re.findall(r"\w+", text)  # an annotation in quotes


@cache
def unused() -> dict[str, str]:
    """Public names that nothing uses, with their file."""
    seen = set(uses())
    defined = [(name, path) for top in HOUSE for path in (ROOT / top).rglob("*.py") for name in public_names(path)]
    return {name: str(path.relative_to(ROOT)) for name, path in defined if name not in seen}


def test_everything_public_is_used_by_more_than_tests():
    assert {name: place for name, place in unused().items() if name not in ALLOWED} == {}


def test_no_allowance_is_left_over():
    assert set(ALLOWED) <= set(unused())
