"""A bundle brings only what it says it brings; no second end of a run takes the place of the first unseen."""

import json

import pytest

from runaudit.errors import IntegrityError
from runaudit.factors.cohort import cohort_of
from runaudit.records.canonical import canonical_bytes
from runaudit.records.digest import Digest, digest_bytes
from runaudit.records.outcome import Outcome
from runaudit.runs.intake import take_bundles
from runaudit.settings import Settings
from runaudit.store.bundle import export
from runaudit.store.catalogue import load
from runaudit.store.remarks import supersede
from runaudit.store.store import Store
from runaudit.store.unbundle import read_bundle, take_back
from runaudit.store.verify import verify
from tests.store.test_bundle import forged
from tests.store.test_store import end, launch

WHEN = "2026-01-03T00:00:00Z"


@pytest.fixture
def store(tmp_path):
    return Store.create(tmp_path / ".runaudit")


@pytest.fixture
def run(store):
    manifest = launch(store)
    end(store, manifest)
    return manifest


@pytest.fixture
def bundle(store, run, tmp_path):
    export(store, [run.id], tmp_path / "runs.bundle")
    return tmp_path / "runs.bundle"


@pytest.fixture
def other(tmp_path):
    return Store.create(tmp_path / "other")


def with_line(kind, body=None, *, subject=None, time=WHEN):
    """The bundle with one more line, which names this object, or else the launch."""

    def change(members):
        index = json.loads(members["bundle.json"])
        launched = next(line["digest"] for line in index["log"] if line["kind"] == "manifest")
        raw = None if body is None else canonical_bytes(body(launched[7:]))
        digest = launched if raw is None else str(digest_bytes(raw))
        index["log"].append({"kind": kind, "digest": digest, "subject": subject or digest, "time": time})
        more = {} if raw is None else {f"objects/sha256/{digest[7:]}": raw}
        return members | more | {"bundle.json": canonical_bytes(index)}

    return change


FOREIGN = {
    "a waiver that is a launch": with_line("waiver"),
    "a look that is a launch": with_line("look"),
    "a look at another comparison": with_line(
        "look", lambda run: {"schema": "runaudit.look/1", "metric": "psnr", "arms": {"a": [run]}},
        subject="sha256:" + "0" * 64,
    ),
    "a note without its text": with_line("note", lambda run: {"schema": "runaudit.note/1", "run": run}),
    "a note of another kind": with_line("archive", lambda run: {"schema": "runaudit.note/1", "run": run, "text": "x"}),
    "a note at no time": with_line(
        "note", lambda run: {"schema": "runaudit.note/1", "run": run, "text": "x"}, time="tomorrow"
    ),
    "a run in the place of itself": with_line(
        "superseded", lambda run: {"schema": "runaudit.superseded/1", "run": run, "by": "0" * 64}
    ),
    "a launch twice": with_line("manifest"),
}  # fmt: skip


@pytest.mark.parametrize("change", FOREIGN.values(), ids=FOREIGN)
def test_every_line_of_a_bundle_names_an_object_of_its_own_kind(bundle, change):
    forged(bundle, change)
    with pytest.raises(IntegrityError):
        read_bundle(bundle)


def test_a_line_of_no_known_kind_counts_for_nothing_and_is_told(store, run):
    store.append("waiver", run.digest, subject=run.digest, time=WHEN)

    found = verify(store)

    assert not found.problems and any("waiver" in remark for remark in found.remarks)


def test_a_run_goes_along_without_the_word_that_another_one_counts_in_its_place(store, run, other, tmp_path):
    older, newer = (launch(store, seed=seed, origin={"kind": "mlflow", "source": "a"}) for seed in (1, 2))
    supersede(store, older.id, newer.id, time=WHEN)
    export(store, [older.id], tmp_path / "one.bundle")

    take_back(other, read_bundle(tmp_path / "one.bundle"), called="one")

    assert not verify(other).problems


def again(store, run, **changed):
    """Another end of the run, sealed as it stands there."""
    first = store.ending(str(run.digest))
    body = Outcome.from_bytes(store.read(first.digest), where="outcome").to_json() | changed
    outcome = Outcome.of({key: value for key, value in body.items() if key != "schema"})
    store.seal_outcome(outcome, time=WHEN)
    return str(first.digest), str(outcome.digest)


def test_a_second_end_that_corrects_nothing_is_a_fault(store, run):
    first, second = again(store, run, metrics={"psnr": 99.0})

    (problem,) = verify(store).problems

    assert problem.run == run.id and first in problem.problem and second in problem.problem


