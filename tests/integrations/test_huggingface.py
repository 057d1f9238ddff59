"""Laws of the callback for the Trainer of Hugging Face: each training is a run, and what follows it belongs to it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from runaudit.errors import GuardRefusedError
from tests.integrations import stand_ins
from tests.integrations.conftest import Project

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    yield from stand_ins.installed(monkeypatch, stand_ins.transformers(), "huggingface")


def callback(project: Project, ours: ModuleType, *label: str, **given: Any) -> Any:
    return ours.RunauditCallback(*label, siblings=(), **{"data": project.data, **given})


def test_a_training_and_what_is_evaluated_after_it_are_one_run(project: Project, ours: ModuleType) -> None:
    made = callback(project, ours)
    args, state, control = stand_ins.hf_train(made, project.root / "out" / "a", run_name="smaller head")
    stand_ins.hf_evaluate(made, args, state, control, 0.125)
    made.on_predict(args, state, control, metrics={"test_loss": 0.0625, "test_runtime": 9.0})
    made.finish()

    run = project.run()
    assert (run.manifest.label, run.manifest.seed, run.status) == ("smaller head", 7, "completed")
    assert run.trajectory.series["loss"] == ((1, 1.0), (2, 0.5), (3, 1 / 3), (4, 0.25))
    assert run.trajectory.series["eval_loss"] == ((2, 1.0), (4, 0.5), (4, 0.125))
    assert set(run.metrics) == {"loss", "learning_rate", "eval_loss", "train_loss", "test_loss"}
    config = run.manifest.section("config")
    assert set(config) == {"training_args", "model"}
    assert dict(config["model"]) == {"hidden_size": 8, "architectures": ("SimpleNamespace",), "dtype": "torch.float32"}
    assert config["training_args"]["learning_rate"] == 0.5
    assert not {"run_name", "local_rank"} & set(config["training_args"])


def test_a_run_name_that_is_not_the_label_is_a_setting(project: Project, ours: ModuleType) -> None:
    made = callback(project, ours, "smaller head")
    stand_ins.hf_train(made, project.root / "out" / "a", run_name="another")
    made.finish()

    assert project.run().manifest.section("config")["training_args"]["run_name"] == "another"


def test_the_best_and_the_last_checkpoint_are_kept_with_all_their_files(project: Project, ours: ModuleType) -> None:
    made = callback(project, ours, "smaller head")
    stand_ins.hf_train(made, project.root / "out" / "a")
    made.finish()

    run = project.run()
    kept = {entry["path"]: (entry["kind"], entry["step"], entry.get("score")) for entry in run.outcome.checkpoints}
    assert kept == {
        "checkpoints/last/model.safetensors": ("last", 4, None),
        "checkpoints/best/model.safetensors": ("best", 2, {"eval_loss": 1.0}),
    }
    folder = project.store.run_dir(run.id) / "checkpoints"
    assert [(folder / kind / "model.safetensors").read_text() for kind in ("best", "last")] == [
        "weights 2",
        "weights 4",
    ]


def test_a_training_that_a_callback_stopped_says_so(project: Project, ours: ModuleType) -> None:
    made = callback(project, ours, "smaller head")
    stand_ins.hf_train(made, project.root / "out" / "a", steps=2)
    made.finish()

    assert project.run().status == "early_stopped"


def test_a_training_whose_error_was_caught_crashed_and_the_next_is_another_run(
    project: Project, ours: ModuleType
) -> None:
    """Transformers tells a callback nothing of an error; that another training begins says that the first is over."""
    made = callback(project, ours, "smaller head")
    with pytest.raises(ValueError, match="exploded"):
        stand_ins.hf_train(made, project.root / "out" / "a", fails=True)
    stand_ins.hf_train(made, project.root / "out" / "b")
    made.finish()

    first, second = project.runs()
    assert (first.status, first.outcome.body["error"]) == ("crashed", "the Trainer did not come to its end")
    assert second.status == "completed"


def test_a_refusal_stops_the_program_by_one_line(project: Project, ours: ModuleType, capfd: Any) -> None:
    with pytest.raises(SystemExit) as stopped:
        stand_ins.hf_train(
            callback(project, ours), project.root / "out" / "a", run_name=str(project.root / "out" / "a")
        )

    (line,) = capfd.readouterr().err.splitlines()
    assert ("RA301 no_label" in line, stopped.value.code) == (True, 5)


def test_a_refusal_in_a_shell_of_python_is_an_error_that_ends_the_cell_alone(
    project: Project, ours: ModuleType, monkeypatch: Any
) -> None:
    monkeypatch.setattr("sys.ps1", ">>> ", raising=False)
    with pytest.raises(GuardRefusedError, match="RA301"):
        stand_ins.hf_train(callback(project, ours), project.root / "out" / "a")


def test_processes_that_do_not_write_open_no_run(project: Project, ours: ModuleType, monkeypatch: Any) -> None:
    made = callback(project, ours)
    monkeypatch.setattr(
        stand_ins, "SimpleNamespace", lambda **given: type("S", (), {**given, "is_world_process_zero": False})
    )
    stand_ins.hf_train(made, project.root / "out" / "a")

    assert not (project.root / ".runaudit" / "runs").exists()


PROGRAM = """\
import sys
sys.path.insert(0, {checkout!r})
from pathlib import Path
from tests.integrations import stand_ins
sys.modules.update(stand_ins.transformers())
from runaudit.integrations.huggingface import RunauditCallback
callback = RunauditCallback("smaller head", data={{"train": "data/train.csv"}}, siblings=())
found = stand_ins.hf_train(callback, Path("out/a"), fails="train" in sys.argv)
stand_ins.hf_evaluate(callback, *found, 0.125)
if "after" in sys.argv:
    raise ValueError("after the training")
"""


@pytest.mark.parametrize(
    ("word", "status", "error"),
    [
        ("", "completed", None),
        ("train", "crashed", "ValueError: exploded"),
        ("after", "crashed", "ValueError: after the training"),
    ],
)
def test_the_end_of_the_program_seals_the_run_as_the_program_ended(
    project: Project, word: str, status: str, error: str | None
) -> None:
    """A process each, for only the end of one runs what was left for it."""
    program = project.root / "out" / "program.py"
    program.write_text(PROGRAM.format(checkout=str(CHECKOUT)))
    done = subprocess.run(
        [sys.executable, program, word], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ""}
    )

    run = project.run()
    assert (done.returncode, run.status, run.outcome.body["error"]) == (1 if error else 0, status, error)
    assert (run.metrics.get("eval_loss") == 0.125) == (word != "train")
