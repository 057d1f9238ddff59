"""One canonical form for everything that is sealed or compared, so that the digest and the diff can never disagree.

The form is RFC 8785 (JCS) as written by the `rfc8785` package: keys sorted by UTF-16 code units, shortest numbers
(`30.0` is `30`, `-0.0` is `0`), no insignificant space. Four things that training configs contain have no place in JCS
and are tagged first, injectively, so that `parse(canonical_bytes(x))` gives back what canonical equality sees:

* NaN and the infinities: `{"$float": "nan"}`. A config that holds NaN twice is equal to itself here.
* integers beyond ±(2**53 - 1): `{"$int": "18446744073709551615"}`. `torch.initial_seed()` exceeds the bound at once.
* keys that begin with `$`: doubled, so no user data can pose as a tag.
* tuples are lists; mappings are objects.

`True` is not `1`, `"1e-4"` is not `0.0001`, absent is not null: JSON keeps these apart and so do we.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import rfc8785

from runaudit.errors import CanonicalError, RecordError
from runaudit.text.words import kind_of

JSON = Any
"""A JSON tree: None, bool, int, float, str, list or tuple of JSON, mapping of str to JSON."""

MAPPINGS = (dict, MappingProxyType, Mapping)
"""What is a mapping, those first that most are: to ask of the abstract one takes ten times as long."""
FINITE = frozenset({str, int, bool, type(None)})
LEAF_CLASSES = FINITE | {float}
"""The classes of most leaves, which stand for themselves: to call a function for each is most of a tree's cost."""
LEAVES = (str, int, float, type(None))
"""Those and what is derived from them, for `isinstance`. Asked before MAPPINGS, which is slow: most values are none."""
MAX_INT = 2**53 - 1
MAX_DIGITS = 4000
"""Python reads and writes 4,300 digits of a whole number, as the work grows with their square."""
MAX_DEPTH = 200
"""Nesting beyond this is refused: no config is that deep, and every reader of the record would need the stack."""


def tagged(value: JSON, *, where: str = "value", depth: int = 0) -> JSON:
    """`value` in plain JSON types that RFC 8785 accepts. Raises CanonicalError naming the offending path."""
    if depth > MAX_DEPTH:
        raise CanonicalError(f"{where[:120]}… is nested deeper than {MAX_DEPTH} levels", remedy="flatten it")
    match value:
        case None | bool():
            return value
        case str():
            return _text(value, where)
        case int():
            return int(value) if abs(value) <= MAX_INT else {"$int": _digits(value, where)}
        case float():
            return float(value) if math.isfinite(value) else {"$float": str(float(value))}
        case Mapping():
            return {
                _key(key, where): tagged(item, where=f"{where}.{key}", depth=depth + 1) for key, item in value.items()
            }
        case list() | tuple():
            return [tagged(item, where=f"{where}[{i}]", depth=depth + 1) for i, item in enumerate(value)]
    raise CanonicalError(
        f"{where} is {kind_of(value)}, which has no canonical form",
        remedy="turn it into numbers, strings, lists and mappings before it is recorded",
    )


def _digits(value: int, where: str) -> str:
    # Python writes no more digits than it reads; each of them is at most 4 bits of the number.
    if value.bit_length() > 3 * MAX_DIGITS:
        raise CanonicalError(f"{where} is a number of thousands of digits", remedy="give it as text")
    return str(int(value))


