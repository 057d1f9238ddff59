"""`runaudit run` as a user meets it: real commands in a real repository."""

import errno
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from runaudit.launch import wrapper
from runaudit.records.run import Run
from runaudit.store import Store, StoreError
from runaudit.store.catalogue import load, run_ids
from runaudit.store.verify import verify


def last(root: Path) -> Run:
    store = Store.open(root / ".runaudit")
    return load(store, run_ids(store)[-1])


def test_a_run_is_sealed_run_and_closed(repo, git, cli, options, command, capfd):
    code = cli("run", *options, *command)

    run = last(repo)
    assert code == 0
    assert (run.label, run.manifest.seed, run.status) == ("a first try", 1, "completed")
    assert run.manifest.section("config") == {"lr": 0.1, "model": {"width": 4}}
    assert run.manifest.section("launch")["argv"] == (sys.executable, "train.py")
    assert run.metrics == {"train/loss": 0.2, "val/psnr": 25.1}  # 1/5; 20 + 5 + 1/10
    assert [(c["path"], c["step"]) for c in run.outcome.checkpoints] == [("model-step5.safetensors", 5)]
    assert run.trajectory.last_step() == 5
    assert verify(Store.open(repo / ".runaudit")).problems == ()
    assert git(repo, "status", "--porcelain") == ""


def test_what_the_command_prints_is_its_own(repo, cli, options, capfd):
    cli("run", *options, "--", sys.executable, "-c", "import sys; print('out'); print('err', file=sys.stderr)")

    out, err = capfd.readouterr()
    assert out == "out\n"
    assert "err\n" in err


def test_the_command_is_told_its_run_its_store_and_its_manifest(repo, cli, options):
    show = "import os, json; print(json.dumps({k: v for k, v in os.environ.items() if k.startswith('RUNAUDIT_')}))"
    code = cli("run", *options, "--", sys.executable, "-c", f"{show}; open(os.environ['RUNAUDIT_RUN'] + '/x.txt', 'w')")

    run = last(repo)
    assert code == 0
    assert [(a["path"], a["kind"]) for a in run.outcome.artifacts] == [("x.txt", "file")]


@pytest.mark.parametrize("number", [1, 3, 77])
def test_the_exit_code_of_the_command_is_passed_on_and_sealed(number, repo, cli, options):
    code = cli("run", *options, "--", sys.executable, "-c", f"raise SystemExit({number})")

    run = last(repo)
    assert code == number
    assert (run.status, run.outcome.body["exit_code"]) == ("crashed", number)


def test_a_command_that_a_signal_kills_is_sealed_as_killed(repo, cli, options):
    code = cli("run", *options, "--", sys.executable, "-c", "import os; os.kill(os.getpid(), 9)")

    assert code == 137
    assert (last(repo).status, last(repo).outcome.body["error"]) == ("killed", "killed by SIGKILL")


def test_a_refused_run_starts_nothing_and_leaves_no_launch(repo, cli, options, capfd):
    (repo / "helper.py").write_text("def score(step, seed):\n    return 0\n")

    code = cli("run", *options, "--", sys.executable, "-c", "open('started', 'w')")

    err = capfd.readouterr().err
    assert code == 5
    assert not (repo / "started").exists()
    assert run_ids(Store.open(repo / ".runaudit")) == ()
    assert "RA103 dirty_tree" in err
    assert "git add -- helper.py && git commit -m 'what changed, and why'" in err


def test_the_remedy_of_a_dirty_tree_fixes_it(repo, cli, options, command, capfd):
    (repo / "helper.py").write_text("def score(step, seed):\n    return 1\n")
    (repo / "new module.py").write_text("x = 1\n")
    assert cli("guard", "--json", *options) == 5
    findings = json.loads(capfd.readouterr().out)["findings"]

    for finding in findings:
        subprocess.run(finding["remedy"], shell=True, check=True, capture_output=True)

    assert [f["code"] for f in findings] == ["RA103", "RA104"]
    assert cli("guard", *options) == 0


