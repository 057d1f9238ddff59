"""The index of `list` says what the records say, follows the log, and is believed by nobody else."""

import contextlib
import json
import sqlite3

import pytest

from runaudit.cli.app import main
from runaudit.records.digest import Digest
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.runs import grouping
from runaudit.store.store import Store
from tests.cli.test_diff import LR, seal
from tests.diff.samples import put
from tests.diff.seen import captured, read, seen, sha
from tests.store.test_signature import reseal


@pytest.fixture
def store(here):
    for seed in (1, 2):
        seal(here, put("seed", seed), put("label", f"base {seed}"))
    return here


@pytest.fixture
def said(capsys):
    def said(*words):
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        out, _ = capsys.readouterr()
        return ended.value.code, out

    return said


def cache(store):
    return store.root / "cache"


def grow(store):
    """One run more in the first cohort, and one that founds another."""
    seal(store, put("seed", 3), put("label", "base 3"))
    seal(store, LR, put("seed", 1), put("label", "lower rate"))


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_index_says_what_the_records_say(store, said, form):
    first = said("list", "--format", form)
    grow(store)
    grown = said("list", "--format", form)

    assert said("list", "--format", form) == grown != first
    for name in cache(store).glob("list*"):
        name.unlink()
    assert said("list", "--format", form) == grown
    # A filter that all runs pass reads the records themselves.
    records = said("list", "seed>=0", "--format", form)
    assert (records == grown) if form == "text" else json.loads(records[1]) == json.loads(grown[1])


def test_a_run_without_an_outcome_is_asked_again_and_then_believed(store, said):
    manifest = Manifest.of({"label": "open", "seed": 9, "origin": {"kind": "captured"}})
    store.seal_manifest(manifest, time="2025-11-02T00:00:00Z")
    assert "lost" in said("list")[1]

    store.seal_outcome(Outcome.of({"manifest": str(manifest.digest), "status": "crashed"}), time="2025-11-02T01:00:00Z")

    out = said("list")[1]
    assert "crashed" in out and "lost" not in out


def watched(store, seed, *, content="1", files=()):
    """A run that is sealed now, and what seals its end: it was seen to read a file of this content."""
    run = captured(
        seen(read("/d/x.csv", content)),
        seed=seed,
        outcome={"code": {"files": {key: {"digest": sha("late"), "size": 4} for key in files}}},
    )
    store.seal_manifest(run.manifest, time=f"2026-03-04T05:06:0{seed}Z")
    return lambda: store.seal_outcome(run.outcome, time="2026-03-04T06:00:00Z")


def sizes(answer):
    return [[row["seed"] for row in group["runs"]] for group in json.loads(answer[1])["cohorts"]]


