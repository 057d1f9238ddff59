"""Runs go to a remote and come back whole, two machines' histories stay provable, and nothing there is written over."""

import json
import shutil

import pytest

from runaudit.errors import StoreError, UsageError
from runaudit.records.digest import digest_bytes
from runaudit.store.bundle import export
from runaudit.store.catalogue import load, run_ids
from runaudit.store.foreign import came_from
from runaudit.store.forget import Doomed, forget
from runaudit.store.lanes import FOLDER, own_lane
from runaudit.store.peeks import looks_at
from runaudit.store.remarks import add_note, archived, notes, set_archived
from runaudit.store.store import Store
from runaudit.store.unbundle import read_bundle, take_back
from runaudit.store.verify import verify
from tests.remote.conftest import LATER, WHEN, a_run, kept
from tests.store.test_store import end, launch, overwrite


def objects_of(remote, run):
    return remote / "objects" / "sha256" / run[:2] / run


def test_what_is_pushed_is_pulled_to_the_last_byte(one, other, remote, sent, fetched):
    ids = run_ids(one)
    add_note(one, ids[0], "hot", time=WHEN)
    looks_at(one, "psnr", {"a": ids[:1], "b": ids[1:]}, seal_at=WHEN)

    assert sent(one).pushed == ids
    assert fetched(other).pulled == ids

    for run in ids:
        assert load(other, run).manifest == load(one, run).manifest
        assert load(other, run).outcome == load(one, run).outcome
        assert load(other, run).trajectory == load(one, run).trajectory
        name = "checkpoints/best.pt"
        assert (other.run_dir(run) / name).read_bytes() == (one.run_dir(run) / name).read_bytes()
    assert [note.text for note in notes(other, ids[0])] == ["hot"]
    assert looks_at(other, "psnr", {"a": ids[:1], "b": ids[1:]})[0] == 1
    assert verify(other).problems == () and verify(one).problems == ()
    assert not (other.root / "tmp" / "pull").exists()


def test_doing_it_again_changes_nothing_on_either_side(one, other, remote, sent, fetched):
    sent(one)
    fetched(other)
    there, here = kept(remote), kept(other.root)

    assert sent(one, time=LATER).headline == f"everything up to date at {remote}"
    assert fetched(other).headline == f"everything up to date with {remote}"
    assert kept(remote) == there
    assert kept(other.root) == here


def test_two_machines_make_one_history_and_every_chain_is_walked(one, other, remote, sent, fetched):
    sent(one)
    fetched(other)
    sent(other)
    fetched(one)

    assert set(run_ids(one)) == set(run_ids(other)) and len(run_ids(one)) == 3
    for store, theirs in ((one, other), (other, one)):
        found = verify(store)
        assert found.problems == ()
        assert any("beside the own log" in remark for remark in found.remarks)
        lane = store.root / FOLDER / own_lane(theirs)
        (piece,) = lane.iterdir()
        assert theirs.log_bytes().startswith(piece.read_bytes())


@pytest.mark.parametrize("spoilt", ["flipped", "cut", "gone"])
def test_a_lane_that_was_changed_is_damage_and_pulling_puts_it_back(one, other, sent, fetched, spoilt):
    sent(one)
    fetched(other)
    (piece,) = (other.root / FOLDER).glob("*/*")
    raw = piece.read_bytes()
    if spoilt == "gone":
        piece.unlink()
    else:
        overwrite(piece, raw[:-300] if spoilt == "cut" else raw.replace(b'"seq":1', b'"seq":2', 1))

    assert {problem.file.split("/")[0] for problem in verify(other).problems} == {FOLDER}
    piece.unlink(missing_ok=True)
    fetched(other)
    assert verify(other).problems == ()


def test_a_rewritten_lane_does_not_hold_against_the_own_log(one, other, remote, sent, fetched, tmp_path):
    """Whoever can write a whole new chain into the lane still cannot change the line that counted the launch."""
    sent(one)
    fetched(other)
    forged = Store.create(tmp_path / "forged")
    overwrite(forged.root / "store.json", (one.root / "store.json").read_bytes())
    forged = Store.open(forged.root)
    for seed in (1, 0):
        a_run(forged, seed)
    (piece,) = (other.root / FOLDER).glob("*/*")
    chain = digest_bytes(forged.log_bytes().splitlines()[-1]).hex[:16]
    piece.unlink()
    (piece.parent / f"00000001-00000004-{chain}.jsonl").write_bytes(forged.log_bytes())

    assert {problem.run for problem in verify(other).problems} == set(run_ids(one))


