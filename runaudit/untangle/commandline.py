"""Two command lines as the choices in which they differ, so that one can be run with some choices of the other.

What a word sets is not read from a table of our own: a choice is put into A's command and the leaves of the command
line are read again (`factors.arguments`), so that a choice moves exactly the factors that `diff` names.
"""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from runaudit.capture.seeding import is_seed_name, places_of_seeds
from runaudit.factors.arguments import OVERRIDE, ROOT, arguments_of, is_option
from runaudit.factors.path import steps
from runaudit.factors.tree import differences

Words = tuple[str, ...]
Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Choice:
    """One option, override or word by its place; None on the side that has none. factors: what `diff` calls it."""

    key: Key
    a: Words | None
    b: Words | None
    factors: frozenset[str] = frozenset()


def pieces(argv: Sequence[str]) -> dict[Key, Words]:
    """The command line in order: an option with the words behind it, an override, a word by its place."""
    found: dict[Key, list[str]] = {}
    current: list[str] | None = None
    loose = 0
    for word in argv:
        override = OVERRIDE.fullmatch(word)
        if is_option(word) or override:
            name = override[1] + "=" if override and not is_option(word) else word.partition("=")[0]
            number = sum(key[0] == name for key in found)
            current = found.setdefault((name, number), [word])
            if override or "=" in word:
                current = None
        elif current is not None:
            current.append(word)
        else:
            loose += 1
            found[("", loose)] = [word]
    return {key: tuple(words) for key, words in found.items()}


def choices(a: Sequence[str], b: Sequence[str]) -> tuple[Choice, ...]:
    """Where two commands differ, with the factors that each difference moves."""
    left, right = pieces(a), pieces(b)
    found = []
    for key in (*left, *(key for key in right if key not in left)):
        if left.get(key) != right.get(key):
            one = Choice(key, left.get(key), right.get(key))
            moved = differences(arguments_of(a), arguments_of(applied(a, (one,))), ROOT)
            found.append(replace(one, factors=frozenset(path for path, *_ in moved)))
    return tuple(found)


def applied(a: Sequence[str], chosen: Sequence[Choice]) -> Words:
    """A's command with B's side of these choices."""
    parts = pieces(a)
    for one in chosen:
        if one.b is None:
            parts.pop(one.key, None)
        else:
            parts[one.key] = one.b
    return tuple(word for words in parts.values() for word in words)


def with_seed(argv: Sequence[str], seed: int, *, was: object = None) -> Words | None:
    """The command with this seed wherever it names one, or in the one bare word that is the declared seed `was`; None
    where no word is the seed."""
    found = list(argv)
    named = [(at, before) for at, before, _ in places_of_seeds(argv)]
    places = named or [(at, "") for at, word in enumerate(argv) if at and word.isdecimal() and word == str(was)]
    if not named and len(places) != 1:
        return None
    for at, before in places:
        found[at] = f"{before}{seed}"
    return tuple(found)


def redirected(argv: Sequence[str], written: Collection[str], *, cwd: Path, top: Path, to: Path) -> Words:
    """The command with the places that the run was seen to write to laid into the folder `to`, where they lie outside
    its tree or are named from the root: else the hybrids would write over what A left.

    written: absolute paths; cwd, top: where the run started, its tree.
    """
    found = []
    for number, word in enumerate(argv):
        head, equals, value = word.partition("=")
        text = value if equals else word
        place = Path(os.path.normpath(cwd / text))
        outside = bool(text) and len(place.parts) > 1 and (Path(text).is_absolute() or not place.is_relative_to(top))
        if number and outside and any(Path(path).is_relative_to(place) for path in written):
            text = str(to / str(number) / place.name)
            found.append(f"{head}={text}" if equals else text)
        else:
            found.append(word)
    return tuple(found)


def is_of_seed(choice: Choice, a: object, b: object) -> bool:
    """Whether a choice is that of the seed, which every run gets anew. a, b: the declared seeds."""
    if choice.key[0] == "" and (choice.a, choice.b) == ((str(a),), (str(b),)):
        return True
    return all(is_seed_name(str(steps(name)[-1])) for name in choice.factors) and bool(choice.factors)
