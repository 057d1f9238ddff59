"""What a leaf of one run stands for: a factor, something that follows, something that cannot matter.

A standing is decided on one run alone, so that it is the same whichever side the run is on and whatever it is compared
with; two standings together give the class of a changed leaf. The doubtful case is a factor.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from runaudit.errors import RunauditError
from runaudit.factors import builtin as known
from runaudit.factors.arguments import ROOT
from runaudit.factors.derived import check_rule, in_a_circle
from runaudit.factors.documents import shape, text_of
from runaudit.factors.environment import env_standing, read_standing
from runaudit.factors.evidence import (
    bookkeeping,
    data_place,
    has_digest,
    in_run_folder,
    is_digest,
    without_secrets,
)
from runaudit.factors.factor import ABSENT, Absent, Change, ChangeClass, Classification, Role, section_of
from runaudit.factors.levels import NOT_DESIGN, PREFIXES, SEED_KEYS, Levels
from runaudit.factors.path import joined, last_key, matches, steps
from runaudit.factors.source import cannot_run
from runaudit.factors.tree import leaves_of, same
from runaudit.factors.words import names_a_seed, word_standing
from runaudit.metrics.heldout import is_held_out
from runaudit.records.canonical import JSON, canonical_bytes
from runaudit.records.digest import Digest, FileEntry, digest_bytes, digest_tree
from runaudit.records.run import Run
from runaudit.settings import FactorSettings

LOCATION_KEYS = ("path", "root", "url", "uri", "location", "cache")


def standing(path: str, value: JSON, of: Levels, settings: FactorSettings) -> Classification:
    """What the leaf at `path` stands for in this run."""
    for pattern in settings.nuisance:
        if matches(path, pattern):
            return Classification(kind=ChangeClass.NUISANCE, why="the policy declares that it cannot change a result")
    if path in of.scope.facts and (section_of(path) in ("data", "init") or path.startswith("env.files")):
        return read_standing(path)
    measures = _measures(path, value, of, settings)
    if (rule := settings.derived.get(path)) is not None:
        said = _by_rule(path, rule, value, of, settings)
        # What results are measured by may follow from a choice; with another measure they are still not comparable.
        return replace(said, kind=ChangeClass.FACTOR, role=Role.EVALUATION, follows="") if measures else said
    if path == "init.checkpoint" and of.parent is not None:
        return Classification(
            value=_start(of, settings), why="the weights of its parent; the parent's design is compared"
        )
    found = _said_twice(path, value, of, settings) or _judge(path, value, of)
    if measures and found.kind is ChangeClass.FACTOR:
        found = replace(found, role=Role.EVALUATION)
    if found.kind is ChangeClass.FACTOR and found.value is ABSENT and (open_to_all := without_secrets(value)) != value:
        return replace(found, value=open_to_all, why="a secret; which one it was chose nothing")
    return found


def _said_twice(path: str, value: JSON, of: Levels, settings: FactorSettings) -> Classification | None:
    """A leaf that repeats, under a name declared as an alias, what stands under the name proper."""
    proper = settings.aliases.get(path)
    if proper is None or not same(value, of.at(proper)):
        return None
    return Classification(kind=ChangeClass.DERIVED, why=f"it is {proper}", follows=proper)


def _judge(path: str, value: JSON, of: Levels) -> Classification:
    if path.startswith(ROOT) and ROOT in of.tree:
        return word_standing(path, value, of)
    judge = {"config": _config, "env": env_standing, "data": _data, "init": _init, "code": _code}.get(
        section_of(path), _plain
    )
    return judge(path, value, of)


def _measures(path: str, value: JSON, of: Levels, settings: FactorSettings) -> bool:
    """Whether a leaf says how or on what results are measured, under its own name or one that an alias gave it."""
    names = [path, *(old for old, new in settings.aliases.items() if path == new or path.startswith(f"{new}."))]
    # Where both names are taken the leaf stays under its old one, and still says how results are measured.
    names += [new for old, new in settings.aliases.items() if path == old or path.startswith(f"{old}.")]
    for name in names:
        keys = steps(name)
        if section_of(name) == "eval" or (section_of(name) == "data" and _is_measured_on(keys, value, of)):
            return True
    return False


def changed(
    path: str, before: JSON | Absent, after: JSON | Absent, a: Levels, b: Levels, settings: FactorSettings
) -> Change:
    """The class of a leaf that differs: what both sides agree on, and a factor where they do not."""
    sides = [
        None if isinstance(value, Absent) else standing(path, value, of, settings)
        for value, of in ((before, a), (after, b))
    ]
    known_sides = [side for side in sides if side is not None]
    kinds = {side.kind for side in known_sides}
    first = known_sides[0]
    weighty = next((side for side in known_sides if side.kind is ChangeClass.FACTOR), first)
    kind, why = (first.kind, first.why) if len(kinds) == 1 else (ChangeClass.FACTOR, weighty.why)
    if kind is ChangeClass.FACTOR and len(sides) == len(known_sides) == 2 and _counts_the_same(*known_sides):
        kind = ChangeClass.NUISANCE
    if ChangeClass.FACTOR not in kinds and len(kinds) > 1:
        kind, why = ChangeClass.DERIVED, next(s.why for s in known_sides if s.kind is ChangeClass.DERIVED)
    return Change(
        path=path,
        before=before,
        after=after,
        kind=kind,
        why=why,
        follows=next((side.follows for side in known_sides if side.follows), "") if kind is ChangeClass.DERIVED else "",
        role=common_role(known_sides) if kind is ChangeClass.FACTOR else weighty.role,
    )


def common_role(sides: Sequence[Classification]) -> Role:
    """The role that both sides give a factor. A measure that one side only repeats elsewhere is a measure still."""
    if any(side.kind is ChangeClass.FACTOR and side.role is Role.EVALUATION for side in sides):
        return Role.EVALUATION
    roles = {side.role for side in sides}
    return roles.pop() if len(roles) == 1 else Role.TREATMENT


def _counts_the_same(a: Classification, b: Classification) -> bool:
    return a.value is not ABSENT and b.value is not ABSENT and same(a.value, b.value)


def _by_rule(path: str, rule: str, value: JSON, of: Levels, settings: FactorSettings) -> Classification:
    if in_a_circle(path, settings.derived):
        return Classification(why=f"its rule {rule!r} leads back to itself, so it explains nothing")
    said = check_rule(path, rule, value, of.at)
    if said.holds:
        return Classification(kind=ChangeClass.DERIVED, why=f"follows its declared rule {rule!r}", follows=rule)
    return Classification(why=said.why)


def _plain(path: str, value: JSON, of: Levels) -> Classification:
    section = section_of(path)
    if section == "seed":
        return Classification(role=Role.SEED)
    return Classification(role=Role.EVALUATION if section == "eval" else Role.TREATMENT)


def _config(path: str, value: JSON, of: Levels) -> Classification:
    key = last_key(path)
    if key in SEED_KEYS and not isinstance(value, Mapping):
        if same(value, of.tree.get("seed", ABSENT)):
            return Classification(kind=ChangeClass.DERIVED, why="it is the run's seed", follows="seed")
        return Classification(role=Role.SEED)
    if why := bookkeeping(path, value, of):
        return Classification(kind=ChangeClass.NUISANCE, why=why)
    if isinstance(value, str) and (stands_for := _text(key, value, of)):
        return stands_for
    recorded = of.tree.get("eval")
    if isinstance(recorded, Mapping) and key in recorded and same(value, recorded[key]):
        return Classification(kind=ChangeClass.DERIVED, why=f"it is eval.{key}", follows=f"eval.{key}")
    inner = {str(step).lower() for step in steps(path)[1:-1]}
    if inner & known.EVALUATION_KEYS and key not in known.NOT_EVALUATION:
        return Classification(role=Role.EVALUATION)
    return Classification()


def _text(key: str, value: str, of: Levels) -> Classification | None:
    """Text that only points at something that is judged by itself."""
    if place := in_run_folder(key, value, of):
        return Classification(value=place, why="it lies in the run's own folder")
    if name := data_place(key, value, of):
        return Classification(
            value=f"<data.{name}>", why=f"a place; what lies there is judged by the digest of data.{name}"
        )
    if re.fullmatch(r"cuda(?::\d+)?", value) and _equal_devices(of.at("env.gpu")):
        return Classification(value="cuda", why="which of several equal devices; the GPU is judged by env.gpu")
    return None


def _equal_devices(gpu: JSON | Absent) -> bool:
    """Whether the devices that a record names are of one kind. Where it names none, that is a gap of its own."""
    if isinstance(gpu, list | tuple):
        return len({str(name) for name in gpu}) < 2
    return not (isinstance(gpu, str) and re.search(r" \+ |[,;]", gpu))


def _data(path: str, value: JSON, of: Levels) -> Classification:
    keys = steps(path)
    if len(keys) == 3 and keys[2] in LOCATION_KEYS and has_digest(of.at(joined("data", str(keys[1])))):
        return Classification(kind=ChangeClass.NUISANCE, why="a place; data is judged by its digest")
    if _is_measured_on(keys, value, of):
        return Classification(role=Role.EVALUATION)
    if len(keys) == 3 and keys[2] != "digest" and (source := _in_config(str(keys[2]), value, of)):
        return Classification(kind=ChangeClass.DERIVED, why=f"it is {source}", follows=source)
    return Classification()


def _is_measured_on(keys: Sequence[str | int], value: JSON, of: Levels) -> bool:
    """Whether results are measured on this data: the record says so, or its name does."""
    if len(keys) < 2:
        return isinstance(value, Mapping) and any(_is_measured_on(("data", name), None, of) for name in value)
    name = str(keys[1])
    said = of.at("eval.dataset")
    named = said if isinstance(said, list | tuple) else [said]
    place = of.at(joined(joined("data", name), "path"))
    return is_held_out(name) or any(
        isinstance(word, str) and word and word in (name, f"data.{name}", place) for word in named
    )


def _in_config(key: str, value: JSON, of: Levels) -> str | None:
    """The config leaf that a fact of a data set repeats: choosing it once must not count twice."""
    if "config" not in of.tree:
        return None
    return next(
        (p for p, leaf in leaves_of(of.tree["config"], "config") if last_key(p) == key and same(leaf, value)), None
    )


def _init(path: str, value: JSON, of: Levels) -> Classification:
    key = last_key(path)
    known_start = of.at("init.kind") == "random" or is_digest(of.at("init.checkpoint"))
    if key in LOCATION_KEYS and known_start:
        return Classification(kind=ChangeClass.NUISANCE, why="a place; a checkpoint is judged by its digest")
    if key == "parent" and known_start:
        return Classification(kind=ChangeClass.DERIVED, why="the parent's checkpoint is judged by its digest",
                        follows="init.checkpoint")  # fmt: skip
    return Classification()


def _code(path: str, value: JSON, of: Levels) -> Classification:
    """Facts about the code beside its files. Files themselves are judged by `code`."""
    if path == "code":
        return Classification()
    if of.files_judged:
        return Classification(kind=ChangeClass.NUISANCE, why="every source file is compared by itself")
    if path == "code.dirty":
        return Classification(kind=ChangeClass.DERIVED, why="it says whether there is a patch", follows="code.patch")
    if path == "code.program" and isinstance(value, str):
        return Classification(value=PurePosixPath(value).name, why="the script, wherever the work tree lay")
    if last_key(path) in known.CODE_PLACES or steps(path)[1] in known.CODE_PLACES:
        return Classification(kind=ChangeClass.NUISANCE, why="it says where the code lay, not what it was")
    return Classification()


# ── what a design comes down to ──────────────────────────────────────────────────────────────────────────────────


def design_key(of: Levels, settings: FactorSettings) -> str:
    """The digest of what every run of a cohort has in common, whatever was seen of it: unequal for runs of two
    designs that differ in what they declare. Equal keys do not make one cohort; `same_design` does."""
    if "key" not in of.memory:
        of.memory["key"] = digest_bytes(canonical_bytes(dict(_counting(of, settings)))).hex
    return str(of.memory["key"])


JUDGED_IN_PAIRS = ("env", "data/read", "init/read", "env/read")
"""Sections of which only two runs together say what counts."""


def _counting(of: Levels, settings: FactorSettings) -> Mapping[str, JSON]:
    """What counts and is no seed, of what a run declares, and the numbers among its arguments."""
    counted: dict[str, JSON] = {}
    for section, tree in of.tree.items():
        if section in NOT_DESIGN or section in JUDGED_IN_PAIRS:
            continue
        for path, value in leaves_of(tree, section):
            if section == ROOT and not _is_a_plain_number(path, value):
                continue
            stands = standing(path, value, of, settings)
            if stands.kind is ChangeClass.FACTOR and stands.role not in (Role.SEED, Role.STOCHASTIC):
                counted[path] = value if stands.value is ABSENT else stands.value
    return counted


def beyond_key(of: Levels, settings: FactorSettings) -> dict[str, JSON]:
    """What counts of a run beyond its key: its environment, its arguments and what it was seen to read."""
    counted: dict[str, JSON] = {}
    for section in (ROOT, *JUDGED_IN_PAIRS):
        for path, value in leaves_of(of.tree.get(section, {}), PREFIXES.get(section, section)):
            stands = standing(path, value, of, settings)
            seed = stands.role in (Role.SEED, Role.STOCHASTIC) or (section == ROOT and same(value, of.at("seed")))
            if stands.kind is ChangeClass.FACTOR and not seed:
                counted[path] = value if stands.value is ABSENT else stands.value
    return counted


def _is_a_plain_number(path: str, value: JSON) -> bool:
    """An argument that nothing in another run can excuse: a named number that is not called a seed."""
    return isinstance(value, int | float) and steps(path)[2:3] != ("positional",) and not names_a_seed(path)


def _start(of: Levels, settings: FactorSettings) -> JSON:
    """What counts of a checkpoint whose run is known: the design it came of, and which of its checkpoints it is."""
    if "start" not in of.memory and of.parent is not None:
        inputs = [design_key(of.parent, settings), beyond_key(of.parent, settings), _programs(of.parent)]
        design = digest_bytes(canonical_bytes(inputs)).hex
        which = which_checkpoint(of)
        # Said as a study shows it: the level of a start is the design that made it.
        of.memory["start"] = f"of design {design[:16]}" + ("" if which is None else f", checkpoint {which}")
    start: JSON = of.memory["start"]
    return start


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


def which_checkpoint(of: Levels) -> JSON:
    """Which of its parent's checkpoints a run began with: best, last, or the step; None where the parent lists none
    of this digest."""
    outcome = of.parent.run.outcome if of.parent else None
    rows = outcome.checkpoints if outcome else ()
    began = of.at("init.checkpoint")
    row = next((row for row in rows if began in (row.get("digest"), _as_tree(row))), None)
    if row is None:
        return None
    if row.get("kind") in ("best", "last"):
        return str(row["kind"])
    steps_kept = [other["step"] for other in rows if isinstance(other.get("step"), int)]
    step: JSON = row.get("step")
    return "last" if steps_kept and step == max(steps_kept) else step


def _as_tree(row: Mapping[str, JSON]) -> str | None:
    """A checkpoint's digest as that of a tree of one file, the other way a program may have named it."""
    try:
        name = PurePosixPath(str(row["path"])).name
        return str(digest_tree([FileEntry(path=name, size=int(row["size"]), digest=Digest.parse(str(row["digest"])))]))
    except (KeyError, TypeError, ValueError, RunauditError):
        return None
