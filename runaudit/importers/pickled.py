"""The attributes of one pickled object, read without building it: nothing is imported, called or trusted.

The Hugging Face Trainer keeps the arguments of a training in a pickle (`training_args.bin`), and whoever unpickles a
stranger's file runs what it says. But a pickle is a list of instructions, and of an object of plain attributes they
spell out every name and value. They are followed here on a stack of our own, on which a class is a name and a call is
what it was called with. One instruction that is not known ends it: then nothing is known.

Source: CPython, Lib/pickletools.py; PyTorch, torch/serialization.py (a zip with `data.pkl`, or, until 1.6, pickles in
a row).
"""

import io
import math
import pickletools
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runaudit.records.canonical import JSON

MAX_BYTES = 1 << 20
"""Of the file and of the pickle in it; real ones have some kilobytes."""
MAX_VALUES = 10_000
_MAX_DEPTH = 8
_MAX_WHOLE = 2**53
_MOST_PICKLES = 6
"""In a row, of old releases: a magic number, a version, the machine, the object."""
_FAULTS = (ValueError, TypeError, LookupError, AttributeError, OSError, EOFError, RuntimeError, NotImplementedError,
           OverflowError, RecursionError, zipfile.BadZipFile, zlib.error)  # fmt: skip
"""What a zip or a pickle of a stranger's may end in."""


def attributes_in(raw: bytes) -> dict[str, JSON] | None:
    """The attributes of the object that `torch.save` or `pickle` wrote; None where they cannot be told so."""
    try:
        for root in _roots(raw):
            if isinstance(root, _Object) and root.state:
                return _Plain().table(root.state)
    except _FAULTS:
        return None
    return None


def _roots(raw: bytes) -> Iterator[Any]:
    """What each pickle in a file comes to."""
    if len(raw) > MAX_BYTES:
        raise ValueError("too large")
    if not raw.startswith(b"PK"):
        file = io.BytesIO(raw)
        for _ in range(_MOST_PICKLES):
            yield _root(file)
        return
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        (name,) = (one for one in archive.namelist() if one.rpartition("/")[2] == "data.pkl")
        with archive.open(name) as member:
            pickled = member.read(MAX_BYTES + 1)  # What the zip says of its size may be a lie.
    if len(pickled) > MAX_BYTES:
        raise ValueError("too large")
    yield _root(io.BytesIO(pickled))


# ── the instructions ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True, eq=False)
class _Object:
    """What a pickle would build: the name of its class, what that is called with, and the attributes set on it."""

    name: str
    args: Any = None
    state: dict[str, Any] = field(default_factory=dict)


