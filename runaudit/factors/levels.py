"""A run as levels of factors: one tree a section, and beside it what the record does not say.

The tree holds every leaf of the design; how much a leaf weighs is judged elsewhere (`classes`). What the contract of
the record names and the record does not hold is a gap: absent is unknown, only null says "known to be none".
"""

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import PurePath
from typing import Any

from runaudit.factors.abbreviated import with_whole_names
from runaudit.factors.addresses import MARKS, is_untold
from runaudit.factors.arguments import ROOT, arguments_of
from runaudit.factors.codefiles import effective_files, late_files, patch_of
from runaudit.factors.factor import ABSENT, Absent, section_of
from runaudit.factors.namewords import words
from runaudit.factors.observed import Observed, observed_of
from runaudit.factors.path import last_key, lookup
from runaudit.factors.renaming import end_of, rename, sort_lists
from runaudit.factors.starts import begun
from runaudit.factors.tree import keyed, leaves_of
from runaudit.factors.unknowns import is_whole, known_sections
from runaudit.metrics.heldout import is_held_out
from runaudit.records.canonical import JSON, MAPPINGS
from runaudit.records.manifest import BEYOND_TYPED, SEED_PLACE
from runaudit.records.run import Run
from runaudit.records.sections import OfSection
from runaudit.settings import FactorSettings

CIRCUMSTANCES = ("label", "launch", "origin", "intent", "bundles", "waivers", "supersedes", "policy", "notes", "tags",
                 "description", "comment", "id", "name", "url", "user", "author", "project", "group")  # fmt: skip
"""Sections that say who, when, where and why: never what."""
NOT_DESIGN = (*CIRCUMSTANCES, "schema", "unknown", "seed_proof", "observed")
"""Sections that are not the design; whatever else a manifest holds can make a result different."""

NO_TREE = frozenset({*NOT_DESIGN, "code"})

PYTHON_COMMAND = re.compile(r"(?:python|pypy|ipython)[\d.]*(?:\.exe)?|torchrun|accelerate|deepspeed|pytest")
"""Commands that run one Python program, in one process or in ranks of the same."""
PREFIXES = {ROOT: ROOT, "data/read": "data", "init/read": "init", "env/read": "env"}
"""Sections of the tree that hold what is no section of a manifest, with the paths their leaves are told under."""
SEED_KEYS = ("seed", "random_seed", "manual_seed", "rng_seed", "global_seed", "torch_seed", "numpy_seed", "np_seed")
"""Config keys that are the run's seed where the record has no section for it."""


