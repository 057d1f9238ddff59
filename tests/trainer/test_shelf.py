"""A baseline that was computed before is taken over only as a run sealed it."""

from pathlib import Path

import pytest

import runaudit
from runaudit.store.verify import verify
from trainer.shelf import SealedShelf

KEY = "ab" * 32


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / ".runaudit"


def kept_by_a_run(store: Path, data: bytes, *, seed: int = 1, sealed: bool = True) -> Path:
    """A run that used a baseline; the file it kept."""
    run = runaudit.record("judged", seed=seed, config={"lr": 0.1}, store=store)
    SealedShelf(store, run).keep(KEY, data)
    if sealed:
        run.finish("completed")
    return run.run_dir / "baselines" / f"{KEY}.json"


def test_what_a_run_sealed_is_taken_over(store: Path) -> None:
    kept_by_a_run(store, b"31.5")

    assert SealedShelf(store).find(KEY) == b"31.5"
    assert runaudit.verify(store=store).verdict == "sound"


def test_an_edited_baseline_is_not_believed_and_that_is_said(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = kept_by_a_run(store, b"31.5")
    for copy in (path, store / "cache" / "baselines" / path.name):
        copy.write_bytes(b"13.5")

    assert SealedShelf(store).find(KEY) is None
    assert f"{KEY}.json is not what run {path.parts[-3][:12]} sealed; the baseline is computed again" in (
        capsys.readouterr().err
    )
    (problem,) = verify(runaudit.open_store(store).store).problems
    assert problem.file == f"baselines/{KEY}.json"


def test_no_other_run_s_folder_is_read_since_that_would_be_an_input(store: Path) -> None:
    """Else the first run of a store, which computes, differs from every later one in the files that it used."""
    path = kept_by_a_run(store, b"31.5")
    path.unlink()

    assert SealedShelf(store).find(KEY) == b"31.5"


def test_what_no_run_has_sealed_yet_is_not_believed(store: Path) -> None:
    kept_by_a_run(store, b"31.5", sealed=False)

    assert SealedShelf(store).find(KEY) is None


def test_a_run_that_takes_over_keeps_it_too_and_the_first_stays_the_source(store: Path) -> None:
    first = kept_by_a_run(store, b"31.5")
    run = runaudit.record("judged", seed=2, config={"lr": 0.1}, store=store)
    shelf = SealedShelf(store, run)
    found = shelf.find(KEY)
    assert found is not None
    shelf.keep(KEY, found)

    # The second run has sealed nothing yet; a third one asks the first.
    assert SealedShelf(store).find(KEY) == b"31.5"
    run.finish("completed")
    assert (run.run_dir / "baselines" / first.name).read_bytes() == b"31.5"
    assert [row["kind"] for row in runaudit.open_store(store).run(run.id).outcome.artifacts] == ["baseline"]


@pytest.mark.parametrize("hint", ["", "f" * 64, "../../x", "@last", "ff" * 40])
def test_a_cache_that_was_edited_leads_nowhere_else(store: Path, hint: str) -> None:
    kept_by_a_run(store, b"31.5")
    (store / "cache" / "baselines" / KEY).write_text(hint)

    assert SealedShelf(store).find(KEY) is None


def test_after_an_edit_the_run_that_computed_again_is_the_source(store: Path) -> None:
    copy = store / "cache" / "baselines" / kept_by_a_run(store, b"31.5").name
    copy.write_bytes(b"13.5")
    run = runaudit.record("judged", seed=2, config={"lr": 0.1}, store=store)
    shelf = SealedShelf(store, run)
    assert shelf.find(KEY) is None
    shelf.keep(KEY, b"31.5")
    run.finish("completed")

    assert SealedShelf(store).find(KEY) == b"31.5"


def test_without_a_store_nothing_is_found(tmp_path: Path) -> None:
    assert SealedShelf(tmp_path / "none").find(KEY) is None


def test_a_baseline_that_cannot_be_kept_costs_no_run(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = runaudit.record("judged", seed=1, config={"lr": 0.1}, store=store)
    (run.run_dir / "baselines").write_text("in the way")

    SealedShelf(store, run).keep(KEY, b"31.5")

    assert "cannot be kept" in capsys.readouterr().err
