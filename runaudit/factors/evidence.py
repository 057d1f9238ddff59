"""What in a record excuses a config leaf: the value is the run's own label, folder, host or start, or its data's place.

A key's name only says what evidence to look for. A value that the record does not confirm is a choice, as any other is:
`teacher.run_id` names another run, and `relu` is no folder because data happens to lie under one of that name.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping, Set
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from runaudit.factors import builtin as known
from runaudit.factors.namewords import words
from runaudit.factors.path import steps
from runaudit.factors.readback import may_read_back
from runaudit.factors.starts import is_time_of_start
from runaudit.factors.tree import leaves_of
from runaudit.factors.unknowns import is_digest
from runaudit.records.canonical import JSON
from runaudit.records.kernelfile import NOTEBOOK, is_connection_file
from runaudit.records.sections import OfSection

if TYPE_CHECKING:
    from runaudit.factors.levels import Levels

WHERE_IT_WRITES = "it is where the run writes"
_BOOKKEEPING = frozenset().union(known.PLACE_KEYS, known.HOST_KEYS, known.TRACKER_KEYS, known.NAMING_KEYS,
                                 known.SHORT_NAMING_KEYS, known.TIME_KEYS, known.CALLED_KEYS)  # fmt: skip


_LOGGERS = frozenset({"logger", "loggers", "trainer", "init_args", "csv", "tensorboard"})
"""Tables that tell of a logger of Lightning's, and those that its command line puts around them."""


def bookkeeping(path: str, value: JSON, of: "Levels") -> str:
    """Why a config leaf only names, dates or places the run; empty where nothing in the record says so."""
    keys = _keys(path)
    if not keys:
        return ""
    key, nested, above = keys[-1], len(keys) > 1, frozenset(keys[:-1])
    if keys[0] == "args" and key.startswith("hydra"):
        return _to_hydra(key, value, of)
    if key in known.PLACE_KEYS or (key == "dir" and nested and above <= known.WRITING_TABLES):
        if not (isinstance(value, str) and value and above <= known.RUN_TABLES | known.TRAINING_TABLES):
            return ""
        reads = value.endswith(known.WEIGHT_SUFFIXES) or holds_data(value, of) or may_read_back(of)
        return "" if reads else WHERE_IT_WRITES
    if above <= known.RUN_TABLES | {"args"} and (why := _of_this_run(key, value, of)):
        return why
    if key == "version" and _is_own_version(above, value, of):
        return "it is the number of the run's own folder"
    if not above <= known.RUN_TABLES:
        return ""
    if key in known.HOST_KEYS:
        return "who ran it where; nothing is computed from it"
    if key in known.TRACKER_KEYS and not nested:
        return "it files the run at a tracker"
    if key in known.NAMING_KEYS or (nested and key in known.SHORT_NAMING_KEYS):
        return _naming(key, value, of)
    began = of.began if key in known.TIME_KEYS else None
    return "it is when the run began" if began is not None and is_time_of_start(value, began) else ""


def _of_this_run(key: str, value: JSON, of: "Levels") -> str:
    """Why a leaf tells of this very run by what it holds, in the config or among the words that were typed."""
    if is_connection_file(value) and _is_in_a_notebook(of):
        return "it is where the kernel of the notebook listened"
    return "its tracker calls the run so" if _is_called_so(key, value, of) else ""


def _is_in_a_notebook(of: "Levels") -> bool:
    """Whether the program of a run is a notebook, or none is named, as of what a kernel runs. A script that is handed
    such a file may talk to that kernel."""
    program = of.at("code.program")
    return program.endswith(NOTEBOOK) if isinstance(program, str) else True


def _is_called_so(key: str, value: JSON, of: "Levels") -> bool:
    """Whether a setting repeats the notes that the record of the tracker has of this very run, or a name that the
    tracker drew for it. A name that its user gave it may be what was tried: `--name resnet50` picks a network, and
    calls the run so; it is told with a note."""
    told = called(of).get(known.CALLED_KEYS.get(key, ""))
    if not isinstance(told, str) or not told or told != value:
        return False
    return key != "name" or DRAWN.fullmatch(told) is not None


DRAWN = re.compile(r"[a-z]+-[a-z]+-\d+")
"""A name as W&B draws it for a run that was given none: `brave-sun-12`."""


def called(of: "Levels") -> Mapping[str, object]:
    """What the tracker has of the name of a run, its group and its notes, beside its config."""
    told = of.run.manifest.section("origin").get("called")
    return told if isinstance(told, Mapping) else {}


