"""What lies in the place of a store's file and is no file is damage, and named; it is never waited for, and never a
fault of runaudit. What lies in the place of a cache is passed over."""

import os
import shutil
import signal
import socket

import pytest

from runaudit.cli.app import COMMANDS
from runaudit.records.digest import Digest
from runaudit.store.catalogue import outcome_entry
from tests.cli.recorded import METRIC, cohort, launched
from tests.diff.samples import put

KINDS = {
    "a folder": lambda path: path.mkdir(),
    "a pipe": os.mkfifo,
    "a socket": lambda path: socketed(path),
    "a link that leads nowhere": lambda path: path.symlink_to("nowhere"),
}
FOLDERS = ("tmp", "objects", "live", "runs")


def socketed(path):
    at = os.getcwd()
    os.chdir(path.parent)  # A socket's whole name has room for 107 bytes.
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)
    os.chdir(at)


@pytest.fixture
def whole(here, runaudit):
    """A store with every kind of file; returns it and its files by what they are."""
    one = cohort(here, "flow staged", (30.95, 31.05, 31.10), put("config/model/alignment", "flow"))[0]
    cohort(here, "TERN staged", (30.05, 30.15, 30.13))
    lost = launched(here, put("label", "lost one"), put("seed", 9))
    live = here.live_dir(lost.id)
    live.mkdir(parents=True)
    for name in ("series.jsonl", "ledger.jsonl", "heartbeat", "seal.lock"):
        (live / name).write_bytes(b"")
    (here.root / "signatures").mkdir()
    (here.root / "signatures" / "00000001-aaaaaaaaaaaa-bbbbbbbbbbbb.dsse.json").write_text("{}")
    (here.root / "redaction.key").write_bytes(bytes(32))
    runaudit("list")
    outcome = outcome_entry(here, one)
    return here, {
        "store.json": here.root / "store.json",
        "log.jsonl": here.root / "log.jsonl",
        "log.end": here.root / "log.end",
        "redaction.key": here.root / "redaction.key",
        "manifest": here.object_path(Digest("sha256", one)),
        "outcome": here.object_path(outcome.digest),
        "signature": next((here.root / "signatures").iterdir()),
        **{name: live / name for name in ("series.jsonl", "ledger.jsonl", "heartbeat", "seal.lock")},
        "list.seal": here.root / "cache" / "list.seal",
        "list.sqlite": here.root / "cache" / "list.sqlite",
    }


@pytest.fixture
def ask(runaudit, tmp_path):
    """Every command that reads or writes the store; a question that waits ends the test."""
    (tmp_path / "draft.md").write_text(f'<!-- runaudit: {METRIC} "flow staged" = 31.0 -->\n')
    words = [
        ("list",), ("list", "--where", "seed == 1"), ("show", "lost one"), ("diff", "flow staged", "TERN staged"),
        ("study",), ("stats", "--metric", METRIC, "flow staged", "--vs", "TERN staged"), ("claims", "draft.md"),
        ("report", "flow staged", "TERN staged", "-o", "page.html"), ("verify",), ("doctor",), ("doctor", "--secrets"),
        ("annotate", "flow staged", "a note"), ("archive", "lost one"), ("export", "flow staged", "-o", "x.bundle"),
        ("health", "flow staged"), ("watch", "lost one"),
        ("path", "lost one"), ("restore", "lost one", "--to", "there"), ("seal", "lost one"),
        ("forget", "lost one", "--reason", "a test"), ("guard", "--label", "new", "--seed", "7", "--", "true"),
        ("gc",), ("push", "./elsewhere"), ("pull", "./elsewhere"), ("doctor", "--repair"),
    ]  # fmt: skip
    assert {one[0] for one in words} == set(COMMANDS) - {
        "plan",
        "run",
        "rerun",
        "untangle",
        "campaign",
        "import",
        "rules",
    }

    def waits(*_):
        raise AssertionError("a command waits for what is no file")

    def call():
        before = signal.signal(signal.SIGALRM, waits)
        signal.alarm(60)
        try:
            return {" ".join(one): runaudit(*one) for one in words}
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)

    return call


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", ["store.json", "log.jsonl", "log.end"])
def test_in_the_place_of_what_every_answer_rests_on_it_is_damage_for_all(whole, ask, place, kind):
    _, files = whole
    put_in_place(files[place], kind)

    answers = ask()
    assert answers.pop("doctor --repair")[0] == 4  # What it mends it says; a lost run is left.
    for words, (code, out, err) in answers.items():
        assert (code, f"{place} is {kind}, not a file" in out + err) == (4, True), (words, code, out, err)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "place",
    ["redaction.key", "manifest", "outcome", "signature", "series.jsonl", "ledger.jsonl", "heartbeat", "seal.lock"],
)
def test_in_the_place_of_any_other_file_it_is_damage_for_who_reads_it(whole, ask, place, kind):
    _, files = whole
    put_in_place(files[place], kind)

    answers = ask()

    assert {code for code, _, _ in answers.values()} <= {0, 1, 2, 3, 4, 5}, answers
    if place in ("redaction.key", "manifest", "outcome", "signature"):
        code, out, err = answers["verify"]
        assert (code, files[place].name[:12] in out + err) == (4, True), (code, out, err)
    if place == "series.jsonl":
        code, _, err = answers["show lost one"]
        assert (code, f"series.jsonl is {kind}, not a file" in err) == (4, True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", ["list.seal", "list.sqlite"])
def test_in_the_place_of_a_cache_it_is_passed_over(whole, runaudit, place, kind):
    _, files = whole
    before = runaudit("list")
    put_in_place(files[place], kind)

    assert runaudit("list") == before
    assert runaudit("list") == before
    assert runaudit("verify")[0] == 4  # the signature above is none


@pytest.mark.parametrize("kind", ["a file", "a pipe"])
@pytest.mark.parametrize("name", FOLDERS)
def test_in_the_place_of_a_folder_it_is_damage_and_no_fault_of_runaudit(whole, ask, name, kind):
    store, _ = whole
    shutil.rmtree(store.root / name)
    (os.mkfifo if kind == "a pipe" else lambda path: path.write_text("x"))(store.root / name)

    answers = ask()

    assert {code for code, _, _ in answers.values()} <= {0, 1, 2, 3, 4, 5}, answers
    code, out, err = answers["verify"]
    assert (code, f"is {kind}, not a folder" in out + err) == (4, True), (out, err)


def put_in_place(path, kind):
    path.unlink()
    KINDS[kind](path)
