"""A program that tells its own settings is launched once for each seed, as any other: what it will tell is foreseen."""

import sys

import pytest

PROGRAM = """\
import sys
import runaudit
seed, lr = int(sys.argv[1]), float(sys.argv[2])
with runaudit.record(label="mine", config={"lr": lr, "seed": seed}, seed=seed) as run:
    run.log(1, {"val/loss": 0.5 + seed / 100})
"""


@pytest.fixture
def launch(repo, cli, git):
    (repo / "mine.py").write_text(PROGRAM)
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "a program that records itself")

    def call(seed: int, lr: str = "0.1") -> int:
        words = ("--label", "tells its settings", "--seed", str(seed), "--data", "train=data/train")
        return cli("run", *words, "--", sys.executable, "mine.py", str(seed), lr)

    return call


def test_the_second_seed_of_a_program_that_tells_its_settings_may_start(launch):
    assert [launch(1), launch(2), launch(3)] == [0, 0, 0]


def test_another_rate_under_the_same_label_is_refused_though_it_is_only_told(launch, capfd):
    assert launch(1) == 0
    assert launch(2, "0.3") == 5
    assert "RA302" in capfd.readouterr().err
