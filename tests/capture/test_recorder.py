"""Laws of the recorder: nothing logged is lost, every ending is told as it was, a run is launched once."""

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import runaudit
from runaudit.capture.draft import ABSENT, LaunchRequest, child_environ, draft_manifest, seal
from runaudit.capture.rng import reseeded, rng_digests
from runaudit.diff import compare
from runaudit.errors import CaptureError, GuardRefusedError, RunauditError, UsageError
from runaudit.factors.cohort import cohorts
from runaudit.record.finishing import AGAIN
from runaudit.record.outcome import seal_outcome, settle
from runaudit.record.recorder import Recorder, record
from runaudit.record.recording import Recording, Silent, rank_of
from runaudit.record.series import Series
from runaudit.records.manifest import Manifest
from runaudit.records.run import Run
from runaudit.records.trajectory import read_lines
from runaudit.runs.reading import all_runs
from runaudit.settings import Settings
from runaudit.store.catalogue import load, run_ids
from runaudit.store.store import Store
from runaudit.store.verify import verify
from tests.capture.conftest import Repo

CHECKOUT = Path(runaudit.__file__).parent.parent


def started(store: Store, root: Path, **more: Any) -> Recorder:
    return record("a label", seed=1, config={"lr": 0.1}, store=store, root=root, environ={}, siblings=(), **more)


def program(root: Path, body: str) -> Path:
    """A training program in `root` that imports this checkout."""
    file = root / "program.py"
    head = f"import os, signal, sys, time\nsys.path.insert(0, {str(CHECKOUT)!r})\nimport runaudit, functools\n"
    head += "runaudit.record = functools.partial(runaudit.record, siblings=())\n"
    file.write_text(head + textwrap.dedent(body))
    return file


def launch(file: Path, *, environ: Mapping[str, str] | None = None, **more: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(file)], cwd=file.parent, env={**os.environ, **(environ or {})}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more,
    )  # fmt: skip


def only_run(root: Path) -> Any:
    store = Store.open(root / ".runaudit")
    (run,) = run_ids(store)
    assert verify(store).problems == ()
    return load(store, run)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    made.mkdir()
    return made


def test_what_was_logged_is_what_is_read_back(store: Store, repo: Repo) -> None:
    values = [{"train/loss": 1 / 3, 'naïve "name" 100%': -0.0}, {"train/loss": float("nan")}, {"n": 5, "ok": True}]
    with started(store, repo.root) as recorder:
        for step, row in enumerate(values):
            recorder.log(step, row)
        recorder.event(1, "stage", {"name": "fusion"})

    run = load(store, recorder.id)
    assert run.trajectory.series["train/loss"][0] == (0, 1 / 3)
    assert str(run.trajectory.series["train/loss"][1][1]) == "nan"
    assert run.trajectory.series['naïve "name" 100%'] == ((0, -0.0),)
    assert run.trajectory.series["n"] == ((2, 5.0),)
    assert [(event.step, event.kind, event.detail["name"]) for event in run.trajectory.events] == [
        (1, "stage", "fusion")
    ]
    assert (run.status, run.outcome.body["steps_done"], run.trajectory.torn) == ("completed", 2, 0)
    assert verify(store).problems == ()


def test_the_step_and_the_values_are_told_in_either_order(store: Store, repo: Repo) -> None:
    run: Any = started(store, repo.root)
    run.log(0, {"loss": 4.0})
    run.log({"loss": 3.0}, step=1)
    run.log({"loss": 2.0}, 2)
    run.log(step=3, values={"loss": 1.0})
    Silent().log({"loss": 3.0}, step=1)  # type: ignore[call-overload]
    with pytest.raises(UsageError, match="told no step") as found:
        run.log({"loss": 0.0})
    assert found.value.remedy == 'write log(step, {"train/loss": loss})'
    with pytest.raises(TypeError):
        run.log({"loss": 0.0}, step=4, commit=False)
    run.finish("completed")

    assert load(store, run.id).trajectory.series["loss"] == ((0, 4.0), (1, 3.0), (2, 2.0), (3, 1.0))


def test_a_checkpoint_folder_brings_no_store_and_no_history_along(store: Store, repo: Repo, tmp_path: Path) -> None:
    run = started(store, repo.root)
    with pytest.raises(CaptureError, match=f"the store {store.root} lies in it"):
        run.checkpoint(store.root.parent, step=1)
    own = tmp_path / "checkpoint-1"
    (own / ".git").mkdir(parents=True)
    (own / ".git" / "config").write_text("url = https://user:token@hub/model")
    (own / "model.bin").write_bytes(b"weights")
    run.checkpoint(own, step=2)
    run.finish("completed")

    kept = [path.name for path in run.run_dir.rglob("*") if path.is_file()]
    assert kept == ["00000002-model.bin"]


def test_numpy_scalars_and_infinities_are_numbers(store: Store, repo: Repo) -> None:
    import numpy as np

    with started(store, repo.root) as recorder:
        recorder.log(0, {"a": np.float32(0.5), "b": float("inf"), "c": np.int64(3)})

    assert load(store, recorder.id).metrics == {"a": 0.5, "b": float("inf"), "c": 3.0}


