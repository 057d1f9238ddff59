"""`import auto`: every kind in one tree is found once, and what several trackers say of one job is one run."""

import json
import os
from pathlib import Path

import pytest

from runaudit.factors.gaps import gaps
from runaudit.factors.levels import levels
from runaudit.importers.draft import Draft
from runaudit.importers.merging import OF_SEVERAL, merged, of_trackers, runs_of
from runaudit.settings import Settings
from tests.importers.reading import runs_in
from tests.importers.test_tensorboard import VERSION, event, scalar

SHARED = Path(os.environ.get("RUNAUDIT_SHARED_RUNS", "/nowhere"))
HYDRA = "hydra: {{job: {{name: train, num: 0}}, runtime: {{cwd: /w, output_dir: {out}}}, sweep: {{}}}}\n"
EVENTS = "events.out.tfevents.1700000000.ada.7.0"
FACTS = {"program": "/w/src/train.py", "host": "ada", "git": {"commit": "b" * 40}, "args": ["-m", "model=big,small"]}


@pytest.fixture
def tree(tmp_path):
    """A tree of files, by their paths below `runs`."""

    def make(**files):
        for name, content in files.items():
            path = tmp_path / "runs" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path / "runs"

    return make


def hydra(job, config="lr: 0.1\n", *, out=None):
    return {f"{job}/.hydra/config.yaml": config, f"{job}/.hydra/overrides.yaml": "- model=big\n",
            f"{job}/.hydra/hydra.yaml": HYDRA.format(out=out or f"/w/outputs/{job}")}  # fmt: skip


def wandb(job, run="abc12345", config="lr: {value: 0.1}\n", **summary):
    folder = f"{job}/wandb/run-20260101_120000-{run}/files"
    return {f"{folder}/config.yaml": config, f"{folder}/wandb-metadata.json": json.dumps(FACTS),
            f"{folder}/wandb-summary.json": json.dumps({"_step": 9, "loss": 0.5, **summary})}  # fmt: skip


def events(place, **values):
    return {f"{place}/{EVENTS}": VERSION + event(9, *(scalar(tag, value) for tag, value in values.items()))}


def auto(path):
    found, skipped = runs_in(path, "auto")
    return [one.run for one in found], skipped


# ── one job, several trackers ────────────────────────────────────────────────────────────────────────────────────


def test_what_hydra_wandb_and_tensorboard_say_of_one_job_is_one_run(tree):
    (run,), skipped = auto(tree(**hydra("a", "lr: 0.1\nmodel: {size: 3}\nuser: '${oc.env:USER}'\n"),
                                **wandb("a", config="lr: {value: 0.1}\nuser: {value: me}\nextra: {value: 1}\n"),
                                **events("a/tb", acc=0.75)))  # fmt: skip

    assert skipped == ()
    assert dict(run.manifest.section("config")) == {"lr": 0.1, "model": {"size": 3}, "user": "me", "extra": 1}
    assert run.trajectory.series["loss"] == ((9, 0.5),)
    assert run.trajectory.series["acc"] == ((9, 0.75),)
    assert run.manifest.section("code")["commit"] == "b" * 40
    assert run.manifest.section("code")["program"] == "src/train.py"
    origin = run.manifest.section("origin")
    assert origin["kind"] == "hydra"
    assert {"wandb", "tensorboard"} <= origin.keys()
    assert list(origin["wandb"]["argv"]) == ["-m", "model=big,small"]


def test_a_gap_stays_one_where_no_tracker_knows_the_value(tree):
    (run,), _ = auto(tree(**hydra("a", "lr: 0.1\nuser: '${oc.env:USER}'\n"), **wandb("a")))

    assert "config.user" in run.manifest.section("unknown")
    assert "eval" in run.manifest.section("unknown")


@pytest.mark.parametrize(
    ("given", "is_known"),
    [("paths: {value: {home: /me}}\n", True), ("paths/home: {value: /me}\n", True),
     ("paths.home: {value: /me}\n", True), ("paths: {value: {home: null}}\n", True),
     ("paths: {value: {home: '${oc.env:HOME}'}}\n", False), ("paths: {value: {home: ???}}\n", False),
     ("home: {value: /me}\n", False)],
)  # fmt: skip
def test_a_gap_that_another_tracker_of_the_run_fills_is_none(tree, given, is_known):
    (run,), _ = auto(tree(**hydra("a", "lr: 0.1\npaths: {home: '${oc.env:HOME}', n: 1}\n"), **wandb("a", config=given)))

    missing = gaps(levels(run, Settings().factors), Settings().factors)

    assert ("config.paths.home" not in missing) is is_known
    if is_known:
        assert run.manifest.section("config")["paths"] == {"home": None if "null" in given else "/me", "n": 1}


