"""Which files and which docstrings a program may read: a document that no source file speaks of is only a document.

`README.md` is a program's input as soon as a program opens it. What opens files is code, and the record holds code; so
a file is excused by its name only where every source file is kept as text and none of them names it.
"""

import ast
import json
import re
import warnings
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

from runaudit.errors import RunauditError
from runaudit.factors import builtin as known
from runaudit.factors.levels import Levels
from runaudit.records.canonical import JSON
from runaudit.records.run import Run

MAX_PARSED_BYTES = 2 << 20
_LITERAL = re.compile(r"""['"]([^'"\n]{1,200})['"]""")
_WORD = re.compile(r"[^\s'\"=;,()]{1,200}")
_PATTERN = re.compile(r"[*{%]")
_SUFFIXES = frozenset({"md", "rst", "txt", "adoc", "cff", "bib", "toml", "cfg", "lock", "yml", "yaml", "in", "ini"})
_READS_DOCSTRINGS = re.compile(
    r"__doc__|func_doc|getdoc|getsource|getcomments|docopt|doctest|docstring|\bpydoc\b"
    r"|^\s*(?:import|from)\s+(?:click|typer|fire|argh|plac|clize|tyro|cyclopts|defopt|jsonargparse|simple_parsing|ply|sly|"
    r"dspy|instructor|langchain\w*|langgraph|smolagents|pydantic_ai|fastmcp|mcp|agents|cmd)\b",
    re.MULTILINE,
)
"""What in a source text reads docstrings, itself or by the library it hands its functions to."""
_PLAIN_DECORATORS = frozenset(
    {"staticmethod", "classmethod", "property", "setter", "abstractmethod", "cached_property", "dataclass", "wraps",
     "lru_cache", "cache", "no_grad", "inference_mode", "overload", "override", "contextmanager", "jit", "compile",
     "fixture", "final", "total_ordering", "singledispatch", "register_module"}
)  # fmt: skip
"""Decorators that never look at what they decorate is documented by."""


def why_unread(path: str, *sides: Levels) -> str:
    """Why a file cannot have changed a result in any of these runs; empty where the records do not show it."""
    kind, name = _kind_of(path)
    if not kind:
        return ""
    if kind == _DOCUMENT:
        why = "a document; no source file of the record speaks of it"
    elif kind == _INSTALLING:
        if not all(isinstance(of.at("env.packages"), Mapping) for of in sides):
            return ""
        why = "it installs or checks; what is installed is judged as the environment"
    else:
        if not all(_started_by_something_else(of, name) for of in sides):
            return ""
        why = "it installs or starts; the command line and the environment are judged by themselves"
    return "" if not sides or any(_speaks_of(of, name) for of in sides) else why


_DOCUMENT, _INSTALLING, _STARTING = "a document", "it installs", "it starts"


@lru_cache(maxsize=16384)
def _kind_of(path: str) -> tuple[str, str]:
    """What kind of file no program reads a path may be by its name, empty for all others; and that name. The designs of
    a store are of few trees."""
    name = path.rpartition("/")[2]
    if known.DOCUMENT.fullmatch(name) or known.TOP_DOCUMENT.fullmatch(path):
        return _DOCUMENT, name
    if known.INSTALLING.fullmatch(name):
        return _INSTALLING, name
    return (_STARTING if known.STARTING.fullmatch(name) else ""), name


def _started_by_something_else(of: Levels, name: str) -> bool:
    argv = of.run.manifest.section("launch").get("argv")
    if not isinstance(argv, list | tuple) or not argv or not isinstance(of.at("env.packages"), Mapping):
        return False
    return PurePosixPath(str(argv[0])).name not in ("make", "gmake", "just", "docker", "podman") and name not in argv


def _speaks_of(of: Levels, name: str) -> bool:
    """Whether a source file names a file, by itself or by a pattern; true where a text is not kept."""
    name = name.lower()
    suffix = PurePosixPath(name).suffix
    for spoken in _spoken(of):
        if spoken is None or name in spoken or (suffix and {suffix, suffix[1:]} & spoken):
            return True
        if any(_PATTERN.search(word) and word.endswith(suffix or "*") for word in spoken):
            return True
    return False


