"""What a leaf of one section stands for in one run: the rules of the config, the data, the start and the code.

Each rule sees one record alone. A name only says what evidence to look for; the doubtful case is a factor.
"""

import posixpath
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from runaudit.factors import builtin as known
from runaudit.factors.arguments import ROOT
from runaudit.factors.devices import NUMBERED, equal_devices, which_one
from runaudit.factors.evidence import (
    WHERE_IT_WRITES,
    bookkeeping,
    data_place,
    has_digest,
    in_own_place,
    in_run_folder,
    is_trackers_folder,
    may_be_bookkeeping,
    under,
)
from runaudit.factors.factor import ABSENT, ChangeClass, Classification, Role, section_of
from runaudit.factors.levels import SEED_KEYS, Levels
from runaudit.factors.ownname import OWN, own_name
from runaudit.factors.patch import NEVER_RUN, is_idle, patch_digest, patch_text
from runaudit.factors.path import joined, last_key, steps
from runaudit.factors.seedlike import is_loose_number
from runaudit.factors.tree import leaves_of, same
from runaudit.factors.unknowns import is_digest
from runaudit.metrics.heldout import is_held_out
from runaudit.records.canonical import JSON
from runaudit.records.sections import OfSection
from runaudit.records.seednames import ends_in_seed, names_the_seed

LOCATION_KEYS = ("path", "root", "url", "uri", "location", "cache")
_NUMBERS = (int, float, type(None))


def plain_standing(path: str, _value: JSON, _of: Levels) -> Classification:
    """The seed, the evaluation, and sections that this version does not know."""
    section = section_of(path)
    if section == "seed":
        return Classification(role=Role.SEED)
    return Classification(role=Role.EVALUATION if section == "eval" else Role.TREATMENT)


def config_standing(path: str, value: JSON, of: Levels) -> Classification:
    """A setting: a choice, unless the record shows that it repeats, names or places something."""
    key = last_key(path)
    if ends_in_seed(key) and not isinstance(value, Mapping):
        if same(value, of.tree.get("seed", ABSENT)):
            return Classification(kind=ChangeClass.DERIVED, why="it is the run's seed", follows="seed")
        # Of a rarer name nobody knows what it seeds: a split of the data, say.
        if names_the_seed(key) and key in SEED_KEYS:
            return Classification(role=Role.SEED)
    if is_loose_number(path, value) and same(value, of.tree.get("seed", ABSENT)):
        return Classification(kind=ChangeClass.DERIVED, why="it is the run's seed", follows="seed")
    if why := bookkeeping(path, value, of):
        return Classification(kind=ChangeClass.NUISANCE, why=why)
    if (device := which_one(key, value, of)) is not None:
        return device
    if isinstance(value, str) and (stands_for := _text(key, value, of)):
        return stands_for
    recorded = of.tree.get("eval")
    if isinstance(recorded, Mapping) and key in recorded and same(value, recorded[key]):
        return Classification(kind=ChangeClass.DERIVED, why=f"it is eval.{key}", follows=f"eval.{key}")
    if _is_within_evaluation(path) and key not in known.NOT_EVALUATION:
        return Classification(role=Role.EVALUATION)
    return Classification()


def _by_name(config: JSON) -> tuple[Mapping[str, JSON], Sequence[tuple[str, JSON]]]:
    leaves = tuple(leaves_of(config, "config"))
    plain = {path: value for path, value in leaves if isinstance(value, _NUMBERS) and not _needs_evidence(path)}
    return plain, tuple((path, value) for path, value in leaves if path not in plain)


choices_by_name = OfSection(_by_name)
"""The leaves of a config in two parts: those that are treatments by their names alone, for no evidence is asked for a
number of such a name, unless it repeats a leaf of the evaluation or a policy speaks of it; and all others."""


@lru_cache(maxsize=65536)
def _needs_evidence(path: str) -> bool:
    return (
        ends_in_seed(last_key(path))
        or may_be_bookkeeping(path)
        or last_key(path).lstrip("\0").lower() in NUMBERED
        or _is_within_evaluation(path)
        or path.startswith(ROOT)
    )


@lru_cache(maxsize=65536)
def _is_within_evaluation(path: str) -> bool:
    return bool({str(step).lower() for step in steps(path)[1:-1]} & known.EVALUATION_KEYS)


def _text(key: str, value: str, of: Levels) -> Classification | None:
    """Text that only points at something that is judged by itself."""
    if place := in_run_folder(key, value, of):
        return Classification(value=place, why="it lies in the run's own folder")
    if is_trackers_folder(key, value, of):
        return Classification(kind=ChangeClass.NUISANCE, why=WHERE_IT_WRITES)
    if name := own_name(key, value, of):
        return Classification(value=name, why=OWN)
    if place := in_own_place(key, value, of):
        return Classification(value=place, why=WHERE_IT_WRITES)
    if name := data_place(key, value, of):
        return Classification(
            value=f"<data.{name}>", why=f"a place; what lies there is judged by the digest of data.{name}"
        )
    if re.fullmatch(r"cuda(?::\d+)?", value) and equal_devices(of.at("env.gpu")):
        return Classification(value="cuda", why="which of several equal devices; the GPU is judged by env.gpu")
    return None


