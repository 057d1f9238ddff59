"""What stands under a tag of Python's, or of any program: the table, list or text that it is. No object is ever built.

PyYAML writes an object as all that its class needs to build it anew: `!!python/object:models.Config` over a table of
its attributes, `!!python/object/apply:models.Mode` over a list of arguments, `!!python/name:models.relu` over nothing.
So the tag says what it is, and the rest how it was set; both are kept, as plain data.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

CLASS, ARGUMENTS = "__class__", "args"
"""Where the class of a table stands in it, and what it was called with."""
_CORE, _PYTHON = "tag:yaml.org,2002:", "tag:yaml.org,2002:python/"
_TEXT, _TABLE, _LIST, _BYTES = (_CORE + kind for kind in ("str", "map", "seq", "binary"))
_PLAIN = {"none": "null", "bool": "bool", "int": "int", "long": "int", "float": "float", "str": "str",
          "unicode": "str", "complex": "str", "bytes": "str", "list": "seq", "tuple": "seq", "dict": "map"}  # fmt: skip
"""Python's own kinds, and what YAML calls them."""
_TABLES = ("argparse.Namespace", ".AttributeDict")
"""Ends of classes that are a table of names and nothing else."""


def without_tags(node: Any, text: Callable[..., Any], table: Callable[..., Any]) -> Any:
    """A document as PyYAML's nodes, with standard tags alone. `node` is changed, and is not to be used any more. text,
    table: PyYAML's nodes of these kinds."""
    return None if node is None else _Plain(text, table).of(node)


@dataclass(slots=True)
class _Plain:
    text: Callable[..., Any]
    table: Callable[..., Any]
    seen: dict[int, Any] = field(default_factory=dict)

    def of(self, node: Any) -> Any:
        """A node with all in it, without tags of its own."""
        if id(node) not in self.seen:  # What an alias names is one node in several places.
            for held in _inner(node):
                held[:] = [self.of(one) for one in held]
            if node.id == "mapping":
                node.value = [tuple(pair) for pair in node.value]
            self.seen[id(node)] = self._retagged(node)
        return self.seen[id(node)]

    def _retagged(self, node: Any) -> Any:
        tag = node.tag
        if tag == _BYTES and node.id == "scalar":
            node.tag, node.value = _TEXT, "".join(node.value.split())
        if tag.startswith(_CORE) and not tag.startswith(_PYTHON):
            return node
        kind, _, name = tag.removeprefix(_PYTHON).partition(":") if tag.startswith(_PYTHON) else ("", "", tag)
        if kind in _PLAIN and not name:
            node.tag = _CORE + _PLAIN[kind]
        elif node.id == "scalar":
            node.tag, node.value = _TEXT, f"{name or tag} {node.value}".strip()
        elif node.id == "mapping":
            node.tag = _TABLE
            if not name.endswith(_TABLES) and all(key.value != CLASS for key, _ in node.value):
                node.value = [(self._word(CLASS, node), self._word(name or tag, node)), *node.value]
        else:
            node.tag = _LIST
            pairs = [(self._word(CLASS, node), self._word(name or tag, node)), (self._word(ARGUMENTS, node), node)]
            return self.table(_TABLE, pairs, node.start_mark, node.end_mark)
        return node

    def _word(self, value: str, like: Any) -> Any:
        return self.text(_TEXT, value, like.start_mark, like.end_mark)


def _inner(node: Any) -> Iterator[list[Any]]:
    """The lists of nodes in a node: its pairs, or its items."""
    if node.id == "mapping":
        node.value = [list(pair) for pair in node.value]
        yield from node.value
    elif node.id == "sequence":
        yield node.value
