"""What a series is for: names of the trackers and frameworks that `import` reads, each in its place."""

import pytest

from runaudit.metrics.catalogue import NAMED, QUANTITIES
from runaudit.metrics.roles import Role, flags_skip, is_gradient_norm, is_loss_scale, role

NAMES = {
    Role.LOSS: ("train/loss loss Training/loss train_loss epoch_loss batch_loss train/loss_step train_disc_loss "
                "train/box_loss val/box_loss eval/loss val_loss loss/classifier test_nll lossG total_loss lr_loss"),
    Role.HELD_OUT: ("test/waiting_time eval/completion_time val/psnr val_acc eval_accuracy Validation/accuracy "
                    "metrics/val_f1 test/iou eval/rouge1 "
                    "val/lr_psnr full_frame/eval/psnr"),
    Role.RESULT: ("accuracy acc metrics/precision(B) train/acc epoch_accuracy psnr rollout/ep_rew_mean reward "
                  "charts/episodic_return"),
    Role.OTHER: ("my/series entropy train/kl temperature layer_3/norm loss_weight "
                "val/iou_threshold"),
    Role.RATE: ("lr train/lr learning_rate train/learning_rate lr-Adam lr-SGD/pg1 lr/pg0 epoch_learning_rate "
                "base_lr lr-AdamW momentum weight_decay learningRate optim/lr_0"),
    Role.GRADIENT: "train/grad_norm grad_norm gradient_norm gnorm gradients/layer1.weight grad_2.0_norm_total",
    Role.SPEED: ("train_samples_per_second eval/steps_per_second time/fps tokens_per_sec throughput mfu time/step_s "
                 "batch_time data_time step_time iter_time epoch_time imgs/s perf/throughput"),
    Role.SCALER: "amp/scale amp/skipped loss_scale train/loss_scale",
    Role.CLOCKWORK: ("epoch step Training/step Validation/step global_step trainer/global_step train/global_step "
                     "train/epoch _step _runtime _timestamp time/iterations time/total_timesteps time/time_elapsed "
                     "num_input_tokens_seen total_flos train_runtime eval/runtime iter timestamp wall_time "
                     "test/model_preparation_time eval_model_preparation_time val/preprocessing_time setup_time"),
    Role.SYSTEM: ("system/gpu.0.memory system/cpu_utilization_percentage gpu_memory cpu_percent memory max_memory "
                  "gpu_0_util system/disk"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "expected"), [(name, kind) for kind, line in NAMES.items() for name in line.split()])
def test_a_name_has_its_role(name, expected):
    assert role(name) is expected


@pytest.mark.parametrize("name", [*QUANTITIES, *(f"val/{word}" for word in QUANTITIES)])
def test_a_known_quantity_is_never_clockwork(name):
    assert role(name) <= Role.RESULT


def test_whole_names_of_the_catalogue_that_are_no_result_are_none():
    assert [name for name in NAMED if role(name) > Role.OTHER] == [
        "train/lr", "train/grad_norm", "amp/scale", "time/step_s",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["", "///", "x" * 5000, "a " * 400 + "lr", "時間/損失", "lr" * 3000])
def test_any_name_has_a_role(name):
    assert role(name) in Role


@pytest.mark.parametrize("name", ["grad_norm", "train/grad_norm_mean", "grads/layer1.weight", "gnorm", "grad/max"])
def test_the_size_of_a_gradient_is_one(name):
    assert is_gradient_norm(name)


@pytest.mark.parametrize("name", ["grad/mean", "grad_noise_scale", "grad_var", "grad_norm_ratio", "grad_clip_count",
                                  "grad_overflow", "nonfinite_grad", "grad_accum_steps", "grad_cosine"])  # fmt: skip
def test_what_is_told_of_gradients_besides_is_no_size_of_them(name):
    assert not is_gradient_norm(name)


@pytest.mark.parametrize("name", ["found_inf", "amp/found_inf", "grad_overflow", "overflow", "train/step_skipped",
                                  "skip_step", "nonfinite_grad", "optimizer/skip"])  # fmt: skip
def test_a_flag_of_a_skipped_step_is_known_by_its_name(name):
    assert role(name) is Role.SCALER and flags_skip(name) and not is_loss_scale(name)


@pytest.mark.parametrize("name", ["skipped", "train/skipped", "amp/skipped", "skipped_steps"])
def test_what_may_be_a_count_as_well_is_not_said_to_be_a_flag(name):
    assert role(name) is Role.SCALER and not flags_skip(name) and not is_loss_scale(name)


def test_what_the_data_skipped_is_no_step():
    assert role("data/skipped") is not Role.SCALER