def test_a_store_that_was_copied_and_gone_on_with_in_both_places_keeps_both_histories(
    one, other, sent, fetched, tmp_path
):
    sent(one)
    copy = Store(shutil.copytree(one.root, tmp_path / "copy" / ".runaudit"))
    mine, theirs = a_run(one, 3), a_run(copy, 4)
    assert sent(one).notes == ()

    (note,) = sent(copy).notes

    assert "goes another way after line 4" in note
    fetched(other)
    assert {mine, theirs} <= set(run_ids(other))
    found = verify(other)
    assert found.problems == ()
    assert any("goes on in 2 ways" in remark for remark in found.remarks)


def test_what_was_cut_off_here_comes_back_and_is_told(one, remote, sent, fetched, tmp_path):
    """An older copy of a store takes its own later runs for what they are: the remote's."""
    old = Store(shutil.copytree(one.root, tmp_path / "old" / ".runaudit"))
    late = a_run(one, 5)
    sent(one)

    assert fetched(old).pulled == (late,)
    assert verify(old).problems == ()


def test_only_what_is_named_goes(one, other, sent, fetched):
    first, second = run_ids(one)
    assert sent(one, first[:8]).pushed == (first,)
    assert fetched(other, "label:a run").pulled == (first,)
    assert second not in run_ids(other)
    assert verify(other).problems == ()
    assert sent(one, "a run").pushed == (second,)
    assert fetched(other, "@last").pulled == (second,)


def test_a_cohort_is_named_at_the_remote_as_it_is_here(one, other, sent, fetched, remote):
    sent(one)
    (push,) = (remote / "pushes").iterdir()
    home = json.loads(push.read_text().splitlines()[1])["row"]["cohort"]

    assert fetched(other, f"cohort:{home}").pulled == run_ids(one)


@pytest.mark.parametrize("word", ["nobody", "id:abcdef", "@last~9", "label:none"])
def test_a_run_that_the_remote_has_not_is_refused_and_no_store_is_made(one, sent, fetched, tmp_path, word):
    sent(one)
    with pytest.raises(UsageError):
        fetched(Store(tmp_path / "none"), word)
    assert not (tmp_path / "none").exists()


def test_a_run_without_an_end_is_refused_by_name_and_left_out_of_all(one, sent):
    running = launch(one, seed=9)
    one.live_dir(running.id).mkdir(parents=True)

    with pytest.raises(UsageError, match="no sealed end"):
        sent(one, running.id)
    answer = sent(one)
    assert running.id not in answer.pushed and running.id[:12] in answer.notes[0]
    end(one, running)
    assert sent(one).pushed == (running.id,)


def test_a_later_word_on_a_run_follows_it(one, other, sent, fetched):
    run = run_ids(one)[0]
    sent(one)
    fetched(other)
    add_note(one, run, "later", time=LATER)
    set_archived(one, run, True, time=LATER)
    assert sent(one, time=LATER).pushed == (run,)

    answer = fetched(other)

    assert answer.renewed == (run,) and answer.pulled == ()
    assert [note.text for note in notes(other, run)] == ["later"] and archived(other) == {run}
    assert verify(other).problems == ()
    add_note(other, run, "and back", time=LATER)
    sent(other)
    fetched(one)
    assert [note.text for note in notes(one, run)] == ["later", "and back"]
    assert verify(one).problems == ()


def test_a_pulled_run_is_a_stranger_s(one, other, sent, fetched):
    run = a_run(one, 3, origin={"kind": "captured"})
    sent(one)
    fetched(other)

    assert came_from(other, load(other, run)).startswith("the remote ")


def test_a_run_that_came_in_a_bundle_goes_on_to_a_remote(one, other, sent, fetched, tmp_path):
    export(one, run_ids(one), tmp_path / "x.bundle")
    take_back(other, read_bundle(tmp_path / "x.bundle"), called="x")
    third = Store(tmp_path / "third" / ".runaudit")

    sent(other)

    assert len(fetched(third).pulled) == 3
    assert verify(third).problems == ()


def test_what_was_forgotten_goes_as_forgotten_and_stays_out(one, other, remote, sent, fetched):
    run = run_ids(one)[0]
    sent(one)
    forget(one, [Doomed(digest=load(one, run).manifest.digest, what="manifest", run=run)], "a secret", time=LATER)

    answer = sent(one, time=LATER)

    assert any("still lies at the remote" in note for note in answer.notes)
    objects_of(remote, run).unlink()
    assert not any("still lies" in note for note in sent(one).notes)
    found = fetched(other)
    assert found.left_out == () and load(other, run).forgotten
    assert verify(other).problems == ()


