"""A launch elsewhere is one run here, however often and from wherever its record comes in."""

import json
import os
import signal
from itertools import permutations
from pathlib import Path

import pytest

from runaudit.diff.comparison import compare
from runaudit.errors import IntegrityError, StoppedError, UsageError
from runaudit.factors.cohort import cohort_of
from runaudit.importers import tensorboard
from runaudit.importers.answer import ImportAnswer
from runaudit.records.canonical import canonical_bytes
from runaudit.records.trajectory import Trajectory
from runaudit.runs import intake
from runaudit.runs.arms import cohort_named
from runaudit.runs.forgetting import forget_named
from runaudit.runs.intake import take_in
from runaudit.runs.names import ids_named
from runaudit.runs.reading import all_runs, stored_cohorts
from runaudit.runs.regrown import has_grown
from runaudit.settings import ImportSettings, Settings
from runaudit.store.bundle import export
from runaudit.store.catalogue import load_or_fault, run_ids
from runaudit.store.kinds import SUPERSEDED
from runaudit.store.remarks import supersede, superseded
from runaudit.store.store import Store
from runaudit.store.unbundle import read_bundle, take_back
from runaudit.store.verify import verify
from tests.importers.test_auto import events, hydra, wandb
from tests.importers.test_dvc import lay
from tests.importers.test_foreign_files import frames, history
from tests.store.test_bundle import forged


@pytest.fixture
def store(tmp_path):
    return Store.create(tmp_path / ".runaudit")


@pytest.fixture
def written(tmp_path):
    """W&B's folder of one run, written again with more steps: losses, and how it ended where it did."""
    pb = pytest.importorskip("wandb.proto.wandb_internal_pb2")

    def write(*losses, exit_code=None, lr=0.1, name="run-20260101_000000-abc", first=0):
        folder = tmp_path / "wandb" / name
        (folder / "files").mkdir(parents=True, exist_ok=True)
        (folder / "files" / "config.yaml").write_text(f"lr:\n    value: {lr}\nseed:\n    value: 1\n")
        (folder / "files" / "wandb-metadata.json").write_text(json.dumps({"git": {"commit": "c" * 40}}))
        messages = [history(step, loss=str(loss)) for step, loss in enumerate(losses, start=first)]
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


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_copies_of_one_growing_run_count_once_in_whatever_order_they_come_in(store, written, order):
    """A folder that was synced, copied and synced again: the record that says most stands for all of them."""
    copies = [((3.0,), None), ((3.0, 2.0), None), ((3.0, 2.0, 1.0), 0)]
    for losses, exit_code in map(copies.__getitem__, order):
        brought_in(store, written(*losses, exit_code=exit_code))

    (run,) = all_runs(store)
    assert (run.status, len(load_or_fault(store, run.id).trajectory.series["loss"])) == ("completed", 3)
    (cohort,) = stored_cohorts(store, Settings())
    assert cohort.n == cohort.effective_n == 1
    assert not verify(store).problems


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_copies_of_a_growing_table_at_one_place_count_once(store, tmp_path, order):
    for rows in order:
        (tmp_path / "loss.csv").write_text("step,loss\n" + "".join(f"{at},{3.25 - at}\n" for at in range(rows + 1)))
        take_in("csv", [tmp_path / "loss.csv"], lambda: store, Settings())

    (run,) = all_runs(store)
    assert len(load_or_fault(store, run.id).trajectory.series["loss"]) == 3


def test_a_place_that_is_named_another_way_is_the_same_place(store, tmp_path, monkeypatch):
    (tmp_path / "out" / "deep").mkdir(parents=True)
    (tmp_path / "out" / "loss.csv").write_text("step,loss\n0,1.0\n1,0.5\n")
    (tmp_path / "link").symlink_to(tmp_path / "out")
    monkeypatch.chdir(tmp_path / "out" / "deep")

    for named in (tmp_path / "out", Path("..") / ".." / "out", tmp_path / "link"):
        take_in("csv", [named / "loss.csv"], lambda: store, Settings())

    assert len(all_runs(store)) == 1


def reading(*paths):
    return Settings(imports=ImportSettings(seed=paths))


