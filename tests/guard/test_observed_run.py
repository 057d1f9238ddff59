"""Runs that are watched: what they used and left is sealed, whose it is, and it stands in nobody's way."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from runaudit.observe.trace import Trace
from runaudit.records.run import Run
from runaudit.store import Store
from runaudit.store.catalogue import load, run_ids


def runs(root: Path) -> list[Run]:
    store = Store.open(root / ".runaudit")
    return [load(store, run) for run in run_ids(store)]


def observed(run: Run) -> dict:
    return run.outcome.to_json()["observed"]


def program(repo: Path, git, name: str, text: str) -> list[str]:
    (repo / name).write_text(text)
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", name)
    return ["--", sys.executable, name]


def test_what_a_command_used_is_sealed_with_its_outcome(repo, git, cli, options, tmp_path, monkeypatch):
    (tmp_path / "far.csv").write_text("5")
    (repo / ".gitignore").write_text("/data/\n__pycache__/\nlocal.py\n")
    (repo / "local.py").write_text("B = 1\n")
    read = f"open({str(tmp_path / 'far.csv')!r}).read()"
    text = f"import os, random, local\nrandom.seed(1)\n{read}\nos.environ.get('EPOCHS')\n"
    monkeypatch.setenv("EPOCHS", "5")

    assert cli("run", *options, *program(repo, git, "p.py", text), "--seed", "1") == 0

    (run,) = runs(repo)
    found = observed(run)
    assert found["level"] == "full"
    # This interpreter's environment may begin with a `.pth` file that no package explains: that is told too.
    assert {(row["path"], row["role"]) for row in found["read"] if not row["path"].endswith(".pth")} == {
        (str(tmp_path / "far.csv"), "data"), ("local.py", "code"), ("p.py", "code"),
    }  # fmt: skip
    assert found["looked_up"] == {"EPOCHS": "5"}
    assert found["seeded"] == [{"call": "random.seed", "value": 1, "where": "p.py:2"}]
    code = run.outcome.section("code")
    assert code["loaded"] == ("local.py", "p.py")
    assert run.blobs[code["files"]["local.py"]["digest"]] == b"B = 1\n"


def test_the_outputs_of_a_run_neither_block_the_next_nor_are_its_code(repo, git, cli, options, capfd):
    text = "import os\nos.makedirs('results', exist_ok=True)\nopen('results/model.yaml', 'w').write('a')\n"
    command = program(repo, git, "p.py", text)
    assert cli("run", *options, *command) == 0
    capfd.readouterr()

    assert cli("run", *options, "--seed", "2", *command) == 0
    assert cli("guard", "--json", *options, "--seed", "3") == 0

    findings = json.loads(capfd.readouterr().out)["findings"]
    (told,) = [finding for finding in findings if finding["code"] == "RA104"]
    assert told["severity"] == "info"
    assert ".gitignore" in told["remedy"]
    assert all("results/model.yaml" not in run.manifest.section("code")["files"] for run in runs(repo))
    assert runs(repo)[1].manifest.section("code")["dirty"] is False


def test_what_a_run_that_goes_on_has_written_does_not_block_the_next_seed(repo, git, options, cli):
    program(repo, git, "p.py", "open('made.py', 'w').write('x = 1')\nprint(1, flush=True)\ninput()\n")
    code = "import sys; from runaudit.cli.app import main; main(sys.argv[1:])"
    words = [sys.executable, "-c", code, "run", *options, "--", sys.executable, "p.py"]
    first = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    first.stdout.readline()

    allowed = cli("guard", *options, "--seed", "2")
    first.communicate(b"go\n")

    assert (allowed, first.returncode) == (0, 0)


def test_an_output_that_somebody_edited_is_source_again(repo, git, cli, options):
    command = program(repo, git, "p.py", "open('made.yaml', 'w').write('a')\n")
    assert cli("run", *options, *command) == 0
    (repo / "made.yaml").write_text("edited by hand")

    assert cli("run", *options, "--seed", "2", *command) == 5


def test_what_the_process_that_launches_wrote_is_an_input_of_the_command(repo, git, cli, options, monkeypatch):
    command = program(repo, git, "p.py", "print(open('told.yaml').read())\n")
    (repo / "told.yaml").write_text("lr: 1")
    own = Trace(written={str(repo / "told.yaml"): frozenset({os.getpid()})})
    monkeypatch.setattr("runaudit.capture.outputs.own_trace", lambda: own)

    assert cli("run", *options, *command) == 5


def test_a_tracked_file_that_runs_write_refuses_nothing_and_makes_no_other_design(repo, git, cli, options):
    (repo / "results.csv").write_text("psnr\n")
    command = program(repo, git, "p.py", "open('results.csv', 'a').write('30\\n')\n")
    assert cli("run", *options, *command) == 0

    assert cli("run", *options, "--seed", "2", *command) == 0
    (repo / "results.csv").write_text("edited by hand")
    assert cli("run", *options, "--seed", "3", *command) == 5


def test_a_file_that_the_earlier_run_did_not_use_makes_no_other_design(repo, git, cli, options):
    command = program(repo, git, "p.py", "x = 1\n")
    assert cli("run", *options, *command) == 0
    program(repo, git, "plot.py", "x = 2\n")

    assert cli("run", *options, "--seed", "2", *command) == 0


def test_one_rank_of_several_has_not_seen_all(repo, git, cli, options, monkeypatch):
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")

    assert cli("run", *options, *program(repo, git, "p.py", "x = 1\n")) == 0

    assert observed(runs(repo)[0])["reasons"] == ["only one of 2 ranks was observed"]


def test_a_crash_leaves_its_last_words_without_its_secrets(repo, git, cli, options, monkeypatch, capfd):
    monkeypatch.setenv("MY_API_KEY", "s3cr3tvalue99")
    text = "import os\nraise ValueError('shape (3, 4) does not fit ' + os.environ['MY_API_KEY'])\n"

    assert cli("run", *options, *program(repo, git, "p.py", text)) == 1

    (run,) = runs(repo)
    assert run.outcome.body["error"].startswith("ValueError: shape (3, 4) does not fit <redacted:")
    assert "line 2" in run.outcome.body["stderr_tail"]
    assert "s3cr3tvalue99" not in json.dumps(run.outcome.to_json())
    assert "ValueError: shape (3, 4) does not fit s3cr3tvalue99" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import sys; sys.exit('no such split: tset')", "exit code 1: no such split: tset"),
        ("import os, sys; sys.stderr.write('bad\\n'); sys.stderr.flush(); os._exit(4)", "exit code 4: bad"),
        ("import sys; sys.stderr.write('only a warning\\n')", None),
    ],
)
def test_what_a_failed_command_said_last_is_its_error(code, error, repo, cli, options):
    cli("run", *options, "--", sys.executable, "-c", code)

    (run,) = runs(repo)
    assert run.outcome.body["error"] == error
    assert ("stderr_tail" in run.outcome.body) == (error is not None)


def test_an_observed_program_dies_of_an_interrupt_as_it_would_without(repo, options):
    code = "import sys; from runaudit.cli.app import main; main(sys.argv[1:])"
    words = [sys.executable, "-c", code, "run", *options, "--", sys.executable, "-c"]
    text = "import time; print('ready', flush=True); time.sleep(60)"
    wrapper = subprocess.Popen([*words, text], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert wrapper.stdout.readline() == "ready\n"

    wrapper.send_signal(signal.SIGINT)
    wrapper.communicate(timeout=60)

    assert wrapper.returncode == 130
    assert runs(repo)[0].outcome.body["exit_code"] == -signal.SIGINT


def test_a_seed_the_program_did_not_use_is_found_in_its_calls(repo, git, cli, options, capfd):
    command = program(repo, git, "p.py", "import random\nrandom.seed(40)\n")

    assert cli("run", *options, *command) == 0

    (run,) = runs(repo)
    (finding,) = run.outcome.body["findings"]
    assert (finding["name"], finding["evidence"]["seeded"]) == ("seed_mismatch", 40)
    assert "the seed 1 was declared, and the program seeded with 40 (p.py:2: random.seed)" in capfd.readouterr().err


def test_a_seed_that_the_command_names_and_the_launch_does_not_is_refused(repo, cli, options, capfd):
    assert cli("run", *options, "--", sys.executable, "train.py", "--seed", "7") == 5
    assert "RA314" in (said := capfd.readouterr().err)
    assert "--seed 7 --" in said


def test_a_command_line_is_a_configuration_and_its_seed_is_proposed(repo, cli, capfd):
    words = [
        "--data",
        "train=data/train",
        "--label",
        "wide",
        "--",
        sys.executable,
        "train.py",
        "--lr",
        "0.1",
        "--seed",
        "4",
    ]

    assert cli("guard", "--json", *words) == 5
    answer = json.loads(capfd.readouterr().out)
    assert [finding["code"] for finding in answer["findings"] if finding["severity"] == "error"] == ["RA304"]
    assert "--seed 4" in answer["findings"][0]["remedy"]
    assert cli("guard", "--seed", "4", *words) == 0


def test_data_that_changed_while_the_run_ran_is_named(repo, git, cli, options):
    command = program(repo, git, "p.py", "open('data/train/a.bin', 'ab').write(b'more')\n")

    assert cli("run", *options, *command) == 0

    (run,) = runs(repo)
    assert run.outcome.to_json()["data"]["changed"] == [{"name": "train", "path": str(repo / "data" / "train")}]


def test_a_run_that_logged_nothing_is_told_the_line_to_add(repo, cli, options, command, capfd):
    cli("run", *options, "--", sys.executable, "-c", "pass")
    assert "runaudit.log(step" in capfd.readouterr().err

    cli("run", *options, "--seed", "2", *command, "2")
    assert "runaudit.log(step" not in capfd.readouterr().err


def test_the_code_of_a_script_elsewhere_is_sealed_and_not_that_of_the_folder_one_stands_in(
    make_repo, git, cli, options, monkeypatch, tmp_path
):
    here, there = make_repo("here"), make_repo("there")
    program(there, git, "p.py", "import helper\n")
    monkeypatch.chdir(here)

    assert cli("run", *options, "--", sys.executable, "../there/p.py") == 0

    (run,) = runs(here)
    launch = run.manifest.section("launch")
    assert (launch["top"], launch["script"], launch["cwd"]) == (str(there), "p.py", str(here))
    assert run.manifest.section("code")["commit"] == git(there, "rev-parse", "HEAD")
    assert run.outcome.section("code")["loaded"] == ("helper.py", "p.py")


def test_a_shell_script_is_not_described_by_the_interpreter_of_runaudit(repo, git, cli, options):
    (repo / "go.sh").write_text(f"exec {sys.executable} -c 'x = 1'\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "go")

    assert cli("run", *options, "--", "bash", "go.sh") == 0

    (run,) = runs(repo)
    assert "python" not in run.manifest.section("env")
    assert "env.packages" in run.manifest.section("unknown")


TRACKED = """
import os, sys, time
from pathlib import Path
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

