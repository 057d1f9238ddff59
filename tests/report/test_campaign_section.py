"""The page of a campaign: its arms in the order of its file, and how each of its jobs stands."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import runaudit
from runaudit.campaign.answer import recorded
from runaudit.campaign.file import read_campaign
from runaudit.cli.app import main
from runaudit.records.trajectory import Trajectory
from runaudit.store import Store
from tests.browser.forms import CAMPAIGN, campaign, classifier
from tests.conftest import _run, _seal


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "store")


@pytest.fixture
def reported(store: Store, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    """`reported(*words)`: the exit code, stdout and stderr of `runaudit report` with these."""

    def call(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["report", "--store", str(store.root), "-o", str(tmp_path / "page.html"), *words])
        return (int(ended.value.code or 0), *capfd.readouterr())

    return call


def test_every_arm_is_held_against_the_first_and_every_job_is_told(store, reported, tmp_path):
    words = campaign(store)
    code, out, err = reported(*words, "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert [(one["baseline"], one["arm"]) for one in told["comparisons"]] == [("A", "B"), ("A", "C")]
    assert told["campaign"]["shown"] == "stopped"
    assert told["campaign"]["text"] == "6 of 12 jobs have a result; 1 crashed and 5 missing."
    assert [(row["letter"], row["label"], row["jobs"]) for row in told["campaign"]["arms"]] == [
        ("A", "slow", "3 completed"), ("B", "fast", "3 completed"), ("C", "faster", "1 crashed, 2 missing"),
        (None, "never begun", "3 missing"),
    ]  # fmt: skip
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Campaign: three rates</h2>" in page and "never begun</bdi> (not launched)" in page
    assert f"<code>runaudit campaign --store {store.root} {words[1]} --resume</code>" in page

    # The terminal and a pull request say the same.
    assert reported(*words)[1].startswith("stopped: 6 of 12 jobs have a result")
    assert "| C faster | seeds 0-2 | 1 crashed, 2 missing |" in reported(*words, "--format", "md")[1]


def test_another_baseline_may_be_named(store, reported):
    code, out, _ = reported(*campaign(store), "--baseline", "fast", "--json")
    assert code == 0
    told = json.loads(out)
    assert [arm["label"] for arm in told["arms"]] == ["fast", "slow", "faster"]
    assert [(one["baseline"], one["arm"]) for one in told["comparisons"]] == [("A", "B"), ("A", "C")]
    assert [row["letter"] for row in told["campaign"]["arms"]] == ["B", "A", "C", None]


def test_of_an_arm_that_was_edited_nothing_is_shown_as_its_own(store, reported, tmp_path):
    words = campaign(store)
    Path(words[1]).write_text(CAMPAIGN.replace("lr = 0.3", "lr = 0.4"))
    _, out, _ = reported(*words, "--json")
    told = json.loads(out)
    assert [arm["label"] for arm in told["arms"]] == ["slow", "faster"]
    assert told["campaign"]["arms"][1] == {"letter": None, "label": "fast", "seeds": "seeds 0-2", "jobs": "3 missing"}


def test_what_was_launched_and_is_not_in_the_file_any_more_is_told(store, reported):
    words = campaign(store)
    cut = CAMPAIGN.replace('"0-2"', '"0-1"').replace('{label = "fast", values = {lr = 0.3}},', "")
    Path(words[1]).write_text(cut)
    told = json.loads(reported(*words, "--json")[1])["campaign"]["notes"]
    assert "slow: seed 2 ran as well, which the file does not name any more" in told
    assert "launched with it, and not in its file any more: fast" in told


def test_a_job_that_was_launched_again_is_told_with_every_end(store, reported):
    words = campaign(store)
    job = next(job for job in read_campaign(Path(words[1])).jobs if (job.arm, job.seed) == ("faster", 0))
    again = classifier(0, lr=0.9, label="faster", origin={"kind": "captured", "campaign": job.asked.mark}, again=True)
    _seal(store, again)
    told = json.loads(reported(*words, "--json")[1])["campaign"]
    assert told["arms"][2]["jobs"] == "1 completed, 2 missing"
    (note,) = (line for line in told["notes"] if "launched" in line)
    assert note.startswith("faster, seed 0: launched 2 times, crashed (") and note.endswith("all of them stay counted")


def test_a_run_that_was_forgotten_is_not_one_that_never_ran(store, reported, capfd):
    words = campaign(store)
    run = next(run for run in runaudit.open_store(store.root).runs() if (run.label, run.manifest.seed) == ("slow", 1))
    with pytest.raises(SystemExit):
        main(["forget", run.id[:12], "--reason", "its data may not be kept", "--store", str(store.root)])
    capfd.readouterr()
    told = json.loads(reported(*words, "--json")[1])["campaign"]
    assert told["arms"][0]["jobs"] == "2 completed, 1 forgotten"


def test_a_label_that_other_runs_bear_is_not_what_is_asked_next(store, tmp_path):
    words = campaign(store)
    _seal(store, classifier(7, lr=0.2, label="slow"))
    plan = read_campaign(Path(words[1]))
    finished = replace(plan, arms=tuple(replace(arm, seeds=(0, 1, 2)) for arm in plan.arms[:2]))
    next_command = recorded(finished, store).next_command
    ids = [run.id[:12] for run in runaudit.open_store(store.root).runs() if run.label == "slow"][:3]
    assert next_command.endswith(f"fast --vs {','.join(ids)}")


def test_a_campaign_of_one_arm_says_what_of_its_design_it_does_not_show(store, reported):
    words = campaign(store)
    _seal(store, classifier(7, lr=0.1, best=0.95, label="slow, once more"))
    Path(words[1]).write_text(
        CAMPAIGN.replace(
            """, {label = "fast", values = {lr = 0.3}},
        {label = "faster", values = {lr = 0.9}}, {label = "never begun", values = {lr = 2.7}}]""",
            "]",
        )
    )
    alerts = {one["title"]: one["items"] for one in json.loads(reported(*words, "--json")[1])["alerts"]}
    (told,) = alerts["Runs that are not shown"]
    assert "3 of 4 launched runs" in told and told.endswith("Left out: seed 7")


def test_a_guess_of_what_is_better_is_called_one(store, tmp_path):
    file = tmp_path / "rates.toml"
    file.write_text(
        CAMPAIGN.replace(
            """,
        {label = "faster", values = {lr = 0.9}}, {label = "never begun", values = {lr = 2.7}}]""",
            "]",
        )
    )
    plan = read_campaign(file)
    for job in plan.jobs:
        run = _run(seed=job.seed, label=job.arm, metrics={"oddness": 1.0 + job.seed}, eval=...,
                   config={"lr": float(job.asked.command[3])}, trajectory=Trajectory(),
                   origin={"kind": "captured", "campaign": job.asked.mark})  # fmt: skip
        _seal(store, run)
    *_, asked, note = recorded(plan, store).text_lines()
    assert "--metric oddness --direction higher" in asked
    assert note.strip() == "(or --direction lower: nothing says what is better in oddness)"


def test_a_campaign_of_which_nothing_was_run_is_told_with_what_runs_it(store, reported, tmp_path):
    words = campaign(store)
    Path(words[1]).write_text(CAMPAIGN.replace("three rates", "another name"))
    code, out, err = reported(*words)
    assert (code, out) == (2, "")
    assert f"run it: runaudit campaign --store {store.root} {words[1]}\n" in err
    assert not (tmp_path / "page.html").exists()


def test_runs_beside_those_of_a_campaign_are_not_taken_for_arms_of_it(store, reported):
    code, _, err = reported(*campaign(store), "fast")
    assert code == 2 and "--beside RUN" in err
