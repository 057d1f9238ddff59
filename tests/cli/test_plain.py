"""A line of texts, paths and switches means the same whether typer's validators take part or not."""

import json
import subprocess
import sys

import pytest

from runaudit.cli.app import main
from runaudit.cli.start import plain_list

LINES = [
    ["diff", "a", "b", "--intent", "lr", "--intent=seed", "--all", "--store", "s"],
    ["diff", "--json", "-q"],
    ["list", "psnr>30", "--policy", "p.toml"],
    ["stats", "--metric", "m", "a", "--vs", "b"],
    ["verify"],
]


@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_a_plain_line_gives_the_values_that_typer_gives(line, monkeypatch):
    from runaudit.cli.app import COMMANDS, load_command
    from runaudit.voice import plaincommand as plain

    def values():
        command = load_command(line[0], COMMANDS[line[0]][0])
        return {k: v or None for k, v in command.make_context(line[0], line[1:]).params.items()}

    ours = values()

    def refuse(*_):
        raise plain.NeedsTyper

    monkeypatch.setattr(plain, "value_of", refuse)
    assert values() == ours


@pytest.mark.parametrize(
    "line",
    [
        ["diff", "--nope"], ["list", "--format", "xml"], ["show"], ["show", "a", "b"], ["nope"],
        ["campaign", "a.toml", "--jobs", "0"], ["untangle", "a", "b", "--seeds", "2"],
        ["run", "--seeds", "0-1", "--jobs", "0", "--", "true"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_wrong_line_is_a_usage_error(line, capsys):
    with pytest.raises(SystemExit) as ended:
        main(line)

    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("runaudit: ")


def test_listing_loads_no_validators_and_no_judge(tmp_path):
    code = (
        "import json, sys\nfrom runaudit.cli.app import main\n"
        "try: main(['list', '--store', sys.argv[1]])\nexcept SystemExit: pass\n"
        "print(json.dumps([name for name in ('pydantic', 'numpy', 'torch') if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True, text=True)

    assert json.loads(done.stdout.splitlines()[-1]) == []


@pytest.mark.parametrize(
    ("line", "value", "runs"),
    [
        (["--since", "line:4", "a"], "line:4", ["a"]),
        (["--since", "wandb:mine", "a"], "wandb:mine", ["a"]),
        (["--since", "./heads", "a"], "./heads", ["a"]),
        (["--since", "a"], "signed", ["a"]),
        (["--since"], "signed", []),
    ],
)
def test_an_option_that_may_stand_alone_takes_only_what_can_be_its_value(line, value, runs):
    from runaudit.cli.app import COMMANDS, load_command

    params = load_command("verify", COMMANDS["verify"][0]).make_context("verify", line).params

    assert (params["since"], params["runs"] or []) == (value, runs)


@pytest.mark.parametrize(
    "line",
    [
        ["verify", "--anchor", "git", "--anchor", "./heads"],
        ["verify", "--key", "a.pub", "--key=b.pub"],
        ["stats", "--metric", "a", "--metric", "b", "x", "--vs", "y"],
        ["list", "--store", "a", "--store", "b"],
        ["diff", "a", "b", "--format", "json", "--format", "md"],
    ],
    ids=" ".join,
)
def test_an_option_of_one_value_that_is_given_twice_is_refused(line, capsys):
    with pytest.raises(SystemExit) as ended:
        main(line)

    assert ended.value.code == 2
    assert f"{line[[word[:2] for word in line].index('--')]} is given more than once" in capsys.readouterr().err


def test_a_plain_list_leaves_an_option_that_is_given_twice_to_the_parser():
    assert plain_list(["list", "--store", "a", "--store", "b"]) is None


def test_options_of_many_values_and_switches_may_be_repeated():
    from runaudit.cli.app import COMMANDS, load_command

    line = ["--check-anchor", "git", "--check-anchor", "./heads", "-q", "-q"]
    params = load_command("verify", COMMANDS["verify"][0]).make_context("verify", line).params

    assert (params["check_anchor"], params["quiet"]) == (["git", "./heads"], True)
