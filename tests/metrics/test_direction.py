"""Which way a metric improves."""

import pytest

from runaudit.errors import UsageError
from runaudit.metrics.catalogue import Direction, known_direction
from runaudit.metrics.direction import settle_direction


@pytest.mark.parametrize("name", ["psnr", "val/psnr", "full_frame/psnr/astronaut", "SSIM", "test.accuracy", "val_psnr"])
def test_quality_is_better_higher(name):
    assert known_direction(name) == Direction.HIGHER


@pytest.mark.parametrize("name", ["loss", "train/loss/l1", "val_loss", "L1", "eval.error", "rmse"])
def test_error_is_better_lower(name):
    assert known_direction(name) == Direction.LOWER


@pytest.mark.parametrize("name", ["psnr_gap", "accuracy_drop", "loss reduction", "psnr_loss", "lossless", "speed", ""])
def test_a_word_that_turns_the_meaning_round_settles_nothing(name):
    assert known_direction(name) is None


def test_an_unknown_direction_is_refused_with_the_option_to_declare_it():
    with pytest.raises(UsageError, match="--direction") as caught:
        settle_direction("speed", None)

    assert caught.value.exit_code == 2


def test_a_declared_direction_settles_an_unknown_metric():
    assert settle_direction("speed", Direction.LOWER) == Direction.LOWER


def test_a_direction_against_the_metrics_own_name_is_refused():
    with pytest.raises(UsageError, match="correct the direction"):
        settle_direction("val/psnr", Direction.LOWER)
