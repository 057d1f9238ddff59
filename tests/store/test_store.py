"""Sealed bytes stay what they are: any change, loss or reordering is found; a crash leaves a record whole or absent."""

import json
import multiprocessing
import os
from pathlib import Path

import pytest

from runaudit.errors import IntegrityError, NothingToJudgeError, StoppedError
from runaudit.records.canonical import canonical_bytes
from runaudit.records.digest import Digest, digest_bytes
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.records.trajectory import line_of
from runaudit.store import Store, StoreError, find_store
from runaudit.store.catalogue import load, load_or_fault, process_start, run_ids
from runaudit.store.end import GENESIS, chain_fault
from runaudit.store.rehash import check_runs
from runaudit.store.verify import verify
from tests.store.test_signature import reseal


@pytest.fixture
def store(tmp_path) -> Store:
    return Store.create(tmp_path / ".runaudit")


def launch(store: Store, *, seed: int = 0, label: str = "a run", **sections) -> Manifest:
    manifest = Manifest.of({"label": label, "seed": seed, "config": {"lr": 0.002}, **sections})
    store.seal_manifest(manifest, time="2026-01-01T00:00:00Z")
    return manifest


def end(store: Store, manifest: Manifest, **sections) -> Outcome:
    series = store.put(line_of(0, {"train/loss": 1.0}))
    body = {"manifest": str(manifest.digest), "status": "completed", "metrics": {"psnr": 30.5}, **sections}
    outcome = Outcome.of({"trajectory": {"digest": str(series), "size": 1}, **body})
    store.seal_outcome(outcome, time="2026-01-01T00:01:00Z")
    return outcome


def overwrite(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)


def test_a_sealed_run_reads_back(store):
    manifest = launch(store)
    end(store, manifest)

    run = load(store, manifest.id)

    assert (run.label, run.status, run.metrics["psnr"], run.trajectory.last("train/loss")) == (
        "a run",
        "completed",
        30.5,
        1.0,
    )


def test_every_flipped_bit_of_a_manifest_is_found(store):
    manifest = launch(store)
    path = store.object_path(manifest.digest)
    sealed = path.read_bytes()
    for position in range(len(sealed)):
        for bit in (1, 128):
            changed = bytearray(sealed)
            changed[position] ^= bit
            overwrite(path, bytes(changed))
            with pytest.raises(IntegrityError):
                store.read(manifest.digest)
    overwrite(path, sealed)
    assert verify(store).problems == ()


@pytest.mark.parametrize("change", [lambda b: b[:-1], lambda b: b + b" ", lambda b: b""])
def test_truncation_and_extension_are_found_and_the_run_is_named(store, change):
    manifest = launch(store)
    end(store, manifest)
    path = store.object_path(manifest.digest)
    overwrite(path, change(path.read_bytes()))

    (problem,) = verify(store).problems

    assert problem.run == manifest.id
    assert path.name in problem.file


def test_a_changed_checkpoint_is_found_by_its_name(store):
    manifest = launch(store)
    folder = store.run_dir(manifest.id)
    folder.mkdir(parents=True)
    (folder / "best.safetensors").write_bytes(b"weights")
    end(
        store,
        manifest,
        checkpoints=[{"path": "best.safetensors", "digest": str(digest_bytes(b"weights")), "size": 7, "kind": "best"}],
    )
    assert verify(store).problems == ()

    (folder / "best.safetensors").write_bytes(b"Weights")

    (problem,) = verify(store).problems
    assert (problem.run, problem.file) == (manifest.id, "best.safetensors")


def test_a_missing_trajectory_is_found(store):
    manifest = launch(store)
    outcome = end(store, manifest)
    store.object_path(Digest.parse(outcome.section("trajectory")["digest"])).unlink()

    (problem,) = verify(store).problems

    assert problem.run == manifest.id
    assert problem.problem == "trajectory: is missing"
    assert "missing" in (load_or_fault(store, manifest.id).fault or "")


def test_a_launch_removed_from_the_log_is_found(store):
    for seed in range(3):
        launch(store, seed=seed)
    lines = store.log_path.read_bytes().splitlines(keepends=True)
    store.log_path.write_bytes(lines[0] + lines[2])
    assert any("does not follow" in p.problem for p in verify(store).problems)


def test_reordered_launches_are_found(store):
    for seed in range(2):
        launch(store, seed=seed)
    lines = store.log_path.read_bytes().splitlines(keepends=True)
    store.log_path.write_bytes(lines[1] + lines[0])
    assert verify(store).problems


