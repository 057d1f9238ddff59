import json
import os
import sys
from pathlib import Path

import pytest

from runaudit.capture.draft import open_store
from runaudit.capture.git import capture_code
from runaudit.errors import IntegrityError, NothingToJudgeError, UsageError
from runaudit.launch.restore import RestoreError, restore
from runaudit.records.digest import digest_bytes
from runaudit.records.manifest import Manifest
from runaudit.records.run import Run


def snapshot(root: Path) -> dict[str, tuple[str, bytes]]:
    """Path -> (mode, content) of everything below `root` but git's own folder."""
    found = {}
    for folder, folders, names in os.walk(root):
        folders[:] = [f for f in folders if f not in (".git", ".runaudit", "__pycache__")]
        for name in names:
            path = Path(folder, name)
            link = path.is_symlink()
            mode = "120000" if link else "100755" if os.access(path, os.X_OK) else "100644"
            content = os.fsencode(path.readlink()) if link else path.read_bytes()
            found[path.relative_to(root).as_posix()] = (mode, content)
    return found


def sealed(root: Path, store_root: Path, **more) -> Run:
    store = open_store(store_root)
    code = capture_code(root, store.put, exclude=(store_root,)) | more
    return Run(manifest=Manifest.of({"code": code, "launch": {"cwd": str(root)}}), blobs=store.blobs)


@pytest.fixture
def edited(repo, git):
    """A tree with everything that can be awkward: binary, mode, link, deletion, staged, CRLF, untracked, a late BOM."""
    (repo / "image.bin").write_bytes(bytes(range(256)) * 40)
    (repo / "old.py").write_text("gone = 1\n")
    (repo / "crlf.txt").write_bytes(b"a\r\nb\r\n")
    (repo / "data.csv").write_text("1,2\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "second")
    (repo / "image.bin").write_bytes(bytes(reversed(range(256))) * 41)
    (repo / "old.py").unlink()
    (repo / "train.py").chmod(0o755)
    (repo / "helper.py").write_bytes(b"def score(s, t):\r\n    return 1\r\n")
    (repo / "ünïcode näme.py").write_text("x = 1\n")
    (repo / "link.py").symlink_to("helper.py")
    (repo / "tool.sh").write_text("#!/bin/sh\n")
    (repo / "tool.sh").chmod(0o755)
    (repo / "staged.py").write_text("staged = True\n")
    git(repo, "add", "staged.py")
    import shutil

    shutil.rmtree(repo / "data")
    return repo


def test_the_restored_tree_is_the_tree_byte_for_byte_and_mode_for_mode(edited, tmp_path, git):
    run = sealed(edited, tmp_path / "store")
    before, status = snapshot(edited), git(edited, "status", "--porcelain")

    restored = restore(run, tmp_path / "back", repositories=(edited,))

    assert restored.exact, restored.missing
    assert snapshot(tmp_path / "back") == before
    assert snapshot(edited) == before
    assert git(edited, "status", "--porcelain") == status


def test_the_restored_tree_stands_on_the_commit_of_the_run(edited, tmp_path, git):
    run = sealed(edited, tmp_path / "store")

    restored = restore(run, tmp_path / "back", repositories=(edited,))

    assert git(tmp_path / "back", "rev-parse", "HEAD") == git(edited, "rev-parse", "HEAD") == restored.commit


def test_the_users_repository_is_only_read(edited, tmp_path):
    run = sealed(edited, tmp_path / "store")
    before = {p: p.stat().st_mtime_ns for p in (edited / ".git").rglob("*") if p.is_file()}

    restore(run, tmp_path / "back", repositories=(edited,))

    assert {p: p.stat().st_mtime_ns for p in (edited / ".git").rglob("*") if p.is_file()} == before


def test_an_old_commit_is_restored_as_it_was(repo, tmp_path, git):
    run, before = sealed(repo, tmp_path / "store"), snapshot(repo)
    (repo / "helper.py").write_text("later = 1\n")
    git(repo, "commit", "-qam", "later")

    restored = restore(run, tmp_path / "back", repositories=(repo,))

    assert restored.exact
    assert snapshot(tmp_path / "back") == {k: v for k, v in before.items() if not k.startswith("data/")}


def test_a_commit_on_no_branch_is_found_all_the_same(repo, tmp_path, git):
    git(repo, "checkout", "-q", "--detach")
    (repo / "helper.py").write_text("alone = 1\n")
    git(repo, "commit", "-qam", "on no branch")
    run = sealed(repo, tmp_path / "store")
    git(repo, "checkout", "-q", "main")

    assert restore(run, tmp_path / "back", repositories=(repo,)).exact
    assert (tmp_path / "back" / "helper.py").read_text() == "alone = 1\n"


def test_where_the_commit_is_gone_the_stored_sources_are_written_and_the_rest_is_named(edited, tmp_path):
    run = sealed(edited, tmp_path / "store")
    before = snapshot(edited)

    restored = restore(run, tmp_path / "back", repositories=())

    assert restored.commit is None
    assert "is in none of the repositories" in restored.notes[0]
    assert set(restored.missing) == {"image.bin"}  # bytes that are no text are in the commit and the patch alone
    assert snapshot(tmp_path / "back") == {k: v for k, v in before.items() if k != "image.bin"}


def test_a_folder_in_use_is_refused(repo, tmp_path):
    run = sealed(repo, tmp_path / "store")
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "mine").write_text("keep")

    with pytest.raises(UsageError, match="is not empty"):
        restore(run, tmp_path / "used")

    assert (tmp_path / "used" / "mine").read_text() == "keep"


