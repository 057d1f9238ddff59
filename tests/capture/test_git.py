"""Laws of code capture: what can be imported is in the record; nothing is run, touched or cut."""

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from runaudit.capture.git import capture_code, git_state
from runaudit.capture.source import Limits
from runaudit.errors import CaptureError
from runaudit.records.digest import Digest
from runaudit.store.store import Store
from tests.capture.conftest import Repo


def sha(text: str | bytes) -> str:
    data = text.encode() if isinstance(text, str) else text
    return "sha256:" + hashlib.sha256(data).hexdigest()


def test_a_clean_tree_is_its_commit_and_its_files(repo: Repo, store: Store) -> None:
    code = capture_code(repo.root, store.put)

    assert code["commit"] == repo.git("rev-parse", "HEAD").strip()
    assert (code["branch"], code["remote"], code["dirty"], code["patch"]) == ("main", None, False, None)
    assert code["files"]["model.py"] == {"digest": sha("WIDTH = 4\n"), "size": 10}
    assert code["files"]["logo.png"]["stored"] is False
    assert store.read(Digest.parse(code["files"]["model.py"]["digest"])) == b"WIDTH = 4\n"


def test_an_untracked_module_is_captured_with_its_content(repo: Repo, store: Store) -> None:
    """A new script logs "no changes" elsewhere; here it makes the tree unclean and is stored."""
    repo.write("new loss.py", "LOSS = 'l1'\n")
    repo.write("notes.docx", b"PK\0")

    code = capture_code(repo.root, store.put)

    assert code["dirty"] is True
    assert code["untracked"] == ["new loss.py"]
    assert store.read(Digest.parse(code["files"]["new loss.py"]["digest"])) == b"LOSS = 'l1'\n"
    assert "notes.docx" not in code["files"]


def test_an_untracked_file_that_cannot_be_read_as_code_leaves_the_tree_clean(repo: Repo) -> None:
    repo.write("notes.docx", b"PK\0")

    state = git_state(repo.root)

    assert state is not None
    assert not state.dirty
    assert state.others == ("notes.docx",)


def test_a_staged_change_alone_is_a_change(repo: Repo, store: Store) -> None:
    repo.write("model.py", "WIDTH = 8\n")
    repo.git("add", "model.py")

    code = capture_code(repo.root, store.put)

    assert code["dirty"] is True
    assert b"+WIDTH = 8" in store.read(Digest.parse(code["patch"]["digest"]))


def test_the_patch_is_what_the_interpreter_reads_not_what_is_staged(repo: Repo, store: Store) -> None:
    repo.write("model.py", "WIDTH = 8\n")
    repo.git("add", "model.py")
    repo.write("model.py", "WIDTH = 16\n")

    code = capture_code(repo.root, store.put)

    patch = store.read(Digest.parse(code["patch"]["digest"]))
    assert b"+WIDTH = 16" in patch
    assert b"+WIDTH = 8\n" not in patch


def test_a_mode_change_alone_is_a_change(repo: Repo, store: Store) -> None:
    (repo.root / "train.py").chmod(0o755)

    code = capture_code(repo.root, store.put)

    assert code["files"]["train.py"]["mode"] == "100755"
    assert b"new mode 100755" in store.read(Digest.parse(code["patch"]["digest"]))


@pytest.mark.parametrize("content", [b"a\r\nb\r\n", b"\0\1\2\3" * 50, "ü\n".encode("latin-1")])
def test_the_commit_and_the_patch_give_back_the_tree(repo: Repo, store: Store, tmp_path: Path, content: bytes) -> None:
    """Line ends, binary content, another encoding, a deletion: `git apply` on a clone gives the same bytes."""
    repo.write("asset.py", content)
    repo.git("add", "asset.py")
    repo.write("logo.png", b"\x89PNG\0\0\0")
    (repo.root / "model.py").unlink()

    code = capture_code(repo.root, store.put)

    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(repo.root), str(clone)], check=True)
    patch = store.read(Digest.parse(code["patch"]["digest"]))
    subprocess.run(["git", "apply", "--binary", "-"], cwd=clone, input=patch, check=True)
    assert (clone / "asset.py").read_bytes() == content
    assert (clone / "logo.png").read_bytes() == b"\x89PNG\0\0\0"
    assert not (clone / "model.py").exists()
    assert "model.py" not in code["files"]


def test_a_detached_head_has_no_branch(repo: Repo) -> None:
    repo.git("checkout", "-q", "--detach")

    code = capture_code(repo.root, None)

    assert code["branch"] is None
    assert len(code["commit"]) == 40


def test_a_linked_work_tree_is_its_own_tree(repo: Repo, tmp_path: Path) -> None:
    repo.git("worktree", "add", "-q", "-b", "other", str(tmp_path / "linked"))
    (tmp_path / "linked" / "model.py").write_text("WIDTH = 5\n")

    code = capture_code(tmp_path / "linked", None)

    assert code["branch"] == "other"
    assert code["files"]["model.py"]["digest"] == sha("WIDTH = 5\n")
    assert not capture_code(repo.root, None)["dirty"]


