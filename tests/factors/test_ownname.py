"""A folder that bears the run's own id or start is bookkeeping; any other that differs is a choice."""

from dataclasses import replace

import pytest

from runaudit.diff import compare
from runaudit.records.manifest import Manifest
from runaudit.records.record_file import run_of
from runaudit.settings import Settings
from tests.diff.samples import record

BEGUN = ("2021-05-01T10:22:33Z", "2021-12-12T23:05:09+00:00")


def run(config, begun, name):
    plain = record()
    plain["config"] |= config
    read = run_of(plain, where="sample")
    body = read.manifest.to_json()
    origin = {**body.get("origin", {}), "kind": "wandb", "run": name}
    launch = {**body.get("launch", {}), "started": begun}
    return replace(read, manifest=Manifest.of({**body, "origin": origin, "launch": launch}))


def verdict(*values, key="exp_dir", names=("3k1x9abc", "7qz20def")):
    a, b = (run({key: value}, begun, name) for value, begun, name in zip(values, BEGUN, names, strict=True))
    found = compare(a, b, settings=Settings())
    return [one.factor for one in found.factors if one.factor.startswith("config.")]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("exps/2021-05-01_10-22-33", "exps/2021-12-12_23-05-10"),
        ("exps/20210501-102240", "exps/20211212-230515"),
        ("exps/20210501102240", "exps/20211212230515"),
        ("exps/2021-05-01", "exps/2021-12-12"),
        ("exps/2021-05-01_12-22-33", "exps/2021-12-13_00-05-10"),
        ("runs/May01_10-22-33_box", "runs/Dec12_23-05-09_box"),
        ("exps/3k1x9abc", "exps/7qz20def"),
        ("exps/base-3k1x9abc/", "exps/base-7qz20def/"),
    ],
)
def test_a_folder_that_bears_the_runs_own_start_or_id_is_no_factor(a, b):
    assert verdict(a, b) == []


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("exps/2019-05-01_10-22-33", "exps/2019-12-12_23-05-10"),
        ("exps/2021-05-01_10-39-33", "exps/2021-12-12_23-25-10"),
        ("exps/2021-04-01", "exps/2021-10-12"),
        ("exps/7qz20def", "exps/3k1x9abc"),
        ("exps/wide_2021-05-01", "exps/deep_2021-12-12"),
        ("exps/20210501102233999", "exps/20211212230510999"),
        ("exps/wide", "exps/deep"),
    ],
)
def test_a_folder_of_another_time_or_run_is_one(a, b):
    assert verdict(a, b) == ["config.exp_dir"]


@pytest.mark.parametrize("key", ["resume_from", "data_dir", "teacher", "init_ckpt", "exp_dataset"])
def test_what_is_read_from_is_a_factor_whatever_it_bears(key):
    assert verdict("exps/2021-05-01_10-22-33", "exps/2021-12-12_23-05-10", key=key) == [f"config.{key}"]


@pytest.mark.parametrize("key", ["checkpoint_dir", "run_name", "outputDir", "log_folder"])
def test_every_name_of_an_output_is_understood(key):
    assert verdict("x/2021-05-01_10-22-33", "x/2021-12-12_23-05-10", key=key) == []


OWN_IDS = ("out/3k1x9abc", "out/7qz20def")
OWN_STARTS = ("l/2021-05-01_11-22-33/c", "l/2021-12-13/00-05-10/c")  # both an hour before the clock of Greenwich


@pytest.mark.parametrize("key", ["memo", "stage1", "dirpath", "tb_dir", "artifact_dir", "pred_file", "model_save_path"])
@pytest.mark.parametrize("values", [OWN_IDS, OWN_STARTS], ids=["id", "start"])
def test_what_bears_the_runs_own_id_or_start_is_bookkeeping_under_any_key(key, values):
    assert verdict(*values, key=key) == []


@pytest.mark.parametrize(
    ("values", "key"),
    [
        (OWN_IDS[::-1], "memo"),  # each that of the other
        (("l/2021-05-01_10-22-33", "l/2021-12-13_00-05-10"), "memo"),  # by two clocks
        (("l/2021-05-01_10-37-33", "l/2021-12-12_23-20-10"), "memo"),  # a quarter of an hour later
        (("l/2021-05-01", "l/2021-12-12"), "memo"),  # a date is that of many runs
        (OWN_IDS, "corpus"),
        (OWN_IDS, "save_from"),
        (("out/3k1x9abc", "out/plain"), "memo"),  # one side alone
    ],
    ids=str,
)
def test_under_any_other_key_little_evidence_excuses_nothing(values, key):
    assert verdict(*values, key=key) == [f"config.{key}"]


