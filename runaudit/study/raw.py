"""Every leaf of a section with its level in each run, as the records have it.

Runs of one project share most of what they record, so a section is walked once for each distinct content, not once a
run.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from runaudit.factors.arguments import ROOT
from runaudit.factors.factor import ABSENT, section_of
from runaudit.factors.gaps import is_left_open, one_sided_gap, unobserved, unwatched
from runaudit.factors.levels import PREFIXES, Levels
from runaudit.factors.path import steps
from runaudit.factors.tree import leaves_of
from runaudit.records.manifest import DESIGN_SECTIONS
from runaudit.study.leaf import UNKNOWN, Level, token


def raw_levels(runs: Sequence[Levels], section: str) -> Iterator[tuple[str, list[Level], bool]]:
    """Every leaf of a section with its raw level in each run, and whether two known ones differ."""
    keys = [_key(of, section) for of in runs]
    distinct = dict(zip(reversed(keys), reversed(runs), strict=True))
    contents = {key: _content(of, section) for key, of in distinct.items()}
    if any(content.leaves.get(section, ABSENT) is None for content in contents.values() if content):
        # Known to be none, against a section that is there: it came or went as one thing.
        contents = {key: content and _Content({section: distinct[key].at(section)}, frozenset({section}))
                    for key, content in contents.items()}  # fmt: skip
    _fold(contents, distinct)
    facts = frozenset[str]().union(*(of.scope.facts for of in runs))
    for path in sorted({path for content in contents.values() if content for path in content.leaves}):
        seen = {key: _level(path, content, distinct[key], facts) for key, content in contents.items()}
        differs = len({token(level) for level in seen.values() if level is not UNKNOWN}) > 1
        yield path, [seen[key] for key in keys], differs


def _key(of: Levels, section: str) -> str:
    """What a section holds, and whether what it does not hold is known not to have been used."""
    content = json.dumps(of.tree.get(section, "\0absent"), sort_keys=True, default=str)
    watched = [unwatched(path, of) for path in WATCHED.get(section, ())]
    facts = sorted(of.scope.facts) if section in WATCHED and not all(watched) else []
    root = PREFIXES.get(section, section).split(".")[0]
    left_open = [path for path in (*of.left_open, *sorted(of.scope.open_settings)) if section_of(path) == root]
    content = f"{content} {left_open}" if left_open else content
    return f"{content} {watched} {facts}" if facts or False in watched else content


WATCHED = {"env": ("env.packages", "env.variables"), "data/read": ("data",), "init/read": ("init",),
           "env/read": ("env.files",), "data": ("data",), "config": ("config",)}  # fmt: skip
"""Sections with the kinds of facts that only observation tells."""


@dataclass(frozen=True, slots=True)
class _Content:
    """One distinct content of a section: its leaves, and every path it has, tables included."""

    leaves: dict[str, Level]
    nodes: frozenset[str]


def _content(of: Levels, section: str) -> _Content | None:
    """None where the record lacks a whole section of the design: then every leaf of it is unknown."""
    if section not in of.tree or (section == "data" and of.tree[section] == {}):
        known = section in ("data", "config") and not unobserved(section, of)
        lacking = section in DESIGN_SECTIONS or section == ROOT
        return None if lacking and not known else _Content({}, frozenset())
    leaves: dict[str, Level] = dict(leaves_of(of.tree[section], PREFIXES.get(section, section)))
    return _Content(leaves, frozenset({*leaves, *(root for path in leaves for root in above(path))}))


def _level(path: str, content: _Content | None, of: Levels, facts: frozenset[str]) -> Level:
    if content is None:
        return UNKNOWN
    if path in content.leaves:
        return content.leaves[path]
    if path in facts:
        return UNKNOWN if unwatched(path, of) else ABSENT
    if is_left_open(path, of):
        return UNKNOWN
    if content.leaves.get("init.kind") == "random":
        return ABSENT
    lacking = next((root for root in (*above(path), path) if root not in content.nodes), path)
    return UNKNOWN if one_sided_gap(lacking, ABSENT, "") else ABSENT


@lru_cache(maxsize=65536)
def above(path: str) -> tuple[str, ...]:
    """The tables above a leaf within its section, the outermost first."""
    ends = [i for i, char in enumerate(path) if char in ".["]
    return tuple(path[:end] for end in ends[1:] if steps(path[:end]))


def _fold(contents: Mapping[str, _Content | None], distinct: Mapping[str, Levels]) -> None:
    """A table that some runs lack altogether is one leaf: it came or went as one thing, as a comparison has it."""
    present = [content for content in contents.values() if content is not None]
    tables = {root for content in present for path in content.leaves for root in above(path)}
    for shared in present:
        # An empty table has the keys of others as absent, one by one.
        for path in [
            path for path, value in shared.leaves.items() if value == {} and (path in tables or "." not in path)
        ]:
            del shared.leaves[path]
    # The names of a list of tables stand at the path of the list, beside the tables: that is no table lacking.
    inner = [frozenset(root for path in content.leaves for root in above(path)) for content in present]
    partial = {
        root
        for root in tables
        if root != ROOT  # A command line without options is one, and each option of another is typed by itself.
        and not one_sided_gap(root, ABSENT, "")
        and any(
            root not in c.nodes or (root in c.leaves and root not in own) for c, own in zip(present, inner, strict=True)
        )
    }
    roots = {root for root in partial if not partial.intersection(above(root))}
    for key, content in contents.items():
        if content is None or not roots:
            continue
        for path in [path for path in content.leaves if roots.intersection(above(path))]:
            del content.leaves[path]
        content.leaves.update({root: distinct[key].at(root) for root in roots if root in content.nodes})