def _spoken(of: Levels) -> Iterator[frozenset[str] | None]:
    """The names of files in each source file of a run; None where its text is not kept."""
    for path, digest in (of.files or {}).items():
        if path.lower().endswith(known.PROGRAM_SUFFIXES):
            yield names_in(of.run, digest, path.endswith((".py", ".pyi", ".pyx")))


_NAMES: dict[tuple[str, bool], frozenset[str]] = {}
_READERS: dict[str, bool] = {}
MAX_REMEMBERED = 50_000
"""Runs of one project share most of their files: what was found in a text is kept by its digest."""


def names_in(run: Run, digest: str, quoted: bool) -> frozenset[str] | None:
    """The last parts of all paths that a text names: within quotes in Python, anywhere in a script."""
    if (digest, quoted) not in _NAMES:
        text = text_of(run, digest)
        if text is None:
            return None
        found = _LITERAL.findall(text) if quoted else _WORD.findall(text)
        _room(_NAMES)
        last = (word.rstrip("/").rpartition("/")[2].lower() for word in found)
        _NAMES[digest, quoted] = frozenset(name for name in last if _may_mean_a_document(name))
    return _NAMES[digest, quoted]


def _may_mean_a_document(name: str) -> bool:
    """Whether a name that a text holds is that of a document, its suffix, or a pattern that fits one."""
    if _PATTERN.search(name) or name.lstrip(".") in _SUFFIXES:
        return True
    return any(kind.fullmatch(name) for kind in (known.DOCUMENT, known.TOP_DOCUMENT, known.INSTALLING, known.STARTING))


def reads_docstrings(*sides: Levels) -> bool:
    """Whether a source file of these runs may read docstrings, or is not kept as text, so that it might."""
    for of in sides:
        for path, digest in (of.files or {}).items():
            if path.endswith((".py", ".pyi", ".ipynb")) and _reader(of.run, digest):
                return True
    return False


def _reader(run: Run, digest: str) -> bool:
    if digest not in _READERS:
        text = text_of(run, digest)
        if text is None:
            return True
        _room(_READERS)
        _READERS[digest] = _READS_DOCSTRINGS.search(text) is not None
    return _READERS[digest]


def cells(text: str) -> JSON | None:
    """What of a notebook is a program: its kernel, and the text and tags of its code cells; None where it is none."""
    try:
        book = json.loads(text)
        kernel = book.get("metadata", {}).get("kernelspec", {}).get("name")
        return [kernel, [_cell(cell) for cell in book["cells"] if cell["cell_type"] == "code"]]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _cell(cell: Mapping[str, Any]) -> JSON:
    source = cell["source"]
    text = source if isinstance(source, str) else "".join(source)
    return [shape(text) or text, cell.get("metadata", {}).get("tags")]


def _room(memory: dict) -> None:  # type: ignore[type-arg]
    if len(memory) >= MAX_REMEMBERED:
        memory.clear()


def text_of(run: Run, digest: str) -> str | None:
    """The content of a source file as text; None where it is not kept or is not text."""
    try:
        raw = run.blobs[digest]
    except (KeyError, RunauditError):
        return None
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


def strip_docstrings(tree: ast.AST) -> None:
    """Take out every docstring but those of what is handed to a decorator, which may read them."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not all(
            map(_is_plain, node.decorator_list)
        ):
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body[:1] = [] if len(node.body) > 1 or isinstance(node, ast.Module) else [ast.Pass()]


def _is_plain(decorator: ast.expr) -> bool:
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = target.attr if isinstance(target, ast.Attribute) else target.id if isinstance(target, ast.Name) else ""
    return name in _PLAIN_DECORATORS


def shape(text: str, *, docstrings: bool = True) -> str | None:
    """The syntax tree of a Python text without positions; None where it does not parse.

    It is parsed as the bytes of its file, so that a byte order mark and a declared encoding mean what Python takes them
    for.
    """
    if len(text) > MAX_PARSED_BYTES:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text.encode("utf-8"))
        if not docstrings:
            strip_docstrings(tree)
        return ast.dump(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