def test_a_cut_at_the_end_of_the_log_is_found_by_its_sealed_end(store):
    launch(store, seed=0)
    launch(store, seed=1)
    first = store.log_path.read_bytes().splitlines(keepends=True)[0]
    store.log_path.write_bytes(first)

    (problem,) = verify(store).problems
    assert (problem.file, problem.problem.rpartition(": ")[2]) == ("log.jsonl", "its end was cut off")
    with pytest.raises(IntegrityError, match="its end was cut off"):
        run_ids(Store(store.root))
    before = store.log_bytes()
    with pytest.raises(IntegrityError, match="its end was cut off"):
        launch(store, seed=2)
    assert store.log_bytes() == before == first


def test_a_launch_that_was_cut_off_together_with_the_sealed_end_is_told_by_its_folder(store):
    launch(store, seed=0)
    manifest = launch(store, seed=1)
    store.live_dir(manifest.id).mkdir()  # a launch makes it once it is counted
    store.log_path.write_bytes(store.log_path.read_bytes().splitlines(keepends=True)[0])
    reseal(store)
    assert [p.run for p in verify(store).problems] == [manifest.id]


def test_a_manifest_without_a_folder_is_named_and_held_against_nobody(store):
    """What a launch leaves that dies before it is counted."""
    launch(store, seed=0)
    digest = store.put(Manifest.of({"label": "died", "seed": 1}).raw)

    found = verify(store)

    assert found.problems == ()
    assert [digest.hex[:12] in remark and "1 launch that no line" in remark for remark in found.remarks] == [True]


def test_every_flipped_bit_of_the_log_and_of_its_end_is_found(store):
    end(store, launch(store))
    for path in (store.log_path, store.root / "log.end", store.root / "store.json"):
        path.chmod(0o644)
        sealed = path.read_bytes()
        for position in range(len(sealed)):
            changed = bytearray(sealed)
            changed[position] ^= 1 << position % 8
            path.write_bytes(bytes(changed))
            assert verify(Store(store.root)).problems, (path.name, position)
        path.write_bytes(sealed)
    assert verify(store).problems == ()


def test_a_flipped_last_newline_never_lets_the_next_launch_cut_a_line(store):
    end(store, launch(store))
    sealed = store.log_bytes()
    store.log_path.write_bytes(sealed[:-1] + b"J")
    with pytest.raises(IntegrityError, match="another line 2"):
        launch(store, seed=1)
    assert store.log_bytes() == sealed[:-1] + b"J"
    assert verify(store).problems


def test_whole_lines_beyond_the_sealed_end_are_adopted_and_others_refused(store):
    """A writer that died between its line and its end; and somebody who wrote a line by hand."""
    launch(store, seed=0)
    sealed = (store.root / "log.end").read_bytes()
    launch(store, seed=1)
    (store.root / "log.end").write_bytes(sealed)
    assert len(run_ids(Store(store.root))) == 2
    assert verify(store).problems == () and "line 2" in verify(store).remarks[0]
    launch(store, seed=2)
    assert len(run_ids(Store(store.root))) == 3 and verify(store).remarks == ()

    with store.log_path.open("ab") as log:
        log.write(store.log_bytes().splitlines(keepends=True)[1])
    with pytest.raises(IntegrityError, match="does not follow"):
        launch(store, seed=3)


def test_a_log_from_before_there_was_a_sealed_end_gets_one_and_says_since_when(store):
    launch(store, seed=0)
    rows = json.loads(store.log_bytes())
    del rows["end"]
    store.log_path.write_bytes(canonical_bytes(rows) + b"\n")
    (store.root / "log.end").unlink()
    assert verify(store).problems == () and "not sealed yet" in verify(store).remarks[0]

    launch(store, seed=1)

    assert verify(store).problems == () and "from line 2 on" in verify(store).remarks[0]
    (store.root / "log.end").unlink()
    assert [p.file for p in verify(store).problems] == ["log.end"]


def test_one_damaged_line_hides_nothing_of_the_rest(store):
    for seed in range(3):
        end(store, launch(store, seed=seed))
    lines = store.log_bytes().splitlines(keepends=True)
    store.log_path.write_bytes(b"".join([*lines[:2], b"{" + lines[2], *lines[3:]]))
    overwrite(store.object_path(Digest.parse(json.loads(lines[4])["digest"])), b"changed")

    found = verify(store)

    assert found.runs == 2
    assert any("line 3 of the store's log is damaged" in p.problem for p in found.problems)
    assert any("does not match its digest" in p.problem for p in found.problems)


def test_shared_out_among_processes_the_answer_is_the_same(store):
    for seed in range(130):
        end(store, launch(store, seed=seed))
    overwrite(store.object_path(Digest("sha256", run_ids(store)[77])), b"changed")
    assert verify(store, jobs=2) == verify(store)
    assert verify(store).problems