def test_a_waiver_is_sealed_with_the_run_and_the_changed_code_is_kept(repo, cli, options, command):
    (repo / "helper.py").write_text("def score(step, seed):\n    return 1.5\n")

    code = cli("run", *options, "--waive", "dirty_tree=trying: it out", *command)

    run = last(repo)
    assert code == 0
    assert run.metrics["val/psnr"] == 1.5
    assert dict(run.manifest.waivers[0]) == {
        "rule": "RA103", "name": "dirty_tree", "reason": "trying: it out", "until": None, "excused": True,
    }  # fmt: skip
    digest = run.manifest.section("code")["files"]["helper.py"]["digest"]
    assert run.blobs[digest] == b"def score(step, seed):\n    return 1.5\n"


def test_code_that_changes_while_the_run_runs_is_told(repo, cli, options):
    code = cli("run", *options, "--", sys.executable, "-c", "open('helper.py', 'a').write('# later\\n')")

    outcome = last(repo).outcome
    assert code == 0
    assert [entry["path"] for entry in outcome.body["code"]["changed"]] == ["helper.py"]
    assert any("changed while the run ran: helper.py" in note for note in outcome.body["notes"])


def test_data_that_changes_while_the_run_runs_is_told(repo, cli, options):
    code = cli("run", *options, "--", sys.executable, "-c", "open('data/val/b.bin', 'w').write('other bytes')")

    assert code == 0
    assert any("the dataset val changed while the run ran" in note for note in last(repo).outcome.body["notes"])


def test_a_command_that_is_not_there_is_a_usage_error_and_no_launch(repo, cli, options, capfd):
    assert cli("run", *options, "--", "no-such-program") == 2
    assert not (repo / ".runaudit").exists()
    assert "no-such-program" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--data", "train"], "is not NAME=PATH"),
        (["--data", "other=missing"], "does not exist"),
        (["--data", "train=data/val"], "given twice"),
        (["--config", "missing.toml"], "missing.toml"),
        (["--config", "other/c.toml"], "two configurations"),
        (["--baseline", "nothing"], "no run matches"),
        (["--waive", "RA103="], "gives no reason"),
        (["--init", "missing.pt"], "does not exist"),
        (["--eval", "border"], "is not KEY=VALUE"),
    ],
)
def test_an_option_that_cannot_be_understood_is_one_line_and_exit_2(words, told, repo, cli, options, command, capfd):
    (repo / "other").mkdir()
    (repo / "other" / "c.toml").write_text("x = 1\n")

    code = cli("run", *options, *words, *command)

    err = capfd.readouterr().err
    assert code == 2
    assert told in err
    assert len(err.strip().splitlines()) == 1


def test_several_configurations_stand_under_their_names(repo, cli, options, command):
    (repo / "aug.json").write_text('{"flip": true}')

    cli("run", *options, "--config", "aug.json", "--waive", "RA104=a second config", *command)

    assert last(repo).manifest.section("config") == {"c": {"lr": 0.1, "model": {"width": 4}}, "aug": {"flip": True}}


def test_a_json_refusal_is_an_answer_on_stdout(repo, cli, command, capfd):
    code = cli("run", "--json", *command)

    answer = json.loads(capfd.readouterr().out)
    assert code == 5
    assert (answer["schema"], answer["allowed"]) == ("runaudit.guard/1", False)
    assert [f["code"] for f in answer["findings"]] == ["RA201", "RA301", "RA304", "RA306"]


def test_a_label_full_of_terminal_codes_is_shown_and_not_obeyed(repo, cli, options, command, capfd):
    words = [*options[:-1], "\x1b[31mred <script>../../x"]

    assert cli("run", *words, *command) == 0
    assert "\x1b" not in capfd.readouterr().err
    assert last(repo).label == "\x1b[31mred <script>../../x"


# ── where a repository can lie ───────────────────────────────────────────────────────────────────────────────────


