"""Nothing leaks: what a launch was given in secret stands in no file of its store, on no page and in no answer."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from runaudit.store import Store
from runaudit.store.catalogue import load, run_ids
from tests.capture.made_up import secrets

PICKED = {secret.kind: secret for secret in secrets()[-30:]}


def readable(root: Path, *words: str) -> dict[str, str]:
    """Which words stand in which file below a folder, the key by which they were replaced left out."""
    return {
        word: str(path.relative_to(root))
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != "redaction.key"
        for word in words
        if word.encode() in path.read_bytes() or word.encode("utf-16-le") in path.read_bytes()
    }


@pytest.fixture
def given() -> dict[str, str]:
    """A place -> the secret that stands there and nowhere else."""
    kinds = ("github", "wandb", "hf", "aws secret", "openai project", "comet", "any api key", "short password",
             "twilio", "npm", "password", "long secret", "jwt", "anthropic", "stripe", "gitlab")  # fmt: skip
    places = ("variable", "option", "equals", "header", "config", "address", "untracked", "patch", "binary", "printed",
              "error", "note", "annotation", "label", "looked_up", "event")  # fmt: skip
    return {place: PICKED[kind].value for place, kind in zip(places, kinds, strict=True)}


PROGRAM = """
import json, os, subprocess, sys, runaudit
import local
given = json.load(open(os.environ["GIVEN"]))
run = runaudit.record()
os.environ.get("TRACKER_API_KEY")
subprocess.run([sys.executable, "-c", "pass", "--api-key", os.environ["CHILD_TOKEN"]])
run.event(1, "login", {"api_key": given["event"]})
run.note("Authorization: Bearer " + given["note"])
print("DB_PASS=" + given["printed"], file=sys.stderr)
raise PermissionError("401 for https://me:" + given["error"] + "@h.example.org, given " + " ".join(sys.argv[1:]))
"""


def test_a_crashed_launch_leaves_no_secret_anywhere(repo, git, cli, options, given, tmp_path, monkeypatch, capfd):
    (tmp_path / "given.json").write_text(json.dumps(given))
    monkeypatch.setenv("GIVEN", str(tmp_path / "given.json"))
    (repo / "local.py").write_text("HOST = 'h'\n")
    (repo / "blob.dat").write_bytes(b"\0nothing\0")
    (repo / "p.py").write_text(PROGRAM)
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "x")
    (repo / "local.py").write_text(f'HOST = "h"\nos_token = "{given["patch"]}"\n')
    (repo / "blob.dat").write_bytes(b"\0" * 20 + f"DB_PASSWORD={given['binary']}\n".encode() + b"\0" * 20)
    (repo / "new.yaml").write_text(f"lr: 1\ndb_password: {given['untracked']}\n")
    (repo / "conf.json").write_text(
        json.dumps({"api_key": given["config"], "storage": f"postgresql://me:{given['address']}@h/x"})
    )
    monkeypatch.setenv("GITHUB_TOKEN", given["variable"])
    monkeypatch.setenv("TRACKER_API_KEY", given["looked_up"])
    monkeypatch.setenv("CHILD_TOKEN", given["looked_up"][::-1])
    label = f"tries API_KEY={given['label']} on h"

    options[-1] = label
    asked = ("--config", "conf.json", "--waive", "RA104=here", "--waive", "RA103=here")
    code = cli(
        "run", *options, *asked, "--", sys.executable, "p.py", "--api-key", given["option"],
        f"--password={given['equals']}", f"--header=Authorization: Bearer {given['header']}",
    )  # fmt: skip
    assert code == 1, capfd.readouterr()
    cli("annotate", "@last", f"see WANDB_API_KEY={given['annotation']}")
    for command in (("show", "@last"), ("show", "@last", "--json"), ("list",), ("health", "@last"),
                    ("report", "@last", "-o", str(tmp_path / "page.html")),
                    ("export", "@last", "-o", str(tmp_path / "bundle.run"))):  # fmt: skip
        cli(*command)

    said = "".join(capfd.readouterr())
    (run_id,) = run_ids(Store.open(repo / ".runaudit"))
    run = load(Store.open(repo / ".runaudit"), run_id)
    assert run.status == "crashed" and "PermissionError: 401" in run.outcome.body["error"]
    values = [*given.values(), given["looked_up"][::-1]]
    assert readable(repo / ".runaudit", *values) == {}
    assert readable(tmp_path / "page.html", *values) == readable(tmp_path / "bundle.run", *values) == {}
    kept = said.replace("DB_PASS=" + given["printed"], "").replace(run.outcome.body["error"], "")
    own_words = [line for line in kept.splitlines() if line.startswith(("runaudit", "  ")) or "redacted" in line]
    assert not [value for value in values if value in "\n".join(own_words)]


def test_two_seeds_of_code_with_a_secret_in_it_are_one_design(repo, git, cli, options, monkeypatch, capfd):
    """The file is what it is, whichever secrets were known when it was read."""
    password = PICKED["short password"].value
    (repo / "p.py").write_text(f'import sys\nURL = "https://me:{password}@h.example.org/x"\nKEY = "{password}"\n')
    (repo / "conf.yaml").write_text(f"lr: 1\ndb:\n  url: postgresql://me:{password}@h/x\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "x")
    command = ("--config", "conf.yaml", "--", sys.executable, "p.py")

    assert cli("run", *options, "--seed", "1", *command) == 0
    monkeypatch.setenv("DB_PASSWORD", password)
    assert cli("run", *options, "--seed", "2", *command) == 0
    capfd.readouterr()

    assert cli("diff", "@last~1", "@last", "--json") == 0
    assert json.loads(capfd.readouterr().out)["verdict"] == "replicate"
    assert readable(repo / ".runaudit", password) == {}


def test_another_secret_is_no_factor_and_another_text_around_it_is(repo, git, cli, options, capfd):
    def launch(name: str, password: str, text: str) -> None:
        (repo / "p.py").write_text(f'import sys\nconnect = dict(password="{password}")\n{text}\n')
        git(repo, "add", "-A")
        git(repo, "commit", "-qm", name)
        assert cli("run", *options, "--", sys.executable, "p.py", "--api-key", password) == 0

    launch("first", "f1rst-of-three", "N = 1")
    launch("rotated", "s2cond-of-three", "N = 1")
    options[-1] = "another text"
    launch("changed", "s2cond-of-three", "N = 2")
    capfd.readouterr()

    assert cli("diff", "@last~2", "@last~1", "--json") == 0
    assert json.loads(capfd.readouterr().out)["verdict"] == "identical"
    cli("diff", "@last~1", "@last", "--json")
    assert [row["factor"] for row in json.loads(capfd.readouterr().out)["factors"]] == ["code.p.py"]


def test_git_has_what_the_record_may_not_keep(repo, git, cli, options, tmp_path, capfd):
    """A committed file comes whole from its commit; of an edited one the secret is missing, and that is said."""
    secret = PICKED["any api key"].value
    (repo / "p.py").write_text(f'api_key = "{secret}"\n')
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "x")
    assert cli("run", *options, "--", sys.executable, "p.py") == 0
    (repo / "p.py").write_text(f'api_key = "{secret[::-1]}"\n')
    # Another key in the file is no other design: the label stays its label.
    assert cli("run", *options, "--waive", "RA103=here", "--", sys.executable, "p.py") == 0
    capfd.readouterr()

    assert cli("restore", "@last~1", "--to", str(tmp_path / "whole")) == 0
    assert (tmp_path / "whole" / "p.py").read_text() == f'api_key = "{secret}"\n'
    assert cli("restore", "@last", "--to", str(tmp_path / "lacks")) == 3
    assert "p.py: secrets in it were redacted when it was recorded" in capfd.readouterr().out
    assert "<redacted:hmac-" in (tmp_path / "lacks" / "p.py").read_text()


def test_what_a_killed_run_leaves_behind_shows_no_secret_and_can_be_sealed(repo, git, cli, options, monkeypatch, capfd):
    """The observer notes what is looked up and started while the program runs; its notes outlive whoever is killed."""
    secret, other = PICKED["long secret"].value, PICKED["comet"].value
    program = """
