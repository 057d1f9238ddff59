"""A lock is waited for with a word on for whom, and one that a dead process held is none."""

import fcntl
import os
import signal
import subprocess
import sys

import pytest

from runaudit.system.locks import holder, lock

HOLD = """
import fcntl, sys
file = open(sys.argv[1], "a")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def held(tmp_path):
    """A file, and the process that holds its lock until its input ends."""
    path = tmp_path / "log.jsonl"
    words = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        yield path, process
        process.kill()


def test_who_waits_is_told_for_whom_and_goes_on_when_that_is_done(held, capfd, monkeypatch):
    path, process = held
    real = fcntl.flock

    def flock(file, how):
        if not how & fcntl.LOCK_NB:
            process.stdin.close()  # The message was said: now the holder ends.
        real(file, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    with path.open("a") as file:
        lock(file.fileno(), path, patience_s=0.0)
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert f"process {process.pid} (" in said
    assert str(path) in said
    assert "running since 20" in said
    assert "import fcntl" not in said  # what stands behind an option may be a secret


def test_a_lock_that_a_killed_process_held_is_none(held, capfd):
    path, process = held
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with path.open("a") as file:
        lock(file.fileno(), path, patience_s=0.0)
    assert capfd.readouterr().err == ""


def test_a_free_lock_has_no_holder_to_name(tmp_path):
    with (tmp_path / "log").open("a") as file:
        assert holder(file.fileno()).startswith("another process")