@dataclass(frozen=True, kw_only=True)
class Levels:
    """One run, ready to be compared. `tree`: section -> normalised tree; `files`: source path -> content digest, or
    None where the effective tree is unknown; `observed`: what the run was seen to use, None where nobody looked;
    `parent`: the run it began from, where that is known.

    What depends on the runs it is judged with is added by `together`: `seed_word` is the word of the command line that
    is the seed, `repeats` maps a word to the config leaf it repeats, `scope` says what was used.
    """

    run: Run
    tree: Mapping[str, Any]
    files: Mapping[str, str] | None
    observed: Observed | None = None
    parent: "Levels | None" = None
    seed_word: str | None = None
    repeats: Mapping[str, str] = field(default_factory=dict)
    scope: "Scope" = field(default_factory=lambda: UNSETTLED)

    def at(self, path: str) -> JSON | Absent:
        """The level at a dotted path, or ABSENT."""
        found = lookup(self.tree, path)
        if found is ABSENT and path.startswith(ROOT) and ROOT in self.tree:
            return lookup({"config": {"args": self.tree[ROOT]}}, path)
        if found is ABSENT and (read := self.tree.get(f"{section_of(path)}/read")):
            return lookup({section_of(path): read}, path)
        return found

    @cached_property
    def left_open(self) -> tuple[str, ...]:
        """The leaves and tables within a section of which the record says that they are not in it."""
        return tuple(path for path in map(str, self.run.manifest.section("unknown")) if "." in path or "[" in path)

    @cached_property
    def untold(self) -> tuple[str, ...]:
        """The leaves that hold the text of an object and not what it is."""
        if not any(mark in self.run.manifest.raw for mark in MARKS):  # Few records hold one, and each is asked.
            return ()
        design = ((PREFIXES.get(name, name), tree) for name, tree in self.tree.items() if name not in NOT_DESIGN)
        return tuple(path for name, tree in design for path, value in leaves_of(tree, name) if is_untold(value))

    @property
    def has_words(self) -> bool:
        """Whether the record holds a command line, as we keep it or as an importer does."""
        return ROOT in self.tree or _has_args(self.tree)

    @property
    def is_typed_only(self) -> bool:
        """Whether of its settings no more is on record than was typed."""
        return any(word in BEYOND_TYPED for word in self.left_open)

    @cached_property
    def began(self) -> datetime | None:
        """When the run began, by the clock of Greenwich; None where its record does not say."""
        return begun(self.run)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """What only this run is called: its ids, not its label, where they are more than a word."""
        manifest = self.run.manifest
        told = (
            table.get(key) for table in (manifest.body, manifest.section("origin")) for key in ("run", "run_id", "id")
        )
        names = (str(name or "").rpartition("/")[2] for name in told)
        return tuple(dict.fromkeys(name for name in names if name and not name.isalpha()))

    @property
    def cwd(self) -> str:
        """The folder the program ran in; empty where it is not known."""
        given = self.observed.cwd if self.observed and self.observed.cwd else None
        return str(given or self.run.manifest.section("launch").get("cwd") or "")

    @cached_property
    def broke_off(self) -> bool:
        """Whether the run is known not to have gone to its end, so that what it was not seen to use it may not have
        reached. Of a launch that has not begun, and of a foreign run of which nobody says how it ended, it is not."""
        if self.run.outcome is not None:
            return not self.run.finished
        return not self.run.observed and _is_captured(self.run)

    @cached_property
    def loaded(self) -> frozenset[str] | None:
        """The source files that really ran, where the outcome says. A run that loaded nothing is one that did not say:
        to take an empty list at its word would declare every edit harmless."""
        if self.observed is not None:
            return None  # What was observed has the word, or, where that is not all, nobody has.
        code = self.run.outcome.section("code") if self.run.outcome else {}
        loaded = code.get("loaded")
        if not isinstance(loaded, list | tuple) or not loaded or not _is_one_python(self.run):
            return None
        return frozenset(str(path) for path in loaded)

    @cached_property
    def spoken(self) -> str:
        """What could name a script that another process runs: the command line, and the text of all that was loaded."""
        argv = self.run.manifest.section("launch").get("argv") or ()
        texts = [" ".join(map(str, argv))] if isinstance(argv, list | tuple) else []
        for path in self.loaded or ():
            digest = (self.files or {}).get(path)
            data = self.run.blobs.get(digest) if digest else None
            texts.append(data.decode("utf-8", "replace") if data else "")
        return "\n".join(texts)

    @cached_property
    def by_seed(self) -> Mapping[str, str]:
        """The options that whoever launched it made of the seed, by their paths, as they were written: `{seed}` alone,
        or a place called after it, `results/{seed}.pt`. Of any other text with a seed in it nobody knows what it
        chooses."""
        if not (told := seeded_words(self.run)):
            return {}
        words = tuple(told.get(str(at), word) for at, word in enumerate(self.run.words))
        return {path: value for path, value in leaves_of(arguments_of(words), ROOT)
                if isinstance(value, str) and SEED_PLACE in value and _SEED_OR_PLACE.search(value)}  # fmt: skip

    @cached_property
    def held_out_places(self) -> frozenset[str]:
        """What settings, options and variables that are called after held-out data name, where that may be a place."""
        tables = [("config", self.tree.get("config")), (ROOT, self.tree.get(ROOT))]
        found = [leaf for name, table in tables if isinstance(table, Mapping) for leaf in leaves_of(table, name)]
        found += [(f"env.{name}", value) for name, value in (self.observed.looked_up if self.observed else {}).items()]
        # One that is called after both holds the training data, too.
        keys = ((last_key(path), value) for path, value in found if isinstance(value, str))
        texts = [value for key, value in keys if is_held_out(key) and "train" not in words(key)]
        return frozenset(posixpath.normpath(text) for text in texts if "/" in text or "." in text)

    def is_held_out_place(self, file: str) -> bool:
        """Whether a setting that is called after held-out data leads to a file, or to a folder above it."""
        return any(file == place or file.endswith(f"/{place}") or file.startswith(f"{place}/")
                   for place in self.held_out_places)  # fmt: skip

    @cached_property
    def contents(self) -> Mapping[str, str]:
        """Path -> digest of every file whose content the record holds."""
        seen = self.observed.reads.items() if self.observed is not None else ()
        return {**(self.files or {}), **{path.rstrip("/"): row.digest for path, row in seen if row.digest}}

    @cached_property
    def config_leaves(self) -> tuple[str, ...]:
        """The paths of the config, in the order of the record."""
        return tuple(path for path, _ in leaves_of(self.tree.get("config", {}), "config"))

    @cached_property
    def files_judged(self) -> bool:
        """Whether commit and patch are beside the point, because every file there was is known by its content."""
        return self.files is not None and is_whole(self.run)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What is known to have been used, where a run is judged beside others; `settled` once they are known.

    `files`, `packages`, `variables`: whether all of the runs were fully observed in this, so that what they did not use
    is left out of their trees; `idle_env`: leaves of the environment that none of them can have used. `facts`: paths of
    leaves that only observation tells. `unused`: what was left out, as trees; `idle`: source files that were left out;
    `within`: those that lie within an input that is judged by itself, with its name. `outputs`: words that are a place
    which the run would have written to, as the others did that went to their end. `moved`: paths under which a run
    knows what lay elsewhere in the others, with those they are told under. `open_settings`: where nobody knows
    whether the run has what another has: in all but the words, where no more is on record; in words that its config may
    repeat.
    """

    settled: bool = False
    files: bool = False
    packages: bool = False
    variables: bool = False
    idle_env: frozenset[str] = frozenset()
    facts: frozenset[str] = frozenset()
    unused: Mapping[str, Any] = field(default_factory=dict)
    idle: Mapping[str, str] = field(default_factory=dict)
    within: Mapping[str, str] = field(default_factory=dict)
    moved: Mapping[str, str] = field(default_factory=dict)
    outputs: frozenset[str] = frozenset()
    open_settings: frozenset[str] = frozenset()


UNSETTLED: Scope = Scope()
"""Of a run by itself: nothing is known of others."""


_SEED_OR_PLACE = re.compile(r"^\{seed\}$|/|\.\w+$")
"""The seed alone, or a text with a folder or an ending in it."""


def seeded_words(run: Run) -> Mapping[str, str]:
    """The words of a job's command into which the seed was put, by their places in it, as they were written."""
    told = run.manifest.campaign.get("by_seed")
    return {str(at): str(word) for at, word in told.items()} if isinstance(told, MAPPINGS) else {}


