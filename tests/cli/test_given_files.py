"""A file that is given is one, or is said to be none: never called missing, never waited for; and none of the store's
own files is written over by another name."""

import errno
import json
import os
import socket
import tempfile
from contextlib import suppress

import pytest

from tests.cli.recorded import cohort

ASKED = {
    "claims": ("claims", "{}"),
    "where weights start": ("guard", "--init", "{}", "--", "python", "t.py"),
    "a config": ("guard", "--config", "{}", "--", "python", "t.py"),
    "a config by its name": ("guard", "--config", "{}.toml", "--", "python", "t.py"),
    "a data set": ("guard", "--data", "a={}", "--", "python", "t.py"),
    "a bundle": ("import", "{}"),
    "a bundle by its kind": ("import", "bundle", "{}"),
    "a record": ("import", "record", "{}"),
    "a tracker's folder": ("import", "wandb", "{}"),
    "anchors to start from": ("verify", "--since", "{}"),
    "anchors": ("verify", "--check-anchor", "{}"),
    "a key": ("verify", "--key", "{}"),
    "a store": ("list", "--store", "{}"),
    "a store to start in": ("run", "--store", "{}", "--", "true"),
    "a policy": ("list", "--policy", "{}"),
    "values": ("stats", "--values", "{}"),
    "a run to compare": ("diff", "{}", "alone"),
    "where the page goes": ("report", "alone", "-o", "{}"),
}


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("kind", ["pipe", "socket", "device"])
def test_what_is_no_file_is_called_so_and_not_waited_for(here, runaudit, tmp_path, asked, kind):
    cohort(here, "alone", [30.0])
    place = tmp_path / "given"
    for name in (place, tmp_path / "given.toml"):
        if kind == "pipe":
            os.mkfifo(name)
        elif kind == "device":
            name.symlink_to("/dev/zero")
        else:
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(name.name)  # a socket's whole path may be too long for it

    code, _, err = runaudit(*(word.format(place) for word in ASKED[asked]))

    assert code == 2 and "Traceback" not in err
    assert kind in err or (asked == "where the page goes" and "link" in err), err
    assert "does not exist" not in err and len(err.strip().splitlines()) == 1


@pytest.mark.parametrize("words", [("report", "alone", "-o"), ("export", "alone", "-o"), ("verify", "--anchor")])
@pytest.mark.parametrize("name", ["log.jsonl", "log.end", "store.json"])
def test_nothing_is_written_to_another_name_of_the_stores_own_files(here, runaudit, tmp_path, words, name):
    cohort(here, "alone", [30.0])
    with suppress(FileExistsError):
        (tmp_path / "page").hardlink_to(here.root / name)
    before = (here.root / name).read_bytes()

    code, _, err = runaudit(*words, tmp_path / "page")

    assert code == 2 and f"another name of the store's own {here.root / name}" in err
    assert (here.root / name).read_bytes() == before and (tmp_path / "page").samefile(here.root / name)


def test_a_hard_link_of_something_else_is_a_file_like_any(here, runaudit, tmp_path):
    cohort(here, "alone", [30.0])
    (tmp_path / "old").touch()
    (tmp_path / "bundle").hardlink_to(tmp_path / "old")

    assert runaudit("export", "alone", "-o", tmp_path / "bundle")[0] == 0
    assert (tmp_path / "old").read_text() == ""


@pytest.mark.parametrize(("command", "again"), [("report", ()), ("export", ("--force",))])
@pytest.mark.parametrize("text", ["import torch", "<!DOCTYPE html><title>mine</title>", "anchor of mine", "\0"])
def test_an_output_takes_the_place_of_what_runaudit_made_and_of_nothing_else(
    here, runaudit, tmp_path, command, again, text
):
    cohort(here, "alone", [30.0])
    (place := tmp_path / "my file").write_text(text)

    code, _, err = runaudit(command, "alone", "-o", place)

    assert code == 2 and "runaudit did not make" in err and err.count("\n") == 1
    assert place.read_text() == text
    assert os.system(err.split("delete it first: ")[1]) == 0
    assert [runaudit(command, "alone", "-o", place, *more)[0] for more in ((), again)] == [0, 0]