def _text(text: str, where: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise CanonicalError(
            f"{where} holds a lone surrogate, which is not Unicode text",
            remedy="decode the bytes it came from",
        ) from error
    return text


def _key(key: object, where: str) -> str:
    if not isinstance(key, str):
        raise CanonicalError(
            f"{where} has the key {key!r}, which is not text",
            remedy="give every key of a mapping as a string",
        )
    return "$" + _text(key, where) if key.startswith("$") else _text(key, where)


def untagged(value: JSON) -> JSON:
    """The inverse of `tagged` on its image."""
    if isinstance(value, list):
        return [untagged(item) for item in value]
    if isinstance(value, dict):
        if len(value) == 1:
            ((key, item),) = value.items()
            if key == "$int" and isinstance(item, str):
                return int(item)
            if key == "$float" and isinstance(item, str):
                return float(item)
        return {key.removeprefix("$"): untagged(item) for key, item in value.items()}
    return value


def canonical_bytes(value: JSON) -> bytes:
    """RFC 8785 bytes of `value`. Raises CanonicalError for what cannot be sealed."""
    return rfc8785.dumps(tagged(value))


def canonical_members(table: Mapping[str, JSON]) -> dict[str, str]:
    """Each member of a table as it stands in canonical JSON, by its key. Most members are plain, and other tables had
    them as well: the designs of a store differ in few of their leaves."""
    return {
        key: _member(key, value.__class__.__name__, value) if value.__class__ in LEAF_CLASSES else _written(key, value)
        for key, value in table.items()
    }


def table_of_members(members: Mapping[str, str]) -> bytes:
    """`canonical_bytes` of the table whose `canonical_members` these are."""
    keys = "".join(members)
    # RFC 8785 sorts by UTF-16 code units, which ASCII is in the order of anyway.
    ordered = sorted(members) if keys.isascii() else sorted(members, key=lambda key: key.encode("utf-16-be"))
    return f"{{{','.join([members[key] for key in ordered])}}}".encode()


def canonical_table(table: Mapping[str, JSON]) -> bytes:
    """`canonical_bytes` of a mapping of many plain members."""
    return table_of_members(canonical_members(table))


@lru_cache(maxsize=16384)
def _member(key: str, _kind: str, value: JSON) -> str:
    return _written(key, value)


def _written(key: str, value: JSON) -> str:
    return canonical_bytes({key: value})[1:-1].decode()


def parse_strict(
    raw: bytes | str,
    *,
    where: str,
    parse_int: Callable[[str], JSON] = int,
    twice: Callable[[str], None] | None = None,
) -> JSON:
    """JSON as it is written: duplicate keys refused, NaN and Infinity as Python writes them allowed.

    `where` names the file in the error. twice: for a file that is not ours, in which a key that stands twice with one
    value is one; it is told each key that has several, which is left out. Raises RecordError.
    """

    def table(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
        return _no_duplicates(pairs, where) if twice is None else _once_each(pairs, twice)

    try:
        # Some editors begin a file with a mark of its encoding.
        text = raw.decode("utf-8-sig") if isinstance(raw, bytes) else raw
        return json.loads(text, object_pairs_hook=table, parse_int=parse_int)
    except UnicodeDecodeError as error:
        raise RecordError(f"{where} is not UTF-8 text", remedy="save it as UTF-8") from error
    except json.JSONDecodeError as error:
        raise RecordError(
            f"{where} is not JSON: {error.msg} at line {error.lineno} column {error.colno}",
            remedy="fix the file or leave it out",
        ) from error
    except ValueError as error:
        # Not of the syntax: Python turns digits into a number only so far, since the work grows with their square.
        raise RecordError(f"{where} holds a number of thousands of digits", remedy="give it as text") from error
    except RecursionError as error:
        raise RecordError(f"{where} is nested too deeply to be a record", remedy="leave it out") from error


def strict_scanner(where: str) -> Callable[[str, int], tuple[JSON, int]]:
    """A reader of what `canonical_bytes` sealed, tags unresolved, that reads the value at a place of a text and says
    where it ends. Raises RecordError for a key that stands twice, ValueError or StopIteration for what is not JSON."""
    read = json.JSONDecoder(object_pairs_hook=lambda pairs: _no_duplicates(pairs, where), parse_int=_sealed_number)
    # What `raw_decode` calls and words the faults of: a call less for each of a dozen values of ten thousand records.
    scan: Callable[[str, int], tuple[JSON, int]] = read.scan_once  # type: ignore[attr-defined]  # typeshed lacks it
    return scan


def _no_duplicates(pairs: list[tuple[str, JSON]], where: str) -> dict[str, JSON]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise RecordError(f"{where} has the key {twice!r} twice in one object", remedy="keep one of them")
    return result


def _once_each(pairs: list[tuple[str, JSON]], twice: Callable[[str], None]) -> dict[str, JSON]:
    result = dict(pairs)
    if len(result) != len(pairs):
        texts: dict[str, set[str]] = {}
        for key, value in pairs:
            texts.setdefault(key, set()).add(json.dumps(value, sort_keys=True))
        for key in [key for key, found in texts.items() if len(found) > 1]:
            twice(key)
            del result[key]
    return result


def parse_canonical(raw: bytes, *, where: str) -> JSON:
    """What `canonical_bytes` sealed, with tags resolved."""
    value = parse_strict(raw, where=where, parse_int=_sealed_number)
    # Every tag and every escaped key begins with `$`, so most records hold nothing to resolve.
    return untagged(value) if b'"$' in raw or b"\\u0024" in raw else value


def _sealed_number(digits: str) -> int | float:
    # Integers beyond the bound are tagged, so bare digits this long are a float: JCS writes 2.0**53 without a dot.
    if len(digits) < 16:
        return int(digits)
    return int(digits) if abs(int(digits)) <= MAX_INT else float(digits)


def canonical_equal(a: JSON, b: JSON) -> bool:
    """Equality as the digest sees it: `1.0` is `1`, a tuple is a list, `True` is not `1`, NaN is NaN."""
    return canonical_bytes(a) == canonical_bytes(b)


def frozen(value: JSON) -> JSON:
    """A read-only copy: mappings become mapping proxies, lists become tuples."""
    if isinstance(value, str | int | float) or value is None:
        return value  # Most values; whether one is some kind of mapping is a slow question.
    if isinstance(value, MAPPINGS):
        return MappingProxyType(
            {key: item if item.__class__ in LEAF_CLASSES else frozen(item) for key, item in value.items()}
        )
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return tuple(frozen(item) for item in value)
    return value


def thawed(value: JSON) -> JSON:
    """A plain, mutable copy for `json.dumps`."""
    if isinstance(value, Mapping):
        return {key: thawed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [thawed(item) for item in value]
    return value


def json_safe(value: JSON) -> JSON:
    """`value` for a JSON answer: NaN and the infinities become the strings `nan`, `inf`, `-inf`."""
    if value.__class__ in FINITE:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, MAPPINGS):
        return {str(key): item if item.__class__ in FINITE else json_safe(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [json_safe(item) for item in value]
    return value


def leaves(value: JSON) -> Iterator[JSON]:
    """Every scalar of a JSON tree."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from leaves(item)
    else:
        yield value
