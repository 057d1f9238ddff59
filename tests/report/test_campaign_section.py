"""The page of a campaign: its arms in the order of its file, and how each of its jobs stands."""

import json
from pathlib import Path

import pytest

from runaudit.cli.app import main
from runaudit.store import Store
from tests.browser.forms import CAMPAIGN, campaign


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
