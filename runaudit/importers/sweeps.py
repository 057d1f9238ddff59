"""The words by which Hydra starts many jobs: `-m seed=0,1,2 lr=range(1,4)`, of which each job took one value.

Every job of a sweep has the words of all of them in its record, so two sweeps over other seeds of one design look like
two command lines. What a job took is in its config: a word that offers the value which stands there repeats it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runaudit.importers.commandline import OVERRIDE, alike, as_number
from runaudit.records.canonical import JSON

_SWITCHES = frozenset({"-m", "--multirun"})
_MODE = "hydra.mode=MULTIRUN"
_CALL = re.compile(r"(choice|range|interval)\((.*)\)", re.DOTALL)
_MOST = 100_000
"""Values of one range beyond which it is not written out."""


def is_sweep(argv: Sequence[str]) -> bool:
    """Whether a command line starts a sweep of Hydra's. `-m` may be any program's, so it is Hydra's only where words
    set something and none that does not stands behind it."""
    sets = any(OVERRIDE.fullmatch(word) for word in argv)
    short = any(word == "-m" and _is_bare(argv[at + 1 : at + 2]) for at, word in enumerate(argv))
    return "--multirun" in argv or _MODE in argv or (sets and short)


def _is_bare(behind: Sequence[str]) -> bool:
    """Whether a switch has no value: what stands behind it sets something, or is an option, or there is nothing."""
    return not behind or behind[0].startswith("-") or OVERRIDE.fullmatch(behind[0]) is not None


def without_switch(argv: Sequence[str]) -> Sequence[str]:
    """The words of a sweep without the switch that starts it, which no job reads; those of any other as they are."""
    return [word for word in argv if word not in _SWITCHES] if is_sweep(argv) else argv


def is_offered(name: str, text: JSON, logged: Mapping[str, Any]) -> bool:
    """Whether a config has at the place of this name one of the values that a word of a sweep offers."""
    value: Any = logged
    for key in [name] if name in logged else name.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    if value is None or isinstance(value, Mapping) or not isinstance(text, str):
        return False
    call = _CALL.fullmatch(text.strip())
    if call and call[1] == "interval":
        ends = [as_number(part) for part in _parts(call[2])]
        return _is_between(value, ends)
    offers = _range(call[2]) if call and call[1] == "range" else map(_value, _parts(call[2] if call else text))
    return any(alike(offer, value) for offer in offers)


def _is_between(value: JSON, ends: Sequence[JSON]) -> bool:
    low, high = (one for one in ends) if len(ends) == 2 else (None, None)
    numbers = [one for one in (low, value, high) if isinstance(one, int | float) and not isinstance(one, bool)]
    return len(numbers) == 3 and numbers == sorted(numbers)


def _range(inner: str) -> Iterator[JSON]:
    """The numbers of `range(start, stop, step)`, the stop left out, as Hydra counts them."""
    named = dict(zip(("start", "stop", "step"), [part for part in _parts(inner) if "=" not in part], strict=False))
    named |= {key.strip(): text.strip() for key, equals, text in (p.partition("=") for p in _parts(inner)) if equals}
    if "stop" not in named:
        named = {**named, "start": "0", "stop": named.get("start", "")}
    start, stop, step = (
        as_number(named.get(key, other)) for key, other in (("start", "0"), ("stop", ""), ("step", "1"))
    )
    if not all(isinstance(one, int | float) for one in (start, stop, step)) or not step:
        return
    assert isinstance(start, int | float) and isinstance(stop, int | float) and isinstance(step, int | float)
    try:
        count = min(_MOST, max(0, (stop - start) / step))
    except OverflowError:  # Integers beyond all floats are no seeds and no rates.
        return
    for at in range(int(count) + 1):
        here = start + at * step
        if (here < stop) if step > 0 else (here > stop):
            yield here


def _value(text: str) -> JSON:
    """What one offer is: a number, a text without its quotes, a list."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    if text.startswith("[") and text.endswith("]"):
        return [_value(part) for part in _parts(text[1:-1])]
    return as_number(text)


def _parts(text: str) -> list[str]:
    """A text at its commas, but for those within brackets and quotes."""
    parts, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        if letter == "," and not depth and not quote:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]
