"""After Tab the shell offers labels, ids, cohorts, metrics and rules: harmless words, and none where anything fails."""

import json
import os
import shlex
import shutil
import subprocess
import sys

import pytest

from runaudit.importers.kinds import WORDS
from runaudit.store.store import Store
from tests.cli.recorded import cohort
from tests.diff.samples import put

LR = put("config/optimizer/lr", 5e-4)


@pytest.fixture
def offered(tmp_path):
    """The words that bash gets for a line, as typer's script asks for them."""

    def ask(line):
        code = "import sys; sys.argv = ['runaudit']; from runaudit.cli.app import main; main()"
        here = {name: value for name, value in os.environ.items() if name != "RUNAUDIT_STORE"}
        shell = {"_RUNAUDIT_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False, env=here | shell
        )
        assert done.stderr == ""
        return [word for word in done.stdout.splitlines() if word]

    return ask


@pytest.mark.parametrize("indexed", [False, True])
def test_labels_ids_cohorts_metrics_and_rules_are_offered(here, runaudit, offered, indexed):
    ids = cohort(here, "wide net", [31.0, 31.2], LR)
    cohort(here, "slow", [30.0])
    cohort(here, "$(touch owned)", [30.0], put("config/x", 1))
    group = json.loads(runaudit("list", "--json", *([] if indexed else ["wide"]))[1])["cohorts"][0]["id"]

    assert offered("runaudit show sl") == ["slow"]
    assert offered("runaudit diff slow wi") == ["wide\\ net"]
    assert ids[0][:12] in offered(f"runaudit show {ids[0][:5]}")
    assert offered("runaudit study slow,wi") == ["slow,wide\\ net"]
    assert (group in offered(f"runaudit stats --vs {group[:6]}")) is indexed
    assert not any("$" in word or "touch" in word for word in offered("runaudit show "))
    assert offered("runaudit stats --metric full") == ["full_frame/psnr"]
    assert "no_seed" in offered("runaudit run --waive no_")
    assert "slow" in offered("runaudit guard --baseline sl")


def test_a_begun_form_is_completed_and_a_label_that_begins_an_id_is_offered_by_its_form(here, runaudit, offered):
    (run,) = cohort(here, "slow", [30.0])
    cohort(here, run[:5], [30.0], put("config/x", 1))
    group = json.loads(runaudit("list", "--json")[1])["cohorts"][0]["id"]

    assert offered("runaudit show label:sl") == ["label:slow"]
    assert offered("runaudit diff slow,id:" + run[:6]) == [f"slow,id:{run[:12]}"]
    assert offered("runaudit show cohort:" + group[:5]) == [f"cohort:{group}"]
    words = offered("runaudit show ")
    assert f"label:{run[:5]}" in words and run[:5] not in words


BASH = """
{script}
asked() {{
  COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _runaudit_completion runaudit; printf '%s\\n' "${{COMPREPLY[@]}}"
}}
runaudit() {{ "{python}" -c "import sys; sys.argv = ['runaudit']; from runaudit.cli.start import main; main()"; }}
export -f runaudit
env() {{ while [[ $1 == *=* ]]; do local -x "$1"; shift; done; "$@"; }}
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
@pytest.mark.parametrize(
    ("words", "put"),
    [
        (["show", "wi"], ["wide\\ net"]),
        (["show", '"wi'], ["wide net"]),
        (["show", "label", ":", "wi"], ["wide\\ net"]),
        (["show", "label", ":"], ["wide\\ net", "slow"]),
        (["diff", "slow", "label", ":", "wi"], ["wide\\ net"]),
    ],
    ids=["a word", "in quotes", "behind a colon", "nothing behind a colon", "the second run"],
)
def test_bash_puts_on_the_line_what_names_the_run(here, tmp_path, words, put):
    """Bash parts a line at colons, and what it is given stands in the place of the last part."""
    cohort(here, "wide net", [31.0], LR)
    cohort(here, "slow", [30.0])
    shown = [sys.executable, "-m", "runaudit", "--show-completion", "bash"]
    said = subprocess.run(shown, capture_output=True, text=True, check=True, cwd=tmp_path)
    script = BASH.format(script=said.stdout, python=sys.executable) + shlex.join(["asked", "runaudit", *words])
    here_alone = {name: value for name, value in os.environ.items() if name != "RUNAUDIT_STORE"}
    done = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path,
                          env=here_alone)  # fmt: skip

    assert done.stderr == "" and sorted(done.stdout.splitlines()) == sorted(put)


def test_columns_orders_kinds_and_directions_are_offered(here, offered):
    cohort(here, "slow", [30.0])

    assert offered("runaudit list --columns id,full") == ["id,full_frame/psnr"]
    assert {"id", "label", "full_frame/psnr"} <= set(offered("runaudit list --columns "))
    assert offered("runaudit stats --direction l") == ["lower"]
    assert offered("runaudit import b") == ["bundle"]
    assert set(offered("runaudit import ")) == set(WORDS) >= {"record", "wandb", "bundle", "auto"}


def test_what_can_be_vouched_for_is_offered(here, offered):
    assert offered("runaudit diff --assume e") == ["env", "eval"]


def test_a_label_of_odd_letters_is_offered_so_that_the_shell_takes_it_for_a_word(here, offered):
    odd = (" led by a space", "lr<1e-3", "[b] arm", "@home")
    for at, label in enumerate((*odd, "-rf", "`id`", "a;b")):
        cohort(here, label, [30.0], put("config/x", at))

    words = offered("runaudit show ")
    assert {"\\ led\\ by\\ a\\ space", "lr\\<1e-3", "\\[b\\]\\ arm", "@home"} <= set(words)
    assert not any(word.startswith("-") or "`" in word or ";" in word for word in words)


def test_a_damaged_or_missing_store_offers_nothing_and_says_nothing(here, offered, tmp_path):
    assert offered(f"runaudit show --store {tmp_path}/none sl") == []
    cohort(here, "slow", [30.0])
    here.log_path.write_bytes(b"no log\n")
    assert [word for word in offered("runaudit show sl") if word != "@last"] == []
    assert Store.open(here.root)


@pytest.mark.parametrize(
    ("shell", "mark"), [("zsh", "#compdef runaudit"), ("bash", "complete -o"), ("fish", "complete --")]
)
def test_completion_is_shown_for_the_shell_that_is_named(runaudit, shell, mark):
    """Whatever shell started the process: `_RUNAUDIT_COMPLETE=complete_SHELL` is what the script asks with."""
    for words in (["--show-completion", shell], [f"--show-completion={shell}"]):
        code, out, err = runaudit(*words)
        assert (code, err) == (0, "") and mark in out and f"_RUNAUDIT_COMPLETE=complete_{shell}" in out


def test_a_shell_without_completion_is_told_with_those_that_have_one(runaudit):
    code, out, err = runaudit("--show-completion", "csh")

    assert (code, out) == (2, "") and "there is no completion for csh; name one of bash, zsh" in err