def test_a_torn_log_line_is_cut_by_the_next_writer(store):
    launch(store, seed=0)
    with store.log_path.open("ab") as log:
        log.write(b'{"digest":"sha')
    launch(store, seed=1)
    assert len(run_ids(store)) == 2
    assert verify(store).problems == ()


def test_putting_equal_bytes_twice_changes_nothing(store):
    digest = store.put(b"same")
    before = store.object_path(digest).stat()
    assert store.put(b"same") == digest
    assert store.object_path(digest).stat().st_ino == before.st_ino


def test_sealed_files_are_not_writable(store):
    digest = store.put(b"sealed")
    assert store.object_path(digest).stat().st_mode & 0o777 == 0o444


def _writer(root: str, number: int) -> None:
    store = Store.open(Path(root))
    for seed in range(5):
        launch(store, seed=number * 100 + seed)


def test_sixteen_writers_lose_no_launch(store):
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_writer, args=(str(store.root), number)) for number in range(16)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(run_ids(store)) == 80
    assert verify(store).problems == ()


def test_a_write_that_fails_leaves_nothing_behind(store, monkeypatch):
    """A full disk, as the kernel reports it at fsync."""

    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left on device"):
        store.put(b"too much")
    assert list((store.root / "tmp").iterdir()) == []
    assert not store.has(digest_bytes(b"too much"))


def test_a_folder_that_is_something_else_is_not_turned_into_a_store(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(StoreError, match="not a runaudit store"):
        Store.create(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_no_store_is_nothing_to_judge(tmp_path):
    with pytest.raises(NothingToJudgeError):
        Store.open(tmp_path / "none")


def test_a_run_without_an_outcome_is_running_while_its_process_lives(store):
    manifest = launch(store)
    live = store.live_dir(manifest.id)
    live.mkdir(parents=True)
    import socket

    facts = {"pid": os.getpid(), "host": socket.gethostname(), "pid_start": process_start(os.getpid())}
    (live / "heartbeat").write_text(json.dumps(facts))
    assert load(store, manifest.id).status == "running"

    (live / "heartbeat").write_text(json.dumps(facts | {"pid_start": "1"}))
    assert load(store, manifest.id).status == "lost"


def test_a_correction_supersedes_without_rewriting(store):
    manifest = launch(store)
    first = end(store, manifest)
    body = {**first.to_json(), "metrics": {"psnr": 30.1}, "supersedes": str(first.digest)}
    corrected = Outcome.of(body)
    store.append("correction", store.put(corrected.raw), subject=manifest.digest, time="2026-01-02T00:00:00Z")

    assert load(store, manifest.id).metrics["psnr"] == 30.1
    assert Outcome.from_bytes(store.read(first.digest), where="first").metrics["psnr"] == 30.5


def test_the_store_of_a_repository_is_at_its_root(tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert find_store(tmp_path / "a" / "b", environ={}) == tmp_path / ".runaudit"
    assert find_store(tmp_path, environ={"RUNAUDIT_STORE": "/elsewhere"}) == Path("/elsewhere")


def test_a_verify_that_is_stopped_says_where_to_go_on_and_finds_the_rest_there(store, monkeypatch):
    ids = [launch(store, seed=seed).digest for seed in range(5)]
    monkeypatch.setattr("runaudit.store.verify.CHUNK", 1)
    asked = []

    def impatient(root, launches, hashed=None):
        asked.append(launches)
        if len(asked) == 4:
            raise KeyboardInterrupt
        return check_runs(root, launches, hashed)

    with (
        monkeypatch.context() as patched,
        pytest.raises(StoppedError, match=r"after 3 of 5 runs, nothing wrong") as stop,
    ):
        patched.setattr("runaudit.store.verify.check_runs", impatient)
        verify(store)

    assert "--since line:3 " in stop.value.remedy
    assert stop.value.exit_code == 130
    overwrite(store.object_path(ids[4]), b"{}")
    rest = verify(store, unread_until=3)
    assert rest.runs == 2
    assert [problem.run for problem in rest.problems] == [ids[4].hex]


def test_what_follows_the_part_of_a_chain_that_was_whole_before_is_held_against_its_last_line():
    lines, before = [], GENESIS
    for number in range(4):
        lines.append(f'{{"prev":"{before}","seq":{number + 1}}}'.encode())
        before = str(digest_bytes(lines[-1]))
    raw = b"".join(line + b"\n" for line in lines)
    ends = [sum(len(line) + 1 for line in lines[:count]) for count in range(5)]
    changed = raw.replace(b'"seq":3', b'"seq":9')

    assert [chain_fault(raw, known) for known in ends] == [None] * 5
    assert ["line 4 " in str(chain_fault(changed, known)) for known in ends] == [True, True, True, True, False]
    assert "line 3 " in str(chain_fault(raw.replace(b'"seq":2', b'"seq":8'), ends[2]))
