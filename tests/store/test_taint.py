"""What is damaged taints every answer that might rest on it, and hides nothing else."""

import json

import pytest

from runaudit.errors import IntegrityError
from runaudit.records.digest import Digest
from runaudit.runs.names import ids_named
from runaudit.settings import Settings
from runaudit.store import Store
from runaudit.store.catalogue import load_or_fault, run_ids
from runaudit.store.doctor import DAMAGE, INCIDENT, examine
from runaudit.store.remarks import add_note, archived, notes, set_archived
from runaudit.store.repair import mend_marker
from runaudit.store.verify import verify
from tests.store.test_store import end, launch, overwrite

TIME = "2026-01-02T00:00:00Z"


@pytest.fixture
def store(tmp_path):
    return Store.create(tmp_path / ".runaudit")


def two_arms(store):
    """Three runs of `slow`, three of `fast`; their ids, arm by arm."""
    arms = {"slow": [], "fast": []}
    for seed in range(3):
        for label, ids in arms.items():
            manifest = launch(store, seed=seed, label=label, config={"lr": len(label), "arm": label})
            end(store, manifest, metrics={"psnr": float(seed)})
            ids.append(manifest.id)
    return arms


def object_of(store, run_id):
    return store.object_path(Digest("sha256", run_id))


# ── the log ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("line", range(11))
def test_a_changed_line_of_the_log_lets_nothing_be_read_as_if_it_were_whole(store, line):
    """The last line has the sealed end to hold it against; each other one has the line that follows."""
    two_arms(store)
    rows = store.log_path.read_bytes().splitlines(keepends=True)
    rows[line] = rows[line].replace(b'"kind":"manifest"', b'"kind":"lanifest"').replace(b"Z", b"X")
    store.log_path.write_bytes(b"".join(rows))

    for asked in (Store.entries, run_ids, lambda store: ids_named(store, Settings(), "slow")):
        with pytest.raises(IntegrityError, match=r"line \d+ that does not follow|another line"):
            asked(Store(store.root))


def test_a_launch_behind_an_end_that_is_gone_says_so_for_ever(store):
    two_arms(store)
    rows = store.log_path.read_bytes().splitlines(keepends=True)
    store.log_path.write_bytes(b"".join(rows[:-2]))
    (store.root / "log.end").unlink()
    assert verify(store).problems

    launch(store, seed=9)
    launch(store, seed=10)

    store = Store.open(store.root)
    assert verify(store, tuple(run_ids(store)[:-2])).problems == ()
    (said,) = [remark for remark in verify(store).remarks if "may have been cut off" in remark]
    assert said.startswith("when line 11 of the log was written")
    (told,) = [one for one in examine(store) if one.kind == INCIDENT]
    assert told.problem == said


def test_a_store_that_never_had_a_sealed_end_has_no_incident(store):
    """Stores of before: their lines bear no mark of it."""
    two_arms(store)
    rows = [json.loads(line) for line in store.log_path.read_bytes().splitlines()]
    store.log_path.unlink()
    (store.root / "log.end").unlink()
    before = "sha256:" + "0" * 64
    from runaudit.records.canonical import canonical_bytes
    from runaudit.records.digest import digest_bytes

    with store.log_path.open("wb") as log:
        for row in rows:
            line = canonical_bytes({**{key: row[key] for key in row if key != "end"}, "prev": before})
            before = str(digest_bytes(line))
            log.write(line + b"\n")

    launch(store, seed=9)

    assert verify(store).problems == ()
    assert [one for one in examine(Store(store.root)) if one.kind in (INCIDENT, DAMAGE)] == []


# ── a record ─────────────────────────────────────────────────────────────────────────────────────────────────────


def relabelled(path):
    overwrite(path, path.read_bytes().replace(b'"label":"fast"', b'"label":"rest"'))


def flipped(path):
    overwrite(path, path.read_bytes().replace(b"manifest", b"manifesu"))


def deleted(path):
    path.unlink()


@pytest.mark.parametrize("harm", [relabelled, flipped, deleted])
def test_a_label_and_a_cohort_cannot_be_told_while_a_launch_is_damaged(store, harm):
    """A run that slips out of its arm would leave a comparison that looks whole."""
    arms = two_arms(store)
    harm(object_of(store, arms["fast"][2]))

    for word in ("fast", "slow", "label:fast"):
        with pytest.raises(IntegrityError, match="the record of 1 run is damaged"):
            ids_named(store, Settings(), word)
    assert ids_named(store, Settings(), arms["slow"][0][:12]) == (arms["slow"][0],)


