"""Lightning's version folders: settings that somebody saved, numbers at the steps at which there are any."""

import math
import os
from pathlib import Path

import pytest

from runaudit.diff import compare
from runaudit.errors import RecordError
from runaudit.settings import Settings
from tests.importers.reading import runs_in
from tests.importers.test_tensorboard import VERSION, event, hparams, part, scalar, setting

SHARED = Path(os.environ.get("RUNAUDIT_SHARED_RUNS", "/nowhere"))
SPARSE = "epoch,step,train_loss,val_loss\r\n0,1,0.5,\r\n0,3,nan,\r\n0,3,,0.25\r\n1,5,inf,\r\n"


@pytest.fixture
def version(tmp_path):
    def make(number=0, **files):
        folder = tmp_path / "lightning_logs" / f"version_{number}"
        folder.mkdir(parents=True)
        for name, text in files.items():
            path = folder / name.replace("__", ".")
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return folder

    return make


def only(path):
    (found,), _ = runs_in(path, "lightning")
    return found.run


def test_settings_and_sparse_columns_are_read(version):
    run = only(version(hparams__yaml="lr: 0.1\nbetas: [0.9, 0.99]\nseed: 3\n", metrics__csv=SPARSE))

    assert run.manifest.section("config")["lr"] == 0.1
    assert run.manifest.body["seed"] == 3
    series = run.trajectory.series
    assert set(series) == {"train_loss", "val_loss"}
    assert [step for step, _ in series["train_loss"]] == [1, 3, 5]
    assert math.isnan(series["train_loss"][1][1])
    assert math.isinf(series["train_loss"][2][1])
    assert series["val_loss"] == ((3, 0.25),)


@pytest.mark.parametrize("text", ["{}\n", "", "null\n"])
def test_an_empty_hparams_file_leaves_the_config_unknown(version, text):
    run = only(version(hparams__yaml=text, metrics__csv=SPARSE))

    assert "config" not in run.manifest.body
    assert "save_hyperparameters" in run.manifest.section("unknown")["config"]


def test_objects_are_read_as_the_plain_data_they_are_written_as_and_never_built(version, tmp_path):
    plain = version(
        hparams__yaml="betas: !!python/tuple\n- 0.9\n- 0.99\nargs: !!python/object:argparse.Namespace\n  lr: 1\n"
    )
    odd = version(1, hparams__yaml=f"f: !!python/object/apply:os.system [touch {tmp_path}/x]\n")
    none = version(2, hparams__yaml="f: {? !!python/object/apply:m.E [1] : 2}\n", metrics__csv=SPARSE)

    assert dict(only(plain).manifest.section("config")) == {"betas": (0.9, 0.99), "args": {"lr": 1}}
    assert only(odd).manifest.section("config")["f"] == {"__class__": "os.system", "args": (f"touch {tmp_path}/x",)}
    assert not (tmp_path / "x").exists()
    assert "none is ever built" in only(none).manifest.section("unknown")["config"]
    assert "train_loss" in only(none).trajectory.series


@pytest.mark.parametrize(
    ("written", "other", "changed"),
    [
        ("!!python/object:m.Config {width: 3, deep: [1]}", "!!python/object:m.Config {deep: [1], width: 3}", set()),
        ("!!python/object:m.Config {width: 3}", "!!python/object:m.Config {width: 4}", {"config.c.width"}),
        ("!!python/object:m.Config {width: 3}", "!!python/object:n.Config {width: 3}", {"config.c.__class__"}),
        ("!!python/object/apply:m.Mode [fast]", "!!python/object/apply:m.Mode [slow]", {"config.c.args"}),
        ("!!python/name:m.relu ''", "!!python/name:m.gelu ''", {"config.c"}),
        ("!!python/name:m.relu ''", "!!python/name:m.relu ''", set()),
        ("!mine {width: 3}", "!yours {width: 3}", {"config.c.__class__"}),
        ("!!binary aGk=", "!!binary aG8=", {"config.c"}),
        (
            "[&x !!python/object:m.A {v: 1}, *x]",
            "[&x !!python/object:m.A {v: 2}, *x]",
            {"config.c[0].v", "config.c[1].v"},
        ),
    ],
)
def test_two_objects_differ_by_their_class_and_by_what_was_set(version, written, other, changed):
    a, b = (only(version(at, hparams__yaml=f"c: {text}\n", metrics__csv=SPARSE))
            for at, text in enumerate((written, other)))  # fmt: skip

    found = compare(a, b, settings=Settings())
    assert {row.factor for row in found.factors} == changed
    assert not any(row.factor.startswith("config") for row in found.missing)


