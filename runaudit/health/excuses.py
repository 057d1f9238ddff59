"""What excuses a total that rises: a term that may grow, or its weight, while the fit to the data is as good as it was.

An excuse turns a divergence into a remark, so it rests on arithmetic that was seen and never on the mere existence of a
term that stayed flat: weight decay, a balance between experts and a loss that is all zero are flat in every training
that falls apart. Three things must hold. The terms that measure the fit are logged, make up at least half of the total
where it was best, and none of them rose. What is left of the total is a term that may grow (a divergence from a prior,
an adversary): it rose by as much itself, or the total is the sum of its terms, or the ratio of the rest to that term is
steadier than the term is, as a weight is. And no held-out total worsens that is not accounted for in the same way.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from runaudit.health.rising import Rise, rise_of
from runaudit.health.tracks import Track, words_of

if TYPE_CHECKING:
    from numpy import ndarray

_MAY_GROW = frozenset(
    re.findall(
        r"\w+",
        "kl kld kldiv klloss adv adversarial gan gen generator reg regularization regulariser regularizer aux penalty "
        "commitment vq entropy distill distillation kd contrastive consistency capacity",
    )
)
"""Words of terms that a training may let grow. What is not named so is taken for a measure of the fit."""


def grown(track: Track, terms: Sequence[Track], curves: Sequence[Track], rise: Rise) -> str | None:
    """What accounts for the rise of a total, in words; None where nothing does, or that is in doubt."""
    found = _accounted(track, terms, rise)
    if found is None:
        return None
    twins = [one for one in curves if one is not track and one.is_held_out and one.is_main]
    for twin in twins if not track.is_held_out else ():
        own = rise_of(twin.parts[-1]) if twin.parts else None
        if own is not None and own.share >= 0.1 and _accounted(twin, terms, own) is None:
            return None
    return found


def _accounted(track: Track, terms: Sequence[Track], rise: Rise) -> str | None:
    """What accounts for the rise of one total by its own terms."""
    own = [term for term in terms if term.is_held_out == track.is_held_out and len(term.columns.values) > 1]
    growing = [term for term in own if words_of(term.name) & _MAY_GROW]
    fit = [term for term in own if term not in growing]
    if not track.is_main or not growing or not fit or any(_may_have_risen(term, rise.step) for term in fit):
        return None
    before, after = _windows(track, rise)
    import numpy as np

    total, measured = track.columns.values, np.sum([_at(track, term) for term in fit], axis=0)
    if _middle(measured[before]) < 0.5 * _middle(total[before]) or _middle(total[before]) <= 0:
        return None
    rest, gained = (total - measured)[after], rise.last - rise.best
    for term in growing:
        values = _at(track, term)
        if (
            abs(_middle(values[after]) - _middle(values[before]) - gained) <= 0.25 * gained
            or abs(_middle(rest - values[after])) <= 0.1 * gained
            or _is_weighted(rest, values[after])
        ):
            return f"{fit[0].name} did not rise: what grew is {term.name}, or its weight"
    return None


def _may_have_risen(term: Track, step: int) -> bool:
    """Whether a term ends higher than it was at a step, or nobody can say."""
    shape = term.shape_since(step)
    return shape is None or shape.change_since(step) > max(2 * shape.noise, 0.05 * abs(shape.end))


def _windows(track: Track, rise: Rise) -> tuple[slice, slice]:
    """A twentieth of the points up to where the rise began, and the last tenth."""
    import numpy as np

    count = len(track.columns.values)
    at = int(np.searchsorted(track.columns.steps, rise.step))
    return slice(max(0, at - max(5, count // 20)), max(1, at)), slice(count - max(5, count // 10), count)


def _at(track: Track, term: Track) -> "ndarray":
    """A term at the steps of its total."""
    import numpy as np

    found: ndarray = np.interp(track.columns.steps, term.columns.steps, term.columns.values)
    return found


def _middle(values: "ndarray") -> float:
    import numpy as np

    return float(np.median(values)) if len(values) else 0.0


def _is_weighted(rest: "ndarray", values: "ndarray") -> bool:
    """Whether what is left of a total is a term times a weight: their ratio is far steadier than the term."""
    import numpy as np

    if len(values) < 5 or not (values > 0).all() or not (rest > 0).all():
        return False
    ratio = np.log(rest / values)
    return float(np.std(ratio)) <= 0.2 * float(np.std(np.log(values)))
