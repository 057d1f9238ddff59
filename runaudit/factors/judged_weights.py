"""Which weights of a run its numbers are of, where its settings say it: the best checkpoint so far, or the last.

A reviewer asks it of every table. The record does not see which file a program evaluates; what it was asked for stands
among its settings (`eval.checkpoint = best`, `load_best_model_at_end = true`, `--test-ckpt last`).
"""

from runaudit.factors.own_settings import own_settings
from runaudit.factors.path import words_along
from runaudit.records.canonical import JSON
from runaudit.records.run import Run

_WEIGHTS = frozenset({"checkpoint", "ckpt", "weights", "epoch", "model"})
_JUDGING = frozenset({"eval", "evaluate", "evaluation", "test", "testing", "final", "report", "judge", "validate"})
_WHICH = frozenset({"best", "last", "final", "latest", "ema", "swa"})


def judged_weights(run: Run) -> str:
    """The settings that say which weights were judged, `config.eval.checkpoint = best`; empty where none does."""
    return ", ".join(f"{path} = {_plain(value)}" for path, value in own_settings(run) if _says(path, value))


def _says(path: str, value: JSON) -> bool:
    found = words_along(path)
    if isinstance(value, str):
        return value.lower() in _WHICH and bool(found) and found[-1] in _WEIGHTS and bool(_JUDGING & set(found))
    # What Hugging Face and Keras call it.
    return isinstance(value, bool) and "best" in found and bool({"load", "restore"} & set(found))


def _plain(value: JSON) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
