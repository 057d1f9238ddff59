"""Laws of a stranger's record: its command never runs unasked, and its files never lie where they must not."""

import json
import os
import shlex
import shutil
import sys

import pytest

from runaudit.capture.draft import open_store
from runaudit.errors import IntegrityError
from runaudit.launch.rerun import rerun
from runaudit.records.digest import digest_bytes
from runaudit.records.manifest import Manifest
from runaudit.records.run import Run
from runaudit.store import Store
from runaudit.store.catalogue import run_ids


@pytest.fixture
def mark(tmp_path):
    """What a stranger's command leaves, were it run."""
    return tmp_path / "it-ran"


def words_of(mark):
    return [sys.executable, "-c", f"open({str(mark)!r}, 'w')"]


@pytest.fixture
def as_record(repo, cli, mark):
    """The store of somebody who imported a record file."""
    record = {"label": "theirs", "seed": 1, "code": {"files": {"a.py": "x = 1\n"}},
              "runtime": {"argv": words_of(mark), "cwd": str(repo), "status": "completed"},
              "origin": {"kind": "captured", "from": {"kind": "captured"}}}  # fmt: skip
    (repo / "r.json").write_text(json.dumps(record))
    assert cli("import", "record", "r.json") == 0


@pytest.fixture
def as_bundle(repo, cli, options, mark, tmp_path):
    """The store of somebody who imported a bundle of captured runs."""
    assert cli("run", *options, "--", *words_of(mark)) == 0
    assert cli("export", "@last", "-o", str(tmp_path / "theirs.bundle")) == 0
    shutil.rmtree(repo / ".runaudit")
    mark.unlink()
    assert cli("import", str(tmp_path / "theirs.bundle")) == 0


@pytest.fixture
def as_old_bundle(as_bundle, repo):
    """As above, with a store of a version that did not write down that the run came from a bundle."""
    log = repo / ".runaudit/log.jsonl"
    assert b'"kind":"imported"' in log.read_bytes()
    (repo / ".runaudit/live").mkdir(exist_ok=True)
    assert not list((repo / ".runaudit/live").iterdir())


@pytest.fixture
def as_shown(repo, cli, options, mark, capfd):
    """The store of somebody who imported what `show --json` printed of a captured run."""
    assert cli("run", *options, "--", *words_of(mark)) == 0
    capfd.readouterr()
    assert cli("show", "@last", "--json") == 0
    shown = capfd.readouterr().out
    shutil.rmtree(repo / ".runaudit")
    mark.unlink()
    (repo / "r.json").write_text(shown)
    assert cli("import", "record", "r.json") == 0


@pytest.mark.parametrize("way", ["as_record", "as_bundle", "as_shown"])
def test_the_command_of_an_imported_run_is_shown_and_not_run(way, request, repo, cli, mark, capfd):
    request.getfixturevalue(way)
    before = run_ids(Store.open(repo / ".runaudit"))
    capfd.readouterr()

    assert cli("rerun", "@last") == 5

    _, err = capfd.readouterr()
    assert shlex.join(words_of(mark)) in err
    assert "came from" in err and "--trust" in err
    assert err.count("\n") == 1
    assert not mark.exists()
    assert run_ids(Store.open(repo / ".runaudit")) == before


@pytest.mark.parametrize("way", ["as_record", "as_bundle"])
def test_with_trust_it_is_run(way, request, repo, cli, mark):
    request.getfixturevalue(way)

    cli("rerun", "@last", "--trust")

    assert mark.exists()


def test_a_run_that_the_store_holds_no_launch_of_is_asked_about(as_old_bundle, repo, mark, cli, monkeypatch):
    monkeypatch.setattr("runaudit.store.foreign.IMPORTED", "unheard-of")

    assert cli("rerun", "@last") == 5
    assert not mark.exists()


def test_a_run_that_was_launched_here_is_run_again_unasked(repo, cli, options, mark):
    assert cli("run", *options, "--", *words_of(mark)) == 0
    mark.unlink()

    cli("rerun", "@last")

    assert mark.exists()


# ── a store from elsewhere ───────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def launched(repo, cli, options, mark):
    """One run, launched here."""
    assert cli("run", *options, "--", *words_of(mark)) == 0
    mark.unlink()
    return repo / ".runaudit"


@pytest.fixture
def another_home(monkeypatch, tmp_path):
    """What another user, or another machine, has in place of this one's key."""
    return lambda: monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))


