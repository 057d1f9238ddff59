"""From a folder of bursts to a judged run, on the command line, with small real data."""

import contextlib
import errno
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest

from runaudit.diff import compare
from runaudit.errors import ConfigError, UsageError
from runaudit.settings import Settings
from runaudit.store import Store, StoreError
from runaudit.store.catalogue import load, run_ids
from runaudit.store.verify import verify
from tests.trainer.conftest import SilentLog
from trainer.checkpoint import load as load_checkpoint
from trainer.cli import main
from trainer.data import DatasetConfig, make_dataset, read_dataset
from trainer.launch import stop_signals
from trainer.main import open_dataset, prepare, read_config, train
from trainer.recording import split_source
from trainer.resolved import DERIVED_RULES

ROOT = Path(__file__).parents[2]
SETTINGS = """
[data]
root = "{root}"
tile = 16
val_fraction = 0.1
[model.alignment]
kind = "{kind}"
[model.head]
channels = 8
blocks = 1
[budget]
align_steps = 3
sr_steps = 6
end_to_end_steps = 6
[optim]
batch = 4
[loop]
val_every = 3
[eval]
tile = 32
overlap = 18
ibp_iterations = 1
"""


@pytest.fixture(scope="module")
def bursts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = DatasetConfig(
        train=("brick.png", "coins.png"),
        test=("camera.png",),
        bursts_per_scene=1,
        tile=16,
        max_tiles=3,
        max_test_hr_px=192,
    )
    return make_dataset(tmp_path_factory.mktemp("data") / "bursts", config, 0)


@pytest.fixture
def config_file(tmp_path: Path, bursts: Path) -> Path:
    path = tmp_path / "arm.toml"
    path.write_text(SETTINGS.format(root=bursts, kind="flow"))
    return path


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clean repository to train from: the code of a run is that of the work tree it is started in."""
    folder = repository(tmp_path / "project")
    monkeypatch.chdir(folder)
    return folder


def repository(folder: Path) -> Path:
    folder.mkdir()
    (folder / "loss.py").write_text("weight = 1\n")
    git = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-qm", "start"], check=True)
    return folder


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory, bursts: Path) -> tuple[Path, dict[str, Any]]:
    """A project in which one run was trained, and its answer: read by several tests, changed by none."""
    folder = repository(tmp_path_factory.mktemp("once") / "project")
    config = folder.parent / "arm.toml"
    config.write_text(SETTINGS.format(root=bursts, kind="flow"))
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()) as out:
        assert main([str(word) for word in command(config, folder / ".runaudit")]) == 0
    return folder, json.loads(out.getvalue())


@pytest.fixture
def again(once: tuple[Path, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Store, str]:
    """A copy of that project, to change: its store and the run's id."""
    folder = shutil.copytree(once[0], tmp_path / "again", symlinks=True)
    monkeypatch.chdir(folder)
    return Store.open(folder / ".runaudit"), once[1]["run"]


@pytest.fixture(autouse=True)
def handlers_stay() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    assert signal.getsignal(signal.SIGTERM) is before


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main([str(a) for a in arguments])
    out, err = capsys.readouterr()
    return code, out, err


def command(config: Path, store: Path, *more: object, seed: int = 1) -> tuple[object, ...]:
    """How to train. The checkout that is tested may be in the middle of a change: that is waived."""
    return ("train", "--config", config, "--seed", seed, "--label", "small", "--store", store,
            "--waive", "dirty_sibling=the checkout under test may be changing", *more)  # fmt: skip


def trained(
    capsys: pytest.CaptureFixture[str], config: Path, store: Path, *more: object, seed: int = 1
) -> tuple[int, str, str]:
    """Train on the command line."""
    return run(capsys, *command(config, store, *more, seed=seed))


