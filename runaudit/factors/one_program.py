"""One program that is started in two ways: `python -m pkg.train` is `python pkg/train.py`, where that is what ran.

Which file a module is depends on the search path of its process, so no name tells it. Where a fully observed run was
seen to open the file that its launch was resolved to, and another of the set ran that file by its path, both ran it.
What differs in how they find the rest (a script's folder stands first in its search path) shows in the files that they
opened. Wherever the file is not known so, the two ways stay a factor.
"""

from collections.abc import Sequence
from dataclasses import replace

from runaudit.factors.arguments import ROOT
from runaudit.factors.levels import Levels


def with_one_program(runs: Sequence[Levels]) -> Sequence[Levels]:
    """The runs, those that were started as a module with the word that another of them named the same file by."""
    words = {file: str(of.tree[ROOT]["script"]) for of in runs if "script" in _words(of) and (file := _entry(of))}
    return [_by_file(of, words) if "module" in _words(of) else of for of in runs] if words else runs


def _words(of: Levels) -> frozenset[str]:
    return frozenset(of.tree.get(ROOT, ()))


def _entry(of: Levels) -> str:
    """The file of the work tree that a run is known to have begun with; empty where that is not known."""
    script = of.run.manifest.section("launch").get("script")
    seen = of.observed is not None and of.observed.excuses("read") and isinstance(script, str)
    return str(script) if seen and of.observed is not None and of.observed.opened(str(script)) else ""


def _by_file(of: Levels, words: dict[str, str]) -> Levels:
    word = words.get(_entry(of))
    if word is None:
        return of
    args = {name: value for name, value in of.tree[ROOT].items() if name != "module"}
    return replace(of, tree={**of.tree, ROOT: {**args, "script": word}})
