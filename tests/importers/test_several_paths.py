"""Several paths at once, as a shell makes of `runs/*`: what is damaged among them is told, and the rest comes in."""

import os

import pytest

from runaudit.errors import RecordError, UsageError
from runaudit.runs.intake import take
from runaudit.settings import Settings
from runaudit.store.store import Store


@pytest.fixture
def bring_in(tmp_path):
    def take_in(*paths, kind="auto"):
        return take(kind, paths, lambda: Store.create(tmp_path / ".runaudit"), Settings())

    return take_in


@pytest.fixture
def good(tmp_path):
    folder = tmp_path / "good"
    folder.mkdir()
    (folder / "log.csv").write_text("step,loss\n0,1\n1,0.5\n")
    return folder


def bad(tmp_path, how):
    path = tmp_path / "bad"
    if how == "missing":
        return path
    path.mkdir()
    if how == "pipe":
        os.mkfifo(path / "log.csv")
        return path / "log.csv"
    if how == "bomb":
        (path / ".hydra").mkdir()
        (path / ".hydra" / "config.yaml").write_text("a: &a [x,x]\nb: &b [*a,*a]\n" + "c: [" + "*b," * 9 + "*z]\n")
    if how == "events":
        (path / "events.out.tfevents.1.ada.7.0").write_bytes(b"\xff" * 100)
    if how == "large":
        with (path / "log.csv").open("wb") as file:
            file.write(b"step,loss\n")
            file.truncate(65 << 20)
    return path


@pytest.mark.parametrize(("how", "is_damaged"), [("missing", False), ("empty", False), ("pipe", True), ("bomb", True),
                                                 ("events", True), ("large", True)])  # fmt: skip
def test_one_bad_path_of_several_is_left_out_with_its_reason_and_alone_it_is_refused(
    tmp_path, bring_in, good, how, is_damaged
):
    path = bad(tmp_path, how)
    with pytest.raises(UsageError):
        bring_in(path)
    rows, skipped = bring_in(path, good)

    assert [row["label"] for row in rows] == ["log"]
    assert [(one.source.startswith(str(path)), one.broken) for one in skipped] == [(True, is_damaged)]


def test_a_record_file_among_others_is_no_folder_of_runs_and_stops_all(tmp_path, bring_in):
    (tmp_path / "a.json").write_text("{")
    (tmp_path / "b.json").write_text("{")

    with pytest.raises(RecordError):
        bring_in(tmp_path / "a.json", tmp_path / "b.json", kind="record")
