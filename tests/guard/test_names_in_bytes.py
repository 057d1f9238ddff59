"""A name in bytes that are no UTF-8 is refused for that reason, and named; the remedy of one that is recorded works."""

import os
import shlex
import subprocess

import pytest

from runaudit.guard.remedies import git_add_commit, git_ignore_files
from runaudit.records.filenames import legible

ODD = os.fsdecode(b"w\xf0")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--label", f"a {ODD} try"], "--label 'a w\\xf0 try' is not UTF-8 text"),
        (["--data", f"train={ODD}"], "--data 'train=w\\xf0' is not UTF-8 text"),
        (["--config", ODD], "--config 'w\\xf0' is not UTF-8 text"),
    ],
    ids=["label", "data", "config"],
)
def test_a_word_that_no_record_holds_is_named(repo, cli, capfd, words, told):
    assert cli("guard", *words, "--", "python", "train.py") == 2
    assert told in capfd.readouterr().err


def test_so_are_an_argument_and_the_folder(repo, cli, capfd, monkeypatch):
    assert cli("guard", "--", "python", "train.py", ODD) == 2
    assert "the argument 'w\\xf0' is not UTF-8 text" in capfd.readouterr().err
    (repo / ODD).mkdir()
    monkeypatch.chdir(repo / ODD)
    assert cli("run", "--", "python", "../train.py") == 2
    err = capfd.readouterr().err
    assert "the folder '" in err and "w\\xf0' is not UTF-8 text" in err
    assert not (repo / ".runaudit" / "log.jsonl").exists()


def test_the_remedy_of_such_a_name_works_when_it_is_typed(repo, git):
    (repo / f"{ODD}.py").write_text("x = 1\n")
    name = legible(f"{ODD}.py")
    subprocess.run(["bash", "-c", git_add_commit((name,), "add it")], cwd=repo, check=True, capture_output=True)
    assert git(repo, "status", "--short") == ""

    (repo / f"{ODD}.bin").write_bytes(b"x")
    subprocess.run(["bash", "-c", git_ignore_files(".", (legible(f"{ODD}.bin"),))], cwd=repo, check=True)
    assert shlex.split(git(repo, "status", "--short")) == ["M", ".gitignore"]
