"""A plain `list` is answered without the parser, with the words and the meanings that the parser's way has."""

import json
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runaudit.cli import app
from runaudit.cli.start import main, plain_list
from runaudit.voice.glance import may_be_drawn
from tests.cli.test_diff import LR, seal
from tests.diff.samples import put

UNDERSTOOD = [
    ["list"],
    ["list", "--json"],
    ["list", "--format", "json"],
    ["list", "--format=text"],
    ["list", "-n", "2"],
    ["list", "--number=1", "--json"],
    ["list", "--store", ".runaudit", "-n", "3"],
    ["list", "--format", "text", "--json"],
]
NOT_UNDERSTOOD = [
    ["list", "base"],
    ["list", "-q"],
    ["list", "--format", "md"],
    ["list", "--format", "xml", "--json"],
    ["list", "-n", "0"],
    ["list", "-n", "two"],
    ["list", "-n"],
    ["list", "-n2"],
    ["list", "-n=2"],
    ["list", "--store", "--json"],
    ["list", "--all"],
    ["list", "--help"],
    ["--help"],
    ["diff", "a", "b"],
    [],
]


@pytest.fixture
def store(here):
    for seed in (1, 2):
        seal(here, put("seed", seed), put("label", f"base {seed}"))
    seal(here, LR, put("label", "lower rate"))
    return here


def said(way, line, capsys):
    with pytest.raises(SystemExit) as ended:
        way(list(line))
    out, err = capsys.readouterr()
    return ended.value.code, out, err


@pytest.mark.parametrize("line", UNDERSTOOD, ids=" ".join)
def test_a_plain_list_says_what_the_parsers_way_says(line, store, capsys, monkeypatch):
    parsed = said(app.main, line, capsys)
    assert parsed[0] == 0 and parsed[1]
    monkeypatch.setattr(app, "main", None)

    assert said(main, line, capsys) == parsed
    assert store.log_path.exists()


@pytest.mark.parametrize("line", NOT_UNDERSTOOD, ids=" ".join)
def test_any_other_line_goes_to_the_parser(line):
    assert plain_list(line) is None


@pytest.mark.parametrize("line", [["list", "--policy", "nowhere.toml"], ["list", "--store", "nowhere"]], ids=" ".join)
def test_a_mistake_is_told_in_the_parsers_words(line, store, capsys):
    assert said(main, line, capsys) == said(app.main, line, capsys)
    assert store.log_path.exists()


def test_a_store_whose_index_is_behind_is_listed_as_it_is(store, capsys):
    said(main, ["list"], capsys)
    seal(store, put("seed", 3), put("label", "base 3"))

    assert "base" in said(main, ["list"], capsys)[1]
    assert json.loads(said(main, ["list", "--json"], capsys)[1])["cohorts"][0]["n"] == 3


def test_a_plain_list_loads_no_parser_and_no_judge(store):
    code = (
        "import json, sys\nfrom runaudit.cli.start import main\n"
        "try: main(['list', '--store', sys.argv[1]])\nexcept SystemExit: pass\n"
        "heavy = ('typer', 'rfc8785', 'runaudit.factors', 'tempfile')\n"
        "print(json.dumps([name for name in heavy if name in sys.modules]))"
    )
    call = [sys.executable, "-c", code, str(store.root)]
    subprocess.run(call, check=True, capture_output=True)
    done = subprocess.run(call, check=True, capture_output=True, text=True)

    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_where_runs_are_put_away_there_is_more_to_say_and_the_parsers_way_says_it(store, capsys):
    said(app.main, ["archive", "lower rate"], capsys)
    parsed = said(app.main, ["list"], capsys)

    assert said(main, ["list"], capsys) == parsed
    assert "lower rate" not in parsed[1] and store.log_path.exists()


@pytest.mark.parametrize("way", [app.main, main])
@pytest.mark.parametrize("line", [["list"], ["list", "--json"]])
def test_a_label_that_an_older_runaudit_sealed_with_a_secret_is_shown_without(store, capsys, way, line):
    token = "glpat-" + "aB3" * 7
    seal(store, put("config/of_its_own", 9), put("label", f"on {token}"))
    said(app.main, ["list"], capsys)  # The index is there.

    code, out, _ = said(way, line, capsys)

    assert code == 0 and token not in out and "on <redacted>" in out


DRAWN = re.compile(r"(?=[A-Za-z_-]*[0-9])(?=[a-z0-9_-]*[A-Z])[A-Za-z0-9_-]{20,}|://|[Bb]earer ")
WORDS = st.lists(
    st.sampled_from(["aB3", "abcdefghij", "KLMNOPQRST", "0123456789", "-", "_", "é", " ", "://", "Bearer", "\n"])
)


@given(WORDS.map("".join))
def test_what_may_be_a_secret_is_a_long_word_of_digits_and_both_cases_or_an_address(text):
    assert may_be_drawn(text) is (DRAWN.search(text) is not None)


def test_a_few_new_lines_need_no_parser(store):
    said = [sys.executable, "-m", "runaudit", "list", "--json"]
    subprocess.run(said, check=True, capture_output=True)
    seal(store, put("seed", 7), put("label", "base 7"))
    code = (
        "import sys\nfrom runaudit.cli.start import main\n"
        "try:\n    main(['list', '--json'])\n"
        "finally:\n    assert 'typer' not in sys.modules, 'the parser was loaded'\n"
    )
    at_once = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    for name in (store.root / "cache").glob("list*"):
        name.unlink()
    assert at_once == subprocess.run(said, check=True, capture_output=True, text=True).stdout
    assert "base 7" in at_once
