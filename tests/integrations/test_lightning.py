"""Laws of the logger for Lightning: a training is one run, a refusal stops it, and nothing of ours ends it."""

import argparse
import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import runaudit
from runaudit.capture.draft import LaunchRequest, child_environ, draft_manifest, open_store, seal
from runaudit.errors import StoreError
from runaudit.record import finishing
from runaudit.record.outcome import seal_outcome
from runaudit.record.series import Series
from tests.integrations import stand_ins
from tests.integrations.conftest import Project


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    yield from stand_ins.installed(monkeypatch, stand_ins.lightning(), "lightning")


def trainer(project: Project, ours: ModuleType, label: str | None = "wider layers", **given: Any) -> stand_ins.Trainer:
    hparams = given.pop("hparams", {"lr": 0.5})
    logger = ours.RunauditLogger(label, siblings=(), **{"data": project.data, **given})
    return stand_ins.Trainer(project.root / "out", [logger], [ours.RunauditCallback()], hparams)


def test_a_fit_and_the_test_after_it_are_one_run(project: Project, ours: ModuleType, monkeypatch: Any) -> None:
    monkeypatch.setenv("PL_GLOBAL_SEED", "3")
    made = trainer(project, ours)
    made.fit()
    made.test()
    made.loggers[0].finish()

    run = project.run()
    assert (run.manifest.label, run.manifest.seed, run.status) == ("wider layers", 3, "completed")
    assert dict(run.manifest.section("config")) == {"lr": 0.5}
    assert run.trajectory.series["train_loss"] == ((0, 1.0), (1, 0.5), (2, 1 / 3), (3, 0.25))
    assert run.trajectory.series["val_loss"] == ((1, 0.5), (3, 0.25))
    assert (run.metrics["test_loss"], "epoch" in run.trajectory.series) == (0.125, False)
    stages = [(event.step, event.kind, event.detail["stage"]) for event in run.trajectory.events]
    assert stages == [(0, "stage", "fit"), (4, "stage", "test")]


def test_the_best_and_the_last_checkpoint_are_kept_whatever_was_deleted(project: Project, ours: ModuleType) -> None:
    made = trainer(project, ours, seed=0)
    made.fit()
    made.loggers[0].finish()

    run = project.run()
    kept = {entry["path"]: (entry["kind"], entry["step"], entry.get("score")) for entry in run.outcome.checkpoints}
    assert kept == {
        "checkpoints/best-val_loss.ckpt": ("best", 4, {"val_loss": 0.25}),
        "checkpoints/last.ckpt": ("last", 4, None),
    }
    folder = project.store.run_dir(run.id)
    assert (folder / "checkpoints" / "best-val_loss.ckpt").read_text() == "weights 4"
    assert sorted(path.name for path in (folder / "checkpoints").iterdir()) == ["best-val_loss.ckpt", "last.ckpt"]


def test_checkpoints_are_not_copied_where_that_was_asked(project: Project, ours: ModuleType) -> None:
    made = trainer(project, ours, seed=0, checkpoints=False)
    made.fit()
    made.loggers[0].finish()

    assert project.run().outcome.checkpoints == ()


def test_a_large_checkpoint_is_told_and_not_copied(
    project: Project, ours: ModuleType, monkeypatch: Any, capfd: Any
) -> None:
    monkeypatch.setattr("runaudit.integrations.loop.LARGE", 3)
    made = trainer(project, ours, seed=0)
    made.fit()
    made.loggers[0].finish()

    assert project.run().outcome.checkpoints == ()
    assert capfd.readouterr().err.count("checkpoints=True copies them") == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"label": None, "seed": 0}, "RA301"),
        ({"data": {}, "seed": 0}, "RA201"),
        ({}, "seed"),
        ({"lable": "x"}, "lable"),
    ],
)
def test_a_refusal_stops_the_program_by_one_line(
    project: Project, ours: ModuleType, capfd: Any, given: dict[str, Any], said: str
) -> None:
    made = trainer(project, ours, **given)
    with pytest.raises(SystemExit) as stopped:
        made.fit(lambda step: pytest.fail("it trained"))

    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("runaudit: ")
    assert said in line
    assert stopped.value.code == (2 if said == "lable" else 5)
    assert list((project.root / ".runaudit" / "runs").glob("*")) == []


