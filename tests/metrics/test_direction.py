"""Which way a metric improves."""

import pytest

from runaudit.errors import UsageError
from runaudit.metrics.catalogue import Direction, known_direction, metric, unit_of
from runaudit.metrics.direction import settle_direction
from runaudit.metrics.roles import Role, role


@pytest.mark.parametrize("name", ["psnr", "val/psnr", "full_frame/psnr/astronaut", "SSIM", "test.accuracy", "val_psnr"])
def test_quality_is_better_higher(name):
    assert known_direction(name) == Direction.HIGHER


@pytest.mark.parametrize("name", ["loss", "train/loss/l1", "val_loss", "L1", "eval.error", "rmse"])
def test_error_is_better_lower(name):
    assert known_direction(name) == Direction.LOWER


@pytest.mark.parametrize("name", ["psnr_gap", "accuracy_drop", "loss reduction", "psnr_loss", "lossless", "speed", ""])
def test_a_word_that_turns_the_meaning_round_settles_nothing(name):
    assert known_direction(name) is None


NEGATED = ("1-ssim", "val/1-ssim", "1 - accuracy", "-loss", "val/-loss", "neg_mse", "inv_mse", "one-accuracy")
TO_FAIL = ("attack/success_rate", "unlearn/forget_accuracy", "val/mse_skill_score", "accuracy_deficit", "nll_gain",
           "perplexity_gain", "disc/accuracy", "backdoor_acc", "mia/auc", "opponent/reward")  # fmt: skip


@pytest.mark.parametrize("name", (*NEGATED, *TO_FAIL))
def test_what_is_negated_or_is_to_fail_settles_nothing(name):
    """`attack/success_rate` rose from 0.3 to 0.4 and was "improved", and --direction lower was refused."""
    assert known_direction(name) is None
    assert settle_direction(name, Direction.LOWER) is Direction.LOWER


OF_PLAYERS = ("loss/discriminator", "train_disc_loss", "d_loss", "loss_G", "loss/generator", "policy_loss", "vf_loss",
              "train/value_loss", "critic_loss", "adv_loss", "train/policy_gradient_loss", "netD_loss", "loss_fake",
              "gan_loss", "entropy_loss", "D_accuracy", "d_acc")  # fmt: skip


@pytest.mark.parametrize("name", OF_PLAYERS)
def test_the_loss_of_one_side_of_a_game_settles_nothing(name):
    """A discriminator's loss fell to nothing, the generator failed, and the page said "improved" in green."""
    assert known_direction(name) is None


def test_a_loss_that_is_no_side_of_a_game_is_lower_where_it_is_better():
    for name in (
        "loss",
        "train/loss",
        "val/cross_entropy_loss",
        "binary-entropy-loss",
        "grad_loss",
        "g_mse",
        "evaluation_loss",
    ):
        assert known_direction(name) is Direction.LOWER, name
    assert known_direction("error_free_rate") is None  # It is no error rate.


@pytest.mark.parametrize(
    "name", ["top-1-acc", "val/top-1-accuracy", "val-loss", "train - loss", "Loss - val", "layer_1-loss", "acc (top-1)"]
)
def test_a_hyphen_negates_nothing(name):
    assert known_direction(name) is not None


def test_who_declares_a_name_that_leaves_something_open_knows_better():
    assert settle_direction("zork/success_rate", Direction.LOWER) is Direction.LOWER
    for name in ("val/psnr", "val_psnr", "full_frame/psnr/camera", "best_val_accuracy", "test_acc_top5"):
        with pytest.raises(UsageError, match="correct the direction"):
            settle_direction(name, Direction.LOWER)


SETTINGS = ("mse_weight", "loss_weights/l1", "iou_threshold", "train/loss_coef", "num_acc", "loss_scale", "acc_steps",
            "map/size", "val/ap_count", "accuracy/rank", "return_code", "time_to_accuracy", "mse_margin")  # fmt: skip


@pytest.mark.parametrize("name", SETTINGS)
def test_what_bears_a_quantitys_word_and_is_of_another_kind_settles_nothing_and_is_no_result(name):
    assert known_direction(name) is None
    assert unit_of(name.replace("mse", "psnr").replace("iou", "psnr")) == ""
    assert role(f"val/{name}") in (Role.OTHER, Role.SCALER, Role.GRADIENT)


@pytest.mark.parametrize("name", ["val/psnr_error", "psnr_loss", "psnr_weight", "psnr_rank", "snr_ssim"])
def test_a_unit_is_granted_by_the_whole_name(name):
    assert (unit_of(name), metric(name).digits) == ("", 4)


@pytest.mark.parametrize(
    "name",
    ["lr_loss", "train_loss_step", "val_loss_epoch", "psnr/scale_2", "mae_count_head"],
)
def test_a_word_that_is_not_the_head_of_the_name_changes_no_kind(name):
    assert known_direction(name) is not None


def test_an_unknown_direction_is_refused_with_the_option_to_declare_it():
    with pytest.raises(UsageError, match="--direction") as caught:
        settle_direction("speed", None)

    assert caught.value.exit_code == 2


def test_a_declared_direction_settles_an_unknown_metric():
    assert settle_direction("speed", Direction.LOWER) == Direction.LOWER


def test_a_direction_against_the_metrics_own_name_is_refused():
    with pytest.raises(UsageError, match="correct the direction"):
        settle_direction("val/psnr", Direction.LOWER)