def test_an_empty_folder_will_do(repo, tmp_path):
    (tmp_path / "empty").mkdir()

    assert restore(sealed(repo, tmp_path / "store"), tmp_path / "empty", repositories=(repo,)).exact


def test_a_run_without_sources_cannot_be_restored(tmp_path):
    run = Run(manifest=Manifest.of({"code": {"commit": "1" * 40}}))

    with pytest.raises(NothingToJudgeError, match="records no sources"):
        restore(run, tmp_path / "back")


def test_to_rerun_an_imported_run_without_sources_names_no_way_that_is_closed(repo, cli, capfd):
    record = {"label": "theirs", "code": {"commit": "1" * 40}, "launch": {"argv": ["true"]}}
    (repo / "r.json").write_text(json.dumps(record))
    assert cli("import", "record", "r.json") == 0
    capfd.readouterr()

    assert cli("rerun", "@last") == 3
    told = capfd.readouterr().err
    assert "records no sources" in told and f"git worktree add DIR {'1' * 40}" in told
    assert "read it first" not in told


@pytest.mark.parametrize(
    "path", ["../outside.py", "/abs.py", "a/../../b.py", ".git/hooks/pre-commit", ".GIT/config", "."]
)
def test_a_record_that_names_a_place_outside_the_tree_is_refused(path, tmp_path):
    store = open_store(tmp_path / "store")
    entry = {"digest": str(store.put(b"evil")), "size": 4}
    run = Run(manifest=Manifest.of({"code": {"vcs": None, "files": {path: entry}}}), blobs=store.blobs)

    with pytest.raises(IntegrityError, match="outside the tree"):
        restore(run, tmp_path / "deep" / "back")

    assert not (tmp_path / "deep" / "outside.py").exists()


def test_a_link_in_a_record_is_not_followed_out_of_the_tree(tmp_path):
    store = open_store(tmp_path / "store")
    (tmp_path / "target").mkdir()
    files = {
        "a": {"digest": str(store.put(bytes(tmp_path / "target"))), "size": 1, "mode": "120000"},
        "a/b.py": {"digest": str(store.put(b"evil")), "size": 4},
    }
    run = Run(manifest=Manifest.of({"code": {"vcs": None, "files": files}}), blobs=store.blobs)

    with pytest.raises(IntegrityError, match="outside the tree"):
        restore(run, tmp_path / "back")

    assert list((tmp_path / "target").iterdir()) == []


