"""Laws of reading a command line: it says what Python would run, and of what it does not say nothing is claimed."""

import os
import sys
from pathlib import Path

import pytest

from runaudit.capture import interpreter
from runaudit.capture.draft import code_top
from runaudit.capture.interpreter import interpreter_of
from runaudit.capture.program import launcher_of, program_of
from tests.capture.conftest import Repo


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "pack").mkdir()
    for name in ("train.py", "run.sh", "pack/__main__.py"):
        (tmp_path / name).write_text("pass\n")
    (tmp_path / "tool.py").write_text("#!/usr/bin/env python3\npass\n")
    (tmp_path / "tool.py").chmod(0o755)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "kind", "script", "flags", "arguments"),
    [
        ("python train.py --lr 1", "script", "train.py", (), ("--lr", "1")),
        ("python3.11 -O -u ./train.py", "script", "train.py", ("-O", "-u"), ()),
        ("python -W error -Xdev train.py a", "script", "train.py", ("-Werror", "-Xdev"), ("a",)),
        ("python -m pack x", "module", "pack/__main__.py", (), ("x",)),
        ("python -Im pack", "module", "pack/__main__.py", ("-I",), ()),
        ("python -Bc pass 7", "command", None, ("-B",), ("7",)),
        ("python -", "stdin", None, (), ()),
        ("env A=1 nice -n 5 python train.py", "script", "train.py", (), ()),
        ("timeout 10m python train.py", "script", "train.py", (), ()),
        ("./tool.py 3", "script", "tool.py", (), ("3",)),
        ("bash run.sh 3", "other", "run.sh", (), ("run.sh", "3")),
        ("ls", "other", None, (), ()),
    ],
)
def test_a_command_line_is_read_as_python_reads_it(place, words, kind, script, flags, arguments):
    found = program_of(words.split(), cwd=place, environ={"PATH": os.environ["PATH"]})

    assert (found.kind, found.flags, found.arguments) == (kind, flags, arguments)
    assert found.script == (None if script is None else place / script)
    assert (found.python is None) == (kind == "other")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("torchrun --nproc_per_node=4 --nnodes 2 t.py", {"launcher": "torchrun", "world_size": "8"}),
        ("python -m torch.distributed.run --nproc-per-node 2 t.py", {"launcher": "torchrun", "world_size": "2"}),
        ("accelerate launch --num_processes 3 t.py", {"launcher": "accelerate", "world_size": "3"}),
        ("mpirun -np 6 python t.py", {"launcher": "mpi", "world_size": "6"}),
        ("torchrun --nproc_per_node=gpu t.py", {"launcher": "torchrun"}),
        ("python t.py --launcher torchrun_like", {}),
    ],
)
def test_a_launcher_says_how_many_processes_it_starts(words, expected):
    assert launcher_of(words.split()) == expected


def test_the_interpreter_is_the_commands_own_and_is_asked_once(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = place / "v" / "bin"
    home.mkdir(parents=True)
    (home / "python").symlink_to(os.path.realpath(sys.executable))
    (place / "v" / "pyvenv.cfg").write_text(f"home = {Path(os.path.realpath(sys.executable)).parent}\n")
    (place / "v" / "lib" / f"python3.{sys.version_info.minor}" / "site-packages").mkdir(parents=True)
    program = program_of([str(home / "python"), "train.py"], cwd=place, environ={})

    first, reason = interpreter_of(program, cwd=place, environ={}, cache=place / "cache")
    monkeypatch.setattr(interpreter.subprocess, "run", lambda *_, **__: pytest.fail("it was asked again"))
    second, _ = interpreter_of(program, cwd=place, environ={}, cache=place / "cache")

    assert reason == ""
    assert first is not None
    assert second == first
    assert first.prefix == str(place / "v")
    assert first.prefix != sys.prefix
    assert first.implementation == "cpython"


def test_what_is_no_interpreter_is_unknown_and_not_the_recorders_own(place: Path) -> None:
    program = program_of(["bash", "run.sh"], cwd=place, environ={})

    assert interpreter_of(program, cwd=place, environ={}, cache=None)[0] is None


def test_the_code_lies_where_the_script_lies(repo: Repo, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "link.py").symlink_to(repo.root / "train.py")
    (elsewhere / "plain.py").write_text("pass\n")

    assert code_top(repo.root / "train.py", elsewhere) == repo.root
    assert code_top(elsewhere / "link.py", elsewhere) == repo.root
    assert code_top(elsewhere / "plain.py", elsewhere) == elsewhere
    assert code_top(elsewhere / "plain.py", repo.root) == elsewhere
    assert code_top(None, repo.root) == repo.root