def test_a_shallow_clone_without_the_parent_is_captured(repo: Repo, tmp_path: Path) -> None:
    repo.write("model.py", "WIDTH = 6\n")
    commit = repo.commit()
    subprocess.run(["git", "clone", "-q", "--depth", "1", repo.root.as_uri(), str(tmp_path / "c")], check=True)

    assert capture_code(tmp_path / "c", None)["commit"] == commit


def test_a_remote_of_any_name_is_told_without_its_credentials(repo: Repo) -> None:
    repo.git("remote", "add", "upstream", "https://me:hunter22secret@example.org/x.git?token=abc123def4")

    state = git_state(repo.root)

    assert state is not None
    assert state.remote == "https://example.org/x.git"


def test_before_the_first_commit_the_whole_tree_is_the_patch(tmp_path: Path, store: Store) -> None:
    made = Repo(tmp_path / "fresh")
    made.root.mkdir()
    made.git("init", "-q")
    made.write("a.py", "A = 1\n")
    made.git("add", "a.py")

    code = capture_code(made.root, store.put)

    assert code["commit"] is None
    assert code["dirty"] is True
    assert b"+A = 1" in store.read(Digest.parse(code["patch"]["digest"]))


def test_a_path_with_a_newline_a_quote_and_unicode_is_one_path(repo: Repo) -> None:
    name = 'we"ird\n名.py'
    repo.write(name, "X = 1\n")

    assert capture_code(repo.root, None)["untracked"] == [name]


def test_a_path_that_is_no_unicode_is_written_legibly(repo: Repo) -> None:
    Path(os.fsdecode(os.fsencode(repo.root) + b"/\xff.py")).write_text("X = 1\n")

    assert capture_code(repo.root, None)["untracked"] == ["\\xff.py"]


def test_a_link_is_its_text_and_says_what_the_code_behind_it_holds(repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "outside.py").write_text("SECRET = 1\n")
    (repo.root / "link.py").symlink_to(tmp_path / "outside.py")

    entry = capture_code(repo.root, None)["files"]["link.py"]

    assert entry == {
        "digest": sha(str(tmp_path / "outside.py")),
        "size": len(str(tmp_path / "outside.py")),
        "mode": "120000",
        "target": {"digest": sha("SECRET = 1\n"), "size": 11},
    }


def test_a_dirty_submodule_makes_the_tree_dirty_and_is_captured(repo: Repo, tmp_path: Path, store: Store) -> None:
    inner = Repo(tmp_path / "inner")
    inner.root.mkdir()
    inner.git("init", "-q", "-b", "main")
    inner.write("lib.py", "V = 1\n")
    pinned = inner.commit()
    repo.git("submodule", "add", "-q", str(inner.root), "libs/inner")
    repo.commit()
    assert not capture_code(repo.root, None)["dirty"]

    repo.write("libs/inner/lib.py", "V = 2\n")

    code = capture_code(repo.root, store.put)
    module = code["submodules"]["libs/inner"]
    assert code["dirty"] is True
    assert (module["commit"], module["pinned"], module["dirty"]) == (pinned, pinned, True)
    assert store.read(Digest.parse(module["files"]["lib.py"]["digest"])) == b"V = 2\n"


def test_a_submodule_on_another_commit_is_moved(repo: Repo, tmp_path: Path) -> None:
    inner = Repo(tmp_path / "inner")
    inner.root.mkdir()
    inner.git("init", "-q", "-b", "main")
    inner.commit()
    repo.git("submodule", "add", "-q", str(inner.root), "inner")
    repo.commit()
    Repo(repo.root / "inner").commit("another")

    code = capture_code(repo.root, None)

    assert code["submodules"]["inner"]["moved"] is True
    assert code["dirty"] is True


def test_a_sibling_under_development_is_captured_like_the_project(repo: Repo, tmp_path: Path, store: Store) -> None:
    other = Repo(tmp_path / "shared_lib")
    other.root.mkdir()
    other.git("init", "-q", "-b", "dev")
    other.write("ops.py", "A = 1\n")
    other.commit()
    other.write("ops.py", "A = 2\n")

    code = capture_code(repo.root, store.put, siblings=(other.root,))

    assert code["siblings"]["shared_lib"]["dirty"] is True
    assert code["siblings"]["shared_lib"]["files"]["ops.py"]["digest"] == sha("A = 2\n")


def test_outside_git_the_source_files_are_the_record(tmp_path: Path, store: Store) -> None:
    folder = tmp_path / "plain"
    (folder / "venv" / "lib").mkdir(parents=True)
    (folder / "venv" / "pyvenv.cfg").write_text("")
    (folder / "venv" / "lib" / "six.py").write_text("")
    (folder / "train.py").write_text("A = 1\n")
    (folder / "data.bin").write_bytes(b"\0")

    code = capture_code(folder, store.put)

    assert code["vcs"] is None
    assert list(code["files"]) == ["train.py"]