@pytest.mark.parametrize("harm", [relabelled, flipped, deleted])
def test_a_damaged_launch_keeps_its_name_and_hides_no_other(store, harm):
    arms = two_arms(store)
    harm(object_of(store, arms["fast"][2]))

    runs = {run_id: load_or_fault(store, run_id) for run_id in run_ids(store)}

    assert [run_id for run_id, run in runs.items() if run.fault] == [arms["fast"][2]]
    assert all(run.id == run_id for run_id, run in runs.items())


def test_a_damaged_outcome_leaves_the_label_what_it_is(store):
    arms = two_arms(store)
    entry = store.endings()[f"sha256:{arms['fast'][2]}"]
    overwrite(store.object_path(entry.digest), b"{}")

    assert ids_named(store, Settings(), "fast") == tuple(arms["fast"])
    assert load_or_fault(store, arms["fast"][2]).fault


@pytest.mark.parametrize("harm", [lambda path: path.unlink(), lambda path: overwrite(path, b"{}")])
def test_a_damaged_remark_hides_no_run_and_no_other_remark(store, harm):
    arms = two_arms(store)
    add_note(store, arms["slow"][0], "first", time=TIME)
    lost = store.entries()[-1]
    add_note(store, arms["slow"][0], "second", time=TIME)
    set_archived(store, arms["slow"][1], True, time=TIME)
    put_away = store.entries()[-1]
    for entry in (lost, put_away):
        harm(store.object_path(entry.digest))

    assert archived(store) == frozenset()
    assert [note.text for note in notes(store, arms["slow"][0])] == ["second"]
    assert ids_named(store, Settings(), "slow") == tuple(arms["slow"])
    assert len(verify(store).problems) == 2


def test_what_a_damaged_record_led_to_is_not_called_a_leaving(store):
    arms = two_arms(store)
    entry = store.endings()[f"sha256:{arms['fast'][2]}"]
    overwrite(store.object_path(entry.digest), b"{}")

    assert [remark for remark in verify(store).remarks if "no line of the log names" in remark] == []


# ── the marker ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("harm", [lambda path: path.unlink(), lambda path: overwrite(path, b'{"id')])
def test_a_store_that_lost_its_marker_takes_no_new_name_and_gets_its_own_back(store, harm):
    two_arms(store)
    made = (store.root / "store.json").read_bytes()
    harm(store.root / "store.json")

    for opening in (Store.open, Store.create):
        with pytest.raises(IntegrityError, match=r"store.json is (missing|damaged)") as told:
            opening(store.root)
        assert "doctor --repair" in told.value.remedy
    (said,) = mend_marker(store.root)

    assert said.startswith("store.json: written again")
    assert (store.root / "store.json").read_bytes() == made
    assert verify(Store.open(store.root)).problems == ()
    assert mend_marker(store.root) == ()


def test_list_shows_what_can_still_be_read_of_a_damaged_log_and_says_so(store, capsys):
    from runaudit.cli.app import main

    two_arms(store)
    rows = store.log_path.read_bytes().splitlines(keepends=True)
    rows[4] = b"no line" + rows[4][7:]
    store.log_path.write_bytes(b"".join(rows))

    with pytest.raises(SystemExit) as ended:
        main(["list", "--store", str(store.root)])

    told = capsys.readouterr()
    assert ended.value.code == 4
    assert "this may not be all: " in told.err and "line 6 that does not follow" in told.err
    assert told.out.count("seed ") == 5


def test_a_claim_about_a_label_is_not_held_against_what_is_left_of_it(store, tmp_path, capsys):
    from runaudit.cli.app import main

    arms = two_arms(store)
    relabelled(object_of(store, arms["fast"][2]))
    (tmp_path / "c.md").write_text("fast improves psnr by 1.0 over slow.\n")

    with pytest.raises(SystemExit) as ended:
        main(["claims", str(tmp_path / "c.md"), "--store", str(store.root)])

    assert ended.value.code == 4
    assert "the record of 1 run is damaged" in capsys.readouterr().err