def test_a_value_that_stands_elsewhere_too_still_fills_a_gap():
    told = {"a": {"home": "/me"}, "b": {"home": "/me"}}
    job = Draft(kind="hydra", source="/a", run="a", config={"a": told["a"]}, unknown={"config.b.home": "nobody knows"})
    one = of_trackers([job, Draft(kind="wandb", source="/b", run="b", config=told)])

    assert (one.config, dict(one.unknown)) == (told, {})


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize(
    ("whole", "left"), [("ab", {}), ("xb", {"config.note": "cut off"}), ("a", {"config.note": "cut off"})]
)
def test_a_value_that_was_cut_off_gives_way_to_the_whole_of_it(is_first, whole, left):
    cut = draft("mlflow", config={"note": "a", "lr": 1}, unknown={"config.note": "cut off"})
    one = merged([cut, draft("wandb", config={"note": whole})][:: 1 if is_first else -1])

    assert dict(one.unknown) == left
    assert (one.config == {"note": whole, "lr": 1}) is (whole != "xb")


def test_each_job_has_its_own(tree):
    runs, _ = auto(tree(**hydra("a"), **hydra("b", "lr: 0.2\n"), **events("a", acc=0.25), **events("b", acc=0.5)))

    assert [(run.manifest.section("config")["lr"], run.metrics["acc"]) for run in runs] == [(0.1, 0.25), (0.2, 0.5)]


def test_trackers_beside_each_other_without_a_job_are_runs_of_their_own(tree):
    runs, _ = auto(tree(**wandb("a"), **events("a/tb", acc=0.75)))

    assert sorted(run.manifest.section("origin")["kind"] for run in runs) == ["tensorboard", "wandb"]


def test_a_sweep_within_one_job_is_its_runs_and_none_beside_them(tree):
    runs, _ = auto(
        tree(**hydra("a", "wd: 2\n"), **wandb("a", "aaaaaaaa", loss=0.5), **wandb("a", "bbbbbbbb", loss=0.25))
    )

    assert [(run.metrics["loss"], dict(run.manifest.section("config"))) for run in runs] == [
        (0.5, {"wd": 2, "lr": 0.1}),
        (0.25, {"wd": 2, "lr": 0.1}),
    ]
    assert "its job made 2 runs" in runs[0].manifest.section("origin")["note"]


def test_of_a_sweep_within_one_job_each_has_the_curves_that_are_its_own(tree):
    """A second tracker that draws a curve of one of the runs tells of that run; another one does not say of which."""
    places = tree(**hydra("a"), **wandb("a", "aaaaaaaa", loss=0.5), **wandb("a", "bbbbbbbb", loss=0.25))
    tree(**events("a/tb1", loss=0.25, acc=1.0), **{f"a/tb2/{EVENTS}2": VERSION + event(9, scalar("other", 1.0))})

    runs, skipped = auto(places)

    assert [dict(run.metrics) for run in runs] == [{"loss": 0.5}, {"loss": 0.25, "acc": 1.0}]
    assert [(one.source.rpartition("/")[2], one.reason) for one in skipped] == [("tb2", OF_SEVERAL)]


def test_tables_in_the_folder_of_a_job_are_all_its_own(tree):
    (run,), skipped = auto(tree(**hydra("a"), **{"a/train.csv": "step,loss\n1,2\n", "a/val.csv": "step,loss\n1,3\n"}))

    assert (dict(run.metrics), skipped) == ({"train/loss": 2.0, "val/loss": 3.0}, ())
    assert dict(run.manifest.section("config")) == {"lr": 0.1}
    assert run.label == "outputs/a"


def test_a_record_tells_by_which_name_each_tracker_knows_its_run(tree):
    (run,), _ = auto(tree(**hydra("a", out="/w/2026-01-31/12-00-05"), **wandb("a"), **events("a/tb", acc=0.75)))

    origin = run.manifest.section("origin")
    assert origin["source"] == origin["sources"][0] == "hydra:/w/2026-01-31/12-00-05"
    assert sorted(source.partition(" ")[0] for source in origin["sources"][1:]) == [
        f"tensorboard:{EVENTS}",
        "wandb:abc12345",
    ]


def test_what_two_trackers_tell_otherwise_of_one_setting_is_said(tree):
    (run,), _ = auto(tree(**hydra("a", "lr: 0.5\n"), **wandb("a")))

    assert "lr is 0.5 as Hydra has it and 0.1 as W&B does" in run.manifest.section("origin")["note"]


def test_two_loggers_of_one_program_that_tell_one_curve_are_one_run(tree):
    (run,), _ = auto(tree(
        **hydra("a"),
        **{"a/csv/version_0/hparams.yaml": "width: 3\n", "a/csv/version_0/metrics.csv": "step,acc\n9,0.75\n"},
        **{"a/tensorboard/version_0/hparams.yaml": "width: 3\n"},
        **events("a/tensorboard/version_0", acc=0.75),
    ))  # fmt: skip

    assert dict(run.manifest.section("config")) == {"lr": 0.1, "width": 3}
    assert dict(run.trajectory.series) == {"acc": ((9, 0.75),)}


def test_a_job_that_ran_in_the_folder_of_the_program_has_nothing_of_the_others(tree):
    runs, _ = auto(tree(**hydra("a", out="/w"), **wandb("a")))

    assert [run.manifest.section("origin")["kind"] for run in runs] == ["hydra", "wandb"]


