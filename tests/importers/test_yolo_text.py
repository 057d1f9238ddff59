"""YOLOv5 before its sixth release, YOLOv3 and YOLOv7: a table without a header is read where its columns are known,
with the settings beside it, and each run goes by the folder in which it lies."""

import pytest

from runaudit.diff import compare
from runaudit.settings import Settings
from tests.importers.reading import runs_in

OPT = """\
weights: yolov5s.pt
data: coco.yaml
hyp: data/hyp.yaml
epochs: {epochs}
img_size:
- 640
- 640
name: exp
"""
HYP = "lr0: {lr}\nmomentum: 0.937\n"
ROW = "{epoch:>8}/{last} 1.86G {losses} 24 416 0.5 0.6 {coarse} {fine} 0.09 0.05 0\n"


def rows(count, *, epochs=None, losses="0.1 0.05 0 0.15", coarse=0.4, fine=0.2):
    last = (epochs or count) - 1
    return "".join(ROW.format(epoch=epoch, last=last, losses=losses, coarse=f"{coarse + epoch / 100:.4g}", fine=fine)
                   for epoch in range(count))  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    def make(name="exp", *, results=None, epochs=3, lr=0.01, opt=OPT, hyp=HYP, **files):
        here = tmp_path / "runs" / name
        here.mkdir(parents=True)
        texts = {"opt.yaml": opt.format(epochs=epochs), "hyp.yaml": hyp and hyp.format(lr=lr), "results.txt": results}
        for file, text in {**texts, **{name.replace("_", "."): text for name, text in files.items()}}.items():
            if text is not None:
                (here / file).write_text(text)
        return here

    return make


def only(path, kind="auto"):
    (found,), skipped = runs_in(path, kind)
    assert skipped == ()
    return found.run


def note(run):
    return run.manifest.section("origin").get("note", "")


def test_rows_without_a_header_are_read_under_the_names_that_they_have_in_later_releases(folder):
    run = only(folder(results=rows(3)))

    assert run.metrics == {
        "train/box_loss": 0.1, "train/obj_loss": 0.05, "train/cls_loss": 0.0, "train/loss": 0.15,
        "metrics/precision": 0.5, "metrics/recall": 0.6, "metrics/mAP_0.5": 0.42, "metrics/mAP_0.5:0.95": 0.2,
        "val/box_loss": 0.09, "val/obj_loss": 0.05, "val/cls_loss": 0.0,
    }  # fmt: skip
    assert run.trajectory.series["metrics/mAP_0.5"] == ((0, 0.4), (1, 0.41), (2, 0.42))
    assert (run.outcome.status, note(run)) == ("completed", "")


def test_the_hyperparameters_are_settings_and_what_differs_is_found(folder):
    a, b = only(folder("a", results=rows(3))), only(folder("b", results=rows(3), lr=0.02))

    assert a.manifest.section("config")["hyp"] == {"lr0": 0.01, "momentum": 0.937}
    assert [one.factor for one in compare(a, b, settings=Settings()).factors] == ["config.hyp.lr0"]


def test_a_run_that_broke_off_is_not_completed_and_half_a_row_is_counted(folder):
    run = only(folder(results=rows(2, epochs=30) + rows(3)[-60:-30], epochs=30))

    assert (run.outcome, run.trajectory.torn) == (None, 1)
    assert len(run.trajectory.series["train/box_loss"]) == 2


def test_of_trainings_that_wrote_into_one_table_the_last_is_read_and_it_is_said(folder):
    run = only(folder(results=rows(3, coarse=0.9) + rows(3)))

    assert run.trajectory.series["metrics/mAP_0.5"] == ((0, 0.4), (1, 0.41), (2, 0.42))
    assert "the rows of 2 starts in one folder" in note(run)


@pytest.mark.parametrize(
    ("losses", "known"), [("0.1 0.05 0 0.3 0.45", True), ("0.1 0.05 0 0.3 0.7", False)], ids=["adds up", "does not"]
)
def test_the_columns_of_a_fork_are_known_where_the_losses_add_up(folder, losses, known):
    run = only(folder(results=rows(3, losses=losses)))

    assert run.metrics.get("train/loss_4") == (0.3 if known else None)
    assert run.metrics.get("metrics/mAP_0.5") == (0.42 if known else None)
    assert ("has 16 columns, not 15: which is which is not known" in note(run)) is not known


def test_what_is_higher_at_stricter_thresholds_is_no_map(folder):
    run = only(folder(results=rows(3, coarse=0.1, fine=0.5)))

    assert {"metrics/mAP_0.5", "metrics/mAP_0.5:0.95"}.isdisjoint(run.metrics)
    assert "neither counts" in note(run)


