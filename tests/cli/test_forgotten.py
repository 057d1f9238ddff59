"""Forgetting makes no claim better and stops no command: the run stays in the count, and every answer says so."""

import json

import pytest

from runaudit.runs import forgetting
from runaudit.store.forget import Doomed
from tests.cli.test_diff import seal
from tests.diff.samples import put

FAST = put("config/optimizer/lr", 5e-4)
WHY = ("--reason", "privacy")


def arm(store, label, *changes, values, lost=()):
    """Runs of one design, one a seed. lost: seeds that crash."""
    return [
        seal(store, put("seed", seed), put("label", label), put("metrics", {"val/err": value}), *changes,
             put("series", {"val/err": [[1, value]]}), status="crashed" if seed in lost else "completed")
        for seed, value in enumerate(values)
    ]  # fmt: skip


@pytest.fixture
def arms(here):
    """Two arms of six: of the slow one the last crashed, and the fast one has one bad run."""
    slow = arm(here, "slow", values=[0.50, 0.51, 0.52, 0.50, 0.51, 0.50], lost=(5,))
    fast = arm(here, "fast", FAST, values=[0.10, 0.11, 0.12, 0.10, 2.50, 0.11])
    return slow, fast


def judged(call):
    code, out, _ = call("stats", "--metric", "val/err", "--direction", "lower", "fast", "--vs", "slow", "--json")
    return code, json.loads(out)


def test_a_claim_does_not_get_better_by_forgetting(arms, runaudit):
    slow, fast = arms
    before = judged(runaudit)

    for run in (slow[5], fast[4]):
        assert runaudit("forget", run, *WHY)[0] == 0
        code, answer = judged(runaudit)
        assert (code, answer["verdict"]) == (1, "inconclusive") == (before[0], before[1]["verdict"])
    assert [one["n"] for one in answer["arms"]] == [6, 6]
    assert sum("1 run of it was forgotten" in note and "privacy" in note for note in answer["notes"]) == 2


def test_it_does_not_where_the_others_alone_are_named(arms, runaudit):
    slow, fast = arms
    runaudit("forget", slow[5], fast[4], *WHY)

    words = (",".join(run[:12] for run in fast if run != fast[4]), "--vs", ",".join(run[:12] for run in slow[:5]))
    code, out, _ = runaudit("stats", "--metric", "val/err", "--direction", "lower", *words)

    assert code == 1 and "leaves out 1 of 6 launched runs" in out and "forgotten" in out


@pytest.mark.parametrize("what", ["manifest", "outcome"])
def test_every_answer_over_a_cohort_says_what_was_forgotten_of_it(arms, runaudit, tmp_path, what):
    _, fast = arms
    runaudit("forget", f"sha256:{_objects(runaudit, fast[4])[what]}", *WHY)

    for words in (
        ("list",),
        ("diff", "fast", "slow"),
        ("study",),
        ("stats", "--metric", "val/err", "fast", "--vs", "slow"),
    ):
        told = runaudit(*words)[1]
        assert "forgotten on" in told and "privacy" in told, words
    runaudit("report", "fast", "slow", "-o", tmp_path / "page.html")
    assert "1 run of it was forgotten on" in (tmp_path / "page.html").read_text()


def _objects(call, run):
    """What of a run lies in the store: manifest, outcome -> digits."""
    from pathlib import Path

    from runaudit.store.store import Store

    store = Store.open(Path(".runaudit"))
    return {e.kind: e.digest.hex for e in store.entries() if run in (e.digest.hex, e.subject.removeprefix("sha256:"))}


def test_a_forgotten_run_stays_in_its_cohort_with_its_seed(arms, runaudit):
    _, fast = arms
    home = json.loads(runaudit("list", "--json")[1])["cohorts"][1]

    runaudit("forget", fast[4], *WHY)

    after = json.loads(runaudit("list", "--json")[1])["cohorts"][1]
    assert (after["id"], after["label"], after["n"], after["seeds"]) == (home["id"], "fast", 6, home["seeds"])
    assert [row["status"] for row in after["runs"]].count("forgotten") == 1


def test_a_cohort_that_was_forgotten_one_by_one_is_one_still(arms, runaudit):
    _, fast = arms
    for run in fast:
        runaudit("forget", run, *WHY)

    cohorts = json.loads(runaudit("list", "--json")[1])["cohorts"]

    assert [(one["n"], one["effective_n"]) for one in cohorts] == [(6, 5), (6, 0)]