def test_a_lambda_has_no_name_to_be_known_by(version):
    a, b = (only(version(at, hparams__yaml="f: !!python/name:__main__.%3Clambda%3E ''\n")) for at in range(2))

    assert "config.f" in {row.factor for row in compare(a, b, settings=Settings()).missing}


@pytest.mark.parametrize(
    ("saved", "told", "is_known"),
    [
        ("!!python/object:m.Config {width: 3}", "<m.Config object at 0x7f1122334455>", True),
        ("3", "<m.Config object at 0x7f1122334455>", True),
        ("Config", "<m.Config object at 0x7f1122334455>", False),
        ("Config", "Config(width=3)", True),
    ],
)
def test_an_object_is_known_where_the_yaml_holds_more_of_it_than_its_class(version, saved, told, is_known):
    runs = []
    for at in range(2):
        events = {
            f"events__out__tfevents__170000000{at}__ada__7__0": VERSION
            + event(0, hparams(part(3, setting("c", part(3, told.encode())))))
            + event(1, scalar("acc", 0.5))
        }
        runs.append(only(version(at, hparams__yaml=f"c: {saved}\n", metrics__csv=SPARSE, **events)))

    missing = {row.factor for row in compare(*runs, settings=Settings()).missing}
    assert ("config.c" not in missing) is is_known


def test_a_folder_of_settings_alone_is_a_run_and_one_of_none_says_why_it_is_not(version):
    _, skipped = runs_in(version(0, hparams__yaml="f: {? !!python/object/apply:m.E [1] : 2}\n"), "lightning")
    assert "no plain data" in skipped[0].reason
    assert only(version(1, hparams__yaml="c: !!python/object:m.Config {width: 3}\n")).manifest.has("config")


def test_what_the_command_line_composed_is_the_config_and_the_model_adds_what_it_alone_saved(version):
    run = only(version(config__yaml="seed_everything: 7\nmodel: {lr: 0.1}\n", hparams__yaml="lr: 0.1\nextra: 2\n",
                       metrics__csv=SPARSE))  # fmt: skip

    config = run.manifest.section("config")
    assert (config["model"], config["hparams"], run.manifest.body["seed"]) == ({"lr": 0.1}, {"extra": 2}, 7)


def test_event_files_beside_are_of_the_same_run(version):
    events = VERSION + event(0, scalar("hp_metric", -1.0)) + event(1, scalar("acc", 0.5), scalar("epoch", 0.0))
    folder = version(hparams__yaml="lr: 0.1\n", metrics__csv=SPARSE,
                     events__out__tfevents__1700000000__ada__7__0=events)  # fmt: skip

    found, skipped = runs_in(folder.parent, "auto")
    assert (len(found), skipped) == (1, ())
    assert set(found[0].run.trajectory.series) == {"acc", "train_loss", "val_loss"}


def test_a_line_that_was_cut_is_left_out_and_counted(version):
    run = only(version(hparams__yaml="lr: 0.1\n", metrics__csv="step,epoch,loss\n0,0,0.5000\n1,0,0.4000\n2,0,0.3"))

    assert run.trajectory.series["loss"] == ((0, 0.5), (1, 0.4))
    assert run.trajectory.torn == 1


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("hparams__yaml", b"a: [\n"),
        ("hparams__yaml", b"a: 1\na: 2\n"),
        ("metrics__csv", b"a,b\n\0\0\0\n"),
        ("metrics__csv", b"a,b\n" + b"9" * (2 << 20)),
    ],
    ids=["no YAML", "a key twice", "NULs", "one long line"],
)
def test_a_broken_file_is_refused_by_name(version, name, raw):
    folder = version(**{"hparams__yaml": "lr: 1\n", "metrics__csv": SPARSE, name: raw})

    with pytest.raises(RecordError, match=name.replace("__", ".")):
        only(folder)


needs_records = pytest.mark.skipif(not SHARED.is_dir(), reason="RUNAUDIT_SHARED_RUNS names no folder of real records")


@needs_records
def test_of_two_runs_without_settings_nothing_is_said_to_be_equal():
    logs = SHARED / "lightning_genrisk" / "lightning_logs"

    found = compare(only(logs / "version_2"), only(logs / "version_3"), settings=Settings())
    assert (found.verdict, found.factors) == ("provenance_incomplete", ())


@needs_records
@pytest.mark.parametrize(("number", "nans"), [(0, 1), (1, 0), (5, 1), (7, None), (2, None)])
def test_real_series_hold_what_was_written(number, nans):
    run = only(SHARED / "lightning_genrisk" / "lightning_logs" / f"version_{number}")

    bad = [step for step, value in run.trajectory.series["train_disc_loss"] if not math.isfinite(value)]
    assert (bad[0] if bad else None) == nans
