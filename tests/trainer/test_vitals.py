"""A run of which nothing can come any more is told from one that only had a bad hour."""

import math
from typing import Any

import pytest

from trainer.config import LoopConfig
from trainer.vitals import (
    MEMORY,
    SETTLING,
    WINDOW,
    cause_of_death,
    nothing_learned,
    spike_from,
    too_many_skipped,
    usual_size,
)

LOOP = LoopConfig(max_skipped_in_a_row=25, max_skipped_share=0.3, max_error_ratio=2.0)


def cause(**changes: Any) -> str:
    facts: dict[str, Any] = {"done": 300, "skips": (), "in_a_row": 0, "scale_at_floor": None, "first_scale": 65536.0}
    return cause_of_death(LOOP, **(facts | changes))


def test_a_search_for_the_scale_is_no_death() -> None:
    """From 2^40 the first 25 steps are lost, on an H100 as here; the run was as good as the others."""
    assert cause(done=25, skips=range(1, 26), in_a_row=25) == ""
    assert cause(done=WINDOW, skips=range(1, 26)) == ""


def test_a_spiral_is_a_death() -> None:
    assert cause(done=26, skips=range(1, 27), in_a_row=26) == (
        "26 steps in a row were not taken (loop.max_skipped_in_a_row)"
    )


def test_every_second_step_lost_is_a_death_though_never_two_in_a_row() -> None:
    """A growth interval of 1: 147 of 300 steps were not taken, and the run ended as `completed`."""
    assert (
        cause(skips=range(2, 301, 2), in_a_row=1) == "50 of the last 100 steps were not taken (loop.max_skipped_share)"
    )


def test_old_losses_are_forgiven() -> None:
    assert cause(skips=range(1, 101)) == ""


def test_a_short_run_is_judged_by_all_its_steps_but_only_at_its_end() -> None:
    """41 of 60 steps were not taken; the run ended as `completed`, 22 dB below bicubic."""
    assert cause(done=60, skips=range(20, 61)[:41], in_a_row=1) == ""
    assert too_many_skipped(LOOP, done=60, skips=range(20, 61)[:41]).startswith("41 of the last 60 steps")


def test_an_overflow_at_the_lowest_scale_is_a_death() -> None:
    assert cause(scale_at_floor=2.0**-14) == (
        "non-finite gradients (overflow or NaN) at the lowest loss scale, 6.10352e-05 (amp.min_scale); "
        "it began at 65536"
    )


@pytest.mark.parametrize(
    ("first", "best", "words"),
    [
        (0.05, None, "no validation error was finite"),
        (0.05, 0.31, "the best validation error, 0.31, is 6.2 times that of the untrained network, 0.05"),
        (0.05, 0.09, ""),
        (None, 0.31, ""),
    ],
)
def test_weights_worse_than_none_at_all_are_no_result(first: float | None, best: float | None, words: str) -> None:
    assert nothing_learned(LOOP, first=first, best=best).split(" (")[0] == words


def test_a_spike_is_told_by_what_is_usual_in_its_stage() -> None:
    assert spike_from(10.0, usual=0.5, step=SETTLING) == 5.0
    assert spike_from(10.0, usual=0.5, step=SETTLING - 1) == math.inf
    assert spike_from(10.0, usual=None, step=500) == math.inf
    assert spike_from(0.0, usual=0.5, step=500) == math.inf


def test_the_usual_gradient_forgets_geometrically_and_one_long_one_moves_it_little() -> None:
    """A gradient 50 times as long moves it by 50 ** (1 / 50) = 8 %; what is no length moves it not at all."""
    assert usual_size(None, 2.0) == 2.0
    assert usual_size(2.0, 100.0) == pytest.approx(2.0 * 50 ** (1 / MEMORY))
    assert usual_size(2.0, math.nan) == 2.0
    assert usual_size(2.0, 0.0) == 2.0
