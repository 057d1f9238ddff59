"""Where a tracker files a run, repeated as a setting: `--group lr0.2` beside `lr: 0.2`.

A group or a tag may say what was tried and no setting tells, so it is a factor. It is none where the tracker has the
same of that very run and the words differ by what other factors say: the group names the rate in both, each its own.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from runaudit.factors.evidence import called
from runaudit.factors.factor import Absent, Change, ChangeClass, Role
from runaudit.factors.levels import Levels
from runaudit.factors.pair import Pair
from runaudit.factors.path import last_key, steps
from runaudit.records.canonical import JSON
from runaudit.text.words import listed

_FILED = {"group": "group", "wandb_group": "group", "tags": "tags", "wandb_tags": "tags", "tag": "tags"}
_LEAST = 2
"""Characters of a level from which on it stands in other words by no chance."""


def says_what_another_does(found: Sequence[Change], pair: Pair) -> Sequence[Change]:
    """The leaves, those that only file a run by another factor told as following it."""
    others = [change for change in found if change.kind is ChangeClass.FACTOR and change.role is Role.TREATMENT
              and change.section == "config" and last_key(change.path).lower() not in _FILED]  # fmt: skip
    result = []
    for change in found:
        runs, values = (pair.a, pair.b), (change.before, change.after)
        if change.kind is ChangeClass.FACTOR and is_filed(change.path, values, runs):
            told = spoken_of(values, {other.path: (other.before, other.after) for other in others})
            if told:
                change = replace(change, kind=ChangeClass.DERIVED, follows=told[0], role=Role.TREATMENT,
                                 why=f"the tracker files the run so, by {listed(told)}")  # fmt: skip
        result.append(change)
    return result


def is_filed(path: str, values: Iterable[object], runs: Iterable[Levels]) -> bool:
    """Whether a leaf of the config says in each run what the tracker has of it as its group or its tags."""
    keys = [str(key).lower() for key in steps(path)[1:]]
    place = _FILED.get(keys[-1], "") if len(keys) in (1, 2) and keys[:-1] in ([], ["args"], ["wandb"]) else ""
    return bool(place) and all(not isinstance(value, Absent) and _text(value) == _text(called(of).get(place))
                               for value, of in zip(values, runs, strict=True))  # fmt: skip


def spoken_of(words: Sequence[object], others: Mapping[str, Sequence[object]]) -> tuple[str, ...]:
    """The leaves by which some words differ from run to run: those whose level each of them holds, where nothing else
    in the words differs. Empty where something does."""
    texts = [_text(said) for said in words]
    told: list[str] = []
    for path, levels in others.items():
        marked = [_marked(text, level, path) for text, level in zip(texts, levels, strict=True)]
        if all(new != old for new, old in zip(marked, texts, strict=True)):
            texts, told = marked, [*told, path]
    return tuple(told) if len(set(texts)) == 1 else ()


def _marked(said: str, level: object, path: str) -> str:
    """Words with the level of a leaf as its name."""
    if isinstance(level, bool) or not isinstance(level, str | int | float):
        return said
    text = f"{level:g}" if isinstance(level, float) else str(level)
    if len(text) < _LEAST:
        return said
    return re.sub(rf"(?<![0-9.]){re.escape(text)}(?![0-9]|\.\d)", lambda _: f"<{path}>", said)


def _text(value: object | JSON) -> str:
    parts = value if isinstance(value, list | tuple) else [value]
    return " ".join(map(str, parts))
