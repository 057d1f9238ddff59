"""The words by which runs are named: a label names its cohort, repetitions and several seeds included."""

import json

import pytest

from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.store.catalogue import load
from tests.cli.recorded import METRIC, cohort
from tests.diff.samples import put

LR = put("config/optimizer/lr", 5e-4)


def repeat(store, run_id, *, metrics, **more):
    """What `rerun` seals: the same causes under another label. more: further sections."""
    body = load(store, run_id).manifest.to_json()
    body |= more | {"label": f"rerun of {body['label']}", "origin": {"kind": "captured", "rerun_of": run_id}}
    manifest = Manifest.of({k: v for k, v in body.items() if k != "schema"})
    store.seal_manifest(manifest, time="2025-11-02T00:00:00Z")
    store.seal_outcome(
        Outcome.of({"manifest": str(manifest.digest), "status": "completed", "metrics": metrics}),
        time="2025-11-02T00:00:00Z",
    )
    return manifest.id


@pytest.fixture
def arms(here):
    """Two cohorts of three seeds, and a repetition of the last run."""
    small = cohort(here, "small", [30.01, 30.27, 30.14])
    big = cohort(here, "big", [31.02, 31.29, 31.16], LR)
    repeat(here, big[-1], metrics={METRIC: 31.16})
    return here, small, big


def test_a_label_names_its_cohort_after_a_repetition(arms, runaudit):
    assert len(arms) == 3

    code, out, _ = runaudit("stats", "--metric", METRIC, "big", "--vs", "small", "--direction", "higher", "--json")
    answer = json.loads(out)
    assert code == 0
    assert [(arm["label"], arm["n"], arm["effective_n"]) for arm in answer["arms"]] == [("big", 4, 3), ("small", 3, 3)]
    assert not any("leaves out" in note or "of its cohort" in note for note in answer["notes"])

    assert json.loads(runaudit("diff", "small", "big", "--json")[1])["verdict"] == "single_factor"
    assert json.loads(runaudit("study", "small", "big", "--json")[1])["runs"]
    assert runaudit("report", "small", "big", "-o", "page.html")[0] == 0
    assert runaudit("verify", "big")[0] == 0


@pytest.mark.parametrize("listed", [True, False])
def test_every_cohort_that_an_answer_names_is_one_that_can_be_named(arms, runaudit, listed):
    """A repetition by itself is described otherwise, and would be called by an id that no list shows."""
    store, _, big = arms
    again = repeat(
        store, big[0], metrics={METRIC: 31.02}, code={**load(store, big[0]).manifest.section("code"), "branch": None}
    )
    if listed:
        assert runaudit("list")[0] == 0

    for words in (("diff", again[:12], "small"), ("diff", "small", f"{again[:12]},{big[0][:12]}")):
        found = json.loads(runaudit(*words, "--json")[1])
        for side in (found["a"], found["b"]):
            named = json.loads(runaudit("list", "--where", f'cohort == "{side["id"]}"', "--json")[1])["cohorts"]
            assert [group["label"] for group in named] == ["small" if side["n"] == 3 else "big"]


def test_where_one_run_is_meant_a_label_of_several_names_them(arms, runaudit):
    _, _, big = arms

    for words in (("show", "big"), ("rerun", "big"), ("restore", "big", "--to", "x")):
        code, _, err = runaudit(*words)
        assert code == 2
        assert "names 4 runs" in err and big[0][:12] in err


def test_a_cohort_is_named_by_the_beginning_of_its_id_everywhere(arms, runaudit):
    groups = json.loads(runaudit("list", "--json")[1])["cohorts"]
    small, big = (group["id"] for group in groups)

    for digits in (4, 6, 12):
        answer = json.loads(runaudit("diff", small[:digits], big[:digits], "--json")[1])
        assert (answer["verdict"], answer["a"]["n"], answer["b"]["n"]) == ("single_factor", 3, 4)
    words = ("stats", "--metric", METRIC, big[:5], "--vs", small[:5], "--direction", "higher")
    assert runaudit(*words)[0] == 0
    assert runaudit("study", small[:5], big[:5], "--json")[0] in (0, 1, 3)
    assert runaudit("verify", small[:5])[0] == 0
    assert runaudit("report", small[:5], big[:5], "-o", "page.html")[0] == 0


def test_a_label_over_several_designs_lists_the_cohorts_and_what_differs(here, runaudit):
    cohort(here, "arm", [30.0, 30.2])
    cohort(here, "arm", [31.0, 31.2, 31.4], LR)
    ids = [group["id"] for group in json.loads(runaudit("list", "--json")[1])["cohorts"]]

    code, _, err = runaudit("stats", "--metric", METRIC, "arm", "--vs", "arm")

    assert code == 2
    assert all(name in err for name in ids)
    assert "2 designs" in err and "config.optimizer.lr" in err and "0.001 → 0.0005" in err
    assert "name one cohort by its id" in err


def test_the_label_under_which_a_cohort_is_listed_names_it(here, runaudit):
    for seed in (1, 2, 3):
        cohort(here, f"wide net, seed {seed}", [30 + seed / 7], first_seed=seed)
    cohort(here, "other", [31.0, 31.3, 31.1], LR)
    assert json.loads(runaudit("list", "--json")[1])["cohorts"][0]["label"] == "wide net"

    answer = json.loads(runaudit("diff", "wide net", "other", "--json")[1])

    assert (answer["a"]["n"], answer["b"]["n"]) == (3, 3)


def test_seeds_that_gave_one_result_count_once_in_list_and_in_stats(here, runaudit):
    still = [31.18273645, 31.18273645, 31.18273645]
    cohort(here, "still", still)
    cohort(here, "moving", [30.1234, 30.4321, 30.2222], LR)

    for words in (("list", "--json"), ("list", "--json", "still")):
        group = json.loads(runaudit(*words)[1])["cohorts"][0]
        assert (group["n"], group["effective_n"]) == (3, 1)
    assert "3 runs, effective n 1" in runaudit("list")[1]
    assert "the seed had no effect" in runaudit("list", "-v")[1]
    assert runaudit("list", "--format", "md")[1].splitlines()[2].split("|")[2:4] == [" 3 ", " 1 "]

    answer = json.loads(
        runaudit("stats", "--metric", METRIC, "still", "--vs", "moving", "--direction", "higher", "--json")[1]
    )
    assert (answer["arms"][0]["n"], answer["arms"][0]["effective_n"]) == (3, 1)
    assert answer["verdict"] == "too_few_seeds"
    assert any("equal in every series and metric" in note for note in answer["notes"])


def test_a_factor_that_changed_no_number_is_told_beside_the_statistics(here, runaudit):
    values = [30.12341, 30.43212, 30.22223]
    cohort(here, "base", values)
    cohort(here, "idle", values, LR)

    code, out, _ = runaudit("stats", "--metric", METRIC, "idle", "--vs", "base", "--direction", "higher", "--json")
    answer = json.loads(out)

    # Three numbers against the same three support neither a difference nor its absence.
    assert (code, answer["verdict"]) == (3, "not_attributable")
    assert "is it used?" in answer["reason"]
    assert any("had no effect" in note and "at every seed" in note for note in answer["notes"])