@pytest.fixture
def own_home():
    """Of whoever made the original: others may have written into its clone."""
    return lambda: None


def without_mark(store):
    """As an older runaudit left it."""
    for place in (store / "live").glob("*/mine"):
        place.unlink()


def cloned(repo, git, to):
    """The repository with its store in it, cloned by somebody else."""
    (repo / ".runaudit" / ".gitignore").unlink()
    git(repo, "add", "-f", ".runaudit")
    git(repo, "commit", "-qm", "all of it")
    git(repo, "clone", "-q", str(repo), str(to))


def unpacked(repo, git, to):
    shutil.copytree(repo, to, symlinks=True)


@pytest.mark.parametrize("way", [cloned, unpacked])
@pytest.mark.parametrize("is_old", [False, True])
@pytest.mark.parametrize("home", ["another_home", "own_home"])
def test_the_command_of_a_store_that_came_from_elsewhere_is_not_run_unasked(
    way, is_old, home, request, launched, repo, git, cli, mark, tmp_path, monkeypatch, capfd
):
    if is_old:
        without_mark(launched)
    way(repo, git, tmp_path / "theirs")
    request.getfixturevalue(home)()
    monkeypatch.chdir(tmp_path / "theirs")
    before = (tmp_path / "theirs/.runaudit/log.jsonl").read_bytes()
    if way is unpacked:  # Later than a test can wait for. A clone in the very moment of the launch is none of ours.
        monkeypatch.setattr("runaudit.store.mine._APART_S", 0.0)
    capfd.readouterr()

    assert cli("rerun", "@last") == 5

    _, err = capfd.readouterr()
    assert "cloned, unpacked or copied" in err and "--trust" in err and err.count("\n") == 1
    assert not mark.exists()
    assert (tmp_path / "theirs/.runaudit/log.jsonl").read_bytes() == before


def test_what_is_trusted_once_is_not_asked_about_again_and_only_that(
    launched, repo, git, cli, options, mark, another_home, tmp_path, monkeypatch
):
    first = run_ids(Store.open(launched))[0]
    cloned(repo, git, tmp_path / "mine-too")
    another_home()
    monkeypatch.chdir(tmp_path / "mine-too")
    assert cli("rerun", first) == 5

    cli("rerun", first, "--trust")
    assert mark.exists()
    mark.unlink()

    assert cli("rerun", first) != 5
    assert mark.exists()


def test_to_look_at_a_run_with_its_names_as_they_are_is_not_to_trust_its_command(
    launched, repo, git, cli, mark, another_home, tmp_path, monkeypatch
):
    cloned(repo, git, tmp_path / "theirs")
    another_home()
    monkeypatch.chdir(tmp_path / "theirs")

    assert cli("restore", "@last", "--to", str(tmp_path / "look"), "--trust") == 0
    assert cli("rerun", "@last") == 5


def moved(repo, to):
    repo.rename(to)
    return to


def restored(repo, to):
    shutil.copytree(repo, to, symlinks=True)
    shutil.rmtree(repo)
    shutil.copytree(to, repo, symlinks=True)
    return repo


def linked(repo, to):
    repo.rename(to)
    repo.symlink_to(to)
    return repo