class _Stack:
    """The stack on which a pickle works."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def since_mark(self) -> list[Any]:
        """What was put on since the last mark, taken off."""
        mark = self.marks.pop()
        found = self.values[mark:]
        del self.values[mark:]
        return found

    def last(self, count: int) -> tuple[Any, ...]:
        """The last values, taken off."""
        found = tuple(self.values[len(self.values) - count :])
        if len(found) != count:
            raise ValueError("nothing left on the stack")
        del self.values[len(self.values) - count :]
        return found


def _root(file: io.BytesIO) -> Any:
    stack = _Stack()
    for code, argument, _ in pickletools.genops(file):
        if code.name == "STOP":
            return stack.values.pop()
        if code.name in _CONSTANTS:
            stack.values.append(_CONSTANTS[code.name]())
        elif code.name in _WRITTEN:
            stack.values.append(argument)
        else:
            _DONE[code.name](stack, argument)
    raise ValueError("it has no end")


_CONSTANTS: Mapping[str, Callable[[], Any]] = {
    "NONE": lambda: None, "NEWTRUE": lambda: True, "NEWFALSE": lambda: False, "EMPTY_TUPLE": tuple, "EMPTY_LIST": list,
    "EMPTY_DICT": dict, "EMPTY_SET": list,
}  # fmt: skip
_WRITTEN = frozenset({
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "UNICODE", "BINUNICODE",
    "SHORT_BINUNICODE", "BINUNICODE8", "STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES",
})  # fmt: skip
"""Instructions that bring their value with them."""


def _put(stack: _Stack, at: Any) -> None:
    stack.memo[len(stack.memo) if at is None else at] = stack.values[-1]


def _get(stack: _Stack, at: Any) -> None:
    stack.values.append(stack.memo[at])


def _mark(stack: _Stack, _: Any) -> None:
    stack.marks.append(len(stack.values))


def _tuple(stack: _Stack, _: Any) -> None:
    stack.values.append(tuple(stack.since_mark()))


def _list(stack: _Stack, _: Any) -> None:
    stack.values.append(stack.since_mark())


def _named(found: Sequence[Any]) -> dict[str, Any]:
    """Keys and values in turn as a table of names. To hash any other key could take for ever: a tuple may hold another
    twice, and that one the next."""
    return {key: value for key, value in zip(found[::2], found[1::2], strict=True) if isinstance(key, str)}


def _dict(stack: _Stack, _: Any) -> None:
    stack.values.append(_named(stack.since_mark()))


def _extend(stack: _Stack, _: Any) -> None:
    found = stack.since_mark()
    stack.values[-1].extend(found)


def _append(stack: _Stack, _: Any) -> None:
    (value,) = stack.last(1)
    stack.values[-1].append(value)


def _set_items(stack: _Stack, _: Any) -> None:
    found = stack.since_mark()
    if isinstance(stack.values[-1], dict):  # Of any other it is a call.
        stack.values[-1].update(_named(found))


def _set_item(stack: _Stack, _: Any) -> None:
    found = stack.last(2)
    if isinstance(stack.values[-1], dict):
        stack.values[-1].update(_named(found))


def _global(stack: _Stack, argument: Any) -> None:
    stack.values.append(_Object(str(argument).replace(" ", ".")))


def _stack_global(stack: _Stack, _: Any) -> None:
    module, name = stack.last(2)
    if not (isinstance(module, str) and isinstance(name, str)):
        raise ValueError("a class is named by two words")
    stack.values.append(_Object(f"{module}.{name}"))


def _call(stack: _Stack, _: Any) -> None:
    what, args = stack.last(2)
    stack.values.append(_Object(what.name, args))


def _call_with_names(stack: _Stack, _: Any) -> None:
    what, args, named = stack.last(3)
    stack.values.append(_Object(what.name, (*args, named)))


def _build(stack: _Stack, _: Any) -> None:
    (state,) = stack.last(1)
    for part in state if isinstance(state, tuple) else (state,):
        if isinstance(part, dict):
            stack.values[-1].state.update(part)


def _drop(stack: _Stack, _: Any) -> None:
    stack.last(1)


def _kept_elsewhere(stack: _Stack, _: Any) -> None:
    _drop(stack, None)
    stack.values.append(_Object("tensor"))


def _nothing(_stack: _Stack, _argument: Any) -> None:
    pass


_DONE: Mapping[str, Callable[[_Stack, Any], None]] = {
    "PROTO": _nothing, "FRAME": _nothing, "MARK": _mark, "POP": _drop,
    "PUT": _put, "BINPUT": _put, "LONG_BINPUT": _put, "MEMOIZE": _put, "GET": _get, "BINGET": _get, "LONG_BINGET": _get,
    "TUPLE": _tuple, "TUPLE1": lambda stack, _: stack.values.append(stack.last(1)),
    "TUPLE2": lambda stack, _: stack.values.append(stack.last(2)),
    "TUPLE3": lambda stack, _: stack.values.append(stack.last(3)),
    "LIST": _list, "FROZENSET": _list, "DICT": _dict, "APPEND": _append, "APPENDS": _extend, "ADDITEMS": _extend,
    "SETITEM": _set_item, "SETITEMS": _set_items, "GLOBAL": _global, "STACK_GLOBAL": _stack_global, "REDUCE": _call,
    "NEWOBJ": _call, "NEWOBJ_EX": _call_with_names, "BUILD": _build, "BINPERSID": _kept_elsewhere,
}  # fmt: skip


# ── what they come to ────────────────────────────────────────────────────────────────────────────────────────────


class _Plain:
    """Values as JSON has them. Their number is counted: a list may stand in itself, or a thousand times in another."""

    def __init__(self) -> None:
        self._left = MAX_VALUES

    def table(self, values: Mapping[str, Any], depth: int = 0) -> dict[str, JSON]:
        """A table of names; whatever has another key is left out."""
        return {key: self.of(value, depth + 1) for key, value in values.items()}

    def of(self, value: Any, depth: int) -> JSON:
        """One value. An object is its attributes, or what its class was called with: `Choice("a")` is "a"."""
        self._left -= 1
        if self._left < 0 or depth > _MAX_DEPTH:
            raise ValueError("too many values")
        if value is None or isinstance(value, bool | str):
            return value
        if isinstance(value, int):
            return value if abs(value) <= _MAX_WHOLE else str(value)
        if isinstance(value, float):
            return value if math.isfinite(value) else str(value)
        if isinstance(value, Mapping):
            return self.table(value, depth)
        if isinstance(value, list | tuple):
            return [self.of(item, depth + 1) for item in value]
        if isinstance(value, bytes):
            return value.decode("utf-8", "backslashreplace")
        if value.state:
            return self.table(value.state, depth)
        if isinstance(value.args, tuple) and len(value.args) == 1:
            return self.of(value.args[0], depth + 1)
        return f"<{value.name}>" if not value.args else {f"<{value.name}>": self.of(value.args, depth + 1)}
