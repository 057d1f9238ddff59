"""The guard from within a program."""

import pytest

import runaudit
from runaudit.errors import GuardRefusedError, UsageError
from runaudit.launch.python import guarded_record
from runaudit.store import Store
from runaudit.store.catalogue import load, run_ids

GIVEN = {"label": "a first try", "seed": 1, "config": {"lr": 0.1}}


def data(root):
    return {"train": root / "data" / "train", "val": root / "data" / "val"}


def test_the_room_can_be_asked_by_its_name(repo):
    answer = runaudit.guard(**GIVEN, data=data(repo))

    assert answer.allowed


def test_a_refusal_carries_every_finding_and_seals_nothing(repo):
    (repo / "helper.py").write_text("x = 1\n")

    with pytest.raises(GuardRefusedError) as refused:
        runaudit.guard(config={"lr": 0.1})

    message = str(refused.value)
    assert all(code in message for code in ("RA103", "RA201", "RA301", "RA304"))
    assert "git add -- helper.py" in message
    assert refused.value.exit_code == 5
    assert run_ids(Store.open(repo / ".runaudit")) == ()


def test_a_guarded_record_is_judged_sealed_and_recorded(repo):
    with guarded_record(**GIVEN, data=data(repo), init="random") as recorder:
        recorder.log(1, {"val/psnr": 20.0})

    store = Store.open(repo / ".runaudit")
    run = load(store, run_ids(store)[-1])
    assert (run.id, run.status, run.metrics["val/psnr"]) == (recorder.id, "completed", 20.0)
    assert run.manifest.section("init")["kind"] == "random"


def test_a_guarded_record_that_is_refused_starts_nothing(repo):
    with pytest.raises(GuardRefusedError, match="RA304"):
        guarded_record(label="wide", config={"lr": 1}, data=data(repo))

    assert run_ids(Store.open(repo / ".runaudit")) == ()


def test_a_waiver_from_python_is_sealed(repo):
    recorder = guarded_record(label="wide", config={"lr": 1}, data=data(repo), waive=["no_seed=nothing random in it"])
    recorder.finish()

    assert [w["rule"] for w in recorder.manifest.waivers] == ["RA304"]


def test_under_runaudit_run_the_guard_is_not_asked_twice(repo, cli, options):
    import sys

    program = "from runaudit.launch.python import guarded_record as g; r = g(seed=1); r.log(1, {'m': 2.0}); r.finish()"

    assert cli("run", *options, "--", sys.executable, "-c", program) == 0

    store = Store.open(repo / ".runaudit")
    assert len(run_ids(store)) == 1
    assert load(store, run_ids(store)[0]).metrics == {"m": 2.0}


def test_other_ranks_keep_silent_even_where_the_guard_would_refuse(repo, monkeypatch):
    monkeypatch.setenv("RANK", "3")

    recorder = guarded_record()
    recorder.log(1, {"m": 1.0})
    recorder.finish()

    assert not (repo / ".runaudit").exists()


def test_a_policy_beside_the_store_is_kept(repo):
    (repo / "runaudit.toml").write_text('[guard]\nrequire = ["label"]\nconfig_keys = ["depth"]\n')

    with pytest.raises(GuardRefusedError) as refused:
        runaudit.guard(label="wide", config={"lr": 1}, waive=["untracked_source=the policy itself"])

    assert "RA307" in str(refused.value)
    assert "RA304" not in str(refused.value)


def test_an_unknown_baseline_is_a_usage_error(repo):
    with pytest.raises(UsageError, match="no run matches"):
        runaudit.guard(**GIVEN, data=data(repo), baseline="nothing")


def test_a_policy_may_name_a_baseline_that_has_still_to_be_run(repo):
    (repo / "runaudit.toml").write_text('[guard]\nbaseline = "the baseline"\n')

    assert runaudit.guard(**GIVEN, data=data(repo), waive=["untracked_source=the policy"]).allowed


def test_a_remedy_is_the_programs_own_call_with_an_option_replaced(repo, monkeypatch):
    monkeypatch.setattr("sys.orig_argv", ["python", "-m", "trainer", "train", "--label", "", "--seed", "3"])

    with pytest.raises(GuardRefusedError) as refused:
        runaudit.guard(label="", seed=3, config={"lr": 1}, data=data(repo))

    assert "python -m trainer train --seed 3 --label 'what this run tests'" in str(refused.value)


def test_the_file_that_a_program_reads_its_recorded_config_from_is_no_choice_beside_it(repo, monkeypatch):
    import sys

    found = []
    for name, rate in (("a", 0.1), ("b", 0.2)):
        (repo / f"{name}.yaml").write_text(f"lr: {rate}\n")
        monkeypatch.setattr(sys, "orig_argv", ["python", "train.py", "--config", f"{name}.yaml"])
        given = {**GIVEN, "label": f"lr {rate}", "config": {"lr": rate}, "waive": ["RA103=new", "RA104=new"]}
        with guarded_record(**given, data=data(repo), init="random") as recorder:
            recorder.log(1, {"val/psnr": 20.0})
        found.append(load(Store.open(repo / ".runaudit"), recorder.id))

    assert [factor.factor for factor in runaudit.compare(*found).factors] == ["config.lr"]


def test_from_python_a_remedy_is_an_argument_and_no_option(repo):
    with pytest.raises(GuardRefusedError) as refused:
        runaudit.guard(**{**GIVEN, "seed": None})

    told = str(refused.value)
    assert "give data={'train': 'PATH', ...} where" in told and "give seed=1 where" in told
    assert "--data" not in told and "--seed" not in told