def test_what_was_forgotten_here_is_not_taken_in_again(one, other, sent, fetched):
    run = run_ids(one)[0]
    sent(one)
    fetched(other)
    forget(other, [Doomed(digest=load(other, run).manifest.digest, what="manifest", run=run)], "a secret", time=LATER)

    fetched(other)

    assert load(other, run).forgotten and verify(other).problems == ()


def test_a_place_that_is_no_remote_is_refused_and_left_as_it_is(one, sent, fetched, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("x")
    (tmp_path / "file").write_text("x")
    for place in (tmp_path / "full", one.root, tmp_path / "file"):
        before = kept(place) if place.is_dir() else place.read_bytes()
        with pytest.raises(UsageError):
            sent(one, to=place)
        assert (kept(place) if place.is_dir() else place.read_bytes()) == before
    with pytest.raises(UsageError, match="no remote"):
        fetched(one, of=tmp_path / "empty")


def test_a_remote_that_cannot_be_written_is_said_so(one, sent, remote, monkeypatch):
    from runaudit.remote.place import Folder

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Folder, "put", full)
    with pytest.raises(StoreError, match="No space left"):
        sent(one)


@pytest.mark.parametrize("what", ["manifest", "checkpoint"])
def test_what_the_remote_lost_is_sent_again(one, remote, sent, fetched, tmp_path, what):
    run, other_run = run_ids(one)
    sent(one)
    lost = objects_of(remote, run if what == "manifest" else digest_bytes(b"weights 0").hex)
    raw = lost.read_bytes()
    lost.unlink()

    answer = sent(one, other_run[:8], time=LATER)
    assert answer.again == () and "up to date" in answer.headline, "what is not named is left alone"
    answer = sent(one, time=LATER)

    assert answer.pushed == () and len(answer.again) == 1 and answer.files == 1 and answer.size == len(raw)
    assert answer.headline.startswith("sent again") and answer.to_json()["sent_again"] == list(answer.again)
    assert lost.read_bytes() == raw
    assert fetched(Store(tmp_path / "new")).pulled == run_ids(one)
    assert "up to date" in sent(one, time=LATER).headline


def test_what_is_cut_short_at_the_remote_is_named_and_sent_again_once_it_is_deleted(one, remote, sent):
    run, _ = run_ids(one)
    sent(one)
    cut = objects_of(remote, run)
    raw = cut.read_bytes()
    overwrite(cut, raw[:-9])

    answer = sent(one, time=LATER)

    (left,) = answer.left_out
    assert answer.damaged and left.run == run and "delete it there, and push again" in left.reason
    cut.unlink()
    assert sent(one, time=LATER).again == (run,) and cut.read_bytes() == raw


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_log_that_lost_a_piece_at_the_remote_gets_it_back(one, other, remote, sent, fetched, tmp_path, which):
    sent(one)
    for seed in (5, 6):
        a_run(one, seed)
        sent(one, time=LATER)
    piece = sorted((remote / FOLDER / own_lane(one)).iterdir())[which]
    raw = piece.read_bytes()
    piece.unlink()

    answer = sent(one, time=LATER)

    assert answer.lines == raw.count(b"\n") and piece.read_bytes() == raw
    assert set(fetched(other).pulled) == set(run_ids(one)) and verify(other).problems == ()
    sent(other)
    theirs = remote / FOLDER / own_lane(one) / piece.name
    theirs.unlink()
    sent(other, time=LATER)
    assert theirs.read_bytes() == raw, "who pulled the log sends it again as well"


def test_a_log_that_was_cut_at_the_remote_is_damage_until_it_is_deleted_there(one, remote, sent):
    sent(one)
    (piece,) = (remote / FOLDER / own_lane(one)).iterdir()
    raw = piece.read_bytes()
    overwrite(piece, raw[:-30])

    answer = sent(one, time=LATER)

    ((file, problem),) = answer.problems
    assert answer.damaged and piece.name in file and "delete it there" in problem
    assert "up to date" not in answer.headline
    piece.unlink()
    assert sent(one, time=LATER).problems == () and piece.read_bytes() == raw


def test_a_folder_in_the_store_is_no_remote_of_it(one, sent):
    before = kept(one.root)
    with pytest.raises(UsageError, match="lies in the store itself"):
        sent(one, to=one.root / "remote")
    assert kept(one.root) == before
