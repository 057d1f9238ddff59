"""Whatever dies, and whenever: the next command finds the store whole.

Each case runs one operation in a forked child whose every step on the disk is counted. At the n-th step, for every n,
the child is killed without unwinding, or the disk fails: once (EIO), or from then on (ENOSPC). Then the store must be
whole, and the same operation done again must do what it would have done at first.

sqlite writes by itself and is not seen here; what it keeps is a cache, and may be lost.
"""

import contextlib
import errno
import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from runaudit.capture.draft import LaunchRequest, draft_manifest, open_store, seal
from runaudit.errors import RunauditError
from runaudit.records.digest import Digest, digest_bytes
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.remote.address import address_of
from runaudit.remote.layout import read_pushes
from runaudit.remote.place import Folder, open_place
from runaudit.remote.pull import pull
from runaudit.remote.push import push
from runaudit.runs.clearing import clear, clearing
from runaudit.runs.intake import take_bundles, take_in
from runaudit.settings import Settings
from runaudit.store import Store
from runaudit.store.bundle import export
from runaudit.store.catalogue import load, run_ids
from runaudit.store.doctor import DAMAGE, LEFT_S, examine
from runaudit.store.forget import Doomed, forget
from runaudit.store.remarks import add_note, archived, notes, set_archived
from runaudit.store.repair import mend
from runaudit.store.signature import sign
from runaudit.store.unbundle import read_bundle
from runaudit.store.verify import verify

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_DIRECTORY
TAKES_ROOM = {"open", "write", "pwrite", "mkdir", "link", "posix_fallocate"}
COUNTED = ("write", "pwrite", "fsync", "fdatasync", "fchmod", "chmod", "link", "unlink", "rename", "replace", "mkdir",
           "rmdir", "truncate", "ftruncate", "close", "posix_fallocate")  # fmt: skip
FINE, FAILED, WENT_ON, KILLED = 0, 3, 4, 9
TIME = "2026-01-01T00:00:00Z"
SOURCE = b"print(1)\n"
FORGOTTEN = {"label": "with the secret", "seed": 0}
STEPS = b'{"s":0,"v":{"x":1.0}}\n'


class Disk:
    """The steps of this process on the disk, of which the n-th kills it or fails."""

    def __init__(self, number: int, fault: str) -> None:
        self.left, self.fault, self.is_full = number, fault, False

    def step(self, name: str) -> None:
        self.left -= 1
        if self.left == -1:
            if self.fault == "KILL":
                os._exit(KILLED)
            self.is_full = self.fault == "ENOSPC"
            if self.fault == "EIO":
                raise OSError(errno.EIO, os.strerror(errno.EIO))
        if self.is_full and name in TAKES_ROOM:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def wear(self) -> None:
        """From now on, for the rest of this process."""
        for name in COUNTED:
            setattr(os, name, self._counting(name, getattr(os, name)))
        opened, fdopened, os_open = io.open, os.fdopen, os.open

        def os_opening(path, flags, *args, **kwargs):
            if flags & WRITING:
                self.step("open")
            return os_open(path, flags, *args, **kwargs)

        def opening(file, mode="r", *args, **kwargs):
            is_written = set(mode) & set("wax+")
            if is_written:
                self.step("open")
            made = opened(file, mode, *args, **kwargs)
            return Counted(made, self) if is_written else made

        def fdopening(fd, mode="r", *args, **kwargs):
            return Counted(fdopened(fd, mode, *args, **kwargs), self)

        os.open, io.open, os.fdopen = os_opening, opening, fdopening

    def _counting(self, name: str, real: Callable) -> Callable:
        def operation(*args, **kwargs):
            self.step(name)
            return real(*args, **kwargs)

        return operation


class Counted:
    """A file whose writes and whose end are steps."""

    def __init__(self, file, disk: Disk) -> None:
        self._file, self._disk = file, disk

    def __getattr__(self, name):
        return getattr(self._file, name)

    def write(self, data):
        self._disk.step("write")
        return self._file.write(data)

    def close(self):
        self._file.close()
        self._disk.step("close")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def ended(operation: Callable[[Path], object], root: Path, number: int, fault: str) -> int:
    """How a child ends that does `operation` on such a disk: fine, for it did not come to the n-th step; failed with a
    reason; gone on past the fault; or killed."""
    pid = os.fork()
    if pid == 0:
        code = 1
        with contextlib.suppress(BaseException):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 1)
            os.dup2(null, 2)
            disk = Disk(number, fault)
            disk.wear()
            try:
                operation(root)
                code = FINE if disk.left >= 0 else WENT_ON
            except RunauditError:
                code = FAILED
            except OSError as error:
                code = FAILED if error.errno in (errno.ENOSPC, errno.EIO) else 1
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