def test_a_detached_head_is_as_good_as_a_branch(repo, git, cli, options, command):
    git(repo, "checkout", "-q", "--detach")

    assert cli("run", *options, *command) == 0
    assert last(repo).manifest.section("code")["branch"] is None


def test_a_linked_work_tree_is_a_work_tree(repo, git, cli, options, command, tmp_path, monkeypatch):
    other = tmp_path / "linked tree"
    git(repo, "worktree", "add", "-q", str(other), "-b", "other")
    (other / "data").symlink_to(repo / "data")
    monkeypatch.chdir(other)

    assert cli("run", *options, *command) == 0
    assert last(other).manifest.section("code")["branch"] == "other"


def test_a_shallow_clone_has_all_that_is_needed(repo, git, cli, options, command, tmp_path, monkeypatch):
    (repo / "more.txt").write_text("x")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "second")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{repo}", str(clone))
    (clone / "data").symlink_to(repo / "data")
    monkeypatch.chdir(clone)

    assert cli("run", *options, *command) == 0
    assert cli("restore", "@last", "--to", str(tmp_path / "back")) == 0


def test_outside_a_repository_the_guard_refuses_and_a_waiver_still_keeps_the_sources(
    tmp_path, make_repo, cli, options, command, monkeypatch
):
    import shutil

    root = make_repo("plain")
    shutil.rmtree(root / ".git")
    monkeypatch.chdir(root)

    assert cli("run", *options, *command) == 5
    assert cli("run", *options, "--waive", "not_a_repository=an export", *command) == 0
    assert {"train.py", "helper.py"} <= last(root).manifest.section("code")["files"].keys()


def test_a_run_started_in_a_folder_of_the_tree_belongs_to_the_tree(repo, cli, options, command, monkeypatch):
    (repo / "sub").mkdir()
    monkeypatch.chdir(repo / "sub")
    words = [w.replace("data/", "../data/").replace("c.toml", "../c.toml") for w in options]

    assert cli("run", *words, "--", sys.executable, "../train.py") == 0
    assert last(repo).manifest.section("launch")["prefix"] == "sub"


# ── launchers, crashes ───────────────────────────────────────────────────────────────────────────────────────────


def test_only_rank_0_records(repo, cli, options, command, monkeypatch):
    monkeypatch.setenv("RANK", "1")

    code = cli("run", *options, "--", sys.executable, "-c", "raise SystemExit(4)")

    assert code == 4
    assert not (repo / ".runaudit").exists()


ALONE = """
import sys
import runaudit.capture.draft
from runaudit.cli.app import main
runaudit.capture.draft.project_siblings = lambda *given: ()
main(sys.argv[1:])
"""


def start(options: list[str], code: str) -> "subprocess.Popen[str]":
    words = [sys.executable, "-c", ALONE, "run", *options, "--", sys.executable, "-c", code]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ))


def test_a_wrapper_that_is_killed_leaves_a_lost_run_in_the_log(repo, options):
    wrapper = start(options, "import os, time; print(os.getpid(), flush=True); time.sleep(60)")
    child = int(wrapper.stdout.readline())
    assert last(repo).status == "running"

    wrapper.kill()
    wrapper.wait()
    os.kill(child, signal.SIGKILL)

    assert last(repo).status == "lost"
    assert last(repo).label == "a first try"
    wrapper.communicate()


def test_sigterm_reaches_the_command_and_the_outcome_is_still_sealed(repo, options):
    wrapper = start(options, "import time; print('ready', flush=True); time.sleep(60)")
    assert wrapper.stdout.readline() == "ready\n"

    wrapper.send_signal(signal.SIGTERM)
    wrapper.communicate(timeout=60)

    assert wrapper.returncode == 143
    assert (last(repo).status, last(repo).outcome.body["error"]) == ("killed", "killed by SIGTERM")


# ── the question alone ───────────────────────────────────────────────────────────────────────────────────────────


