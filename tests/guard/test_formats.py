"""Every command takes every format, and no name is markup in any of them: labels come from strangers."""

import csv
import io
import json
import re
import sys

import pytest

from runaudit.cli.app import COMMANDS
from runaudit.store.store import Store
from tests.cli.recorded import METRIC, cohort, launched
from tests.diff.samples import put

HOSTILE = (
    "=<img src=x onerror=alert(1)>|`*_[a](b)\x1b[31m\x1b]0;owned\x07\nend\u202egpj\u2066\u200b\ufeff\u3164\x85\u2028"
)
RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\u3164\ufe00-\ufe0f\ufeff]")
"""What a terminal obeys or nobody sees. A line's end is none of it: every output has lines."""
OTHER = f"other {HOSTILE}"
OURS = re.compile(r"</?(?:details|summary)>|<!-- -->|!\[(?:\\.|[^\]\\])*\]\(page\.svg\)")
"""What we write ourselves: folds, what keeps a label from calling somebody, and the picture beside a page, whose words
end no bracket."""

CALLS = {
    # command: (its words, the exit codes with which it answers)
    "list": ([], {0}),
    "show": ([f"one {HOSTILE}"], {0}),
    "path": (["first"], {0}),
    "annotate": (["first", HOSTILE], {0}),
    "archive": ([HOSTILE], {0}),
    "diff": ([HOSTILE, OTHER, "--all"], {1}),
    "study": ([HOSTILE, OTHER, "--all"], {1}),
    "stats": (["--metric", METRIC, HOSTILE, "--vs", OTHER], {1}),
    "plan": (["--metric", METRIC, HOSTILE, OTHER, "--effect", "0.5"], {0}),
    "claims": (["draft.md"], {1}),
    "health": ([HOSTILE, OTHER], {3}),
    "watch": (["first"], {0}),
    "report": ([HOSTILE, OTHER, "-o", "page.html"], {0}),
    "verify": ([], {0}),
    "doctor": ([], {0}),
    "forget": (["lost", "--reason", HOSTILE], {0}),
    "run": (["--label", HOSTILE, "--", "true"], {5}),
    "guard": (["--label", HOSTILE, "--waive", f"no_seed={HOSTILE}"], {5}),
    "seal": (["lost"], {0}),
    "restore": (["first", "--to", "restored"], {0}),
    "rerun": (["first"], {0}),
    "untangle": (["first", f"mixed {HOSTILE}.", "--metric", "val/psnr", "--dry-run"], {0}),
    "campaign": (["rates.toml", "--dry-run"], {0}),
    "import": (["record", "foreign.json"], {0}),
    "export": ([HOSTILE, OTHER, "-o", "runs.bundle", "--force"], {0}),
    "gc": ([], {0}),
    "push": (["./elsewhere"], {0}),
    "pull": (["./elsewhere", "--store", "other"], {0}),
    "rules": ([], {0}),
}

CAMPAIGN = f"""\
command = "{sys.executable} train.py {{seed}} {{lr}}"
seeds = "1-2"
config = "c.toml"
data = {{train = "data/train", val = "data/val"}}
[[arms]]
label = {json.dumps(f"slow {HOSTILE}.")}
values = {{lr = 0.1}}
[[arms]]
label = {json.dumps(f"fast {HOSTILE}.")}
values = {{lr = 0.2}}
"""

ONCE = ("seal", "import", "restore", "rerun", "forget", "pull")
"""What answers otherwise when it is asked again."""


def outside_code(text: str) -> str:
    """What a renderer could take for markup: code blocks and spans taken out, what is escaped too."""
    text = re.sub(r"^( *)(`{3,})[^\n]*\n.*?^\1\2$", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"\\[!-/:-@\[-`{-~]", "", text)
    return re.sub(r"(`+)[^\n]*?(?<!`)\1(?!`)", "", text)


def rows_of_tables(text: str) -> list[list[int]]:
    """How many bars stand in the rows of each table."""
    tables = re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)
    return [[len(re.findall(r"(?<!\\)\|", row)) for row in found.splitlines()] for found in tables]


@pytest.fixture
def place(repo, options, command, cli, git, capfd, request):
    """A repository with a run, cohorts with names that nobody should believe, and a text about them."""
    assert cli("run", *options[:-1], "first", *command, "1") == 0
    if getattr(request.node, "callspec", None) and request.node.callspec.params.get("name") == "untangle":
        # Only a launched run can be mixed with another, and launching one takes a while.
        (repo / "c.toml").write_text("lr = 0.2\n[model]\nwidth = 4\n")
        (repo / "helper.py").write_text("def score(step, seed):\n    return 21 + step + seed / 10\n")
        assert cli("run", "--waive", "RA103=sealed", *options[:-1], f"mixed {HOSTILE}.", *command, "1") == 0
    store = Store.open(repo / ".runaudit")
    cohort(store, HOSTILE, (31.0, 31.1, 31.2), put("config/model/activation", "silu"), put("config/x", HOSTILE))
    cohort(store, OTHER, (30.0, 30.1, 30.3), put(f"config/{HOSTILE.replace('/', '')}", 1))
    cohort(store, f"one {HOSTILE}", (32.0,), put("config/alone", 1))
    launched(store, put("label", "lost"))
    assert cli("push", "./elsewhere", "first") == 0
    (repo / "draft.md").write_text(f'<!-- runaudit: {METRIC} "first" vs "nobody" = +1.0 -->\n')
    foreign = {"schema": "runaudit.record/1", "label": HOSTILE, "seed": 7, "config": {"a": 1}}
    (repo / "foreign.json").write_text(json.dumps(foreign))
    (repo / "rates.toml").write_text(CAMPAIGN)
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "a campaign and all that lies there")
    capfd.readouterr()
    return repo


def test_the_table_of_calls_knows_every_command():
    assert CALLS.keys() == COMMANDS.keys()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_every_format_and_no_name_is_markup_in_any(place, cli, capfd, name):
    """In one place a command: to make one, with a launch in it, costs more than all that is asked of it."""
    words, codes = CALLS[name]
    at = words.index("--") if "--" in words else len(words)

    def asked(*options):
        assert cli(name, *words[:at], *options, *words[at:]) in codes
        out = capfd.readouterr().out
        assert not RAW.findall(out)
        return out

    out = asked("--format", "md")
    plain = OURS.sub("", outside_code(out))
    assert plain.strip()
    assert not re.search(r"<[a-zA-Z/!]", plain)
    assert "](" not in plain
    assert all(len(set(widths)) == 1 for widths in rows_of_tables(out))
    if name not in ONCE:
        asked("--format", "text")
        asked("-q")
        assert json.loads(asked("--format", "json"))["schema"].startswith("runaudit.")


def test_a_spreadsheet_computes_no_text_and_every_row_has_its_cells(place, cli, capfd):
    assert cli("list", "--csv") == 0

    out = capfd.readouterr().out
    rows = list(csv.reader(io.StringIO(out, newline="")))
    assert len(rows) > 7 and len({len(row) for row in rows}) == 1
    assert not RAW.findall(out.replace("\r\n", "\n"))
    assert any(cell.startswith("'=<img") for row in rows for cell in row)
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)


def test_a_refusal_on_one_line_names_the_rules_and_the_first_remedy(repo, cli, capfd):
    code = cli("guard", "-q", "--label", "new", "--seed", "1", "--", "true")

    (line,) = capfd.readouterr().out.splitlines()
    assert code == 5 and "RA" in line.partition("reason")[2] and "; fix: " in line
