"""Laws of listening: the last words are heard, and the command and its reader notice nothing."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

RUN = """
import sys
from pathlib import Path
from runaudit.launch.lastwords import listen
from runaudit.launch.process import signals_held, supervise

ear = listen(None)
with signals_held() as mask:
    ended = supervise([sys.executable, "-c", sys.argv[1]], cwd=Path.cwd(), environ={}, mask=mask, beat=lambda: None,
                      every_s=9.0, stderr=ear.fd, started=lambda pid: ear.begun())
    Path(sys.argv[2]).write_text(ear.heard())
sys.stderr.write("after\\n")
sys.exit(ended.exit_code)
"""
LOUD = "import sys; sys.stderr.write('one\\n' * 9000 + 'the end\\n'); sys.exit(3)"


def heard(code: str, place: Path, **where) -> "tuple[subprocess.CompletedProcess[str], str]":
    done = subprocess.run([sys.executable, "-c", RUN, code, str(place)], text=True, timeout=60, check=False, **where)
    return done, place.read_text()


def test_a_pipe_gets_every_byte_in_order_and_the_end_is_heard(tmp_path):
    done, end = heard(LOUD, tmp_path / "end", capture_output=True)

    assert done.returncode == 3
    assert done.stderr == "one\n" * 9000 + "the end\nafter\n"
    assert end.endswith("one\nthe end\n")
    assert len(end) <= 8192


def test_a_file_is_left_alone_and_read_afterwards(tmp_path):
    with (tmp_path / "log").open("w") as log:
        log.write("before\n")
        log.flush()
        _, end = heard(LOUD, tmp_path / "end", stdout=subprocess.PIPE, stderr=log)

    assert end.endswith("one\nthe end\n")
    assert "before" not in end


def test_two_streams_in_one_pipe_keep_their_order(tmp_path):
    code = "import os\nfor i in range(300):\n    os.write(1, b'o%d ' % i); os.write(2, b'e%d ' % i)"

    done, end = heard(code, tmp_path / "end", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    assert done.stdout == "".join(f"o{i} e{i} " for i in range(300)) + "after\n"
    assert end == ""


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no terminals here")
def test_a_terminal_stays_the_commands_own(tmp_path):
    ours, theirs = os.openpty()

    _, end = heard("import sys; sys.exit(7 if sys.stderr.isatty() else 8)", tmp_path / "end", stdout=subprocess.PIPE,
                   stderr=theirs)  # fmt: skip

    os.close(theirs)
    os.close(ours)
    assert end == ""


def test_a_command_outlives_a_listener_that_is_killed(tmp_path):
    code = "import sys, os\nprint(os.getppid(), flush=True)\ninput()\nsys.stderr.write('still here\\n')\nprint('done')"
    wrapper = subprocess.Popen([sys.executable, "-c", RUN, code, str(tmp_path / "end")], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
    assert int(wrapper.stdout.readline()) == wrapper.pid
    os.kill(wrapper.pid, signal.SIGKILL)
    wrapper.wait()

    out, err = wrapper.communicate("go\n", timeout=60)

    assert (out, err) == ("done\n", "still here\n")