def data_standing(path: str, value: JSON, of: Levels) -> Classification:
    """A fact of a data set: a place counts by its content, a copy of a setting follows it."""
    keys = steps(path)
    if len(keys) == 3 and keys[2] in LOCATION_KEYS and has_digest(of.at(joined("data", str(keys[1])))):
        return Classification(kind=ChangeClass.NUISANCE, why="a place; data is judged by its digest")
    if is_measured_on(keys, value, of):
        return Classification(role=Role.EVALUATION)
    if len(keys) == 3 and keys[2] != "digest" and (source := _in_config(str(keys[2]), value, of)):
        return Classification(kind=ChangeClass.DERIVED, why=f"it is {source}", follows=source)
    return Classification()


def is_measured_on(keys: Sequence[str | int], value: JSON, of: Levels) -> bool:
    """Whether results are measured on this data: the record says so, or its name does."""
    if len(keys) < 2:
        return isinstance(value, Mapping) and any(is_measured_on(("data", name), None, of) for name in value)
    name = str(keys[1])
    declared = of.at("eval.dataset")
    named = declared if isinstance(declared, list | tuple) else [declared]
    place = of.at(joined(joined("data", name), "path"))
    purpose = of.at(joined(joined("data", name), "context"))  # what a tracker was told that the data are for
    return (
        is_held_out(name)
        or (isinstance(purpose, str) and is_held_out(purpose))
        or (isinstance(place, str) and of.is_held_out_place(place))
        or any(isinstance(word, str) and word and word in (name, f"data.{name}", place) for word in named)
    )


def _in_config(key: str, value: JSON, of: Levels) -> str | None:
    """The config leaf that a fact of a data set repeats: choosing it once must not count twice."""
    if "config" not in of.tree:
        return None
    return next(
        (p for p, leaf in leaves_of(of.tree["config"], "config") if last_key(p) == key and same(leaf, value)), None
    )


def init_standing(path: str, _value: JSON, of: Levels) -> Classification:
    """Where the run began: a checkpoint counts by its digest, whoever made it."""
    key = last_key(path)
    known_start = of.at("init.kind") == "random" or is_digest(of.at("init.checkpoint"))
    if key in LOCATION_KEYS and known_start:
        return Classification(kind=ChangeClass.NUISANCE, why="a place; a checkpoint is judged by its digest")
    if key == "parent" and known_start:
        return Classification(kind=ChangeClass.DERIVED, why="the parent's checkpoint is judged by its digest",
                        follows="init.checkpoint")  # fmt: skip
    return Classification()


def _in_tree(program: str, of: Levels) -> str:
    """A script as its work tree names it: two trees hold one script, `exp/a/train.py` and `exp/b/train.py` are two."""
    for above in (of.at("code.root"), of.cwd):
        if isinstance(above, str) and above and under(program, above):
            return posixpath.relpath(program, above)
    return posixpath.normpath(program)


_FOLDER, _ALONE = ".dir", "its files without what Python compiled of them"
"""How DVC ends the digest of a folder."""


def _without_bytecode(path: str, digest: str, of: Levels) -> str:
    """The digest of a folder of sources without bytecode, where its importer could tell it; else the one it has."""
    told, name = of.run.manifest.section("origin").get("sources_alone"), steps(path)[2:]
    found = told.get(name[0]) if isinstance(told, Mapping) and name else None
    return found if isinstance(found, str) else digest


def code_standing(path: str, value: JSON, of: Levels) -> Classification:
    """Facts about the code beside its files. Files themselves are judged by `code`."""
    if path == "code":
        return Classification()
    if of.files_judged:
        return Classification(kind=ChangeClass.NUISANCE, why="every source file is compared by itself")
    if steps(path)[1:2] == ("sources",) and of.files is not None and steps(path)[2:3] and steps(path)[2] in of.files:
        return Classification(kind=ChangeClass.NUISANCE, why="the tracker's digest of a file that is compared itself")
    if steps(path)[1:2] == ("sources",) and isinstance(value, str) and value.endswith(_FOLDER):
        return Classification(value=_without_bytecode(path, value, of), why=_ALONE)
    if path == "code.dirty":
        return Classification(kind=ChangeClass.DERIVED, why="it says whether there is a patch", follows="code.patch")
    if path == "code.patch" and (text := patch_text(of.run, value)):
        if is_idle(text):
            return Classification(value=None, why=NEVER_RUN)  # It counts as no patch at all.
        return Classification(value=patch_digest(text), why="a patch counts by its text, whichever secrets it held")
    if path == "code.program" and isinstance(value, str):
        return Classification(value=_in_tree(value, of), why="the script, wherever the work tree lay")
    if last_key(path) in known.CODE_PLACES or steps(path)[1] in known.CODE_PLACES:
        return Classification(kind=ChangeClass.NUISANCE, why="it says where the code lay, not what it was")
    return Classification()
