import os
import time

import pytest

from runaudit.capture.draft import LaunchRequest, open_store
from runaudit.errors import GuardRefusedError
from runaudit.guard.admission import changed_files, prepare
from runaudit.records.digest import digest_bytes


@pytest.fixture
def request_of(repo):
    def make(**changes):
        given = {"label": "wide", "seed": 1, "config": {"lr": 0.1},
                 "data": {"train": repo / "data" / "train", "val": repo / "data" / "val"}, "root": repo}  # fmt: skip
        return LaunchRequest(**{**given, **changes})

    return make


def test_preparing_seals_nothing(repo, request_of):
    store = open_store(repo / ".runaudit")

    prepared = prepare(request_of(), store)

    assert prepared.answer.allowed
    assert store.entries() == ()
    assert prepared.sealed().digest == prepared.manifest.digest
    assert [entry.kind for entry in store.entries()] == ["manifest"]


def test_a_refused_draft_cannot_be_sealed(repo, request_of):
    store = open_store(repo / ".runaudit")

    with pytest.raises(GuardRefusedError, match="RA301"):
        prepare(request_of(label=None), store).sealed()

    assert store.entries() == ()


def test_an_empty_folder_is_a_finding_in_the_guards_words(repo, request_of):
    (repo / "data" / "empty" / "deep").mkdir(parents=True)

    answer = prepare(request_of(data={"train": repo / "data" / "empty"}), open_store(repo / ".runaudit")).answer

    assert [f.code for f in answer.refusals] == ["RA203"]


def test_a_link_in_the_data_is_refused_in_the_captures_words(repo, request_of):
    (repo / "data" / "train" / "link").symlink_to("/etc/passwd")

    answer = prepare(request_of(), open_store(repo / ".runaudit")).answer

    assert [f.code for f in answer.refusals] == ["RA112"]
    assert "symbolic link" in answer.refusals[0].message


def test_a_seed_from_hash_is_found_in_the_sources(repo, git, request_of):
    (repo / "train.py").write_text("import random\nname = 'a'\nrandom.seed(hash(name) % 100)\n")
    git(repo, "commit", "-qam", "seeded from a name")

    answer = prepare(request_of(), open_store(repo / ".runaudit")).answer

    assert [(f.code, f.evidence["line"]) for f in answer.refusals] == [("RA305", 3)]
    assert prepare(
        request_of(), open_store(repo / ".runaudit"), environ={**os.environ, "PYTHONHASHSEED": "0"}
    ).answer.allowed


def test_new_data_under_an_old_path_is_refused_until_it_is_declared(repo, request_of):
    store = open_store(repo / ".runaudit")
    prepare(request_of(), store).sealed()
    (repo / "data" / "train" / "a.bin").write_bytes(b"other")

    assert [f.code for f in prepare(request_of(label="y"), store).answer.refusals] == ["RA205"]
    assert prepare(request_of(label="y", intent=("data.train",)), store).answer.allowed


def test_a_file_saved_while_it_was_recorded_is_seen_and_one_only_touched_is_not(tmp_path):
    (tmp_path / "a.py").write_text("old")
    (tmp_path / "b.py").write_text("same")
    files = {name: {"digest": str(digest_bytes(text))} for name, text in (("a.py", b"old"), ("b.py", b"same"))}
    since = time.time_ns() - 10_000_000_000
    (tmp_path / "a.py").write_text("new")
    os.utime(tmp_path / "b.py")

    assert changed_files(tmp_path, files, since_ns=since) == ("a.py",)
    assert changed_files(tmp_path, {"gone.py": {"digest": "x"}}, since_ns=since) == ("gone.py",)


def test_the_baseline_of_several_seeds_is_the_one_with_this_seed(repo, git, request_of):
    store = open_store(repo / ".runaudit")
    for seed in (1, 2):
        prepare(request_of(seed=seed), store).sealed()

    answer = prepare(
        request_of(seed=1, label="y", config={"lr": 0.5}, intent=("config.lr",)), store, baseline="wide"
    ).answer

    assert [f.code for f in answer.findings if f.code in ("RA309", "RA310")] == []
    assert "RA309" in answer.asked


def test_the_guard_needs_no_network_and_no_remote(repo, git, request_of, monkeypatch):
    import socket

    def refuse(*_: object) -> None:
        raise AssertionError("the guard opened a connection")

    git(repo, "remote", "add", "upstream", "https://user:secret@example.invalid/x.git")
    monkeypatch.setattr(socket.socket, "connect", refuse)

    prepared = prepare(request_of(), open_store(repo / ".runaudit"))

    assert prepared.answer.allowed
    assert "secret" not in str(prepared.manifest.section("code")["remote"])


def test_a_damaged_record_of_another_run_does_not_stop_this_one_but_is_told(repo, request_of):
    store = open_store(repo / ".runaudit")
    first = prepare(request_of(), store).sealed()
    path = store.object_path(first.digest)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1])

    answer = prepare(request_of(), store).answer

    assert answer.allowed
    assert [f.code for f in answer.findings] == ["RA113"]
