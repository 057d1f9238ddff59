"""Seeds that each go on from their own checkpoint are one arm: what a checkpoint counts for is the run that made it."""

import sys

import runaudit
from runaudit.verbs import open_store
from tests.campaign.conftest import commit

TRAIN = """\
import argparse, json, os, random
import runaudit
p = argparse.ArgumentParser()
p.add_argument("--seed", type=int)
p.add_argument("--resume")
a = p.parse_args()
draw, done, weight = random.Random(a.seed), 0, 0.0
if a.resume:
    with open(a.resume) as file:
        done, weight = json.load(file)
for step in range(done, done + 3):
    weight += draw.random()
    runaudit.log(step, {"val/acc": weight})
os.makedirs("out", exist_ok=True)
with open(f"out/{'more' if a.resume else 'first'}_{a.seed}.pt", "w") as file:
    json.dump([step + 1, weight], file)
"""


def test_seeds_that_go_on_from_their_own_checkpoints_are_one_arm(repo, cli, capfd):
    (repo / "train.py").write_text(TRAIN)
    (repo / ".gitignore").write_text("__pycache__/\n/.runaudit/\n/out/\n")
    commit(repo)
    given = ["run", "--data", "train=data/train", "--seeds", "0-1", "--waive", "RA206=none is held out"]
    program = ["--", sys.executable, "train.py", "--seed", "{seed}"]

    assert cli(*given, "--label", "the first half", *program) == 0
    assert cli(*given, "--label", "gone on with", "--init", "out/first_{seed}.pt", *program,
               "--resume", "out/first_{seed}.pt") == 0  # fmt: skip

    first, more = sorted(open_store(repo / ".runaudit").cohorts(), key=lambda cohort: cohort.label != "the first half")
    assert (first.n, more.n) == (2, 2)
    assert [run.parent.id for run in more.runs] == [run.id for run in first.runs]
    found = runaudit.compare("the first half", "gone on with")
    assert [row.factor for row in found.treatments] == ["config.args.resume"]
    assert "each run of gone on with began with the weights of a run of the first half" in found.notes