def test_a_bundle_takes_the_place_of_another_only_where_that_is_asked_for(here, runaudit, tmp_path):
    cohort(here, "alone", [30.0])
    cohort(here, "other", [31.0])
    place = tmp_path / "runs.bundle"
    assert runaudit("export", "alone", "-o", place)[0] == 0
    before = place.read_bytes()

    code, out, err = runaudit("export", "other", "-o", place)
    assert (code, out, err.count("\n")) == (2, "", 1) and "--force" in err
    assert place.read_bytes() == before and list(tmp_path.glob("*.bundle*")) == [place]

    assert runaudit("export", "other", "-o", place, "--force")[0] == 0
    assert place.read_bytes() != before


def test_a_page_takes_no_bundles_place_nor_a_bundle_a_pages(here, runaudit, tmp_path):
    cohort(here, "alone", [30.0])
    assert runaudit("report", "alone", "-o", tmp_path / "page")[0] == 0
    assert runaudit("export", "alone", "-o", tmp_path / "bundle")[0] == 0

    assert runaudit("export", "alone", "-o", tmp_path / "page")[0] == 2
    assert runaudit("report", "alone", "-o", tmp_path / "bundle")[0] == 2


@pytest.mark.parametrize("command", ["report", "export"])
def test_a_dash_is_no_name_of_a_file(here, runaudit, tmp_path, command):
    cohort(here, "alone", [30.0])

    code, _, err = runaudit(command, "alone", "-o", "-")

    assert code == 2 and "not to stdout" in err and not (tmp_path / "-").exists()


@pytest.mark.parametrize("kind", ["bundle", "record"])
def test_an_import_into_a_store_that_cannot_be_written_is_one_line(here, runaudit, tmp_path, monkeypatch, kind):
    cohort(here, "alone", [30.0])
    assert runaudit("export", "alone", "-o", tmp_path / "b.run")[0] == 0
    (tmp_path / "r.json").write_text(json.dumps({"schema": "runaudit.record/1", "label": "x", "config": {"lr": 1}}))
    other = tmp_path / "other"
    assert runaudit("import", "record", tmp_path / "r.json", "--store", other)[0] == 0
    (tmp_path / "r.json").write_text(json.dumps({"schema": "runaudit.record/1", "label": "y", "config": {"lr": 2}}))
    before = {path: path.read_bytes() for path in other.rglob("*") if path.is_file()}

    def refused(*given, **named):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(tempfile, "mkstemp", refused)
    monkeypatch.setattr(tempfile, "mkdtemp", refused)
    words = (tmp_path / "b.run",) if kind == "bundle" else ("record", tmp_path / "r.json")
    code, _, err = runaudit("import", *words, "--store", other)

    assert code == 2 and len(err.strip().splitlines()) == 1
    assert "Read-only file system; mount it for writing, or name another --store" in err
    assert {path: path.read_bytes() for path in other.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("option", ["--check-anchor", "--anchor", "--since"])
def test_a_file_of_anchors_that_is_not_there_is_one_line_that_says_how_to_name_it(here, runaudit, option):
    """Behind an option that may stand alone, a word that is neither there nor written as a path is taken for a run."""
    cohort(here, "alone", [30.0])

    code, out, err = runaudit("verify", option, "HEADS")

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "no run matches 'HEADS'" in err and f"{option}=FILE" in err


@pytest.mark.parametrize("words", [("auto", ""), ("",), ("csv", "", "."), ("csv", ".", "")])
def test_an_empty_word_is_not_the_folder_one_is_in(words, tmp_path, runaudit, monkeypatch):
    """`runaudit import auto "$RUNS"` where nobody set RUNS."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "log.csv").write_text("step,loss\n0,1\n1,0.5\n")

    code, out, err = runaudit("import", *words)

    assert (code, out, err.count("\n")) == (2, "", 1) and "an empty word names no file" in err
    assert not (tmp_path / ".runaudit").exists()
