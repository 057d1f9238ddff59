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
