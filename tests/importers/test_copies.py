"""One start of a run of W&B's that lies in two folders is one run; what contradicts it is kept, and says so."""

import json
import shutil
from dataclasses import replace
from itertools import permutations

import pytest

from runaudit.importers.copies import told_once
from runaudit.importers.draft import Draft
from runaudit.runs.intake import take_in
from runaudit.runs.reading import all_runs
from runaudit.settings import Settings
from runaudit.store.store import Store
from tests.importers.reading import runs_in
from tests.importers.test_foreign_files import frames, history

BEGUN = "2026-01-01T00:00:00.250000Z"
RUN, OTHER = "run-20260101_000000-abcd1234", "run-20260102_000000-zyxw9876"


def record(*losses, at="latest-run", begun=BEGUN, folder=None, **rest):
    told = {"folder": folder} if folder else {}
    given = {"config": {"lr": 0.1}, "series": {"loss": tuple(enumerate(losses))}} | rest
    return Draft(kind="wandb", source=at, run="abcd1234", identity="abcd1234", launch={"started": begun}, told=told,
                 **given)  # fmt: skip


WHOLE = record(3.0, 2.0, 1.0, at=RUN, folder=RUN, exit_code=0)


@pytest.mark.parametrize(
    "copy",
    [record(3.0, 2.0, 1.0, exit_code=0), record(3.0, 2.0), record(), record(3.0, config=None),
     record(series={"loss": ((1, 2.5),)}), record(3.0, 2.0, begun="2026-01-01T00:00:05Z")],
    ids=["equal", "the beginning", "no number", "no settings", "a summary that moved on", "noted by another file"],
)  # fmt: skip
@pytest.mark.parametrize("is_first", [True, False])
def test_a_copy_is_told_once_and_the_fuller_record_stands(copy, is_first):
    found = told_once([copy, WHOLE] if is_first else [WHOLE, copy])

    assert found.drafts == [WHOLE]
    assert [(one.source, home) for one, home in found.copies] == [("latest-run", RUN)]


def test_a_file_that_one_of_two_copies_lost_is_told_by_the_other():
    lost = replace(WHOLE, config=None, unknown={"config": "there is no config.yaml", "data": "no"})

    (one,) = told_once([lost, record(3.0, patch="+x", unknown={"data": "no"})]).drafts

    assert (one.config, one.patch, one.unknown, one.source) == ({"lr": 0.1}, "+x", {"data": "no"}, RUN)


@pytest.mark.parametrize(
    ("other", "odd"),
    [(record(3.0, 2.5), "loss"), (record(3.0, config={"lr": 0.2}), "lr"), (record(3.0, exit_code=1), "how it ended"),
     (record(3.0, program="eval.py"), "the script"), (record(3.0, code={"commit": "8" * 40}), "the commit"),
     (record(3.0, argv=["--lr", "1"]), "the command line")],
    ids=["number", "setting", "end", "script", "commit", "options"],
)  # fmt: skip
def test_what_contradicts_the_run_whose_id_and_start_it_bears_is_kept_and_says_so(other, odd):
    whole = replace(WHOLE, program="train.py", code={"commit": "7" * 40}, argv=["--lr", "0.1"])

    found = told_once([other, whole])

    assert ([one.source for one in found.drafts], found.copies) == (["latest-run", RUN], [])
    assert all(f"says otherwise of {odd}: both are kept" in one.notes[-1] for one in found.drafts)


@pytest.mark.parametrize(
    "other",
    [record(3.0, begun="2026-01-01T01:00:00Z"), replace(record(3.0), identity="other"),
     record(3.0, at="b", folder="run-20260101_010000-abcd1234"), record(3.0, begun=None)],
    ids=["another start", "another id", "another folder of the run", "no start"],
)  # fmt: skip
def test_what_is_not_known_to_be_of_one_start_is_no_copy(other):
    assert told_once([WHOLE, other]).drafts == [WHOLE, other]


# ── in folders ───────────────────────────────────────────────────────────────────────────────────────────────────


def message(run_id, second):
    record = pytest.importorskip("wandb.proto.wandb_internal_pb2").Record()
    record.run.run_id = run_id
    record.run.start_time.seconds = second
    item = record.run.config.update.add()
    item.key, item.value_json = "lr", "0.1"
    return record.SerializeToString()


@pytest.fixture
def folder(tmp_path):
    """What W&B writes for a run, and begins to write over with more of it."""

    def write(name, *losses, second=1767225600, started=BEGUN, lr=0.1, inside=None):
        run_id = inside or name.rpartition("-")[2]
        (files := tmp_path / "wandb" / name / "files").mkdir(parents=True)
        (files / "config.yaml").write_text(f"lr:\n    value: {lr}\n")
        (files / "wandb-metadata.json").write_text(json.dumps({"startedAt": started, "program": "train.py"}))
        log = frames([message(run_id, second), *(history(at, loss=str(loss)) for at, loss in enumerate(losses))])
        (files.parent / f"run-{run_id}.wandb").write_bytes(log)
        return files.parent

    return write


