"""One gate: a secret put everywhere is said nowhere. Every command, what it prints, its page, its bundle, the store.

Each place has a secret of its own, so that one that is known from elsewhere saves none.
"""

import json
import sys
from pathlib import Path

import pytest

from runaudit.cli.app import COMMANDS

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def token(place: str) -> str:
    """A token of this place, in the shape of a provider's: the same each time, and nobody's."""
    state, found = sum(ord(letter) << (8 * (at % 5)) for at, letter in enumerate(place)) + 12345, ""
    while len(found) < 20:
        state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        found += LETTERS[(state >> 33) % len(LETTERS)]
    return f"glpat-{found}"


NAMES = (
    "config key", "nested key", "toml key", "option", "option with value", "metric", "final metric", "event",
    "file", "checkpoint", "source", "data set", "intent", "bundle", "waiver", "eval", "label", "note",
    "annotation", "refused option", "refused label", "looked at", "claimed", "title", "page", "forget",
    "no run", "no file", "waived wrong", "bad data", "bad config", "policy", "unknown option", "remote", "remote name",
)  # fmt: skip
GIVEN = {place: token(place) for place in NAMES}

PROGRAM = """
import json, os, sys
from pathlib import Path
import runaudit
given = json.load(open(os.environ["GIVEN"]))
run = runaudit.record()
for step in range(1, 4):
    run.log(step, {"train/key_" + given["metric"]: 1 / step, "val/psnr": 20.0 + step})
run.event(2, "stage " + given["event"], {"key_" + given["event"]: 1})
folder = Path(os.environ["RUNAUDIT_RUN"])
(folder / "figures").mkdir()
(folder / "figures" / ("key_" + given["file"] + ".png")).write_bytes(b"png")
(folder / ("key_" + given["checkpoint"] + ".ckpt")).write_bytes(b"weights")
run.checkpoint(folder / ("key_" + given["checkpoint"] + ".ckpt"), step=3)
run.note("used " + given["note"])
run.finish("completed", metrics={"key_" + given["final metric"]: 1.0})
"""


def readable(data: bytes) -> list[str]:
    return [place for place, word in GIVEN.items() if word.encode() in data]


def left_in(root: Path) -> dict[str, list[str]]:
    """The secrets that can be read below a folder, by file: in it, or in its name."""
    found: dict[str, list[str]] = {}
    for path in sorted(root.rglob("*")):
        held = path.read_bytes() if path.is_file() and path.name != "redaction.key" else b""
        if words := readable(str(path.relative_to(root)).encode() + held):
            found[str(path.relative_to(root))] = words
    return found


@pytest.fixture
def launched(repo, git, cli, options, tmp_path, monkeypatch):
    """A run with a secret in every name that a run has."""
    given = GIVEN
    (tmp_path / "given.json").write_text(json.dumps(given))
    monkeypatch.setenv("GIVEN", str(tmp_path / "given.json"))
    (repo / "p.py").write_text(PROGRAM)
    (repo / "c.yaml").write_text(f"lr: 1\nkey_{given['config key']}: 1\nin:\n  key_{given['nested key']}: {{a: 1}}\n")
    (repo / "d.toml").write_text(f'"key_{given["toml key"]}" = 1\n')
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "x")

    def launch(*more: str) -> int:
        return cli(
            "run", "--config", "c.yaml", "--config", "d.toml", "--data", f"key_{given['data set']}=data/train",
            "--seed", "1", "--label", f"tries {given['label']} on h", "--intent", f"config.key_{given['intent']}",
            "--bundle", f"b_{given['bundle']}", "--waive", f"RA205=the key {given['waiver']} is old",
            "--eval", f"key_{given['eval']}=1", "--init", "random", *more, "--", sys.executable, "p.py",
            f"--key_{given['option']}", "1", f"--key_{given['option with value']}=1",
        )  # fmt: skip

    return launch


