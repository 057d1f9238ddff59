"""Ultralytics and YOLOv5: every setting, padded tables, and a choice that was left to the program is unknown."""

import pytest

from runaudit.diff import Verdict, compare
from runaudit.errors import RecordError
from runaudit.settings import Settings
from tests.importers.reading import runs_in

ARGS = """\
task: detect
mode: train
model: yolov8n.pt
data: coco8.yaml
epochs: {epochs}
batch: {batch}
imgsz: 640
save_dir: runs/detect/{name}
project: null
name: {name}
optimizer: {optimizer}
lr0: {lr0}
momentum: 0.937
seed: {seed}
deterministic: true
"""
RESULTS = """\
                  epoch,         train/box_loss,   metrics/mAP50(B)
                      1,                 1.5000,             0.2500
                      2,                 1.2500,             0.5000
"""


@pytest.fixture
def folder(tmp_path):
    def make(
        name="train", *, results=RESULTS, args=ARGS, epochs=2, batch=16, optimizer="SGD", lr0=0.01, seed=0, **files
    ):
        here = tmp_path / "runs" / "detect" / name
        (here / "weights").mkdir(parents=True)
        text = args and args.format(name=name, epochs=epochs, batch=batch, optimizer=optimizer, lr0=lr0, seed=seed)
        for file, content in {"args.yaml": text, "results.csv": results, **files}.items():
            if content is not None:
                (here / file.replace("_yaml", ".yaml")).write_text(content)
        return here

    return make


def only(path):
    (found,), _ = runs_in(path, "ultralytics")
    return found.run


def test_settings_and_a_padded_table_are_read(folder):
    run = only(folder())

    assert dict(run.trajectory.series) == {"train/box_loss": ((1, 1.5), (2, 1.25)),
                                           "metrics/mAP50(B)": ((1, 0.25), (2, 0.5))}  # fmt: skip
    assert run.manifest.section("config")["lr0"] == 0.01
    assert (run.manifest.body["seed"], run.manifest.label, run.outcome.status) == (0, "train", "completed")


def test_where_the_results_are_filed_is_no_setting(folder):
    found = compare(only(folder("train")), only(folder("train2", seed=1)), settings=Settings())

    assert found.conditional == "replicate"
    assert {one.factor for one in found.factors} == {"seed"}


def test_an_optimizer_that_was_left_to_the_program_is_unknown_with_what_it_sets(folder):
    a, b = only(folder(optimizer="auto")), only(folder("b", optimizer="auto", lr0=0.5))

    assert {"config.optimizer", "config.lr0", "config.momentum"} <= set(a.manifest.section("unknown"))
    found = compare(a, b, settings=Settings())
    assert (found.verdict, found.factors) == ("provenance_incomplete", ())
    assert {"config.optimizer", "config.lr0"} <= {one.factor for one in found.missing}


@pytest.mark.parametrize(("batch", "known"), [(16, True), (-1, False), (0.7, False)])
def test_a_batch_that_fits_the_memory_is_unknown(folder, batch, known):
    assert ("config.batch" not in only(folder(batch=batch)).manifest.section("unknown")) is known


@pytest.mark.parametrize(("epochs", "status"), [(2, "completed"), (3, None)])
def test_only_a_row_for_every_epoch_says_that_it_was_completed(folder, epochs, status):
    outcome = only(folder(epochs=epochs)).outcome

    assert (outcome and outcome.status) == status


def test_a_run_that_broke_off_before_its_first_epoch_is_a_run(folder):
    run = only(folder(results=None))

    assert (dict(run.trajectory.series), run.outcome) == ({}, None)


def test_yolov5_keeps_its_settings_in_two_files(folder):
    results = "epoch,  train/obj_loss\n0,   0.5\n1,   0.25\n"
    run = only(folder(args=None, results=results, opt_yaml="weights: yolov5s.pt\nepochs: 2\nseed: 4\nname: exp\n",
                      hyp_yaml="lr0: 0.01\n"))  # fmt: skip

    assert run.manifest.section("config")["hyp"] == {"lr0": 0.01}
    assert (run.manifest.body["seed"], run.outcome.status) == (4, "completed")


def test_an_args_file_of_another_program_is_left_out(folder):
    found, skipped = runs_in(folder(args="lr: 0.1\n"), "ultralytics")

    assert found == ()
    assert "names no task and no mode" in skipped[0].reason


def test_what_an_args_file_lacks_is_named_and_nothing_else(folder):
    _, skipped = runs_in(folder(args="lr: 0.1\ntask: detect\n"), "ultralytics")

    assert skipped[0].reason.endswith("it names no mode")


@pytest.mark.parametrize("args", ["- 1\n", "a: [\n", "a: !!python/object/apply:os.system [x]\n"])
def test_a_broken_args_file_is_refused(folder, args):
    with pytest.raises(RecordError, match="args"):
        only(folder(args=args))


def test_what_one_side_left_to_be_found_out_is_not_taken_for_what_the_other_says(tmp_path):
    """`optimizer: auto` against SGD: "nothing that can matter differs, if equal"; auto on both sides may well be."""
    for name, optimizer in (("a", "SGD"), ("b", "auto"), ("c", "auto")):
        (tmp_path / name).mkdir()
        settings = f"task: detect\nmode: train\nmodel: y.pt\ndata: c.yaml\nseed: 0\noptimizer: {optimizer}\nlr0: 0.01\n"
        (tmp_path / name / "args.yaml").write_text(f"{settings}save_dir: runs/{name}\n")
        (tmp_path / name / "results.csv").write_text("epoch,metrics/mAP50(B)\n0,0.1\n1,0.2\n")
    a, b, c = (one.run for one in runs_in(tmp_path, "ultralytics")[0])

    half, both = compare(a, b, settings=Settings()), compare(b, c, settings=Settings())

    assert half.conditional is None and "are told of one side alone" in half.reason
    assert both.conditional is Verdict.IDENTICAL
