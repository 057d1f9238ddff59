import sys

import pytest

from runaudit.launch.reproduction import Reproduction, judge_repetition
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.records.run import Run
from runaudit.records.trajectory import Trajectory
from runaudit.text.verdicts import verdict_words


def run(value, *, seed=1, status="completed", checkpoint="sha256:" + "a" * 64, series=None, name="val/psnr") -> Run:
    manifest = Manifest.of({"seed": seed, "label": "x"})
    outcome = Outcome.of({
        "manifest": str(manifest.digest), "status": status, "metrics": {name: value},
        "checkpoints": [{"path": "m.pt", "digest": checkpoint, "size": 1, "kind": "best"}],
    })  # fmt: skip
    points = ((1, value),) if series is None else series
    return Run(manifest=manifest, outcome=outcome, trajectory=Trajectory(series={name: points}))


# mean 30.0, sd 0.1, n = 3, t(2, .975) = 4.302653: half = 4.302653 * 0.1 * sqrt(4/3) = 0.496828
REPLICATES = (run(29.9), run(30.0, seed=2), run(30.1, seed=3))


def test_equal_to_the_last_bit():
    assert judge_repetition(run(29.9), run(29.9), ()).verdict is Reproduction.BIT_EQUAL


def test_a_run_that_diverged_to_nan_twice_is_bit_equal():
    nan = float("nan")

    assert judge_repetition(run(nan), run(nan), ()).verdict is Reproduction.BIT_EQUAL


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        (30.4968, Reproduction.WITHIN_NOISE),
        (29.5032, Reproduction.WITHIN_NOISE),
        (30.4969, Reproduction.NOT_REPRODUCED),
        (29.5031, Reproduction.NOT_REPRODUCED),
        (float("nan"), Reproduction.NOT_REPRODUCED),
    ],
)
def test_noise_is_the_prediction_interval_of_the_replicates(value, verdict):
    answer = judge_repetition(REPLICATES[0], run(value), REPLICATES)

    assert answer.verdict is verdict
    assert answer.differences[0].low == pytest.approx(29.503172, abs=1e-6)
    assert answer.differences[0].high == pytest.approx(30.496828, abs=1e-6)
    assert verdict_words("rerun", answer.verdict).code == (0 if verdict is Reproduction.WITHIN_NOISE else 1)


def test_two_replicates_are_too_few_to_speak_of_noise():
    answer = judge_repetition(REPLICATES[0], run(30.0), REPLICATES[:2])

    assert (answer.verdict, verdict_words("rerun", answer.verdict).code) == (Reproduction.CANNOT_SAY, 3)


def test_another_end_is_not_a_reproduction():
    answer = judge_repetition(run(29.9), run(29.9, status="crashed"), REPLICATES)

    assert (answer.verdict, verdict_words("rerun", answer.verdict).code) == (Reproduction.NOT_REPRODUCED, 1)


def test_equal_metrics_over_another_checkpoint_are_not_bit_equal():
    answer = judge_repetition(run(29.9), run(29.9, checkpoint="sha256:" + "b" * 64), REPLICATES)

    assert answer.verdict is Reproduction.WITHIN_NOISE
    assert answer.files == ("m.pt",)


def test_equal_metrics_over_another_series_are_not_bit_equal():
    answer = judge_repetition(run(29.9), run(29.9, series=((1, 29.8), (2, 29.9))), REPLICATES)

    assert answer.verdict is Reproduction.WITHIN_NOISE


def test_the_clock_is_no_result():
    a, b = run(0.1, name="time/step_s"), run(0.2, name="time/step_s")

    assert judge_repetition(a, b, ()).verdict is Reproduction.BIT_EQUAL


def test_a_run_that_recorded_nothing_cannot_be_reproduced():
    bare = Run(manifest=Manifest.of({}), outcome=Outcome.of({"manifest": "sha256:" + "0" * 64, "status": "completed"}))

    assert judge_repetition(bare, bare, ()).verdict is Reproduction.CANNOT_SAY
    assert judge_repetition(Run(manifest=Manifest.of({})), bare, ()).verdict is Reproduction.CANNOT_SAY


def test_a_run_that_is_running_is_not_repeated(repo, cli, options, command, monkeypatch, capfd):
    assert cli("run", *options, *command) == 0
    monkeypatch.setattr("runaudit.launch.rerun.liveness", lambda live: "running")
    monkeypatch.setattr("runaudit.records.run.Run.finished", property(lambda run: False))
    capfd.readouterr()
    assert cli("rerun", "a first try") == 2
    assert "is running; wait for its end" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("declared", "read"),
    [("data", "data/a.csv"), ("data/a.csv", "data/a.csv"), ("kept", "kept/a.csv"), ("data", "{root}/data/a.csv")],
    ids=["a folder", "a file", "a folder that git ignores", "read by its full path"],
)
def test_a_repetition_reads_the_dataset_that_was_declared(repo, cli, git, capfd, declared, read):
    for folder in ("data", "kept"):
        (repo / folder).mkdir(exist_ok=True)
        (repo / folder / "a.csv").write_text("1\n2\n")
    (repo / ".gitignore").write_text("kept\n")
    (repo / "count.py").write_text(
        "import runaudit, sys\nrunaudit.log(0, {'val/error': float(len(open(sys.argv[1]).read()))})\n"
    )
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "a program")
    name = read.format(root=repo)
    words = ("--label", "counts lines", "--seed", "0", "--init", "random", "--config", "c.toml", "--data")
    assert cli("run", *words, f"train={declared}", "--", sys.executable, "count.py", name) == 0

    assert cli("rerun", "@last") == 0
    assert "reproduced to the last bit" in capfd.readouterr().out
