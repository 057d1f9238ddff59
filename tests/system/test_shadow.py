"""Laws of looking at a stranger's repository: nothing that its configuration names is started, and what follows for a
file under a filter is said."""

import hashlib
import os
import shutil

import pytest

from runaudit.capture.git import capture_code, git_state
from runaudit.system.git import Git, GitError
from tests.capture.conftest import Repo
from tests.capture.conftest import repo as repo  # the same small repository
from tests.capture.conftest import store as store


@pytest.fixture
def trap(tmp_path):
    """The words of a command that leaves a trace, and the trace."""
    mark = tmp_path / "it-ran"
    return f"sh -c 'echo x >> {mark}; cat'", mark


def touched(repo):
    """The files as they were, with another time: git must read them to know."""
    for name in ("model.py", "train.py"):
        os.utime(repo.root / name, (1, 1))


@pytest.mark.parametrize("name", ["evil", "EVIL", "a.b", "a=b", "a b", "ä", 'q"uote', "--", "lfs"])
@pytest.mark.parametrize("key", ["clean", "process", "smudge"])
def test_no_filter_runs_whatever_it_is_called(repo: Repo, trap, name, key):
    words, mark = trap
    repo.git("config", f"filter.{name}.{key}", words)
    repo.git("config", f"filter.{name}.required", "true")
    attribute = name if name.isalnum() and name.isascii() else name.encode("unicode_escape").decode().replace(" ", "")
    repo.write(".git/info/attributes", f"*.py filter={attribute}\n")
    touched(repo)

    capture_code(repo.root, None)

    assert not mark.exists()


def by_include(repo, words):
    repo.write(".git/more", f'[filter "evil"]\n clean = "{words}"\n[core]\n fsmonitor = "{words}"\n')
    repo.git("config", "include.path", "more")


def by_condition(repo, words):
    repo.write(".git/more", f'[filter "evil"]\n clean = "{words}"\n[diff]\n external = "{words}"\n')
    repo.git("config", f"includeIf.gitdir:{repo.root}/.path", "more")
    repo.git("config", "includeIf.onbranch:**.path", "more")


def by_work_tree(repo, words):
    repo.git("config", "extensions.worktreeConfig", "true")
    repo.git("config", "--worktree", "filter.evil.clean", words)
    repo.git("config", "--worktree", "core.fsmonitor", words)


def by_user(repo, words):
    """The user's own filter runs in the repository, and takes commands from its configuration (as git-lfs does)."""
    place = repo.root.parent / "home"
    place.mkdir()
    (place / ".gitconfig").write_text(f'[filter "evil"]\n clean = "{words}"\n process = "{words}"\n')


@pytest.mark.parametrize("way", [by_include, by_condition, by_work_tree, by_user], ids=lambda way: way.__name__)
def test_no_place_of_a_configuration_starts_a_program(repo: Repo, trap, way, monkeypatch):
    words, mark = trap
    repo.write(".gitattributes", "*.py filter=evil diff=evil\n")
    repo.commit()
    way(repo, words)
    monkeypatch.setenv("HOME", str(repo.root.parent / "home"))
    monkeypatch.delenv("GIT_CONFIG_GLOBAL", raising=False)
    touched(repo)
    repo.write("model.py", "WIDTH = 99\n")

    code = capture_code(repo.root, None)

    assert not mark.exists()
    assert code["dirty"]


def test_a_file_under_a_filter_that_is_not_run_is_unknown_and_named(repo: Repo, trap):
    repo.git("config", "filter.tidy.clean", trap[0])
    repo.write(".gitattributes", "model.py filter=tidy\n")
    repo.commit()
    repo.write("model.py", "WIDTH = 5\n")
    repo.write("train.py", "print(5)\n")

    state, code = git_state(repo.root), capture_code(repo.root, None)

    assert state is not None
    assert (state.changed, state.filtered) == (("train.py",), ("model.py",))
    assert state.dirty
    assert code["filtered"] == ["model.py"]
    assert code["files"]["model.py"]["digest"].endswith(hashlib.sha256(b"WIDTH = 5\n").hexdigest())


def test_a_file_under_a_filter_that_holds_the_stored_bytes_is_as_committed(repo: Repo, trap):
    repo.git("config", "filter.tidy.clean", trap[0])
    repo.write(".git/info/attributes", "*.py filter=tidy\n")
    touched(repo)

    state = git_state(repo.root)

    assert state is not None and not state.dirty


def test_a_filter_that_nobody_configured_hides_no_change(repo: Repo):
    repo.write(".git/info/attributes", "*.py filter=unheard\n")
    repo.write("model.py", "WIDTH = 5\n")

    state = git_state(repo.root)

    assert state is not None and (state.changed, state.filtered) == (("model.py",), ())


@pytest.mark.parametrize("content, is_same", [(b"\0weights", True), (b"\0weightz", False)])
def test_a_pointer_of_lfs_tells_its_file_by_digest(repo: Repo, trap, content, is_same):
    oid = hashlib.sha256(b"\0weights").hexdigest()
    repo.write("w.bin", f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 8\n")
    repo.commit()
    repo.git("config", "filter.lfs.clean", trap[0])
    repo.write(".git/info/attributes", "*.bin filter=lfs\n")
    (repo.root / "w.bin").write_bytes(content)

    code, state = capture_code(repo.root, None), git_state(repo.root)

    assert state is not None and state.changed == (() if is_same else ("w.bin",))
    assert "filtered" not in code
    assert (code["patch"] is None) is is_same


def test_a_work_tree_that_the_configuration_puts_elsewhere_is_not_read(repo: Repo, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/model.py").write_text("SECRET = 1\n")
    repo.git("config", "core.worktree", str(tmp_path / "elsewhere"))

    state = git_state(repo.root)

    assert state is not None and not state.dirty


def test_a_setting_of_how_files_lie_on_disk_holds_as_in_git(repo: Repo):
    repo.git("config", "core.fileMode", "false")
    (repo.root / "model.py").chmod(0o755)

    state = git_state(repo.root)

    assert state is not None and not state.dirty


def test_files_that_the_user_ignores_are_ignored(repo: Repo, tmp_path, monkeypatch):
    (tmp_path / "home").mkdir()
    (tmp_path / "ignore").write_text("scratch.py\n")
    (tmp_path / "home/.gitconfig").write_text(f"[core]\n excludesFile = {tmp_path / 'ignore'}\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("GIT_CONFIG_GLOBAL", raising=False)
    repo.write("scratch.py", "x = 1\n")

    state = git_state(repo.root)

    assert state is not None and not state.untracked


@pytest.mark.parametrize("key", ["core.excludesFile", "core.attributesFile"])
def test_a_pipe_that_the_repository_names_is_not_waited_for(repo: Repo, tmp_path, key):
    os.mkfifo(tmp_path / "pipe")
    repo.git("config", key, str(tmp_path / "pipe"))
    repo.write("new.py", "N = 1\n")

    state = git_state(repo.root)

    assert state is not None and state.untracked == ("new.py",)


def test_a_broken_repository_does_not_stand_for_the_one_around_it(repo: Repo):
    inner = repo.root / "inner"
    shutil.copytree(repo.root / ".git", inner / ".git")
    (inner / ".git/HEAD").write_text("nonsense")

    with pytest.raises(GitError, match="not a git repository"):
        git_state(inner)


def test_nothing_of_the_stand_in_is_left(repo: Repo):
    git = Git(repo.root)
    place = git.directory
    assert place.is_dir()

    del git

    assert not place.exists()
    assert list((repo.root / ".git/objects").iterdir())
