"""Laws of asking git: nobody's program runs but git's own, whatever a repository says, and every call ends."""

import ast
import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from runaudit.capture.git import capture_code, git_state
from runaudit.launch.restore import restore
from runaudit.records.manifest import Manifest
from runaudit.records.run import Run
from runaudit.store.store import Store
from runaudit.store.witness import git_here
from runaudit.system.git import GitError, ask
from tests.capture.conftest import Repo
from tests.capture.conftest import repo as repo  # the same small repository
from tests.capture.conftest import store as store

PROGRAMS = (
    "core.fsmonitor", "core.sshCommand", "core.askPass", "core.editor", "core.pager", "core.gitProxy",
    "core.alternateRefsCommand", "sequence.editor", "gpg.program", "credential.helper", "diff.external",
    "diff.evil.textconv", "diff.evil.command", "merge.evil.driver", "filter.evil.clean", "filter.evil.smudge",
    "filter.evil.process", "pager.status", "pager.diff", "pager.notes", "alias.status", "alias.diff", "alias.notes",
    "uploadpack.packObjectsHook", "remote.origin.uploadpack", "remote.origin.receivepack", "remote.origin.vcs",
    "core.hooksPath",
)  # fmt: skip


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A program that leaves a trace beside itself; a folder of hooks, where it is asked for one."""
    place = tmp_path / "trap"
    place.mkdir()
    program = place / "run"
    program.write_text(f"#!/bin/sh\necho \"$0 $*\" >> '{place}/it-ran'\ncat\n")
    program.chmod(0o755)
    for hook in ("post-index-change", "reference-transaction", "post-checkout", "pre-auto-gc", "post-rewrite"):
        (place / hook).symlink_to(program)
    return program


@pytest.fixture
def hostile(repo: Repo, store: Store, trap: Path) -> tuple[Repo, Run]:
    """A repository that names a program wherever git looks for one, and a run recorded before it did."""
    repo.write("model.py", "WIDTH = 9\n")
    code = capture_code(repo.root, store.put)
    run = Run(manifest=Manifest.of({"code": code, "launch": {"cwd": str(repo.root)}}), blobs=store.blobs)
    for key in PROGRAMS:
        repo.git("config", key, str(trap.parent if key == "core.hooksPath" else trap))
    repo.write(".git/info/attributes", "*.py diff=evil filter=evil merge=evil\n")
    repo.write("new.py", "N = 1\n")
    repo.write("model.py", "WIDTH = 10\n")
    return repo, run


def looked_at(repo: Repo, run: Run, place: Path) -> None:
    git_state(repo.root)


def captured(repo: Repo, run: Run, place: Path) -> None:
    capture_code(repo.root, None)


def rebuilt(repo: Repo, run: Run, place: Path) -> None:
    assert restore(run, place / "copy", repositories=(repo.root,)).exact


def witnessed(repo: Repo, run: Run, place: Path) -> None:
    with contextlib.chdir(repo.root):
        git_here(["notes", "--ref=runaudit", "append", "-m", "runaudit-head/1 1 abc", "HEAD"])
        assert git_here(["notes", "--ref=runaudit", "list"]).strip()


@pytest.mark.parametrize("way", [looked_at, captured, rebuilt, witnessed], ids=lambda way: way.__name__)
def test_no_way_to_git_runs_a_program_of_the_repository(way: Callable[..., None], hostile, trap, tmp_path, monkeypatch):
    for name, value in {"NAME": "A", "EMAIL": "a@example.org"}.items():
        monkeypatch.setenv(f"GIT_AUTHOR_{name}", value)
        monkeypatch.setenv(f"GIT_COMMITTER_{name}", value)

    way(*hostile, tmp_path)

    ran = trap.parent / "it-ran"
    assert not ran.exists(), ran.read_text()


def test_the_trap_is_one(hostile, trap):
    """Git left to itself falls for it, so that the tests above say something."""
    hostile[0].git("-c", "alias.status=", "diff")

    assert (trap.parent / "it-ran").exists()


def test_a_missing_object_is_not_fetched_by_the_program_that_a_remote_names(repo: Repo, trap: Path, tmp_path: Path):
    """A partial clone asks its remote for what it lacks, and a remote may name the program that answers."""
    clone = Repo(tmp_path / "clone")
    repo.git("config", "uploadpack.allowFilter", "true")
    repo.git("clone", "-q", "--no-checkout", "--filter=blob:none", f"file://{repo.root}", str(clone.root))
    for key, value in {"remote.origin.uploadpack": str(trap), "protocol.file.allow": "always"}.items():
        clone.git("config", key, value)
    clone.git("reset", "-q")

    with pytest.raises(GitError, match="git diff"):
        capture_code(clone.root, None)

    assert not (trap.parent / "it-ran").exists()


@pytest.fixture
def pretended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a program in git's place."""

    def pretend(text: str) -> None:
        place = tmp_path / "bin"
        place.mkdir()
        (place / "git").write_text(f"#!/bin/sh\n{text}\n")
        (place / "git").chmod(0o755)
        monkeypatch.setenv("PATH", f"{place}:{os.environ['PATH']}")

    return pretend


def test_a_git_that_hangs_is_ended_with_all_it_started(pretended, tmp_path):
    pretended("sleep 600 & exec sleep 600")

    with pytest.raises(GitError, match="did not answer within 0 s"):
        ask(tmp_path, "status", limit_s=0.0)


def test_an_answer_without_end_is_cut_off_and_named(pretended, tmp_path):
    pretended("exec yes")

    with pytest.raises(GitError, match=r"`git status` in .* answers with more than 1 MiB"):
        ask(tmp_path, "status", most=1 << 20)


def test_complaints_without_end_fill_no_memory(pretended, tmp_path):
    pretended("yes 'warning: x' | head -c 3000000 >&2; echo 'fatal: late' >&2; exit 128")

    done = ask(tmp_path, "status")

    assert done.code == 128
    assert len(done.err) < 200_000


def test_git_sees_no_directory_of_the_callers_environment_and_speaks_english(pretended, tmp_path):
    pretended("env")
    given = {"PATH": os.environ["PATH"], "GIT_DIR": "/elsewhere", "GIT_EXTERNAL_DIFF": "evil",
             "GIT_SSH_COMMAND": "evil", "GIT_AUTHOR_NAME": "A", "LC_ALL": "de_DE.UTF-8"}  # fmt: skip

    heard = ask(tmp_path, "status", environ=given).out.decode().splitlines()

    assert not [line for line in heard if line.startswith(("GIT_DIR", "GIT_EXTERNAL_DIFF", "GIT_SSH"))]
    assert {"LC_ALL=C", "GIT_TERMINAL_PROMPT=0", "GIT_ALLOW_PROTOCOL=none", "GIT_AUTHOR_NAME=A"} <= set(heard)
    assert b"GIT_CONFIG_GLOBAL=/dev/null" in ask(tmp_path, "status", environ=given, alone=True).out


def test_no_module_starts_git_by_itself():
    """One way to git: another `subprocess` call that names it would be one without these laws."""
    root = Path(__file__).parents[2]
    own = {
        str(path.relative_to(root))
        for package in ("runaudit", "trainer")
        for path in (root / package).rglob("*.py")
        if any(
            isinstance(node, ast.List) and node.elts and getattr(node.elts[0], "value", None) == "git"
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        )
    }
    assert own == {"runaudit/system/git.py"}