@pytest.mark.parametrize("earlier", [(), ("config.other",)])
def test_a_seed_that_a_policy_names_later_is_the_seed_of_the_run_that_came_in_before(store, written, earlier):
    folder = written(3.0, 2.0, exit_code=0)
    (folder / "files" / "config.yaml").write_text("lr:\n    value: 0.1\ntrial:\n    value: 7\nother:\n    value: 3\n")

    (old,), _ = take_in("wandb", [folder], lambda: store, reading(*earlier))
    (new,), _ = take_in("wandb", [folder], lambda: store, reading("config.trial"))

    assert dict(superseded(store)) == {old["id"]: new["id"]}
    assert [run.manifest.seed for run in all_runs(store)] == [7]
    again, (left,) = take_in("wandb", [folder], lambda: store, reading())
    assert not again and "already imported" in left.reason


def test_a_seed_that_was_edited_is_no_other_reading(store, written):
    folder = written(3.0, 2.0, exit_code=0)
    for seed in (1, 2):
        (folder / "files" / "config.yaml").write_text(f"lr:\n    value: 0.1\ntrial:\n    value: {seed}\n")
        take_in("wandb", [folder], lambda: store, reading("config.trial"))

    assert not superseded(store) and len(all_runs(store)) == 2


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
    (tmp_path / "elsewhere").mkdir()
    folder.rename(tmp_path / "elsewhere" / "other-name")

    rows, (skipped,) = brought_in(store, tmp_path / "elsewhere")

    assert not rows
    assert skipped.reason.startswith("already imported as")


def table_at(tmp_path, place):
    path = tmp_path / place / "log.csv"
    path.parent.mkdir(parents=True)
    path.write_text("step,loss\n1,0.5\n2,0.25\n")
    return path.parent


def test_two_equal_records_at_two_places_are_two_runs_where_neither_tells_when_it_was(store, tmp_path):
    """A copy and a second launch that came to the same look alike: a launch is never left out on a guess."""
    for place in ("tree/a", "tree/b"):
        table_at(tmp_path, place)

    assert len(take_in("csv", [tmp_path / "tree"], lambda: store, Settings())[0]) == 2
    (tmp_path / "tree" / "b").rename(tmp_path / "moved")
    rows, (skipped,) = take_in("csv", [tmp_path / "moved"], lambda: store, Settings())

    assert (rows, len(all_runs(store))) == ((), 2)
    assert skipped.reason.startswith("already imported as")


@pytest.mark.parametrize("exit_code", [0, None])
def test_a_run_that_its_tracker_resumed_is_one_run(store, written, exit_code, tmp_path):
    """W&B makes a folder for each start, with one id; together or one after the other, they count once."""
    start(written(3.0, 2.0, exit_code=1), "2026-01-01T00:00:00Z")
    (old,), _ = brought_in(store, tmp_path / "wandb")
    start(written(1.0, 0.5, exit_code=exit_code, name="run-20260102_000000-abc", first=2), "2026-01-02T00:00:00Z")
    (new,), _ = brought_in(store, tmp_path / "wandb")
    (again,) = brought_in(store, tmp_path / "wandb" / "run-20260102_000000-abc")[1]

    (run,) = all_runs(store)
    assert (run.id, run.status) == (new["id"], "completed" if exit_code == 0 else "unknown")
    told = load_or_fault(store, run.id).trajectory
    assert told.series["loss"] == ((0, 3.0), (1, 2.0), (2, 1.0), (3, 0.5))
    assert [(one.step, one.kind) for one in told.events] == [(2, "resume")]
    assert dict(superseded(store)) == {old["id"]: new["id"]}
    assert "says all of it" in again.reason
    assert not verify(store).problems


def test_a_start_that_goes_on_elsewhere_counts_in_the_place_of_the_one_that_broke_off(store, written):
    (old,), _ = brought_in(store, start(written(3.0, 2.0, exit_code=1), "2026-01-01T00:00:00Z"))
    later = written(1.0, exit_code=0, name="run-20260102_000000-abc", first=2)
    (new,), _ = brought_in(store, start(later, "2026-01-02T00:00:00Z"))

    assert dict(superseded(store)) == {old["id"]: new["id"]}


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_starts_that_go_on_one_after_the_other_count_once_in_whatever_order_they_come_in(store, written, order):
    starts = [start(written(3.0 - day, exit_code=int(day != 2), name=f"run-2026010{day + 1}_000000-abc", first=day),
                    f"2026-01-0{day + 1}T00:00:00Z") for day in range(3)]  # fmt: skip
    for day in order:
        brought_in(store, starts[day])

    (run,) = all_runs(store)
    assert run.status == "completed"
    assert not verify(store).problems


