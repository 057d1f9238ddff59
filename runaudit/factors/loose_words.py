"""Words behind an option that may be its values, or stand for themselves: `train.py --fast data.csv`.

How many words an option takes is in the program, and in no record of one run. Of several runs it may show: where an
option stands before another one, it has as many as stand between; where all of them end in the same words, these are
the ones that were typed alike. So what was typed in every run is held beside what was typed in every run, and of the
rest no word is left out: a flag that one run has more is one choice, not two.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from runaudit.factors.arguments import OVERRIDE, ROOT, SETTERS, is_option, plain_name, typed
from runaudit.factors.levels import Levels

POSITIONAL = "positional"


def with_settings(runs: Sequence[Levels]) -> tuple[Levels, ...]:
    """The runs without the options that only introduce what a word sets: `--set model.width=16` is one choice, told
    under `model.width`. Only where nothing is set so in one run and otherwise in another: what `--set lr=1` does,
    `lr=1`, `--lr 1` or `--param lr=1` may not do."""
    given = [_given(_argv(of)) for of in runs]
    pairs = {pair for introduced, _ in given for pair in introduced}
    otherwise = {name for _, others in given for name in others}
    options, keys = {option for option, _ in pairs}, {key for _, key in pairs}
    if not pairs or len(pairs) > len(keys) or (options | keys) & otherwise:
        return tuple(runs)
    return tuple(_without(of, options) for of in runs)


def _given(argv: Sequence[str]) -> tuple[set[tuple[str, str]], set[str]]:
    """What is set on a command line behind an option that introduces it, with that option, and every other name that is
    given a value or stands for itself."""
    introduced: set[tuple[str, str]] = set()
    others: set[str] = set()
    by = ""
    for at, word in enumerate(argv):
        setting = OVERRIDE.fullmatch(word)
        if is_option(word):
            option, equals, value = word.lstrip("-").partition("=")
            told = OVERRIDE.fullmatch(value if equals else argv[at + 1] if at + 1 < len(argv) else "")
            by = plain_name(option) if plain_name(option) in SETTERS and told is not None else ""
            if not by:
                others.add(plain_name(option))
            elif equals and told is not None:
                introduced.add((by, told[1]))
                by = ""
        elif setting and by:
            introduced.add((by, setting[1]))
        elif setting:
            others.add(setting[1])
        else:
            by = ""
    return introduced, others


def _without(of: Levels, names: set[str]) -> Levels:
    """A run without these options where they have no value of their own."""
    table = of.tree.get(ROOT)
    if not isinstance(table, Mapping):
        return of
    bare = {name for name in names & table.keys() if _is_bare(table[name])}
    kept = {name: value for name, value in table.items() if name not in bare}
    return replace(of, tree={**of.tree, ROOT: kept}) if bare else of


def _is_bare(value: Any) -> bool:
    return value is True or (isinstance(value, list | tuple) and all(one is True for one in value))


@dataclass(frozen=True, slots=True)
class _End:
    """How a command line ends: its last option, the words behind it, and how many words each option before that has."""

    option: str | None
    words: tuple[str, ...]
    before: Mapping[str, int]


def with_loose_words(runs: Sequence[Levels]) -> tuple[Levels, ...]:
    """The runs, with the words in which all their command lines end told as words of their own."""
    ends = [_end(_argv(of)) for of in runs]
    if len(runs) < 2 or any(end is None or not end.words for end in ends):
        return tuple(runs)
    known = [end for end in ends if end is not None]
    if len({(end.option, end.words) for end in known}) == 1:
        return tuple(runs)
    count = _shared(known)
    return tuple(_parted(of, end, count) for of, end in zip(runs, known, strict=True)) if count else tuple(runs)


def _argv(of: Levels) -> tuple[str, ...]:
    words = of.run.words
    if words or of.run.manifest.is_captured:
        return words
    given = of.run.manifest.section("launch").get("argv")
    return tuple(map(str, given[1:])) if isinstance(given, list | tuple) else ()


def _end(argv: Sequence[str]) -> _End | None:
    """The end of a command line; None of one that says itself where its options end."""
    if not argv or "--" in argv:
        return None
    places = [place for place, word in enumerate(argv) if is_option(word)]
    if not places:
        return _End(None, tuple(argv), {})
    spans = {argv[place]: after - place - 1 for place, after in pairwise(places)}
    last = argv[places[-1]]
    return _End(None if "=" in last else last, tuple(argv[places[-1] + 1 :]), spans)


def _shared(ends: Sequence[_End]) -> int:
    """How many of the words that all the command lines end in are known to be no values of an option."""
    count = 0
    while all(len(end.words) > count and end.words[-1 - count] == ends[0].words[-1 - count] for end in ends):
        count += 1
    if len({end.option for end in ends}) == 1:
        return min(count, *(len(end.words) - 1 for end in ends))  # The first of them is what the option was set to.
    spans = {option: words for end in ends for option, words in end.before.items()}
    loose = [len(end.words) - (0 if end.option is None else spans[end.option])
             for end in ends if end.option is None or end.option in spans]  # fmt: skip
    takes = [len(end.words) - spans.get(end.option or "", 0) for end in ends]
    return max(0, min(count, max(loose, default=0), *takes))


def _parted(of: Levels, end: _End, count: int) -> Levels:
    """A run with so many words at its end told by their places."""
    if end.option is None:
        return of
    config = of.tree.get("config")
    table = of.tree[ROOT] if ROOT in of.tree else config.get("args") if isinstance(config, Mapping) else None
    mine, theirs = end.words[: len(end.words) - count], end.words[len(end.words) - count :]
    name = _name_in(table, end.option, [typed(word) for word in end.words])
    if not isinstance(table, Mapping) or name is None:
        return of
    left = [typed(word) for word in mine]
    places = dict(table.get(POSITIONAL) or {})
    places |= {str(len(places) + number): typed(word) for number, word in enumerate(theirs, start=1)}
    told = {**table, name: left[0] if len(left) == 1 else left or True, POSITIONAL: places}
    if ROOT in of.tree:
        return replace(of, tree={**of.tree, ROOT: told})
    return replace(of, tree={**of.tree, "config": {**of.tree["config"], "args": told}})


def _name_in(table: Any, option: str, words: Sequence[Any]) -> str | None:
    """What an option is called in the table of a run, where it has all these words for its values."""
    value = words[0] if len(words) == 1 else list(words)
    plain = option.lstrip("-").replace("-", "_")
    names = [name for name in (plain, plain.lower()) if isinstance(table, Mapping) and name in table]
    held = [
        name for name in names if table[name] == value or (isinstance(table[name], tuple) and [*table[name]] == value)
    ]
    return held[0] if held else None
