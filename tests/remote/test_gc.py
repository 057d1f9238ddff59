"""Room is made of what no sealed record needs; what goes is told first, and nothing that is about to be named goes."""

import os

import pytest

from runaudit.errors import ConfigError, IntegrityError
from runaudit.records.digest import Digest, digest_bytes
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.runs.clearing import clear, clearing
from runaudit.settings import Settings
from runaudit.store.bundle import export
from runaudit.store.catalogue import run_ids
from runaudit.store.doctor import LEFT_S
from runaudit.store.remarks import set_archived
from runaudit.store.store import Store
from runaudit.store.unbundle import read_bundle, take_back
from runaudit.store.verify import verify
from tests.remote.conftest import WHEN
from tests.store.test_store import end, launch, overwrite

NONE, BEST = Settings(gc={"archived_checkpoints": "none"}), Settings(gc={"archived_checkpoints": "best"})
LOOSE = b"what nothing names"


def later(store):
    """An hour and more after all that lies there was written."""
    return max(path.stat().st_mtime for path in (store.root / "objects").rglob("*")) + LEFT_S + 1


def removed(store, settings=NONE):
    now = later(store)
    return clear(store, clearing(store, settings, now=now), time=WHEN, now=now)


def weights(store, run):
    return store.run_dir(run) / "checkpoints" / "best.pt"


def test_nothing_is_removed_before_it_was_said_so(one, runaudit):
    one.put(LOOSE)
    path = one.object_path(digest_bytes(LOOSE))
    os.utime(path, (0, 0))
    before = one.log_bytes()

    code, out, err = runaudit("gc", "--store", one.root)

    assert code == 0 and "can go: 1 content" in out and "--yes" in err
    assert path.exists() and one.log_bytes() == before
    assert runaudit("gc", "--store", one.root, "--yes")[0] == 0
    assert not path.exists() and verify(Store(one.root)).problems == ()


def test_what_records_name_stays(one):
    source = one.put(b"print(1)\n")
    launch(one, seed=5, code={"commit": None, "files": {"a.py": {"digest": str(source), "size": 9}}})
    assert removed(one).objects == ()
    assert verify(one).problems == ()


def test_what_a_launch_may_be_about_to_name_stays(one):
    one.put(LOOSE)
    path = one.object_path(digest_bytes(LOOSE))
    assert clearing(one, NONE).objects == () and clearing(one, NONE).young == 1
    os.utime(path, (0, 0))
    running = launch(one, seed=9)
    one.live_dir(running.id).mkdir(parents=True)
    os.utime(path)
    assert clearing(one, NONE, now=later(one)).young == 1  # Younger than the launch of a run that has no end.


def test_what_was_listed_and_then_asked_for_stays(one):
    one.put(LOOSE)
    now = later(one)
    os.utime(one.object_path(digest_bytes(LOOSE)), (0, 0))
    found = clearing(one, NONE, now=now - LEFT_S)
    assert len(found.objects) == 1
    one.put(LOOSE)
    clear(one, found, time=WHEN, now=one.object_path(digest_bytes(LOOSE)).stat().st_mtime)
    assert one.holds(digest_bytes(LOOSE))


def test_what_an_uncounted_record_names_is_for_doctor(one):
    source = one.put(b"print(2)\n")
    one.put(Manifest.of({"label": "x", "code": {"files": {"a.py": {"digest": str(source)}}}}).raw)
    assert removed(one).objects == () and one.holds(source)


@pytest.mark.parametrize(("settings", "gone"), [(Settings(), 0), (BEST, 0), (NONE, 1)])
def test_checkpoints_of_archived_runs_go_as_the_policy_says(one, settings, gone):
    away, stays = run_ids(one)
    set_archived(one, away, True, time=WHEN)

    assert len(removed(one, settings).files) == gone

    assert weights(one, away).exists() is not bool(gone) and weights(one, stays).exists()
    found = verify(one)
    assert found.problems == ()
    assert any("made room" in remark for remark in found.remarks) is bool(gone)


def test_a_checkpoint_that_another_run_began_with_stays(one):
    away = run_ids(one)[0]
    set_archived(one, away, True, time=WHEN)
    launch(one, seed=6, init={"kind": "resume", "parent": away, "checkpoint": str(digest_bytes(b"weights 0"))})
    assert removed(one).files == () and weights(one, away).exists()