def test_a_run_goes_from_config_to_judged_sequences(
    config_file: Path, once: tuple[Path, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, result = once

    assert (result["status"], result["steps_done"]) == ("completed", 9)
    metrics = result["metrics"]
    assert metrics["full_frame/registration_error_px/camera"] < 0.5  # nothing done would be 1.0
    assert metrics["full_frame/psnr/camera"] > metrics["full_frame/psnr_bicubic/camera"]

    best = folder / ".runaudit" / "runs" / result["run"] / "checkpoints" / "best.safetensors"
    code, answer, _ = run(capsys, "evaluate", "--config", config_file, "--checkpoint", best)
    again = json.loads(answer)
    assert code == 0
    assert again["full_frame/psnr/camera"] == metrics["full_frame/psnr/camera"]


def test_a_run_leaves_a_sealed_record_with_everything_that_went_in(once: tuple[Path, dict[str, Any]]) -> None:
    store = Store.open(once[0] / ".runaudit")

    sealed = load(store, once[1]["run"])
    for section in ("label", "seed", "config", "code", "data", "env", "init", "eval", "seed_proof"):
        assert sealed.manifest.has(section), section
    assert sealed.manifest.section("policy")["derived"] == dict(DERIVED_RULES)
    told = [(event.kind, event.stage) for event in sealed.trajectory.events]
    assert told == [(kind, name) for name in ("alignment", "sr") for kind in ("stage", "stage_end")]
    assert {entry["kind"] for entry in sealed.outcome.checkpoints} >= {"best", "last"}
    kinds = [entry["kind"] for entry in sealed.outcome.artifacts]
    assert sorted(kinds) == ["baseline", *["panel"] * 5]
    assert sealed.manifest.section("data")["train"]["members"] == ("brick-0", "coins-0")
    assert sealed.manifest.section("data")["test"]["members"] == ("camera",)
    assert verify(store).problems == ()


def test_a_changed_byte_in_a_checkpoint_is_found(again: tuple[Store, str]) -> None:
    store, run_id = again
    best = store.run_dir(run_id) / "checkpoints" / "best.safetensors"
    data = bytearray(best.read_bytes())
    data[-1] ^= 1
    best.write_bytes(bytes(data))

    (problem,) = verify(store).problems

    assert (problem.run, problem.file) == (run_id, "checkpoints/best.safetensors")


def started(
    project: Path, config: Path, store: Path, *more: object, label: str = "small", by: tuple[str, ...] = ("-m",)
) -> dict[str, Any]:
    """Train in a process of its own, as a user does: one that is seen from its first line on, and shares nothing.
    by: what Python is to run the trainer by, where that is another launcher."""
    words = (
        "train", "--config", config, "--seed", 1, "--label", label, "--store", store,
        "--waive", "dirty_sibling=the checkout under test may be changing",
        "--waive", "dirty_tree=the same", "--waive", "untracked_source=the same", *more,
    )  # fmt: skip
    told = subprocess.run(
        [sys.executable, *by, "trainer", *map(str, words)],
        cwd=project, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    result: dict[str, Any] = json.loads(told.stdout)
    return result


def test_a_resume_that_cannot_be_is_refused_before_the_launch_is_counted(
    config_file: Path, again: tuple[Store, str], capsys: pytest.CaptureFixture[str]
) -> None:
    store, parent = again
    last = store.run_dir(parent) / "checkpoints" / "last.safetensors"
    whole = last.read_bytes()

    def refused(*more: object) -> tuple[int, str]:
        code, answer, err = trained(capsys, config_file, store.root, "--resume", parent[:12], *more)
        assert (answer, err.count("\n")) == ("", 1)
        return code, err

    assert refused("--set", "grad_clip=0.7") == (2, ANY)
    last.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    code, err = refused()
    assert (code, f"checkpoints/last.safetensors of run {parent[:12]}" in err) == (4, True)
    last.unlink()
    code, err = refused()
    assert (code, "and is missing" in err) == (4, True)

    assert run_ids(store) == (parent,)


def test_staging_is_the_one_factor_between_two_stagings_and_a_resumed_run_the_child_of_one(
    config_file: Path, project: Path
) -> None:
    """The steps of every stage move with it and follow by the rules the launch sealed; nothing is hidden for it. Three
    runs of processes of their own, which cost what they cost: two laws are asked of them."""
    store = Store.create(project / ".runaudit")
    end_to_end, staged = (
        started(project, config_file, store.root, "--set", f"staging={staging}", label=staging)
        for staging in ("end_to_end", "staged")
    )
    whole = ("--set", "staging=staged", "--resume", staged["run"][:12])
    child = started(project, config_file, store.root, *whole, label="staged")

    runs = [load(store, told["run"]) for told in (end_to_end, staged)]
    found = compare(*runs, settings=Settings())

    assert (found.verdict, found.reason) == ("single_factor", "only config.staging end_to_end → staged changed")
    assert [row.factor for row in found.missing] == []
    assert {row.factor for row in found.derived} >= {f"config.stages.{name}.steps" for name in ("alignment", "sr")}
    assert child["run"] != staged["run"]
    assert load(store, child["run"]).manifest.section("init")["parent"] == staged["run"]
    assert child["metrics"]["full_frame/psnr/camera"] == staged["metrics"]["full_frame/psnr/camera"]


def test_two_processes_of_torchrun_are_one_run_and_their_number_is_one_factor(
    config_file: Path, again: tuple[Store, str]
) -> None:
    """Three processes that load torch, which cost what they cost. The other run has the same batch, in one process; of
    the two, one alone was observed, and the record says so."""
    store, alone = again
    torchrun = ("-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", str(free_port()), "-m")
    halves = ("--set", "optim.batch=2")

    told = started(store.root.parent, config_file, store.root, *halves, label="two", by=torchrun)

    assert run_ids(store) == (alone, told["run"])
    one, two = load(store, alone), load(store, told["run"])
    assert two.manifest.section("config")["optim"]["world_size"] == 2
    assert two.outcome.body["observed"]["reasons"] == ("only one of 2 ranks was observed",)
    found = compare(one, two, settings=Settings())
    assert "config.effective_batch_decomposition" in [row.factor for row in found.factors]
    assert not [row.factor for row in found.factors if "WORLD" in row.factor or "NCCL" in row.factor]
    assert told["metrics"]["full_frame/psnr/camera"] == pytest.approx(one.metrics["full_frame/psnr/camera"], abs=0.01)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def test_an_unclean_tree_is_refused_before_anything_is_trained(
    config_file: Path, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "loss.py").write_text("weight = 2\n")

    code, answer, err = trained(capsys, config_file, project / ".runaudit")

    assert (code, answer) == (5, "")
    assert "dirty_tree" in err
    assert "git commit" in err
    assert run_ids(Store.open(project / ".runaudit")) == ()


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("data.root=/nowhere", "dataset folder /nowhere does not exist"),
        ("model.scale=2", "model.scale is 2, but"),
        ("optim.bach=3", "the nearest known key is optim.batch"),
        ("data.tile=4000", "smaller than one tile of 4000 low-res pixels"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_before_training(
    config_file: Path, project: Path, capsys: pytest.CaptureFixture[str], override: str, words: str
) -> None:
    store = project / ".runaudit"

    code, answer, err = trained(capsys, config_file, store, "--set", override)

    assert (code, answer) == (2, "")
    assert words in err
    assert err.count("\n") == 1
    assert not store.exists() or run_ids(Store.open(store)) == ()


def test_what_data_check_finds_stops_the_launch_in_one_line(
    config_file: Path, bursts: Path, project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A test scene that is trained on as well, and a frame that is cut short: the first is said, both are counted."""
    broken = shutil.copytree(bursts, tmp_path / "broken")
    shutil.copytree(broken / "test/camera", broken / "train/leak")
    document = json.loads((broken / "dataset.json").read_text())
    document["splits"]["train"].append("leak")
    (broken / "dataset.json").write_text(json.dumps(document))
    frame = broken / "train/coins-0/LR003.png"
    frame.write_bytes(frame.read_bytes()[:100])
    store = project / ".runaudit"

    code, answer, err = trained(capsys, config_file, store, "--set", f"data.root={broken}")

    assert (code, answer, err.count("\n")) == (2, "", 1)
    assert "LR003.png cannot be read as an image" in err
    assert (
        f"(and 1 more problem); fix the files or dataset.json; 'python -m trainer data check {broken}' lists all" in err
    )
    assert not store.exists() or run_ids(Store.open(store)) == ()
    checked = run(capsys, "data", "check", broken)[1].splitlines()
    assert len(checked) == 3 and checked[0].startswith(f"{broken}: 2 training bursts")


def test_an_unlabelled_run_is_refused(config_file: Path, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(
        capsys, "train", "--config", config_file, "--seed", 1, "--label", " ", "--store", project / ".runaudit"
    )

    assert code == 5
    assert "label" in err


def test_weights_of_another_network_are_refused(
    config_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = read_config(config_file)
    kept = train(config, 1, SilentLog(), tmp_path / "run").checkpoints["best"]

    code, _, err = run(
        capsys, "evaluate", "--config", config_file, "--set", "model.head.channels=4", "--checkpoint", kept
    )

    assert code == 2
    assert "not those of the configured network" in err


def test_a_dead_run_ends_with_its_reason_sealed_and_a_page_can_be_made(
    config_file: Path, project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], runaudit: Any
) -> None:
    """At a rate of 30 the image is ruined, far below bicubic: that was `completed` once."""
    store = tmp_path / "store"

    code, out, err = trained(capsys, config_file, store, "--set", "stages.sr.lr=30")

    answer = json.loads(out)
    outcome = load(Store.open(store), answer["run"]).outcome
    assert (code, answer["status"]) == (1, "diverged")
    assert outcome is not None
    assert outcome.status == "diverged"
    reason = outcome.to_json()["error"]
    assert "untrained network" in reason or "validation" in reason
    assert f"trainer: the run is dead after 9 steps: {reason}" in err
    assert answer["checkpoints"].keys() >= {"last"}
    page = tmp_path / "page.html"
    assert runaudit("report", answer["run"], "--store", store, "-o", page)[0] == 0
    assert page.stat().st_size > 1000


def test_a_run_that_dies_is_begun_again_as_another_design_and_both_records_say_so(
    config_file: Path, project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], runaudit: Any
) -> None:
    """Alignment and image are trained well; then a rate beyond all bounds ends the run, and a lower one does not."""
    store = tmp_path / "store"
    asked = {
        "budget.finetune_steps": 8, "stages.finetune.lr": 1e30, "loop.max_skipped_in_a_row": 2,
        "loop.restarts": 1, "loop.restart_lr_factor": 1e-34,
    }  # fmt: skip

    code, out, err = trained(capsys, config_file, store, *(w for k, v in asked.items() for w in ("--set", f"{k}={v}")))

    answer = json.loads(out)
    child = load(Store.open(store), answer["run"])
    assert (code, answer["status"], answer["label"]) == (0, "completed", "small (restart 1)")
    said = child.manifest.section("init")
    parent = load(Store.open(store), said["parent"])
    assert said["relation"] == "restart" and parent.outcome is not None
    assert (parent.outcome.status, parent.label) == ("diverged", "small")
    assert any("loop.restarts: begun again as a child run" in note for note in parent.outcome.to_json()["notes"])
    assert f"trainer: run {parent.id[:12]} is begun again as a child run at its best checkpoint, step " in err
    diff = json.loads(runaudit("diff", parent.id, child.id, "--store", store, "--format", "json")[1])
    assert diff["verdict"] == "incomparable"  # one of them did not finish
    paths = json.dumps(diff["factors"])
    assert all(path in paths for path in ("stages.finetune.lr", "data.reshuffle", "loop.restarts"))


def test_a_run_that_another_program_records_cannot_be_followed_by_itself(
    config_file: Path, project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNAUDIT_RUN", str(project / "run"))

    code, out, err = trained(capsys, config_file, project / ".runaudit", "--set", "loop.restarts=1")

    assert (code, out) == (2, "")
    assert "loop.restarts is 1, but `runaudit run` records this run, and one alone; start it without" in err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_stopped_run_saves_itself_and_can_go_on(
    config_file: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    config = read_config(config_file)
    whole = train(config, 1, SilentLog(), tmp_path / "whole")

    with stop_signals() as stop:
        asked = iter(range(1, 100))

        def stop_after_five() -> int:
            if next(asked) == 5:
                signal.raise_signal(number)
            return stop()

        half = train(config, 1, SilentLog(), tmp_path / "half", stop=stop_after_five)
    assert (half.status, half.exit_code, half.steps_done) == ("killed", code, 5)

    rest = train(config, 1, SilentLog(), tmp_path / "half", load_checkpoint(half.checkpoints["last"]))
    same = [name for name in whole.metrics if name.startswith("full_frame")]
    assert {name: rest.metrics[name] for name in same} == {name: whole.metrics[name] for name in same}


def test_a_run_resumed_after_its_last_step_is_only_judged(config_file: Path, tmp_path: Path) -> None:
    config = read_config(config_file)
    whole = train(config, 1, SilentLog(), tmp_path / "run")

    again = train(config, 1, SilentLog(), tmp_path / "run", load_checkpoint(whole.checkpoints["last"]))

    assert again.steps_done == whole.steps_done
    assert again.metrics["full_frame/psnr/camera"] == whole.metrics["full_frame/psnr/camera"]


def test_a_disk_that_fills_is_told_as_what_it_stopped(
    config_file: Path, project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checkpoint cannot be written, then the outcome cannot be sealed: the first is why the run ended."""

    def full(path: Path, _data: bytes) -> None:
        monkeypatch.setattr(Store, "put", _no_space)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr("trainer.checkpoint.replace_file", full)

    code, answer, err = trained(capsys, config_file, project / ".runaudit")

    assert (code, answer) == (2, "")
    first, second = err.splitlines()[-2:]
    assert "last.safetensors: the checkpoint could not be written (No space left on device)" in first
    assert "the store is full" in second


def _no_space(*_: object) -> None:
    raise StoreError("the store is full", remedy="free some space")


def test_a_baseline_edited_between_two_runs_moves_no_gain(
    config_file: Path, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store.create(project / ".runaudit")
    first = json.loads(trained(capsys, config_file, store.root)[1])
    (kept,) = (store.run_dir(first["run"]) / "baselines").iterdir()
    told = json.loads(kept.read_text())
    told["baseline"]["bicubic_psnr"] -= 18
    for path in (kept, store.root / "cache/baselines" / kept.name):
        assert path.is_file()
        path.write_text(json.dumps(told))

    code, answer, err = trained(capsys, config_file, store.root)

    again = json.loads(answer)["metrics"]
    assert code == 0
    assert again["full_frame/gain_db/camera"] == first["metrics"]["full_frame/gain_db/camera"]
    assert f"is not what run {first['run'][:12]} sealed; the baseline is computed again" in err


def test_tiles_read_as_they_come_up_make_the_same_run(
    config_file: Path, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """How much is held is said and sealed, and is no factor."""
    store = Store.create(project / ".runaudit")
    held = json.loads(trained(capsys, config_file, store.root)[1])

    code, answer, err = trained(capsys, config_file, store.root, "--set", "data.memory_mb=1", "--set", "data.readers=1")

    streamed = json.loads(answer)
    assert code == 0
    assert "16 training tiles take 1 MiB, more than half of data.memory_mb = 1: they are read as they come up" in err
    timed = {"time/train_cpu_s"}
    assert {k: v for k, v in streamed["metrics"].items() if k not in timed} == {
        k: v for k, v in held["metrics"].items() if k not in timed
    }
    pair = [load(store, answer["run"]) for answer in (held, streamed)]
    found = compare(*pair, settings=Settings())
    # What seeded the first run in this process is seen beside the second: of the config, nothing is a factor.
    assert [row.factor for row in found.factors if row.factor.startswith("config")] == []


def test_the_seed_acts_on_everything_it_should(config_file: Path) -> None:
    config = read_config(config_file)
    dataset = open_dataset(config)

    proofs = [prepare(config, seed, dataset).seed_proof for seed in (0, 1, 0)]

    assert proofs[0] == proofs[2]
    assert all(proofs[0][key] != proofs[1][key] for key in ("rng", "init", "first_batch"))


def test_the_control_sees_nothing_but_the_reference(config_file: Path) -> None:
    config = read_config(config_file, ("data.frames_mode=copies",))

    samples = prepare(config, 0, open_dataset(config)).train

    assert (samples.lr == samples.lr[:, :1]).all()


def test_an_impossible_seed_is_refused(config_file: Path) -> None:
    config = read_config(config_file)

    with pytest.raises(ConfigError, match="the seed is -1"):
        prepare(config, -1, open_dataset(config))


def test_data_is_made_and_checked_on_the_command_line(
    bursts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "data", "check", bursts)
    there, verdict = out.splitlines()
    assert (code, verdict) == (0, f"{bursts}: no problem found")
    assert there.startswith(f"{bursts}: 2 training bursts (18 tiles of 16x16), 1 test sequences")

    with pytest.raises(UsageError):
        open_dataset(read_config(Path(__file__).parents[2] / "examples/piunet_stages/flow_staged.toml", (
            f"data.root={tmp_path}",
        )))  # fmt: skip


def test_a_foreign_layout_keeps_its_splits_apart(bursts: Path, tmp_path: Path) -> None:
    """PROBA-V has no folder per split: a changed training frame must not look like a changed test set."""
    root = tmp_path / "probav"
    for split in ("train", "test"):
        for folder in sorted((bursts / split).iterdir()):
            shutil.copytree(
                folder, root / f"{split}-{folder.name}" if split == "train" else root / "x" / "test" / folder.name
            )
    before = {split: split_source(read_dataset(root), split) for split in ("train", "test")}

    frame = next(root.glob("train-*/LR001.png"))
    shutil.copyfile(frame.with_name("LR002.png"), frame)

    after = {split: split_source(read_dataset(root), split) for split in ("train", "test")}
    assert after["train"]["digest"] != before["train"]["digest"]
    assert after["test"] == before["test"]