@pytest.mark.parametrize("losses", [(3.0, 2.0, 1.0), (3.0, 2.0)], ids=["equal", "shorter"])
def test_the_copy_that_git_makes_of_latest_run_is_no_second_run(folder, losses):
    run = folder(RUN, 3.0, 2.0, 1.0)
    folder("latest-run", *losses, inside="abcd1234")

    (found,), (copy,) = runs_in(run.parent, "wandb")

    assert (found.source, len(found.run.trajectory.series["loss"])) == (str(run), 3)
    assert (copy.source, copy.reason) == (str(run.parent / "latest-run"), f"a copy of {run}, which is told once")


@pytest.mark.parametrize("losses", [(3.0, 2.0, 1.0), (3.0, 2.0)], ids=["equal", "shorter"])
@pytest.mark.parametrize("order", [*permutations(("latest-run", RUN)), (".", "latest-run"), ("latest-run", ".")])
def test_a_copy_that_comes_in_by_itself_counts_once_in_whatever_order(folder, tmp_path, losses, order):
    run = folder(RUN, 3.0, 2.0, 1.0)
    folder("latest-run", *losses, inside="abcd1234")
    store = Store.create(tmp_path / "store")

    for name in order:
        take_in("wandb", [run.parent / name], lambda: store, Settings())

    (one,) = all_runs(store)
    assert one.metrics["loss"] == 1.0


def test_a_run_that_was_resumed_and_the_copy_of_its_last_start_are_one(folder):
    first = folder(RUN, 3.0, 2.0)
    second = folder("run-20260101_020000-abcd1234", started="2026-01-01T02:00:00.5Z")
    log = frames([message("abcd1234", 1767232800), *(history(at, loss=f"{1 / at}") for at in (2, 3, 4))])
    (second / "run-abcd1234.wandb").write_bytes(log)
    shutil.copytree(second, first.parent / "latest-run")

    (found,), (copy,) = runs_in(first.parent, "wandb")

    assert [step for step, _ in found.run.trajectory.series["loss"]] == [0, 1, 2, 3, 4]
    assert copy.source.endswith("latest-run")


def test_two_runs_with_one_id_and_start_that_differ_are_both_kept(folder):
    run = folder(RUN, 3.0, 2.0)
    folder("latest-run", 3.0, 2.5, inside="abcd1234")

    found, skipped = runs_in(run.parent, "wandb")

    assert (len(found), skipped) == (2, ())
    assert all("both are kept" in one.run.manifest.section("origin")["note"] for one in found)


def test_a_copy_that_contradicts_the_run_and_comes_in_later_is_kept_and_says_so(folder, tmp_path):
    run = folder(RUN, 3.0, 2.0)
    folder("latest-run", 3.0, 2.5, inside="abcd1234")
    store = Store.create(tmp_path / "store")

    for name in (RUN, "latest-run", "latest-run", RUN):
        take_in("wandb", [run.parent / name], lambda: store, Settings())

    notes = [one.manifest.section("origin").get("note", "") for one in all_runs(store)]
    assert sorted("says otherwise: both are kept" in note for note in notes) == [False, True]


@pytest.mark.parametrize("order", [(RUN, "latest-run"), ("latest-run", RUN)])
def test_a_copy_without_some_of_the_settings_counts_once(folder, tmp_path, order):
    run = folder(RUN, 3.0, 2.0)
    folder("latest-run", 3.0, 2.0, inside="abcd1234")
    with (run / "files" / "config.yaml").open("a") as file:
        file.write("width:\n    value: 8\n")
    store = Store.create(tmp_path / "store")

    for name in order:
        take_in("wandb", [run.parent / name], lambda: store, Settings())

    (one,) = all_runs(store)
    assert one.manifest.section("config") == {"lr": 0.1, "width": 8}


def test_the_files_of_one_run_are_not_mixed_with_the_log_of_another(folder):
    latest = folder("latest-run", 3.0, inside="abcd1234", started="2026-01-09T00:00:00Z", lr=0.7)

    (found,), _ = runs_in(latest, "wandb")

    manifest = found.run.manifest
    assert (manifest.body["config"]["lr"], manifest.section("launch")["started"]) == (
        0.1,
        "2026-01-01T00:00:00.000000Z",
    )
    assert manifest.section("origin")["note"] == (
        "its files/ are of a run that began at 2026-01-09T00:00:00Z, not of abcd1234, and are left out"
    )


def test_two_starts_that_one_folder_tells_of_are_said_where_nothing_else_tells_two_runs(folder):
    latest = folder("latest-run", 3.0, inside="abcd1234", started="2026-01-09T00:00:00Z")

    (found,), _ = runs_in(latest, "wandb")

    assert found.run.manifest.section("launch")["started"] == "2026-01-09T00:00:00Z"
    assert "its files/ tell of a start at 2026-01-09T00:00:00" in found.run.manifest.section("origin")["note"]


def test_a_log_of_another_run_in_the_folder_of_a_run_is_left_out(folder):
    run = folder(RUN, 3.0, inside="zyxw9876", lr=0.7)

    (found,), _ = runs_in(run, "wandb")

    assert (found.run.manifest.body["config"]["lr"], dict(found.run.trajectory.series)) == (0.7, {})
    assert "is of the run zyxw9876, and is left out" in found.run.manifest.section("origin")["note"]


def test_settings_that_two_files_of_a_run_tell_otherwise_are_noted(folder):
    (found,), _ = runs_in(folder(RUN, 3.0, lr=0.7), "wandb")

    assert (
        found.run.manifest.section("origin")["note"]
        == "config.yaml says otherwise of lr than the .wandb file beside it"
    )
