"""A bundle comes back as it went, byte for byte; one that was altered, or that leads elsewhere, is refused whole."""

import hashlib
import io
import json
import random
import tarfile

import pytest

from runaudit.errors import IntegrityError, UsageError
from runaudit.records.canonical import canonical_bytes
from runaudit.records.digest import digest_bytes
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.store import bundlefile, unbundle
from runaudit.store.bundle import export
from runaudit.store.bundled import said_fault
from runaudit.store.catalogue import load, run_ids
from runaudit.store.peeks import looks_at
from runaudit.store.remarks import add_note, archived, notes, set_archived
from runaudit.store.store import Store
from runaudit.store.unbundle import read_bundle, take_back
from runaudit.store.verify import verify
from tests.store.test_store import end, launch, overwrite

WHEN = "2026-01-02T00:00:00Z"


@pytest.fixture
def ids(store):
    """Two runs with files in their folders, of which one has a note and was put away; a third stays at home."""
    found = []
    for seed in range(3):
        manifest = launch(store, seed=seed)
        weights = f"weights {seed}".encode()
        folder = store.run_dir(manifest.id)
        (folder / "checkpoints").mkdir(parents=True)
        (folder / "checkpoints" / "best.pt").write_bytes(weights)
        entry = {
            "path": "checkpoints/best.pt",
            "digest": str(digest_bytes(weights)),
            "size": len(weights),
            "kind": "best",
        }
        end(store, manifest, checkpoints=[entry])
        found.append(manifest.id)
    add_note(store, found[0], "hot", time=WHEN)
    set_archived(store, found[1], True, time=WHEN)
    looks_at(store, "psnr", {"a": found[:1], "b": found[1:2]}, seal_at=WHEN)
    return found


@pytest.fixture
def bundle(store, ids, tmp_path):
    export(store, ids[:2], tmp_path / "runs.bundle")
    return tmp_path / "runs.bundle"


