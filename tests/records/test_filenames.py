"""Laws of file names in a record: each is written in one way and read back, and none leads where it must not."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runaudit.records.filenames import elsewhere_fault, legible, on_disk, parts_fault, tree_fault, twins

NAMES = st.binary(min_size=1, max_size=20).filter(lambda raw: b"\0" not in raw).map(os.fsdecode)


@given(NAMES | st.from_regex(r"(\\x[0-9a-f]{2}|\\|x|5c|\udcff|é){1,6}", fullmatch=True))
def test_every_name_is_text_and_comes_back(path):
    written = legible(path)

    assert written.encode("utf-8").decode("utf-8") == written
    assert on_disk(written) == path


@pytest.mark.parametrize("one, other", [("\udcff", r"\xff"), ("é", "e\u0301"), ("A", "a"), (r"\x5cxff", r"\xff")])
def test_two_names_are_two(one, other):
    assert legible(one) != legible(other)


@pytest.mark.parametrize(
    "name",
    ["../x", "a/../x", "/etc/x", "..", ".", "", "a/", "a\0b", ".git/hooks/x", ".GIT/config", "sub/.Git/x", ".git",
     "git~1/config", "GIT~12/x", ".git./x", ".git /x", ".git. . /x", ".git::$INDEX_ALLOCATION/x", ".g\u200cit/config",
     "\ufeff.git/x", ".gi\u200dt\u202e/x", "a/" + "x" * 256, "/".join(["dir" * 20] * 100), "\\xc3/" + "ä" * 128],
)  # fmt: skip
def test_no_name_leads_out_of_the_tree_or_into_gits_folder(name):
    assert parts_fault(name)
    assert tree_fault({"ok.py": False, name: False}) == (name, parts_fault(name))


@pytest.mark.parametrize(
    "name", ["a.py", "./a.py", "a//b.py", ".gitignore", ".github/x.yml", "git/x", "...", "a b", "ä\\xff", "x" * 255,
             "-rf", "new\nline", "..a", "con.py", ".gitmodules", "my.git/x"]
)  # fmt: skip
def test_an_ordinary_name_is_no_fault(name):
    assert parts_fault(name) is None


@pytest.mark.parametrize(
    "files",
    [{"a": True, "a/b.py": False}, {"a/b.py": False, "a": True}, {"a": False, "a/b/c": False},
     {"./a": True, "a//b": False}, {"a": False, "./a": True}, {"a/b": True, "a/b/c/d": True}],
)  # fmt: skip
def test_nothing_lies_below_a_link_or_a_file_and_no_name_is_two_files(files):
    assert tree_fault(files)


@pytest.mark.parametrize(
    "files",
    [{"CON": False}, {"a/nul.txt": False}, {"aux.c": False}, {"com1": False}, {"LPT9.x": False}, {"a.": False},
     {"b /x": False}, {"A.py": False, "a.py": False}, {"A/x": False, "a/y": False}, {"é": False, "e\u0301": False},
     {"straße": False, "STRASSE": False}, {"C:/x": False}, {"a\\..\\x": False}, {"\\\\host\\x": False}, {"./a": False}],
)  # fmt: skip
def test_a_name_that_is_another_one_elsewhere_is_told(files):
    assert elsewhere_fault(files)
    assert tree_fault(files) is None


def test_twins_are_found_through_their_folders():
    assert twins({"src/A/x.py": False, "src/a/y.py": False}) == ("src/A", "src/a")
    assert twins({"src/A/x.py": False, "src/A/y.py": False, "b": False}) is None
    assert elsewhere_fault({"src/A/x.py": False, "src/A/y.py": False, "src/b.py": False}) is None
