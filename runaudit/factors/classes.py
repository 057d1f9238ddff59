"""What a leaf of one run stands for: a factor, something that follows, something that cannot matter.

A standing is decided on one run alone, so that it is the same whichever side the run is on and whatever it is compared
with; two standings together give the class of a changed leaf (`changed`). The doubtful case is a factor.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial

from runaudit.factors import builtin as known
from runaudit.factors.addresses import WHY, without_addresses
from runaudit.factors.arguments import ROOT
from runaudit.factors.checkpoint import which_checkpoint
from runaudit.factors.documents import shape, text_of
from runaudit.factors.environment import env_standing, packages_by_word, read_standing
from runaudit.factors.factor import ABSENT, ChangeClass, Classification, Role, section_of
from runaudit.factors.interpolated import as_written
from runaudit.factors.levels import NOT_DESIGN, PREFIXES, Levels
from runaudit.factors.marks import SECRET, without_marks, without_secrets
from runaudit.factors.patch import patch_digest, patch_text
from runaudit.factors.path import last_key, matches, steps
from runaudit.factors.policy import is_measure
from runaudit.factors.sections import (
    choices_by_name,
    code_standing,
    config_standing,
    data_standing,
    init_standing,
    is_measured_on,
    plain_standing,
)
from runaudit.factors.seedlike import nested_seeds, no_seed
from runaudit.factors.source import cannot_run
from runaudit.factors.tree import leaves_of, same
from runaudit.factors.words import names_a_seed, word_standing
from runaudit.records.canonical import JSON, MAPPINGS, canonical_bytes, canonical_members, table_of_members
from runaudit.records.digest import digest_bytes
from runaudit.records.run import Run
from runaudit.records.sections import Kept, OfSection
from runaudit.records.seednames import is_one_seed
from runaudit.settings import FactorSettings


def standing(path: str, value: JSON, of: Levels, settings: FactorSettings) -> Classification:
    """What the leaf at `path` stands for in this run."""
    for pattern in settings.nuisance:
        if matches(path, pattern):
            return Classification(kind=ChangeClass.NUISANCE, why="the policy declares that it cannot change a result")
    if path in of.scope.facts and (section_of(path) in ("data", "init") or path.startswith("env.files")):
        return read_standing(path, of)
    measures = _measures(path, value, of, settings)
    if (rule := settings.derived.get(path)) is not None:
        by_rule = _by_rule(path, rule, value, of, settings)
        # What results are measured by may follow from a choice; with another measure they are still not comparable.
        return replace(by_rule, kind=ChangeClass.FACTOR, role=Role.EVALUATION, follows="") if measures else by_rule
    if path == CHECKPOINT and of.parent is not None:
        return Classification(
            value=_start(of, of.parent, settings), why="the weights of its parent; the parent's design is compared"
        )
    found = _repeats_eval(path, value, of, settings) or _judge(path, value, of)
    if found.role is Role.SEED and (why := no_seed(path, value, of)):
        found = Classification(why=why)
    if measures and found.kind is ChangeClass.FACTOR:
        found = replace(found, role=Role.EVALUATION)
    if found.kind is ChangeClass.FACTOR and found.value is ABSENT:
        open_to_all = without_secrets(value, last_key(path))
        if open_to_all != value:
            return replace(found, value=open_to_all, why="a secret; which one it was chose nothing")
        if not same(placeless := without_addresses(value), value):
            return replace(found, value=placeless, why=WHY)
        if section_of(path) == "config" and (text := as_written(path, of, lambda p, v: standing(p, v, of, settings))):
            return replace(found, value=["written", text], why=f"it follows what it names: {text}")
    return found


def _repeats_eval(path: str, value: JSON, of: Levels, settings: FactorSettings) -> Classification | None:
    """A leaf that repeats, under a name declared as an alias, what stands under the name proper."""
    proper = settings.aliases.get(path)
    if proper is None or not same(value, of.at(proper)):
        return None
    return Classification(kind=ChangeClass.DERIVED, why=f"it is {proper}", follows=proper)


_JUDGES: Mapping[str, Callable[[str, JSON, Levels], Classification]] = {
    "config": config_standing,
    "env": env_standing,
    "data": data_standing,
    "init": init_standing,
    "code": code_standing,
}


def _judge(path: str, value: JSON, of: Levels) -> Classification:
    if path.startswith(ROOT) and ROOT in of.tree:
        return word_standing(path, value, of)
    return _JUDGES.get(section_of(path), plain_standing)(path, value, of)


def _measures(path: str, value: JSON, of: Levels, settings: FactorSettings) -> bool:
    """Whether a leaf says how or on what results are measured, under its own name or one that an alias gave it."""
    if is_measure(path, settings):
        return True
    if not settings.aliases:
        return _measured_by(path, value, of)
    names = [path, *(old for old, new in settings.aliases.items() if path == new or path.startswith(f"{new}."))]
    # Where both names are taken the leaf stays under its old one, and still says how results are measured.
    names += [new for old, new in settings.aliases.items() if path == old or path.startswith(f"{old}.")]
    return any(_measured_by(name, value, of) for name in names)


def _measured_by(name: str, value: JSON, of: Levels) -> bool:
    section = section_of(name)
    return section == "eval" or (section == "data" and is_measured_on(steps(name), value, of))


def _by_rule(path: str, rule: str, value: JSON, of: Levels, settings: FactorSettings) -> Classification:
    from runaudit.factors.derived import check_rule, in_a_circle  # Most policies have no rules to read.

    if in_a_circle(path, settings.derived):
        return Classification(why=f"its rule {rule!r} leads back to itself, so it explains nothing")
    by_rule = check_rule(path, rule, value, of.at)
    if by_rule.holds:
        return Classification(kind=ChangeClass.DERIVED, why=f"follows its declared rule {rule!r}", follows=rule)
    return Classification(why=by_rule.why)


# ── what a design comes down to ──────────────────────────────────────────────────────────────────────────────────


def design_key(of: Levels, settings: FactorSettings) -> str:
    """The digest of what every run of a cohort has in common, whatever was seen of it."""
    parts = _counting(of, settings)
    return _keys.get("design", parts, lambda: digest_bytes(table_of_members(_merged(parts))).hex)


def candidate_key(of: Levels, settings: FactorSettings) -> str:
    """The same with every secret as one word, proven or masked: what the record of one run proves of a secret the other
    may only have masked, and which secrets are one can be told of two runs alone, as which seeds in tables are."""
    parts = _counting(of, settings)
    if seeds := nested_seeds(of):
        parts = tuple({path: text for path, text in part.items() if path not in seeds} for part in parts)
    if any(PATCH in part for part in parts) and SECRET[:-1] in (text := patch_text(of.run, of.at(PATCH)) or ""):
        text = without_marks(text.encode()).decode()
        parts = (*parts, {PATCH: canonical_bytes(patch_digest(text)).decode()})
    return _keys.get("candidate", parts, lambda: digest_bytes(without_marks(table_of_members(_merged(parts)))).hex)


def _merged(parts: Iterable[Mapping[str, str]]) -> dict[str, str]:
    merged: dict[str, str] = {}
    for part in parts:
        merged |= part
    return merged


def says_more(settings: FactorSettings) -> bool:
    """Whether a policy speaks of leaves by patterns or by other names, so that each must be asked for."""
    return bool(settings.nuisance or settings.aliases or settings.evaluation)


def _told_apart(
    section: str, tree: JSON, of: Levels, settings: FactorSettings
) -> tuple[Mapping[str, JSON], Iterable[tuple[str, JSON]]]:
    """The leaves of a section that count without a question, by path, and those for which `standing` must be asked."""
    if says_more(settings) or section not in ("config", "code"):
        return {}, leaves_of(tree, section)
    if section == "code":
        # Every source file is compared by itself, and what is said beside them is then no factor.
        return {}, () if of.files_judged and tree and not settings.derived else leaves_of(tree, section)
    plain, rest = choices_by_name(tree)
    evaluation = of.tree.get("eval")
    repeated = evaluation if evaluation and isinstance(evaluation, MAPPINGS) else {}
    if not (repeated or settings.derived):
        return plain, rest
    doubtful = {p: v for p, v in plain.items() if p in settings.derived or last_key(p) in repeated}
    if not doubtful:
        return plain, rest
    return {p: v for p, v in plain.items() if p not in doubtful}, (*doubtful.items(), *rest)


CHECKPOINT = "init.checkpoint"
PATCH = "code.patch"
JUDGED_IN_PAIRS = ("env", "data/read", "init/read", "env/read")
"""Sections of which only two runs together say what counts."""


NOT_COUNTED = frozenset({*NOT_DESIGN, *JUDGED_IN_PAIRS})


def _counting(of: Levels, settings: FactorSettings) -> tuple[Mapping[str, str], ...]:
    """What counts and is no seed, of what a run declares, and the numbers among its arguments: each leaf as it is
    written, by its path, a table a section. Runs that share their sections share the tables."""
    counted: list[Mapping[str, str]] = []
    shared = not (says_more(settings) or settings.derived or of.scope.facts or of.parent)
    for section, tree in of.tree.items():
        if section in NOT_COUNTED or (shared and section == "seed" and is_one_seed(tree)):
            continue
        if shared and section not in _OF_ITS_RUN and section_of(section) == section:
            # What data repeats of the config follows from it; of no other section here the config says anything.
            sections = (tree, of.tree.get("eval"), of.tree.get("config") if section == "data" else None)
            part = _COUNTED.get(section, sections, partial(_written, section, tree, of, settings))
        else:
            part = _written(section, tree, of, settings)
        if part:
            counted.append(part)
    return tuple(counted)


_OF_ITS_RUN = (ROOT, "config", "code", "seed")
"""Sections whose leaves are judged by what else is in the record. Of any other the evaluation and the config say all,
but for a start whose parent is known, what was seen of the run, and what a policy says."""
_COUNTED = Kept[Mapping[str, str]]()
_members_of = OfSection(canonical_members)
_keys = Kept[str]()
"""The seeds of a design mostly share every table that counts, and so the key that these come to."""


def _written(section: str, tree: JSON, of: Levels, settings: FactorSettings) -> Mapping[str, str]:
    """What counts of one section, as it is written, by path."""
    plain, asked = _told_apart(section, tree, of, settings)
    counted = _that_count(section, asked, of, settings) if asked else {}
    # Runs that share a config share what counts of it by its names alone.
    written = _members_of(plain) if plain else {}
    return {**written, **canonical_members(counted)} if counted else written


def _that_count(
    section: str, asked: Iterable[tuple[str, JSON]], of: Levels, settings: FactorSettings
) -> Mapping[str, JSON]:
    """Of the leaves of a section those that count, by path."""
    counted: dict[str, JSON] = {}
    for path, value in asked:
        if section == ROOT and not _is_a_plain_number(path, value):
            continue
        if path == CHECKPOINT and of.parent is not None:
            # Seeds that go on from seeds of one design are replicates: what its parent used is judged in pairs.
            counted[path] = ["of design", design_key(of.parent, settings)]
            continue
        stands = standing(path, value, of, settings)
        if stands.kind is ChangeClass.FACTOR and stands.role not in (Role.SEED, Role.STOCHASTIC):
            counted[path] = value if stands.value is ABSENT else stands.value
    return counted


def beyond_key(of: Levels, settings: FactorSettings) -> dict[str, JSON]:
    """What counts of a run beyond its key: its environment, its arguments and what it was seen to read."""
    packages, others = _beyond(of, settings)
    return {**packages, **others}


def beyond_key_written(of: Levels, settings: FactorSettings) -> str:
    """The same in canonical form."""
    packages, others = _beyond(of, settings)
    return table_of_members({**_members_of(packages), **canonical_members(others)}).decode()


def _beyond(of: Levels, settings: FactorSettings) -> tuple[Mapping[str, str], dict[str, JSON]]:
    """Packages that count by their words alone, which runs of one environment share, and what counts beside them."""
    alone: Mapping[str, str] = {}
    counted: dict[str, JSON] = {}
    for section in (ROOT, *JUDGED_IN_PAIRS):
        tree = of.tree.get(section, {})
        asked: Iterable[tuple[str, JSON]] = leaves_of(tree, PREFIXES.get(section, section))
        if section == "env" and not (says_more(settings) or settings.derived):
            alone, asked = packages_by_word(tree)
        for path, value in asked:
            stands = standing(path, value, of, settings)
            seed = stands.role in (Role.SEED, Role.STOCHASTIC) or (section == ROOT and same(value, of.at("seed")))
            if stands.kind is ChangeClass.FACTOR and not seed:
                counted[path] = value if stands.value is ABSENT else stands.value
    return alone, counted


def _is_a_plain_number(path: str, value: JSON) -> bool:
    """An argument that nothing in another run can excuse: a named number that is not called a seed."""
    return isinstance(value, int | float) and steps(path)[2:3] != ("positional",) and not names_a_seed(path)


def _start(of: Levels, parent: Levels, settings: FactorSettings) -> str:
    """What counts of a checkpoint whose run is known: the design it came of, and which of its checkpoints it is."""
    inputs = [design_key(parent, settings), beyond_key(parent, settings), _programs(parent)]
    design = digest_bytes(canonical_bytes(inputs)).hex
    which = which_checkpoint(of)
    # Said as a study shows it: the level of a start is the design that made it.
    return f"of design {design[:16]}" + ("" if which is None else f", checkpoint {which}")


def _programs(of: Levels) -> JSON:
    """The source files that could have run, each by its program: comments make no other design."""
    if of.files is None:
        return None
    ran = {
        path: digest
        for path, digest in of.files.items()
        if not cannot_run(path, of)
        and (of.loaded is None or path in of.loaded or not path.endswith(known.UNSEEN_SUFFIXES))
    }
    return {path: _program(of.run, path, digest) for path, digest in ran.items()}


def _program(run: Run, path: str, digest: str) -> str:
    text = text_of(run, digest) if path.endswith(".py") else None
    return (shape(text, docstrings=False) if text is not None else None) or digest
