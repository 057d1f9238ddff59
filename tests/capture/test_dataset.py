"""Laws of dataset identity: names, sizes and bytes are it; nothing without content enters; the cache never lies."""

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runaudit.capture import dataset
from runaudit.capture.dataset import FINE_NS, RACY_NS, TICK_NS, capture_dataset
from runaudit.errors import CaptureError
from runaudit.records.digest import Digest


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    folder = tmp_path / "scenes"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "LR0.png").write_bytes(b"frame 0")
    (folder / "a" / "LR1.png").write_bytes(b"frame 1")
    (folder / "HR.png").write_bytes(b"high")
    return folder


def digest(folder: Path, cache: Path | None = None) -> str:
    return str(capture_dataset(folder, cache=cache)["digest"])


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """The moment of hashing lies well after the files were written."""
    monkeypatch.setattr(dataset._Memory, "clock", lambda self: time.time_ns() + 10 * RACY_NS)


def test_the_digest_is_the_framed_hash_of_sorted_triples(scenes: Path) -> None:
    """Recomputed here by hand from the definition: 8-byte big-endian lengths before path, size, and hex digest."""
    state = hashlib.sha256(b"runaudit-tree/1\n")
    for path in ("HR.png", "a/LR0.png", "a/LR1.png"):
        data = (scenes / path).read_bytes()
        for part in (path.encode(), str(len(data)).encode(), hashlib.sha256(data).hexdigest().encode()):
            state.update(len(part).to_bytes(8, "big") + part)

    entry = capture_dataset(scenes, cache=None)

    assert entry == {"path": str(scenes), "digest": "sha256:" + state.hexdigest(), "files": 3, "bytes": 18}


def test_renaming_a_file_changes_the_digest(scenes: Path) -> None:
    before = digest(scenes)
    (scenes / "HR.png").rename(scenes / "HR2.png")

    assert digest(scenes) != before


def test_swapping_two_files_changes_the_digest(scenes: Path) -> None:
    before = digest(scenes)
    (scenes / "a" / "LR0.png").write_bytes(b"frame 1")
    (scenes / "a" / "LR1.png").write_bytes(b"frame 0")

    assert digest(scenes) != before


def test_an_extra_file_changes_the_digest_and_where_the_folder_lies_does_not(scenes: Path, tmp_path: Path) -> None:
    before = digest(scenes)
    shutil.copytree(scenes, tmp_path / "moved")
    assert digest(tmp_path / "moved") == before

    (scenes / "extra").write_bytes(b"")
    assert digest(scenes) != before


def test_a_single_file_has_the_digest_any_tool_prints(scenes: Path) -> None:
    expected = "sha256:" + hashlib.sha256(b"high").hexdigest()

    assert digest(scenes / "HR.png") == expected


def test_links_and_pipes_are_refused_by_name(scenes: Path) -> None:
    (scenes / "a" / "link.png").symlink_to(scenes / "HR.png")
    with pytest.raises(CaptureError, match=r"a/link\.png.* symbolic link"):
        digest(scenes)

    (scenes / "a" / "link.png").unlink()
    os.mkfifo(scenes / "pipe")
    with pytest.raises(CaptureError, match=r"'pipe'.* pipe"):
        digest(scenes)


