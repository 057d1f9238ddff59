"""Ultralytics and YOLOv5: every setting, padded tables, and a choice that was left to the program is unknown."""

import pytest

from runaudit.diff import Verdict, compare
from runaudit.errors import RecordError
from runaudit.settings import Settings
from tests.importers.reading import runs_in
from tests.importers.test_tensorboard import VERSION, event, scalar

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


def factors_between(folder, key, values, *, task="detect", mode="train"):
    args = [f"{ARGS}{key}: {value}\n".replace("detect", task, 1).replace("mode: train", f"mode: {mode}")
            for value in values]  # fmt: skip
    runs = [only(folder(f"train{n}", args=text)) for n, text in enumerate(args)]
    return {one.factor for one in compare(*runs, settings=Settings()).factors}


@pytest.mark.parametrize(
    ("key", "values"),
    [("save_period", (-1, 5)), ("save_json", ("false", "true")), ("save_txt", ("false", "true")),
     ("line_width", ("null", 3)), ("source", ("null", "a.jpg")), ("tracker", ("botsort.yaml", "bytetrack.yaml")),
     ("format", ("torchscript", "onnx")), ("opset", (11, 17))],
)  # fmt: skip
def test_a_setting_of_another_mode_is_none_of_a_training(folder, key, values):
    assert not factors_between(folder, key, values)


@pytest.mark.parametrize("key", ["save_json", "save_txt"])
def test_what_chooses_how_a_segmentation_is_measured_is_a_factor(folder, key):
    assert factors_between(folder, key, ("false", "true"), task="segment") == {f"config.{key}"}


@pytest.mark.parametrize(
    ("key", "values"),
    [("conf", ("null", 0.3)), ("iou", (0.7, 0.5)), ("half", ("false", "true")), ("augment", ("false", "true")),
     ("classes", ("null", 0)), ("workers", (2, 8)), ("save", ("true", "false")), ("agnostic_nms", ("false", "true"))],
)  # fmt: skip
def test_what_the_validation_within_a_training_reads_is_a_factor(folder, key, values):
    assert factors_between(folder, key, values) == {f"config.{key}"}


def test_of_another_mode_every_setting_counts(folder):
    assert factors_between(folder, "tracker", ("botsort.yaml", "bytetrack.yaml"), mode="track") == {"config.tracker"}


@pytest.mark.parametrize(
    ("key", "values", "counts"),
    [("noplots", ("false", "true"), False), ("save_period", (-1, 5), False), ("nosave", ("false", "true"), True)],
)
def test_of_yolov5_what_is_drawn_and_how_often_it_is_kept_is_no_setting(folder, key, values, counts):
    runs = [only(folder(f"exp{n}", args=None, opt_yaml=f"weights: a.pt\n{key}: {value}\n", hyp_yaml="lr0: 0.1\n"))
            for n, value in enumerate(values)]  # fmt: skip
    found = {one.factor for one in compare(*runs, settings=Settings()).factors}
    assert found == ({f"config.{key}"} if counts else set())


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


def test_settings_that_git_kept_without_the_empty_folder_of_the_weights_are_a_run_that_was_launched(tmp_path):
    for name, text in (
        ("dead", ARGS),
        ("timm", "model: resnet50\nlr: 0.1\n"),
        ("val", ARGS.replace("train", "val", 1)),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "args.yaml").write_text(text)
    (tmp_path / "above").mkdir()
    (tmp_path / "above" / "args.yaml").write_text(ARGS)
    (tmp_path / "above" / "below").mkdir()

    found, skipped = runs_in(tmp_path, "ultralytics")

    assert [one.run.manifest.section("origin")["run"].rpartition("/")[2] for one in found] == ["dead"]
    assert (found[0].run.outcome, skipped) == (None, ())


def table_of(names, rows):
    return "\n".join([",".join(["epoch", *names]), *(",".join(map(str, (at, *row))) for at, row in enumerate(rows, 1))])


MAP = "metrics/mAP50(B)", "metrics/mAP50-95(B)"
MASKS = "metrics/mAP50(M)", "metrics/mAP50-95(M)"
TOP = "metrics/accuracy_top1", "metrics/accuracy_top5"
RISEN = [(0.5, 0.1), (0.6, 0.3), (0.7, 0.2), (0.6, 0.2), (0.6, 0.29)]


@pytest.mark.parametrize(
    ("names", "rows", "patience", "status"),
    [
        (MAP, RISEN, 3, "early_stopped"),
        (MAP, RISEN, 4, None),
        (MAP, RISEN, 2, None),  # It would have ended one epoch before.
        (MAP, RISEN, 0, None),
        (MAP, [*RISEN[:3], (0.9, 0.29), *RISEN[4:]], 3, "early_stopped"),  # Later releases take mAP50-95 alone.
        (MAP, [(1.0, 0.1), (0.1, 0.15), (0.1, 0.1)], 2, "early_stopped"),  # Earlier ones take the sum.
        (TOP, [(0.2, 0.5), (0.5, 0.9), (0.6, 0.7), (0.4, 0.8)], 2, "early_stopped"),
        (("metrics/mAP_0.5", "metrics/mAP_0.5:0.95"), RISEN, 3, "early_stopped"),
        ((*MAP, *MASKS), [(*a, *b) for a, b in zip(RISEN, RISEN[::-1], strict=True)], 3, "early_stopped"),
        (("val/box_loss",), [(3.0,), (1.0,), (2.0,), (2.0,), (2.0,)], 3, None),
    ],
)  # fmt: skip
def test_a_run_that_ended_when_its_patience_did_stopped_early(folder, names, rows, patience, status):
    text = table_of(names, rows) + "\n"
    outcome = only(folder(epochs=100, results=text, args=f"{ARGS}patience: {patience}\n")).outcome

    assert (outcome and outcome.status) == status