def kept(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def forged(bundle, change):
    """The bundle with its members changed, and the digest of the first line made to fit again."""
    with tarfile.open(fileobj=io.BytesIO(bundle.read_bytes().split(b"\n", 1)[1])) as tar:
        members = {member.name: tar.extractfile(member).read() for member in tar}
    members = change(members) or members
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    body = raw.getvalue()
    bundle.write_bytes(f"runaudit.bundle/1 sha256:{hashlib.sha256(body).hexdigest()}\n".encode() + body)


def test_a_bundle_comes_back_with_every_digest_as_it_was(store, ids, bundle, tmp_path):
    other = Store.create(tmp_path / "other")
    own = launch(other, seed=9, label="own")

    assert take_back(other, read_bundle(bundle), called="b.run") == tuple(ids[:2])

    for run in ids[:2]:
        assert load(other, run).manifest == load(store, run).manifest
        assert load(other, run).outcome == load(store, run).outcome
        assert load(other, run).trajectory == load(store, run).trajectory
        assert (other.run_dir(run) / "checkpoints/best.pt").read_bytes().startswith(b"weights")
    assert run_ids(other) == (own.id, *ids[:2])
    assert not verify(other).problems
    assert [note.text for note in notes(other, ids[0])] == ["hot"] and archived(other) == {ids[1]}
    assert looks_at(other, "psnr", {"a": ids[:1], "b": [*ids[1:2], own.id]}) == (2, "")
    before = other.log_path.read_bytes()
    assert take_back(other, read_bundle(bundle), called="b.run") == () and other.log_path.read_bytes() == before
    assert kept(other.root / "tmp") == []


def test_equal_runs_give_equal_bytes_in_whichever_store_and_order(store, ids, bundle, tmp_path):
    other = Store.create(tmp_path / "other")
    launch(other, seed=9)
    take_back(other, read_bundle(bundle), called="b.run")

    export(other, ids[1::-1], tmp_path / "again.bundle")

    assert (tmp_path / "again.bundle").read_bytes() == bundle.read_bytes()


def test_every_altered_byte_is_refused_and_nothing_is_kept(bundle, tmp_path):
    whole = bundle.read_bytes()
    rng = random.Random(0)
    places = {0, 20, 89, 90, len(whole) - 1, *(rng.randrange(len(whole)) for _ in range(60))}
    for at in places:
        bundle.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(IntegrityError):
            read_bundle(bundle)
    for cut in (whole[:-1], whole[:200], b"", whole + b"x"):
        bundle.write_bytes(cut)
        with pytest.raises(IntegrityError):
            read_bundle(bundle)


def test_what_was_altered_is_called_so_whatever_else_is_wrong_with_it(bundle):
    """It is read once, so that what it says is seen before its digest is known; nothing is made of it before."""
    raw = bundle.read_bytes()
    for altered in (raw.replace(b'"log"', b'"lag"', 1), raw[:-2000], raw.replace(b"ustar", b"ostar", 1)):
        assert altered != raw
        bundle.write_bytes(altered)
        with pytest.raises(IntegrityError, match="altered or cut"):
            read_bundle(bundle)


def test_a_bundle_is_hashed_as_a_whole_once_and_its_files_twice(bundle, tmp_path, monkeypatch):
    """Once to check them, once as they are kept: gigabytes are read no more often than that."""
    seen = []

    class Hashed:
        def __init__(self, data=b""):
            self._real = hashlib.new("sha256", data)
            seen.append(len(data))

        def update(self, data):
            seen.append(len(data))
            self._real.update(data)

        def __getattr__(self, name):
            return getattr(self._real, name)

    monkeypatch.setattr(bundlefile.hashlib, "sha256", Hashed)
    monkeypatch.setattr(unbundle, "digest_file", None)
    size = bundle.stat().st_size

    found = read_bundle(bundle)
    checked, _ = sum(seen), seen.clear()
    take_back(Store.create(tmp_path / "other"), found, called="runs.bundle")

    assert size < checked < 2 * size
    assert sum(seen) < 2 * size


@pytest.mark.parametrize("runs", [2, 40])
def test_the_lines_of_a_bundle_are_gone_through_as_often_for_many_runs_as_for_few(runs):
    """To ask all lines about each run took longer than all else, from a few thousand runs on."""

    class Lines(list):
        often = 0

        def __iter__(self):
            type(self).often += 1
            return super().__iter__()

    manifests = [Manifest.of({"label": "a run", "seed": seed, "config": {"lr": 0.002}}) for seed in range(runs)]
    lines = Lines({"kind": "manifest", "digest": f"sha256:{one.id}", "subject": f"sha256:{one.id}", "time": WHEN}
                  for one in manifests)  # fmt: skip

    assert said_fault(lines, {}, {one.id for one in manifests}) is None
    assert Lines.often == 2


def test_a_file_of_another_kind_is_no_damaged_bundle(tmp_path):
    for name, raw in (("notes.md", b"# what I did\n" * 50), ("short", b"x"), ("run", b"run: 1\n")):
        (tmp_path / name).write_bytes(raw)
        with pytest.raises(UsageError, match="is no bundle"):
            read_bundle(tmp_path / name)


def leading_out(members):
    run = next(name for name in members if name.startswith("runs/"))[:69]
    return members | {f"{run}/../../../escaped": b"x"}


def absolute(members):
    return members | {"/tmp/escaped": b"x"}


def outcome_leading_out(members):
    """An outcome, sealed under its own digest, whose file lies outside the run's folder."""
    index = json.loads(members["bundle.json"])
    line = next(line for line in index["log"] if line["kind"] == "outcome")
    body = json.loads(members.pop(f"objects/sha256/{line['digest'][7:]}"))
    body["checkpoints"][0]["path"] = "../../escaped"
    raw = Outcome.of({key: value for key, value in body.items() if key != "schema"}).raw
    line["digest"] = str(digest_bytes(raw))
    run = line["subject"][7:]
    members = {name: data for name, data in members.items() if not name.startswith(f"runs/{run}")}
    return members | {"bundle.json": canonical_bytes(index), f"objects/sha256/{line['digest'][7:]}": raw,
                      f"runs/{run}/../../escaped": b"weights 0"}  # fmt: skip


def other_weights(members):
    name = next(name for name in members if name.endswith("best.pt"))
    return members | {name: b"forged"}


def other_object(members):
    name = next(name for name in members if name.startswith("objects/"))
    return members | {name: members[name] + b" "}


def without_an_object(members):
    del members[next(name for name in members if name.startswith("objects/"))]


def without_an_outcome(members):
    index = json.loads(members["bundle.json"])
    index["log"] = [line for line in index["log"] if line["kind"] != "outcome"]
    return members | {"bundle.json": canonical_bytes(index)}


def an_unknown_line(members):
    index = json.loads(members["bundle.json"])
    index["log"][0]["kind"] = "gift"
    return members | {"bundle.json": canonical_bytes(index)}


FORGERIES = (leading_out, absolute, outcome_leading_out, other_weights, other_object, without_an_object,
             without_an_outcome, an_unknown_line)  # fmt: skip


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda f: f.__name__)
def test_a_forged_bundle_is_refused_and_leads_nowhere(bundle, tmp_path, forgery):
    forged(bundle, forgery)
    before = kept(tmp_path)

    with pytest.raises(IntegrityError):
        read_bundle(bundle)
    assert kept(tmp_path) == before


def test_a_link_is_no_file_of_a_bundle(bundle):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        entry = tarfile.TarInfo("bundle.json")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(entry)
    body = raw.getvalue()
    bundle.write_bytes(f"runaudit.bundle/1 sha256:{hashlib.sha256(body).hexdigest()}\n".encode() + body)
    with pytest.raises(IntegrityError, match="which no bundle does"):
        read_bundle(bundle)


def test_a_damaged_or_unended_run_is_not_exported_and_nothing_is_left(store, ids, tmp_path):
    target = tmp_path / "out" / "runs.bundle"
    target.parent.mkdir()
    running = launch(store, seed=8)
    store.live_dir(running.id).mkdir(parents=True)
    with pytest.raises(UsageError, match="no sealed end"):
        export(store, [running.id], target)
    overwrite(store.run_dir(ids[0]) / "checkpoints/best.pt", b"other")
    with pytest.raises(IntegrityError, match="nothing was exported"):
        export(store, ids[:1], target)
    assert list(target.parent.iterdir()) == []


def test_the_key_of_the_redaction_stays_at_home(store, ids, tmp_path):
    (store.root / "redaction.key").write_bytes(b"K" * 32)
    export(store, ids, tmp_path / "runs.bundle")
    assert b"K" * 32 not in (tmp_path / "runs.bundle").read_bytes()
