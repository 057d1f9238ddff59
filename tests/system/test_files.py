"""Laws of files: only ordinary ones are read, a replaced one is old or new and never a part, a store is left alone."""

import os
import socket
import stat
from pathlib import Path
from typing import NamedTuple

import pytest

from runaudit.errors import UsageError
from runaudit.store import Store
from runaudit.system.files import (
    is_below,
    open_ordinary,
    read_ordinary,
    remember,
    replace_file,
    replacing,
    write_output,
)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("durable", [True, False])
def test_the_new_content_stands_and_nothing_beside_it(tmp_path, durable):
    place = tmp_path / "ä page.html"
    place.write_bytes(b"old and longer")

    replace_file(place, b"new", durable=durable)

    assert place.read_bytes() == b"new"
    assert names(tmp_path) == [place.name]


def test_until_the_end_of_the_block_the_old_file_is_what_others_see(tmp_path):
    place = tmp_path / "a"
    place.write_bytes(b"old")

    with replacing(place) as new:
        new.write_bytes(b"half")
        assert place.read_bytes() == b"old"
        assert new.parent == place.parent

    assert place.read_bytes() == b"half"


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), KeyboardInterrupt(), ValueError("x")])
def test_a_failure_leaves_the_old_file_and_no_other(tmp_path, fault):
    place = tmp_path / "a"
    place.write_bytes(b"old")

    with pytest.raises(type(fault)), replacing(place) as new:
        new.write_bytes(b"half")
        raise fault

    assert place.read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_a_place_that_cannot_be_taken_leaves_nothing(tmp_path):
    (tmp_path / "a").mkdir()

    with pytest.raises(OSError, match="directory"):
        replace_file(tmp_path / "a", b"new")

    assert names(tmp_path) == ["a"]


def test_the_rights_of_the_old_file_stay_and_a_new_one_gets_the_usual(tmp_path):
    for mode in (0o600, 0o664, 0o755):
        place = tmp_path / f"{mode:o}"
        place.write_bytes(b"old")
        place.chmod(mode)
        replace_file(place, b"new")
        assert stat.S_IMODE(place.stat().st_mode) == mode

    usual = os.umask(0o027)
    try:
        replace_file(tmp_path / "new", b"new")
    finally:
        os.umask(usual)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


@pytest.mark.parametrize("target", ["elsewhere", "nowhere"])
def test_a_link_is_replaced_and_what_it_points_to_is_left_alone(tmp_path, target):
    (tmp_path / "elsewhere").write_bytes(b"theirs")
    (tmp_path / "elsewhere").chmod(0o600)
    place = tmp_path / "link"
    place.symlink_to(tmp_path / target)

    replace_file(place, b"new")

    assert not place.is_symlink()
    assert place.read_bytes() == b"new"
    assert (tmp_path / "elsewhere").read_bytes() == b"theirs"
    assert not (tmp_path / "nowhere").exists()


def test_two_writers_at_once_do_not_meet(tmp_path):
    place = tmp_path / "a"

    with replacing(place) as one, replacing(place) as other:
        one.write_bytes(b"one")
        other.write_bytes(b"other")

    assert place.read_bytes() == b"one"
    assert names(tmp_path) == ["a"]


def test_the_longest_name_that_the_system_takes_can_be_replaced(tmp_path):
    place = tmp_path / ("ü" * 125 + ".txt")

    replace_file(place, b"new")

    assert place.read_bytes() == b"new"


def test_a_cache_makes_its_folder_and_one_that_cannot_be_written_is_no_fault(tmp_path):
    remember(tmp_path / "cache" / "x" / "a.json", b"{}")
    (tmp_path / "file").write_bytes(b"")
    remember(tmp_path / "file" / "a.json", b"{}")

    assert (tmp_path / "cache" / "x" / "a.json").read_bytes() == b"{}"
    assert names(tmp_path) == ["cache", "file"]


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_no_ordinary_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    here = socket.socket(socket.AF_UNIX)
    here.bind(str(tmp_path / "s"))
    for place in (tmp_path / "pipe", tmp_path / "s", Path("/dev/zero"), tmp_path, tmp_path / "a\0b"):
        with pytest.raises(OSError):
            read_ordinary(place)
    here.close()


