"""What `doctor` says of a store, and that what it mends is told in the log and nothing is lost by it."""

import json
import os
import time
from pathlib import Path

import pytest

from runaudit.records.canonical import canonical_bytes
from runaudit.records.digest import digest_bytes
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.store import Store
from runaudit.store.catalogue import load
from runaudit.store.doctor import DAMAGE, LEAVING, LEFT_S, examine
from runaudit.store.kinds import REPAIR
from runaudit.store.rehash import stored_links
from runaudit.store.repair import mend
from runaudit.store.verify import verify

TIME = "2026-01-01T00:00:00Z"


def one_run(store: Store, *, top: Path = Path("/nowhere")) -> Manifest:
    source = store.put(b"print(1)\n")
    files = {"train.py": {"digest": str(source), "size": 9, "mode": "100644"}}
    code = {"commit": None, "dirty": True, "files": files}
    manifest = Manifest.of({"label": "x", "seed": 0, "code": code, "launch": {"top": str(top)}})
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


@pytest.mark.parametrize("left", [b"", b"\x0b"])
def test_a_last_newline_that_is_gone_is_written_again_and_told(here, runaudit, left):
    one_run(here)
    whole = here.log_path.read_bytes()
    overwrite(here.log_path, whole[:-1] + left)
    code, out, _ = runaudit("doctor", "--json")
    assert (code, "--repair" in json.loads(out)["found"][0]["remedy"]) == (4, True)

    code, out, _ = runaudit("doctor", "--repair", "--json")

    assert (code, json.loads(out)["verdict"]) == (0, "whole")
    after = Store(here.root)
    assert after.log_path.read_bytes().startswith(whole) and verify(after).problems == ()
    assert [row["what"] for told in repairs(after) for row in told["done"]] == ["its last newline written again"]


def test_a_last_line_that_is_another_one_is_not_mended(here, runaudit):
    one_run(here)
    raw = here.log_path.read_bytes()
    overwrite(here.log_path, raw[:-2])
    assert runaudit("doctor", "--repair")[0] == 4
    assert here.log_path.read_bytes() == raw[:-2]


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


def names(store: Store, *, now: float | None = None) -> list[str]:
    return [one.name for one in examine(store, now=now)]


def test_an_outcome_that_was_sealed_whole_and_never_counted_is_counted(here):
    manifest = Manifest.of({"label": "x", "seed": 0})
    here.seal_manifest(manifest, time=TIME)
    here.live_dir(manifest.id).mkdir(parents=True)
    outcome = Outcome.of({"manifest": str(manifest.digest), "status": "completed", "metrics": {"psnr": 30.0}})
    here.put(outcome.raw)
    assert names(here) == ["unlogged_outcome"]
    assert len(mend(here)) == 1
    assert load(here, manifest.id).metrics == {"psnr": 30.0}
    assert verify(here).problems == ()
    assert examine(here) == ()


def test_of_two_outcomes_nobody_can_say_which_was_meant(here):
    manifest = Manifest.of({"label": "x", "seed": 0})
    here.seal_manifest(manifest, time=TIME)
    here.live_dir(manifest.id).mkdir(parents=True)
    for value in (1.0, 2.0):
        here.put(Outcome.of({"manifest": str(manifest.digest), "status": "completed", "metrics": {"x": value}}).raw)
    (one,) = examine(here)
    assert one.remedy == f"runaudit seal {manifest.id[:12]}"
    assert mend(here) == ()


def test_a_launch_that_was_never_counted_is_moved_aside_once_nobody_can_be_about_to_count_it(here):
    manifest = Manifest.of({"label": "x", "seed": 0})
    path = here.object_path(here.put(manifest.raw))
    now = path.stat().st_mtime
    assert names(here, now=now) == []
    assert names(here, now=now + LEFT_S + 1) == ["unlogged_launch"]
    assert len(mend(here, now=now + LEFT_S + 1)) == 1
    assert not path.exists()
    assert [found.read_bytes() for found in (here.root / "aside").iterdir()] == [manifest.raw]
    assert verify(here).problems == ()


@pytest.mark.parametrize("fate", ["emptied", "deleted"])
def test_a_source_is_put_back_from_the_work_tree(here, tmp_path, fate):
    (tmp_path / "train.py").write_bytes(b"print(1)\n")
    one_run(here, top=tmp_path)
    path = here.object_path(digest_bytes(b"print(1)\n"))
    if fate == "emptied":
        overwrite(path, b"")
    else:
        path.unlink()
    (one,) = examine(here)
    assert (one.kind, "--repair" in one.remedy) == (DAMAGE, True)
    assert len(mend(here)) == 1
    assert path.read_bytes() == b"print(1)\n"
    assert verify(here).problems == ()
    assert examine(here) == ()


def test_what_has_no_good_copy_is_left_as_it_is_and_stays_damaged(here, tmp_path):
    (tmp_path / "train.py").write_bytes(b"print(2)\n")
    one_run(here, top=tmp_path)
    overwrite(here.object_path(digest_bytes(b"print(1)\n")), b"other")
    before = here.log_path.read_bytes()
    assert mend(here) == ()
    assert here.log_path.read_bytes() == before
    assert [one.kind for one in examine(here)] == [DAMAGE]


def test_a_store_whose_log_is_damaged_is_left_to_a_person(here):
    one_run(here)
    (here.root / "tmp" / "old").write_bytes(b"half")
    raw = here.log_path.read_bytes()
    overwrite(here.log_path, raw[: len(raw) // 2])
    assert mend(here, now=time.time() + 2 * LEFT_S) == ()
    assert here.log_path.read_bytes() == raw[: len(raw) // 2]
    assert DAMAGE in {one.kind for one in examine(here)}


def test_an_import_that_was_cut_short_is_named_with_its_remedy(here):
    manifest = Manifest.of({"label": "x", "seed": 0, "origin": {"kind": "record", "ending": "sha256:" + "0" * 64}})
    here.seal_manifest(manifest, time=TIME)
    (one,) = examine(here)
    assert (one.name, one.kind, one.remedy) == ("import_cut_short", LEAVING, "import the same file again")


@pytest.mark.parametrize("odd", [True, "text", [], 3, {}, {"x": "y"}], ids=repr)
@pytest.mark.parametrize(
    "section", ["code", "code/files", "code/submodules", "code/patch", "launch", "data", "trajectory"]
)
def test_a_malformed_record_is_told_and_stops_nobody(here, section, odd):
    """A store may have been written by anybody: what is malformed is found, and the rest is looked at all the same."""
    sound = one_run(here)
    body = sound.to_json() | {"label": "forged"}
    outer, _, inner = section.partition("/")
    body[outer] = {**body.get(outer, {}), inner: odd} if inner else odd
    digest = here.put(canonical_bytes(body))
    here.append("manifest", digest, subject=digest, time=TIME)
    overwrite(here.object_path(digest_bytes(b"print(1)\n")), b"")

    damaged = [one.file for one in examine(here) if one.kind == DAMAGE]

    assert any(digest_bytes(b"print(1)\n").hex in file for file in damaged)
    mend(here)
    assert isinstance(list(stored_links(body)), list)