import os, signal, subprocess, sys
os.environ.get("TRACKER_API_KEY")
subprocess.run([sys.executable, "-c", "pass", "--token", os.environ["TRACKER_API_KEY"]])
exec(compile("x = '" + os.environ["OTHER_SECRET"] + "'", "<made>", "exec"))
os.kill(os.getppid(), signal.SIGKILL)
os.kill(os.getpid(), signal.SIGKILL)
"""
    (repo / "p.py").write_text(program)
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "x")
    monkeypatch.setenv("TRACKER_API_KEY", secret)
    monkeypatch.setenv("OTHER_SECRET", other)
    words = [sys.executable, "-m", "runaudit", "run", *options, "--", sys.executable, "p.py"]
    subprocess.run(words, cwd=repo, capture_output=True, check=False)

    assert list((repo / ".runaudit" / "live").glob("*/*/log/*.log"))
    assert readable(repo / ".runaudit", secret, other) == {}
    assert cli("seal", "@last") == 0
    (run_id,) = run_ids(Store.open(repo / ".runaudit"))
    run = load(Store.open(repo / ".runaudit"), run_id)
    assert run.observed["looked_up"]["TRACKER_API_KEY"].startswith("<redacted:hmac-")
    assert "--token" in run.observed["children"][0]["argv"]
    assert readable(repo / ".runaudit", secret, other) == {}


def test_another_key_in_a_file_that_is_read_is_no_factor_and_another_setting_is(repo, git, cli, options, capfd):
    """A digest of the whole file would tell two keys apart, and could be guessed from where the rest is known."""

    def launch(text: str, label: str) -> None:
        (repo / ".env").write_text(text)
        options[-1] = label
        assert cli("run", *options, "--", sys.executable, "p.py") == 0

    (repo / ".gitignore").write_text("/data/\n__pycache__/\n.env\n")
    (repo / "p.py").write_text("given = open('.env').read()\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "x")
    launch(f"API_KEY={PICKED['comet'].value}\nEPOCHS=3\n", "first key")
    launch(f"API_KEY={PICKED['twilio'].value}\nEPOCHS=3\n", "second key")
    launch(f"API_KEY={PICKED['twilio'].value}\nEPOCHS=4\n", "more epochs")
    capfd.readouterr()

    assert cli("diff", "@last~2", "@last~1", "--json") == 0
    assert json.loads(capfd.readouterr().out)["verdict"] == "identical"
    cli("diff", "@last~1", "@last", "--json")
    assert [row["factor"] for row in json.loads(capfd.readouterr().out)["factors"]] == ["data['.env']"]
