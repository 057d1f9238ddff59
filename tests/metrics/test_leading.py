"""Which number of a run is looked at first: what it is for, never its clock."""

import pytest

from runaudit.metrics.leading import in_order

LOGGED = {
    "Ultralytics": (["epoch", "time", "lr/pg0", "lr/pg1", "train/box_loss", "val/box_loss", "metrics/precision(B)",
                     "metrics/mAP50-95(B)"], {"metrics/mAP50-95(B)", "metrics/precision(B)"}),
    "YOLOv5": (["x/lr0", "x/lr1", "train/obj_loss", "val/obj_loss", "metrics/mAP_0.5"], {"metrics/mAP_0.5"}),
    "Hugging Face": (["epoch", "grad_norm", "learning_rate", "loss", "eval_loss", "eval_runtime", "eval_accuracy",
                      "eval_samples_per_second", "train_runtime", "total_flos"], {"eval_accuracy"}),
    "Hugging Face, without a measure": (["epoch", "grad_norm", "learning_rate", "loss", "eval_loss", "eval_runtime"],
                                        {"eval_loss"}),
    "Lightning": (["epoch", "step", "lr-Adam", "train_loss", "val_loss", "val_acc"], {"val_acc"}),
    "Lightning, nothing held out": (["epoch", "hp_metric", "lr-SGD", "train_loss_step"], {"train_loss_step"}),
    "W&B's machine": (["system/gpu.0.temp", "_runtime", "_timestamp", "epoch", "batch_time", "loss"], {"loss"}),
    "a graph network": (["epoch", "epoch_step", "inference_test_epoch_time", "rep0_TestHits@50", "rep0_loss",
                         "train_total_batches"], {"rep0_TestHits@50"}),
    "MLPerf": (["eval_accuracy", "target_reached", "time_to_train_minutes", "train_samples"], {"eval_accuracy"}),
    "MLflow": (["train loss", "val_acc", "system/cpu_utilization_percentage"], {"val_acc"}),
    "reinforcement": (["rollout/ep_len_mean", "time/fps", "time/total_timesteps", "train/loss", "eval/mean_reward"],
                      {"eval/mean_reward"}),
    "timm": (["epoch", "train_loss", "eval_loss", "eval_top1", "lr"], {"eval_top1"}),
}  # fmt: skip


@pytest.mark.parametrize(("names", "wanted"), LOGGED.values(), ids=LOGGED)
@pytest.mark.parametrize("turned", [False, True])
def test_a_quality_or_a_loss_stands_before_every_counter_clock_and_schedule(names, wanted, turned):
    first = in_order(dict.fromkeys(reversed(names) if turned else names, 0.5))[0]

    assert first.name in wanted


def test_what_a_run_says_it_is_judged_by_stands_first_whatever_it_is():
    assert in_order({"epoch": 1.0, "val/acc": 0.5}, "epoch")[0].name == "epoch"


def test_where_there_is_nothing_else_a_clock_is_what_there_is():
    assert in_order({"epoch": 3.0})[0].name == "epoch"