@pytest.mark.parametrize("losses", [(3.0, 2.0), (3.0,), (3.0, 2.0, 1.0)], ids=str)
def test_an_id_that_was_used_again_from_the_first_step_on_is_a_second_launch(store, written, losses, tmp_path):
    start(written(3.0, 2.0, exit_code=1), "2026-01-01T00:00:00Z")
    start(written(*losses, exit_code=1, name="run-20260102_000000-abc"), "2026-01-02T00:00:00Z")
    rows, _ = brought_in(store, tmp_path / "wandb")

    assert len(rows) == len(all_runs(store)) == 2


def start(folder, time):
    """Say in a folder when its run was started."""
    facts = {"git": {"commit": "c" * 40}, "startedAt": time}
    (folder / "files" / "wandb-metadata.json").write_text(json.dumps(facts))
    return folder


def resumed_otherwise(tmp_path, written, *, lr=0.2, times=("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")):
    """Two folders of one id: the second start goes on with another rate."""
    first = start(written(3.0, 2.0, exit_code=1), times[0])
    later = start(written(1.0, 0.5, exit_code=0, lr=lr, name="run-20260102_000000-abc", first=2), times[1])
    return first, later, tmp_path / "wandb"


def test_a_run_that_was_resumed_with_another_setting_is_one_run_whose_beginning_is_open(store, written, tmp_path):
    *_, both = resumed_otherwise(tmp_path, written)
    brought_in(store, both)

    (run,) = all_runs(store)
    assert run.manifest.section("config")["lr"] == 0.2
    assert run.manifest.section("unknown")["init.start"] == "from step 2 on it was resumed with lr 0.2 after 0.1"
    other = start(written(3.0, 2.0, exit_code=0, lr=0.2, name="run-20260103_000000-xyz"), "2026-01-03T00:00:00Z")
    (new,), _ = brought_in(store, other)
    assert compare(run, load_or_fault(store, new["id"]), settings=Settings()).verdict == "provenance_incomplete"
    assert len(stored_cohorts(store, Settings())) == 2


@pytest.mark.parametrize("places", [(0, 2), (0, 1), (0, 1, 2)], ids=str)
def test_a_resumption_with_another_setting_counts_in_the_place_of_what_came_in_before(store, written, tmp_path, places):
    folders = resumed_otherwise(tmp_path, written)
    for place in places:
        brought_in(store, folders[place])

    (run,) = all_runs(store)
    assert "init.start" in run.manifest.section("unknown")
    assert not verify(store).problems


def test_two_records_of_one_run_are_no_comparison(store, written):
    for day, lr in (("01", 0.1), ("02", 0.2)):
        folder = written(3.0, 2.0, exit_code=0, lr=lr, name=f"run-202601{day}_000000-abc")
        brought_in(store, start(folder, f"2026-01-{day}T00:00:00Z"))

    a, b = all_runs(store)
    found = compare(a, b, settings=Settings())
    assert (found.verdict, "two records of one run, abc of W&B" in found.reason) == ("incomparable", True)
    assert cohort_of([a, b]).effective_n == 1


