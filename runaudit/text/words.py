"""How lists, counts and levels are said, once for terminal, Markdown and page."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

MAX_LEVEL = 60
"""Characters of a level; what is longer is cut."""
_COMMIT = re.compile(r"[0-9a-f]{40}")


def listed(words: Sequence[str], limit: int = 8) -> str:
    """`a`, `a and b`, `a, b and c`; beyond `limit` the rest is counted."""
    if len(words) > limit:
        return f"{', '.join(words[:limit])} and {len(words) - limit} more"
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


def head(words: Sequence[str], limit: int = 5) -> str:
    """The first of many, and how many more there are."""
    rest = f" and {len(words) - limit} more" if len(words) > limit else ""
    return ", ".join(words[:limit]) + rest


def closest(word: str, known: Iterable[str]) -> str:
    """The nearest of the names there are, in brackets behind the one that there is not; empty where none is near.
    Quoted: a label may hold commas, a line break, or what a terminal obeys."""
    import difflib  # only where something was mistyped

    near = difflib.get_close_matches(word, sorted(set(known)), n=3, cutoff=0.4)
    return f" (closest: {', '.join(map(quoted, near))})" if near else ""


def quoted(text: str) -> str:
    """A name as it stands in a message: whole, in quotes, with what is no letter to a terminal made visible."""
    return cut(repr(text))


def cut(text: str) -> str:
    """A text in few characters: nobody reads on in a message that echoes a page."""
    return text if len(text) <= MAX_LEVEL else text[: MAX_LEVEL - 1] + "…"


_KINDS = {type(None): "nothing", bool: "true or false", int: "a number", float: "a number", str: "a text",
          bytes: "bytes", list: "a list", tuple: "a list", dict: "a table", set: "a set"}  # fmt: skip


def kind_of(value: object) -> str:
    """What a value is, where something else was wanted, in words that need no Python: `a list`, `nothing`."""
    found = next((words for kind, words in _KINDS.items() if type(value) is kind), None)
    return found or f"an object of the type {type(value).__name__}"


IF_EQUAL = "; if equal, "
"""Between what is not in the records and what the rest shows: the first may be said once of several comparisons."""


def resting_on(source: str, assumed: str) -> str:
    """What a verdict on foreign records rests on: `on what W&B recorded, assuming data and eval`."""
    return f"on {source}{f', assuming {assumed}' if assumed else ''}"


def off_record(verdict: str, inputs: int) -> str:
    """What follows such a verdict in brackets while inputs are unknown: which verdict is strictly true, and why."""
    verb = "is" if inputs == 1 else "are"
    return f" ({verdict}: {plural(inputs, 'input')} {verb} not on record)" if inputs else ""


def beside_code(why: str, source: str, shown: str, inputs: int) -> str:
    """What foreign records show that do not say which code ran, and why not. inputs: how many others are not on record
    either."""
    others = f" ({plural(inputs, 'other input')} {'is' if inputs == 1 else 'are'} not on record)" if inputs else ""
    return f"{why}; of {source}, {shown}{others}"


def plural(count: int, noun: str, many: str = "") -> str:
    """`1 seed`, `3 seeds`, `2 copies`."""
    return f"{count} {noun if count == 1 else many or f'{noun}s'}"


def ended(text: str) -> str:
    """A text with a stop at its end, where it has none."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def in_order(names: Iterable[str]) -> list[str]:
    """Names in the order in which they stand, or by size where all begin with a whole number, as seeds do."""
    found = list(names)
    sizes = [re.match(r"-?[0-9]+(?![.\w])", name) for name in found]
    numbers = [int(size[0]) for size in sizes if size]
    if len(numbers) < len(found):
        return found
    return [found[at] for at in sorted(range(len(found)), key=numbers.__getitem__)]


def columns(rows: Sequence[Sequence[str]], *, left: int = 0) -> Iterator[str]:
    """Rows under each other: the first `left` columns set to the left, the figures behind them to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.ljust(w) if at < left else cell.rjust(w) for at, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def level(value: object, *, digits: int = 6) -> str:
    """A level in few characters: digests and commits are cut to what a person compares.

    A text is quoted where it could be read as something else. What is no JSON (absent, unknown) names itself.
    """
    return cut(_whole(value, digits))


def _whole(value: object, digits: int) -> str:
    """A level at any length."""
    if isinstance(value, str):
        text = value[:19] + "…" if value.startswith("sha256:") else value
        text = text[:12] + "…" if _COMMIT.fullmatch(text) else text
        is_plain = text.startswith("sha256:") or (text and " " not in text and not _looks_like_another_type(text))
        return text if is_plain else repr(text)
    return _compact(value, digits)


def both_levels(before: object, after: object) -> tuple[str, str]:
    """Two levels that differ, with as many digits as show it, 0.1 and 0.10000000149, and where they are long, with the
    place at which they part."""
    pairs = [(_whole(before, digits), _whole(after, digits)) for digits in (6, 10, 17)]
    texts = next((pair for pair in pairs if pair[0] != pair[1]), pairs[0])
    apart = (place for place, (left, right) in enumerate(zip(*texts, strict=False)) if left != right)
    place = next(apart, min(map(len, texts)))
    if place <= MAX_LEVEL - _BEFORE:
        return cut(texts[0]), cut(texts[1])
    start = min(place - _BEFORE, max(map(len, texts)) - MAX_LEVEL + _BEGINNING + 1)
    return _from(start, texts[0]), _from(start, texts[1])


_BEGINNING, _BEFORE = 12, 12
"""Characters of a long level that are shown of its beginning, and before the place at which it parts from the other."""


def _from(start: int, text: str) -> str:
    """The beginning of a text, and what stands from a place on, in few characters."""
    return text if len(text) <= MAX_LEVEL else cut(f"{text[:_BEGINNING]}…{text[start:]}")


def _compact(value: object, digits: int) -> str:
    if isinstance(value, Mapping):
        if value and all(str(key).startswith(_ITEM) for key in value):
            return "[" + ", ".join(_items(value, digits)) + "]"
        return "{" + ", ".join(f"{key}: {_compact(item, digits)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_compact(item, digits) for item in value) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        return f"{value:.{digits}g}" if math.isfinite(value) else str(value)
    if isinstance(value, int):
        return str(value)
    return _whole(value, digits) if isinstance(value, str) else repr(value)


_ITEM = "\0"
"""How the key of an item begins where a list of tables is compared as a table: a mark that nobody typed."""


def _items(table: Mapping[object, object], digits: int) -> Iterator[str]:
    """The tables of such a list in their order; named ones with their names."""
    order = table.get(_ITEM * 2)
    if isinstance(order, list | tuple):
        for name in order:
            inner = table.get(f"{_ITEM}{name}")
            yield _compact({"name": name, **(inner if isinstance(inner, Mapping) else {})}, digits)
        return
    for key in sorted(table, key=lambda key: (len(str(key)), str(key))):
        yield _compact(table[key], digits)


def _looks_like_another_type(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text.lower() in ("true", "false", "null", "none", "absent")
    return True