def test_the_store_inside_the_tree_is_no_code(repo: Repo) -> None:
    repo.write(".runaudit/store.json", "{}")

    state = git_state(repo.root, exclude=(repo.root / ".runaudit",))

    assert state is not None
    assert not state.dirty


def test_an_installed_package_in_an_untracked_environment_is_no_code(repo: Repo) -> None:
    repo.write(".venv/lib/python3.11/site-packages/six.py", "")

    state = git_state(repo.root)

    assert state is not None
    assert not state.dirty


@pytest.mark.parametrize(
    ("limits", "setting"),
    [
        (Limits(file=100), "RUNAUDIT_MAX_FILE_MIB"),
        (Limits(total=100), "RUNAUDIT_MAX_TOTAL_MIB"),
        (Limits(count=2), "RUNAUDIT_MAX_FILES"),
    ],
)
def test_what_exceeds_a_cap_is_refused_by_name_and_nothing_is_stored(
    repo: Repo, store: Store, limits: Limits, setting: str
) -> None:
    repo.write("generated.py", "x" * 200)

    with pytest.raises(CaptureError) as refusal:
        capture_code(repo.root, store.put, limits=limits)

    assert "generated.py" in str(refusal.value)
    assert setting in refusal.value.remedy
    assert list(store.blobs) == ["sha256:" + path.name for path in (store.root / "objects/sha256").glob("??/*")] == []


def test_a_patch_beyond_the_cap_is_refused_not_cut(repo: Repo, store: Store) -> None:
    repo.write("logo.png", os.urandom(100_000))

    with pytest.raises(CaptureError, match=r"logo\.png.*RUNAUDIT_MAX_PATCH_MIB"):
        capture_code(repo.root, store.put, limits=Limits(patch=50_000))


def test_a_hostile_repository_runs_nothing(repo: Repo, tmp_path: Path) -> None:
    """Every way we know in which a repository names a program that git runs by looking."""
    proof = tmp_path / "it-ran"
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\necho \"$0 $@\" >> '{proof}'\ncat\n")
    trap.chmod(0o755)
    hook = repo.root / ".git" / "hooks" / "post-index-change"
    hook.write_text(trap.read_text())
    hook.chmod(0o755)
    for key in (
        "core.fsmonitor", "diff.external", "diff.evil.textconv", "diff.evil.command", "filter.evil.clean",
        "filter.evil.smudge", "filter.evil.process", "core.pager", "pager.status", "pager.diff", "core.sshCommand",
        "core.askPass", "core.editor", "alias.status", "credential.helper",
    ):  # fmt: skip
        repo.git("config", key, str(trap))
    repo.write(".git/info/attributes", "*.py diff=evil filter=evil\n")
    repo.write("model.py", "WIDTH = 9\n")
    repo.write("new.py", "N = 1\n")

    capture_code(repo.root, None)
    git_state(repo.root)

    assert not proof.exists(), proof.read_text()


def test_a_hostile_submodule_runs_nothing(repo: Repo, tmp_path: Path) -> None:
    inner = Repo(tmp_path / "inner")
    inner.root.mkdir()
    inner.git("init", "-q")
    inner.write("lib.py", "V = 1\n")
    inner.commit()
    repo.git("submodule", "add", "-q", str(inner.root), "inner")
    repo.commit()
    proof = tmp_path / "it-ran"
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch '{proof}'\n")
    trap.chmod(0o755)
    Repo(repo.root / "inner").git("config", "core.fsmonitor", str(trap))
    repo.write("inner/lib.py", "V = 2\n")

    capture_code(repo.root, None)

    assert not proof.exists()


def test_capture_leaves_tree_and_index_as_they_were(repo: Repo) -> None:
    repo.write("model.py", "WIDTH = 8\n")
    repo.write("new.py", "N = 1\n")
    os.utime(repo.root / "train.py", (1, 1))  # another time, the same bytes: git likes to note that in its index

    def state() -> dict[str, tuple[int, int]]:
        found = {str(path.relative_to(repo.root)): path.stat() for path in sorted(repo.root.rglob("*"))}
        return {name: (facts.st_mtime_ns, facts.st_ino) for name, facts in found.items()}

    before = state()

    capture_code(repo.root, None)

    assert state() == before


def test_git_variables_of_a_hook_do_not_point_elsewhere(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))

    assert capture_code(repo.root, None)["branch"] == "main"


def test_a_broken_repository_is_one_clear_line(repo: Repo) -> None:
    (repo.root / ".git" / "HEAD").write_text("nonsense")

    with pytest.raises(CaptureError, match=r"git .*not a git repository"):
        capture_code(repo.root, None)


def test_a_pipe_where_git_tracks_a_file_is_not_waited_for(repo: Repo) -> None:
    (repo.root / "train.py").unlink()
    os.mkfifo(repo.root / "train.py")

    with pytest.raises(CaptureError, match=r"train.py is a pipe.*git checkout"):
        capture_code(repo.root, None)