def test_no_command_says_a_secret_and_nothing_keeps_one(launched, repo, cli, options, tmp_path, capfd):
    given = GIVEN
    assert launched() == 0, capfd.readouterr()
    assert launched() == 0, capfd.readouterr()
    (repo / f"key_{given['source']}.py").write_text("N = 1\n")
    assert launched() == 5
    assert "holds a secret" in capfd.readouterr().err
    (repo / f"key_{given['source']}.py").unlink()
    cli("annotate", "@last", f"see {given['annotation']}")
    cli("run", *options[:-1], f"a {given['refused label']}", "--", "python", "p.py", f"--key_{given['refused option']}")
    (repo / "bad.yaml").write_text(f"a: [\n{given['bad config']}: }}\n")
    (repo / "runaudit.toml").write_text(f"[factors]\nkey_{given['policy']} = 1\n")
    for command in (("list",), ("guard",)):
        cli(*command)
    (repo / "runaudit.toml").unlink()
    text = repo / "claims.md"
    text.write_text(f"# x\n\nRun tries reaches a {given['claimed']} of 23.0 dB.\n")
    page, bundle = tmp_path / "page.html", tmp_path / f"key_{given['page']}.run"
    (repo / "arms.toml").write_text(
        f'command = "python p.py {{seed}} --key_{given["refused option"]} {{lr}}"\nseeds = "0-1"\nvalues = {{lr = 1}}\n'
        f'[[arms]]\nlabel = "a {given["refused label"]}"\n'
    )
    remote = str(tmp_path / "remote")
    asks = ("untangle", "@last", "@last~1", "--metric", f"train/key_{given['metric']}", "--direction", "lower")
    asked: list[tuple[str, ...]] = [
        ("list",), ("list", "-v"), ("show", "@last"), ("show", "-v", "@last"), ("path", "@last"), ("verify",),
        ("diff", "@last~1", "@last"), ("diff", "@last", "--working"), ("study",), ("rules",), ("doctor",),
        ("health", "@last"), ("watch", "@last"),
        ("stats", "--metric", f"train/key_{given['metric']}", "@last", "--vs", "@last~1", "--direction", "lower"),
        ("stats", "--metric", f"key_{given['looked at']}", "@last", "--vs", "@last~1"),
        ("claims", str(text)), ("plan", "--sd", "1", "--effect", "1"), ("doctor", "--secrets"), ("doctor", "--repair"),
        ("show", f"tries {given['no run']}"), ("claims", f"{given['no file']}.md"),
        ("guard", "--waive", f"RA999={given['waived wrong']} is old"), ("guard", "--data", given["bad data"]),
        ("guard", "--config", "bad.yaml"), ("list", f"--key-{given['unknown option']}=1"), ("seal", "@last"),
        ("campaign", "arms.toml"), ("rerun", "@last"), (*asks, "--budget", "9"),
        ("restore", "@last", "--to", str(tmp_path / "restored")),
        ("report", "@last", "@last~1", "-o", str(page), "--title", f"on {given['title']}"),
        ("export", "@last", "-o", str(bundle)), ("archive", "@last"), ("archive", "@last", "--undo"),
        ("gc",), ("gc", "--yes"), ("push", remote), ("list", "--remote", remote), ("pull", remote),
        ("pull", remote, "--store", str(tmp_path / "third")), ("push", f"s3://joe:{given['remote']}@bucket/runs"),
        ("pull", remote, f"tries {given['no run']}"), ("push", given["remote name"]),
        ("import", str(bundle)), ("import", str(bundle), "--store", str(tmp_path / "other")),
        ("forget", "@last", "--reason", f"the key {given['forget']} was in it"), ("show", "@last"), ("verify",),
        ("guard", *options[:-1], f"a {given['refused label']}", "--", "python", "p.py", f"--{given['refused option']}"),
    ]  # fmt: skip
    assert {words[0] for words in asked} | {"run", "annotate"} == set(COMMANDS)
    forms: list[tuple[str, ...]] = [(), ("--json",), ("--format", "md")]
    said: dict[str, list[str]] = {}
    for words in asked:
        for form in forms:
            capfd.readouterr()
            code = cli(*words, *form) if "--" not in words else cli(words[0], *form, *words[1:])
            assert code != 70, (words, capfd.readouterr())
            out, err = capfd.readouterr()
            if found := readable((out + err).encode()):
                said[" ".join((*words[:2], *form))] = found
    assert said == {}, said
    assert left_in(repo / ".runaudit") == left_in(tmp_path / "other") == {}
    assert left_in(tmp_path / "remote") == left_in(tmp_path / "third") == {}
    assert readable(page.read_bytes()) == readable(bundle.read_bytes()) == []


TYPED = (
    "--password",
    "swordfish",
    "--api-key=hunter2",
    "DB_PASS=opensesame",
    "--header",
    "Authorization: Bearer abc12def",
)
PASSWORDS = ("swordfish", "hunter2", "opensesame", "abc12def")


@pytest.mark.parametrize("form", [(), ("--json",), ("--format", "md"), ("-q",)])
@pytest.mark.parametrize("ask", ["guard", "run"])
def test_a_remedy_repeats_no_password_that_was_typed(repo, cli, options, capfd, ask, form):
    """A short password is none by its looks: it is one by where it stands in the command line."""
    assert cli(ask, *form, *options[:-2], "--", "python", "train.py", *TYPED) == 5

    said = "".join(capfd.readouterr())
    assert ("-q" in form or "label" in said) and not [word for word in PASSWORDS if word in said], said
