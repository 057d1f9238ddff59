"""A folder is where a run writes, and no factor, as long as nothing in its record says that the run may read there."""

from dataclasses import replace

import pytest

from runaudit.diff import compare
from runaudit.records.manifest import Manifest
from runaudit.records.record_file import run_of
from runaudit.settings import Settings
from tests.diff.samples import record


def factors(a, b, *, program="src/train.py", label=("one", "two")):
    runs = []
    for config, name in zip((a, b), label, strict=True):
        plain = record()
        plain["config"] |= config
        read = run_of(plain, where="sample")
        body = read.manifest.to_json()
        code = {**body["code"], "program": program}
        origin = {**body.get("origin", {}), "kind": "wandb", "run": f"{name}-1a2b3c", "name": name}
        runs.append(replace(read, manifest=Manifest.of({**body, "label": name, "code": code, "origin": origin})))
    return [one.factor for one in compare(*runs, settings=Settings()).factors if one.factor.startswith("config")]


SETTINGS_OF_A_TRAINING = (
    {},
    {"resume": False, "load_workers": 4, "mode": "train", "do_train": True, "do_eval": True},
    {"load_best_model_at_end": True, "load_in_8bit": True, "resume_from": None, "eval": True},
    {"start_epoch": 0, "init_from": "scratch", "ckpt_path": None, "warm_restarts": True, "start_lr": 1},
)


@pytest.mark.parametrize(
    "key", ["output_dir", "log_dir", "save_dir", "results_dir", "default_root_dir", "output_folder"]
)
@pytest.mark.parametrize("beside", SETTINGS_OF_A_TRAINING)
def test_a_training_writes_where_its_folder_is(key, beside):
    assert factors({key: "out/a", **beside}, {key: "out/b", **beside}) == []


@pytest.mark.parametrize(
    "program", ["enjoy.py", "tools/eval.py", "-m pkg.evaluate", "predict_images.py", r"C:\work\test.py"]
)
def test_what_is_no_training_reads_there(program):
    """`enjoy.py --log_dir runs/A` against `runs/B` was "identical", with rewards of 5 and 9."""
    assert factors({"log_dir": "runs/A"}, {"log_dir": "runs/B"}, program=program) == ["config.log_dir"]


@pytest.mark.parametrize(
    "beside",
    [{"test_only": True}, {"auto_resume": True}, {"resume": "yes"}, {"evaluate": True}, {"mode": "test"}, {"load": 1},
     {"init_from": "resume"}, {"ckpt_path": "last"}, {"start_epoch": 5}, {"initial_step": "100"}, {"warm_start": True},
     {"recover": True},
     {"do_eval": True}, {"do_train": False, "do_predict": True}, {"train": {"resume_from_checkpoint": "last"}}],
    ids=str,
)  # fmt: skip
def test_what_goes_on_from_there_reads_there(beside):
    assert factors({"save_dir": "ck/A", **beside}, {"save_dir": "ck/B", **beside}) == ["config.save_dir"]


def test_weights_are_read_whatever_their_key_is_called():
    assert factors({"save_path": "ck/A.pth"}, {"save_path": "ck/B.pth"}) == ["config.save_path"]


@pytest.mark.parametrize("key", ["experiment", "run", "label", "description"])
def test_what_a_run_is_called_after_is_no_mere_name(key):
    """`experiment: base` against `mixup`, in runs that were called so, was "identical"."""
    assert factors({key: "base"}, {key: "mixup"}, label=("base", "mixup")) == [f"config.{key}"]


@pytest.mark.parametrize("key", ["exp_name", "run_name"])
def test_the_name_of_a_run_is_one_where_its_tracker_says_so(key):
    assert factors({key: "base"}, {key: "mixup"}, label=("base", "mixup")) == []
    assert factors({key: "base"}, {key: "mixup"}) == [f"config.{key}"]
    assert factors({key: None}, {key: "two"}) == []
