"""Laws of links in a store: it may itself be one; none inside leads a writer out of it, and `verify` names each."""

import os

import pytest

from runaudit.errors import RunauditError, StoreError
from runaudit.record.outcome import seal_outcome
from runaudit.store import Store

PLACES = ["cache", "objects", "objects/sha256", "runs", "live", "tmp", "log.jsonl", "redaction.key", "aside"]


@pytest.fixture
def outside(tmp_path):
    """A folder of the user's own, with a file that bears the name of an index."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "list.sqlite").write_text("mine")
    return folder


def moved_out(root, name, outside):
    """What lies at `name` of the store, moved outside, and a link to it left in its place."""
    there = outside / name.replace("/", "-")
    if (root / name).exists():
        (root / name).rename(there)
    else:
        there.mkdir()
    (root / name).symlink_to(there)


def bytes_of(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("name", PLACES)
def test_no_command_works_with_a_store_from_which_a_link_leads_out(name, here, runaudit, make_run, seal_run, outside):
    run = seal_run(here, make_run())
    moved_out(here.root, name, outside)
    before = bytes_of(outside)

    for words in (["list"], ["annotate", run.id, "a note"], ["doctor", "--repair"], ["archive", run.id]):
        code, _, err = runaudit(*words)
        assert code == 2 and f"{name} is a link that leads out of the store" in err and err.count("\n") == 1

    assert bytes_of(outside) == before


@pytest.mark.parametrize("name", [*PLACES, "cache/list.sqlite", "live/x", "objects/sha256/ab", "signatures"])
def test_verify_and_doctor_name_every_link_that_leads_out(name, here, runaudit, make_run, seal_run, outside):
    seal_run(here, make_run())
    moved_out(here.root, name, outside)

    for words in (["verify"], ["doctor"]):
        code, out, _ = runaudit(*words)
        assert code == 4 and f"{name}" in out and "leads out of the store" in out


def typed(words):
    """What is written between the first pair of backticks, typed into a shell. Its exit code."""
    return os.system(words.split("`")[1])


@pytest.mark.parametrize("leads", ["to a folder of the user's", "nowhere"])
@pytest.mark.parametrize("name", ["cache/list.sqlite", "cache", "tmp"])
def test_what_can_be_made_again_is_removed_and_nothing_of_the_user_is_moved_into_its_place(
    name, leads, here, runaudit, make_run, seal_run, outside, tmp_path
):
    seal_run(here, make_run())
    moved_out(here.root, name, outside if leads != "nowhere" else tmp_path)
    if leads == "nowhere":
        (tmp_path / name.replace("/", "-")).rename(tmp_path / "away")
    before = bytes_of(outside)

    remedy = runaudit("list")[2]

    assert f"`rm {here.root}/{name}`" in remedy and "mv " not in remedy
    assert typed(remedy) == 0
    assert runaudit("list")[0] == 0 and runaudit("verify")[0] == 0
    assert bytes_of(outside) == before


@pytest.mark.parametrize("name", ["runs", "objects", "objects/sha256", "live", "log.jsonl", "redaction.key", "aside"])
def test_the_remedy_for_a_link_that_leads_nowhere_takes_it_away_and_verify_then_speaks_of_what_is_missing(
    name, here, runaudit, make_run, seal_run, tmp_path
):
    seal_run(here, make_run())
    moved_out(here.root, name, tmp_path)
    (tmp_path / name.replace("/", "-")).rename(tmp_path / "away")

    told = runaudit("list")[2]

    assert f"nothing lies there: `rm {here.root}/{name}`" in told and "mv " not in told
    assert typed(told) == 0
    code, out, err = runaudit("verify")
    assert "leads out of the store" not in out + err
    assert code == (4 if name in ("runs", "objects", "objects/sha256", "log.jsonl") else 0)


@pytest.mark.parametrize("name", ["runs", "objects", "log.jsonl"])
def test_the_remedy_that_doctor_names_works_as_it_is_typed(name, here, runaudit, make_run, seal_run, outside):
    seal_run(here, make_run())
    moved_out(here.root, name, outside)

    assert typed(runaudit("doctor")[1]) == 0
    assert runaudit("verify")[0] == 0
    assert runaudit("list")[0] == 0


def test_a_store_that_is_itself_a_link_and_links_that_stay_in_it_are_fine(here, runaudit, make_run, seal_run, tmp_path):
    seal_run(here, make_run())
    here.root.rename(tmp_path / "elsewhere")
    here.root.symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "latest").symlink_to("runs")

    assert runaudit("list")[0] == 0
    assert runaudit("verify")[0] == 0


def test_nothing_is_put_and_nothing_sealed_through_a_deeper_link(store, make_run, seal_run, outside):
    run = seal_run(store, make_run(status=None))
    (store.live_dir(run.id)).symlink_to(outside)
    digest = "0" * 64
    for first in range(256):
        if not (folder := store.root / "objects" / "sha256" / f"{first:02x}").exists():
            folder.symlink_to(outside)

    with pytest.raises(RunauditError, match="leads out of the store"):
        seal_outcome(store, run.manifest, status="completed")
    with pytest.raises(StoreError, match="leads out of the store"):
        for number in range(64):
            store.put(f"{digest}{number}".encode())

    assert list(bytes_of(outside)) == [outside / "list.sqlite"]


def test_a_folder_that_is_missing_is_made_again(store):
    for name in ("tmp", "live", "cache", "runs"):
        (store.root / name).rmdir()

    Store.create(store.root)

    assert all((store.root / name).is_dir() for name in ("tmp", "live", "cache", "runs", "objects/sha256"))
