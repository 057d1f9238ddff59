"""What a store remembers is believed only as the store itself wrote it."""

import json
import re
import shutil
from pathlib import Path

import pytest

from runaudit.capture import dataset
from runaudit.capture.dataset import capture_dataset
from runaudit.capture.memory import KEY_FILE, keep, recall


def test_what_was_kept_comes_back(tmp_path: Path) -> None:
    keep(tmp_path / "cache" / "a", b"one\ntwo")

    assert recall(tmp_path / "cache" / "a") == b"one\ntwo"
    assert recall(tmp_path / "cache" / "b") is None


def test_any_changed_byte_is_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "a"
    keep(path, b"one")
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert recall(path) is None
    path.write_bytes(whole)
    assert recall(path) == b"one"


def test_a_memory_of_another_name_or_another_store_is_none(tmp_path: Path) -> None:
    for store in ("s", "t"):
        keep(tmp_path / store / "a", b"one")
    shutil.copy(tmp_path / "s/a", tmp_path / "s/b")
    shutil.copy(tmp_path / "s/a", tmp_path / "t/a")

    assert recall(tmp_path / "s/b") is None
    assert recall(tmp_path / "t/a") is None


def test_without_its_key_nothing_is_remembered_until_it_is_kept_again(tmp_path: Path) -> None:
    keep(tmp_path / "a", b"one")
    (tmp_path / KEY_FILE).unlink()
    assert recall(tmp_path / "a") is None

    keep(tmp_path / "a", b"one")
    assert recall(tmp_path / "a") == b"one"


def test_the_memories_of_a_store_are_made_with_its_own_key_which_does_not_lie_beside_them(tmp_path: Path) -> None:
    (tmp_path / "redaction.key").write_bytes(b"k" * 32)
    keep(tmp_path / "cache" / "a", b"one")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["a"]
    assert recall(tmp_path / "cache" / "a") == b"one"

    (tmp_path / "cache" / KEY_FILE).write_bytes(b"mine" * 8)
    elsewhere = tmp_path / "mine" / "cache"
    shutil.copytree(tmp_path / "cache", elsewhere)
    keep(elsewhere / "a", b"two")  # As whoever can write into the cache alone would.
    shutil.copy(elsewhere / "a", tmp_path / "cache" / "a")

    assert recall(tmp_path / "cache" / "a") is None


def test_a_memory_that_cannot_be_kept_costs_nothing_but_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    keep(tmp_path / "file" / "a", b"one")

    assert recall(tmp_path / "file" / "a") is None


def test_an_edited_memory_of_a_dataset_gives_no_other_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The digest would be sealed without a byte of the data being read."""
    data, cache = tmp_path / "data", tmp_path / "cache"
    data.mkdir()
    (data / "a.png").write_bytes(b"tile")
    monkeypatch.setattr(dataset, "RACY_NS", -(10**18))
    true = capture_dataset(data, cache=cache)
    kept = [path for path in cache.iterdir() if path.name != KEY_FILE]
    assert len(kept) == 2
    for path in kept:
        path.write_bytes(re.sub(rb"sha256:[0-9a-f]{64}", b"sha256:" + b"0" * 64, path.read_bytes()))
    assert json.dumps("0" * 64)[1:-1].encode() in kept[0].read_bytes() + kept[1].read_bytes()

    assert capture_dataset(data, cache=cache) == true
