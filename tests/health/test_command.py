"""`runaudit health` and `watch`, and a run that is looked at while it goes on: what is told, and the exit code."""

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import runaudit
from runaudit.cli import app
from runaudit.errors import ConfigError, UsageError
from runaudit.health.answer import RULES, health_of, trajectory_rules
from runaudit.health.follow import Follower, Vigil
from runaudit.judge.watch import exit_code, looks, seconds
from runaudit.launch.ending import End, _told_why
from runaudit.observe.trace import Trace
from runaudit.record.ledger import claim
from runaudit.record.recorder import record
from runaudit.record.vigil import StoppedByRule, Watch
from runaudit.records.outcome import Outcome
from runaudit.records.trajectory import line_of
from runaudit.settings import RuleSettings
from runaudit.verbs import open_store

FALLING = [(step, math.exp(-step / 40)) for step in range(200)]
TURNED = [(step, math.exp(-step / 40) if step < 120 else 2.0 + 0.001 * step) for step in range(200)]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RUNAUDIT_RUN", raising=False)
    return tmp_path


def recorded(label, points, *, seed=1, **more):
    with record(label, seed=seed, config={"lr": 0.1}, **more) as run:
        for step, value in points:
            run.log(step, {"train/loss": value})
        run.finish("completed", metrics={"val/error": 0.1})
    return run.id