def test_a_pipe_and_an_empty_folder_are_no_dataset(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty" / "deep").mkdir(parents=True)

    with pytest.raises(CaptureError, match="neither a file nor a folder"):
        digest(tmp_path / "pipe")
    with pytest.raises(CaptureError, match="holds no file"):
        digest(tmp_path / "empty")
    with pytest.raises(CaptureError, match="No such file"):
        digest(tmp_path / "missing")


def test_a_name_that_is_no_unicode_is_refused(scenes: Path) -> None:
    Path(os.fsdecode(os.fsencode(scenes) + b"/\xff.png")).write_bytes(b"")

    with pytest.raises(CaptureError, match="not UTF-8"):
        digest(scenes)


@pytest.mark.usefixtures("later")
def test_an_unchanged_dataset_is_not_read_again(scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = capture_dataset(scenes, cache=tmp_path / "cache")
    monkeypatch.setattr(dataset, "_hash", lambda *_: pytest.fail("a file was read"))

    assert capture_dataset(scenes, cache=tmp_path / "cache") == first


@pytest.mark.usefixtures("later")
def test_only_what_changed_is_read_again(scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    capture_dataset(scenes, cache=tmp_path / "cache")
    (scenes / "HR.png").write_bytes(b"other")
    read: list[str] = []
    real = dataset._hash

    def hashed(path: str, *more: Any) -> Digest:
        read.append(Path(path).name)
        return real(path, *more)

    monkeypatch.setattr(dataset, "_hash", hashed)

    again = capture_dataset(scenes, cache=tmp_path / "cache")

    assert read == ["HR.png"]
    assert again == capture_dataset(scenes, cache=None)


def test_a_file_written_again_within_one_tick_is_read_again(scenes: Path, tmp_path: Path) -> None:
    """Same size, same modification time, fresh stamps: git's racy case."""
    before = digest(scenes, tmp_path / "cache")
    facts = (scenes / "HR.png").stat()
    (scenes / "HR.png").write_bytes(b"HIGH")
    os.utime(scenes / "HR.png", ns=(facts.st_atime_ns, facts.st_mtime_ns))

    assert digest(scenes, tmp_path / "cache") != before


@pytest.mark.usefixtures("later")
def test_the_same_size_and_modification_time_do_not_hide_a_change(scenes: Path, tmp_path: Path) -> None:
    """The change time gives it away, which no ordinary program can set."""
    before = digest(scenes, tmp_path / "cache")
    facts = (scenes / "HR.png").stat()
    time.sleep(0.02)
    (scenes / "HR.png").write_bytes(b"HIGH")
    os.utime(scenes / "HR.png", ns=(facts.st_atime_ns, facts.st_mtime_ns))

    assert digest(scenes, tmp_path / "cache") != before


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize("damage", [b"", b"[]", b'{"files": 3}', b'{"files": {"HR.png": [[4], "x"]}}', b"\xff\xfe"])
def test_a_damaged_cache_is_no_cache(scenes: Path, tmp_path: Path, damage: bytes) -> None:
    before = digest(scenes, tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 3  # what was hashed, in full and in short, and their key
    for file in (tmp_path / "cache").iterdir():
        file.write_bytes(damage)

    assert digest(scenes, tmp_path / "cache") == before


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(scenes: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")

    assert digest(scenes, tmp_path / "cache") == digest(scenes)


def test_a_file_that_grows_while_it_is_read_is_refused(scenes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = dataset._read

    def grow(fd: int, size: int, *more: Any) -> Digest:
        with (scenes / "HR.png").open("ab") as file:
            file.write(b"more")
        return real(fd, size, *more)

    monkeypatch.setattr(dataset, "_read", grow)

    with pytest.raises(CaptureError, match="changed while it was read"):
        digest(scenes)


def test_large_files_hashed_side_by_side_give_the_same_digest(scenes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest(scenes)
    monkeypatch.setattr(dataset, "PARALLEL_BYTES", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    for index in range(4):
        (scenes / f"{index}.bin").write_bytes(bytes([index]) * (2 << 20))
    several = digest(scenes)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)

    assert several == digest(scenes) != before


def test_progress_counts_the_bytes_that_are_read(scenes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    @contextlib.contextmanager
    def heard(what: str, total: int) -> Iterator[Callable[[int], None]]:
        assert (what, total) == ("hashing data", 18)
        yield seen.append

    monkeypatch.setattr(dataset, "work", heard)

    capture_dataset(scenes, cache=None)

    assert seen == [4, 7, 7]


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files whose bytes were read, in order."""
    found: list[str] = []
    real = dataset._hash

    def heard(path: str, *rest: Any) -> Digest:
        found.append(path)
        return real(path, *rest)

    monkeypatch.setattr(dataset, "_hash", heard)
    return found


@pytest.mark.parametrize(
    ("stamp", "device", "age", "often"),
    [
        pytest.param(1, 0, FINE_NS, 2, id="a tick or two ago"),
        pytest.param(1, 0, FINE_NS + 1, 1, id="before, by the clock of a file system that keeps nanoseconds"),
        pytest.param(0, 0, FINE_NS + 1, 2, id="but one that shows none may count by two seconds"),
        pytest.param(1, 1, FINE_NS + 1, 2, id="and the clock of another may run before it"),
        pytest.param(0, 1, RACY_NS + 1, 1, id="two seconds and more ago"),
    ],
)
def test_one_large_file_is_hashed_once_and_again_where_it_may_have_changed(
    tmp_path: Path, hashed: list[str], monkeypatch: pytest.MonkeyPatch, stamp: int, device: int, age: int, often: int
) -> None:
    """stamp: ns of its change time between two ticks; device: of the clock that is asked, less that of the file."""
    file, cache = tmp_path / "scans.bin", tmp_path / "cache"
    file.write_bytes(b"a" * (2 << 20))
    facts = file.stat()
    at = facts.st_ctime_ns // TICK_NS * TICK_NS + stamp
    real = dataset._file
    monkeypatch.setattr(dataset, "_file", lambda *given: replace(real(*given), ctime_ns=at))
    os.utime(file, ns=(0, 0))  # Anybody can set that one.

    def clock(self: Any) -> int:
        self._clock_of = facts.st_dev + device
        return at + age

    monkeypatch.setattr(dataset._Memory, "clock", clock)

    fresh = capture_dataset(file, cache=cache)

    assert capture_dataset(file, cache=cache) == fresh and len(hashed) == often


def test_a_large_file_that_lay_still_is_hashed_once_even_after_its_stamp_was_set_back(
    tmp_path: Path, hashed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, cache = tmp_path / "scans.bin", tmp_path / "cache"
    file.write_bytes(b"a" * (2 << 20))
    monkeypatch.setattr(dataset, "RACY_NS", -(10**15))
    first = capture_dataset(file, cache=cache)
    assert capture_dataset(file, cache=cache) == first and len(hashed) == 1
    before = file.stat()
    file.write_bytes(b"b" * (2 << 20))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert capture_dataset(file, cache=cache)["digest"] != first["digest"]
    assert len(hashed) == 2


def test_the_datasets_own_facts_are_recorded_and_overlap_is_counted(scenes: Path) -> None:
    facts = {"tiles": 675, "frames": 9, "scale": 3, "preprocessing": "norm-v1", "altitude": [1, 2],
             "splits": {"train": ["s1", "s2", "s3"], "test": ["s3", "s4"], "val": []}}  # fmt: skip
    (scenes / "dataset.json").write_text(json.dumps(facts))

    entry = capture_dataset(scenes, cache=None, facts={"tiles": 700})

    assert (entry["tiles"], entry["frames"], entry["scale"], entry["preprocessing"]) == (700, 9, 3, "norm-v1")
    assert entry["split_overlap"] == {"test+train": 1, "test+val": 0, "train+val": 0}
    assert entry["splits"]["train"]["count"] == 3
    assert "altitude" not in entry


def test_a_broken_dataset_json_is_refused(scenes: Path) -> None:
    (scenes / "dataset.json").write_text("{")

    with pytest.raises(CaptureError, match=r"dataset\.json"):
        capture_dataset(scenes, cache=None)


NAMES = st.text(alphabet="abcé☃ .-", min_size=1, max_size=6).filter(lambda n: n not in (".", ".."))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    a=st.dictionaries(NAMES, st.binary(max_size=20), min_size=1, max_size=4),
    b=st.dictionaries(NAMES, st.binary(max_size=20), min_size=1, max_size=4),
)
def test_two_datasets_are_equal_exactly_when_their_files_are(
    tmp_path: Path, a: dict[str, bytes], b: dict[str, bytes]
) -> None:
    digests = []
    for files in (a, b):
        folder = tmp_path / "x"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name, data in files.items():
            (folder / name).write_bytes(data)
        digests.append(digest(folder))

    assert (digests[0] == digests[1]) == (a == b)