seed = int(sys.argv[1])
writer = EventFileWriter("runs")
Path(f"began-{seed}").touch()
while len(list(Path(".").glob("began-*"))) < 2:
    time.sleep(0.01)
writer.add_event(Event(step=1, summary=Summary(value=[Summary.Value(tag="acc", simple_value=seed)])))
writer.close()
Path(f"ended-{seed}").touch()
while len(list(Path(".").glob("ended-*"))) < 2:
    time.sleep(0.01)
"""


def test_runs_side_by_side_keep_their_own_tracker_files(repo, git, options):
    pytest.importorskip("tensorboard")
    program(repo, git, "tb.py", TRACKED)
    code = "import sys; from runaudit.cli.app import main; main(sys.argv[1:])"
    jobs = [
        subprocess.Popen(
            [
                sys.executable,
                "-c",
                code,
                "run",
                *options,
                "--seed",
                str(seed),
                "--",
                sys.executable,
                "tb.py",
                str(seed),
            ],
            stderr=subprocess.DEVNULL,
        )
        for seed in (1, 2)
    ]

    assert [job.wait(timeout=120) for job in jobs] == [0, 0]
    assert {run.manifest.seed: run.metrics["acc"] for run in runs(repo)} == {1: 1.0, 2: 2.0}


def test_a_lost_run_is_sealed_with_what_lies_on_disk(repo, options, cli, capfd):
    text = (
        "import os, time, runaudit; runaudit.log(1, {'x': 2.0}); open('helper.py').read();"
        "print(os.getpid(), flush=True); time.sleep(60)"
    )
    code = "import sys; from runaudit.cli.app import main; main(sys.argv[1:])"
    wrapper = subprocess.Popen(
        [sys.executable, "-c", code, "run", *options, "--", sys.executable, "-c", text],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    child = int(wrapper.stdout.readline())
    assert cli("seal", "@last") == 2
    assert "is running" in capfd.readouterr().err
    wrapper.kill()
    wrapper.wait()
    os.kill(child, signal.SIGKILL)
    wrapper.stdout.close()

    assert cli("seal", "@last", "--json") == 0

    answer = json.loads(capfd.readouterr().out)
    (run,) = runs(repo)
    assert (answer["run"], answer["status"]) == (run.id, "crashed")
    assert run.metrics == {"x": 2.0}
    assert "helper.py" in {row["path"] for row in observed(run)["read"]}
    assert cli("seal", "@last") == 2
    assert "sealed already" in capfd.readouterr().err