def test_a_checkpoint_that_went_otherwise_is_still_damage(one):
    away, other = run_ids(one)
    set_archived(one, away, True, time=WHEN)
    removed(one)
    weights(one, other).unlink()
    assert [problem.run for problem in verify(one).problems] == [other]
    weights(one, away).write_bytes(b"something else")
    assert {problem.run for problem in verify(one).problems} == {away, other}


def test_bundles_and_pushes_take_along_that_it_made_room(one, other, sent, fetched, tmp_path):
    away = run_ids(one)[0]
    set_archived(one, away, True, time=WHEN)
    removed(one)
    export(one, run_ids(one), tmp_path / "x.bundle")
    third = Store.create(tmp_path / "third")
    take_back(third, read_bundle(tmp_path / "x.bundle"), called="x")
    sent(one)
    fetched(other)

    for store in (third, other):
        assert away in run_ids(store) and verify(store).problems == ()


def test_what_made_room_here_comes_from_the_remote_where_that_has_it(one, sent, fetched, tmp_path):
    away = run_ids(one)[0]
    sent(one)
    set_archived(one, away, True, time=WHEN)
    removed(one)
    sent(one)
    new = Store(tmp_path / "new")
    fetched(new)
    assert weights(new, away).read_bytes() == b"weights 0" and verify(new).problems == ()


def test_a_store_of_which_a_record_is_damaged_is_left_as_it_is(one):
    one.put(LOOSE)
    overwrite(one.object_path(Digest("sha256", run_ids(one)[0])), b"{}")
    with pytest.raises(IntegrityError):
        clearing(one, NONE, now=later(one))


def test_a_policy_that_says_something_else_is_refused(one):
    for table in ({"archived_checkpoints": "some"}, {"checkpoints": "none"}):
        with pytest.raises(ConfigError, match=r"\[gc\]"):
            clearing(one, Settings(gc=table))


def test_a_link_in_the_place_of_a_checkpoint_is_not_followed(one, tmp_path):
    away = run_ids(one)[0]
    set_archived(one, away, True, time=WHEN)
    outside = tmp_path / "outside"
    outside.write_bytes(weights(one, away).read_bytes())
    weights(one, away).unlink()
    weights(one, away).symlink_to(outside)
    assert removed(one).files == () and outside.exists()


def test_what_other_records_say_of_an_archived_run_is_kept(one):
    """A correction names the same file: it is one file, and goes once."""
    away = run_ids(one)[0]
    set_archived(one, away, True, time=WHEN)
    first = one.ending(f"sha256:{away}")
    body = Outcome.from_bytes(one.read(first.digest), where="x").to_json() | {"supersedes": str(first.digest)}
    corrected = Outcome.of(body | {"metrics": {"psnr": 31.0}})
    one.append("correction", one.put(corrected.raw), subject=Digest("sha256", away), time=WHEN)
    assert len(removed(one).files) == 1 and verify(one).problems == ()


@pytest.mark.parametrize(
    ("files", "left"),
    [
        ([("a.pt", "best", 10), ("b.pt", "last", 20)], {"a.pt"}),
        ([("a.pt", "checkpoint", 20), ("b.pt", "checkpoint", 10)], {"a.pt"}),
        ([("a.pt", "checkpoint", None), ("b.pt", "checkpoint", None)], {"b.pt"}),
        ([("a.pt", "last", 10)], {"a.pt"}),
    ],
)
def test_of_a_run_that_calls_no_checkpoint_its_best_the_last_stays(one, files, left):
    manifest = launch(one, seed=8)
    folder = one.run_dir(manifest.id) / "checkpoints"
    folder.mkdir(parents=True)
    rows = []
    for name, kind, step in files:
        (folder / name).write_bytes(name.encode())
        row = {"path": f"checkpoints/{name}", "digest": str(digest_bytes(name.encode())), "size": len(name)}
        rows.append(row | {"kind": kind} | ({} if step is None else {"step": step}))
    end(one, manifest, checkpoints=rows)
    set_archived(one, manifest.id, True, time=WHEN)

    removed(one, BEST)

    assert {path.name for path in folder.iterdir()} == left
    assert verify(one).problems == ()
