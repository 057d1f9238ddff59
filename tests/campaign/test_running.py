"""Campaigns for real, as tiny processes: what is run, what is not, and what is told of it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from runaudit.factors.cohort import cohorts
from runaudit.store import Store
from runaudit.store.catalogue import load, run_ids
from tests.campaign.conftest import commit

OF_TWO_SEEDS = ("run", "--label", "a cohort", "--data", "train=data/train", "--waive", "RA206=none", "--seeds", "3,5",
                "--")  # fmt: skip


def runs(repo: Path):
    store = Store.open(repo / ".runaudit")
    return [load(store, run_id) for run_id in run_ids(store)]


def answer(capfd) -> dict:
    return json.loads(capfd.readouterr().out)


def test_every_arm_is_one_cohort_afterwards_and_what_is_printed_next_works(repo, cli, written, capfd):
    assert cli("campaign", written(seeds="0-2"), "--jobs", "2", "--json") == 0
    told = answer(capfd)
    assert told["verdict"] == "completed" and told["jobs"] == 6
    assert [arm["differs"] for arm in told["arms"]] == [[], ["config.args.lr"]]
    assert told["next"] == "runaudit stats --metric val/acc 'fast rate' --vs 'slow rate'"
    assert cli("stats", "--metric", "val/acc", "fast rate", "--vs", "slow rate", "--json") == 0
    judged = answer(capfd)
    assert judged["verdict"] == "improved" and [arm["effective_n"] for arm in judged["arms"]] == [3, 3]

    # Nothing is done twice: not unasked, and not where all is there.
    assert cli("campaign", "rates.toml") == 2
    assert "--resume" in capfd.readouterr().err
    assert cli("campaign", "rates.toml", "--resume", "--json") == 0
    assert answer(capfd)["to_run"] == 0 and len(runs(repo)) == 6

    # A seed that is added is all that is missing.
    assert cli("campaign", written(seeds="0-3"), "--resume", "--dry-run", "--json") == 0
    found = answer(capfd)
    assert found["to_run"] == 2 and found["verdict"] == "planned" and found["hours"] is not None
    missing = [(arm["label"], job["seed"]) for arm in found["arms"] for job in arm["jobs"] if job["run"] is None]
    assert missing == [("slow rate", 3), ("fast rate", 3)]


def test_a_bad_arm_is_told_before_anything_is_run(repo, cli, written, capfd):
    file = written(more='\n[[arms]]\nlabel = "test"\nvalues = {lr = 0.9}\n')
    assert cli("campaign", file) == 5
    told = capfd.readouterr().out
    assert "RA316" in told and "test (seeds 0 and 1)" in told and "slow rate" not in told
    assert 'write label = "what this run tests" in rates.toml' in told
    assert runs(repo) == []


def test_what_the_guard_would_say_of_a_second_seed_is_said_before_the_first(repo, cli, written, capfd):
    file = written()
    text = (repo / file).read_text().replace("--do '{do}'", "--do 'mode {do}{seed}'")
    (repo / file).write_text(text)
    subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@e", "commit", "-qam", "x"], check=True)
    assert cli("campaign", file) == 5
    told = capfd.readouterr().out
    assert "RA302" in told and "seed 0 of this arm" in told and "config.args.do" in told
    assert runs(repo) == []


def test_two_arms_of_one_design_are_refused(repo, cli, written, capfd):
    assert cli("campaign", written(more='\n[[arms]]\nlabel = "a third rate"\nvalues = {lr = 0.1}\n'), "--dry-run") == 2
    assert "are one design" in capfd.readouterr().err


def test_a_question_leaves_no_store_behind(repo, cli, written):
    assert cli("campaign", written(), "--dry-run") == 0
    assert not (repo / ".runaudit").exists()


def test_jobs_run_at_once_and_a_file_that_both_wrote_is_told(repo, cli, written, capfd):
    assert cli("campaign", written(seeds="0", do="meet and write"), "--jobs", "2") == 1
    out, err = capfd.readouterr()
    assert "disturbed: 2 of 2 jobs have a result" in out
    assert "both wrote" in out and "out.txt" in out and "from here on one job at a time" in err
    # It is no matter of who asks when: the records show it.
    assert cli("campaign", "rates.toml", "--resume", "--json") == 1
    assert answer(capfd)["collisions"][0]["paths"] == [str(repo / "out.txt")]
    # They read it back, so that either may have gone on with the other's: the comparison says it without the campaign.
    assert cli("diff", "slow rate", "fast rate", "--json") == 1
    assert [row["factor"] for row in answer(capfd)["missing"]] == ["written.out.txt"]


def test_a_job_that_fails_is_kept_and_named_and_run_again_only_where_that_is_asked(repo, cli, written, capfd, tmp_path):
    logs = tmp_path / "logs"
    assert cli("campaign", written(seeds="1", do="crash"), "--logs", str(logs)) == 1
    out = capfd.readouterr().out
    assert "failed: 0 of 2 jobs have a result; 2 crashed" in out
    assert "slow rate, seed 1: crashed: ValueError: the loss is a banana (run " in out
    assert sum("banana" in file.read_text() for file in logs.iterdir()) == 2
    assert all("the loss is a banana" in run.outcome.body["stderr_tail"] for run in runs(repo))
    assert cli("campaign", "rates.toml", "--resume", "--json") == 1
    assert answer(capfd)["to_run"] == 0
    assert cli("campaign", "rates.toml", "--resume", "--retry", "--dry-run", "--json") == 0
    assert answer(capfd)["to_run"] == 2


def test_code_that_is_edited_under_a_campaign_ends_it(repo, cli, written, capfd):
    """The edit is committed, so that no rule on the tree finds it; the second arm would be run on other code."""
    assert cli("campaign", written(do="edit")) == 1
    out, err = capfd.readouterr()
    assert "fast rate, seed 0: not started: " in err and "code.loss.py changed since the campaign began" in err
    assert "1 completed, 2 missing and 1 refused" in out or "2 missing and 1 refused" in out
    assert len(runs(repo)) == 1


@pytest.mark.parametrize("what", ["code", "data"])
def test_a_campaign_is_not_complete_of_what_was_edited_after_it(repo, cli, written, capfd, what):
    file = written(seeds="0")
    assert cli("campaign", file) == 0
    assert cli("campaign", file, "--resume") == 0, "nothing was edited"
    if what == "code":
        (repo / "loss.py").write_text("def gain():\n    return 5.0\n")
        commit(repo)
    else:
        (repo / "data/train").write_text("9 9 9\n")
    capfd.readouterr()

    assert cli("campaign", file, "--resume") == 5

    out = capfd.readouterr().out
    assert out.startswith("refused: 2 arms ran before something was edited, and what lies here never ran")
    assert "RA302" in out and ("code.loss.py" if what == "code" else "data.train") in out
    assert cli("campaign", file, "--resume", "--dry-run", "--json") == 5
    assert answer(capfd)["verdict"] == "refused"
    assert len(runs(repo)) == 2


def test_seeds_of_one_command_are_a_campaign_of_one_arm(repo, cli, capfd):
    words = ["run", "--label", "a cohort", "--data", "train=data/train", "--seeds", "3,5", "--json", "--",
             sys.executable, "train.py", "--lr", "0.1", "--seed"]  # fmt: skip
    assert cli(*words, "7") == 2
    assert "{seed}" in capfd.readouterr().err
    assert cli(*words, "{seed}") == 0
    told = answer(capfd)
    assert [job["seed"] for job in told["arms"][0]["jobs"]] == [3, 5] and told["verdict"] == "completed"
    found = runs(repo)
    assert [run.manifest.seed for run in found] == [3, 5] and {run.label for run in found} == {"a cohort"}
    assert [run.manifest.campaign["seed"] for run in found] == [3, 5]
    assert cli("run", "--resume", "--", "true") == 2


@pytest.fixture
def begun(repo, written, request):
    """A campaign of two waiting jobs in a process of its own; yields it once both are on their way. Its parameter: a
    signal that is held back where it begins, as a worker of Ray has it."""
    deaf = getattr(request, "param", None)
    file = written(seeds="0", do="wait")
    process = subprocess.Popen(
        [sys.executable, "-m", "runaudit", "campaign", file, "--jobs", "2"],
        cwd=repo, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: deaf and signal.pthread_sigmask(signal.SIG_BLOCK, {deaf}) and None,
    )  # fmt: skip
    meet = Path(os.environ["MEET"])
    while len(list(meet.glob("waits-*"))) < 2:
        assert process.poll() is None, process.communicate()
    yield process
    (meet / "go on").touch()
    process.kill()
    process.communicate()


@pytest.mark.parametrize(
    ("begun", "number"), [(None, signal.SIGINT), (signal.SIGINT, signal.SIGTERM)], indirect=["begun"]
)
def test_who_stops_a_campaign_is_told_how_it_goes_on_and_it_does(repo, cli, begun, number, capfd):
    begun.send_signal(number)
    out, err = begun.communicate()
    assert begun.returncode == 130, err
    assert "stopping: slow rate (seed 0) and fast rate (seed 0) are asked to end" in err
    assert "next: runaudit campaign rates.toml --resume" in out
    assert [run.status for run in runs(repo)] == ["killed", "killed"]
    (Path(os.environ["MEET"]) / "go on").touch()
    assert cli("campaign", "rates.toml", "--resume", "--json") == 0
    assert {job["status"] for arm in answer(capfd)["arms"] for job in arm["jobs"]} == {"completed"}
    assert len(runs(repo)) == 4


def test_jobs_of_a_campaign_that_was_killed_go_on_and_are_not_run_twice(repo, cli, begun, capfd):
    assert cli("campaign", "rates.toml", "--resume") == 2
    assert "is being run by process" in capfd.readouterr().err
    begun.kill()
    begun.communicate()
    assert cli("campaign", "rates.toml", "--resume") == 2
    assert "2 jobs of this campaign still run" in capfd.readouterr().err
    (Path(os.environ["MEET"]) / "go on").touch()
    while any(run.status == "running" for run in runs(repo)):
        pass
    assert cli("campaign", "rates.toml", "--resume") == 0
    assert [run.status for run in runs(repo)] == ["completed", "completed"]


@pytest.mark.parametrize("place", ["out/{seed}.pt", "out/ck_{seed}.json", "out/{seed}/model"])
def test_a_place_in_which_the_launch_put_the_seed_parts_no_seeds(repo, cli, capfd, place):
    """`--save out/{seed}.pt` was refused: who filled the place in knows that it is the seed."""
    (repo / "train.py").write_text(
        "import sys, random, pathlib, runaudit\n"
        "draw = random.Random(int(sys.argv[2]))\n"
        "to = pathlib.Path(sys.argv[4])\n"
        "to.parent.mkdir(parents=True, exist_ok=True)\n"
        "to.write_text('x')\n"
        "runaudit.log(1, {'val/acc': draw.random()})\n"
    )
    (repo / ".gitignore").write_text("__pycache__/\n/.runaudit/\n/out/\n")
    commit(repo)

    assert cli(*OF_TWO_SEEDS, sys.executable, "train.py", "--seed", "{seed}", "--save", place) == 0
    found = runs(repo)
    assert len(cohorts(found)) == 1
    assert [run.manifest.section("launch")["argv"][-1] for run in found] == [place.format(seed=s) for s in (3, 5)]


def test_an_option_into_which_the_launch_put_the_seed_is_the_seed(repo, cli, capfd):
    """`--fold {seed}`: k folds are launched as seeds, and were refused as another factor."""
    (repo / "train.py").write_text(
        "import sys, random, runaudit\n"
        "draw = random.Random(int(sys.argv[2]))\n"
        "runaudit.log(1, {'val/acc': draw.random()})\n"
    )
    commit(repo)

    assert cli(*OF_TWO_SEEDS, sys.executable, "train.py", "--fold", "{seed}") == 0
    assert len(cohorts(runs(repo))) == 1