def asked(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        app.main([*words])
    told = capsys.readouterr()
    return ended.value.code, told.out, told.err


# ── health ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_run_that_turned_fails_and_one_that_fell_does_not(here, capsys):
    good, bad = recorded("a good one", FALLING), recorded("a bad one", TURNED)

    assert asked(capsys, "health", good[:12])[0] == 0
    code, out, _ = asked(capsys, "health", bad[:12])
    assert code == 1
    assert "RA402 divergence [critical]" in out and "worse than where it began" in out


def test_the_severity_that_fails_is_the_user_s_to_say(here, capsys):
    bad = recorded("a bad one", TURNED)[:12]

    assert asked(capsys, "health", bad, "--fail-on", "never")[0] == 0
    assert asked(capsys, "health", bad, "--exit-zero")[0] == 0
    code, _, err = asked(capsys, "health", bad, "--fail-on", "grave")
    assert code == 2 and "'grave' is no severity" in err


def test_a_run_without_a_curve_is_no_pass(here, capsys):
    for points in ([], FALLING[:1], FALLING[:2], [(0, value) for _, value in FALLING]):
        run = recorded("no curve", points)

        code, out, _ = asked(capsys, "health", run[:12])
    assert code == 3 and "no loss or result of 10 points or more was logged" in out


def test_the_answer_for_a_program_has_the_keys_of_the_contract(here, capsys):
    run = recorded("a bad one", TURNED)

    code, out, _ = asked(capsys, "health", run[:12], "--json")
    answer = json.loads(out)
    assert (code, answer["schema"], answer["run"]) == (1, "runaudit.health/1", run)
    assert {"findings", "best", "stages"} <= set(answer)
    (found,) = [one for one in answer["findings"] if one["name"] == "divergence"]
    assert set(found) >= {"code", "name", "severity", "subject", "step", "message", "evidence", "remedy"}


def test_of_several_seeds_it_is_told_which_share_a_finding(here, capsys):
    for seed, points in enumerate([TURNED, FALLING, TURNED]):
        recorded("an arm", points, seed=seed)

    _, out, _ = asked(capsys, "health", "an arm")
    assert "RA402 divergence on train/loss: 2 of 3 runs: seed 0 and 2" in out
    (shared,) = [one for one in json.loads(asked(capsys, "health", "an arm", "--json")[1])["shared"]
                 if one["name"] == "divergence"]  # fmt: skip
    assert (shared["seeds"], shared["of"]) == ([0, 2], 3)


def test_a_rule_that_the_policy_switched_off_is_told(here, capsys):
    run = recorded("a bad one", TURNED)[:12]
    Path("runaudit.toml").write_text('[rules]\noff = ["divergence"]\n')

    code, out, _ = asked(capsys, "health", run)
    assert code == 0 and "Switched off by the policy: RA402." in out
    Path("runaudit.toml").write_text('[rules]\noff = ["divergance"]\n')
    code, _, err = asked(capsys, "health", run)
    assert code == 2 and "did you mean divergence" in err


def test_a_limit_of_the_policy_holds(here):
    bench = open_store(here / ".runaudit") if recorded("a bad one", TURNED) else None
    runs = bench.runs(trajectory=True)

    assert "divergence" in {found.name for found in health_of(runs, RuleSettings()).findings}
    deaf = RuleSettings(limits={"RA402": {"warn": 50.0}})
    assert "divergence" not in {found.name for found in health_of(runs, deaf).findings}
    with pytest.raises(ConfigError):
        health_of(runs, RuleSettings(limits={"RA402": {"wrn": 50.0}}))


def test_in_python_health_is_a_verb(here):
    recorded("a bad one", TURNED)

    answer = runaudit.health("a bad one")
    assert answer.verdict == "failing"
    assert "divergence" in {found.name for found in answer.findings}


# ── watch ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_written_since_is_read_and_half_a_line_waits(tmp_path):
    place = tmp_path / "series.jsonl"
    follower = Follower(place)
    assert follower.read() == 0

    first, second = line_of(0, {"loss": 1.0}, time_s=10.0), line_of(10, {"loss": 0.5}, time_s=15.0)
    place.write_bytes(first + second[:9])
    assert (follower.read(), follower.last_step) == (1, 0)
    place.write_bytes(first + second)
    assert (follower.read(), follower.last_step, follower.last_moment) == (1, 10, 15.0)
    assert follower.pace() == 2.0
    kept = follower.trajectory()
    with place.open("ab") as file:
        file.write(line_of(20, {"loss": 0.2}, time_s=20.0))
    follower.read()
    assert len(kept.series["loss"]) == 2 and len(follower.trajectory().series["loss"]) == 3


def test_a_finding_is_told_once_and_again_where_it_grows_graver(tmp_path):
    vigil = Vigil(rules=trajectory_rules(RuleSettings()), clock=lambda: 0.0)
    follower = Follower(tmp_path / "series.jsonl")

    def told(points):
        follower.path.write_bytes(b"".join(line_of(step, {"train/loss": value}) for step, value in points))
        follower.place, follower.tables = 0, type(follower.tables)()
        follower.read()
        return [(found.name, str(found.severity)) for found in vigil.judge(follower.trajectory())]

    mild = [(step, 1.0 - 0.009 * step if step < 100 else 0.1 + 0.003 * (step - 100)) for step in range(200)]
    assert told(mild) == [("divergence", "warning")]
    assert told(mild) == []
    assert told([*mild, *((step, 2.0 + 0.001 * step) for step in range(200, 260))]) == [("divergence", "critical")]


def test_watching_ends_with_the_run_and_its_findings(here):
    run = recorded("a bad one", TURNED)

    (look,) = looks(open_store(here / ".runaudit"), run[:12])
    assert look.is_last and look.status == "completed"
    assert "divergence" in {found.name for found in look.findings}
    assert exit_code(look) == 0
    assert look.to_json()["schema"] == "runaudit.watch/1"


@pytest.mark.parametrize(("sealed", "code"), [(-9, 137), (-2, 130), (-15, 143), (3, 3), (0, 0)])
def test_watching_ends_as_the_command_did(here, sealed, code):
    run = recorded("a bad one", TURNED)
    (look,) = looks(open_store(here / ".runaudit"), run[:12])
    outcome = Outcome.of({**look.run.outcome.body, "exit_code": sealed, "status": "killed" if sealed else "completed"})
    ended = replace(look, run=replace(look.run, outcome=outcome))

    assert exit_code(ended) == code
    assert f"exit code {code}" in ended.closing()


def test_a_run_that_goes_on_is_looked_at_until_it_ends(here):
    bench_of = here / ".runaudit"
    with record("a running one", seed=1, config={"lr": 0.1}) as run:
        run.log(0, {"train/loss": 1.0, "amp/scale": 65536.0})
        run.log(1, {"train/loss": 0.5, "amp/scale": 65536.0})
        naps = []

        def nap(wanted):
            naps.append(wanted)
            if len(naps) == 2:
                run.finish("early_stopped")

        seen = list(looks(open_store(bench_of), run.id[:12], every_s=7.0, sleep=nap))

    assert [look.status for look in seen] == ["running", "running", "early_stopped"]
    assert (seen[0].step, seen[0].loss_name, seen[0].loss, seen[0].scale) == (1, "train/loss", 0.5, 65536.0)
    assert naps == [7.0, 7.0] and seen[-1].is_last
    assert "step 1  train/loss 0.5  scale 65536" in seen[0].line


@pytest.mark.parametrize("word", ["0", "-1", "soon", "nan", "inf"])
def test_a_pause_that_is_none_is_refused(word):
    with pytest.raises(UsageError):
        seconds(word)


def test_each_look_is_one_line_for_a_program(here, capsys):
    run = recorded("a bad one", TURNED)

    code, out, _ = asked(capsys, "watch", run[:12], "--json")
    (line,) = out.splitlines()
    assert code == 0 and json.loads(line)["last"] is True


# ── what is done while it runs ───────────────────────────────────────────────────────────────────────────────────


def watched(run, deeds):
    """A watch that looks when it is told to, at a series that is there whole."""
    return Watch(run.manifest, run.store.live_dir(run.id) / "series.jsonl", RULES, deeds)


def test_what_is_to_be_done_is_sealed_and_no_factor(here):
    recorded("kept", FALLING, health="keep,stop")
    recorded("plain", FALLING)

    bench = open_store(here / ".runaudit")
    assert bench.run("kept").manifest.section("launch")["health"]["do"] == ("keep", "stop")
    assert str(runaudit.compare("kept", "plain").verdict) in ("identical", "provenance_incomplete")
    assert runaudit.compare("kept", "plain").factors == ()


def test_a_word_that_is_nothing_to_do_is_refused_before_anything_is_sealed(here):
    with pytest.raises(UsageError, match="'halt' is nothing that can be done"):
        record("x y", seed=1, config={}, health="halt")
    assert not (here / ".runaudit").exists()


def test_a_rule_that_stops_says_so_in_the_record(here):
    with pytest.raises(StoppedByRule), record("stopped", seed=1, config={"lr": 0.1}) as run:
        run._watch = watched(run, ["stop"])
        for step, value in TURNED:
            run.log(step, {"train/loss": value})
        run._watch.look()
        run.log(200, {"train/loss": 2.0})

    found = open_store(here / ".runaudit").run("stopped")
    assert found.status == "diverged"
    assert "stopped by RA402 divergence" in found.outcome.body["error"]
    (look,) = looks(open_store(here / ".runaudit"), "stopped")
    assert "; stopped by RA402 divergence: " in look.closing()


def test_whoever_interrupts_does_not_wait_for_a_last_judgement(here, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with record("interrupted", seed=1, config={"lr": 0.1}) as run:
        run._watch = watched(run, ["warn"])
        run.log(0, {"train/loss": 1.0})
        monkeypatch.setattr(Vigil, "judge", interrupted)
        run.finish("killed")

    assert open_store(here / ".runaudit").run("interrupted").status == "killed"


@pytest.mark.parametrize(
    ("code", "status", "told"), [(1, "diverged", True), (1, "crashed", False), (143, "diverged", False)]
)
def test_why_a_rule_ended_a_training_says_more_than_its_last_words(tmp_path, code, status, told):
    claim(tmp_path, "ending", status=status, error="stopped by RA402 divergence: it rose")
    end = End(trace=Trace(), cwd=tmp_path, exit_code=code, stderr="no checkpoint could be kept")

    assert (_told_why(end, tmp_path) == "stopped by RA402 divergence: it rose") is told


def test_the_last_checkpoint_from_before_the_onset_is_kept_and_the_others_are_let_go(here):
    with record("kept", seed=1, config={"lr": 0.1}) as run:
        run._watch = watched(run, ["keep"])
        for step, value in TURNED:
            run.log(step, {"train/loss": value})
            if step in (100, 110, 160):
                Path("last.pt").write_text(f"weights of {step}")
                run.checkpoint("last.pt", step=step, kind="last")
        run._watch.look()
        run.finish("completed")

    found = open_store(here / ".runaudit").run("kept")
    (healthy,) = [one for one in found.outcome.checkpoints if one["kind"] == "healthy"]
    assert healthy["step"] == 110
    assert (run.run_dir / healthy["path"]).read_text() == "weights of 110"
    assert not (run.run_dir / "checkpoints" / "held").exists()


def test_a_checkpoint_from_before_is_kept_however_many_came_between_onset_and_finding(here):
    with record("kept late", seed=1, config={"lr": 0.1}) as run:
        run._watch = watched(run, ["keep"])
        for step, value in TURNED:
            run.log(step, {"train/loss": value})
            if step % 5 == 4:
                own = run.run_dir / "checkpoints" / "last.pt"  # One place, written again and again.
                own.parent.mkdir(exist_ok=True)
                own.write_text(f"weights of {step}")
                run.checkpoint(own, step=step, kind="last")
        held = [at for at, _ in run._watch._held]
        run._watch.look()
        run.finish("completed")

    found = open_store(here / ".runaudit").run("kept late")
    (healthy,) = [one for one in found.outcome.checkpoints if one["kind"] == "healthy"]
    assert len(held) == 6 and held[-3:] == [189, 194, 199]
    assert 60 <= healthy["step"] < 125


def test_of_checkpoints_that_all_lie_there_the_last_one_from_before_is_kept(here):
    with record("kept near", seed=1, config={"lr": 0.1}) as run:
        run._watch = watched(run, ["keep"])
        for step, value in TURNED:
            run.log(step, {"train/loss": value})
            if step % 5 == 4:
                Path("last.pt").write_text(f"weights of {step}")
                run.checkpoint("last.pt", step=step, kind="last")
        run._watch.look()
        run.finish("completed")

    found = open_store(here / ".runaudit").run("kept near")
    (healthy,) = [one for one in found.outcome.checkpoints if one["kind"] == "healthy"]
    assert healthy["step"] == 119
    assert (run.run_dir / healthy["path"]).read_text() == "weights of 119"
    assert {one["step"] for one in found.outcome.checkpoints} == set(range(4, 200, 5))


def test_a_run_that_ends_twice_says_of_no_checkpoint_that_none_was_told(here, capsys):
    """One that a rule ended ends as `log` raises, and again as its process does."""
    with record("kept once", seed=1, config={"lr": 0.1}) as run:
        run._watch = watched(run, ["keep"])
        for step, value in TURNED:
            run.log(step, {"train/loss": value})
            if step == 100:
                Path("last.pt").write_text("weights")
                run.checkpoint("last.pt", step=step)
        run._watch.look()
        run._watch.stop(run.run_dir)
        run.finish("completed")

    found = open_store(here / ".runaudit").run("kept once")
    assert [one["step"] for one in found.outcome.checkpoints if one["kind"] == "healthy"] == [100]
    assert "could be kept" not in capsys.readouterr().err


@pytest.mark.parametrize("told", [None, 190])
def test_where_no_checkpoint_could_be_kept_it_is_said(here, capsys, told):
    with record("nothing kept", seed=1, config={"lr": 0.1}) as run:
        run._watch = watched(run, ["keep"])
        for step, value in TURNED:
            run.log(step, {"train/loss": value})
            if step == told:
                Path("last.pt").write_text("weights")
                run.checkpoint("last.pt", step=step)
        run._watch.look()
        run.finish("completed")

    why = "no checkpoint was told: run.checkpoint(path)" if told is None else "each that was told came after it"
    assert f"could be kept: {why}" in capsys.readouterr().err


def test_what_a_short_run_showed_is_said_when_it_ends(here, capsys):
    with record("a short one", seed=1, config={"lr": 0.1}, health="warn") as run:
        for step, value in TURNED:
            run.log(step, {"train/loss": value})
        run.finish("completed")

    assert "RA402 divergence [critical]" in capsys.readouterr().err


def test_a_training_does_not_end_because_it_could_not_be_judged(here):
    class Broken:
        code, name, requires, needs = "XX1", "broken", frozenset(), ()

        def check(self):
            raise RuntimeError("a rule of somebody's")

    with record("judged", seed=1, config={"lr": 0.1}) as run:
        run._watch = Watch(run.manifest, run.store.live_dir(run.id) / "series.jsonl", [Broken()], ["stop"])
        run.log(0, {"train/loss": 1.0})
        run._watch.look()
        run.log(1, {"train/loss": 1.0})
        run.finish("completed")

    assert open_store(here / ".runaudit").run("judged").status == "completed"


def launched(capsys, label):
    """What `run --health stop` says of the program that was just written."""
    git = ["git", "-c", "user.email=a@b", "-c", "user.name=a"]
    subprocess.run(["git", "init", "-q", "."], check=True)
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-qm", "x"], check=True)
    words = ["--seed", "1", "--label", label, "--waive", "RA201=none", "--health", "stop"]
    code, _, err = asked(capsys, "run", *words, "--", sys.executable, "t.py", "--lr", "0.1")
    assert code == 0
    return err


def test_a_run_whose_program_logged_to_us_is_not_said_to_have_told_nothing(here, capsys):
    Path(".gitignore").write_text(".runaudit/\n")
    Path("t.py").write_text(
        "import runaudit\nfor step in range(20):\n    runaudit.log(step, {'train/loss': 1 / (step + 1)})\n"
    )

    assert "nothing to judge" not in launched(capsys, "told us")


def test_a_run_whose_program_told_a_tracker_alone_is_judged_at_its_end_and_that_is_said(here, capsys):
    Path(".gitignore").write_text("lightning_logs/\n.runaudit/\n")
    Path("t.py").write_text(
        "import math, os\n"
        "os.makedirs('lightning_logs/version_0')\n"
        "open('lightning_logs/version_0/hparams.yaml', 'w').write('lr: 0.1\\n')\n"
        "with open('lightning_logs/version_0/metrics.csv', 'w') as file:\n"
        "    file.write('step,train/loss\\n')\n"
        "    for step in range(200):\n"
        "        file.write(f'{step},{math.exp(-step / 40) if step < 120 else 2 + step / 1000}\\n')\n"
    )
    err = launched(capsys, "a table alone")
    assert "--health had nothing to judge before" in err and "RA402 divergence [critical]" in err