def test_no_word_of_the_user_s_is_in_what_is_told_of_a_forgotten_run(arms, runaudit, here):
    _, fast = arms
    runaudit("forget", fast[4], *WHY)

    (event,) = (here.read(entry.digest) for entry in here.entries() if entry.kind == "forget")

    (about,) = (row["about"] for row in json.loads(event)["objects"] if "about" in row)
    assert set(about) == {"cohort", "peers", "seed", "status"} and set(about["peers"]) == {*fast} - {fast[4]}


def test_where_an_older_tombstone_tells_no_cohort_nothing_passes_in_silence(arms, runaudit, monkeypatch):
    _, fast = arms
    monkeypatch.setattr(forgetting, "_told", lambda store, settings, one: Doomed(digest=one.digest, what=one.what,
                                                                                 run=one.run))  # fmt: skip
    runaudit("forget", fast[4], *WHY)
    slow = arms[0]
    named = ("fast", "--vs", ",".join(run[:12] for run in slow[:5]))

    for words in (
        ("stats", "--metric", "val/err", "--direction", "lower", *named),
        ("diff", "fast", "slow"),
        ("study",),
    ):
        ended, out, _ = runaudit(*words)
        assert ended == 3 and "any cohort may lack some" in out, words
    ended, out, _ = runaudit("diff", fast[0], slow[0])
    assert ended == 0 and "any cohort may lack some" in out


EVERY = [
    ("list",), ("list", "--json"), ("list", "status=forgotten"), ("list", "--columns", "id,seed,config.optimizer.lr"),
    ("show", "RUN"), ("show", "RUN", "-v"), ("show", "RUN", "--json"), ("show", "@last"), ("path", "RUN"),
    ("diff", "fast", "slow"), ("diff", "RUN", "@last"), ("study",), ("study", "fast", "slow"),
    ("stats", "--metric", "val/err", "fast", "--vs", "slow"), ("report", "fast", "slow", "-o", "page.html"),
    ("report", "RUN", "-o", "page.html"), ("verify",), ("verify", "RUN"), ("doctor",), ("doctor", "--secrets"),
    ("doctor", "--repair"), ("export", "fast", "slow", "-o", "runs.bundle", "--force"),
    ("export", "@last", "-o", "runs.bundle", "--force"),
    ("annotate", "RUN", "a note"), ("archive", "RUN"), ("archive", "RUN", "--undo"), ("forget", "RUN", *WHY),
    ("claims", "draft.md"), ("guard", "--label", "fast", "--seed", "7", "--", "python", "x.py"),
    ("guard", "--label", "another", "--baseline", "fast", "--seed", "7", "--", "python", "x.py"),
]  # fmt: skip


@pytest.mark.parametrize("what", ["manifest", "outcome", "run"])
def test_every_command_goes_on_beside_what_was_forgotten(arms, runaudit, tmp_path, what):
    _, fast = arms
    (tmp_path / "draft.md").write_text("fast, val/err = 0.11\n")
    whole = {words: _ended(runaudit, words, fast[0]) for words in EVERY if words[0] != "forget"}
    named = fast[0] if what == "run" else f"sha256:{_objects(runaudit, fast[0])[what]}"
    runaudit("forget", named, *WHY)

    for words in EVERY:
        code, err = _ended(runaudit, words, fast[0])
        assert code not in (4, 70), (words, err)
        # What the forgotten run itself would have said may be unknown; beside it all goes on.
        if "RUN" not in words and words[0] in ("list", "study", "verify", "doctor", "export", "guard"):
            assert code == whole[words][0] or words[1:2] == ("status=forgotten",), (words, err)


def _ended(call, words, run):
    code, _, err = call(*(run if word == "RUN" else word for word in words))
    return code, err


def test_doctor_tells_of_what_was_forgotten_and_still_lies_there(arms, runaudit, here):
    from runaudit.records.digest import Digest

    _, fast = arms
    place = here.object_path(Digest("sha256", fast[4]))
    bytes_then = place.read_bytes()
    runaudit("forget", fast[4], *WHY)
    place.chmod(0o644)
    place.write_bytes(bytes_then)  # As a process leaves it that died once the log had told.

    code, out, _ = runaudit("doctor")
    assert code == 1 and "still lie there" in out and "doctor --repair" in out
    assert runaudit("doctor", "--repair")[0] == 0 and runaudit("doctor")[0] == 0
    assert place.read_bytes() != bytes_then