@pytest.mark.parametrize("was_there", [True, False])
def test_where_git_cannot_give_the_commit_nothing_half_written_is_left(repo, tmp_path, git, was_there):
    run, to = sealed(repo, tmp_path / "store"), tmp_path / "back"
    tree = git(repo, "rev-parse", "HEAD^{tree}").strip()
    (repo / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    if was_there:
        to.mkdir()

    with pytest.raises(RestoreError, match="git"):
        restore(run, to, repositories=(repo,))
    assert [*to.iterdir()] == [] if was_there else not to.exists()


def test_a_source_that_the_store_has_lost_is_an_integrity_failure(repo, tmp_path):
    run = sealed(repo, tmp_path / "store")
    digest = digest_bytes((repo / "helper.py").read_bytes())
    open_store(tmp_path / "store").object_path(digest).unlink()

    with pytest.raises(IntegrityError):
        restore(run, tmp_path / "back")


def test_a_hook_of_the_repository_does_not_run(repo, tmp_path):
    hook = repo / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch '{tmp_path}/ran'\n")
    hook.chmod(0o755)

    restore(sealed(repo, tmp_path / "store"), tmp_path / "back", repositories=(repo,))

    assert not (tmp_path / "ran").exists()


def test_a_submodule_is_restored_from_its_stored_sources(repo, git, tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    git(tmp_path, "init", "-q", str(inner))
    (inner / "lib.py").write_text("one = 1\n")
    git(inner, "add", "-A")
    git(inner, "-c", "user.email=a@b", "-c", "user.name=n", "commit", "-qm", "inner")
    git(repo, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "lib")
    git(repo, "commit", "-qm", "add lib")
    (repo / "lib" / "lib.py").write_text("one = 2\n")

    restored = restore(sealed(repo, tmp_path / "store"), tmp_path / "back", repositories=(repo,))

    assert restored.exact, restored.missing
    assert (tmp_path / "back" / "lib" / "lib.py").read_text() == "one = 2\n"


# ── run it again ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_deterministic_program_comes_out_bit_equal(repo, cli, options, command, capfd):
    assert cli("run", *options, *command) == 0
    capfd.readouterr()

    assert cli("rerun", "@last") == 0

    assert "reproduced to the last bit" in capfd.readouterr().out


def test_a_rerun_runs_the_code_of_then_and_not_the_code_of_now(repo, cli, options, command, capfd, git):
    assert cli("run", *options, *command) == 0
    (repo / "helper.py").write_text("def score(step, seed):\n    return 0.0\n")
    git(repo, "commit", "-qam", "worse")
    capfd.readouterr()

    assert cli("rerun", "a first try") == 0

    assert "reproduced to the last bit" in capfd.readouterr().out


def test_a_rerun_is_a_run_of_its_own_that_names_what_it_repeats(repo, cli, options, command, tmp_path):
    import json

    from runaudit.store import Store
    from runaudit.store.catalogue import load, run_ids

    assert cli("run", *options, *command) == 0
    assert cli("rerun", "@last", "--to", str(tmp_path / "again"), "--json") == 0

    store = Store.open(repo / ".runaudit")
    first, second = (load(store, run) for run in run_ids(store))
    assert second.label == "rerun of a first try"
    assert second.manifest.section("origin")["rerun_of"] == first.id
    assert second.manifest.seed == first.manifest.seed
    assert json.dumps(second.manifest.section("data")["train"]["digest"]) == json.dumps(
        first.manifest.section("data")["train"]["digest"]
    )
    assert second.manifest.waivers == ()


def test_a_program_that_throws_dice_cannot_be_judged_by_one_run(repo, cli, options, capfd):
    dice = "import runaudit, random; runaudit.log(1, {'val/psnr': random.random()})"
    assert cli("run", *options, "--", sys.executable, "-c", dice) == 0
    capfd.readouterr()

    assert cli("rerun", "@last") == 3

    out = capfd.readouterr().out
    assert "it cannot be determined" in out
    assert "with 1 replicate it cannot be determined whether that is noise (3 are needed)" in out


def test_a_run_that_was_dirty_is_repeated_as_it_was(repo, cli, options, command, capfd):
    (repo / "helper.py").write_text("def score(step, seed):\n    return 3.5\n")
    assert cli("run", *options, "--waive", "dirty_tree=on purpose", *command) == 0
    capfd.readouterr()

    assert cli("rerun", "@last") == 0
    assert "reproduced to the last bit" in capfd.readouterr().out


def test_a_command_that_held_a_secret_cannot_be_repeated(repo, cli, options, capfd):
    assert cli("run", *options, "--", sys.executable, "-c", "pass", "--api-key", "sk-abcdefghijklmnopqrstuvwx12") == 0
    capfd.readouterr()

    assert cli("rerun", "@last") == 3
    assert "held a secret" in capfd.readouterr().err


def test_what_a_repeated_command_prints_does_not_mix_with_the_answer(repo, cli, options, capfd):
    import json

    assert (
        cli("run", *options, "--", sys.executable, "-c", "import runaudit; runaudit.log(1, {'m': 1.0}); print('hi')")
        == 0
    )
    capfd.readouterr()

    assert cli("rerun", "@last", "--json") == 0

    out, err = capfd.readouterr()
    assert json.loads(out)["verdict"] == "bit_equal"
    assert "hi" in err


def test_a_folder_inside_the_work_tree_is_allowed_and_told(repo, tmp_path):
    restored = restore(sealed(repo, tmp_path / "store"), repo / "back", repositories=(repo,))

    assert restored.exact
    assert "lies inside the work tree" in restored.notes[0]


def test_a_committed_file_that_holds_a_secret_is_recognised_by_its_redacted_digest(
    repo, git, cli, options, command, tmp_path, capfd
):
    (repo / "settings.py").write_text("api_key = 'sk-abcdefghijklmnopqrstuvwx12'\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "a key, alas")
    assert cli("run", *options, *command) == 0

    assert cli("restore", "@last", "--to", str(tmp_path / "back")) == 0
    assert cli("rerun", "@last") == 0
    assert (tmp_path / "back" / "settings.py").read_text() == "api_key = 'sk-abcdefghijklmnopqrstuvwx12'\n"


def test_an_uncommitted_secret_cannot_be_restored_and_is_named(repo, git, cli, options, command, tmp_path, capfd):
    (repo / "settings.py").write_text("api_key = 'sk-abcdefghijklmnopqrstuvwx12'\n")
    assert cli("run", *options, "--waive", "RA104=local settings", *command) == 0
    capfd.readouterr()

    assert cli("restore", "@last", "--to", str(tmp_path / "back")) == 3

    assert "settings.py: secrets in it were redacted when it was recorded" in capfd.readouterr().out
    assert "sk-abcdef" not in (tmp_path / "back" / "settings.py").read_text()


def test_a_repetition_on_other_data_names_the_data_before_any_result(repo, cli, options, command, capfd):
    assert cli("run", *options, *command) == 0
    (repo / "data" / "train" / "a.bin").write_bytes(b"other")
    capfd.readouterr()

    assert cli("rerun", "@last") == 1

    out = capfd.readouterr().out
    assert "): not the same inputs: data.train." in out
    assert cli("rerun", "@last~1", "--json") == 1
    answer = json.loads(capfd.readouterr().out)
    assert answer["verdict"] == "other_inputs"
    assert [row["factor"] for row in answer["inputs"]] == ["data.train"]


def test_a_repetition_elsewhere_under_another_label_has_the_same_inputs(repo, cli, options, command, tmp_path, capfd):
    assert cli("run", *options, *command) == 0
    capfd.readouterr()

    assert cli("rerun", "@last", "--to", str(tmp_path / "far away"), "--json") == 0

    assert json.loads(capfd.readouterr().out)["inputs"] == []
