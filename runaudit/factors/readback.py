"""Whether a run may have read what lies where it writes: it went on from an earlier one, or was no training.

A record of another tracker tells no file that was read. What it tells is the program and the settings: an evaluation
named as such, a resume that was switched on. Of our own runs every file is seen, and judged by its content.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from runaudit.factors import builtin as known
from runaudit.factors.namewords import words
from runaudit.factors.path import steps
from runaudit.factors.tree import leaves_of
from runaudit.records.canonical import JSON
from runaudit.records.sections import OfSection

if TYPE_CHECKING:
    from runaudit.factors.levels import Levels

_OFF = ("", "none", "null", "false", "no", "off", "0", "never")
_TRAINING = "train"


def may_read_back(of: "Levels") -> bool:
    """Whether something in the record of a run that nobody observed says that it read where it writes."""
    if of.observed is not None:
        return False
    program = of.run.manifest.section("code").get("program")
    return (isinstance(program, str) and _is_reading(program)) or _of_config(of.tree.get("config"))


@lru_cache(maxsize=1024)
def _is_reading(program: str) -> bool:
    """`src/enjoy.py`, `-m tool.evaluate`; not `train_test_split.py`, which trains as well."""
    name = PurePosixPath(program.replace("\\", "/")).name.removesuffix(".py").rpartition(".")[2]
    found = set(words(name))
    return bool(found & known.READING_PROGRAMS) and _TRAINING not in found


def _reads_back(config: JSON) -> bool:
    if not isinstance(config, Mapping):
        return False
    leaves = [(str(steps(path)[-1]), value) for path, value in leaves_of(config, "config")]
    flags = {key.lower().lstrip("-"): _is_on(value) for key, value in leaves}
    if any(flags.get(f"do_{what}") for what in ("eval", "predict")) and not flags.get("do_train", False):
        return True
    return any(_goes_on(key.lower().lstrip("-"), value) for key, value in leaves)


_of_config = OfSection(_reads_back)


def _goes_on(key: str, value: JSON) -> bool:
    """Whether one setting says so."""
    found = set(words(key))
    if key in known.MODE_KEYS and isinstance(value, str):
        return bool(set(words(value)) & known.READING_PROGRAMS)
    if not _is_on(value):
        return False
    if _begins_later(key, found, value):
        return True
    if found & known.GOING_ON_WORDS and not found & known.NOT_GOING_ON:
        return True
    is_only = "only" in found and bool(found & known.READING_PROGRAMS)
    return is_only or (value is True and bool(found) and found <= known.READING_FLAGS)


def _begins_later(key: str, found: set[str], value: JSON) -> bool:
    """Whether one setting says that the training begins where an earlier one stopped: at a later epoch, from what was
    written last, or by a switch."""
    if isinstance(value, str) and found & known.BEGINNING_WORDS:
        return value.strip().lower() in known.GOING_ON_VALUES
    is_counted = isinstance(value, int) and not isinstance(value, bool)
    if is_counted or (isinstance(value, str) and value.isdigit()):
        return len(found) == 2 and bool(found & known.FIRST_WORDS) and bool(found & known.CLOCK_WORDS)
    return value is True and key.replace("-", "_") in known.GOING_ON_FLAGS


def _is_on(value: JSON) -> bool:
    return value.strip().lower() not in _OFF if isinstance(value, str) else bool(value)