def test_the_manifest_is_sealed_before_the_first_step(store: Store, repo: Repo) -> None:
    recorder = started(store, repo.root)

    assert run_ids(store) == (recorder.id,)
    assert load(store, recorder.id).status == "running"
    recorder.finish()
    assert load(store, recorder.id).status == "completed"


def test_an_exception_is_a_crash_with_its_line(store: Store, repo: Repo) -> None:
    with pytest.raises(ValueError, match="boom"), started(store, repo.root) as recorder:
        raise ValueError("boom\nsecond line")

    outcome = load(store, recorder.id).outcome
    assert outcome is not None
    assert (outcome.status, outcome.body["error"]) == ("crashed", "ValueError: boom second line")


def test_an_interrupt_is_a_kill(store: Store, repo: Repo) -> None:
    with pytest.raises(KeyboardInterrupt), started(store, repo.root) as recorder:
        raise KeyboardInterrupt

    assert load(store, recorder.id).status == "killed"


def test_a_secret_in_an_error_is_not_sealed(store: Store, repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", "tr0ub4dor&3")
    with pytest.raises(OSError, match="tr0ub4dor"), started(store, repo.root) as recorder:
        raise OSError("login with tr0ub4dor&3 failed")

    assert "tr0ub4dor" not in str(load(store, recorder.id).outcome)


def test_finishing_twice_changes_nothing(store: Store, repo: Repo) -> None:
    recorder = started(store, repo.root)

    first = recorder.finish("diverged", metrics={"psnr": 30.5})

    assert recorder.finish("completed") == first
    assert sum(entry.kind == "outcome" for entry in store.entries()) == 1
    assert load(store, recorder.id).metrics["psnr"] == 30.5


def test_a_name_that_is_no_text_keeps_no_run_from_being_sealed(store: Store, repo: Repo) -> None:
    name = os.fsdecode(b"scene_\xe9")
    with started(store, repo.root) as run:
        run.log(0, {f"psnr/{name}": 31.0, "\ud800": 1.0})
        run.note(f"{name} was left out")
        (run.run_dir / name).write_text("x")
        run.artifact(run.run_dir / name)
        run.finish(metrics={name: 30.0}, error=name)
    sealed = load(store, run.id)
    assert dict(sealed.metrics) == {"psnr/scene_\\xe9": 31.0, "\\ud800": 1.0, "scene_\\xe9": 30.0}
    assert set(sealed.trajectory.series) == {"psnr/scene_\\xe9", "\\ud800"}
    assert sealed.outcome is not None and [row["path"] for row in sealed.outcome.artifacts] == ["scene_\\xe9"]
    assert verify(store).problems == ()


def test_an_unknown_status_is_refused(store: Store, repo: Repo) -> None:
    recorder = started(store, repo.root)

    with pytest.raises(UsageError, match="'done' is not a status"):
        recorder.finish("done")
    recorder.finish()


@pytest.mark.parametrize("round_", range(4))
def test_sigkill_at_any_step_loses_no_step(folder: Path, round_: int) -> None:
    """The program says a step is logged only after `log` returned; every said step must be there."""
    file = program(folder, """
        r = runaudit.record("kill me", seed=1, config={})
        step = 0
        while True:
            r.log(step, {"train/loss": 1 / (step + 1), "train/lr": 0.1})
            os.write(1, b"%d\\n" % step)
            step += 1
    """)  # fmt: skip
    process = launch(file)
    assert process.stdout is not None
    said = [int(process.stdout.readline()) for _ in range(50 * (round_ + 1))]
    process.kill()
    said += [int(line) for line in process.stdout.read().splitlines()]
    process.communicate()

    run = only_run(folder)
    points = run.trajectory.series["train/loss"]
    assert run.status == "lost"
    assert [step for step, _ in points][: len(said)] == said
    assert len(points) - len(said) in (0, 1)


def test_a_lost_run_can_be_sealed_by_another_process(folder: Path) -> None:
    file = program(folder, """
        r = runaudit.record("kill me", seed=1, config={})
        (r.run_dir / "a.pt").write_bytes(b"weights")
        r.checkpoint(r.run_dir / "a.pt", step=3)
        r.log(3, {"x": 1.0})
        os.kill(os.getpid(), signal.SIGKILL)
    """)  # fmt: skip
    launch(file).communicate()
    store = Store.open(folder / ".runaudit")
    run = only_run(folder)

    outcome = seal_outcome(store, run.manifest, exit_code=-9)

    assert outcome.status == "killed"
    assert [entry["path"] for entry in outcome.checkpoints] == ["a.pt"]
    assert verify(store).problems == ()


@pytest.mark.parametrize("in_context", [True, False])
def test_sigterm_is_a_kill_and_the_exit_code_says_so(folder: Path, in_context: bool) -> None:
    body = """
        r = runaudit.record("stop me", seed=1, config={})
        r.log(0, {"x": 1.0})
        print("ready", flush=True)
        time.sleep(30)
    """
    if in_context:
        body = """
        with runaudit.record("stop me", seed=1, config={}) as r:
            r.log(0, {"x": 1.0})
            print("ready", flush=True)
            time.sleep(30)
        """
    process = launch(program(folder, body))
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)

    run = only_run(folder)
    assert process.returncode == 143
    assert (run.status, run.outcome.body["error"]) == ("killed", "SIGTERM")


