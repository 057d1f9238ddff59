"""A config file that the command line names is the config on record where it holds nothing else."""

import json

import pytest

from runaudit.capture.spoken_config import spoken_config

ARGV = ("python", "-m", "pk.cli", "--config", "a.yaml", "--seed", "0")


@pytest.mark.parametrize("config", [
    {"lr": 0.1, "net": {"depth": 3}}, {"lr": 0.1, "net": {"depth": 3}, "seed": 0, "config": "a.yaml"},
    {"cfg": {"lr": 0.1, "net": {"depth": 3, "width": 8}}, "args": {"seed": 0}},
])  # fmt: skip
def test_a_file_whose_values_are_all_on_record_is_the_config(tmp_path, config):
    (tmp_path / "a.yaml").write_text("lr: 0.1\nnet: {depth: 3}\n")
    for argv in (ARGV, ("python", "t.py", "--config=a.yaml")):
        assert [str(path) for path in spoken_config(argv, tmp_path, config)] == ["a.yaml"]


@pytest.mark.parametrize("config", [
    {}, None, {"lr": 0.2, "net": {"depth": 3}}, {"lr": 0.1}, {"lr": "0.1", "net": {"depth": 3}}, {"config": "a.yaml"},
])  # fmt: skip
def test_a_file_of_which_one_value_is_not_on_record_stays_a_choice(tmp_path, config):
    (tmp_path / "a.yaml").write_text("lr: 0.1\nnet: {depth: 3}\n")
    assert spoken_config(ARGV, tmp_path, config) == ()


@pytest.mark.parametrize("content", ["", "[1]", "{", "a: [", json.dumps({})])
def test_a_file_that_is_no_table_of_settings_is_none(tmp_path, content):
    (tmp_path / "a.yaml").write_text(content)
    assert spoken_config(ARGV, tmp_path, {"lr": 0.1}) == () == spoken_config(ARGV, tmp_path / "no", {"lr": 0.1})
