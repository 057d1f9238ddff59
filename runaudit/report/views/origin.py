"""Where the one number of a run comes from (`judge.origin`), in the words of the page. A reviewer asks it first."""

from collections.abc import Sequence
from itertools import groupby

from runaudit.factors.judged_weights import judged_weights
from runaudit.judge.origin import Origin, origin_of
from runaudit.metrics.heldout import is_held_out
from runaudit.metrics.roles import Role, role
from runaudit.records.run import Run
from runaudit.report.views.curve import step_text
from runaudit.report.words import clean, shown
from runaudit.text.words import listed, plural

_ONE_BATCH = (
    "A training loss ends on one logged value, of a batch or an interval: its curve says more than its last point."
)


def origin_words(runs: Sequence[Run], metric: str) -> str:
    """Where the numbers of these runs on a metric come from, as sentences; empty where none has one. What a run
    that did not finish logged last is no result, and comes from nowhere."""
    found = [one for run in runs if run.finished and (one := origin_of(run, metric)) is not None]
    if not found:
        return ""
    kinds = [(words, list(group)) for words, group in groupby(sorted(found, key=_words), _words)]
    if len(kinds) == 1:
        told = f"{kinds[0][0]}{_where(kinds[0][1])}"
    else:
        told = "; ".join(f"{words}{_where(group)} ({plural(len(group), 'run')})" for words, group in kinds)
    more = f" {_ONE_BATCH}" if is_training_loss(metric) and any(one.step is not None for one in found) else ""
    return f"The number of a run is {told}.{more}{_judged([run for run in runs if run.finished])}"


def _judged(runs: Sequence[Run]) -> str:
    """Which weights were judged, by the settings of the runs, as a sentence; empty where none says it."""
    kinds = [(words, len([*group])) for words, group in groupby(sorted(map(judged_weights, runs)))]
    told = [f"{words}{_count(n, kinds)}" for words, n in kinds if words]
    unsaid = [f"{plural(n, 'run')} without such a setting" for words, n in kinds if not words]
    if not told:
        return ""
    return f" Of which weights it is, the settings say: {'; '.join(clean(one) for one in (*told, *unsaid))}."


def _count(n: int, kinds: Sequence[tuple[str, int]]) -> str:
    return "" if len(kinds) == 1 else f" ({plural(n, 'run')})"


def is_training_loss(metric: str) -> bool:
    """Whether a metric is a loss on what the network learns from."""
    return role(metric) is Role.LOSS and not is_held_out(metric)


def _where(found: Sequence[Origin]) -> str:
    steps = sorted({one.step for one in found if one.step is not None})
    if not steps:
        return ""
    return f", at step {step_text(steps[0])}" + (f" to {step_text(steps[-1])}" if len(steps) > 1 else "")


def _words(found: Origin) -> str:
    if not found.parts:
        return found.words
    named = listed([shown(name, 24).short for name in found.parts], limit=4)
    over = f"the mean over {plural(len(found.parts), 'part')} ({named}), each of them"
    return f"{over} {found.words}" if found.words else f"{over} as it was recorded"
