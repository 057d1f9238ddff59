"""What a leaf of the environment stands for, and a file that was read and that nobody declared."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import PurePosixPath

from runaudit.factors import builtin as known
from runaudit.factors.factor import Absent, ChangeClass, Classification, Role, section_of
from runaudit.factors.levels import SEED_KEYS, Levels
from runaudit.factors.marks import without_secrets
from runaudit.factors.observed import dist_name
from runaudit.factors.path import lookup, matches, steps
from runaudit.factors.tree import leaves_of
from runaudit.factors.words import text_standing
from runaudit.metrics.heldout import is_held_out
from runaudit.records.canonical import JSON
from runaudit.records.sections import OfSection

LOCALES = frozenset({"LANG", "LC_ALL", "LC_CTYPE", "LC_NUMERIC", "LC_COLLATE", "LC_TIME", "LC_MONETARY", "LC_MESSAGES"})
"""Variables that name a locale, as `setlocale` reads them."""
SAME_LOCALE = {"POSIX": "C"}
"""POSIX.1-2017, 7.2: `POSIX` is the C locale by another name. `C.UTF-8` is not: it knows other letters."""
LAUNCHES = frozenset({"SLURM_JOB_ID", "TORCHELASTIC_RUN_ID"})


def read_standing(path: str, of: Levels) -> Classification:
    """A file that the run opened and nobody declared. Results are measured on it where its name says so, or that of
    the setting that led to it: `--val data/y.csv`."""
    is_measured_on = section_of(path) == "data" and (_is_test_file(path) or of.is_held_out_place(str(steps(path)[-1])))
    return Classification(role=Role.EVALUATION if is_measured_on else Role.TREATMENT)


def _is_test_file(path: str) -> bool:
    """A file is test data by its own name and that of its folder; where the work tree lies says nothing."""
    place = PurePosixPath(str(steps(path)[-1]))
    return is_held_out("/".join(place.parts[-2:] if place.is_absolute() else place.parts))


def env_standing(path: str, value: JSON, of: Levels) -> Classification:
    """What a leaf of the environment stands for."""
    keys = steps(path)
    if path == "env.python" and isinstance(value, str):
        return Classification(
            value=".".join(value.split()[-1].split(".")[:2]), why="a patch release of the same Python"
        )
    if len(keys) == 3 and keys[1] == "packages":
        return _package(str(keys[2]), value, of.at)
    if len(keys) == 3 and keys[1] == "variables":
        return _variable(str(keys[2]), value, of)
    if path == "env.imported":
        return Classification(kind=ChangeClass.NUISANCE, why="it says which packages count; those are compared")
    if path in known.GPU_SOFTWARE and of.at("env.gpu") is None:
        return Classification(kind=ChangeClass.NUISANCE, why="there was no GPU to use it")
    if path == "env.platform" and isinstance(value, str) and _on_gpu(of):
        return Classification(value=_system(value), why="a version of the system; the numbers are computed on the GPU")
    if any(matches(path, name) for name in (*known.HARDWARE[2:], "env.threads")) and _on_gpu(of):
        return Classification(kind=ChangeClass.NUISANCE, why="the numbers are computed on the GPU")
    if path in known.WHO_AND_WHERE:
        return Classification(kind=ChangeClass.NUISANCE, why="who ran it where; nothing is computed from it")
    return Classification()


def _system(platform: str) -> str:
    """The kind of system, without its version: it decides in which order files are listed, and which libraries there
    are."""
    word = re.split(r"[^a-z]", platform.strip().lower(), maxsplit=1)[0]
    return {"darwin": "macos", "osx": "macos", "win": "windows"}.get(word, word) or platform


def _variable(name: str, value: JSON, of: Levels) -> Classification:
    """A variable that was set, or looked up. One that project code looked up is an argument by another way."""
    if name == "PYTHONHASHSEED":
        return Classification(role=Role.SEED)
    if name.startswith("RUNAUDIT_"):
        return Classification(kind=ChangeClass.NUISANCE, why="runaudit's own")
    looked_up = of.observed is not None and name in of.observed.looked_up
    if not looked_up and name in LOCALES and isinstance(value, str):
        return Classification(value=SAME_LOCALE.get(value, value), why="C and POSIX are one locale")
    if not looked_up and (why := _idle(name, of)):
        return Classification(kind=ChangeClass.NUISANCE, why=why)
    if not looked_up or not isinstance(value, str):
        return Classification()
    if name in known.DEVICE_VARIABLES and of.at("env.gpu"):
        count = len([device for device in value.split(",") if device.strip()])
        return Classification(value=count, why="which of several equal devices; the GPU is judged by env.gpu")
    if name.lower() in SEED_KEYS:
        if value == str(of.at("seed")):
            return Classification(kind=ChangeClass.DERIVED, why="it is the run's seed", follows="seed")
        return Classification(role=Role.SEED)
    if name in LAUNCHES and of.run.manifest.section("launch").get("job", {}).get(name) == value:
        return Classification(kind=ChangeClass.NUISANCE, why="the number of this launch in the queue")
    return text_standing(value, of)


def _idle(name: str, of: Levels) -> str:
    """Why a variable cannot have mattered in this run; empty where nothing in the record says so."""
    if name in known.IDLE_VARIABLES and not _tries_kernels(of):
        return "it says how memory is cut and when a kernel is waited for"
    if name in known.ASKING_VARIABLES and not isinstance(of.at("env.gpu"), Absent):
        return "it says how one asks for a GPU; what there was is env.gpu"
    if name in known.DEVICE_VARIABLES and not isinstance(of.at("env.gpu"), Absent):
        return "it chooses among devices; what was chosen is env.gpu and env.gpu_count"
    if name in known.THREAD_VARIABLES and _on_gpu(of):
        return "the numbers are computed on the GPU"
    return ""


def _on_gpu(of: Levels) -> bool:
    """Whether the numbers come from the GPU. One that stands in the machine computes nothing by itself: the program
    must be able to reach it, and must not have been told to stay on the processor."""
    if not of.at("env.gpu"):
        return False
    imported = of.at("env.imported")
    if isinstance(imported, list) and known.GPU_LIBRARIES.isdisjoint(map(dist_name, imported)):
        return False
    seen = of.observed
    if seen and not of.broke_off and seen.excuses("imported") and known.GPU_LIBRARIES.isdisjoint(seen.imported):
        return False
    told = (of.at(path) for path in of.config_leaves if steps(path)[-1] in known.DEVICE_KEYS)
    return not any(isinstance(device, str) and device.lower().startswith("cpu") for device in told)


def _tries_kernels(of: Levels) -> bool:
    """Whether cuDNN may have chosen among kernels by what fits in memory: on a GPU where nothing says it did not."""
    switches = of.at("env.determinism")
    off = isinstance(switches, Mapping) and False in (switches.get("cudnn_benchmark"), switches.get("benchmark"))
    return not off and of.at("env.gpu") is not None


_COUNTS_BY_ITSELF = frozenset(known.NUMERICS) - frozenset(known.GPU_SOFTWARE)
"""Software of an environment that is a factor wherever it differs."""


def _package(name: str, value: JSON, at: Callable[[str], JSON | Absent]) -> Classification:
    """What a package stands for in the environment of which `at` gives the leaves."""
    name = dist_name(name)
    if name == "runaudit":
        return Classification(kind=ChangeClass.NUISANCE, why="the observer")
    imported = at("env.imported")
    if isinstance(imported, list) and name not in set(map(dist_name, imported)):
        return Classification(kind=ChangeClass.NUISANCE, why="a package that the run did not import")
    # What it follows must count in its place: a package that is called like the host would be excused with the host.
    twin = at(f"env.{name}") if f"env.{name}" in _COUNTS_BY_ITSELF else None
    if isinstance(twin, str) and isinstance(value, str) and twin.split("+")[0] == value.split("+")[0]:
        return Classification(kind=ChangeClass.DERIVED, why=f"it is env.{name}", follows=f"env.{name}")
    return Classification()


def _by_word(env: JSON) -> tuple[Mapping[str, str], Sequence[tuple[str, JSON]]]:
    packages = env.get("packages") if isinstance(env, Mapping) else None
    found = leaves_of(packages, "env.packages") if isinstance(packages, Mapping) else ()
    counted = {
        path: version
        for path, version in found
        if isinstance(version, str) and len(keys := steps(path)) == 3
        and without_secrets(version, str(keys[2])) == version  # As `standing` asks it: a name may tell a secret.
        and _package(str(keys[2]), version, partial(lookup, {"env": env})) == Classification()
    }  # fmt: skip
    return counted, tuple((path, value) for path, value in leaves_of(env, "env") if path not in counted)


packages_by_word = OfSection(_by_word)
"""The leaves of an environment in two parts: path -> version of the packages that count by its word alone, whatever
else is in the record; and all others."""
