"""What may be a part of the measure by its name, where no record says what computes the metric.

A record holds all code and all settings of a run and seldom says which of them results are measured by. `--test-subset`
and `evaluate.py` say it by their names, `score` and `validation` may mean something else. Whether a name is right no
record tells; where it is, results and rulers cannot be told apart.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from itertools import pairwise
from pathlib import PurePosixPath

from runaudit.factors import builtin
from runaudit.factors.config_source import settings_in
from runaudit.factors.documents import text_of
from runaudit.factors.factor import section_of
from runaudit.factors.levels import Levels
from runaudit.factors.namewords import words
from runaudit.factors.path import last_key, words_along
from runaudit.factors.tree import differences, keyed
from runaudit.metrics.heldout import is_held_out
from runaudit.records.run import Run
from runaudit.settings import FactorSettings
from runaudit.text.words import head

POLICY = "[factors] evaluation"
"""Where the policy says what measures."""

_PLAIN_FILES = frozenset({"eval", "evals", "evaluate", "evaluation", "evaluator", "evaluators", "evaluating", "metric",
                          "metrics"})  # fmt: skip
"""Words that say of a file that it measures."""
_FILES = builtin.MEASURING_WORDS | _PLAIN_FILES | {"scores", "scoring", "validate", "validator", "benchmark"}
"""These and those that may say it: a network has a score, a loader validates its rows."""
_FILLERS = frozenset({"compute", "run", "do", "my", "model", "models", "utils", "util", "helpers", "helper", "lib",
                      "common", "base", "main", "functions", "fn", "step", "loop", "epoch", "and"})  # fmt: skip
"""Words that leave such a name what it is: `compute_metrics.py`, and not `score_matching.py`."""
_TRAINING = frozenset({"train", "training", "trained", "fit"})


def is_declared(settings: FactorSettings, runs: Iterable[Run]) -> bool:
    """Whether it is on record what measures these runs, or the policy says it."""
    return bool(settings.evaluation) or all("code_digest" in run.manifest.section("eval") for run in runs)


def is_called_after_a_measure(path: str, *, plainly: bool = False) -> bool:
    """Whether a file of the code is called after a measure. plainly: by a word that means nothing else."""
    section, _, name = path.partition(".")
    if section != "code" or not name.endswith(".py"):
        return False
    file = PurePosixPath(name)
    parts = [{word for word in words(part) if not word.isdigit()} for part in (*file.parent.parts, file.stem)]
    wanted = _PLAIN_FILES if plainly else _FILES
    return any(wanted & part and part <= _FILES | _FILLERS and not _is_a_network(part) for part in parts)


def _is_a_network(part: Set[str]) -> bool:
    """Whether a name is of the network of a score-based model: `score_model.py`, `score_fn.py`."""
    return part & _FILES <= {"score", "scores"} and bool(part & {"model", "models", "fn", "functions", "base"})


def may_say_how_it_is_measured(path: str, *, plainly: bool = False) -> bool:
    """Whether a setting is called after the measure, and not after when or how fast it is taken. plainly: by a word of
    what is held out."""
    # `train_val` is what is trained on, whatever else is in it.
    is_of_training = plainly and not _TRAINING.isdisjoint(words(last_key(path)))
    return section_of(path) == "config" and not is_of_training and _is_of_a_measure(words_along(path), plainly=plainly)


def _is_of_a_measure(found: Sequence[str], *, plainly: bool) -> bool:
    wanted = builtin.EVALUATION_KEYS if plainly else builtin.MEASURING_WORDS
    is_meant = any(word in wanted or is_held_out(word) for word in found)
    return is_meant and builtin.NOT_EVALUATION.isdisjoint((*found, *map("_".join, pairwise(found))))


def doubts(paths: Iterable[str], sides: Sequence[Levels]) -> Mapping[str, str]:
    """Of what differs among these runs, what may be a part of the measure by its name: path -> how it is told. A file
    that may be called after something else is none where one that plainly measures is in use by all and the same."""
    found = {}
    for path in paths:
        is_plain = is_called_after_a_measure(path, plainly=True) or may_say_how_it_is_measured(path, plainly=True)
        if is_plain or (is_called_after_a_measure(path) and not measures_in_use(sides)):
            found[path] = path
        elif keys := _settings_within(path, sides):
            found[path] = f"{keys[0]} of {path}"
    return found


def in_words(found: Mapping[str, str]) -> str:
    """What is doubtful about these, with what the policy can say of it."""
    files = [told for path, told in found.items() if told == path and section_of(path) == "code"]
    told = (f"{head(files)} may compute the metric" if files else
            f"{head([*found.values()])} may say how or on what is measured")  # fmt: skip
    return f"{told}, and no record says what does; {remedy([*files, *found][0])}"


def remedy(named: str) -> str:
    """How the policy says what measures, by the example of a path."""
    return f'the policy can say which files and settings measure, and then no other does: {POLICY} = ["{named}"]'


def _settings_within(path: str, sides: Sequence[Levels]) -> list[str]:
    """The settings, plainly of what is held out, in which a file of settings among the code differs: `eval.crop` of
    `code.settings.json`. Nothing where a text is not kept."""
    name = path.partition(".")[2]
    if section_of(path) != "code" or not name.endswith(builtin.SETTING_SUFFIXES):
        return []
    runs = {digest: of.run for of in sides if (digest := (of.files or {}).get(name)) is not None}
    first, *others = [keyed(settings_in(name, text_of(run, digest))) for digest, run in runs.items()] or [None]
    moved = dict.fromkeys(found for other in others for found, _, _ in differences(first, other, "code"))
    return [found.partition(".")[2] for found in moved if _is_of_a_measure(words_along(found), plainly=True)]


def measures_in_use(sides: Sequence[Levels], *, plainly: bool = True) -> tuple[str, ...]:
    """The files that are called after a measure, which all of these runs used and which did not change, as paths."""
    first, *others = [_read_code(of) for of in sides]
    same = (f"code.{path}" for path, digest in first.items() if all(used.get(path) == digest for used in others))
    return tuple(path for path in same if is_called_after_a_measure(path, plainly=plainly))


def _read_code(of: Levels) -> dict[str, str]:
    """The source files that a run was seen to load, with their digests."""
    rows = of.observed.reads.values() if of.observed is not None else ()
    return {row.path: row.digest for row in rows if row.group == "code" and row.digest}