def test_zeros_of_a_validation_that_was_not_asked_for_are_no_results(folder):
    run = only(folder(results=rows(3), opt=OPT + "notest: true\n"))

    assert run.trajectory.series["metrics/precision"] == ((2, 0.5),)
    assert len(run.trajectory.series["train/box_loss"]) == 3


def test_a_table_of_something_else_is_none_and_it_is_said(folder):
    run = only(folder(results="mAP 0.5\n"))

    assert run.metrics == {}
    assert "no line of its results.txt is one of YOLO's" in note(run)


CLS = "model: yolov5s-cls.pt\ndata: imagenette160\nepochs: 2\nimgsz: 224\nlr0: {lr}\nname: exp\nsave_dir: cls/exp\n"


def test_what_classifies_has_its_settings_in_one_file(folder):
    table = "epoch,train/loss,metrics/accuracy_top1\n0,2,0.3\n1,1,0.5\n"
    a, b = (only(folder(name, opt=CLS.format(lr=lr), hyp=None, results_csv=table))
            for name, lr in (("a", 0.001), ("b", 0.01)))  # fmt: skip

    assert (a.manifest.section("origin")["kind"], a.outcome.status) == ("ultralytics", "completed")
    assert [one.factor for one in compare(a, b, settings=Settings()).factors] == ["config.lr0"]


def test_a_table_without_settings_is_a_run_of_which_the_config_is_unknown(folder):
    here = folder(results=rows(3))
    (here / "opt.yaml").unlink()
    (here / "hyp.yaml").unlink()
    run = only(here)

    assert (run.metrics["metrics/mAP_0.5"], "config" in run.manifest.body) == (0.42, False)
    assert "neither args.yaml nor opt.yaml" in run.manifest.section("unknown")["config"]

    (here / "other").mkdir()
    (here / "other" / "log.csv").write_text("epoch,loss\n0,1\n")
    assert [one.run.manifest.label for one in runs_in(here, "auto")[0]] == ["log"]


def test_hyperparameters_of_which_only_the_file_is_named_are_a_gap(folder):
    unknown = only(folder(hyp=None, results=rows(3))).manifest.section("unknown")

    assert "were read from data/hyp.yaml" in unknown["config.hyp"]


@pytest.mark.parametrize("hyp", [HYP, None], ids=["detects", "classifies"])
def test_what_died_before_its_first_epoch_was_launched_and_counts(folder, hyp):
    folder("exp2", results=rows(3))
    run = only(folder("exp", hyp=hyp).parent / "exp")

    assert (run.outcome, run.metrics, run.manifest.section("config")["epochs"]) == (None, {}, 3)
    assert [one.run.manifest.label for one in runs_in(folder("exp3", hyp=hyp).parent, "auto")[0]] == [
        "exp", "exp2", "exp3",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["opt.yaml", "hyp.yaml"])
def test_what_died_while_its_settings_were_written_is_named(folder, name):
    folder("exp2", results=rows(3))
    (folder("exp") / name).write_text("")

    found, (left,) = runs_in(folder("exp3").parent, "auto")

    assert ([one.run.manifest.label for one in found], left.broken) == (["exp2", "exp3"], True)
    assert f"exp/{name} is nothing" in left.reason


def test_options_of_another_program_that_logged_nothing_are_no_run(folder):
    folder("exp", results=rows(3))
    folder("other", opt="lr: 0.1\nepochs: {epochs}\n", hyp="lr: 0.1\n")
    (folder("program", hyp=None) / "runs").mkdir()

    assert [one.run.manifest.label for one in runs_in(folder("exp2").parent, "auto")[0]] == ["exp", "exp2"]


def test_options_of_another_program_are_no_run_of_yolov5(folder):
    found, _ = runs_in(folder(opt="lr: 0.1\nepochs: 3\n", hyp=None, results_csv="epoch,loss\n0,1\n1,0.5\n"), "auto")

    assert [one.run.manifest.section("origin")["kind"] for one in found] == ["csv"]


def test_a_run_goes_by_its_folder_where_many_have_its_name(folder):
    runs = [only(folder(name, results=rows(3))) for name in ("exp", "exp2", "exp11")]

    assert [run.manifest.label for run in runs] == ["exp", "exp2", "exp11"]


def test_a_text_of_results_that_is_not_mlperfs_is_not_asked_for_its_lines(tmp_path):
    (tmp_path / "results.txt").write_text("accuracy 0.5\n")
    (tmp_path / "log.csv").write_text("epoch,loss\n0,1\n1,0.5\n")
    (tmp_path / "result_0.txt").write_text("nothing\n")

    found, skipped = runs_in(tmp_path, "auto")
    assert (len(found), [one.source.rpartition("/")[2] for one in skipped]) == (1, ["result_0.txt"])
