"""Small questions about a node of a program's syntax, which every reader of programs asks."""

import ast
import contextlib
from typing import Any


def last_word(node: ast.AST) -> str:
    """The last word of a dotted name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def dotted_name(node: ast.AST) -> str:
    """A name with what stands before its dots."""
    return f"{dotted_name(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else last_word(node)


def keyword_of(node: ast.Call, name: str) -> ast.expr | None:
    """What a call is given by this keyword."""
    return next((one.value for one in node.keywords if one.arg == name), None)


def constant_of(node: ast.AST | None) -> Any:
    """A literal number, word or list of such; None for what is none."""
    value: Any = None
    with contextlib.suppress(ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        value = ast.literal_eval(node) if isinstance(node, ast.expr) else None
    if value is None and isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        pair = constant_of(node.left), constant_of(node.right)
        value = pair[0] * pair[1] if all(isinstance(one, int | float) and abs(one) < 1e9 for one in pair) else None
    return value if isinstance(value, bool | int | float | str) else None


def is_false(node: ast.Call) -> bool:
    """Whether the first argument is False."""
    return bool(node.args) and isinstance(node.args[0], ast.Constant) and node.args[0].value is False


def is_off(node: ast.AST) -> bool:
    """Whether it is `autocast(…, enabled=False)`."""
    if not isinstance(node, ast.Call) or last_word(node.func) != "autocast":
        return False
    enabled = keyword_of(node, "enabled")
    return (isinstance(enabled, ast.Constant) and enabled.value is False) or is_false(node)


def is_surely_half(node: ast.Call) -> bool:
    """Whether an autocast is on, and in 16 bits: no setting decides either."""
    enabled, dtype = keyword_of(node, "enabled"), keyword_of(node, "dtype")
    is_on = enabled is None or (isinstance(enabled, ast.Constant) and enabled.value is True)
    # Of no type it is that of the device: 16 bits on each.
    return is_on and not is_false(node) and (dtype is None or is_half(dtype))


def is_half(node: ast.AST) -> bool:
    """Whether it says 16-bit floats: `torch.float16`, `x.half()`."""
    match node:
        case ast.Attribute(attr="float16" | "bfloat16", value=ast.Name(id="torch")):
            return True
        case ast.Call(func=ast.Attribute(attr="half"), args=[], keywords=[]):
            return True
    return False


def is_wide(node: ast.AST) -> bool:
    """Whether an expression casts to 32 bits or more."""
    for one in ast.walk(node):
        if isinstance(one, ast.Call) and last_word(one.func) in ("float", "double"):
            return True
        if isinstance(one, ast.Call) and last_word(one.func) in ("to", "type") and "float32" in ast.unparse(one):
            return True
    return False


def takes_statistics(function: ast.AST | None) -> bool:
    """Whether a function centres what it divides: it takes a mean over a dimension that it keeps."""
    calls = ast.walk(function) if isinstance(function, ast.FunctionDef) else ()
    return any(
        isinstance(one, ast.Call) and last_word(one.func) in ("mean", "var") and keyword_of(one, "keepdim") is not None
        for one in calls
    )


def default_of(name: str, function: ast.AST) -> Any:
    """The default of a parameter of the function."""
    given = function.args if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) else None
    if given is None:
        return None
    names, defaults = [one.arg for one in given.args], given.defaults
    pairs = dict(zip(reversed(names), reversed(defaults), strict=False))
    pairs |= {one.arg: value for one, value in zip(given.kwonlyargs, given.kw_defaults, strict=True) if value}
    return constant_of(pairs.get(name))
