"""Derived leaves: a declared rule, recomputed from the other leaves of the same run.

The language is arithmetic, comparison, `in` a written list, `and or not`, `a if c else b` and `floor ceil min max
round` over dotted paths, numbers and strings. The text is parsed, never evaluated as Python: nothing can be called,
imported or reached through an attribute, and no power can grow without bound.
"""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from runaudit.errors import ConfigError
from runaudit.factors.factor import Absent
from runaudit.factors.path import matches
from runaudit.factors.tree import same
from runaudit.records.canonical import JSON
from runaudit.settings import leads_back

Lookup = Callable[[str], JSON | Absent]

MAX_RULE_CHARS = 2000
MAX_POWER = 64
MAX_MAGNITUDE = 1e300
REMEDY = "rules are arithmetic, comparison and `a if c else b` over dotted paths, with floor ceil min max round"

_BINARY: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARE: Mapping[type, Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_CALLS: Mapping[str, Callable[..., Any]] = {
    "floor": math.floor,
    "ceil": math.ceil,
    "min": min,
    "max": max,
    "round": round,
}


class RuleBrokenError(Exception):
    """A rule that cannot be computed for this run: a leaf it needs is absent or is not a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCheck:
    """What a rule says of one leaf of one run: whether it holds, and if not, why."""

    holds: bool
    why: str


@lru_cache(maxsize=1024)
def parsed(rule: str, where: str) -> ast.expr:
    """The rule as a tree of permitted nodes. Raises ConfigError naming what is not permitted."""
    if len(rule) > MAX_RULE_CHARS:
        raise ConfigError(f"the rule of {where} is longer than {MAX_RULE_CHARS} characters", remedy=REMEDY)
    try:
        tree = ast.parse(rule.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ConfigError(f"the rule of {where} is not an expression: {rule!r}", remedy=REMEDY) from error
    try:
        _check(tree, where)
    except RecursionError as error:
        raise ConfigError(f"the rule of {where} is nested too deeply", remedy=REMEDY) from error
    return tree


def _check(node: ast.AST, where: str) -> None:
    match node:
        case ast.Constant(value=bool() | int() | float() | str() | None):
            return
        case ast.Name() | ast.Attribute() | ast.Subscript():
            _path(node, where)
            return
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _CALLS and args:
            inner: list[ast.AST] = list(args)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY or isinstance(op, ast.Pow):
            inner = [left, right]
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() | ast.Not(), operand=operand):
            inner = [operand]
        case ast.BoolOp(values=values):
            inner = list(values)
        case ast.Compare(left=left, ops=ops, comparators=rest) if all(
            type(op) in _COMPARE or isinstance(op, ast.Eq | ast.NotEq) for op in ops
        ):
            inner = [left, *rest]
        case ast.Compare(left=left, ops=[ast.In() | ast.NotIn()], comparators=[ast.Tuple() | ast.List() as among]):
            inner = [left, *among.elts]
        case ast.IfExp(test=test, body=body, orelse=orelse):
            inner = [test, body, orelse]
        case _:
            raise ConfigError(f"the rule of {where} uses {type(node).__name__}, which is not arithmetic", remedy=REMEDY)
    for child in inner:
        _check(child, where)


def _path(node: ast.AST, where: str) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attr):
            return f"{_path(value, where)}.{attr}"
        case ast.Subscript(value=value, slice=ast.Constant(value=str(key))):
            escaped = key.replace("\\", "\\\\").replace("'", "\\'")
            return f"{_path(value, where)}['{escaped}']"
        case ast.Subscript(value=value, slice=ast.Constant(value=int(index))):
            return f"{_path(value, where)}[{index}]"
        case ast.Subscript(value=value, slice=ast.Name(id=name)):
            return f"{_path(value, where)}[{name}]"
    raise ConfigError(f"the rule of {where} uses {type(node).__name__} in a path", remedy=REMEDY)


@lru_cache(maxsize=1024)
def references(rule: str, where: str) -> frozenset[str]:
    """The dotted paths a rule reads."""
    found: set[str] = set()
    waiting: list[ast.AST] = [parsed(rule, where)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
            found.add(_path(node, where))
        elif isinstance(node, ast.Call):
            waiting += node.args
        else:
            waiting += ast.iter_child_nodes(node)
    return frozenset(found)


def evaluate(node: ast.AST, at: Lookup) -> Any:
    """The value of a checked rule. Raises RuleBrokenError where it cannot be computed."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Call(func=ast.Name(id=name), args=args):
            return _arithmetic(_CALLS[name], *(evaluate(arg, at) for arg in args))
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _power(evaluate(left, at), evaluate(right, at))
        case ast.BinOp(left=left, op=op, right=right):
            return _arithmetic(_BINARY[type(op)], evaluate(left, at), evaluate(right, at))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not evaluate(operand, at)
        case ast.UnaryOp(op=op, operand=operand):
            sign = operator.neg if isinstance(op, ast.USub) else operator.pos
            return _arithmetic(sign, evaluate(operand, at))
        case ast.BoolOp(op=op, values=values):
            return _logic(values, isinstance(op, ast.Or), at)
        case ast.Compare(
            left=left, ops=[ast.In() | ast.NotIn() as op], comparators=[ast.Tuple() | ast.List() as among]
        ):
            value = evaluate(left, at)
            return any(same(value, evaluate(one, at)) for one in among.elts) is isinstance(op, ast.In)
        case ast.Compare(left=left, ops=ops, comparators=rest):
            return _compare(left, ops, rest, at)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return evaluate(body if evaluate(test, at) else orelse, at)
    return _level(_path(node, "rule"), at)


def _level(path: str, at: Lookup) -> JSON:
    value = at(path)
    if isinstance(value, Absent):
        raise RuleBrokenError(f"{path} is absent")
    return value


def _logic(values: list[ast.expr], stop: bool, at: Lookup) -> Any:
    """`and` and `or` as Python has them: the value that settles it, and nothing after it is looked at."""
    result: Any = None
    for node in values:
        result = evaluate(node, at)
        if bool(result) is stop:
            break
    return result


def _compare(left: ast.expr, ops: list[ast.cmpop], rest: list[ast.expr], at: Lookup) -> bool:
    a = evaluate(left, at)
    for op, node in zip(ops, rest, strict=True):
        b = evaluate(node, at)
        if isinstance(op, ast.Eq | ast.NotEq):
            holds = same(a, b) is isinstance(op, ast.Eq)
        else:
            holds = bool(_arithmetic(_COMPARE[type(op)], a, b))
        if not holds:
            return False
        a = b
    return True


def _arithmetic(function: Callable[..., Any], *values: Any) -> Any:
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise RuleBrokenError(f"{value!r} is not a number")
        if MAX_MAGNITUDE < abs(value) != math.inf:
            raise RuleBrokenError("a number grows beyond 1e300")
    try:
        return function(*values)
    except (ArithmeticError, ValueError, TypeError) as error:
        raise RuleBrokenError(str(error)) from error


def _power(base: Any, exponent: Any) -> Any:
    _arithmetic(operator.pos, exponent)
    if abs(exponent) > MAX_POWER:
        raise RuleBrokenError(f"the exponent {exponent} exceeds {MAX_POWER}")
    result = _arithmetic(operator.pow, base, exponent)
    if isinstance(result, complex):
        raise RuleBrokenError("a power is not a real number")
    return result


def check_rule(path: str, rule: str, value: JSON, at: Lookup) -> RuleCheck:
    """Whether `value` is what `rule` gives for this run."""
    try:
        expected = evaluate(parsed(rule, path), at)
    except RuleBrokenError as error:
        return RuleCheck(holds=False, why=f"its rule {rule!r} cannot be computed: {error}")
    if same(value, expected) or _close(value, expected):
        return RuleCheck(holds=True, why=rule)
    return RuleCheck(holds=False, why=f"breaks its rule {rule!r}: expected {expected!r}, found {value!r}")


def _close(value: JSON, expected: Any) -> bool:
    """Floats computed in another order differ in their last bits (0.1 * 3 is not 0.3); more than that is a breach."""
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (value, expected))
    return numbers and (isinstance(value, float) or isinstance(expected, float)) and math.isclose(
        value, expected, rel_tol=1e-12
    )  # fmt: skip


def in_a_circle(path: str, rules: Mapping[str, str]) -> bool:
    """Whether a rule leads back to its own leaf: such rules hold whatever the values are, and explain nothing."""
    return leads_back(
        path,
        lambda here: references(rules[here], here) if rules.get(here) else (),
        lambda read: read == path or matches(path, read),
    )