def test_an_unhandled_exception_without_a_context_is_a_crash(folder: Path) -> None:
    launch(program(folder, """
        r = runaudit.record("crash", seed=1, config={})
        r.log(0, {"x": 1.0})
        1 / 0
    """)).communicate()  # fmt: skip

    run = only_run(folder)
    assert (run.status, run.outcome.body["error"]) == ("crashed", "ZeroDivisionError: division by zero")


def test_a_program_that_never_finishes_its_run_is_a_crash(folder: Path) -> None:
    launch(program(folder, "runaudit.record('x', seed=1, config={}).log(0, {'x': 1.0})")).communicate()

    run = only_run(folder)
    assert (run.status, run.outcome.body["error"]) == ("crashed", "the program ended without finish()")


def test_a_forked_worker_that_ends_does_not_end_the_run(folder: Path) -> None:
    launch(program(folder, """
        r = runaudit.record("fork", seed=1, config={})
        pid = os.fork()
        if pid == 0:
            r.log(0, {"worker": 1.0})
            sys.exit(0)
        os.waitpid(pid, 0)
        r.log(1, {"x": 1.0})
        r.finish()
    """)).communicate()  # fmt: skip

    run = only_run(folder)
    assert run.status == "completed"
    assert set(run.trajectory.series) == {"worker", "x"}


def test_a_torn_tail_is_cut_at_sealing(store: Store, repo: Repo) -> None:
    recorder = started(store, repo.root)
    recorder.log(0, {"x": 1.0})
    with (store.live_dir(recorder.id) / "series.jsonl").open("ab") as file:
        file.write(b'{"s":1,"t":1.0,"v":{"x"')

    recorder.finish()

    run = load(store, recorder.id)
    assert run.trajectory.series["x"] == ((0, 1.0),)
    assert run.trajectory.torn == 0


def test_a_torn_line_does_not_swallow_the_next_writers_line(store: Store, repo: Repo) -> None:
    first = started(store, repo.root)
    first.log(0, {"x": 1.0})
    with (store.live_dir(first.id) / "series.jsonl").open("ab") as file:
        file.write(b'{"s":1,"t":1.0,"v":{"x"')
    second = Recorder(store, first.manifest, owns=False, root=repo.root)

    second.log(2, {"x": 3.0})
    first.finish()

    assert load(store, first.id).trajectory.series["x"] == ((0, 1.0), (2, 3.0))
    second.finish()


def test_many_processes_append_whole_lines(store: Store, repo: Repo) -> None:
    recorder = started(store, repo.root)
    workers = []
    for worker in range(4):
        if (pid := os.fork()) == 0:
            for step in range(300):
                recorder.log(step, {f"w{worker}/{i}": step + i / 7 for i in range(8)})
            os._exit(0)
        workers.append(pid)
    for pid in workers:
        os.waitpid(pid, 0)
    recorder.finish()

    trajectory = load(store, recorder.id).trajectory
    assert trajectory.torn == 0
    assert len(trajectory.series) == 32
    assert all([step for step, _ in points] == list(range(300)) for points in trajectory.series.values())


def test_no_step_is_lost_in_forty_kills(tmp_path: Path) -> None:
    """The child says a step on a pipe only after `log` returned, and is killed at a random moment."""
    clock = random.Random(0)
    for kill in range(40):
        path = tmp_path / f"{kill}.jsonl"
        reader, writer = os.pipe()
        if (pid := os.fork()) == 0:
            series, step = Series(path), 0
            while True:
                series.log(step, {"train/loss": 1 / (step + 1), "train/lr": 0.1}, 1.0)
                os.write(writer, b".")
                step += 1
        os.close(writer)
        os.read(reader, 1)
        time.sleep(clock.random() / 200)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        said = 1
        while chunk := os.read(reader, 65536):
            said += len(chunk)
        os.close(reader)

        steps = [step for step, _ in read_lines(path.read_bytes()).series["train/loss"]]
        assert steps == list(range(len(steps)))
        assert len(steps) - said in (0, 1)


def test_several_programs_share_one_store(store: Store, repo: Repo) -> None:
    workers = []
    for _ in range(8):
        if (pid := os.fork()) == 0:
            with started(store, repo.root) as recorder:
                recorder.log(0, {"x": 1.0})
            os._exit(0)
        workers.append(pid)

    assert [os.waitpid(pid, 0)[1] for pid in workers] == [0] * 8
    assert len(set(run_ids(store))) == 8
    assert verify(store).problems == ()


def test_a_signal_that_comes_while_sealing_is_delivered_after_it(folder: Path) -> None:
    process = launch(program(folder, """
        from runaudit.record import finishing as home
        real = home.seal_outcome
        def slow(*a, **k):
            os.kill(os.getpid(), signal.SIGTERM)
            return real(*a, **k)
        home.seal_outcome = slow
        with runaudit.record("x", seed=1, config={}) as r:
            r.log(0, {"x": 1.0})
        print("went on", flush=True)
    """))  # fmt: skip
    out, _ = process.communicate()

    assert (process.returncode, out) == (-signal.SIGTERM, "")
    assert only_run(folder).status == "completed"


