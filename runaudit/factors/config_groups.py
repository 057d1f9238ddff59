"""One choice of a config group of Hydra's, and the leaves that came of it: `model=cnn` picks a file, not four settings.

Hydra records which option of each group a job took, and puts what lies in the option's file where the group has its
place. So the leaves there that changed with the option are one choice, as long as nobody typed one of them as well and
both ran the same commit: where that is not on record, the file may have been edited in between, and that is another. A
file may claim another place for itself, the whole config even; that stands in the file and in no record, and what
changed there is counted leaf by leaf.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from runaudit.factors.arguments import ROOT
from runaudit.factors.factor import Absent, Change, Role
from runaudit.factors.following import ARGUMENTS
from runaudit.factors.levels import Levels
from runaudit.factors.pair import Pair
from runaudit.factors.path import joined, matches, steps
from runaudit.records.run import Run

_TYPED = re.compile(r"[+~]{0,2}([\w./@-]+)(?:=.*)?", re.DOTALL)


def by_choice(factors: Sequence[Change], pair: Pair) -> dict[str, str]:
    """Leaf -> the group that it came of, where another option of it was taken."""
    chosen, commit = choices(pair), pair.a.at("code.commit")
    if not chosen or not isinstance(commit, str) or commit != pair.b.at("code.commit"):
        return {}
    by_hand = {key for side in (pair.a, pair.b) for key in _typed(side.run)}
    found: dict[str, str] = {}
    for place in sorted(chosen, key=lambda one: -len(steps(one))):
        leaves = [c.path for c in factors if c.role is Role.TREATMENT and c.path not in found
                  and not matches(c.path, ARGUMENTS) and matches(c.path, place)
                  and ".".join(map(str, steps(c.path)[1:])) not in by_hand]  # fmt: skip
        if leaves:
            words = [c.path for c in factors if _picks(c, place, chosen[place])]
            found |= dict.fromkeys((*leaves, *words), place)
    return found


def choices(pair: Pair) -> Mapping[str, tuple[str, str]]:
    """The place of each group of which the two runs took another option, with what each of them took."""
    a, b = (dict(_options(side)) for side in (pair.a, pair.b))
    return {place: (a[place], b[place]) for place in a if place in b and a[place] != b[place]}


def _options(of: Levels) -> Iterator[tuple[str, str]]:
    """The place of each group in the config, and the option that a run took of it; Hydra's own groups are none."""
    told = of.run.manifest.section("origin").get("choices")
    for group, option in (told if isinstance(told, Mapping) else {}).items():
        name, _, package = str(group).partition("@")
        keys = [key for key in (package or name.replace("/", ".")).split(".") if key]
        if isinstance(option, str) and keys and keys[0] != "hydra" and not keys[0].startswith("_"):
            path = "config"
            for key in keys:
                path = joined(path, key)
            yield path, option


def _typed(run: Run) -> Iterator[str]:
    """The settings that were typed, by their dotted names."""
    overrides = run.manifest.section("launch").get("overrides") or ()
    for word in (*map(str, overrides), *run.words):
        if match := _TYPED.fullmatch(word):
            yield match[1]


def _picks(change: Change, place: str, options: tuple[str, str]) -> bool:
    """Whether a word of the command line is what picked an option."""
    if not matches(change.path, f"{ROOT}.*"):
        return False
    keys = str(steps(change.path)[-1]).lstrip("+").partition("@")
    named = ".".join(["config", keys[2] or keys[0].replace("/", ".")])
    sides = zip((change.before, change.after), options, strict=True)
    return named == place and all(isinstance(word, Absent) or word == option for word, option in sides)
