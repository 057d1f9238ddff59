"""What lies at a remote is listed from an index that is never trusted further than its digest and the pushes there."""

import json

import pytest

from runaudit.cli.start import main as start
from runaudit.store.catalogue import run_ids
from runaudit.store.remarks import set_archived
from tests.remote.conftest import LATER, a_run


@pytest.fixture
def listed(remote, runaudit, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RUNAUDIT_STORE", raising=False)

    def ask(*words, of=remote):
        code, out, err = runaudit("list", "--remote", of, "--json", *words)
        return code, json.loads(out), err

    return ask


def ids(answer):
    return [row["id"] for row in answer["newest"]]


@pytest.mark.parametrize("spoilt", ["as it is", "gone", "damaged", "of older pushes", "another form"])
def test_the_answer_is_that_of_the_pushes_whatever_becomes_of_the_index(one, sent, listed, remote, spoilt):
    sent(one)
    old = next((remote / "index").iterdir())
    late = a_run(one, 5)
    raw = old.read_bytes()
    sent(one, time=LATER)
    for path in (remote / "index").iterdir():
        if spoilt == "damaged":
            path.write_bytes(path.read_bytes().replace(b"a run", b"a lie"))
        elif spoilt in ("gone", "of older pushes"):
            path.unlink()
        elif spoilt == "another form":
            path.write_bytes(b"[]")
    if spoilt == "of older pushes":
        old.write_bytes(raw)

    code, answer, _ = listed()

    assert code == 0 and set(ids(answer)) == {*run_ids(one)} and late in ids(answer)
    assert {row["label"] for row in answer["newest"]} == {"a run"}
    (again,) = (remote / "index").iterdir()
    assert json.loads(again.read_bytes())["runs"] == 3


def test_archived_runs_are_hidden_and_counted(one, sent, listed):
    set_archived(one, run_ids(one)[0], True, time=LATER)
    sent(one)

    assert ids(listed()[1]) == [run_ids(one)[1]] and listed()[1]["archived"] == 1
    assert len(ids(listed("--all")[1])) == 2


def test_which_runs_are_here_is_told(one, other, sent, fetched, listed):
    sent(one)
    assert [row["here"] for row in listed("--store", other.root)[1]["newest"]] == [False, False]
    fetched(other)
    assert [row["here"] for row in listed("--store", other.root)[1]["newest"]] == [True, True]


def test_the_newest_come_first_and_no_more_than_asked(one, sent, listed):
    sent(one)
    assert len(ids(listed("-n", "1")[1])) == 1
    assert listed("-n", "0")[0] == 2


def test_the_quick_way_says_what_the_parser_s_says(one, sent, remote, capsys, runaudit, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sent(one)
    _, plain, noted = runaudit("list", "--remote", remote)
    with pytest.raises(SystemExit) as ended:
        start(["list", "--remote", str(remote)])
    assert ended.value.code == 0 and capsys.readouterr() == (plain, noted)
    assert plain.count("\n") == 3


def test_a_damaged_push_is_named_and_the_rest_listed(one, sent, listed, remote):
    sent(one)
    (push,) = (remote / "pushes").iterdir()
    late = a_run(one, 5)
    sent(one, time=LATER)
    push.write_bytes(push.read_bytes()[:-1])
    for index in (remote / "index").iterdir():
        index.unlink()

    code, answer, err = listed()

    assert code == 4 and ids(answer) == [late] and push.name in err


@pytest.mark.parametrize("words", [("--where", "seed == 1"), ("--csv",), ("text",), ("--sort", "seed")])
def test_what_only_a_store_can_answer_is_refused(runaudit, remote, one, sent, words):
    sent(one)
    code, _, err = runaudit("list", "--remote", remote, *words)
    assert code == 2 and "runaudit pull" in err