def test_a_claim_on_a_full_disk_is_one_clear_line(store: Store, repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = started(store, repo.root)
    (recorder.run_dir / "a.pt").write_bytes(b"1")

    def refuse(fd: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(os, "fsync", refuse)
        with pytest.raises(RunauditError, match="No space left on device"):
            recorder.checkpoint(recorder.run_dir / "a.pt", step=0)
    recorder.finish()
    assert verify(store).problems == ()


def test_a_full_disk_costs_no_step_once_there_is_room(
    store: Store, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = started(store, repo.root)
    real, full = os.write, [True]

    def write(fd: int, data: bytes) -> int:
        if full[0] and fd == recorder._series._fd:
            if len(data) > 60:
                return real(fd, data[:10])
            raise OSError(28, "No space left on device")
        return real(fd, data)

    monkeypatch.setattr(os, "write", write)
    for step in range(5):
        recorder.log(step, {"a rather long name of a series": 0.1 + step, "b": 1.0})
    full[0] = False
    recorder.log(5, {"a rather long name of a series": 5.1})
    recorder.finish()

    points = load(store, recorder.id).trajectory.series["a rather long name of a series"]
    assert sorted(step for step, _ in points) == [0, 1, 2, 3, 4, 5]


def test_a_checkpoint_outside_the_run_is_copied_so_that_writing_it_again_changes_nothing(
    store: Store, repo: Repo, tmp_path: Path
) -> None:
    last = tmp_path / "last.pt"
    with started(store, repo.root) as recorder:
        for step in (1, 2):
            last.write_bytes(b"weights %d" % step)
            recorder.checkpoint(last, step=step)
        last.write_bytes(b"written again")

    outcome = load(store, recorder.id).outcome
    assert outcome is not None
    assert [entry["step"] for entry in outcome.checkpoints] == [1, 2]
    assert verify(store).problems == ()


def test_a_checkpoint_from_elsewhere_is_one_where_the_run_can_have_written_it(
    store: Store, repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch, own = tmp_path / "scratch.pt", repo.root / "own.pt"
    with started(store, repo.root) as recorder:
        for file in (scratch, own):
            file.write_bytes(b"weights")
        recorder.checkpoint(scratch, step=1)
        # As if the run began after both were written: only what lies outside of the project cannot be its own.
        monkeypatch.setattr(type(recorder.manifest), "began", time.time() + 3600)
        recorder.checkpoint(own, step=2)
        with pytest.raises(CaptureError, match="outside the project and was there before the run began"):
            recorder.checkpoint(scratch, step=3)

    outcome = load(store, recorder.id).outcome
    assert outcome is not None and [entry["step"] for entry in outcome.checkpoints] == [1, 2]


def test_a_checkpoint_behind_a_link_in_the_runs_folder_is_copied_into_it(
    store: Store, repo: Repo, tmp_path: Path
) -> None:
    (tmp_path / "scratch").mkdir()
    with started(store, repo.root) as recorder:
        folder = recorder.run_dir / "ckpt"
        folder.symlink_to(tmp_path / "scratch")
        (folder / "best.pt").write_bytes(b"weights")
        recorder.checkpoint(folder / "best.pt", step=1)

    outcome = load(store, recorder.id).outcome
    assert outcome is not None
    assert [entry["path"] for entry in outcome.checkpoints] == ["checkpoints/00000001-best.pt"]
    assert verify(store).problems == ()


def test_how_a_picture_came_about_is_sealed_beside_it_without_a_secret(store: Store, repo: Repo) -> None:
    with started(store, repo.root) as recorder:
        for name in ("a", "b"):
            (recorder.run_dir / f"{name}.png").write_bytes(name.encode())
        recorder.artifact(recorder.run_dir / "a.png", "panel", about="the middle; ghp_" + "x1Y2" * 9)
        recorder.artifact(recorder.run_dir / "b.png")

    outcome = load(store, recorder.id).outcome
    assert outcome is not None
    first, second = outcome.artifacts
    assert first["about"].startswith("the middle; ") and "ghp_x1Y2" not in first["about"]
    assert "about" not in second and verify(store).problems == ()


def test_a_checkpoint_written_again_in_the_runs_folder_is_sealed_as_it_is(store: Store, repo: Repo) -> None:
    with started(store, repo.root) as recorder:
        file = recorder.run_dir / "last.pt"
        file.write_bytes(b"one")
        recorder.checkpoint(file, step=1)
        file.write_bytes(b"another")
        gone = recorder.run_dir / "gone.pt"
        gone.write_bytes(b"x")
        recorder.artifact(gone)
        gone.unlink()

    outcome = load(store, recorder.id).outcome
    assert outcome is not None
    assert verify(store).problems == ()
    assert "written again" in outcome.body["notes"][0]
    assert "not there any more" in outcome.body["notes"][1]


def test_a_replaced_checkpoint_is_found_by_verify(store: Store, repo: Repo) -> None:
    with started(store, repo.root) as recorder:
        file = recorder.run_dir / "best.pt"
        file.write_bytes(b"one")
        recorder.checkpoint(file, step=1, kind="best")
    file.write_bytes(b"two")

    (problem,) = verify(store).problems
    assert (problem.run, problem.file) == (recorder.id, "best.pt")


def test_a_missing_checkpoint_is_refused_at_once(store: Store, repo: Repo) -> None:
    with started(store, repo.root) as recorder, pytest.raises(CaptureError, match="is not a file"):
        recorder.checkpoint("nowhere.pt", step=1)


def test_a_sealed_launch_is_adopted_not_repeated(store: Store, repo: Repo) -> None:
    manifest = seal(store, draft_manifest(LaunchRequest(label="x", seed=1, root=repo.root), store, environ={}))
    adopted = record("y", seed=1, environ=child_environ(store, manifest), root=repo.root)
    adopted.log(0, {"x": 1.0})

    assert adopted.finish() is None
    assert run_ids(store) == (manifest.id,)

    outcome = seal_outcome(store, manifest, exit_code=0)
    assert outcome.status == "completed"
    assert outcome.metrics == {"x": 1.0}
    assert outcome.body["notes"] == ("the program calls this run 'y'",)


def told(store: Store, repo: Repo, sealed: dict[str, Any], *tellings: dict[str, Any]) -> Run:
    """A run that a wrapper sealed, of which its program told this."""
    request = LaunchRequest(label="x", root=repo.root, **sealed)
    manifest = seal(store, draft_manifest(request, store, environ={}))
    for given in tellings:
        with record("x", environ=child_environ(store, manifest), root=repo.root, **given) as adopted:
            adopted.log(0, {"x": 1.0})
    seal_outcome(store, manifest, exit_code=0)
    return load(store, manifest.id)


def test_a_program_that_records_itself_has_one_record_alone_and_under_a_wrapper(store: Store, repo: Repo) -> None:
    repo.write("d.csv", "1\n")
    given: dict[str, Any] = {
        "seed": 1, "config": {"lr": 0.1, "api_key": "sk-abcdefghijklmnop1234567890"}, "init": "random",
        "data": {"train": repo.root / "d.csv"}, "evaluation": {"metric": "mse"},
    }  # fmt: skip
    with record("x", store=store, root=repo.root, environ={}, **given) as own:
        own.log(0, {"x": 1.0})
    alone, under = load(store, own.id), told(store, repo, {}, given)

    for name in ("seed", "config", "data", "init", "eval"):
        assert under.manifest.body[name] == alone.manifest.body[name], name
    assert "sk-abcdefghijklmnop" not in str(under.outcome.body if under.outcome else "")
    # What was sealed is as it was: the record is known by its digest.
    assert under.manifest.digest.hex == under.id
    assert (Manifest.from_bytes(under.manifest.raw, where="x").has("config"), verify(store).problems) == (False, ())


def test_what_a_program_tells_otherwise_than_it_was_sealed_counts_beside_it(store: Store, repo: Repo) -> None:
    run = told(store, repo, {"seed": 1, "config": {"lr": 0.1, "net": {"width": 4}}},
               {"config": {"lr": 0.2, "net": {"width": 4, "depth": 2}}})  # fmt: skip

    assert run.manifest.to_json()["config"] == {
        "lr": 0.1, "net": {"width": 4, "depth": 2}, "told": {"lr": 0.2},
    }  # fmt: skip


def test_a_rule_that_a_program_tells_holds_and_what_it_calls_a_nuisance_does_not(store: Store, repo: Repo) -> None:
    """The rule is recomputed by whoever compares; that a setting cannot matter counts where it was said before."""
    policy = {"derived": {"config.stage.lr": "config.lr"}, "nuisance": ["config.lr"]}
    runs = [
        told(store, repo, {"seed": 1}, {"config": {"lr": lr, "stage": {"lr": lr}}, "extra": {"policy": policy}})
        for lr in (0.1, 0.2)
    ]

    assert runs[0].manifest.section("policy") == {"derived": policy["derived"]}
    found = compare(*runs, settings=Settings())
    assert [row.factor for row in found.factors] == ["config.lr"]
    assert [row.factor for row in found.derived] == ["config.stage.lr"]


def test_of_two_trainings_in_one_run_only_what_both_told_alike_is_known(store: Store, repo: Repo) -> None:
    run = told(store, repo, {"seed": 1}, {"config": {"lr": 0.1, "width": 4}}, {"config": {"lr": 0.2, "width": 4}})

    assert run.manifest.to_json()["config"] == {"width": 4}
    assert "more than once" in run.manifest.reason("config.lr")


def test_data_that_a_program_names_and_that_is_not_there_is_a_gap_and_ends_no_training(
    store: Store, repo: Repo
) -> None:
    run = told(store, repo, {"seed": 1}, {"data": {"train": repo.root / "nowhere"}, "intent": ["config.lr"]})

    assert run.metrics == {"x": 1.0}
    assert "cannot be read" in run.manifest.reason("data.train")
    assert run.outcome is not None
    assert any("before a launch is sealed" in str(note) for note in run.outcome.body["notes"])


def test_a_program_that_records_itself_twice_under_a_wrapper_is_told_to_be_two_in_one(store: Store, repo: Repo) -> None:
    """By itself it makes two runs (`record()` is sealed where it ends); a wrapper has sealed one."""
    manifest = seal(store, draft_manifest(LaunchRequest(label="x", seed=1, root=repo.root), store, environ={}))
    for step in (0, 1):
        with record("x", environ=child_environ(store, manifest), root=repo.root) as adopted:
            adopted.log(step, {"x": 1.0})
            adopted.finish("completed")

    assert seal_outcome(store, manifest, exit_code=0).body["notes"] == (AGAIN,)
    for seed in (0, 1):
        with record("y", seed=seed, store=store, root=repo.root, environ={}) as own:
            own.log(0, {"x": float(seed)})
            own.finish("completed")
    _, *own_runs = all_runs(store)
    assert [(run.manifest.seed, dict(run.metrics)) for run in own_runs] == [(0, {"x": 0.0}), (1, {"x": 1.0})]


def test_a_program_that_uses_another_seed_than_was_sealed_does_not_start(store: Store, repo: Repo) -> None:
    manifest = seal(store, draft_manifest(LaunchRequest(label="x", seed=1, root=repo.root), store, environ={}))

    with pytest.raises(CaptureError, match="sealed with seed 1 and the program uses 2"):
        record(seed=2, environ=child_environ(store, manifest), root=repo.root)


def test_a_foreign_run_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="RUNAUDIT_RUN"):
        record(environ={"RUNAUDIT_RUN": str(tmp_path / "runs" / ("0" * 64))})


@pytest.mark.parametrize(
    ("told", "claimed", "exit_code", "status"),
    [
        (None, None, 0, "completed"), (None, "early_stopped", 0, "early_stopped"), (None, "diverged", 1, "diverged"),
        (None, "completed", 1, "crashed"), (None, None, 1, "crashed"), (None, None, -9, "killed"),
        (None, None, 143, "killed"), (None, "completed", -15, "completed"), ("diverged", None, 0, "diverged"),
        (None, None, None, "crashed"),
    ],
)  # fmt: skip
def test_how_a_process_ended_outweighs_what_it_said(
    told: str | None, claimed: str | None, exit_code: int | None, status: str
) -> None:
    assert settle(told, claimed, exit_code)[0] == status


def test_the_guard_stands_between_draft_and_seal(store: Store, repo: Repo) -> None:
    def refuse(draft: Manifest, place: Store) -> Manifest:
        raise GuardRefusedError("no label")

    with pytest.raises(GuardRefusedError):
        started(store, repo.root, admit=refuse)

    assert run_ids(store) == ()


def test_only_rank_0_writes(store: Store, repo: Repo) -> None:
    silent = record("x", seed=1, store=store, root=repo.root, environ={"RANK": "3"})

    with silent:
        silent.log(0, {"x": 1.0})
        silent.event(0, "stage")
        silent.prove_seed(rng="x")

    assert isinstance(silent, Silent)
    assert run_ids(store) == ()
    assert rank_of({"SLURM_PROCID": "2"}) == 2
    assert rank_of({}) == 0


MEMBERS = sorted(name for name in vars(Recording) if not name.startswith("_"))
PLACE = "a file"
ASKED: dict[str, Any] = {
    "log": ((0, {"x": 1.0}), {}), "event": ((0, "stage"), {}), "checkpoint": ((PLACE,), {"step": 1}),
    "artifact": ((PLACE,), {}), "prove_seed": ((), {"rng": "x"}), "note": (("a remark",), {}),
    "watch_config": (({"lr": 1},), {}), "declare": ((), {"config": {"lr": 1}}),
    "compare_with_sealed": ((), {"label": "x", "seed": ABSENT}), "finish": (("completed",), {}),
}  # fmt: skip


def test_the_protocol_says_all_that_a_recorder_can_do() -> None:
    """`Recording` is what programs are written against: what a recorder has beyond it, only rank 0 would have."""
    own = {name for name in vars(Recorder) if not name.startswith("_")}

    assert own <= set(MEMBERS)
    assert {name for name in MEMBERS if callable(getattr(Recorder, name, None))} == set(ASKED)


@pytest.mark.parametrize("name", MEMBERS)
def test_what_a_recorder_can_do_a_silent_rank_can_be_asked(name: str, store: Store, repo: Repo) -> None:
    """With the same words: what is asked on rank 0 may not end the other ranks."""
    place = repo.write("runs/weights.bin", b"w")
    answers = []
    for environ in ({}, {"RANK": "3"}):
        recording = record("x", seed=1, store=store, root=repo.root, environ=environ)
        with recording:
            if name in ASKED:
                words, options = ASKED[name]
                given = (place if word is PLACE else word for word in words)
                answers.append(getattr(recording, name)(*given, **options))
            elif name in ("run_dir", "store", "manifest") and environ:
                with pytest.raises(UsageError, match="this rank does not write"):
                    getattr(recording, name)
            else:
                getattr(recording, name)
        assert recording.finished
    if name in ("checkpoint", "artifact"):
        assert answers[0] == answers[1]


def test_a_folder_and_a_wrong_word_mean_the_same_on_every_rank(store: Store, repo: Repo) -> None:
    repo.write("runs/best/a.bin", b"a")
    repo.write("runs/best/b.bin", b"b")
    digests = set()
    for environ in ({}, {"RANK": "1"}):
        with record("x", seed=1, store=store, root=repo.root, environ=environ) as recording:
            digests.add(recording.checkpoint(repo.root / "runs" / "best", step=1))
            with pytest.raises(UsageError, match="not a status"):
                recording.finish("done")

    assert len(digests) == 1


def test_a_resumed_run_is_a_child_and_its_parent_stays_as_it_was(store: Store, repo: Repo) -> None:
    with started(store, repo.root) as parent:
        pass
    before = parent.manifest.raw

    with started(store, repo.root, init={"kind": "resume", "parent": parent.id[:10]}) as child:
        pass

    assert child.manifest.section("init")["parent"] == parent.id
    assert child.id != parent.id
    assert load(store, parent.id).manifest.raw == before


def test_a_resumed_run_without_a_known_parent_is_refused(store: Store, repo: Repo) -> None:
    with pytest.raises(CaptureError, match="names no parent"):
        started(store, repo.root, init="resume")
    with pytest.raises(UsageError, match="no run matches"):
        started(store, repo.root, init={"kind": "resume", "parent": "f" * 64})


def what_a_recording_draws(store: Path, root: Path) -> None:
    """Prints the generators there are, and those that a recording moved."""
    import numpy as np
    import torch

    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    before = rng_digests()

    with started(Store(store), root, data={"train": root / "model.py"}) as recorder:
        recorder.log(0, {"x": 1.0})
        (store / "c.pt").write_bytes(b"1")
        recorder.checkpoint(store / "c.pt", step=0)
    print(sorted(before), reseeded(before, rng_digests()))


def test_capture_and_recording_draw_nothing_from_the_generators(store: Store, repo: Repo) -> None:
    """In a process of its own: whatever is recorded after torch was loaded hashes its two thousand modules."""
    places = f"Path({str(store.root)!r}), Path({str(repo.root)!r})"
    code = f"from pathlib import Path; from {__name__} import what_a_recording_draws as it; it({places})"
    ended = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=False)

    assert ended.stdout == "['numpy', 'python', 'torch'] ()\n", ended.stderr


class Reseeding:
    """A tracker that seeds the global generators when it starts, as ClearML does."""

    name = "reseeding"

    def start(self, manifest: Manifest, run_dir: Path) -> None:
        random.seed(1337)

    def log(self, step: int, values: Mapping[str, float]) -> None: ...

    def file(self, path: Path, entry: Mapping[str, Any]) -> None: ...

    def finish(self, status: str, outcome: Any) -> None: ...


class Failing(Reseeding):
    """A tracker that dies at a step."""

    name = "failing"

    def start(self, manifest: Manifest, run_dir: Path) -> None:
        self.calls = 0

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self.calls += 1
        raise SystemExit("the service is down")


def test_a_tracker_that_reseeds_is_named(store: Store, repo: Repo) -> None:
    with started(store, repo.root, sinks=[Reseeding()]) as recorder:
        pass

    outcome = load(store, recorder.id).outcome
    assert outcome is not None
    assert outcome.body["notes"] == ("reseeding moved the random generators python when it started",)


def test_a_failing_tracker_costs_neither_run_nor_step(
    store: Store, repo: Repo, caplog: pytest.LogCaptureFixture
) -> None:
    sink = Failing()
    with started(store, repo.root, sinks=[sink]) as recorder:
        for step in range(50):
            recorder.log(step, {"x": 1.0})

    run = load(store, recorder.id)
    assert run.status == "completed"
    assert len(run.trajectory.series["x"]) == 50
    assert sink.calls == 1
    assert [r.message for r in caplog.records] == [
        "runaudit: failing stopped mirroring (SystemExit: the service is down); the local record goes on"
    ]
    assert any("failing did not mirror everything" in note for note in run.outcome.body["notes"])  # type: ignore[union-attr]


class FailingAtTheEnd(Reseeding):
    """A tracker whose last word does not get through."""

    name = "late"

    def finish(self, status: str, outcome: Any) -> None:
        self.told = outcome
        raise OSError("the file is not whole")


def test_what_a_tracker_lacks_at_the_very_end_is_in_the_record(store: Store, repo: Repo) -> None:
    """The record is sealed before its copies are waited for; the correction names what it corrects and says no less."""
    sink = FailingAtTheEnd()
    with started(store, repo.root, sinks=[sink]) as recorder:
        recorder.log(0, {"x": 1.0})

    run = load(store, recorder.id)
    assert run.outcome is not None
    assert run.outcome.body["notes"][-1] == "late did not mirror everything (OSError: the file is not whole)"
    assert run.outcome.body["supersedes"] == str(sink.told.digest)
    assert {**run.outcome.body, "notes": sink.told.body["notes"]} == {
        **sink.told.body, "supersedes": str(sink.told.digest)
    }  # fmt: skip
    assert verify(store).problems == ()


def test_the_public_log_goes_to_the_run_in_progress(folder: Path) -> None:
    launch(program(folder, """
        with runaudit.record("x", seed=1, config={}):
            runaudit.log(0, {"x": 1.0})
        try:
            runaudit.log(1, {"x": 1.0})
        except Exception as error:
            print(error)
    """)).communicate()  # fmt: skip

    assert only_run(folder).metrics == {"x": 1.0}


def test_a_program_whose_run_is_beyond_reach_goes_on_and_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder = sys.modules["runaudit.record.recorder"]
    monkeypatch.setattr(recorder, "_current", None)
    monkeypatch.setattr(recorder, "_unheard", False)
    monkeypatch.setenv("RUNAUDIT_RUN", str(tmp_path / "moved" / "runs" / ("a" * 64)))

    runaudit.log(0, {"x": 1.0})
    runaudit.log(1, {"x": 1.0})

    assert capsys.readouterr().err.count("nothing that this program logs is kept") == 1


def test_modules_that_were_loaded_and_an_edit_during_the_run_are_told(folder: Path) -> None:
    (folder / "model.py").write_text("WIDTH = 4\n")
    (folder / "unused.py").write_text("")
    launch(program(folder, """
        import model
        with runaudit.record("x", seed=1, config={}):
            open("model.py", "w").write("WIDTH = 8\\n")
            open("made.py", "w").write("MADE = 1\\n")
            sys.path.insert(0, ".")
            import made
    """)).communicate()  # fmt: skip

    run = only_run(folder)
    code = run.outcome.section("code")
    assert [p for p in code["loaded"] if "/" not in p] == ["made.py", "model.py", "program.py"]
    assert [change["path"] for change in code["changed"]] == ["made.py", "model.py"]
    assert run.blobs[code["files"]["made.py"]["digest"]] == b"MADE = 1\n"


def test_importing_runaudit_loads_nothing_heavy() -> None:
    heavy = ("numpy", "typer", "rfc8785", "torch", "json", "subprocess")
    code = f"import sys, runaudit; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_a_read_only_store_is_one_clear_line(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **more: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refuse)

    with pytest.raises(RunauditError, match="Permission denied"):
        record("x", seed=1, store=tmp_path / "s", root=repo.root, environ={})


def test_a_heartbeat_tells_running_from_lost(store: Store, repo: Repo) -> None:
    recorder = started(store, repo.root)
    beat = json.loads((store.live_dir(recorder.id) / "heartbeat").read_text())

    assert beat["pid"] == os.getpid()
    recorder.finish()


def test_a_long_run_is_sealed_as_columns_and_its_lines_lie_nowhere_twice(store: Store, repo: Repo) -> None:
    recorder = started(store, repo.root)
    for step in range(3000):
        recorder.log(step, {f"loss/{i}": step / (i + 7) for i in range(4)})
    live = store.live_dir(recorder.id) / "series.jsonl"
    size = live.stat().st_size

    recorder.finish()

    run = load(store, recorder.id)
    assert not live.exists()
    assert run.outcome is not None and run.outcome.body["trajectory"]["size"] * 3 < size
    assert run.trajectory.series["loss/3"] == tuple((step, step / 10) for step in range(3000))
    assert run.metrics["loss/0"] == 2999 / 7 and run.outcome.body["steps_done"] == 2999


def test_lines_that_came_after_the_seal_are_not_removed(store: Store, repo: Repo, monkeypatch) -> None:
    recorder = started(store, repo.root)
    recorder.log(0, {"x": 1.0})
    live = store.live_dir(recorder.id) / "series.jsonl"
    seal = Store.seal_outcome

    def late(self: Store, outcome: object, **more: object) -> object:
        with live.open("ab") as file:
            file.write(b'{"s":1,"t":1.0,"v":{"x":2.0}}\n')
        return seal(self, outcome, **more)

    monkeypatch.setattr(Store, "seal_outcome", late)
    recorder.finish()

    assert live.read_bytes().count(b"\n") == 2
    assert load(store, recorder.id).trajectory.series["x"] == ((0, 1.0),)


def test_what_is_logged_after_the_end_lands_in_no_file_of_the_program(store: Store, repo: Repo, tmp_path: Path) -> None:
    """The number of a file that was closed is that of the next one which is opened."""
    recorder = started(store, repo.root)
    recorder.finish()
    with (tmp_path / "results.txt").open("w") as file:
        recorder.log(1, {"x": 1.0})
        file.write("theirs")

    assert (tmp_path / "results.txt").read_text() == "theirs"


def test_each_run_of_a_loop_seeded_with_its_own_values(folder: Path) -> None:
    """From the second arm on every run was told to have seeded with the values of all before it, and the three seeds of
    an arm counted as one draw."""
    file = program(folder, """
        import random
        runaudit.observe()
        for rate in (0.1, 0.2):
            for seed in range(2):
                random.seed(seed)
                with runaudit.record(f"rate {rate}", seed=seed, config={"lr": rate}) as run:
                    run.log(0, {"val/acc": rate + random.random()})
    """)  # fmt: skip

    # Nobody else looks: this process may be observed by now, and its children with it.
    process = launch(file, environ={"PYTHONPATH": ""})
    assert process.communicate()[1] == "" and process.returncode == 0

    runs = [load(Store.open(folder / ".runaudit"), run) for run in run_ids(Store.open(folder / ".runaudit"))]
    seeded = [[row["value"] for row in run.observed["seeded"]] for run in runs]
    assert seeded == [[0], [1], [0], [1]]
    assert [cohort.effective_n for cohort in cohorts(runs)] == [2, 2]