@pytest.mark.parametrize("kinds", list(permutations(("auto", "hydra", "wandb", "tensorboard"))), ids="-".join)
def test_what_several_trackers_say_of_one_job_counts_once_in_whatever_order_it_comes_in(tmp_path, kinds):
    store = Store.create(tmp_path / ".runaudit")
    job = {**hydra("a", "seed: 1\noptim: {lr: 0.1}\n", out="/w/2026-01-31/12-00-05"),
           **wandb("a", config="optim.lr: {value: 0.1}\nwd: {value: 2}\n"), **events("a/tb", loss=0.25)}  # fmt: skip
    for name, content in job.items():
        (path := tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    for kind in kinds:
        take_in(kind, [tmp_path / "a"], lambda: store, Settings())

    (run,) = all_runs(store)
    assert {"wandb", "tensorboard"} <= run.manifest.section("origin").keys()
    for word in ("abc12345", "run-20260101_120000-abc12345"):
        assert ids_named(store, Settings(), word) == (run.id,)
    assert not verify(store).problems


def test_of_the_runs_that_one_job_made_none_stands_in_the_place_of_another(store, tmp_path):
    """The first broke off before it logged a thing, so that the second says all that it does, of the same job."""
    job = {**hydra("a", out="/w/2026-01-31/12-00-05"), **wandb("a", "aaaaaaaa"), **wandb("a", "bbbbbbbb", acc=1.0)}
    for name, content in job.items():
        (path := tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"_step": 9}' if "aaaaaaaa/files/wandb-summary" in name else content)

    take_in("hydra", [tmp_path / "a"], lambda: store, Settings())
    take_in("auto", [tmp_path / "a"], lambda: store, Settings())

    assert sorted(len(run.metrics) for run in all_runs(store)) == [0, 2]


def test_a_record_that_named_the_place_alone_is_known_when_its_run_has_a_name(store, tmp_path, monkeypatch):
    """As stores of an earlier release have it."""
    for name, content in events("a", loss=0.25).items():
        (path := tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    with monkeypatch.context() as earlier:
        earlier.setattr(tensorboard, "_identity", lambda _: "")
        take_in("tensorboard", [tmp_path / "a"], lambda: store, Settings())

    rows, (skipped,) = take_in("tensorboard", [tmp_path / "a"], lambda: store, Settings())

    assert (rows, len(all_runs(store))) == ((), 1)
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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a process that ends within a step is a fork here")
@pytest.mark.parametrize("step", ["put", "append_all", "written"])
def test_an_import_that_was_killed_goes_on_when_it_is_run_again_and_counts_nothing_twice(store, written, step):
    """At any moment: before a run's contents are kept, before the log names it, after."""
    for at in range(4):
        folder = written(3.0, 2.0, name=f"run-20260101_00000{at}-abc{at}", lr=at + 1, exit_code=0)
    if not (child := os.fork()):
        _import_two_and_die(store, folder.parent, step)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL

    again = Store.open(store.root)
    kept = len(run_ids(again))
    rows, _ = brought_in(again, folder.parent)
    found = all_runs(again)

    assert (kept, len(rows)) == ((3, 1) if step == "written" else (2, 2))
    assert sorted(run.manifest.section("config")["lr"] for run in found) == [1, 2, 3, 4]
    assert all(run.status == "completed" for run in found)
    assert not verify(again).problems


def _import_two_and_die(store, folder, step):
    """In a process of its own: killed in the third batch of one run, at this step of the store."""
    intake.BATCH, real = 1, Store.append_all
    lines = []

    def counted(self, *given):
        if len(lines) == 2 and step == "append_all":
            os.kill(os.getpid(), signal.SIGKILL)
        lines.append(real(self, *given))
        if len(lines) == 2 and step == "put":
            Store.put = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        if len(lines) == 3:
            os.kill(os.getpid(), signal.SIGKILL)

    Store.append_all = counted
    try:
        brought_in(store, folder)
    finally:
        os._exit(0)


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


# ── copies, or programs without chance ───────────────────────────────────────────────────────────────────────────


def table(path, shift=0.0):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("step,val_loss\n" + "".join(f"{step},{1 / (step + 3) + shift}\n" for step in range(20)))


def test_runs_of_equal_numbers_are_told_as_copies_and_make_no_interval_narrower(store, tmp_path):
    table(tmp_path / "a" / "log.csv")
    table(tmp_path / "copy" / "log.csv")
    table(tmp_path / "b" / "log.csv", shift=0.25)

    rows, _ = take_in("csv", [tmp_path / "a", tmp_path / "b"], lambda: store, Settings())
    again, _ = take_in("csv", [tmp_path / "copy"], lambda: store, Settings())

    assert not any("repeats" in row for row in rows) and [row["repeats"] for row in again] == [True]
    (note,) = ImportAnswer(rows=again, skipped=()).notes
    assert "copies, or a program without chance" in note
    runs = [load_or_fault(store, run_id) for run_id in run_ids(store)]
    assert cohort_of(runs).effective_n == cohort_of(run for run in runs if run.id != again[0]["id"]).effective_n


def test_a_record_that_takes_the_place_of_another_is_no_copy_of_it(store, written):
    folder = written(*(1 / (step + 3) for step in range(20)), exit_code=0)
    (folder / "files" / "config.yaml").write_text("lr:\n    value: 0.1\ntrial:\n    value: 7\n")
    take_in("wandb", [folder], lambda: store, reading())

    (new,), _ = take_in("wandb", [folder], lambda: store, reading("config.trial"))

    assert "repeats" not in new


def test_a_pipeline_that_was_run_once_more_in_its_place_is_another_run(store, tmp_path):
    for acc in (0.5, 0.75, 0.75):
        lay(tmp_path, metrics=json.dumps({"acc": acc}))
        take_in("dvc", [tmp_path], lambda: store, Settings())

    assert sorted(run.metrics["acc"] for run in all_runs(store)) == [0.5, 0.75]
    assert not superseded(store)


def test_that_a_forgotten_record_was_outgrown_is_not_believed_of_a_bundle(store, written, tmp_path):
    """Here it was shown while both records were whole. Elsewhere nobody could show it any more, and a launch that
    a word takes out of the count could be hidden by a word: it counts there, as one without a result."""
    (old,), _ = brought_in(store, written(3.0, 2.0))
    (new,), _ = brought_in(store, written(3.0, 2.0, 1.0, exit_code=0))
    (word,) = [entry for entry in store.entries() if entry.kind == SUPERSEDED]
    forget_named(store, Settings(), [old["id"]], "a name of a patient", time="2026-01-03T00:00:00Z")
    assert [run.id for run in all_runs(store)] == [new["id"]]

    other = Store.create(tmp_path / "other" / ".runaudit")
    export(store, [old["id"], new["id"]], tmp_path / "runs.bundle")
    take_back(other, read_bundle(tmp_path / "runs.bundle"), called="runs.bundle")

    assert not superseded(other) and not verify(other).problems
    assert {run.id: run.is_gone for run in all_runs(other)} == {old["id"]: True, new["id"]: False}

    def told(members):
        index = json.loads(members["bundle.json"])
        index["log"].append({"kind": SUPERSEDED, "digest": str(word.digest), "subject": word.subject,
                             "time": word.time})  # fmt: skip
        remark = {f"objects/sha256/{word.digest.hex}": store.read(word.digest)}
        return {**members, "bundle.json": canonical_bytes(index), **remark}

    forged(tmp_path / "runs.bundle", told)
    with pytest.raises(IntegrityError, match="nothing was imported"):
        read_bundle(tmp_path / "runs.bundle")


@pytest.mark.parametrize(
    ("again", "duration", "is_one"),
    [
        ((5.0, 4.0, 3.0, 2.5, 2.0, 1.0), 9.0, True),
        ((5.0, 4.0, 3.0, 2.5), 9.0, False),
        ((6.0, 4.0, 3.0, 2.5, 2.0, 1.0), 9.0, False),
        ((5.0, 4.0, 3.0, 2.5, 2.0, 1.0), 4.0, False),
    ],
    ids=["beyond", "no farther", "from the start", "in no more time"],
)
def test_a_run_that_was_gone_on_with_from_a_checkpoint_before_its_crash_is_one_run(make_run, again, duration, is_one):
    """It crashed at step 4 and was resumed at step 2 under one id: what came after that was logged anew."""

    def logged(values, took, status):
        series = {"val/acc": tuple(enumerate(values))}
        origin = {"kind": "mlflow", "source": "mlflow:0123", "run": "0123"}
        return make_run(origin=origin, status=status, metrics={"val/acc": values[-1]}, outcome={"duration_s": took},
                        trajectory=Trajectory(series=series, events=()))  # fmt: skip

    old = logged((5.0, 4.0, 3.5, 3.4), 5.0, "crashed")

    assert has_grown(old, logged(again, duration, "completed")) is is_one
