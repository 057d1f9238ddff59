"""A part of a cohort stays one wherever it goes: the best three of five seeds prove in no store what they do not in
their own."""

import json

import pytest

from tests.cli.recorded import METRIC, cohort
from tests.diff.samples import put

LR = put("config/optimizer/lr", 5e-4)
FIVE = (31.20, 31.25, 31.31, 29.0, 29.1)
OLD = (30.10, 30.20, 30.40)


@pytest.fixture
def judged(runaudit):
    """`judged(store)`: exit code and answer of `stats new --vs old` there."""

    def judge(store):
        words = ("stats", "--metric", METRIC, "new", "--vs", "old", "--json", "--store", str(store))
        code, out, _ = runaudit(*words)
        return code, json.loads(out)

    return judge


def by_bundle(runaudit, tmp_path, ids):
    bundle = str(tmp_path / "some.bundle")
    assert runaudit("export", *ids, "-o", bundle)[0] == 0
    return "import", bundle


def by_push(runaudit, tmp_path, ids):
    assert runaudit("push", str(tmp_path / "remote"), *ids)[0] == 0
    return "pull", str(tmp_path / "remote")


def by_pull(runaudit, tmp_path, ids):
    assert runaudit("push", str(tmp_path / "remote"))[0] == 0
    return "pull", str(tmp_path / "remote"), *ids


@pytest.mark.parametrize("way", [by_bundle, by_push, by_pull])
def test_what_was_left_behind_counts_in_the_store_that_took_the_rest(here, runaudit, judged, tmp_path, way):
    ids, old = cohort(here, "new", FIVE, LR), cohort(here, "old", OLD)
    there = str(tmp_path / "there")

    taken = way(runaudit, tmp_path, (*ids[:3], *old))
    assert runaudit(*taken, "--store", there)[0] == 0

    code, answer = judged(there)
    assert code == 1 and answer["verdict"] == "inconclusive"
    assert "leaves out 2 of 5 launched runs of its cohort, 2 of them not in this store" in answer["reason"]
    assert runaudit("verify", "--store", there)[0] == 0 == runaudit("verify")[0]
    (tmp_path / "note.md").write_text(f"new reaches {METRIC} 31.25.\n")
    code, out, _ = runaudit("claims", str(tmp_path / "note.md"), "--store", there)
    assert code != 0 and "left out when these were taken from there" in out

    # Once the others are taken in as well, the cohort is whole.
    (tmp_path / "rest").mkdir()
    taken = by_bundle(runaudit, tmp_path / "rest", ids[3:])
    assert runaudit(*taken, "--store", there)[0] == 0
    assert "not in this store" not in judged(there)[1]["reason"]


def test_whole_cohorts_leave_without_a_word(here, runaudit, judged, tmp_path):
    ids = (*cohort(here, "new", FIVE[:3], LR), *cohort(here, "old", OLD))
    lines = len(here.entries())
    there = str(tmp_path / "there")

    assert runaudit(*by_bundle(runaudit, tmp_path, ids), "--store", there)[0] == 0

    assert len(here.entries()) == lines
    assert judged(there)[1]["verdict"] == "improved" and judged(there)[0] == 0


def test_the_same_part_is_told_once(here, runaudit, tmp_path):
    ids = cohort(here, "new", FIVE, LR)
    (tmp_path / "again").mkdir()

    by_bundle(runaudit, tmp_path, ids[:3])
    lines = len(here.entries())
    by_bundle(runaudit, tmp_path / "again", ids[:3])

    assert len(here.entries()) == lines
