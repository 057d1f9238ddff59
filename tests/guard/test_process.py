import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from runaudit.errors import UsageError
from runaudit.launch.process import executable, signals_held, supervise

WRAPPER = """
import os, sys
from pathlib import Path
from runaudit.launch.process import signals_held, supervise
with signals_held() as mask:
    ended = supervise(sys.argv[1:], cwd=Path.cwd(), environ=os.environ, mask=mask, beat=lambda: None, every_s=5)
print(ended.status, ended.exit_code, ended.error, flush=True)
sys.exit(ended.exit_code)
"""


def supervised(code: str, folder: Path, *, beat=lambda: None, every_s: float = 5.0):
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with signals_held() as mask:
        return supervise(command, cwd=folder, environ=os.environ, mask=mask, beat=beat, every_s=every_s)


@pytest.mark.parametrize("code", [0, 1, 7, 255])
def test_the_exit_code_is_that_of_the_command(code, tmp_path):
    ended = supervised(f"raise SystemExit({code})", tmp_path)

    assert ended.exit_code == code
    assert ended.status == ("completed" if code == 0 else "crashed")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_death_by_a_signal_is_128_plus_its_number_and_the_status_is_killed(number, tmp_path):
    ended = supervised(f"import os; os.kill(os.getpid(), {int(number)})", tmp_path)

    assert (ended.exit_code, ended.status, ended.error) == (128 + number, "killed", f"killed by {number.name}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_sent_to_the_wrapper_reaches_the_command_exactly_once(number, tmp_path):
    child = (
        "import signal, sys, time\n"
        "count = 0\n"
        "def handler(*_):\n"
        "    global count\n"
        "    count += 1\n"
        f"signal.signal({int(number)}, handler)\n"
        "print('ready', flush=True)\n"
        "while not count: time.sleep(0.01)\n"
        "time.sleep(0.2)\n"
        "print('count', count, flush=True)\n"
        "sys.exit(42)\n"
    )
    wrapper = subprocess.Popen(
        [sys.executable, "-c", WRAPPER, sys.executable, "-c", child], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    assert wrapper.stdout and wrapper.stdout.readline() == "ready\n"

    wrapper.send_signal(number)
    out, _ = wrapper.communicate(timeout=30)

    assert wrapper.returncode == 42
    assert out.splitlines() == ["count 1", "crashed 42 exit code 42"]


def test_a_command_that_an_interrupt_kills_is_told_as_killed_by_it(tmp_path):
    child = "import time; print('ready', flush=True); time.sleep(60)"
    wrapper = subprocess.Popen(
        [sys.executable, "-c", WRAPPER, sys.executable, "-c", child],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=Path.cwd(),
    )  # fmt: skip
    assert wrapper.stdout and wrapper.stdout.readline() == "ready\n"

    wrapper.send_signal(signal.SIGINT)
    out, _ = wrapper.communicate(timeout=30)

    assert wrapper.returncode == 130
    assert out == "killed 130 killed by SIGINT\n"


def test_ctrl_c_at_a_terminal_reaches_the_command_once():
    """The terminal tells the whole group; the wrapper must not add a second interrupt."""
    child = (
        "import signal, sys, time\n"
        "count = []\n"
        "signal.signal(signal.SIGINT, lambda *_: count.append(1))\n"
        "print('ready', flush=True)\n"
        "while not count: time.sleep(0.01)\n"
        "time.sleep(0.3)\n"
        "print('count', len(count), flush=True)\n"
    )
    import pty

    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", WRAPPER, sys.executable, "-c", child])
    seen = b""
    while b"ready" not in seen:
        seen += os.read(terminal, 1024)
    os.write(terminal, b"\x03")
    while b"None" not in seen:
        seen += os.read(terminal, 1024)
    _, status = os.waitpid(pid, 0)
    os.close(terminal)

    assert b"count 1" in seen
    assert os.waitstatus_to_exitcode(status) == 0


def test_the_heart_beats_at_the_start_and_while_the_command_runs(tmp_path):
    beats = []

    supervised("import time; time.sleep(0.5)", tmp_path, beat=lambda: beats.append(1), every_s=0.05)

    assert len(beats) >= 2


def test_a_command_that_does_not_exist_is_a_usage_error_before_anything_is_sealed(tmp_path):
    with pytest.raises(UsageError, match="is not there"):
        executable(["no-such-program-here"], cwd=tmp_path, environ=os.environ)


def test_a_file_without_the_executable_bit_is_told_with_the_way_out(tmp_path):
    (tmp_path / "train.sh").write_text("echo hi")

    with pytest.raises(UsageError, match="chmod"):
        executable(["./train.sh"], cwd=tmp_path, environ=os.environ)


def test_a_signal_that_comes_while_the_outcome_is_sealed_does_not_cost_it():
    """In a process of its own: a mask holds back a signal only where every thread has it, as in the wrapper."""
    code = (
        "import os, signal\n"
        "from runaudit.launch.process import signals_held\n"
        "with signals_held():\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    print('sealed', flush=True)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False
    )

    assert (done.returncode, done.stdout) == (0, "sealed\n"), done.stderr
