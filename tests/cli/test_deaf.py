"""Where nobody hears our messages, the command goes on, and its exit code is the one it has."""

import os
import subprocess
import sys

import pytest

CALL = [sys.executable, "-c", "import sys; from runaudit.cli.app import main; sys.exit(main())"]


@pytest.fixture
def launching(tmp_path):
    def words(*command):
        waived = [word for rule in ("RA101", "RA201") for word in ("--waive", f"{rule}=a test")]
        named = ["--store", str(tmp_path / "store"), "--seed", "1", "--label", "said to nobody"]
        return [*CALL, "run", *named, *waived, "--", *command]

    return words


def ended(words, cwd, stderr):
    return subprocess.run(words, cwd=cwd, stderr=stderr, stdout=subprocess.DEVNULL, timeout=60, check=False).returncode


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is full")
def test_a_full_stderr_keeps_the_exit_code_of_the_command_and_its_record(tmp_path, launching):
    with open("/dev/full", "wb") as full:
        assert ended(launching("sh", "-c", "exit 3"), tmp_path, full) == 3
    listed = subprocess.run(
        [*CALL, "list", "--store", str(tmp_path / "store")], capture_output=True, text=True, check=True
    )
    assert "crashed" in listed.stdout


def test_a_reader_of_stderr_that_went_away_keeps_the_exit_code_of_the_command(tmp_path, launching):
    reading, writing = os.pipe()
    os.close(reading)
    try:
        assert ended(launching("sh", "-c", "exit 3"), tmp_path, writing) == 3
    finally:
        os.close(writing)