def _to_hydra(key: str, value: JSON, of: "Levels") -> str:
    """Why a word of the command line is one for Hydra itself, which no job reads."""
    if key in known.HYDRA_PLACES:
        reads = (isinstance(value, str) and holds_data(value, of)) or may_read_back(of)
        return "" if reads else WHERE_IT_WRITES
    is_of_a_start = key.startswith(known.HYDRA_STARTS) and not known.MANY_PROCESSES & set(words(key))
    return "it says how Hydra starts its jobs" if is_of_a_start else ""


def _is_own_version(above: frozenset[str], value: JSON, of: "Levels") -> bool:
    """Whether a logger's version is the number in the name of the folder that Lightning made for this run."""
    is_loggers = not above.isdisjoint(("logger", "loggers")) and all(
        key in known.RUN_TABLES | _LOGGERS or key.isdecimal() for key in above
    )
    if not is_loggers or isinstance(value, bool) or not isinstance(value, int | str):
        return False
    own = {name.rstrip("/").rpartition("/")[2] for name in _names(of, labels=False)}
    return f"version_{value}" in own or (isinstance(value, str) and value.startswith("version_") and value in own)


def _naming(key: str, value: JSON, of: "Levels") -> str:
    """Why a leaf that may name the run does. The label of a run is what its user calls it, and a run is often called by
    what was tried in it: of a key that may say what that is (`experiment: mixup`), only the run's id is a name."""
    if value is None and key in known.SURE_NAMING_KEYS:
        return "the run was given no name"
    names = set(_names(of, labels=key not in known.CHOOSING_KEYS))
    if isinstance(value, str) and value and value in names:
        return "it is the run's own name"
    # Spinning Up and its like write to `ppo/ppo_s3`, and call `ppo` what they file the seeds of one design under.
    is_above = key in known.SURE_NAMING_KEYS and any([value] == folder.split("/")[-2:-1] for folder in _folders(of))
    return "the run's folder lies in one of this name" if is_above else ""


def may_be_bookkeeping(path: str) -> bool:
    """Whether `bookkeeping` looks for evidence where a leaf has this name; it finds none for a number of any other."""
    keys = _keys(path)
    return bool(keys) and (keys[-1] in _BOOKKEEPING or keys[-1] in ("dir", "version"))


@lru_cache(maxsize=65536)
def _keys(path: str) -> tuple[str, ...]:
    """The keys of a config leaf, in small letters."""
    return tuple(str(step).lstrip("\0").lower() for step in steps(path)[1:])


def _names(of: "Levels", *, labels: bool) -> Iterator[str]:
    """What the record calls the run itself: its ids and its folder, and what its user called it."""
    manifest = of.run.manifest
    origin = manifest.section("origin")
    given = origin.get("from")
    tables: tuple[Mapping[str, Any], ...] = (origin, given if isinstance(given, Mapping) else {})
    named = [manifest.body.get("id"), *((manifest.label, manifest.body.get("name")) if labels else ())]
    keys = ("run", "run_id", "id", *(("name",) if labels else ()))
    named += [table.get(key) for table in tables for key in keys]
    folder = _run_dir(of)
    named += [folder, folder.rstrip("/").rpartition("/")[2]] if folder else []
    yield from (name for name in named if isinstance(name, str) and name)


def _run_dir(of: "Levels") -> str:
    folder = of.run.manifest.section("launch").get("run_dir")
    return folder if isinstance(folder, str) else ""


def _folders(of: "Levels") -> Iterator[str]:
    """Where the run wrote, as its record says it, and where an imported one lay."""
    source = str(of.run.manifest.section("origin").get("source") or "").partition(":")[2]
    yield from (folder.rstrip("/") for folder in (_run_dir(of), source) if "/" in folder)


def in_run_folder(key: str, value: str, of: "Levels") -> str:
    """A path in the run's own folder, told from there; empty for any other value, and where a key reads from it."""
    folder = _run_dir(of).rstrip("/")
    if not folder or not under(value, folder):
        return ""
    if value.endswith(known.WEIGHT_SUFFIXES) or (is_read(key) and key not in known.PLACE_KEYS):
        return ""
    return f"<the run's folder>{value[len(folder) :].rstrip('/')}"