def test_a_run_that_may_have_read_there_excuses_nothing_under_a_key_that_names_no_output():
    a, b = (run({"memo": value, "resume": True}, begun, name)
            for value, begun, name in zip(OWN_IDS, BEGUN, ("3k1x9abc", "7qz20def"), strict=True))  # fmt: skip

    assert "config.memo" in [one.factor for one in compare(a, b, settings=Settings()).factors]


JOB = "/p/multirun/2021-05-01/10-22-30/{}/checkpoints"


@pytest.mark.parametrize(("key", "expected"), [("dirpath", []), ("stage1", ["config.stage1"]),
                                               ("load_from", ["config.load_from"])])  # fmt: skip
def test_the_number_of_a_job_in_the_folder_of_its_sweep_is_its_own(key, expected):
    a, b = (run({key: JOB.format(number)}, "2021-05-01T10:22:33Z", f"r{number}") for number in (0, 3))

    assert [one.factor for one in compare(a, b, settings=Settings()).factors] == expected


@pytest.mark.parametrize(
    ("inner", "more", "expected"),
    [
        (("a/ck", "b/ck"), {}, []),
        (("a/ck", "b/ck2"), {}, ["config.cb"]),
        (("a/ck", "c/ck"), {}, ["config.cb"]),  # not there
        (("a/ck", "b/ck"), {"resume": True}, ["config.cb", "config.paths.output_dir"]),
    ],
    ids=str,
)
def test_what_lies_where_the_run_writes_is_told_from_there(inner, more, expected):
    a, b = (run({"paths": {"output_dir": f"/o/{place}"}, "cb": f"/o/{path}", **more}, begun, "r")
            for place, path, begun in zip("ab", inner, BEGUN, strict=True))  # fmt: skip

    assert [one.factor for one in compare(a, b, settings=Settings()).factors] == expected


def named(config, name, begun, **more):
    body = run(config, begun, f"r{begun[:7]}").manifest.to_json()
    origin = {**body["origin"], "called": {"name": name, **more}}
    return replace(run(config, begun, "r"), manifest=Manifest.of({**body, "origin": origin}))


@pytest.mark.parametrize(
    ("key", "values", "expected"),
    [
        ("name", ("brave-sun-12", "calm-moon-3"), []),  # drawn by the tracker
        ("name", ("focal", "plain"), ["config.name"]),  # a user may have called it by what it picks
        ("notes", ("try one", "try two"), []),
        ("out", ("runs/focal", "runs/plain"), []),
        ("loss", ("focal", "plain"), ["config.loss"]),  # a run is often called by what was tried
        ("exp", ("e/focal", "e/plain"), ["config.exp"]),
        ("arch", ("vit-base-16", "vit-small-16"), ["config.arch"]),
        ("group", ("focal", "plain"), ["config.group"]),
    ],
)
def test_the_name_that_the_tracker_has_of_a_run_is_no_choice_where_it_names_the_run(key, values, expected):
    a, b = (named({key: value}, value.rpartition("/")[2], begun, notes=value, group=value)
            for value, begun in zip(values, BEGUN, strict=True))  # fmt: skip

    assert [one.factor for one in compare(a, b, settings=Settings()).factors] == expected


@pytest.mark.parametrize("key", ["run_id", "session", "memo"])
@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("2021-05-01T10.22.33.747Z", "2021-12-12T23.05.09.402Z"),  # as Kedro names its sessions
        ("2021-05-01T10:22:33.747123", "2021-12-12T23:05:09.402001"),
        ("2021-05-01T12:22:33+02:00", "2021-12-13T01:05:09+02:00"),
        ("20210501102233", "20211212230509"),
    ],
)
def test_the_time_at_which_a_run_began_is_bookkeeping_however_fine_it_is(key, a, b):
    assert verdict(a, b, key=key) == []


@pytest.mark.parametrize("key", ["run_id", "session", "memo"])
def test_a_fine_time_that_is_no_start_of_these_runs_is_a_factor(key):
    assert verdict("2021-05-01T10.30.33.747Z", "2021-12-12T23.13.09.402Z", key=key) == [f"config.{key}"]


def test_the_time_at_which_a_run_began_may_be_counted_in_thousandths():
    began = (1619864553, 1639350309)
    assert verdict(*(1000 * at + 17 for at in began), key="timestamp") == []
    assert verdict(*(1000 * (at + 3600) for at in began), key="timestamp") == ["config.timestamp"]