# ── what is done ─────────────────────────────────────────────────────────────────────────────────────────────────


def seal_all(root: Path, label: str = "sealed") -> None:
    store = Store.open(root / ".runaudit")
    manifest = Manifest.of({"label": label, "seed": 0, "config": {"lr": 0.1}})
    if manifest.id not in run_ids(store):
        store.seal_manifest(manifest, time=TIME)
    if str(manifest.digest) not in store.endings():
        body = {"manifest": str(manifest.digest), "status": "completed", "metrics": {"psnr": 30.0}}
        store.seal_outcome(Outcome.of(body), time=TIME)


def capture(root: Path) -> None:
    store = open_store(root / ".runaudit")
    if "captured" in labels(store):
        return
    request = LaunchRequest(label="captured", seed=0, config={"lr": 1}, argv=("sh", "-c", "true"), root=root / "code")
    seal(store, draft_manifest(request, store, environ={"PATH": os.environ["PATH"]}))


def import_records(root: Path) -> None:
    take_in("record", [root / "r.json"], lambda: open_store(root / ".runaudit"), Settings())


def import_bundle(root: Path) -> None:
    take_bundles([root / "other.bundle"], lambda: open_store(root / ".runaudit"), Settings())


def export_runs(root: Path) -> None:
    store = Store.open(root / ".runaudit")
    export(store, run_ids(store), root / "out.bundle", over=True)


def sign_head(root: Path) -> None:
    sign(Store.open(root / ".runaudit"), root / "key.pem", time=TIME)


def put_again(root: Path) -> None:
    Store.open(root / ".runaudit").put(SOURCE)


def repair(root: Path) -> None:
    mend(Store.open(root / ".runaudit"), now=source_of(root).parent.stat().st_mtime + 2 * LEFT_S)


def annotate_it(root: Path) -> None:
    add_note(Store.open(root / ".runaudit"), there_before(root), "a remark", time=TIME)


def archive_it(root: Path) -> None:
    set_archived(Store.open(root / ".runaudit"), there_before(root), True, time=TIME)


def forget_it(root: Path) -> None:
    run = Manifest.of(FORGOTTEN).id
    what = {"manifest": Digest("sha256", run), "trajectory": digest_bytes(STEPS)}
    doomed = [Doomed(digest=digest, what=name, run=run) for name, digest in what.items()]
    forget(Store.open(root / ".runaudit"), doomed, "a secret was in it", time=TIME)


def push_all(root: Path) -> None:
    place = open_place(address_of(str(root / "remote"), {}))
    answer = push(Store.open(root / ".runaudit"), Settings(), place, (), time=TIME)
    if answer.damaged:  # A file that cannot be read costs its run, and no other.
        raise RunauditError("left out")


def pull_all(root: Path) -> None:
    place = open_place(address_of(str(root / "remote"), {}))
    here = Store(root / ".runaudit")
    if pull(here, lambda: open_store(root / ".runaudit"), place, (), time=TIME).damaged:
        raise RunauditError("left out")


def make_room(root: Path) -> None:
    store = Store.open(root / ".runaudit")
    now = store.log_path.stat().st_mtime + 2 * LEFT_S
    settings = Settings(gc={"archived_checkpoints": "none"})
    clear(store, clearing(store, settings, now=now), time=TIME, now=now)


# ── what lies there before ───────────────────────────────────────────────────────────────────────────────────────


def a_store(root: Path) -> None:
    store = open_store(root / ".runaudit")
    (root / "code").mkdir()
    (root / "code" / "train.py").write_bytes(SOURCE)
    files = {"train.py": {"digest": str(store.put(SOURCE)), "size": len(SOURCE), "mode": "100644"}}
    code = {"commit": None, "dirty": True, "files": files}
    launch = {"top": str(root / "code")}
    manifest = Manifest.of({"label": "there before", "seed": 1, "code": code, "launch": launch})
    store.seal_manifest(manifest, time=TIME)
    store.seal_outcome(Outcome.of({"manifest": str(manifest.digest), "status": "completed"}), time=TIME)


def a_run_to_forget(root: Path) -> None:
    a_store(root)
    store = Store.open(root / ".runaudit")
    manifest = Manifest.of(FORGOTTEN)
    store.seal_manifest(manifest, time=TIME)
    series = {"digest": str(store.put(STEPS)), "size": len(STEPS)}
    body = {"manifest": str(manifest.digest), "status": "completed", "trajectory": series}
    store.seal_outcome(Outcome.of(body), time=TIME)


