"""Programs that record themselves: seen from their first line where they ask for it, else from `record()` on."""

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from runaudit.records.run import Run
from runaudit.store.catalogue import load, run_ids
from runaudit.store.store import Store
from tests.capture.conftest import Repo


def recorded(repo: Repo, text: str, **environ: str) -> Run:
    """The run that a program recorded."""
    repo.write("train.py", textwrap.dedent(text))
    root = Path(__file__).parents[2]
    subprocess.run(
        [sys.executable, "train.py"], cwd=repo.root, check=True, capture_output=True, timeout=120,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(root), **environ},
    )  # fmt: skip
    store = Store.open(repo.root / ".runaudit")
    return load(store, run_ids(store)[-1])


def seen(run: Run) -> dict[str, Any]:
    assert run.outcome is not None
    found: dict[str, Any] = run.outcome.to_json()["observed"]
    return found


def test_a_program_that_asks_first_is_seen_whole(repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "far.csv").write_text("1")
    repo.write("helper.py", "x = 1\n")
    run = recorded(repo, f"""
        import runaudit
        runaudit.observe()
        import random, helper
        random.seed(3)
        open({str(tmp_path / "far.csv")!r}).read()
        with runaudit.record("a", seed=3, config={{}}) as r:
            r.log(1, {{"x": 1.0}})
    """)  # fmt: skip

    found = seen(run)
    assert found["level"] == "full"
    # Of the tree that runaudit read to seal it, only what the program itself used is told.
    read = {row["path"] for row in found["read"] if not row["path"].endswith(".pth")}
    assert read == {str(tmp_path / "far.csv"), "helper.py", "train.py"}
    assert [row["value"] for row in found["seeded"]] == [3]
    assert run.outcome is not None
    assert run.outcome.section("code")["loaded"] == ("helper.py", "train.py")


def test_what_the_guard_reads_is_no_input_of_the_program(repo: Repo) -> None:
    """The policy, the rules of packages and the runs before: a program that is wrapped would have read none of it."""
    repo.write("runaudit.toml", "[guard]\nrequire = []\n")
    run = recorded(repo, """
        import runaudit
        runaudit.observe()
        with runaudit.guarded_record("a try", seed=3, config={"lr": 1}, waive=["RA103=a toy", "RA104=a toy"]) as r:
            r.log(1, {"x": 1.0})
    """)  # fmt: skip

    assert {row["path"] for row in seen(run)["read"] if not row["path"].endswith(".pth")} == {"train.py"}


def test_a_program_that_only_records_is_seen_in_part_and_its_modules_are_known_all_the_same(repo: Repo) -> None:
    repo.write("helper.py", "x = 1\n")
    run = recorded(repo, """
        import runaudit, helper
        with runaudit.record("a", seed=3, config={}) as r:
            r.log(1, {"x": open("model.py").read().count("4")})
    """)  # fmt: skip

    assert seen(run)["level"] == "partial"
    assert "model.py" in {row["path"] for row in seen(run)["read"]}
    assert run.outcome is not None
    assert run.outcome.section("code")["loaded"] == ("helper.py", "train.py")


def test_a_config_that_the_program_changed_after_it_was_sealed_is_named_with_both_values(repo: Repo) -> None:
    run = recorded(repo, """
        import runaudit
        config = {"lr": 0.1, "net": {"width": 4}}
        with runaudit.record("a", seed=3, config=config) as r:
            config["net"]["width"] = 8
            config["new"] = None
    """)  # fmt: skip

    assert run.outcome is not None
    assert run.outcome.to_json()["config"]["changed"] == {
        "config.net.width": [4, 8], "config.new": [None, None],
    }  # fmt: skip
    assert any("config.net.width (4 -> 8)" in note for note in run.outcome.body["notes"])


def test_data_that_changed_under_a_program_is_named(repo: Repo, tmp_path: Path) -> None:
    data = tmp_path / "set"
    data.mkdir()
    (data / "a").write_text("1")
    run = recorded(repo, f"""
        import runaudit
        with runaudit.record("a", seed=3, config={{}}, data={{"train": {str(data)!r}}}) as r:
            open({str(data / "a")!r}, "a").write("2")
    """)  # fmt: skip

    assert run.outcome is not None
    assert run.outcome.to_json()["data"]["changed"] == [{"name": "train", "path": str(data)}]


def test_one_of_several_ranks_has_not_seen_the_others(repo: Repo) -> None:
    run = recorded(repo, """
        import runaudit
        runaudit.observe()
        runaudit.record("a", seed=3, config={}).finish()
    """, RANK="0", WORLD_SIZE="2")  # fmt: skip

    assert seen(run)["reasons"] == ["only one of 2 ranks was observed"]


@pytest.mark.parametrize("command", ["", ", argv=('python', 'train.py', 'lr=0.1')"], ids=["its own", "of a sweep"])
def test_what_a_program_wrote_before_it_recorded_itself_is_its_output_and_no_code(repo: Repo, command: str) -> None:
    """Many dump their arguments first, and Hydra makes the folder of a job, also where the job of a sweep says by which
    command it would be run alone; a file that was there before is source, and so is a module that a cell writes."""
    repo.write("left.py", "x = 1\n")
    run = recorded(repo, """
        import runaudit
        runaudit.observe()
        import json, os
        os.makedirs("results")
        with open("results/args.json", "w") as file:
            json.dump({"lr": 0.1}, file)
        with open("cell.py", "w") as file:
            file.write("x = 2")
        with runaudit.record("a", seed=3, config={}COMMAND) as r:
            pass
    """.replace("COMMAND", command))  # fmt: skip

    assert run.manifest.section("launch")["outputs"] == ("results/args.json",)
    assert set(run.manifest.section("code")["untracked"]) == {"left.py", "cell.py"}