def test_the_guard_alone_leaves_nothing_behind(repo, git, cli, options, capfd):
    assert cli("guard", *options) == 0
    assert not (repo / ".runaudit").exists()
    assert git(repo, "status", "--porcelain") == ""
    assert capfd.readouterr().out.startswith("This run may start")


def test_a_baseline_holds_a_run_to_what_it_declared(repo, cli, options, command, capfd):
    assert cli("run", *options, *command) == 0
    (repo / "lr.toml").write_text("lr = 0.2\n[model]\nwidth = 4\n")
    again = ["--config", "lr.toml", *options[2:-1], "another rate", "--waive", "RA104=not committed yet", "--json"]
    capfd.readouterr()

    assert cli("guard", *again, "--baseline", "a first try") == 5
    undeclared = json.loads(capfd.readouterr().out)
    assert cli("guard", *again, "--baseline", "a first try", "--intent", "config.lr", "--waive", "RA309=x") == 0
    assert cli("guard", *again, "--baseline", "a first try", "--intent", "config.model.width") == 5

    assert "config.lr" in [f["subject"] for f in undeclared["findings"] if f["code"] == "RA309"]


def test_the_same_label_for_another_design_is_refused_and_another_seed_is_not(repo, cli, options, command, capfd):
    assert cli("run", *options, *command) == 0
    capfd.readouterr()

    seed = options.index("--seed") + 1
    assert cli("guard", *options[:seed], "2", *options[seed + 1 :]) == 0
    assert cli("guard", "--json", "--config", "other.json", *options[2:]) == 2
    (repo / "c.toml").write_text("lr = 0.3\n")
    capfd.readouterr()
    assert cli("guard", "--json", *options, "--waive", "RA103=x") == 5

    found = json.loads(capfd.readouterr().out)["findings"]
    assert {f["code"] for f in found if not f["waived"]} == {"RA302"}


def test_too_much_code_is_refused_by_the_guard_and_nothing_is_cut(repo, cli, options, capfd, monkeypatch):
    monkeypatch.setenv("RUNAUDIT_MAX_FILE_MIB", "1")
    (repo / "huge.py").write_bytes(b"# x\n" * (1 << 19))

    assert cli("guard", "--json", *options) == 5
    (finding,) = json.loads(capfd.readouterr().out)["findings"]
    assert finding["code"] == "RA112"
    assert "huge.py" in finding["message"]


def test_rules_are_listed_with_their_words(cli, capfd):
    assert cli("rules", "--json") == 0
    rules = json.loads(capfd.readouterr().out)["rules"]
    assert cli("rules") == 0
    text = capfd.readouterr().out

    assert {"RA103", "RA201", "RA301"} <= {rule["code"] for rule in rules}
    assert all(rule["title"] in text for rule in rules)


def test_the_waiting_wrapper_keeps_its_heartbeat(repo, options):
    wrapper = start(options, "import time; print('ready', flush=True); time.sleep(1)")
    assert wrapper.stdout.readline() == "ready\n"
    store = Store.open(repo / ".runaudit")
    beat = json.loads((store.live_dir(run_ids(store)[-1]) / "heartbeat").read_text())
    wrapper.communicate(timeout=60)

    assert beat["pid"] == wrapper.pid
    assert wrapper.returncode == 0


@pytest.mark.parametrize(("ends", "expected"), [(0, 2), (7, 7)])
def test_a_full_disk_at_the_end_is_told_and_the_commands_own_failure_comes_first(
    ends, expected, repo, cli, options, capfd, monkeypatch
):
    def full(*_: object, **__: object) -> None:
        raise StoreError("no space left on the store's disk", remedy="free space")

    monkeypatch.setattr("runaudit.launch.ending.seal_outcome", full)

    assert cli("run", *options, "--", sys.executable, "-c", f"raise SystemExit({ends})") == expected
    said = capfd.readouterr().err
    assert "no space left" in said
    assert f"runaudit seal {last(repo).short}" in said
    assert last(repo).outcome is None


