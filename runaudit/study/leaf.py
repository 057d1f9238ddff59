"""The leaves that differ anywhere among many runs, each with its level in every run.

A leaf is judged as it is when two runs are compared: what stands for a nuisance, a derivation or a seed there is no
factor of the study here. Runs of one project share most of what they record, so a section is walked once for each
distinct content, not once a run.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from runaudit.factors.arguments import ROOT
from runaudit.factors.changed import common_role
from runaudit.factors.classes import standing
from runaudit.factors.derived import check_rule, references
from runaudit.factors.documents import shape, text_of
from runaudit.factors.factor import ABSENT, Absent, ChangeClass, Classification, Role
from runaudit.factors.gaps import COUNTED_BY_DIGEST, one_sided_gap, unwatched
from runaudit.factors.levels import NOT_DESIGN, PREFIXES, Levels
from runaudit.factors.patch import patch_text, patched_files
from runaudit.factors.path import matches, steps
from runaudit.factors.source import file_change, prefix_of
from runaudit.factors.tree import leaves_of
from runaudit.factors.unknowns import no_sections
from runaudit.records.canonical import JSON, MAX_INT, canonical_bytes
from runaudit.records.digest import digest_bytes
from runaudit.records.manifest import DESIGN_SECTIONS
from runaudit.settings import FactorSettings

REPLICATED = (Role.SEED, Role.STOCHASTIC)
"""Roles that make a replicate: they never are a factor of a study."""


class Sentinel:
    """A level that no record can hold: the value is unknown, or follows from another leaf."""

    def __init__(self, word: str) -> None:
        self._word = word

    def __repr__(self) -> str:
        return self._word


UNKNOWN = Sentinel("unknown")
EXPLAINED = Sentinel("as its rule says")

Level = JSON | Absent | Sentinel


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """One path with its level in every run, in their order. `lone`: a use by some of the runs, which counts only where
    nothing else differs."""

    path: str
    levels: tuple[Level, ...]
    role: Role = Role.TREATMENT
    lone: bool = False

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """The levels as text."""
        return tuple(token(level) for level in self.levels)

    @cached_property
    def known(self) -> frozenset[str]:
        """The distinct known levels, as text."""
        return frozenset(self.tokens) - {token(UNKNOWN)}


def token(level: Level) -> str:
    """A level as text: equal exactly where canonical equality holds. Scalars take a short way."""
    if isinstance(level, Absent | Sentinel):
        return f"\0{level!r}"
    if isinstance(level, str):
        return f"'{level}"
    if level is None or isinstance(level, bool):
        return repr(level)
    if isinstance(level, int | float) and abs(level) <= MAX_INT:
        return repr(int(level) if level == int(level) else level)
    return canonical_bytes(level).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaves:
    """`varying`: what counts and differs, or is unknown in some run. `replicating`: seeds and stochastic settings.
    `held`: what counts and never differed."""

    varying: tuple[Leaf, ...]
    replicating: tuple[Leaf, ...]
    held: tuple[str, ...]


def leaves_among(runs: Sequence[Levels], settings: FactorSettings) -> Leaves:
    """Every leaf of these runs that can change a result."""
    varying: list[Leaf] = []
    replicating: list[Leaf] = []
    held: list[str] = []
    explained: list[Leaf] = []
    quiet: dict[str, bool] = {}
    for section in sorted({name for of in runs for name in of.tree if name not in NOT_DESIGN and name != "code"}):
        for path, values, differs in _columns(runs, section):
            if path == "env.files" and not any(values):
                continue  # No package opened a file by itself in any of these runs.
            leaf = _judged(path, values, differs, runs, settings)
            if differs:
                quiet[path] = leaf is None and _stands(path, values, runs, settings).kind is ChangeClass.NUISANCE
            if leaf is None:
                if differs and path in settings.derived:
                    explained.append(Leaf(path=path, levels=tuple(values)))
                continue
            if leaf.role in REPLICATED:
                replicating.append(leaf)
            elif any(level is UNKNOWN for level in leaf.levels) or len(leaf.known) > 1:
                varying.append(leaf)
            else:
                held.append(path)
    varying += [leaf for leaf in explained if _explains_nothing(settings.derived[leaf.path], leaf.path, quiet)]
    code = list(_code(runs, settings))
    return Leaves(
        varying=tuple(sorted([*varying, *code], key=lambda leaf: leaf.path)),
        replicating=tuple(replicating),
        held=tuple(sorted([*held, *([] if code else ["code"])])),
    )


def _explains_nothing(rule: str, path: str, quiet: Mapping[str, bool]) -> bool:
    """Whether all that differs of what a rule reads cannot matter: what follows from it is then a factor of its own."""
    read = [still for other, still in quiet.items() for ref in references(rule, path) if matches(other, ref)]
    return bool(read) and all(read)


def _columns(runs: Sequence[Levels], section: str) -> Iterator[tuple[str, list[Level], bool]]:
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
        known = section in ("data", "config") and not unwatched(section, of)
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
        if not one_sided_gap(root, ABSENT, "")
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


def _judged(
    path: str, values: list[Level], differs: bool, runs: Sequence[Levels], settings: FactorSettings
) -> Leaf | None:
    """The leaf with what counts of its levels, or None where it cannot matter in any run."""
    if not differs:
        # What never varied is judged on one run: it is no factor of this study, only something that was held. But what
        # stayed as it was where its rule would have moved it was chosen.
        if path in settings.derived and (chosen := _against_its_rule(path, values, runs, settings)):
            return chosen
        stands = _stands(path, values, runs, settings)
        known = Leaf(path=path, levels=tuple(values), role=stands.role)
        return known if stands.kind is ChangeClass.FACTOR else None
    levels = list(values)
    sides: list[Classification] = []
    for i, (value, of) in enumerate(zip(values, runs, strict=True)):
        if isinstance(value, Absent | Sentinel):
            continue
        stands = standing(path, value, of, settings)
        sides.append(stands)
        if stands.kind is not ChangeClass.FACTOR:
            levels[i] = EXPLAINED
            continue
        if stands.value is not ABSENT:
            levels[i] = stands.value
    if not any(side.kind is ChangeClass.FACTOR for side in sides):
        return None
    return Leaf(path=path, levels=tuple(levels), role=common_role(sides))


def _against_its_rule(
    path: str, values: Sequence[Level], runs: Sequence[Levels], settings: FactorSettings
) -> Leaf | None:
    """A leaf that follows its rule in some runs and breaks it in others, though its value is the same in all."""
    rule = settings.derived[path]
    holds = [isinstance(value, Absent | Sentinel) or check_rule(path, rule, value, of.at).holds
             for value, of in zip(values, runs, strict=True)]  # fmt: skip
    if len(set(holds)) == 1:
        return None
    levels = (EXPLAINED if held else value for held, value in zip(holds, values, strict=True))
    return Leaf(path=path, levels=tuple(levels))


def _stands(path: str, values: Sequence[Level], runs: Sequence[Levels], settings: FactorSettings) -> Classification:
    """What a leaf stands for in the first run that has it."""
    at = next(i for i, value in enumerate(values) if not isinstance(value, Absent | Sentinel))
    return standing(path, values[at], runs[at], settings)


# ── code ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _code(runs: Sequence[Levels], settings: FactorSettings) -> Iterator[Leaf]:
    """Source files by their programs; where a run's tree is not wholly known, commit and patch stand for the rest."""
    none = ["code" in no_sections(of.run) for of in runs]
    if any(none):
        bodies = [canonical_bytes(of.run.manifest.body.get("code")) for of in runs]
        leaf = Leaf(path="code", levels=tuple(None if lacks else str(digest_bytes(body))
                                              for lacks, body in zip(none, bodies, strict=True)))  # fmt: skip
        yield from [leaf] if len(leaf.known) > 1 else []
        return
    found = list(_listed(runs, settings)) if all(of.files is not None for of in runs) else []
    yield from found
    if not all(of.files_judged for of in runs):
        told = {prefix_of(path) for path in frozenset.intersection(*(frozenset(of.files or ()) for of in runs))}
        yield from (leaf for leaf in _states(runs, bool(found)) if leaf.path not in told and _weighs(leaf, settings))