def test_a_bundle_with_a_second_end_that_corrects_nothing_is_refused(store, run, bundle):
    raw = store.read(store.ending(str(run.digest)).digest)

    def twice(members):
        index = json.loads(members["bundle.json"])
        body = json.loads(raw) | {"metrics": {"psnr": 99.0}}
        digest = str(digest_bytes(canonical_bytes(body)))
        line = next(line for line in index["log"] if line["kind"] == "outcome")
        index["log"].append({**line, "digest": digest})
        return members | {"bundle.json": canonical_bytes(index), f"objects/sha256/{digest[7:]}": canonical_bytes(body)}

    forged(bundle, twice)
    with pytest.raises(IntegrityError, match="does not say that it corrects"):
        read_bundle(bundle)


def test_a_correction_is_told_with_what_it_changed(store, run):
    first = str(store.ending(str(run.digest)).digest)
    again(store, run, metrics={"psnr": 31.25}, supersedes=first)

    found = verify(store)

    assert load(store, run.id).corrected == "psnr 30.5 -> 31.25"
    assert any("psnr 30.5 -> 31.25" in note for note in cohort_of([load(store, run.id)]).notes)
    assert not found.problems and any("psnr 30.5 -> 31.25" in remark for remark in found.remarks)


def test_a_correction_of_the_notes_alone_is_no_other_result(store, run):
    again(store, run, notes=["a copy is missing"], supersedes=str(store.ending(str(run.digest)).digest))

    assert not load(store, run.id).corrected and not verify(store).remarks


def test_a_bundle_that_says_something_else_of_a_run_is_refused_and_both_ends_are_named(
    store, run, bundle, other, tmp_path
):
    other.seal_manifest(run, time=WHEN)
    theirs = str(end(other, run, metrics={"psnr": 99.0}).digest)
    ours = str(store.ending(str(run.digest)).digest)
    before = other.log_path.read_bytes()

    with pytest.raises(IntegrityError) as told:
        take_bundles([bundle], lambda: other, Settings())

    assert all(word in str(told.value) for word in (run.id[:12], ours, theirs))
    assert other.log_path.read_bytes() == before


def test_two_bundles_that_contradict_each_other_are_refused_together(store, run, bundle, other, tmp_path):
    other.seal_manifest(run, time=WHEN)
    end(other, run, metrics={"psnr": 99.0})
    export(other, [run.id], tmp_path / "theirs.bundle")
    third = Store.create(tmp_path / "third")

    with pytest.raises(IntegrityError, match=run.id[:12]):
        take_bundles([bundle, tmp_path / "theirs.bundle"], lambda: third, Settings())
    assert not third.entries()


def test_a_bundle_brings_the_end_of_a_run_and_then_its_correction(store, other, tmp_path):
    run = launch(store, seed=5)
    for step in range(3):
        if step == 1:
            end(store, run)
        if step == 2:
            again(store, run, metrics={"psnr": 31.0}, supersedes=str(store.ending(str(run.digest)).digest))
        export(store, [run.id], tmp_path / f"{step}.bundle")
        rows, _ = take_bundles([tmp_path / f"{step}.bundle"], lambda: other, Settings())
        assert [row["id"] for row in rows] == [run.id]

    assert load(other, run.id).corrected == "psnr 30.5 -> 31" and not verify(other).problems
    rows, skipped = take_bundles([tmp_path / "0.bundle"], lambda: other, Settings())
    assert not rows and "already imported" in skipped[0].reason


def test_how_a_run_that_was_started_here_ended_is_not_taken_from_a_bundle(store, run, bundle, other):
    other.seal_manifest(run, time=WHEN)
    other.live_dir(run.id).mkdir(parents=True)

    rows, skipped = take_bundles([bundle], lambda: other, Settings())

    assert not rows and "runaudit seal" in skipped[0].reason
    assert other.ending(str(Digest("sha256", run.id))) is None


def test_a_recorded_nan_is_a_result_that_came_along_and_no_gap(store, other, tmp_path):
    run = launch(store, origin={"kind": "captured"})
    end(store, run, metrics={"psnr": "NaN"})
    export(store, [run.id], tmp_path / "nan.bundle")

    ((row,), _) = take_bundles([tmp_path / "nan.bundle"], lambda: other, Settings())

    assert "psnr" in load(other, run.id).metrics and "metrics.psnr" not in row["missing"]