def test_at_most_so_much_is_read(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")

    assert read_ordinary(tmp_path / "a", most=3) == b"123"
    assert read_ordinary(tmp_path / "a", most=9) == read_ordinary(tmp_path / "a") == b"12345"


def test_a_file_that_says_a_wrong_size_is_read_to_its_end(tmp_path, monkeypatch):
    """As those of /proc do, and one that grew after it was opened."""
    (tmp_path / "a").write_bytes(b"12345")
    whole = os.fstat
    for size in (0, 2, 9):
        monkeypatch.setattr(os, "fstat", lambda fd, size=size: Sized(whole(fd).st_mode, size))
        assert read_ordinary(tmp_path / "a") == b"12345"
        assert read_ordinary(tmp_path / "a", most=4) == b"1234"


class Sized(NamedTuple):
    st_mode: int
    st_size: int


@pytest.mark.parametrize("name", ["../secret", "sub/../../secret", "link", "folder/secret", "", ".", "a\0b"])
def test_no_way_leads_out_of_a_folder(tmp_path, name):
    (tmp_path / "secret").write_text("x")
    run = tmp_path / "run"
    (run / "sub").mkdir(parents=True)
    (run / "link").symlink_to("../secret")
    (run / "folder").symlink_to("..")

    with pytest.raises(OSError):
        open_ordinary(run / name, within=run)
    with pytest.raises(OSError):
        open_ordinary(tmp_path / "secret", within=run)


def test_a_file_below_a_folder_is_read_also_where_the_folder_is_reached_by_a_link(tmp_path):
    (tmp_path / "real/sub").mkdir(parents=True)
    (tmp_path / "real/sub/a").write_text("x")
    (tmp_path / "way").symlink_to("real")

    with open_ordinary(tmp_path / "way/sub/a", within=tmp_path / "way") as file:
        assert file.read() == b"x"


# ── where a user says ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name",
    [".runaudit/log.jsonl", ".runaudit/new.html", ".runaudit/runs/x/page.html", "./sub/../.runaudit/log.jsonl",
     "door/log.jsonl", "pointer", ".runaudit", "named/objects/sha256/x"],
)  # fmt: skip
def test_nothing_is_written_into_a_store_whatever_leads_there(tmp_path, name):
    for root in (".runaudit", "named"):
        store = Store.create(tmp_path / root)
        store.append("look", store.put(b"{}"), subject=store.put(b"{}"), time="t")
    (tmp_path / "sub").mkdir()
    (tmp_path / ".runaudit/runs/x").mkdir()
    (tmp_path / "door").symlink_to(".runaudit")
    (tmp_path / "pointer").symlink_to(".runaudit/log.jsonl")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    with pytest.raises(UsageError, match=r"lies within the store .*name a place outside"):
        write_output(tmp_path / name, b"new")

    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_an_output_that_shares_its_bytes_with_a_store_leaves_the_store_alone(tmp_path):
    store = Store.create(tmp_path / ".runaudit")
    log = store.append("look", store.put(b"{}"), subject=store.put(b"{}"), time="t").line
    (tmp_path / "page.html").hardlink_to(store.log_path)

    write_output(tmp_path / "page.html", b"new")

    assert (tmp_path / "page.html").read_bytes() == b"new"
    assert store.log_path.read_bytes() == log + b"\n"


@pytest.mark.parametrize("name, why", [("link", "symbolic link"), ("folder", "a folder"), ("pipe", "a pipe"),
                                       ("gone/page", "no such folder"), ("dangling", "symbolic link")])  # fmt: skip
def test_only_an_ordinary_file_is_replaced(tmp_path, name, why):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "dangling").symlink_to("nothing")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(UsageError, match=why):
        write_output(tmp_path / name, b"new")

    assert (tmp_path / "real").read_text() == "old"
    assert names(tmp_path) == ["dangling", "folder", "link", "pipe", "real"]


@pytest.mark.parametrize("words", [("report", "a", "-o"), ("export", "a", "-o")])
def test_every_command_that_writes_a_file_keeps_to_this(tmp_path, monkeypatch, words, runaudit):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.json").write_text('{"label": "a", "seed": 1, "runtime": {"status": "completed"}}')
    assert runaudit("import", "record", "r.json")[0] == 0
    os.mkfifo(tmp_path / "pipe")
    before = (tmp_path / ".runaudit/log.jsonl").read_bytes()

    for place in (".runaudit/log.jsonl", "pipe", "."):
        code, _, err = runaudit(*words, place)
        assert (code, err.count("\n")) == (2, 1), err

    assert (tmp_path / ".runaudit/log.jsonl").read_bytes() == before


def test_what_lies_in_a_folder_that_is_named_from_elsewhere_lies_in_it(tmp_path: Path) -> None:
    """`--store ../runs`: the dots are the folder's own; those behind it lead out."""
    (tmp_path / "here").mkdir()
    (tmp_path / "runs").mkdir()
    folder = tmp_path / "here" / ".." / "runs"

    assert is_below(folder / "last.pt", folder)
    assert not is_below(folder / ".." / "last.pt", folder)


@pytest.mark.parametrize("place", [".git/config", ".GIT/hooks/pre-commit", "sub/.git/x"])
def test_no_output_is_put_into_gits_own_folder(tmp_path, place):
    target = tmp_path / place
    target.parent.mkdir(parents=True)
    target.write_text("as it was")

    with pytest.raises(UsageError, match="git's own folder"):
        write_output(target, b"page")
    assert target.read_text() == "as it was"