def test_yolov5_has_its_numbers_in_event_files_where_there_is_no_table(tmp_path):
    (tmp_path / "opt.yaml").write_text("epochs: 2\nname: exp\n")
    (tmp_path / "hyp.yaml").write_text("lr0: 0.01\n")
    (tmp_path / "events.out.tfevents.1700000000.ada.7.0").write_bytes(
        VERSION + event(0, scalar("metrics/mAP_0.5", 0.5)) + event(1, scalar("metrics/mAP_0.5", 0.75))
    )

    for kind in ("ultralytics", "auto"):
        (found,), _ = runs_in(tmp_path, kind)

        assert found.run.manifest.section("config")["hyp"] == {"lr0": 0.01}
        assert dict(found.run.trajectory.series) == {"metrics/mAP_0.5": ((0, 0.5), (1, 0.75))}


def test_of_trainings_in_one_folder_the_event_files_of_the_last_are_those_of_its_settings(tmp_path):
    (tmp_path / "opt.yaml").write_text("epochs: 3\nname: exp\n")
    (tmp_path / "hyp.yaml").write_text("lr0: 0.01\n")
    for process, best in ((7, 0.5), (8, 0.75)):
        drawn = [event(at, scalar("metrics/mAP_0.5", best + at), time=process * 1e8 + at) for at in range(3)]
        (tmp_path / f"events.out.tfevents.170000000{process}.ada.{process}.0").write_bytes(b"".join(drawn))

    run = only(tmp_path)

    assert run.trajectory.series["metrics/mAP_0.5"] == ((0, 0.75), (1, 1.75), (2, 2.75))
    assert "of 2 trainings" in run.manifest.section("origin")["note"]


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


# ── the start ────────────────────────────────────────────────────────────────────────────────────────────────────

OPT = "weights: {weights}\ncfg: '{cfg}'\nepochs: 2\nname: exp\nsave_dir: {folder}\n"


def yolov5(folder, name, weights, *, cfg="", save_dir="runs/train/{0}", **files):
    opt = OPT.format(weights=weights.format(name), folder=save_dir.format(name), cfg=cfg)
    return only(folder(name, args=None, opt_yaml=opt, hyp_yaml="lr0: 0.1\n", **files))


@pytest.mark.parametrize(
    ("weights", "save_dir", "is_own"),
    [
        ("runs/train/{0}/weights/last.pt", "runs/train/{0}", True),
        ("./runs/train/{0}/weights/best.pt", "runs/train/{0}/", True),
        (r"runs\train\{0}\weights\last.pt", r"runs\train\{0}", True),
        ("/w/runs/train/{0}/weights/last.pt", "/w/runs/train/{0}", True),
        ("/other/runs/train/{0}/weights/last.pt", "runs/train/{0}", False),
        ("runs/train/{0}0/weights/last.pt", "runs/train/{0}", False),
        ("{0}.pt", "runs/train/{0}", False),
        ("{0}.pt", ".", False),
    ],
)
def test_what_a_run_began_from_is_unknown_where_it_names_its_own_weights(folder, weights, save_dir, is_own):
    a, b = (yolov5(folder, name, weights, save_dir=save_dir) for name in ("exp8", "exp9"))

    found = compare(a, b, settings=Settings())

    assert ("config.weights" in [row.factor for row in found.factors]) is not is_own
    assert {"config.weights", "config.cfg"} <= {row.factor for row in found.missing} or not is_own


def test_of_a_resumed_run_and_one_that_was_not_nobody_knows_whether_they_began_alike(folder):
    a = yolov5(folder, "exp8", "runs/train/{0}/weights/last.pt")
    b = yolov5(folder, "exp9", "yolov5s.pt")

    found = compare(a, b, settings=Settings())

    assert found.verdict is Verdict.PROVENANCE_INCOMPLETE and found.conditional is None
    assert "config.weights" in [row.factor for row in found.missing]


def test_what_is_said_of_the_settings_names_the_file_that_is_there(folder):
    reasons = [one.manifest.section("unknown")["init"] for one in (only(folder("a")), yolov5(folder, "b", "x.pt"))]

    assert reasons == [f"{file} names the weights, and no digest of them" for file in ("args.yaml", "opt.yaml")]


def test_settings_of_which_no_byte_was_written_are_those_of_a_launch_that_is_named(folder):
    runs = folder("train").parent
    (runs / "train2").mkdir()
    (runs / "train2" / "args.yaml").write_text("")

    (found,), (left,) = runs_in(runs, "auto")

    assert (found.run.manifest.label, left.broken) == ("train", True)
    assert left.source.endswith("train2") and left.reason.startswith("its args.yaml is empty")


def test_an_empty_file_that_lies_beside_no_training_is_nobodys(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "args.yaml").write_text("")
    (tmp_path / "log.csv").write_text("epoch,loss\n0,1\n1,0.5\n")

    found, skipped = runs_in(tmp_path, "auto")

    assert (len(found), skipped) == (1, ())
