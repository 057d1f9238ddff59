"""What `doctor` says of a store, and that what it mends is told in the log and nothing is lost by it."""

import json
import os

from runaudit.records.digest import digest_bytes
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.store import Store
from runaudit.store.doctor import DAMAGE, LEAVING, LEFT_S, examine
from runaudit.store.repair import mend
from runaudit.store.store import REPAIR
from runaudit.store.verify import verify

TIME = "2026-01-01T00:00:00Z"


def one_run(store: Store) -> Manifest:
    source = store.put(b"print(1)\n")
    files = {"train.py": {"digest": str(source), "size": 9, "mode": "100644"}}
    manifest = Manifest.of({"label": "x", "seed": 0, "code": {"commit": None, "dirty": True, "files": files}})
    store.seal_manifest(manifest, time=TIME)
    store.seal_outcome(Outcome.of({"manifest": str(manifest.digest), "status": "completed"}), time=TIME)
    return manifest


def overwrite(path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)


def repairs(store: Store) -> list[dict]:
    return [json.loads(store.read(entry.digest)) for entry in store.entries() if entry.kind == REPAIR]


def test_a_damaged_object_is_not_taken_for_the_same_content_and_the_log_tells_what_took_its_place(here, caplog):
    one_run(here)
    path = here.object_path(digest_bytes(b"print(1)\n"))
    overwrite(path, b"")
    assert verify(here).problems
    here.put(b"print(1)\n")
    assert verify(here).problems == ()
    (told,) = repairs(here)
    (row,) = told["done"]
    assert row["file"] == str(path.relative_to(here.root))
    assert (here.root / row["aside"]).read_bytes() == b""
    assert path.stat().st_mode & 0o777 == 0o444
    assert "damaged" in caplog.text


def test_a_sound_object_is_put_again_without_a_word(here):
    one_run(here)
    before = here.log_path.read_bytes()
    here.put(b"print(1)\n")
    assert here.log_path.read_bytes() == before
    assert not (here.root / "aside").exists()


def test_doctor_names_damage_with_a_remedy_and_ends_with_the_code_of_an_integrity_failure(here, runaudit):
    one_run(here)
    overwrite(here.object_path(digest_bytes(b"print(1)\n")), b"other")
    code, out, _ = runaudit("doctor", "--json")
    answer = json.loads(out)
    assert (code, answer["verdict"]) == (4, "damaged")
    assert [one["kind"] for one in answer["found"]] == [DAMAGE]
    assert answer["found"][0]["remedy"]


def test_a_whole_store_is_whole_and_doctor_writes_nothing(here, runaudit):
    one_run(here)
    before = here.log_path.read_bytes()
    assert runaudit("doctor")[0] == 0
    assert runaudit("doctor", "--repair")[0] == 0
    assert here.log_path.read_bytes() == before


def test_only_what_nobody_writes_any_more_is_half_written_and_mending_it_is_told(here):
    one_run(here)
    old, young = here.root / "tmp" / "old", here.root / "tmp" / "young"
    for path in (old, young):
        path.write_bytes(b"half")
    now = young.stat().st_mtime
    os.utime(old, (now - LEFT_S - 1, now - LEFT_S - 1))
    assert [(one.kind, one.file) for one in examine(here, now=now)] == [(LEAVING, "tmp/old")]
    assert mend(here, now=now) == ("tmp/old: deleted, half-written",)
    assert not old.exists()
    assert young.exists()
    assert [row["file"] for told in repairs(here) for row in told["done"]] == ["tmp/old"]
    assert verify(here).problems == ()