def _weighs(leaf: Leaf, settings: FactorSettings) -> bool:
    varies = len(leaf.known) > 1 or leaf.path == "code.files"
    return varies and not any(matches(leaf.path, pattern) for pattern in settings.nuisance)


def _states(runs: Sequence[Levels], listed: bool) -> Iterator[Leaf]:
    """Commit and patch; patches to one commit file by file, as a comparison has them."""
    commits = Leaf(path="code.commit", levels=tuple(_state(of, "code.commit") for of in runs))
    if not listed:
        yield commits
    elif len(commits.known) > 1:
        # What else the commits change is in no record, so it is unknown of every run.
        yield Leaf(path="code.files", levels=(UNKNOWN,) * len(runs))
    patches = tuple(_state(of, "code.patch") for of in runs)
    texts = [
        None if isinstance(p, Absent | Sentinel) else patch_text(of.run, p) for p, of in zip(patches, runs, strict=True)
    ]
    parts = [patched_files(text) for text in texts]
    lacking = [part is None and level is not UNKNOWN for part, level in zip(parts, patches, strict=True)]
    if len(commits.known) > 1 or any(lacking):
        known = [level if text is None else text for level, text in zip(patches, texts, strict=True)]
        yield Leaf(path="code.patch", levels=tuple(known))
        return
    for path in sorted({path for part in parts for path in part or ()}):
        levels = (UNKNOWN if part is None else part.get(path, ABSENT) for part in parts)
        yield Leaf(path=prefix_of(path), levels=tuple(levels))