@pytest.mark.parametrize("way", [moved, restored, linked])
def test_the_owner_of_a_store_that_was_moved_or_restored_is_not_asked(
    way, launched, repo, cli, mark, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("runaudit.store.mine._APART_S", -1.0)
    monkeypatch.chdir(way(repo, tmp_path / "there"))

    assert cli("rerun", "@last") != 5
    assert mark.exists()


def test_the_owner_of_a_store_of_an_older_version_is_not_asked(launched, cli, mark, another_home):
    without_mark(launched)
    another_home()

    assert cli("rerun", "@last") != 5
    assert mark.exists()


def test_a_mark_holds_for_one_run_alone(launched, repo, cli, options, mark, another_home, monkeypatch):
    monkeypatch.setattr("runaudit.store.mine._APART_S", -1.0)
    (one,) = (launched / "live").glob("*/mine")
    stolen = one.read_bytes()
    assert cli("run", *options, "--", *words_of(mark)) == 0
    mark.unlink()
    other = next(place for place in (launched / "live").glob("*/mine") if place != one)
    other.unlink()
    other.write_bytes(stolen)

    assert cli("rerun", other.parent.name) == 5
    assert not mark.exists()


def test_a_launch_needs_no_home(repo, cli, options, mark, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/nowhere")

    assert cli("run", *options, "--", *words_of(mark)) == 0
    assert cli("rerun", "@last") != 5


def test_the_key_in_a_home_that_is_the_work_tree_is_no_part_of_the_code(repo, cli, options, command, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(repo / ".local" / "state"))

    assert cli("run", *options, *command) == 0
    assert (repo / ".local/state/runaudit/key").stat().st_mode & 0o777 == 0o600
    assert cli("run", *options, *command) == 0


def test_a_cloned_store_without_its_empty_folders_takes_runs(
    launched, repo, git, cli, options, command, tmp_path, monkeypatch
):
    cloned(repo, git, tmp_path / "theirs")
    shutil.copytree(repo / "data", tmp_path / "theirs/data")
    monkeypatch.chdir(tmp_path / "theirs")
    git(tmp_path / "theirs", "config", "user.email", "a@b.c")
    assert not (tmp_path / "theirs/.runaudit/tmp").exists()
    git(tmp_path / "theirs", "rm", "-rq", "--cached", ".runaudit")
    git(tmp_path / "theirs", "-c", "user.name=n", "commit", "-qm", "no store")

    assert cli("run", *options[:-1], "another design", *command) == 0


@pytest.mark.parametrize("way", ["as_record", "as_bundle"])
def test_restoring_runs_nothing(way, request, cli, mark, tmp_path):
    request.getfixturevalue(way)

    assert cli("restore", "@last", "--to", str(tmp_path / "there")) == 0
    assert not mark.exists()


@pytest.mark.parametrize("prefix", ["../..", "/tmp", ".git"])
def test_a_command_that_would_start_outside_of_its_tree_is_refused(prefix, repo, mark, tmp_path):
    store = open_store(repo / ".runaudit")
    code = {"vcs": None, "files": {"a.py": {"digest": str(store.put(b"x = 1")), "size": 5}}}
    launch = {"argv": words_of(mark), "prefix": prefix}
    run = Run(manifest=Manifest.of({"code": code, "launch": launch}), blobs=store.blobs)

    with pytest.raises(IntegrityError, match="outside the tree"):
        rerun(store, run, tmp_path / "to", is_trusted=True)

    assert not mark.exists()


# ── what a record puts into a folder ─────────────────────────────────────────────────────────────────────────────


def link(target):
    return {"digest": str(digest_bytes(target.encode())), "size": len(target), "mode": "120000"}


@pytest.mark.parametrize(
    "files",
    [{"../ESCAPED": "x"}, {"a/../../ESCAPED": "x"}, {"/ESCAPED": "x"}, {".git/hooks/post-checkout": "x"},
     {".GIT/config": "x"}, {"sub/.git /config": "x"}, {"git~1/config": "x"}, {".g\u200cit/x": "x"}, {"a\0b": "x"},
     {"": "x"}, {".": "x"}, {"x" * 300: "x"}, {"d/" * 2000 + "x": "x"}, {"a": "x", "a/b": "x"},
     {"a": link("/tmp"), "a/b": "x"},
     {"CON": "x"}, {"lib/aux.py": "x"}, {"A.py": "x", "a.py": "x"}, {"é.py": "x", "e\u0301.py": "x"}, {"a. /b": "x"}],
)  # fmt: skip
def test_a_name_that_has_no_place_in_a_folder_is_one_refusal_before_anything_is_written(
    files, repo, cli, capfd, tmp_path
):
    """By who imports such a record where it can be told there; and by who restores one that lies in a store anyhow."""
    texts = {"ok.py": "x = 1\n", **files}
    record = {"label": "theirs", "code": {"files": texts}, "runtime": {"status": "completed"}}
    (repo / "r.json").write_text(json.dumps(record))
    if cli("import", "record", "r.json") != 0:
        assert capfd.readouterr().err.count("\n") == 1
        assert not (repo / ".runaudit" / "log.jsonl").exists()
        store = Store.create(repo / ".runaudit")
        held = {name: {"digest": str(store.put(text.encode())), "size": len(text)} if isinstance(text, str) else text
                for name, text in texts.items()}  # fmt: skip
        code = {"commit": None, "dirty": True, "files": held}
        store.seal_manifest(Manifest.of({"label": "theirs", "code": code, "origin": {"kind": "record"}}),
                            time="2026-01-01T00:00:00Z")  # fmt: skip
    before = sorted(os.walk(tmp_path))
    capfd.readouterr()

    assert cli("restore", "theirs", "--to", str(tmp_path / "to")) in (2, 4)

    _, err = capfd.readouterr()
    assert "nothing was written" in err and err.count("\n") == 1
    assert [found for found in sorted(os.walk(tmp_path)) if ".runaudit" not in found[0]] == [
        found for found in before if ".runaudit" not in found[0]
    ]


def test_names_that_are_harmless_here_can_be_taken_as_they_are(repo, cli, tmp_path):
    files = {"lib/aux.py": "x = 1\n", "A.py": "a\n", "a.py": "b\n"}
    (repo / "r.json").write_text(json.dumps({"label": "theirs", "code": {"files": files}}))
    assert cli("import", "record", "r.json") == 0

    assert cli("restore", "theirs", "--to", str(tmp_path / "to"), "--trust") == 0

    assert {path: (tmp_path / "to" / path).read_text() for path in files} == files


def test_no_tree_is_restored_into_a_store(repo, cli, options, command):
    assert cli("run", *options, *command) == 0

    assert cli("restore", "@last", "--to", ".runaudit/objects/new") == 2
    assert cli("restore", "@last", "--to", ".runaudit/new") == 2


def test_a_name_that_is_no_text_comes_back_as_it_was(repo, cli, options, command, git, tmp_path):
    odd = os.fsdecode(b"code\xff.py")
    for name in (odd, r"code\xff.py", "e\u0301.py", "é.py", "new\nline.py"):
        (repo / name).write_text(f"{name!r}\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "odd names")
    assert cli("run", *options, *command) == 0

    assert cli("restore", "@last", "--to", str(tmp_path / "to")) == 0

    for name in (odd, r"code\xff.py", "e\u0301.py", "é.py", "new\nline.py"):
        assert (tmp_path / "to" / name).read_text() == f"{name!r}\n"


def test_a_number_that_the_program_may_read_as_text_is_told_at_the_launch(repo, cli, git, command, capfd):
    (repo / "c.yaml").write_text("lr: 1e-4\nwidth: 4\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "yaml")
    data = ["--data", "train=data/train", "--data", "val=data/val", "--seed", "1", "--label", "learns more slowly"]

    assert cli("run", "--config", "c.yaml", *data, *command) == 0

    err = capfd.readouterr().err
    assert "RA114" in err and "`1e-4` in line 1 of c.yaml is text" in err and "write 1.0e-4" in err


@pytest.mark.parametrize("there", [".git/y", ".git/hooks/y", "sub/.GIT/y", "link/y"])
def test_no_tree_is_restored_into_a_folder_of_git(there, repo, cli, options, command, capfd):
    assert cli("run", *options, *command) == 0
    (repo / "sub").mkdir()
    (repo / "link").symlink_to(".git")
    before = sorted(os.walk(repo / ".git"))
    capfd.readouterr()

    assert cli("restore", "@last", "--to", there) == 2

    assert "git's own folder" in capfd.readouterr().err
    assert sorted(os.walk(repo / ".git")) == before
    assert not (repo / "sub/.GIT").exists()


@pytest.mark.parametrize("word", ["HEAD", "main", "@{-1}", "--help", "HEAD~0", ":/start"])
def test_a_commit_of_a_record_that_is_a_word_is_never_looked_up(word, repo, cli, tmp_path, capfd):
    code = {"commit": word, "dirty": False, "files": {"a.py": "x = 1\n"}}
    (repo / "r.json").write_text(json.dumps({"label": "theirs", "code": code}))
    assert cli("import", "record", "r.json") == 0
    capfd.readouterr()

    assert cli("restore", "theirs", "--to", str(tmp_path / "to")) == 0

    out, err = capfd.readouterr()
    assert f"the commit {word!r}, which is no whole id" in out + err
    assert [path.name for path in (tmp_path / "to").iterdir()] == ["a.py"]


def test_code_of_which_only_a_moving_word_is_known_is_unknown(repo, cli, capfd):
    for seed, label in enumerate(("one", "other")):
        record = {"label": label, "seed": seed, "config": {"lr": 1}, "code": {"commit": "HEAD", "dirty": False}}
        (repo / f"{label}.json").write_text(json.dumps(record))
    capfd.readouterr()

    cli("diff", "one.json", "other.json", "--json")

    assert "code.commit" in {gap["factor"] for gap in json.loads(capfd.readouterr().out)["missing"]}
