"""Words of the command line, where several runs have one: which word is the seed, and which repeats the config.

Asked of all runs that are judged together, so that a word stands for the same thing in each of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from runaudit.factors.arguments import ROOT
from runaudit.factors.factor import ABSENT, Absent
from runaudit.factors.levels import Levels
from runaudit.factors.path import steps
from runaudit.factors.tree import leaves_of, same
from runaudit.factors.words import is_output, names_a_seed, repeated, set_by
from runaudit.records.canonical import JSON

NEGATES = "no_"


def with_words(runs: Sequence[Levels]) -> tuple[Levels, ...]:
    """The word that is the seed, and the words that repeat the config, in every run of the set alike."""
    if sum(ROOT in of.tree for of in runs) < 2:
        return tuple(runs)
    having = tuple(of for of in runs if ROOT in of.tree)
    words = [dict(leaves_of(of.tree[ROOT], ROOT)) for of in having]
    said = {path: [own.get(path, ABSENT) for own in words] for path in sorted({path for own in words for path in own})}
    some = {path: values for path, values in said.items() if any(isinstance(value, Absent) for value in values)}
    varying = {path: [value for value in values if not isinstance(value, Absent)] for path, values in said.items()
               if path not in some and any(not same(values[0], value) for value in values)}  # fmt: skip
    if not varying and not some:
        return tuple(runs)
    seed = _seed_word(varying, having)
    repeats = {
        path: leaf
        for path, values in varying.items()
        if path != seed and (leaf := repeated(path, values, having)) is not None
    }
    repeats |= {path: leaf for path, values in some.items() if (leaf := set_by(path, values, having)) is not None}
    return _with_outputs([replace(of, seed_word=seed, repeats=repeats) for of in runs], varying)


def with_negations(runs: Sequence[Levels]) -> tuple[Levels, ...]:
    """The runs, `--no-amp` of one of them told as `--amp` off where another has `--amp`: argparse, click and their kind
    make both of one option. An option that is called `no-…` in its own right has no such sibling, and stays itself."""
    tables = [_arguments(of) for of in runs]
    named = {name for own in tables for name in own if name.startswith(NEGATES) and name != NEGATES}
    pairs = {name for name in named if _are_one_option(name, tables)}
    if not pairs:
        return tuple(runs)
    return tuple(_told_as_off(of, own, pairs) if pairs & own.keys() else of
                 for of, own in zip(runs, tables, strict=True))  # fmt: skip


def _arguments(of: Levels) -> Mapping[str, Any]:
    """The options of a command line, recorded by us or by an importer."""
    config = of.tree.get("config")
    found = of.tree[ROOT] if ROOT in of.tree else config.get("args") if isinstance(config, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _are_one_option(negated: str, tables: Iterable[Mapping[str, Any]]) -> bool:
    plain, seen = negated.removeprefix(NEGATES), False
    for own in tables:
        if negated in own and (own[negated] is not True or plain in own):
            return False  # It takes a value, or stands beside the other: two options.
        if plain in own and not _is_switch(own[plain]):
            return False
        seen = seen or plain in own
    return seen


def _is_switch(value: Any) -> bool:
    return isinstance(value, bool) or (isinstance(value, str) and value.lower() in ("true", "false"))


def _told_as_off(of: Levels, own: Mapping[str, Any], pairs: Iterable[str]) -> Levels:
    table = {name: value for name, value in own.items() if name not in pairs}
    table |= {name.removeprefix(NEGATES): False for name in pairs if name in own}
    if ROOT in of.tree:
        return replace(of, tree={**of.tree, ROOT: table})
    return replace(of, tree={**of.tree, "config": {**of.tree["config"], "args": table}})


def _with_outputs(runs: Sequence[Levels], varying: Iterable[str]) -> tuple[Levels, ...]:
    """The runs, those that broke off with the words that are a place which all others only wrote to."""
    whole = [of for of in runs if not of.broke_off]
    if not whole or len(whole) == len(runs):
        return tuple(runs)
    outputs = frozenset(path for path in varying if all(is_output(path, of) for of in whole))
    return tuple(replace(of, scope=replace(of.scope, outputs=outputs)) if of.broke_off else of for of in runs)


def _seed_word(varying: Mapping[str, Sequence[JSON]], runs: Sequence[Levels]) -> str | None:
    """The one word that is the seed in every run: an option of that name, else a word without a name."""
    seeds = [of.at("seed") for of in runs]
    if any(isinstance(seed, Absent | bool) or seed is None for seed in seeds):
        return None
    hits = [p for p, values in varying.items() if all(same(v, s) for v, s in zip(values, seeds, strict=True))]
    named = [path for path in hits if names_a_seed(path)]
    loose = [path for path in hits if steps(path)[2:3] == ("positional",)]
    return next(iter(named or loose), None)