def _listed(runs: Sequence[Levels], settings: FactorSettings) -> Iterator[Leaf]:
    files = [of.files or {} for of in runs]
    for path in sorted({path for tree in files for path in tree}):
        digests = [tree.get(path, ABSENT) for tree in files]
        if len(set(digests)) > 1:
            leaf = Leaf(path=prefix_of(path), levels=_programs(path, digests, runs, settings))
            if len(leaf.known) > 1 and _counts(path, leaf, digests, runs, settings):
                yield leaf


def _opened(path: str, of: Levels) -> bool:
    return of.observed is not None and of.observed.opened(path)


def _state(of: Levels, path: str) -> Level:
    value = of.at(path)
    if not isinstance(value, Absent):
        return value
    return None if path == "code.patch" and of.at("code.dirty") is False else UNKNOWN


def _programs(
    path: str, digests: Sequence[str | Absent], runs: Sequence[Levels], settings: FactorSettings
) -> tuple[Level, ...]:
    """Each digest, or the first one that a comparison takes for the same: comments and layout make no other level."""
    alike: dict[str, list[tuple[str, Levels]]] = {}
    level: dict[str, str] = {}
    for digest, of in zip(digests, runs, strict=True):
        if not isinstance(digest, str) or digest in level:
            continue
        text = text_of(of.run, digest) if path.endswith(".py") else None
        program = (shape(text, docstrings=False) if text is not None else None) or digest
        founders = alike.setdefault(program, [])
        level[digest] = next(
            (
                first
                for first, its in founders
                if file_change(path, first, digest, its, of, settings).kind is not ChangeClass.FACTOR
            ),
            digest,
        )
        if level[digest] == digest:
            founders.append((digest, of))
    return tuple(level[digest] if isinstance(digest, str) else digest for digest in digests)


def _counts(
    path: str, leaf: Leaf, digests: Sequence[str | Absent], runs: Sequence[Levels], settings: FactorSettings
) -> bool:
    """Whether a comparison calls the file a factor, asked of a run that could have loaded it."""
    at = next((i for i, of in enumerate(runs) if of.loaded is None or path in of.loaded), 0)
    other = next(i for i, level in enumerate(leaf.levels) if level != leaf.levels[at])
    sides = (digests[at], digests[other], runs[at], runs[other])
    return file_change(path, *sides, settings).kind is ChangeClass.FACTOR


def covered_by_digest(leaf: Leaf, runs: Sequence[Levels]) -> bool:
    """Whether a fact of a data set is unknown somewhere and its digest, known everywhere, says it already."""
    keys = steps(leaf.path)
    if len(keys) < 3 or keys[0] != "data" or keys[2] not in COUNTED_BY_DIGEST or UNKNOWN not in leaf.levels:
        return False
    return all(of.at(f"data.{keys[1]}.digest") for of in runs)
