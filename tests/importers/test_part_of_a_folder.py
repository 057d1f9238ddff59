"""A folder that plainly is a tracker's is a run with what it lacks unknown, or is left out with its reason: none is
dropped without a word."""

import json

import pytest

from runaudit.importers.kinds import AUTO
from tests.importers.reading import runs_in

HYDRA = {"hydra.yaml": "hydra: {job: {name: train}, runtime: {version: 1.3.2}}\n", "overrides.yaml": "- lr=0.2\n"}
SACRED = {
    "experiment": {"name": "toy", "mainfile": "main.py"},
    "start_time": "2026-01-31T12:00:00.5",
    "command": "main",
}


def write(folder, files):
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)


@pytest.mark.parametrize("kept", [("hydra.yaml", "overrides.yaml"), ("hydra.yaml",), ("overrides.yaml",)])
def test_a_job_of_hydras_without_its_config_is_a_run_whose_config_is_unknown(tmp_path, kept):
    write(tmp_path / "a" / ".hydra", {**HYDRA, "config.yaml": "{lr: 0.1, depth: 3}\n"})
    write(tmp_path / "b" / ".hydra", {name: HYDRA[name] for name in kept})

    runs, skipped = runs_in(tmp_path, AUTO)

    assert not skipped and len(runs) == 2
    lost = runs[1].run.manifest
    place = "config.untyped" if "overrides.yaml" in kept else "config"
    assert "there is no config.yaml" in lost.section("unknown")[place]
    assert lost.section("config") == ({"lr": 0.2} if "overrides.yaml" in kept else {})


def test_a_run_of_sacreds_of_which_only_run_json_is_left_is_a_run(tmp_path):
    write(tmp_path / "1", {"run.json": json.dumps(SACRED)})
    write(tmp_path / "other", {"run.json": json.dumps({"command": "main"})})

    runs, skipped = runs_in(tmp_path, AUTO)

    assert [one.source for one in runs] == [str(tmp_path / "1")] and not skipped
    assert not runs[0].run.manifest.section("config").keys() - {"args"}
    assert any(path.startswith("config") for path in runs[0].run.manifest.section("unknown"))


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"1/config.json": "{}", "1/cout.txt": "hello\n"}, "its run.json is gone"),
        ({"version_3/checkpoints/last.ckpt": "x"}, "it holds neither settings nor numbers"),
        ({"run/.guild/attrs/cmd": "[python, train.py]\n"}, "names no operation of Guild's"),
    ],
    ids=["Sacred", "Lightning", "Guild"],
)
def test_what_tells_of_no_run_any_more_is_named_with_its_reason(tmp_path, files, reason):
    write(tmp_path / "whole" / ".hydra", {**HYDRA, "config.yaml": "{lr: 0.1}\n"})
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    runs, skipped = runs_in(tmp_path, AUTO)

    assert len(runs) == 1
    assert [reason in one.reason for one in skipped] == [True], skipped
