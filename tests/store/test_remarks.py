"""What is said of a run later lies beside its record: chained, verified, and never part of what was sealed."""

import json

import pytest

from runaudit.records.canonical import canonical_bytes
from runaudit.records.digest import digest_bytes
from runaudit.store.catalogue import load, run_ids
from runaudit.store.remarks import add_note, archived, notes, set_archived
from runaudit.store.verify import verify
from tests.store.test_store import end, launch, overwrite

WHEN = "2026-01-02T00:00:00Z"


def test_a_note_changes_neither_the_record_nor_the_id(store):
    manifest = launch(store)
    end(store, manifest)
    before = load(store, manifest.id)

    add_note(store, manifest.id, "the second GPU was hot", time=WHEN)
    add_note(store, manifest.id, "repeated on another day", time=WHEN)

    after = load(store, manifest.id)
    assert (after.manifest, after.outcome, run_ids(store)) == (before.manifest, before.outcome, (manifest.id,))
    assert [note.text for note in notes(store, manifest.id)] == ["the second GPU was hot", "repeated on another day"]
    assert not verify(store).problems


def test_a_run_that_was_put_away_is_still_a_launch_and_comes_back(store):
    ids = [launch(store, seed=seed).id for seed in range(2)]

    assert set_archived(store, ids[0], True, time=WHEN)
    assert not set_archived(store, ids[0], True, time=WHEN)
    assert archived(store) == {ids[0]} and list(run_ids(store)) == ids
    assert set_archived(store, ids[0], False, time=WHEN) and archived(store) == frozenset()
    assert set_archived(store, ids[0], True, time=WHEN) and archived(store) == {ids[0]}
    assert not verify(store).problems


@pytest.mark.parametrize("named", [True, False])
def test_a_changed_note_is_found_once_for_the_store_and_for_the_run(store, named):
    manifest = launch(store)
    add_note(store, manifest.id, "first", time=WHEN)
    entry = store.entries()[-1]
    overwrite(store.object_path(entry.digest), b"{}")

    problems = verify(store, (manifest.id,) if named else None).problems

    assert len(problems) == 1 and "does not match its digest" in problems[0].problem


def test_a_remark_on_a_run_that_was_never_launched_is_told(store):
    launch(store)
    digest = store.put(canonical_bytes({"schema": "runaudit.note/1", "run": "ab" * 32, "text": "x"}))
    store.append("note", digest, subject=digest, time=WHEN)

    assert [p.problem for p in verify(store).problems] == ["note: speaks of a run that the log does not count"]


def test_a_reader_that_knows_no_remarks_takes_none_for_an_outcome(store):
    """Its rule: a line whose subject is a manifest is that run's; every other is an object to hash."""
    manifest = launch(store)
    add_note(store, manifest.id, "x", time=WHEN)
    set_archived(store, manifest.id, True, time=WHEN)

    rows = [json.loads(line) for line in store.log_path.read_bytes().splitlines()]

    assert [row["subject"] == str(manifest.digest) for row in rows] == [True, False, False]
    assert all(str(digest_bytes(store.object_path(e.digest).read_bytes())) == str(e.digest) for e in store.entries())