def a_record_file(root: Path) -> None:
    a_store(root)
    one = {"schema": "runaudit.record/1", "seed": 1, "runtime": {"status": "completed"}, "series": {"x": [[1, 2.0]]}}
    (root / "r.json").write_text(json.dumps([one | {"label": label} for label in ("a", "b")]))


def a_bundle(root: Path) -> None:
    a_store(root)
    other = Store.create(root / "elsewhere" / ".runaudit")
    for label in ("c", "d"):
        manifest = Manifest.of({"label": label, "seed": 0})
        other.seal_manifest(manifest, time=TIME)
        other.run_dir(manifest.id).mkdir(parents=True)
        (other.run_dir(manifest.id) / "w.pt").write_bytes(b"weights")
        file = {"path": "w.pt", "digest": str(digest_bytes(b"weights")), "size": 7, "kind": "best", "step": 1}
        body = {"manifest": str(manifest.digest), "status": "completed", "checkpoints": [file]}
        other.seal_outcome(Outcome.of(body), time=TIME)
    export(other, run_ids(other), root / "other.bundle")


def runs_with_files(store: Store, labels: str) -> None:
    for label in labels:
        manifest, weights = Manifest.of({"label": label, "seed": 0}), f"weight{label}".encode()
        store.seal_manifest(manifest, time=TIME)
        store.run_dir(manifest.id).mkdir(parents=True)
        (store.run_dir(manifest.id) / "w.pt").write_bytes(weights)
        file = {"path": "w.pt", "digest": str(digest_bytes(weights)), "size": 7, "kind": "best", "step": 1}
        body = {"manifest": str(manifest.digest), "status": "completed", "checkpoints": [file]}
        store.seal_outcome(Outcome.of(body), time=TIME)


def a_store_to_push(root: Path) -> None:
    a_store(root)
    runs_with_files(Store.open(root / ".runaudit"), "e")


def a_remote(root: Path) -> None:
    a_store(root)
    other = Store.create(root / "elsewhere" / ".runaudit")
    runs_with_files(other, "c")
    push(other, Settings(), open_place(address_of(str(root / "remote"), {})), (), time=TIME)


def an_archived_run(root: Path) -> None:
    a_store(root)
    store = Store.open(root / ".runaudit")
    runs_with_files(store, "ef")
    store.put(b"what nothing names")
    set_archived(store, run_ids(store)[-1], True, time=TIME)


