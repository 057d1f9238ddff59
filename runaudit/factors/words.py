"""What a word of the command line, or a variable that was looked up, stands for.

A word is a choice. It is excused only by what is known of the run it belongs to: the word is the run's seed, it repeats
a config leaf, it is a place whose content is judged by itself, or a place that the run only wrote to.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from runaudit.factors import builtin as known
from runaudit.factors.config_source import is_the_config
from runaudit.factors.devices import which_one
from runaudit.factors.evidence import WHERE_IT_WRITES, data_place, is_trackers_folder
from runaudit.factors.factor import Absent, ChangeClass, Classification, Role
from runaudit.factors.following import are_named_alike, is_its_leaf, last_said
from runaudit.factors.levels import SEED_KEYS, Levels
from runaudit.factors.marks import without_secrets
from runaudit.factors.namewords import words
from runaudit.factors.ownname import OWN, own_name
from runaudit.factors.path import last_key, steps
from runaudit.factors.tree import same
from runaudit.records.canonical import JSON, canonical_bytes
from runaudit.records.digest import digest_bytes
from runaudit.records.manifest import SEED_PLACE

WRITTEN_TO = "a place that the run only wrote to"
CALLS_WHAT_IT_WROTE = "it is how the run's files are called; nothing was read by that name"
MEETING = frozenset({"master_port", "master_addr", "rdzv_id", "rdzv_endpoint", "main_process_port",
                     "main_process_ip"})  # fmt: skip
"""Options of the launchers that say where the ranks find each other."""


def word_standing(path: str, value: JSON, of: Levels) -> Classification:
    """What one leaf of the command line stands for in this run."""
    # `--fold {seed}`: whoever launched it made the seed of it.
    if path == of.seed_word or of.by_seed.get(path) == SEED_PLACE:
        return Classification(kind=ChangeClass.DERIVED, why="it is the run's seed", follows="seed")
    if isinstance(value, str) and (name := data_place(last_key(path), value, of)):
        return Classification(value=f"<data.{name}>", why=_judged_by(f"data.{name}"))
    if (leaf := of.repeats.get(path)) is not None:
        return Classification(kind=ChangeClass.DERIVED, why=f"it is {leaf}", follows=leaf)
    if names_a_seed(path) and not isinstance(value, Mapping):
        return Classification(role=Role.SEED, why="it is named like a seed, and is not the declared one")
    keys = steps(path)
    if len(keys) == 4 and keys[2] == "launcher" and str(keys[3]).lstrip("-") in MEETING:
        return Classification(kind=ChangeClass.NUISANCE, why="it says where the ranks of this launch find each other")
    if (device := which_one(last_key(path), value, of)) is not None:
        return device
    if isinstance(value, list):
        return _list(value, of)
    if not isinstance(value, str):
        return Classification()
    found = text_standing(value, of, named=last_key(path))
    if found == Classification():
        if path in of.scope.outputs:
            return Classification(kind=ChangeClass.NUISANCE, why="a place that the run broke off before it wrote to")
        if (written := of.by_seed.get(path)) is not None:
            return Classification(value=written, why="the run's seed stands in it, put there by the launch")
    return found


def is_output(path: str, of: Levels) -> bool:
    """Whether a word is a place that the run only wrote to."""
    value = of.at(path)
    return isinstance(value, str) and word_standing(path, value, of).why == WRITTEN_TO


def names_a_seed(path: str) -> bool:
    """Whether an option bears the name of a seed."""
    return last_key(path).rpartition(".")[2].lower() in SEED_KEYS


def _list(values: list[Any], of: Levels) -> Classification:
    """Several values of one option count together."""
    stands = [text_standing(value, of) if isinstance(value, str) else Classification() for value in values]
    if all(one.kind is ChangeClass.NUISANCE for one in stands):
        return stands[0]
    counts = [value if isinstance(one.value, type(Classification().value)) else one.value
              for value, one in zip(values, stands, strict=True)]  # fmt: skip
    if counts == values:
        return Classification()
    return Classification(value=counts, why="places; what lies there is judged by itself")


def text_standing(value: str, of: Levels, *, named: str = "") -> Classification:
    """What a text stands for that may be a place, or the run's own name where the option says that it names the run.

    `--optimizer adam` of a run that is labelled adam is a choice all the same.
    """
    manifest = of.run.manifest
    if (open_to_all := without_secrets(value, named)) != value:
        return Classification(value=open_to_all, why="a secret; that it was given is what counts")
    if manifest.label and value == manifest.label and named.lower().replace("-", "_") in known.NAMING_KEYS:
        return Classification(kind=ChangeClass.NUISANCE, why="it is the run's label")
    if _names_parent(value, of, named):
        return Classification(
            kind=ChangeClass.DERIVED, why="it names the run that this one began from", follows="init.parent"
        )
    place = posixpath.normpath(value) if value else ""
    run_dir = manifest.section("launch").get("run_dir")
    if isinstance(run_dir, str) and run_dir and _within(place, posixpath.normpath(run_dir)):
        return Classification(kind=ChangeClass.NUISANCE, why="it lies in the run's own folder")
    if name := _data_set(place, of) or _start_at(place, of):
        return Classification(value=f"<{name}>", why=_judged_by(name))
    if is_trackers_folder(named, place, of):
        return Classification(kind=ChangeClass.NUISANCE, why=WHERE_IT_WRITES)
    if _is_config_file(place, of):
        return Classification(kind=ChangeClass.DERIVED, follows="config", why=known.SETTINGS)
    if content := content_at(place, of):
        return Classification(value=content, why="a place; what lies there is judged by its content")
    if why := WRITTEN_TO if _written(place, of) else _calls_what_it_wrote(value, of, named):
        return Classification(kind=ChangeClass.NUISANCE, why=why)
    if marked := own_name(named, value, of):
        return Classification(value=marked, why=OWN)
    return Classification()


def _judged_by(name: str) -> str:
    return f"a place; what lies there is judged by the digest of {name}"


def _names_parent(value: str, of: Levels, named: str) -> bool:
    """Whether a word is one that names a run, and that run is the one which this one began from: its id, `@last`; of a
    run that resumed another, whatever stands behind `--resume`, for the record says which one that led to."""
    init = of.run.manifest.section("init")
    parent = init.get("parent")
    if not isinstance(parent, str) or not parent:
        return False
    if named == "resume" and init.get("kind") == "resume":
        return True
    return (len(value) >= 4 and parent.startswith(value)) or bool(re.fullmatch(r"@last(?:~\d+)?", value))


def _start_at(place: str, of: Levels) -> str | None:
    """The checkpoint with a digest that the run began with, where it lies just there."""
    init = of.run.manifest.section("init")
    where = init.get("path")
    is_there = isinstance(where, str) and where and {*candidates(where, of)} == {*candidates(place, of)}
    return "init.checkpoint" if is_there and init.get("checkpoint") else None


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _data_set(place: str, of: Levels) -> str | None:
    """The data set with a digest that lies just there."""
    here = set(candidates(place, of))
    for name, entry in of.run.manifest.section("data").items():
        where = entry.get("path") if isinstance(entry, Mapping) else None
        if isinstance(where, str) and where and entry.get("digest") and here.intersection(candidates(where, of)):
            return f"data.{name}"
    return None


def _is_config_file(place: str, of: Levels) -> bool:
    """Whether the config in the record was read from the file at this place."""
    files = set(map(str, of.run.manifest.section("launch").get("config_files") or ()))
    if of.observed is not None:
        files |= {path for path, row in of.observed.reads.items() if row.declared == "config"}
    if not of.tree.get("config"):
        return False
    sealed = of.files or {}
    return any(name in files or (name.endswith(known.SETTING_SUFFIXES) and name in sealed
                                 and is_the_config(name, sealed[name], of)) for name in _names(place, of))  # fmt: skip


def candidates(place: str, of: Levels) -> Iterator[str]:
    """A place as a record may name it: absolute, and relative to the folder the program ran in."""
    place = posixpath.normpath(place)
    yield place if place.startswith("/") or not of.cwd else posixpath.normpath(posixpath.join(of.cwd, place))


def _names(place: str, of: Levels) -> Iterator[str]:
    """The paths under which a record may list a place: as it is, then relative to ever higher folders."""
    (there,) = candidates(place, of)
    yield there
    if there.startswith("/"):
        parts = PurePosixPath(there).parts[1:]
        yield from ("/".join(parts[at:]) for at in range(len(parts)))


def content_at(place: str, of: Levels) -> str | None:
    """The digest of what a run read at a place; of a folder, that of all it read there. None where that is not known:
    a folder of a run that was not fully observed may hold more than was seen."""
    known = of.contents
    for name in _names(place, of):
        if name in known:
            return known[name]
        if of.observed is not None and of.observed.excuses("read"):
            below = sorted((path.removeprefix(name + "/"), digest) for path, digest in known.items()
                           if path.startswith(name + "/"))  # fmt: skip
            if below and any(_within(path, name) for path in of.observed.reads):
                return str(digest_bytes(canonical_bytes(below)))
    return None


def _written(place: str, of: Levels) -> bool:
    if of.observed is None or not of.observed.written:
        return False
    names = [name for name in _names(place, of) if name not in ("", ".")]
    return any(_within(path, name) for path in of.observed.written for name in names)


_OF_OUTPUT = frozenset({"out", "output", "outdir", "name", "prefix", "dir", "file", "folder"})
"""Words of which the name of an option consists that says what the run writes and chooses nothing besides. One that
says `save` may choose what is kept: `--save best`."""


def _calls_what_it_wrote(value: str, of: Levels, named: str) -> str:
    """Why an option that names the run, or its output, and chooses nothing by its name, only says how what the run
    wrote is called: `--run-name big1` of one that wrote `results/big1/model.bin`; empty where it does not. What is read
    by that name is an input."""
    key = named.lower().lstrip("-").replace("-", "_")
    found = set(words(key))
    is_name = key in known.SURE_NAMING_KEYS or (found <= _OF_OUTPUT and found & {"out", "output", "outdir"})
    if not key or not value or not is_name or of.observed is None or not of.observed.excuses("read"):
        return ""
    called = re.compile(rf"(?<![A-Za-z0-9]){re.escape(value)}(?![A-Za-z0-9])")
    read = (path for path, row in of.observed.reads.items() if row.group != "code")
    is_output = any(map(called.search, of.observed.written)) and not any(map(called.search, read))
    return CALLS_WHAT_IT_WROTE if is_output else ""


def repeated(path: str, values: list[JSON], runs: tuple[Levels, ...]) -> str | None:
    """The config leaf that a word of the command line repeats in every one of these runs: one of its name, or, for a
    word without a name, one of its value."""
    for leaf in runs[0].config_leaves:
        if steps(path)[2:3] != ("positional",) and not _is_called(leaf, path):
            continue
        if all(same(of.at(leaf), value) for of, value in zip(runs, values, strict=True)):
            return leaf
    return _said_last(path, values, runs)


def _said_last(path: str, values: Sequence[JSON], runs: tuple[Levels, ...]) -> str | None:
    """The leaf of its name that an option sets which was given several times, and that moved with the last of them."""
    last = [last_said(value) for value in values]
    if not any(isinstance(value, list) for value in values) or all(same(last[0], value) for value in last):
        return None
    return next((leaf for leaf in runs[0].config_leaves if is_its_leaf(leaf, path)
                 and all(same(of.at(leaf), value) for of, value in zip(runs, last, strict=True))), None)  # fmt: skip


def set_by(path: str, values: Sequence[JSON | Absent], runs: tuple[Levels, ...]) -> str | None:
    """The config leaf that a word sets which only some of these runs have: one with the word's value in each of these,
    and another in all that left it at its default. It has the word's name, or is the one leaf that moved so and the
    names have to do with each other (`--lr` and `learning_rate`). A leaf that stands as it is without the word was read
    from elsewhere, and what the word did is not known."""
    moved = [leaf for leaf in runs[0].config_leaves if _moved_with(leaf, values, runs)]
    named = next((leaf for leaf in moved if _is_called(leaf, path)), None)
    alone = moved[0] if len(moved) == 1 and are_named_alike(path, moved[0]) else None
    return named or alone


def _moved_with(leaf: str, values: Sequence[JSON | Absent], runs: tuple[Levels, ...]) -> bool:
    typed = {canonical_bytes(value): value for value in values if not isinstance(value, Absent)}.values()
    for of, value in zip(runs, values, strict=True):
        level = of.at(leaf)
        if isinstance(level, Absent) or not (
            not any(same(level, other) for other in typed) if isinstance(value, Absent) else same(level, value)
        ):
            return False
    return True


def _is_called(leaf: str, path: str) -> bool:
    """Whether a config leaf has the name of an option."""
    key = last_key(path)
    return last_key(leaf).lower().replace("-", "_") in (key.lower(), key.rpartition(".")[2])