def raising(error: BaseException) -> Any:
    def at(step: int) -> None:
        if step == 1:
            raise error

    return at


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (ValueError("exploded\nbadly"), "crashed", "ValueError: exploded badly"),
        (KeyboardInterrupt(), "killed", "interrupted"),
        (SystemExit(3), "crashed", "exit code 3"),
    ],
)
@pytest.mark.parametrize("with_callback", [True, False])
def test_how_a_fit_ended_is_how_the_run_ended(
    project: Project, ours: ModuleType, error: BaseException, status: str, said: str, with_callback: bool
) -> None:
    made = trainer(project, ours, seed=0)
    made.callbacks = made.callbacks if with_callback else []
    with pytest.raises((ValueError, SystemExit)):
        made.fit(raising(error))
    made.loggers[0].finish()

    run = project.run()
    assert (run.status, run.outcome.body["error"]) == (status, said)
    assert run.trajectory.series["train_loss"] == ((0, 1.0),)


def test_a_fit_that_something_stopped_early_says_so(project: Project, ours: ModuleType) -> None:
    made = trainer(project, ours, seed=0)
    made.fit(lambda step: setattr(made, "should_stop", step == 1))
    made.loggers[0].finish()

    assert project.run().status == "early_stopped"


def test_what_is_no_number_is_told_once_and_costs_no_step(project: Project, ours: ModuleType, capfd: Any) -> None:
    made = trainer(project, ours, seed=0)
    odd = {"picture": stand_ins.Tensor(1, 2), "word": "0.5", "huge": 10**400, "": 1.0, "none": None, "bad\udc80": 2.0,
           "nan": float("nan"), "table": {"a": 1, "b": stand_ins.Tensor(0.25)}, 7: True}  # fmt: skip

    def at(step: int) -> None:
        made.loggers[0].log_metrics(odd, step)
        made.loggers[0].log_metrics({"plain": 1.0})
        made.loggers[0].experiment.add_image("x", object(), 3)
        made.loggers[0].log_image("x", [object()])

    made.fit(at)
    made.loggers[0].finish()

    run = project.run()
    assert (run.status, len(run.trajectory.series["train_loss"])) == ("completed", 4)
    kept = {name for name in run.trajectory.series if name not in ("train_loss", "val_loss")}
    assert kept == {"bad\\udc80", "nan", "table/a", "table/b", "7", "plain"}
    told = capfd.readouterr().err.splitlines()
    assert len(told) == 7, told
    assert len(run.outcome.body["notes"]) == 7
    assert any("'picture' is not kept: it is a Tensor of the shape (2,), no number" in line for line in told)


def test_a_full_disk_ends_the_record_and_not_the_training(
    project: Project, ours: ModuleType, monkeypatch: Any, capfd: Any
) -> None:
    def full(self: Series, *_: Any) -> None:
        raise StoreError("the series cannot be written: no space left", remedy="free space")

    made = trainer(project, ours, seed=0)
    steps: list[int] = []

    def at(step: int) -> None:
        steps.append(step)
        if step == 2:
            monkeypatch.setattr(Series, "log", full)

    made.fit(at)
    made.loggers[0].finish()

    run = project.run()
    assert steps == [0, 1, 2, 3]
    assert (run.status, run.trajectory.series["train_loss"]) == ("completed", ((0, 1.0), (1, 0.5)))
    assert capfd.readouterr().err.count("no space left") == 1
    assert "no space left" in run.outcome.body["notes"][0]