def in_own_place(key: str, value: str, of: "Levels") -> str:
    """A path within a folder of which the config says that the run writes there, told from that folder; empty for any
    other value, and where a key may read from it."""
    places = _places(of.tree.get("config")) if "/" in value else ()
    if not places or is_read(key) or set(words(key)) & known.DATA_WORDS or holds_data(value, of):
        return ""
    for path, place in places:
        folder = place.rstrip("/")
        if folder.strip("./") and value.startswith(f"{folder}/") and bookkeeping(path, place, of):
            return f"<where the run writes>{value[len(folder) :].rstrip('/')}"
    return ""


def _folders_of(config: JSON) -> tuple[tuple[str, str], ...]:
    leaves = leaves_of(config, "config") if isinstance(config, Mapping) else ()
    texts = ((path, value) for path, value in leaves if isinstance(value, str) and value)
    return tuple((path, value) for path, value in texts if (keys := _keys(path)) and keys[-1] in known.PLACE_KEYS)


_places = OfSection(_folders_of)
"""The folders of a config that are named as places to write to."""


def is_trackers_folder(key: str, value: str, of: "Levels") -> bool:
    """Whether an output is put where the record says that the tracker put its own: `--out o1`, and `wandb.init(dir=)`
    of the same. Of a folder within it nothing is known, nor under a key that may be read from, or whose word may choose
    something besides: `--exp base`."""
    folder, found = of.run.manifest.section("launch").get("tracker_dir"), set(words(key))
    if not isinstance(folder, str) or found & known.DATA_WORDS or is_read(key):
        return False
    if not found & known.OUTPUT_WORDS or not found & (known.OUTPUT_WORDS - known.EXPERIMENT_WORDS | known.PLACE_WORDS):
        return False
    there = posixpath.normpath(posixpath.join(of.cwd, value))
    return there == posixpath.normpath(folder) and not holds_data(value, of) and not holds_data(there, of)


def is_read(key: str) -> bool:
    """Whether what lies under a key is read. `ckpt_dir` in the run's own folder is where its checkpoints go."""
    found = set(words(key))
    read = found & known.INPUT_WORDS
    return bool(read) and not is_for_weights(found)


def is_for_weights(found: Set[str]) -> bool:
    """Whether the words of a key name a folder in which a run may keep its weights."""
    return bool(found & _KEPT and found & _FOLDERS) and found & known.INPUT_WORDS <= _KEPT and not found & _NOT_KEPT


_KEPT = frozenset({"checkpoint", "ckpt", "model", "weights"})
_FOLDERS = frozenset({"dir", "folder", "directory", "save", "saved", "output", "out"})
_NOT_KEPT = frozenset({"load", "from", "init", "resume", "restore"})


def data_place(key: str, value: str, of: "Levels") -> str:
    """The data set of the record that lies where a value points, if its content is known; empty otherwise.

    The value is the set's whole path, or a folder above it or the end of it under a key that says where data lies; a
    relative one counts from the folder that the program ran in.
    """
    here = posixpath.normpath(posixpath.join(of.cwd, value)) if of.cwd and value else value
    for name, entry in of.run.manifest.section("data").items():
        place = entry.get("path") if isinstance(entry, Mapping) else None
        if isinstance(place, str) and has_digest(entry) and any(_leads_to(key, v, place) for v in {value, here}):
            return name
    return ""


def _leads_to(key: str, value: str, place: str) -> bool:
    value, place = (text.removeprefix("./").rstrip("/") for text in (value, place))
    found = set(words(key))
    is_a_place = bool(found & known.PLACE_WORDS) and not found & (known.INPUT_WORDS - known.DATA_WORDS)
    says_where = is_a_place or ("/" in value and bool(found & known.DATA_WORDS))
    if value == place:
        return bool(value) and ("/" in value or is_a_place)
    if not value or not says_where or not (found & known.DATA_WORDS or found <= known.PLACE_WORDS):
        return False
    return under(place, value) or (not value.startswith("/") and "/" in value and f"/{place}".endswith(f"/{value}"))


def holds_data(value: str, of: "Levels") -> bool:
    """Whether data or weights of the record lie in this place: then it is read from, not only written to."""
    init = of.run.manifest.section("init").get("path")
    data = of.run.manifest.section("data").values()
    places = [init, *(entry.get("path") for entry in data if isinstance(entry, Mapping))]
    return any(isinstance(place, str) and under(place, value.rstrip("/")) for place in places)


def has_digest(entry: object) -> bool:
    """Whether a data set or a checkpoint is known by its content."""
    if not isinstance(entry, Mapping):
        return False
    return is_digest(entry.get("digest"))


def under(value: str, folder: str) -> bool:
    """Whether a path is a folder or lies within it."""
    return value == folder or value.startswith(folder.rstrip("/") + "/")
