"""Where stdout is narrow or its reader gone, the exit code stays that of the answer; where it is closed or full, the
answer is lost, and that is no pass. Nobody sees a traceback."""

import json
import os
import shlex
import subprocess
import sys

import pytest

from runaudit.store import Store
from tests.cli.recorded import METRIC, cohort
from tests.diff.samples import put

PROGRAM = "import sys; from runaudit.cli.app import main; sys.exit(main())"
CALLS = {
    "list": ["list"],
    "show": ["show", "@last", "-v"],
    "diff": ["diff", "gr\u00f6\u00dfer", "kleiner"],
    "study": ["study"],
    "stats": ["stats", "--metric", METRIC, "--direction", "higher", "gr\u00f6\u00dfer", "--vs", "kleiner"],
    "verify": ["verify"],
    "doctor": ["doctor"],
    "rules": ["rules"],
    "guard": ["guard", "--label", "n\u00e4chster", "--", "true"],
    "unknown": ["show", "n\u00f6"],
    "usage": ["list", "--n\u00f6"],
    "help": ["--help"],
    "version": ["--version"],
}


@pytest.fixture
def stored(tmp_path):
    store = Store.create(tmp_path / ".runaudit")
    cohort(store, "gr\u00f6\u00dfer", [31.0, 31.2, 31.1], put("config/optimizer/lr", 0.5))
    cohort(store, "kleiner", [30.0, 30.2, 30.1], put("config/optimizer/lr", 0.1))
    return tmp_path


def ended(stored, words, *, redirect="", **environ):
    """The command under a shell's redirection: exit code, what it wrote on stderr and stdout."""
    line = f"{shlex.join([sys.executable, '-c', PROGRAM, *words])} {redirect}"
    around = {name: value for name, value in os.environ.items() if name not in ("RUNAUDIT_STORE", "HOME")}
    done = subprocess.run(["bash", "-c", line], cwd=stored, env=around | environ, capture_output=True, text=True,
                          timeout=120, check=False)  # fmt: skip
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr
    return done.returncode, done.stderr, done.stdout


@pytest.mark.parametrize("name", CALLS)
def test_no_surrounding_changes_the_exit_code(stored, name):
    words = CALLS[name]
    plain, _, answer = ended(stored, words)
    assert plain not in (70, 120)
    narrow = {"PYTHONIOENCODING": "ascii", "LC_ALL": "POSIX", "TERM": "dumb", "COLUMNS": "1",
              "TMPDIR": str(stored / "gone")}  # fmt: skip

    code, told, _ = ended(stored, words, redirect=">&-")
    assert code == (max(plain, 2) if answer else plain)
    assert ("the answer cannot be written: Bad file descriptor" in told) == bool(answer)
    assert ended(stored, words, redirect="<&- 2>&-")[0] == plain
    assert ended(stored, words, redirect="| head -c 0; exit ${PIPESTATUS[0]}")[0] == plain
    assert ended(stored, words, **narrow)[0] == plain
    # Here Python itself takes a typed letter for bytes: the word is another one, and still no fault of ours.
    assert ended(stored, words, **narrow, PYTHONUTF8="0")[0] not in (70, 120)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is full")
def test_an_answer_that_is_lost_is_no_pass(stored):
    code, told, _ = ended(stored, ["list"], redirect="> /dev/full")

    assert code == 2
    assert "the answer cannot be written: No space left on device" in told


def test_json_stays_json_where_stdout_carries_only_ascii(stored):
    _, _, out = ended(stored, ["list", "--json"], PYTHONIOENCODING="ascii")

    assert out.isascii()
    assert {one["label"] for one in json.loads(out)["cohorts"]} == {"gr\u00f6\u00dfer", "kleiner"}


def test_a_folder_that_was_deleted_is_told_in_one_line(stored):
    words = shlex.join([sys.executable, "-c", PROGRAM, "list"])
    done = subprocess.run(["bash", "-c", f"mkdir a; cd a; rmdir ../a; {words}"], cwd=stored, capture_output=True,
                          text=True, timeout=60, check=False)  # fmt: skip

    assert done.returncode == 2
    assert done.stderr == "runaudit: the current folder does not exist any more; cd to one that does\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is full")
@pytest.mark.parametrize("words", [["verify"], ["verify", "--json"], ["doctor"]], ids=" ".join)
def test_an_answer_that_is_lost_leaves_the_code_that_says_worse(stored, words):
    manifest = next(path for path in (stored / ".runaudit" / "objects").rglob("*") if path.is_file())
    manifest.unlink()

    assert ended(stored, words, redirect="> /dev/full")[0] == 4