@pytest.mark.parametrize(("ends", "status"), [(0, "completed"), (7, "crashed")])
def test_a_training_that_ended_on_a_full_disk_is_sealed_later_as_it_ended(
    ends, status, repo, cli, options, capfd, monkeypatch
):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    text = f"import sys, runaudit; runaudit.log(1, {{'x': 2.0}}); sys.stderr.write('the last word'); sys.exit({ends})"
    with monkeypatch.context() as disk:
        disk.setattr("runaudit.launch.ending.seal_outcome", full)
        cli("run", *options, "--", sys.executable, "-c", text)

    assert cli("seal", "@last") == 0

    run = last(repo)
    assert (run.status, run.outcome.body["exit_code"], run.metrics) == (status, ends, {"x": 2.0})
    assert run.outcome.body.get("stderr_tail") == ("the last word" if ends else None)
    assert verify(Store.open(repo / ".runaudit")).problems == ()


def test_a_full_store_refuses_before_anything_starts_and_says_what_to_free(repo, cli, options, capfd, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    (Store.create(repo / ".runaudit").root / "cache" / "list.sqlite").write_bytes(bytes(1 << 20))

    assert cli("run", *options, "--", sys.executable, "-c", "open('STARTED', 'w')") == 2

    said = capfd.readouterr().err
    assert "No space left" in said
    assert str(repo / ".runaudit" / "cache") in said
    assert not (repo / "STARTED").exists()
    assert run_ids(Store.open(repo / ".runaudit")) == ()


def test_a_command_that_the_system_will_not_start_is_no_lost_run(repo, cli, options, git):
    (repo / "broken").write_text("#!/nowhere/python\n")
    (repo / "broken").chmod(0o755)
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "a first line that leads nowhere")

    assert cli("run", *options, "--waive", "RA108=it runs nothing", "--", "./broken") == 2

    assert (last(repo).status, last(repo).outcome.body["error"][:13]) == ("crashed", "never started")


def test_a_name_that_holds_the_seed_is_no_other_design_once_the_policy_says_so(repo, cli, options, command, capfd):
    at = options.index("--seed") + 1
    calls = [
        ("run", *options[:at], seed, *options[at + 1 :], "--waive", "RA103=new", "--waive", "RA104=new", *command, seed,
         "--name", f"exp_{seed}") for seed in ("1", "2")
    ]  # fmt: skip
    assert cli(*calls[0]) == 0
    capfd.readouterr()
    assert cli(*calls[1]) == 5
    told = capfd.readouterr().err
    rule = 'nuisance = ["config.args.name"]'
    assert "RA302" in told and rule in told

    (repo / "runaudit.toml").write_text(f"[factors]\n{rule}\n")
    assert cli(*calls[1]) == 0


def test_a_name_that_says_that_it_holds_the_seed_is_no_other_design(repo, cli, options, command):
    at = options.index("--seed") + 1
    for seed in ("1", "2"):
        asked = (*options[:at], seed, *options[at + 1 :], "--waive", "RA103=new", "--waive", "RA104=new")
        assert cli("run", *asked, *command, seed, "--name", f"exp_s{seed}") == 0


def test_a_folder_where_a_file_is_meant_is_told_with_what_to_type(repo, cli, capfd):
    assert cli("claims", "data") == 2 and cli("import", "data") == 2
    told = capfd.readouterr().err
    assert "data is a folder; name the file of text in it" in told and "runaudit import auto data" in told


def test_a_run_took_as_long_as_its_command_and_not_its_launch_or_its_sealing(repo, cli, options, command, monkeypatch):
    ended = []
    supervised = wrapper.supervise

    def supervise(*words, **more):
        ended.append(replace(supervised(*words, **more), duration_s=1234.5678))
        return ended[0]

    monkeypatch.setattr(wrapper, "supervise", supervise)

    assert cli("run", *options, *command) == 0

    assert last(repo).outcome.body["duration_s"] == 1234.568
