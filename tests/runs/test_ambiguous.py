"""A word that could name several things names none: it is refused with words that each name one of them."""

import json
import re
import shlex

import pytest

from runaudit.errors import UsageError
from runaudit.runs.forms import taken_for
from runaudit.runs.names import runs_named
from runaudit.runs.reading import stored_cohorts
from runaudit.settings import Settings
from tests.cli.recorded import cohort
from tests.diff.samples import put
from tests.store.test_store import launch


def offered(refused):
    """The words that an error gives, as a shell would read them."""
    return [shlex.split(word)[0] for word in re.findall(r"\(('.*?'|\S+?)\)", str(refused.value).split("things: ")[1])]


@pytest.mark.parametrize("digits", [4, 8, 12])
def test_a_label_that_begins_the_id_of_another_run_is_refused_with_words_for_each(store, names, digits):
    first = launch(store, label="first").id
    second = launch(store, label=first[:digits], config={"lr": 9}).id

    for _ in range(2):  # with the log alone, and with the index that the first made
        with pytest.raises(UsageError, match="could mean 2 things") as refused:
            names(first[:digits])
        assert refused.value.exit_code == 2
        assert [names(word) for word in offered(refused)] == [(first,), (second,)]
    assert names(first) == (first,) and names(first[: digits + 1]) == (first,)


@pytest.mark.parametrize("digits", [4, 12])
def test_a_label_that_begins_the_id_of_a_cohort_is_refused_with_words_for_each(store, names, digits):
    ids = tuple(launch(store, seed=seed, label="arm").id for seed in (1, 2))
    home = stored_cohorts(store, Settings())[0].id
    other = launch(store, label=home[:digits], config={"lr": 9}).id

    with pytest.raises(UsageError, match="could mean 2 things") as refused:
        names(home[:digits])
    assert {names(word) for word in offered(refused)} == {ids, (other,)}


def test_a_run_that_is_labelled_with_its_cohort_s_id_is_meant_both_ways(store, names):
    launch(store, label="one", config={"lr": 9})
    home = stored_cohorts(store, Settings())[0].id
    again = launch(store, seed=7, label=home, config={"lr": 8}).id
    own = next(group.id for group in stored_cohorts(store, Settings()) if group.runs[0].id == again)

    assert names(own) == names(f"label:{home}") == (again,)


def test_a_label_that_another_cohort_is_listed_under_is_refused(store, names):
    wide = tuple(launch(store, seed=seed, label=f"wide net, seed {seed}").id for seed in (1, 2))
    other = launch(store, label="wide net", config={"lr": 9}).id

    with pytest.raises(UsageError, match="could mean 2 things") as refused:
        names("wide net")
    assert [names(word) for word in offered(refused)] == [(other,), wide]


@pytest.mark.parametrize(
    "label", ["flow, staged", "lr: 0.1", "two  blanks", " led by one", "@last", "id:abcd", "label:x", "a,b", "naïve π"]
)
def test_every_label_is_reached_by_its_explicit_word(store, names, label):
    ids = [launch(store, label=one, config={"lr": at}).id for at, one in enumerate((label, "a", "b", "x"))]

    assert names(f"label:{label}") == (ids[0],)
    assert names(f"label:{label},x") == (ids[0], ids[3])
    assert [run.id for run in runs_named(store, Settings(), f"x,label:{label}")] == [ids[3], ids[0]]


def test_a_label_that_is_a_list_of_labels_as_well_is_refused(store, names):
    ids = [launch(store, label=label, config={"lr": at}).id for at, label in enumerate(("a,b", "a", "b"))]

    with pytest.raises(UsageError, match="could mean 2 things") as refused:
        names("a,b")
    assert [names(word) for word in offered(refused)] == [(ids[0],), (ids[1], ids[2])]


def test_a_file_that_is_called_as_a_label_is_refused(store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = launch(store, label="fast").id
    (tmp_path / "fast").write_text("{}")

    with pytest.raises(UsageError, match="could mean 2 things") as refused:
        runs_named(store, Settings(), "fast")
    assert offered(refused) == ["./fast", "label:fast"]
    assert [found.id for found in runs_named(store, Settings(), "label:fast")] == [run]


@pytest.mark.parametrize("word", ["", ",", ",,", " ", " , "])
@pytest.mark.parametrize("command", ["show", "path", "diff", "study", "verify", "archive"])
def test_a_word_of_nothing_is_one_clear_usage_error(here, runaudit, word, command):
    cohort(here, "slow", [30.0])

    code, _, err = runaudit(command, word, *(["slow"] if command == "diff" else []))
    assert (code, err.count("\n")) == (2, 1)
    assert f"{word!r} names no run" in err and "runaudit list" in err


def test_explicit_words_hold_in_every_place_where_runs_are_named(here, runaudit):
    ids = cohort(here, "slow", [30.0, 30.2])
    cohort(here, "fast, wide", [31.0, 31.2], put("config/x", 1))
    home = json.loads(runaudit("list", "--json")[1])["cohorts"][0]["id"]

    assert json.loads(runaudit("diff", f"cohort:{home[:5]}", "label:fast, wide", "--json")[1])["a"]["n"] == 2
    assert json.loads(runaudit("show", f"id:{ids[1][:6]}", "--json")[1])["id"] == ids[1]
    for word, n in ((f"id:{ids[0][:6]}", 1), ("label:slow", 2), (f"cohort:{home}", 2), ("label:fast, wide", 2)):
        groups = json.loads(runaudit("list", word, "--json")[1])["cohorts"]
        assert [len(group["runs"]) for group in groups] == [n], word


def test_an_explicit_word_that_names_nothing_tells_the_nearest(store, names):
    launch(store, label="testing GeLU")
    with pytest.raises(UsageError, match="closest: 'testing GeLU'"):
        names("label:testing GELU")
    with pytest.raises(UsageError, match="no run matches 'id:0000'"):
        names("id:0000")


def test_a_label_that_is_an_explicit_word_is_a_bad_label():
    assert all(
        taken_for(label)
        for label in ("@last", "@last~3", "id:abcd", "cohort:12ef", "label:x", ".", "..", "/", "./a", "/a")
    )
    assert not any(
        taken_for(label) for label in ("id: 7", "cohort A", "labelled", "lr:0.1", "id:xyz", "face", "a/b", ".5", "...")
    )
