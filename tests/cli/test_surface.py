"""What other programs build on: exit codes, the error object, the table of commands, the words of the README."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from runaudit.cli import app
from runaudit.cli.app import COMMANDS, load_command
from runaudit.store import Store
from runaudit.text.verdicts import VERDICTS
from tests.cli.recorded import METRIC, cohort
from tests.diff.samples import put

LR = put("config/optimizer/lr", 5e-4)
ROOT = Path(__file__).parents[2]


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        app.main(list(words))
    return ended.value.code


def test_the_readme_names_every_command_and_no_other():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`runaudit ([a-z]+)", text))
    assert named == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_loads_and_tells_what_it_does(name, capsys):
    assert load_command(name, COMMANDS[name][0]).help
    assert run(name, "--help") == 0
    assert "Usage:" in capsys.readouterr().out


@pytest.mark.parametrize("name", COMMANDS)
def test_help_names_what_is_typed_and_no_type_of_python(name, capsys):
    run(name, "--help")
    told = capsys.readouterr().out
    assert not re.search(r"<[\w\[\]|]+>|\b(?:list\[|str\b|Path\b|INTEGER|FLOAT)", told), told
    assert not re.search(r"\[\[|\.\.\.\]\.\.\.", told.split("\n")[0]), told


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"rules", "plan", "import"}))
def test_every_command_takes_the_store_the_policy_and_the_format(name, capsys):
    run(name, "--help")
    told = capsys.readouterr().out
    for option in ("--store", "--policy", "--format", "--json", "--quiet", "--debug"):
        assert option in told, (name, option)


def test_an_unknown_command_is_a_usage_error():
    assert run("dif") == 2


@pytest.mark.parametrize(
    ("words", "said", "remedy"),
    [
        (("dif",), "no command is called 'dif' (closest: 'diff'", "`runaudit --help` lists them"),
        (("--verson",), "runaudit has no option '--verson' (closest: '--version'", "`runaudit --help` lists them"),
        (("stats", "--metic", "x"), "stats has no option '--metic' (closest: '--metric'", "`runaudit stats --help`"),
        (("show",), "RUN is missing", "`runaudit show --help` says what it is"),
        (("list", "-n", "abc"), "invalid value for '-n' / '--number': a whole number", "`runaudit list --help`"),
        (("list", "--format", "xyz"), "'xyz' is not one of 'text', 'json', 'md'", "`runaudit list --help`"),
        (("stats", "--metric"), "option '--metric' requires an argument", "`runaudit stats --help`"),
        (("path", "a", "b", "c"), "unexpected extra argument", "`runaudit path --help`"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("program", [False, True])
def test_a_call_that_the_parser_refuses_is_one_line_with_what_to_do(capsys, words, said, remedy, program):
    assert run(*words, *(["--json"] if program else [])) == 2
    out, err = capsys.readouterr()
    assert err.count("\n") == 1 and err.startswith("runaudit: ")
    if program and words != ("stats", "--metric"):  # There `--json` is the metric.
        told = json.loads(out)
        assert said in told["error"] and remedy in told["remedy"]
    elif not program:
        assert out == "" and said in err and remedy in err


def test_a_call_of_nothing_shows_the_help(capsys):
    run()
    assert "Usage:" in "".join(capsys.readouterr())


def test_the_program_of_every_command_that_judges_reads_its_verdict(tmp_path, capsys, monkeypatch):
    """One key, whichever the command: a program needs no table of where each keeps it. `claims` judges many."""
    monkeypatch.chdir(tmp_path)
    store = Store.create(tmp_path / ".runaudit")
    new, _ = cohort(store, "new", (31.2, 31.25, 31.31)), cohort(store, "old", (30.1, 30.2, 30.4), LR)
    calls = {
        "verify": [],
        "doctor": [],
        "guard": ["--label", "x", "--", "true"],
        "diff": ["new", "old"],
        "study": [],
        "health": ["new"],
        "stats": ["--metric", METRIC, "new", "--vs", "old"],
        "plan": ["--sd", "0.1", "--effect", "0.2"],
        "restore": [new[0], "--to", str(tmp_path / "there")],
        "rerun": None,
        "untangle": None,
        "campaign": None,
    }
    for name, words in calls.items():
        if words is not None:
            run(name, *([*words[:-2], "--json", *words[-2:]] if "--" in words else [*words, "--json"]))
            assert json.loads(capsys.readouterr().out)["verdict"] in VERDICTS[name], name
    assert set(VERDICTS) == {*calls, "claims"}


def test_no_store_is_nothing_to_judge_and_says_so_to_people_and_programs(tmp_path, capsys):
    assert run("verify", "--store", str(tmp_path / "none"), "--json") == 3
    told = capsys.readouterr()
    answer = json.loads(told.out)
    assert answer["schema"] == "runaudit.error/1"
    assert set(answer) == {"schema", "error", "remedy"}
    assert told.err.count("\n") == 1


def test_a_word_the_parser_refuses_is_told_to_programs_too(capsys):
    assert run("diff", "--no-such-option", "--json") == 2
    assert json.loads(capsys.readouterr().out)["schema"] == "runaudit.error/1"


@pytest.mark.parametrize(
    "words",
    [
        ("diff",),
        ("study",),
        ("verify",),
        ("rerun", "abcd"),
        ("untangle", "abcd", "bcde", "--metric", "m"),
        ("health", "abcd"),
        ("stats", "--metric", "m", "a", "--vs", "b"),
    ],
)
def test_a_check_where_there_is_no_store_is_never_a_pass(tmp_path, words):
    for more in ((), ("--exit-zero",)):
        assert run(*words, "--store", str(tmp_path / "none"), *more) == 3


def test_exit_zero_never_forgives_a_usage_error(tmp_path):
    assert run("diff", "one", "--store", str(tmp_path), "--exit-zero") == 2


def test_a_fault_of_ours_is_one_line_and_70(monkeypatch, capsys):
    def broken(*_args, **_options):
        raise RuntimeError("a bug")

    monkeypatch.setattr(app, "load_command", broken)
    assert run("list") == 70
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "RuntimeError: a bug" in told
    assert "--debug" in told


def test_an_interrupt_is_130(monkeypatch):
    def interrupted(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(app, "load_command", interrupted)
    assert run("list") == 130


def test_a_reader_that_goes_away_is_no_fault():
    """`runaudit rules | head -1`."""
    command = f"{sys.executable} -m runaudit rules | head -1"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], cwd=ROOT, capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    assert "unexpected" not in done.stderr
