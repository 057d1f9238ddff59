"""What Hydra wrote of earlier jobs is their output, by what it says itself; a file that only looks so is a source."""

import os
from pathlib import Path

import pytest

from runaudit.capture.hydra_folders import is_hydras
from runaudit.capture.outputs import Outputs
from runaudit.store.store import Store

JOB = "outputs/2026-01-02/03-04-05"
THREE = ("config.yaml", "hydra.yaml", "overrides.yaml")
TOLD = "hydra:\n  run:\n    dir: outputs/${{now:%Y-%m-%d}}\n  runtime:\n    version: 1.3.2\n    output_dir: {}\n"


def job(top: Path, folder: str = JOB, *, told: str = "", inner: str = ".hydra") -> Path:
    """The folder of a job as Hydra leaves it. told: where its `hydra.yaml` says that it is."""
    place = top / folder / inner
    place.mkdir(parents=True)
    for name in THREE:
        (place / name).write_text(TOLD.format(told or f"/home/u/{folder}") if name == "hydra.yaml" else "lr: 0.1\n")
    return place


@pytest.mark.parametrize("inner", [".hydra", "settings"])
@pytest.mark.parametrize("told", ["", f"'/c/with space/{JOB}'", f"C:\\w\\{JOB}".replace("/", "\\")])
def test_what_hydra_says_of_a_job_in_the_jobs_own_folder_is_its_output(tmp_path, told, inner):
    job(tmp_path, told=told, inner=inner)

    assert all(is_hydras(tmp_path, f"{JOB}/{inner}/{name}") for name in THREE)


def test_a_sweep_is_told_by_its_jobs(tmp_path):
    (tmp_path / "multirun/x").mkdir(parents=True)
    (tmp_path / "multirun/x/multirun.yaml").write_text("hydra: {}\n")
    assert not is_hydras(tmp_path, "multirun/x/multirun.yaml")

    job(tmp_path, "multirun/x/0")

    assert is_hydras(tmp_path, "multirun/x/multirun.yaml")


@pytest.mark.parametrize("told", ["/home/u/outputs/other", f"/home/u/{JOB}/deeper", "???", f"/home/u/my{JOB}"])
def test_a_folder_of_which_hydra_says_that_it_is_elsewhere_is_source(tmp_path, told):
    job(tmp_path, told=told)

    assert not any(is_hydras(tmp_path, f"{JOB}/.hydra/{name}") for name in THREE)


def test_a_file_that_was_edited_since_or_is_called_otherwise_or_stands_alone_is_source(tmp_path):
    place = job(tmp_path)
    written = (place / "hydra.yaml").stat().st_mtime_ns
    os.utime(place / "config.yaml", ns=(written, written + 60_000_000_000))
    (place / "helper.py").write_text("x = 1\n")
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/config.yaml").write_text("lr: 0.1\n")
    (tmp_path / "config.yaml").write_text("lr: 0.1\n")

    assert is_hydras(tmp_path, f"{JOB}/.hydra/overrides.yaml")
    for path in (f"{JOB}/.hydra/config.yaml", f"{JOB}/.hydra/helper.py", f"{JOB}/.hydra/gone.yaml", "conf/config.yaml",
                 "config.yaml", "multirun.yaml"):  # fmt: skip
        assert not is_hydras(tmp_path, path), path


def test_what_lies_in_the_place_of_hydras_word_and_is_no_file_says_nothing_and_holds_nothing_up(tmp_path):
    place = job(tmp_path)
    (place / "hydra.yaml").unlink()
    os.mkfifo(place / "hydra.yaml")
    other = job(tmp_path, "outputs/b")
    (other / "told").write_text(TOLD.format("/home/u/outputs/b"))
    (other / "hydra.yaml").unlink()
    (other / "hydra.yaml").symlink_to("told")

    assert not is_hydras(tmp_path, f"{JOB}/.hydra/config.yaml")
    assert not is_hydras(tmp_path, "outputs/b/.hydra/config.yaml")


def test_such_a_file_is_named_among_the_outputs_in_the_tree(tmp_path):
    job(tmp_path)
    outputs = Outputs(Store.create(tmp_path / "store"), tmp_path)

    assert outputs.wrote(f"{JOB}/.hydra/config.yaml") and not outputs.wrote("conf/config.yaml")
    assert outputs.found == {f"{JOB}/.hydra/config.yaml"}
