"""Which of a run's many numbers is looked at first: the declared metric, else the mean of what has sequences.

A training program logs forty names; a person asks for one. Pure on names and values, so that every view agrees.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite

from runaudit.metrics.catalogue import BASELINES, PRIMARY, known_direction
from runaudit.metrics.heldout import is_held_out
from runaudit.metrics.naming import parents, sequence_names
from runaudit.metrics.roles import Role, role

MIN_SEQUENCES = 2
"""Parts of a metric from which on their mean stands before them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A metric with its value; a mean over `parts` where it was measured on sequences."""

    name: str
    value: float
    parts: Mapping[str, float]


def in_order(values: Mapping[str, float], declared: str | None = None) -> tuple[Figure, ...]:
    """The figures of a run, the one that matters first; sequences stand under the metric that they are of.

    declared: the metric that the run says it is judged by, in full or by its last part.
    """
    wholes = (name for name in parents(values) if name not in values and _has_sequences(name))
    means = {name: parts for name in wholes if (parts := _parts(values, name))}
    inner = {f"{name}/{part}" for name, parts in means.items() for part in parts}
    figures = [Figure(name=name, value=sum(parts.values()) / len(parts), parts=parts) for name, parts in means.items()]
    figures += [Figure(name=name, value=value, parts={}) for name, value in values.items() if name not in inner]
    return tuple(sorted(figures, key=lambda figure: _rank(figure, declared)))


@lru_cache(maxsize=4096)
def is_baseline(name: str) -> bool:
    """Whether a metric is what a baseline gave: no training moves it, so it is never what is asked for, though its
    words be those of the declared metric."""
    return any(name.split("/")[-1].endswith(f"_{key}") for key in BASELINES)


def _has_sequences(name: str) -> bool:
    """Whether what stands below a name may be taken for its sequences unasked. It says where it was measured
    (`full_frame/psnr`), and is no loss: `loss/generator` and `loss/discriminator` are two losses of one model,
    `accuracy/train` and `accuracy/val` two measures, and the mean of either means nothing."""
    return "/" in name and role(name) is not Role.LOSS


def _parts(values: Mapping[str, float], name: str) -> dict[str, float]:
    found = {part: values[f"{name}/{part}"] for part in sequence_names(values, name)}
    return found if len(found) >= MIN_SEQUENCES and all(map(isfinite, found.values())) else {}


def _rank(figure: Figure, declared: str | None) -> tuple[bool, bool, bool, int, bool, bool, str]:
    is_declared = declared is not None and (figure.name == declared or figure.name.endswith(f"/{declared}"))
    return (is_baseline(figure.name), not is_declared, figure.name != PRIMARY, _weight(figure.name), not figure.parts,
            figure.name.startswith(("train/", "time/")), figure.name)  # fmt: skip


@lru_cache(maxsize=4096)
def _weight(name: str) -> int:
    """How near a name is to what a training is for: quality before loss, held-out data before those that are learned
    from. Counters, clocks and schedules come last: no training is judged by its epoch."""
    found, held_out = role(name), is_held_out(name)
    if found is Role.HELD_OUT:
        return 0 if known_direction(name) is not None else 1
    if found is Role.RESULT:
        return 4 if _LEARNED.search(name) else 2
    if found is Role.LOSS:
        return 3 if held_out else 5 if known_direction(name) is not None else _OF_A_PLAYER
    return _OTHER if found is Role.OTHER else 8 + found


def may_count(name: str) -> bool:
    """Whether a program may be judged by what bears this name: no clock, no schedule, no counter."""
    return _weight(name) <= _OF_A_PLAYER


_OTHER, _OF_A_PLAYER = 6, 7
"""Weights of what nobody knows (`score`), and of the loss of one side of a game, which says less."""


def is_of_training(name: str) -> bool:
    """Whether a metric says how well the training data was learned, and nothing of what that was for: an accuracy or a
    loss that is not of held-out data."""
    return _weight(name) in (4, 5)


_LEARNED = re.compile(r"(?i)(?<![a-z])train(?:ing|ed)?(?![a-z])")