@pytest.mark.parametrize(
    ("contents", "alive", "after"),
    [
        (("1", "1", "1"), [[1, 2, 3]], [[1, 2, 3]]),
        (("1", "1", "2"), [[1, 2, 3]], [[1, 2], [3]]),
        (("2", "1", "1"), [[1, 2, 3]], [[1], [2, 3]]),
    ],
)
@pytest.mark.parametrize("last", [1, 2, 3])
def test_a_run_in_progress_stands_with_its_design_and_moves_where_its_end_parts_it(
    tmp_path, monkeypatch, said, contents, alive, after, last
):
    """However the index grew, it says what the records say."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RUNAUDIT_STORE", raising=False)
    store = Store.create(tmp_path / ".runaudit")
    ends = [watched(store, at, content=text, files=["vendor.py"]) for at, text in enumerate(contents, 1)]
    assert sizes(said("list", "--json")) == alive
    for at, end in enumerate(ends, 1):
        if at != last:
            end()
            said("list")
    if len(set(contents)) == 1:
        assert sizes(said("list", "--json")) == alive  # beside runs that told more than it has yet
    ends[last - 1]()

    grown = said("list", "--json")
    assert sizes(grown) == after
    for name in cache(store).glob("list*"):
        name.unlink()
    assert said("list", "--json") == grown


@pytest.mark.parametrize("spoilt", [b"", b"{", b"[]\n", b"SQLite format 3\0" + b"x" * 5000])
def test_a_spoilt_index_is_made_again(store, said, spoilt):
    for form in ("text", "json"):
        good = said("list", "--format", form)
        (cache(store) / "list.sqlite").write_bytes(spoilt)
        assert said("list", "--format", form) == good


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_byte_changed_within_the_index_changes_no_answer(store, said, form):
    """A flipped letter of a label leaves a database that can be read and says something else."""
    good = said("list", "--format", form)
    path = cache(store) / "list.sqlite"
    raw = path.read_bytes()
    assert raw.count(b"base 1") > 1
    path.write_bytes(raw.replace(b"base 1", b"best 1"))

    assert said("list", "--format", form) == good
    assert said("show", "base 1", "-q")[0] == 0


@pytest.mark.parametrize("key", [b"k" * 32, None], ids=["the store's key", "the user's key"])
def test_whoever_can_write_into_the_cache_alone_can_make_no_seal(store, said, key):
    if key:
        (store.root / "redaction.key").write_bytes(key)
    good = said("list")
    path, sealed = cache(store) / "list.sqlite", cache(store) / "list.seal"
    facts = json.loads(sealed.read_text())
    path.write_bytes(path.read_bytes().replace(b"base 1", b"best 1"))
    found = path.stat()
    facts["index"] = [found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]

    for forged in (facts, {name: value for name, value in facts.items() if name != "mac"}):
        sealed.write_text(json.dumps(forged))
        assert said("list") == good
        assert json.loads(sealed.read_text()) != forged


def test_the_index_is_made_again_where_all_of_the_cache_was_deleted(store, said):
    """It was read from the records for ever after: who deletes what may be deleted takes the folder with it."""
    first = said("list")
    for path in cache(store).iterdir():
        path.unlink()
    cache(store).rmdir()

    assert said("list") == first
    assert {path.name for path in cache(store).iterdir()} == {"list.sqlite", "list.seal"}


def test_the_index_of_another_store_changes_no_answer(store, said, tmp_path):
    good = said("list")
    other = Store.create(tmp_path / "other")
    seal(other, put("seed", 1), put("label", "base 1"))
    assert said("list", "--store", "other") != good
    for path in cache(store).glob("list*"):
        (cache(other) / path.name).write_bytes(path.read_bytes())

    assert "base 2" not in said("list", "--store", "other")[1]
    assert said("list") == good


def test_a_log_rewritten_in_its_middle_makes_the_index_anew(store, said):
    """Of the same length and with the same last line: only its bytes tell."""
    grow(store)
    said("list")
    lines = store.log_path.read_bytes().splitlines(keepends=True)
    swapped = [lines[2], lines[3], lines[0], lines[1], *lines[4:]]
    store.log_path.write_bytes(b"".join(swapped))

    order = [run["label"] for run in json.loads(said("list", "--json")[1])["cohorts"][0]["runs"]]
    assert order == ["base 2", "base 1", "base 3"]


def test_a_line_of_a_kind_that_is_not_known_makes_the_index_anew(store, said):
    good = said("list")
    with contextlib.closing(sqlite3.connect(cache(store) / "list.sqlite")) as index:
        before = index.execute("SELECT made FROM state").fetchone()
    first = store.entries()[0]
    store.append("later", first.digest, subject=first.digest, time="2026-01-01T00:00:00Z")

    assert said("list") == good
    with contextlib.closing(sqlite3.connect(cache(store) / "list.sqlite")) as index:
        assert index.execute("SELECT made FROM state").fetchone() != before


def test_an_index_of_another_log_is_not_believed(store, said):
    said("list")
    log = store.log_path.read_text().splitlines(keepends=True)
    store.log_path.write_text("".join(log[:2]))

    assert said("list", "--json")[0] == 4  # it does not end as it was sealed
    reseal(store)
    assert json.loads(said("list", "--json")[1])["cohorts"][0]["n"] == 1


def test_verify_does_not_read_it(store, said):
    said("list")
    run = json.loads(said("list", "--json")[1])["cohorts"][0]["runs"][0]["id"]
    path = store.object_path(Digest("sha256", run))
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"base 1", b"best 1"))

    assert said("verify")[0] == 4
    assert "damaged" in said("list", "-v")[1]


def test_a_damaged_record_is_not_indexed(store, said):
    run = seal(store, put("seed", 7))
    path = store.object_path(Digest("sha256", run))
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"testing", b"tasting"))

    assert "damaged" in said("list")[1]
    with contextlib.closing(sqlite3.connect(cache(store) / "list.sqlite")) as index:
        assert index.execute("SELECT * FROM sqlite_master").fetchall() == []


def test_a_locked_index_is_left_alone_and_the_records_are_read(store, said, monkeypatch):
    monkeypatch.setattr("runaudit.runs.indexfile.WAIT_S", 0.0)
    good = said("list")
    grow(store)
    with contextlib.closing(sqlite3.connect(cache(store) / "list.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        locked = said("list")

    assert locked == said("list") != good


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_archived_run_is_hidden_and_stays_counted(store, said, form):
    run = seal(store, put("seed", 5), put("label", "base 5"))
    assert run[:12] in said("list", "--format", form)[1]

    said("archive", run)
    hidden, records = said("list", "--format", form), said("list", "seed>=0", "--format", form)

    assert run[:12] not in hidden[1] and run[:12] not in records[1] and run[:12] in said("list", "--all")[1]
    assert json.loads(said("list", "--json")[1])["cohorts"][0]["n"] == 3
    said("archive", "--undo", run)
    assert run[:12] in said("list", "--format", form)[1]


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_newest_are_the_same_from_the_index_and_from_the_records(store, said, form):
    grow(store)
    indexed = said("list", "-n", "2", "--format", form)
    records = said("list", "seed>=0", "-n", "2", "--format", form)

    assert (indexed == records) if form == "text" else json.loads(indexed[1]) == json.loads(records[1])
    assert sum(len(group["runs"]) for group in json.loads(said("list", "-n", "2", "--json")[1])["cohorts"]) == 2


def test_a_store_that_cannot_be_written_is_listed(store, said, monkeypatch):
    for name in cache(store).iterdir():
        name.unlink()
    cache(store).rmdir()
    cache(store).write_text("in the way")

    code, out = said("list")

    assert code == 0 and "base" in out


@pytest.mark.parametrize("kept", [1, 2, 3, 5])
@pytest.mark.parametrize("form", ["text", "json"])
def test_the_index_is_the_same_however_few_runs_are_at_hand(store, said, monkeypatch, kept, form):
    for seed in range(3, 6):
        grow(store)
        seal(store, put("seed", seed), put("label", f"base {seed}, again"))
        seal(store, LR, put("seed", seed), put("label", f"lower rate {seed}"), status="killed")
    said("archive", "base 2")
    whole = said("list", "--format", form)
    for name in cache(store).glob("list*"):
        name.unlink()
    monkeypatch.setattr(grouping, "KEPT_RUNS", kept)

    assert said("list", "--format", form) == whole
    grow(store)
    grown = said("list", "--format", form)
    for name in cache(store).glob("list*"):
        name.unlink()
    monkeypatch.setattr(grouping, "KEPT_RUNS", 512)
    assert said("list", "--format", form) == grown
