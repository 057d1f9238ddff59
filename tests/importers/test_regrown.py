"""A launch elsewhere is one run here, however often and from wherever its record comes in."""

import json
import shutil

import pytest

from runaudit.errors import StoppedError, UsageError
from runaudit.runs import intake
from runaudit.runs.arms import cohort_named
from runaudit.runs.intake import take_in
from runaudit.runs.names import ids_named
from runaudit.runs.reading import all_runs, stored_cohorts
from runaudit.settings import Settings
from runaudit.store.catalogue import run_ids
from runaudit.store.remarks import supersede, superseded
from runaudit.store.store import Store
from runaudit.store.verify import verify
from tests.importers.test_foreign_files import frames, history


@pytest.fixture
def store(tmp_path):
    return Store.create(tmp_path / ".runaudit")


@pytest.fixture
def written(tmp_path):
    """W&B's folder of one run, written again with more steps: losses, and how it ended where it did."""
    pb = pytest.importorskip("wandb.proto.wandb_internal_pb2")

    def write(*losses, exit_code=None, lr=0.1, name="run-20260101_000000-abc"):
        folder = tmp_path / "wandb" / name
        (folder / "files").mkdir(parents=True, exist_ok=True)
        (folder / "files" / "config.yaml").write_text(f"lr:\n    value: {lr}\nseed:\n    value: 1\n")
        (folder / "files" / "wandb-metadata.json").write_text(json.dumps({"git": {"commit": "c" * 40}}))
        messages = [history(step, loss=str(loss)) for step, loss in enumerate(losses)]
        if exit_code is not None:
            record = pb.Record()
            record.exit.exit_code = exit_code
            messages.append(record.SerializeToString())
        (folder / "run-abc.wandb").write_bytes(frames(messages))
        return folder

    return write


def brought_in(store, path):
    return take_in("wandb", [path], lambda: store, Settings())


def test_a_run_that_has_grown_counts_once_and_both_records_are_kept(store, written):
    (old,), _ = brought_in(store, written(3.0, 2.0))
    (new,), _ = brought_in(store, written(3.0, 2.0, 1.0, exit_code=0))

    assert dict(superseded(store)) == {old["id"]: new["id"]}
    assert [run.id for run in all_runs(store)] == [new["id"]]
    assert set(run_ids(store)) == {old["id"], new["id"]}
    assert not verify(store).problems


def test_a_record_of_an_ended_run_that_was_edited_is_a_run_of_its_own(store, written):
    brought_in(store, written(3.0, 2.0, exit_code=1))
    brought_in(store, written(3.0, 1.0, exit_code=0))

    assert not superseded(store)
    assert len(all_runs(store)) == 2


@pytest.mark.parametrize("changed", [{"losses": (3.0, 1.5, 1.0)}, {"losses": (3.0, 2.0, 1.0), "lr": 0.2}], ids=str)
def test_a_series_or_a_setting_that_was_changed_is_no_growth(store, written, changed):
    brought_in(store, written(3.0, 2.0))
    brought_in(store, written(*changed.pop("losses"), exit_code=0, **changed))

    assert not superseded(store)


def test_a_folder_that_was_moved_is_no_second_launch(store, written, tmp_path):
    brought_in(store, folder := written(3.0, 2.0, exit_code=0, name="my-run"))
    shutil.copytree(folder, tmp_path / "elsewhere" / "my-run")

    rows, (skipped,) = brought_in(store, tmp_path / "elsewhere")

    assert not rows
    assert skipped.reason.startswith("already imported as")


def test_two_runs_that_look_alike_are_two(store, written, tmp_path):
    written(3.0, exit_code=0, name="run-20260101_000000-abc")
    written(3.0, exit_code=0, name="run-20260101_000009-xyz")

    rows, _ = brought_in(store, tmp_path / "wandb")

    assert len(rows) == len(all_runs(store)) == 2
    (cohort,) = stored_cohorts(store, Settings())
    assert len(cohort.runs) == 2


def test_a_line_that_puts_another_run_in_the_place_of_one_is_found(store, written):
    (bad,), _ = brought_in(store, written(3.0, name="run-20260101_000000-abc"))
    (good,), _ = brought_in(store, written(1.0, exit_code=0, name="run-20260101_000009-xyz"))

    supersede(store, bad["id"], good["id"], time="2026-01-02T00:00:00Z")

    (problem,) = verify(store).problems
    assert "puts one run in the place of another one" in problem.problem


def test_two_records_of_one_launch_are_one_run_of_an_arm_even_where_both_are_named(store, written):
    (old,), _ = brought_in(store, written(3.0, 2.0))
    (new,), _ = brought_in(store, written(3.0, 2.0, 1.0, exit_code=0))

    both = cohort_named(store, Settings(), old["id"], new["id"])
    alone = cohort_named(store, Settings(), old["id"])

    assert [run.id for run in both.runs] == [new["id"]]
    assert [run.id for run in alone.runs] == [old["id"]]


def test_an_import_that_is_stopped_keeps_what_came_in_and_goes_on_when_it_is_run_again(store, written, monkeypatch):
    for at in range(3):
        folder = written(3.0, name=f"run-20260101_00000{at}-abc{at}", lr=at + 1)
    monkeypatch.setattr(intake, "BATCH", 2)
    found = intake._found

    def interrupted(*asked):
        for at, one in enumerate(found(*asked)):
            if at == 2:
                raise KeyboardInterrupt
            yield one

    with monkeypatch.context() as patched, pytest.raises(StoppedError, match="stopped when 2 runs had come in"):
        patched.setattr(intake, "_found", interrupted)
        brought_in(store, folder.parent)
    rows, skipped = brought_in(store, folder.parent)

    assert (len(rows), len(skipped), len(run_ids(store))) == (1, 2, 3)


def test_an_imported_run_is_named_by_the_id_that_its_tracker_gave_it(store, written):
    """A user has W&B's page open, and its id is what stands there; a run that was given a name has that for a label."""
    (folder := written(3.0)).joinpath("files", "config.yaml").write_text("wandb_run_name:\n  value: slow\n")
    (row,), _ = brought_in(store, folder)

    assert row["label"] == "slow"
    assert ids_named(store, Settings(), "abc") == ids_named(store, Settings(), "slow") == (row["id"],)


def test_an_id_that_two_records_share_names_neither(store, written):
    """A run that was resumed has one id and a folder for each start."""
    for day in ("01", "02"):
        folder = written(3.0, name=f"run-202601{day}_000000-abc")
        (folder / "files" / "config.yaml").write_text(f"wandb_run_name:\n  value: day {day}\n")
        brought_in(store, folder)

    with pytest.raises(UsageError, match="2 things"):
        ids_named(store, Settings(), "abc")