def test_a_job_within_a_folder_of_another_is_a_run_of_its_own(tree):
    runs, _ = auto(tree(**hydra("a"), **hydra("a/outputs/b", "lr: 0.2\n"), **events("a/outputs/b", acc=0.5)))

    assert [(run.manifest.section("config")["lr"], dict(run.metrics)) for run in runs] == [
        (0.1, {}),
        (0.2, {"acc": 0.5}),
    ]


def test_a_broken_part_is_left_out_and_the_rest_of_the_job_comes_in(tree):
    (run,), skipped = auto(tree(**hydra("a"), **events("a", acc=0.5), **wandb("a", config="lr: [\n")))

    assert (run.metrics["acc"], len(skipped)) == (0.5, 1)
    assert skipped[0].broken


# ── one tree, several kinds ──────────────────────────────────────────────────────────────────────────────────────


def test_several_kinds_in_one_tree_are_each_found_once(tree):
    runs, skipped = auto(tree(
        **hydra("h"),
        **wandb("w"),
        **events("t/x", acc=0.5),
        **{"l/version_0/hparams.yaml": "lr: 1\n", "l/version_0/metrics.csv": "step,loss\n1,2\n"},
        **{"u/train/args.yaml": "task: detect\nmode: train\n", "u/train/results.csv": "epoch,loss\n1,2\n"},
        **{"f/out/trainer_state.json": '{"global_step": 1, "log_history": []}'},
        **{"c/log.csv": "step,loss\n1,2\n", "c/data.csv": "image,label\na,1\n"},
    ))  # fmt: skip

    kinds = sorted(run.manifest.section("origin")["kind"] for run in runs)
    assert kinds == ["csv", "huggingface", "hydra", "lightning", "tensorboard", "ultralytics", "wandb"]
    assert skipped == ()


@pytest.mark.skipif(not SHARED.is_dir(), reason="RUNAUDIT_SHARED_RUNS names no folder of real records")
@pytest.mark.parametrize(
    ("folder", "kinds"),
    [("wandb_tb_keyword_transformer", {"wandb": 2, "tensorboard": 3}), ("hydra_icecube", {"hydra": 5}),
     ("lightning_genrisk", {"lightning": 16})],
)  # fmt: skip
def test_real_trees_are_recognised(folder, kinds):
    runs, skipped = auto(SHARED / folder)

    found = [run.manifest.section("origin")["kind"] for run in runs]
    assert ({kind: found.count(kind) for kind in set(found)}, skipped) == (kinds, ())


# ── drafts put together ──────────────────────────────────────────────────────────────────────────────────────────


def draft(kind, **facts):
    return Draft(kind=kind, source=kind, **{"run": kind, **facts})


def test_settings_that_contradict_each_other_are_both_told():
    run = merged([draft("hydra", config={"lr": 0.1, "m": {"a": 1, "b": 2}}),
                  draft("wandb", config={"lr": 0.2, "m": {"a": 1, "b": 3, "c": 4}})])  # fmt: skip

    assert run.config == {"lr": 0.1, "m": {"a": 1, "b": 2, "c": 4}, "wandb_config": {"lr": 0.2, "m": {"b": 3}}}


@pytest.mark.parametrize("name", ["optim.lr", "optim/lr"])
def test_a_flat_copy_of_a_nested_setting_is_the_same_setting(name):
    nested = draft("hydra", config={"optim": {"lr": 0.1}})
    gap = draft("hydra", config={"optim": {"wd": 0}}, unknown={"config.optim.lr": "why"})

    assert merged([nested, draft("wandb", config={name: 0.1})]).config == {"optim": {"lr": 0.1}}
    assert merged([nested, draft("wandb", config={name: 0.2})]).config == {"optim": {"lr": 0.1}, name: 0.2}
    assert merged([gap, draft("wandb", config={name: 0.1})]).config == {"optim": {"wd": 0, "lr": 0.1}}


def test_a_curve_that_two_trackers_tell_otherwise_is_told_twice():
    run = merged([draft("wandb", series={"loss": ((0, 1.0),)}), draft("tensorboard", series={"loss": ((0, 2.0),)})])

    assert run.series == {"loss": ((0, 1.0),), "tensorboard/loss": ((0, 2.0),)}


@pytest.mark.parametrize(
    ("a", "b", "number"),
    [
        ({"loss": ((0, 1.0),)}, {"loss": ((0, 1.0),), "acc": ((0, 2.0),)}, 1),
        ({"loss": ((0, 1.0),)}, {"loss": ((0, 3.0),)}, 2),
        ({"loss": ((0, 1.0),)}, {"acc": ((0, 1.0),)}, 2),
    ],
)
def test_two_records_of_one_tracker_are_one_run_where_they_tell_one_curve(a, b, number):
    runs, left = runs_of([draft("lightning", series=a), draft("lightning", series=b)])

    assert (len(runs), left) == (number, ())
