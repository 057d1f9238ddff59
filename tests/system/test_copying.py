"""What is copied is whole, told as it goes, and given to the disk before the end."""

import io
import os

import pytest

from runaudit.system import copying, progress
from runaudit.system.copying import Steady, copy_told
from runaudit.system.progress import shown_on


@pytest.mark.parametrize("size", [0, 1, copying.CHUNK, 3 * copying.CHUNK + 7])
def test_every_byte_is_copied_and_it_is_told_how_many(tmp_path, monkeypatch, size):
    monkeypatch.setattr(progress, "LARGE", 1)
    data, seconds, stream = os.urandom(size), iter(range(0, 10**6, 2)), io.StringIO()
    with (tmp_path / "new").open("wb") as file, shown_on(stream, clock=lambda: float(next(seconds))):
        copy_told(io.BytesIO(data), file, size, "copying")

    assert (tmp_path / "new").read_bytes() == data
    assert (f"copying  {size / 1e6:.1f} of {size / 1e6:.1f} MB" in stream.getvalue()) is (size > 0)


def test_the_disk_is_not_left_to_wait_for_more_than_a_part(tmp_path, monkeypatch):
    """One wait at the end of gigabytes is a silence of seconds."""
    monkeypatch.setattr(copying, "LARGE", 1000)
    waits = []
    with (tmp_path / "new").open("wb") as file:
        monkeypatch.setattr(os, "fsync", lambda _: waits.append(os.path.getsize(tmp_path / "new")))
        steady = Steady(file)
        for _ in range(35):
            steady.write(b"x" * 100)

    assert waits == [1000, 2000, 3000]
