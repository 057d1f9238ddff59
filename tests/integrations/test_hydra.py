"""Laws of the callback for Hydra: each job is a run, bookkeeping is no setting, and no refusal is swallowed."""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

import runaudit
from runaudit.factors.cohort import cohorts
from tests.integrations import stand_ins
from tests.integrations.conftest import Project


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    yield from stand_ins.installed(monkeypatch, stand_ins.hydra(), "hydra")


def job(project: Project, overrides: list[str], number: int | None = None, **raw: Any) -> stand_ins.Node:
    words = {"data": project.data, "siblings": (), **raw.pop("words", {})}
    settings = {name: int(value) if value.isdigit() else float(value) if name == "lr" else value
                for name, _, value in (word.partition("=") for word in overrides)}  # fmt: skip
    return stand_ins.hydra_config(project.root, words, overrides, number, **{**settings, **raw})


def task() -> float:
    for step in range(2):
        runaudit.log(step, {"loss": 1 / (1 + step)})
    return 0.5


def test_a_job_is_a_run_with_its_settings_and_what_it_returned(project: Project, ours: ModuleType) -> None:
    made = ours.RunauditCallback()
    assert stand_ins.hydra_run(made, job(project, ["seed=3", "lr=0.25"]), task) == []

    run = project.run()
    assert (run.manifest.label, run.manifest.seed, run.status) == ("train lr=0.25", 3, "completed")
    config = run.manifest.section("config")
    assert {name: config[name] for name in config if name not in ("sgd", "save_dir")} == {
        "seed": 3, "lr": 0.25, "open": "???",
    }  # fmt: skip
    assert dict(run.metrics) == {"loss": 0.5, "return_value": 0.5}
    assert run.manifest.section("launch")["run_dir"] == config["save_dir"]


def test_the_seeds_of_a_multirun_are_one_cohort_and_a_setting_is_one_factor(
    project: Project, ours: ModuleType, monkeypatch: Any
) -> None:
    """`sgd.lr: ${lr}` follows what it names; number, folder and time of a job are Hydra's."""
    monkeypatch.setattr("sys.argv", ["train.py", "-m", "seed=0,1", "lr=0.5,0.25", "--config-name", "big"])
    monkeypatch.setattr(
        "sys.orig_argv", ["python", "train.py", "-m", "seed=0,1", "lr=0.5,0.25", "--config-name", "big"]
    )
    made = ours.RunauditCallback()
    made.on_multirun_start(config=None)
    for number, words in enumerate(f"seed={seed} lr={lr}".split() for seed in (0, 1) for lr in (0.5, 0.25)):
        stand_ins.hydra_run(made, job(project, words, number), task)

    runs = project.runs()
    assert runs[0].manifest.section("launch")["argv"][1:] == (
        "train.py", "--config-name", "big", "seed=0", "lr=0.5",
    )  # fmt: skip
    found = cohorts(runs)
    assert sorted((cohort.label, cohort.n) for cohort in found) == [("train lr=0.25", 2), ("train lr=0.5", 2)]
    answer = runaudit.compare(*(runs[i] for i in (0, 1)), store=project.root / ".runaudit")
    assert [str(factor.factor) for factor in answer.factors] == ["config.lr"]


def test_a_label_is_the_user_s_and_tells_the_arms_of_a_sweep_apart(project: Project, ours: ModuleType) -> None:
    made = ours.RunauditCallback()
    for number, label in enumerate(("wider", "lr ${lr}")):
        stand_ins.hydra_run(made, job(project, [f"lr=0.{number + 1}"], number, words={"label": label}), task)

    assert [run.manifest.label for run in project.runs()] == ["wider lr=0.1", "lr ${lr}"]  # The stand-in resolves none.


@pytest.mark.parametrize("in_a_shell_of_python", [False, True])
def test_a_refusal_is_not_swallowed(
    project: Project, ours: ModuleType, capfd: Any, monkeypatch: Any, in_a_shell_of_python: bool
) -> None:
    """Hydra warns of whatever Exception a callback raises, and starts the program all the same."""
    if in_a_shell_of_python:
        monkeypatch.setattr("sys.ps1", ">>> ", raising=False)
    made = ours.RunauditCallback()
    with pytest.raises(SystemExit) as stopped:
        stand_ins.hydra_run(made, job(project, [], words={"data": None}), lambda: pytest.fail("it trained"))

    (line,) = capfd.readouterr().err.splitlines()
    assert ("RA201 no_data" in line, stopped.value.code) == (True, 5)


def test_a_config_that_cannot_be_understood_stops_the_program(project: Project, ours: ModuleType, capfd: Any) -> None:
    with pytest.raises(SystemExit) as stopped:
        stand_ins.hydra_run(ours.RunauditCallback(), stand_ins.Node({"lr": 1}), lambda: pytest.fail("it trained"))

    assert (stopped.value.code, len(capfd.readouterr().err.splitlines())) == (2, 1)


def test_a_job_that_fails_crashed_by_what_it_raised(project: Project, ours: ModuleType) -> None:
    def fails() -> float:
        task()
        raise ValueError("exploded")

    with pytest.raises(ValueError, match="exploded"):
        stand_ins.hydra_run(ours.RunauditCallback(), job(project, ["seed=3"]), fails)

    assert (project.run().status, project.run().outcome.body["error"]) == ("crashed", "ValueError: exploded")
    assert project.run().metrics["loss"] == 0.5


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        (0, "completed", None),
        (None, "completed", None),
        (3, "crashed", "exit code 3"),
        ("no", "crashed", "exit code no"),
    ],
)
def test_a_job_that_leaves_by_an_exit_ended_as_its_code_says(
    project: Project, ours: ModuleType, code: Any, status: str, error: str | None
) -> None:
    """Hydra catches an Exception, and tells its callbacks; of a SystemExit it does neither."""

    def leaves() -> None:
        task()
        raise SystemExit(code)

    with pytest.raises(SystemExit) as stopped:
        stand_ins.hydra_run(ours.RunauditCallback(), job(project, ["seed=3"]), leaves)

    run = project.run()
    assert (stopped.value.code, run.status, run.outcome.body.get("error")) == (code, status, error)
    assert run.metrics["loss"] == 0.5


def test_a_trainer_within_a_job_logs_to_the_run_of_the_job(
    project: Project, ours: ModuleType, monkeypatch: Any
) -> None:
    """And what it knows of the end, that it was stopped early, is how the job ended."""
    (inner,) = stand_ins.installed(monkeypatch, stand_ins.transformers(), "huggingface")

    def trains() -> None:
        stand_ins.hf_train(inner.RunauditCallback(), project.root / "out" / "a", steps=2)

    made = ours.RunauditCallback()
    for seed in (3, 4):
        stand_ins.hydra_run(made, job(project, [f"seed={seed}"]), trains)
        (project.root / "out" / "a").rename(project.root / "out" / f"{seed}")

    assert [run.status for run in project.runs()] == ["early_stopped", "early_stopped"]
    assert {len(run.trajectory.series["loss"]) for run in project.runs()} == {2}


def test_a_multirun_under_runaudit_run_is_refused(
    project: Project, ours: ModuleType, monkeypatch: Any, capfd: Any
) -> None:
    """It would be one run of several seeds, whose numbers are those of its last job."""
    monkeypatch.setenv("RUNAUDIT_RUN", str(project.root))
    with pytest.raises(SystemExit) as stopped:
        ours.RunauditCallback().on_multirun_start(config=None)

    assert (stopped.value.code, "each job records itself" in capfd.readouterr().err) == (2, True)