def _is_one_python(run: Run) -> bool:
    """Whether the command was a Python program, whose modules are what ran. A shell script may have started others."""
    argv = run.manifest.section("launch").get("argv")
    if not isinstance(argv, list | tuple) or not argv:
        return True
    return bool(PYTHON_COMMAND.fullmatch(PurePath(str(argv[0])).name))


def levels(run: Run, settings: FactorSettings) -> Levels:
    """The levels of a run under a policy: aliases renamed, sets sorted, named tables keyed by name."""
    body = known_sections(run.manifest.body, run)
    # What a policy renames and sorts is changed in place, so then no tree is shared.
    as_tree = keyed if settings.aliases or settings.unordered else _keyed
    tree: dict[str, Any] = {name: as_tree(value) for name, value in body.items() if name not in NO_TREE}
    code = body.get("code")
    if "code" in body:
        facts = _facts if as_tree is keyed else _shared_facts
        tree["code"] = facts(code) if isinstance(code, MAPPINGS) else {}
    files = _files(run.manifest.body.get("code")) if isinstance(code, MAPPINGS) else None
    late = late_files(run) if files is not None else {}
    # An importer may have made settings of the same words already.
    if (words := run.words) and (_is_captured(run) or not _has_args(tree)):
        tree[ROOT] = arguments_of(words)
    tree = with_whole_names(tree, run)
    if "seed" not in tree and (path := seed_in_config(tree)):
        tree["seed"] = lookup(tree, path)
    elif "seed" not in tree and (given := _seed_argument(tree.get(ROOT, {}))) is not None:
        tree["seed"] = given
    for old, new in settings.aliases.items():
        rename(tree, old, end_of(new, settings.aliases))
    for pattern in settings.unordered:
        sort_lists(tree, pattern)
    return Levels(
        run=run,
        tree=tree,
        files={**late, **files} if files is not None and late else files,
        observed=observed_of(run),
        parent=levels(run.parent, settings) if run.parent else None,
    )


def _effective(code: Any) -> Mapping[str, str] | None:
    return effective_files(code) if isinstance(code, Mapping) else None


_keyed = OfSection(keyed)
_files = OfSection(_effective)


def _facts(code: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of the code beside its files; a patch is its digest."""
    facts = {key: keyed(value) for key, value in code.items() if key not in ("files", "submodules", "siblings")}
    return facts | {"patch": patch_of(code)} if "patch" in code else facts


_shared_facts = OfSection(_facts)


def seed_in_config(tree: Mapping[str, Any]) -> str | None:
    """Where the config names the run's seed, if it does."""
    config = tree.get("config")
    if isinstance(config, Mapping):
        for key in SEED_KEYS:
            if key in config and not isinstance(config[key], Mapping):
                return f"config.{key}"
    return None


def _has_args(tree: Mapping[str, Any]) -> bool:
    return isinstance(tree.get("config"), Mapping) and "args" in tree["config"]


def _is_captured(run: Run) -> bool:
    return run.manifest.section("origin").get("kind") == "captured"


def _seed_argument(args: Mapping[str, Any]) -> int | None:
    """The seed that the command line names, where the record does not say it otherwise."""
    named = (args.get(key) for key in SEED_KEYS)
    return next((value for value in named if isinstance(value, int) and not isinstance(value, bool)), None)
