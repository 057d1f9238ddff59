"""Printed logs: the lines of nanoGPT, Megatron and DeepSpeed as they print them, and nothing made of other text."""

import math

import pytest

from runaudit.errors import NoRunError
from runaudit.health.answer import RULES
from runaudit.health.facts import facts_of_run
from runaudit.rules import check_all
from tests.importers.reading import runs_in

NANOGPT = """\
number of parameters: 10.65M
step 0: train loss 4.2874, val loss 4.2823
iter 0: loss 4.2649, time 29875.42ms, mfu -100.00%
iter 10: loss 3.1415, time 31.20ms, mfu 15.52%
step 250: train loss 2.0001, val loss 2.1002
iter 250: loss nan, time 31.20ms, mfu 15.52%
"""
MEGATRON = (
    " iteration      100/    1000 | consumed samples:          800 | elapsed time per iteration (ms): 235.3 | "
    "learning rate: 1.500E-04 | global batch size:     8 | lm loss: 6.512345E+00 | loss scale: 65536.0 | "
    "grad norm: 1.234 | number of skipped iterations:   0 | number of nan iterations:   0 |\n"
    " validation loss at iteration 100 | lm loss value: 6.4E+00 | lm loss PPL: 6.0E+02 |\n"
)
DEEPSPEED = """\
[2023-01-01 00:00:00,000] [INFO] [logging.py:68:log_dist] [Rank 0] step=10, skipped=2, lr=[5e-05], mom=[[0.9, 0.999]]
steps: 10 loss: 4.3210 iter time (s): 0.512 samples/sec: 31.250
[deepspeed] OVERFLOW! Rank 0 Skipping step. Attempted loss scale: 65536, reducing to 32768
[deepspeed] OVERFLOW! Rank 0 Skipping step. Attempted loss scale: 32768.0, reducing to 16384.0
"""


def only(tmp_path, text, name="train.log"):
    (tmp_path / name).write_text(text)
    runs, skipped = runs_in(tmp_path / name, "text-log")
    assert not skipped
    return runs[0].run


def test_nanogpt_is_read_with_its_estimates(tmp_path):
    series = only(tmp_path, NANOGPT).trajectory.series

    assert series["train/loss"][:2] == ((0, 4.2649), (10, 3.1415))
    assert series["train/loss"][2][0] == 250 and math.isnan(series["train/loss"][2][1])
    assert series["val/loss"] == ((0, 4.2823), (250, 2.1002))


def test_megatron_is_read_cell_by_cell(tmp_path):
    series = only(tmp_path, MEGATRON, "slurm-17.out").trajectory.series

    assert series["train/lm_loss"] == ((100, 6.512345),)
    assert (series["amp/scale"], series["train/grad_norm"]) == (((100, 65536.0),), ((100, 1.234),))
    assert series["val/lm_loss"] == ((100, 6.4),)
    assert not [name for name in series if "samples" in name or "batch" in name]


def test_what_megatron_counts_since_its_last_row_is_all_that_it_counted(tmp_path):
    row = MEGATRON.splitlines(keepends=True)[0]
    later = row.replace("      100/", "      110/").replace("skipped iterations:   0", "skipped iterations:  10")
    last = later.replace("      110/", "      120/").replace("nan iterations:   0", "nan iterations:   3")
    series = only(tmp_path, row + later + last).trajectory.series

    assert series["amp/skipped"] == ((100, 0.0), (110, 10.0), (120, 20.0))
    assert series["train/nan_iterations"] == ((100, 0.0), (110, 0.0), (120, 3.0))


def test_deepspeed_s_overflows_are_its_loss_scale(tmp_path):
    series = only(tmp_path, DEEPSPEED).trajectory.series

    assert series["amp/scale"] == ((11, 32768.0), (12, 16384.0))
    assert (series["amp/skipped"], series["train/lr"]) == (((10, 2.0),), ((10, 5e-05),))


def test_what_it_does_not_say_is_unknown_and_its_health_can_be_judged(tmp_path):
    lines = [f"iter {step}: loss {math.exp(-step / 40) if step < 120 else 2 + step / 1000:.4f}, time 1.00ms, mfu 1.00%"
             for step in range(200)]  # fmt: skip
    run = only(tmp_path, "\n".join(lines))

    assert {"config", "data", "env", "seed"} <= set(run.manifest.section("unknown"))
    assert "divergence" in {found.name for found in check_all(RULES, facts_of_run(run)).findings}


@pytest.mark.parametrize("text", ["", "nothing here\n" * 50, "iter ten: loss low\n", "\0\1\2" * 1000, "x" * 5_000_000])
def test_text_that_is_no_log_is_skipped(tmp_path, text):
    (tmp_path / "x.log").write_text(text)
    runs, skipped = runs_in(tmp_path / "x.log", "text-log")

    assert (len(runs), len(skipped)) == (0, 1)


def test_among_other_records_it_is_read_by_name_alone(tmp_path):
    (tmp_path / "train.log").write_text(NANOGPT)
    (tmp_path / "metrics.csv").write_text("step,loss\n0,4.2649\n10,3.1415\n")

    runs, _ = runs_in(tmp_path, "auto")
    assert [one.run.manifest.section("origin")["kind"] for one in runs] == ["csv"]


@pytest.mark.parametrize("number", [1, 2])
def test_where_auto_finds_no_run_it_names_what_it_looked_for_and_the_command_for_printed_logs(tmp_path, number):
    (tmp_path / "notes.txt").write_text("nothing\n")
    for place in range(number):
        (tmp_path / f"{place}.log").write_text("lr = 0.1\n" * 10_000 + NANOGPT)

    with pytest.raises(NoRunError) as told:
        runs_in(tmp_path, "auto")

    count = f"but {number} printed log{'s' if number > 1 else ''}"
    assert told.value.message.endswith(f"TensorBoard, CSV, {count}")
    assert told.value.remedy == f"runaudit import text-log {tmp_path}"


def test_where_no_printed_log_lies_none_is_spoken_of(tmp_path):
    (tmp_path / "notes.log").write_text("nothing\n")

    with pytest.raises(NoRunError) as told:
        runs_in(tmp_path, "auto")

    assert told.value.message.endswith("TensorBoard, CSV")
    assert "text-log" not in told.value.remedy