def test_a_disk_that_takes_no_checkpoint_is_told_once(
    project: Project, ours: ModuleType, monkeypatch: Any, capfd: Any
) -> None:
    def full(source: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(source))

    monkeypatch.setattr("shutil.copyfile", full)
    made = trainer(project, ours, seed=0)
    made.fit()
    made.loggers[0].finish()

    told = "runaudit: a checkpoint is not kept: No space left on device"
    assert capfd.readouterr().err.splitlines() == [told]
    assert (project.run().status, project.run().outcome.checkpoints) == ("completed", ())
    assert list((project.store.run_dir(project.run().id) / "checkpoints").iterdir()) == []


def test_a_seal_that_fails_is_told_and_can_be_made_later(
    project: Project, ours: ModuleType, monkeypatch: Any, capfd: Any
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise StoreError("no space left", remedy="free space")

    made = trainer(project, ours, seed=0)
    made.fit()
    with monkeypatch.context() as patch:
        patch.setattr(finishing, "seal_outcome", full)
        made.loggers[0].finish()

    assert "runaudit seal" in capfd.readouterr().err


def test_ranks_that_do_not_write_open_no_run(project: Project, ours: ModuleType) -> None:
    """Lightning's own launcher tells a process its rank by this attribute and by no variable."""
    stand_ins.rank_zero_only.rank = 1  # type: ignore[attr-defined]
    made = trainer(project, ours, label=None)
    made.fit()

    assert not (project.root / ".runaudit" / "runs").exists()


def test_two_trainings_in_one_program_are_two_runs(project: Project, ours: ModuleType) -> None:
    """The first is sealed when the second begins, for until then a test could have belonged to it."""
    for seed in (0, 1):
        trainer(project, ours, seed=seed).fit()

    first, second = project.runs()
    assert (first.manifest.seed, first.status) == (0, "completed")
    assert (second.manifest.seed, second.status) == (1, "running")


def test_a_run_in_progress_is_joined_and_ended_by_whoever_opened_it(project: Project, ours: ModuleType) -> None:
    given = {"seed": 0, "config": {"lr": 0.1}, "data": project.data, "siblings": ()}
    with runaudit.guarded_record("the outer one", **given) as run:
        made = trainer(project, ours, label=None)
        made.fit()
        made.loggers[0].finish()
        run.log(9, {"after": 1.0})

    assert (project.run().manifest.label, project.run().status) == ("the outer one", "completed")
    assert set(project.run().trajectory.series) == {"train_loss", "val_loss", "after"}


@pytest.fixture
def wrapped(project: Project, monkeypatch: pytest.MonkeyPatch) -> str:
    """A launch that `runaudit run` sealed for this process."""
    store = open_store(project.root / ".runaudit")
    request = LaunchRequest(label="wrapped", seed=0, root=project.root, siblings=())
    manifest = seal(store, draft_manifest(request, store, environ={}))
    for name, value in child_environ(store, manifest).items():
        monkeypatch.setenv(name, value)
    return manifest.id


def test_under_runaudit_run_nothing_need_be_written_into_the_program(
    project: Project, ours: ModuleType, wrapped: str
) -> None:
    """The entry point's callback puts the logger behind those of the program, and no run of its own is opened."""
    from runaudit.integrations.lightning_entry import callbacks

    made = stand_ins.Trainer(project.root / "out", [stand_ins.CSVLogger()], callbacks(), {"lr": 0.5})
    made.fit()

    assert isinstance(made.loggers[0], stand_ins.CSVLogger)
    made.loggers[1].finish()
    outcome = seal_outcome(project.store, project.run().manifest, exit_code=0)
    assert (project.run().id, outcome.status, outcome.metrics) == (
        wrapped,
        "completed",
        {"train_loss": 0.25, "val_loss": 0.25},
    )
    assert [entry["kind"] for entry in outcome.checkpoints] == ["best", "last"]


def test_what_the_logger_knows_is_known_under_runaudit_run_too(
    project: Project, ours: ModuleType, wrapped: str
) -> None:
    """The two doors of one program give one record: the settings and the data that the program names are its inputs."""
    logger = ours.RunauditLogger("wider", data=project.data, init="random")
    stand_ins.Trainer(project.root / "out", [logger], [ours.RunauditCallback()], {"lr": 0.5}).fit()
    logger.finish()
    seal_outcome(project.store, project.run().manifest, exit_code=0)

    found = project.run().manifest
    assert (found.id, found.to_json()["config"], found.section("init")["kind"]) == (wrapped, {"lr": 0.5}, "random")
    assert found.section("data")["train"]["files"] == 1


def test_under_runaudit_run_loggers_that_were_switched_off_stay_off(
    project: Project, ours: ModuleType, wrapped: str
) -> None:
    made = stand_ins.Trainer(project.root / "out", [], [ours.RunauditCallback()], {"lr": 0.5})
    made.fit()

    assert made.loggers == []
    made.callbacks[0]._own.finish()
    outcome = seal_outcome(project.store, project.run().manifest, exit_code=0)
    assert (outcome.status, outcome.metrics) == ("completed", {"train_loss": 0.25, "val_loss": 0.25})


def test_a_seed_that_the_wrapper_did_not_seal_is_noted_or_refused(
    project: Project, ours: ModuleType, wrapped: str, monkeypatch: Any, capfd: Any
) -> None:
    """What was found may be another generator's; what the program declares would make the sealed record false."""
    monkeypatch.setenv("PL_GLOBAL_SEED", "5")
    found = trainer(project, ours, label=None)
    found.fit()
    found.loggers[0].finish()
    with pytest.raises(SystemExit):
        trainer(project, ours, label=None, seed=4).fit()

    assert "sealed with seed 0 and the program uses 4" in capfd.readouterr().err
    outcome = seal_outcome(project.store, project.run().manifest, exit_code=0)
    assert "Lightning says that its seed is 5; sealed is 0" in outcome.body["notes"]


def test_a_store_that_is_out_of_reach_costs_the_record_and_not_the_training(
    project: Project, ours: ModuleType, monkeypatch: Any, capfd: Any
) -> None:
    monkeypatch.setenv("RUNAUDIT_RUN", str(project.root / "moved" / "runs" / ("a" * 64)))
    made = trainer(project, ours, label=None)
    made.fit()

    assert (made.global_step, "nothing that Lightning logs is kept" in capfd.readouterr().err) == (4, True)


def test_the_entry_point_gives_nothing_to_a_program_that_did_not_ask(project: Project, monkeypatch: Any) -> None:
    from runaudit.integrations.lightning_entry import callbacks

    monkeypatch.delitem(sys.modules, "runaudit.integrations.lightning", raising=False)

    assert (callbacks(), "runaudit.integrations.lightning" in sys.modules) == ([], False)


def test_settings_without_a_form_are_gaps_and_no_reason_to_stop(project: Project, ours: ModuleType) -> None:
    hparams = argparse.Namespace(
        lr=0.5, net=object(), act=os.path.join, loss=lambda x: x, sizes=(1, 2), where=Path("a")
    )
    made = trainer(project, ours, seed=0, hparams=hparams)
    made.fit()
    made.loggers[0].finish()

    manifest = project.run().manifest
    kept = dict(manifest.section("config"))
    assert {**kept, "sizes": list(kept["sizes"])} == {"lr": 0.5, "act": "posixpath.join", "sizes": [1, 2], "where": "a"}
    gaps = {path: why for path, why in manifest.section("unknown").items() if path.startswith("config")}
    assert set(gaps) == {"config.net", "config.loss"}
    assert gaps["config.net"] == "it is an object of the type object, which has no canonical form"


def test_a_copy_of_the_logger_has_no_run(project: Project, ours: ModuleType) -> None:
    """Lightning hands loggers to the processes that it spawns, and its tuner copies them."""
    import copy

    made = trainer(project, ours, seed=0)
    made.fit()

    assert not copy.deepcopy(made.loggers[0]).loop.started
    assert made.loggers[0].loop.started


def test_the_older_name_of_the_library_is_as_good(project: Project, monkeypatch: Any) -> None:
    (ours,) = stand_ins.installed(monkeypatch, stand_ins.lightning("pytorch_lightning"), "lightning")

    assert issubclass(ours.RunauditLogger, stand_ins.Logger)