def a_key(root: Path) -> None:
    cryptography = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ed25519")
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    a_store(root)
    key = cryptography.Ed25519PrivateKey.generate()
    (root / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def a_damaged_store(root: Path) -> None:
    a_store(root)
    store = Store.open(root / ".runaudit")
    manifest = Manifest.of({"label": "lost", "seed": 2})
    store.seal_manifest(manifest, time=TIME)
    store.put(Outcome.of({"manifest": str(manifest.digest), "status": "completed"}).raw)
    store.put(Manifest.of({"label": "never counted", "seed": 3}).raw)
    (store.root / "tmp" / "half").write_bytes(b"half")
    source_of(root).chmod(0o644)
    source_of(root).write_bytes(b"")


def source_of(root: Path) -> Path:
    return Store(root / ".runaudit").object_path(digest_bytes(SOURCE))


def there_before(root: Path) -> str:
    store = Store.open(root / ".runaudit")
    return next(run for run in run_ids(store) if load(store, run).label == "there before")


# ── what must hold after ─────────────────────────────────────────────────────────────────────────────────────────


def labels(store: Store) -> list[str]:
    return sorted(str(load(store, run).label) for run in run_ids(store))


def whole(root: Path) -> Store:
    store = Store.open(root / ".runaudit")
    assert [one for one in examine(store) if one.kind == DAMAGE] == []
    assert "there before" in labels(store)
    return store


def statuses(store: Store) -> dict[str, str]:
    return {str(run.label): run.status for run in (load(store, run) for run in run_ids(store))}


def was_sealed(root: Path) -> None:
    assert statuses(whole(root)) == {"there before": "completed", "sealed": "completed"}


def was_captured(root: Path) -> None:
    assert set(statuses(whole(root))) == {"there before", "captured"}


def came_in(root: Path) -> None:
    store = whole(root)
    assert statuses(store) == {"there before": "completed", "a": "completed", "b": "completed"}
    assert all(load(store, run).trajectory.series or load(store, run).label == "there before" for run in run_ids(store))


def came_back(root: Path) -> None:
    store = whole(root)
    assert statuses(store) == {"there before": "completed", "c": "completed", "d": "completed"}
    assert len(store.entries()) == 8  # each run brings the line that says where it came from


def was_pulled(root: Path) -> None:
    store = whole(root)
    assert statuses(store) == {"there before": "completed", "c": "completed"}
    assert len(store.entries()) == 5  # of one that comes in a line says where it came from
    assert all((store.run_dir(run) / "w.pt").exists() for run in run_ids(store) if load(store, run).label == "c")


def pulled_from(root: Path) -> list[str]:
    new = Store(root / "pulled" / ".runaudit")
    shutil.rmtree(new.root, ignore_errors=True)
    answer = pull(new, lambda: open_store(new.root), open_place(address_of(str(root / "remote"), {})), (), time=TIME)
    assert not answer.damaged and verify(new).problems == ()
    return labels(new)


def was_pushed(root: Path) -> None:
    whole(root)
    assert pulled_from(root) == ["e", "there before"]


def nothing_half_visible(root: Path) -> None:
    """Whatever a torn push left: what can be pulled is whole."""
    whole(root)
    if (root / "remote" / "remote.json").exists() and read_pushes(Folder(root / "remote", "it")).runs:
        assert set(pulled_from(root)) <= {"e", "there before"}


def made_room(root: Path) -> None:
    store = whole(root)
    assert not store.has(digest_bytes(b"what nothing names"))
    kept = [load(store, run).label for run in run_ids(store) if (store.run_dir(run) / "w.pt").exists()]
    assert kept == ["e"]


def went_out(root: Path) -> None:
    whole(root)
    assert len(read_bundle(root / "out.bundle").runs) == 1


def was_signed(root: Path) -> None:
    store = whole(root)
    assert len(list((store.root / "signatures").glob("*.dsse.json"))) == 1


def was_annotated(root: Path) -> None:
    store = whole(root)
    assert {note.text for note in notes(store, there_before(root))} == {"a remark"}


def was_archived(root: Path) -> None:
    store = whole(root)
    assert archived(store) == {there_before(root)}


def was_forgotten(root: Path) -> None:
    store = whole(root)
    assert len(store.forgotten()) == 2
    held = [path.read_bytes() for path in (store.root / "objects").rglob("*") if path.is_file()]
    assert not any(b"the secret" in raw or STEPS in raw for raw in held)


def was_mended(root: Path) -> None:
    whole(root)
    assert source_of(root).read_bytes() == SOURCE


def was_repaired(root: Path) -> None:
    store = whole(root)
    assert statuses(store) == {"there before": "completed", "lost": "completed"}
    assert not (store.root / "tmp" / "half").exists()


def is_still_damaged_or_whole(root: Path) -> None:
    """Damage that was there before may still be there; nothing may be damaged besides."""
    found = verify(Store.open(root / ".runaudit")).problems
    assert {problem.file for problem in found} <= {str(source_of(root).relative_to(root / ".runaudit"))}


CASES = {
    "seal": (a_store, seal_all, whole, was_sealed),
    "capture": (a_store, capture, whole, was_captured),
    "import": (a_record_file, import_records, whole, came_in),
    "import a bundle": (a_bundle, import_bundle, whole, came_back),
    "export": (a_store, export_runs, whole, went_out),
    "sign": (a_key, sign_head, whole, was_signed),
    "annotate": (a_store, annotate_it, whole, was_annotated),
    "archive": (a_store, archive_it, whole, was_archived),
    "forget": (a_run_to_forget, forget_it, whole, was_forgotten),
    "put over a damaged object": (a_damaged_store, put_again, is_still_damaged_or_whole, was_mended),
    "push": (a_store_to_push, push_all, nothing_half_visible, was_pushed),
    "pull": (a_remote, pull_all, whole, was_pulled),
    "gc": (an_archived_run, make_room, whole, made_room),
    "doctor --repair": (a_damaged_store, repair, is_still_damaged_or_whole, was_repaired),
}


@pytest.mark.parametrize("fault", ["KILL", "ENOSPC", "EIO"])
@pytest.mark.parametrize("case", CASES)
def test_whenever_it_dies_the_next_command_finds_the_store_whole_and_can_do_it_again(tmp_path, case, fault):
    before, operation, holds, done = CASES[case]
    (tmp_path / "0").mkdir()
    before(tmp_path / "0")
    faults = 0
    for number in range(1000):
        root = tmp_path / "now"
        shutil.copytree(tmp_path / "0", root, symlinks=True)
        code = ended(operation, root, number, fault)
        assert code in (FINE, FAILED, WENT_ON, KILLED), f"step {number}: an end that is no answer"
        holds(root)
        if code == FINE:
            done(root)
            break
        faults += 1
        if code == WENT_ON and operation is not repair:
            # To a repair, a copy that cannot be read is none: what stays damaged is told, and mended the next time.
            done(root)
        operation(root)
        done(root)
        seal_all(root, label="the next launch")
        shutil.rmtree(root)
    else:
        pytest.fail("the operation never came to its end")
    assert faults >= 4
