"""`list` answers what is asked of the runs, and says so where a name means nothing."""

import csv
import dataclasses
import io
import json
import re
import statistics
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runaudit.runs import rows
from runaudit.runs.rows import RunRow, Spread, column
from runaudit.verbs import open_store
from tests.cli.recorded import sealed
from tests.cli.test_diff import LR, call, seal, store  # noqa: F401
from tests.diff.samples import put


@pytest.fixture
def runs(store):  # noqa: F811
    return [
        seal(store, put("seed", 1), put("label", "base 1")),
        seal(store, put("seed", 2), put("label", "base 2"), status="crashed"),
        seal(store, put("seed", 1), put("label", "=1+1"), LR),
    ]


def ids(answer):
    return [run["id"] for group in json.loads(answer)["cohorts"] for run in group["runs"]]


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ('status == "completed"', [0, 2]),
        ('not (status == "completed") or label == "=1+1"', [1, 2]),
        ('status in ("crashed", "lost")', [1]),
        ('status not in ["crashed"] and seed < 2', [0, 2]),
        ("config.optimizer.lr < 0.0007", [2]),
        ("seed >= 1", [0, 1, 2]),
        ("psnr > 1000", []),
        ("full_frame/psnr/astronaut > 1 and seed == 2", [1]),
    ],
)
def test_where_keeps_what_it_says(runs, call, where, kept):  # noqa: F811
    code, out, _ = call("list", "--where", where, "--json")
    assert (code, ids(out)) == (0, [runs[at] for at in kept])


@pytest.mark.parametrize(
    "words",
    [["--where", "config.optimiser.lr > 1"], ["--sort", "statos"], ["--columns", "id,sed"],
     ["--where", "__import__('os').system('true')"], ["--where", "seed >"], ["-n", "0"]],
    ids=" ".join,
)  # fmt: skip
def test_what_means_nothing_is_a_usage_error(runs, call, words):  # noqa: F811
    code, out, err = call("list", *words)
    assert (code, out) == (2, "") and err.startswith("runaudit: ")


def test_an_unknown_name_comes_with_the_nearest(runs, call):  # noqa: F811
    assert "config.optimizer.lr" in call("list", "--where", "config.optimiser.lr > 1")[2]
    assert "status" in call("list", "--sort", "statos")[2]


def test_a_minus_sorts_descending_and_n_takes_the_first(runs, call):  # noqa: F811
    assert ids(call("list", "--sort", "-config.optimizer.lr", "--json")[1])[-1] == runs[2]
    assert ids(call("list", "--sort", "config.optimizer.lr", "-n", "1", "--json")[1]) == [runs[2]]
    assert ids(call("list", "-n", "1", "--json")[1]) == [runs[2]]


def test_csv_is_read_back_and_computes_nothing(runs, call):  # noqa: F811
    out = call("list", "--csv", "--columns", "id,label,seed")[1]
    found = list(csv.reader(io.StringIO(out)))
    assert found[0] == ["id", "label", "seed"] and [row[0] for row in found[1:]] == runs
    assert found[3] == [runs[2], "'=1+1", "1"]


def test_csv_has_its_header_where_no_run_matches(runs, call):  # noqa: F811
    """What reads it asks by column: a file without any reads as broken."""
    every = next(csv.reader(io.StringIO(call("list", "--csv")[1])))

    fields = next(csv.reader(io.StringIO(call("list", "nothing like it", "--csv")[1])))
    assert fields == [name for name in every if name in fields] and "status" in fields
    assert call("list", "nothing like it", "--csv", "--columns", "id,seed")[1].split() == ["id,seed"]


def test_help_says_what_csv_does_to_a_formula(runs, call):  # noqa: F811
    words = " ".join(call("list", "--help")[1].split())
    assert "a ' before text that a spreadsheet would compute" in words


def test_a_cohort_shows_mean_and_n_of_one_metric(runs, call):  # noqa: F811
    group = json.loads(call("list", "--json")[1])["cohorts"][0]
    assert group["metric"]["n"] == 1 and group["metric"]["sd"] is None
    assert group["metric"]["name"] in call("list")[1] and "(n = 1)" in call("list")[1]


def diverged(store):  # noqa: F811
    """Three seeds of one design, of which one came to NaN and one to an infinity, and a fourth without a value."""
    values = (30.5, float("nan"), float("inf"), None)
    return [
        seal(store, put("seed", seed), put("label", f"arm {seed}"),
             put("metrics", {} if value is None else {"val/psnr": value}))
        for seed, value in enumerate(values)
    ]  # fmt: skip


@pytest.mark.parametrize("words", [(), ("--json",), ("--csv",), ("--format", "md"), ("-v",), ("-n", "3"), ("--all",)])
def test_a_diverged_seed_is_listed_and_stands_in_no_mean(store, call, words):  # noqa: F811
    diverged(store)
    code, out, err = call("list", *words)
    assert (code, err) == (0, "") and "arm" in out
    if words in ((), ("--format", "md")):
        assert "val/psnr no mean; the one with a number: 30.5 (n = 1 of 4, 2 not finite)" in out
    if words == ("--json",):
        (group,) = json.loads(out)["cohorts"]
        left = {"mean": 30.5, "sd": None, "n": 1}
        assert group["metric"] == {
            "name": "val/psnr", "mean": None, "sd": None, "n": 1, "not_finite": 2, "lost": 1, "survivors": left
        }  # fmt: skip


def test_numbers_are_sorted_by_size_and_nan_stands_with_what_has_none(store, call):  # noqa: F811
    runs = diverged(store)
    assert ids(call("list", "--sort", "val/psnr", "--json")[1]) == [runs[0], runs[2], runs[1], runs[3]]
    assert ids(call("list", "--sort", "-val/psnr", "--json")[1]) == [runs[2], runs[0], runs[1], runs[3]]
    larger = seal(store, put("seed", 10**400), put("label", "large"))
    assert ids(call("list", "--sort", "-seed", "--json")[1])[0] == larger


def test_mean_and_sd_are_of_the_finite_values_however_large():
    """By hand: (2 + 4 + 9) / 3 = 5, sqrt((9 + 1 + 16) / 2) = 3.6056."""
    found = Spread.of_draws("m", [(2.0,), (4.0,), (float("nan"),), (9.0,)])
    assert found is not None and (found.mean, found.n, found.not_finite) == (5.0, 3, 1)
    assert found.sd == pytest.approx(3.605551275463989)
    assert Spread.of_draws("m", [(1.5e308,), (1.5e308,)]) == Spread(name="m", mean=1.5e308, sd=0.0, n=2)
    assert Spread.of_draws("m", [(float("nan"),), (float("inf"),)]) is None


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**60), 2**60), min_size=1, max_size=6)
)
def test_a_mean_is_the_nearest_float_to_the_exact_one(values):
    found = Spread.of_draws("m", [(value,) for value in values])
    assert found is not None and found.mean == float(statistics.mean(map(Fraction, values)))


def test_nothing_is_wider_than_a_terminal(runs, call):  # noqa: F811
    assert max(map(len, call("list")[1].splitlines())) <= 80


@pytest.mark.parametrize(
    "columns",
    ["id,acc, top-5,seed", 'id,"acc, top-5",seed', "id,metrics['acc, top-5'],seed", "id,acc, top-5 , seed"],
)
def test_a_name_that_holds_a_comma_is_a_column(here, runaudit, columns):
    """A tracker's names are anybody's: what only the names there are can tell, they tell."""
    (run,) = [sealed(here, put("seed", 1), metrics={"acc, top-5": 0.5, "psnr": 30.0})]

    code, out, _ = runaudit("list", "--csv", "--columns", columns)

    (header, row) = csv.reader(io.StringIO(out))
    assert (code, len(header), row) == (0, 3, [run, "0.5", "1"])
    assert "0.5" in runaudit("list", "--columns", columns)[1]


def test_a_name_without_a_comma_stays_a_column_of_its_own(here, runaudit):
    sealed(here, put("seed", 1), metrics={"a": 1.0, "b": 2.0, "a,b": 3.0})

    assert runaudit("list", "--csv", "--columns", "a,b")[1].split() == ["a,b", "1.0,2.0"]
    assert runaudit("list", "--csv", "--columns", '"a,b"')[1].split() == ['"a,b"', "3.0"]
    assert "no run has 'nope'" in runaudit("list", "--columns", "nope,a")[2]


NUMBERS = re.compile(r"(?<![\\w.-])-?\\d+(?:\\.\\d+)?(?:e[+-]\\d+)?(?![\\w.…])")


@pytest.mark.parametrize("width", [80, 72, 60, 40, 24])
@pytest.mark.parametrize("columns", [None, "id,label,config.optimizer.lr,full_frame/psnr/astronaut,started"])
def test_no_number_is_cut_however_narrow_the_terminal(runs, call, monkeypatch, width, columns):  # noqa: F811
    """`31.…` reads as 31. What has no room is left out whole, and named."""
    words = ("list",) if columns is None else ("list", "--columns", columns)
    wide = call(*words)[1]
    monkeypatch.setattr("runaudit.runs.replying.line_width", lambda: width)

    narrow = call(*words)[1]

    known = set(NUMBERS.findall(wide)) | {str(width)}
    assert not [found for found in NUMBERS.findall(narrow) if found not in known]
    assert not re.search(r"\d…", re.sub(r"[0-9a-f]{4,}…|\d{4}-[\dT:-]*…", "", narrow))
    assert max(map(len, narrow.splitlines())) <= width
    if columns is None:
        assert NUMBERS.findall(narrow).count("31.2") == NUMBERS.findall(wide).count("31.2")
        assert ("no room in" in narrow) is (width < 76)
    elif "no room in" not in narrow:
        assert "0.001" in narrow and "0.0005" in narrow


def test_a_column_is_one_field(runs, call, store, monkeypatch):  # noqa: F811
    @dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
    class Wider(RunRow):
        digits: int = column(lambda run, _: sum(map(str.isdigit, run.id)), "digits", width=4, paged=True)

    monkeypatch.setattr(rows, "RunRow", Wider)
    wanted = [sum(map(str.isdigit, run)) for run in runs]

    assert [row["digits"] for row in open_store(store.root).table()] == wanted
    found = json.loads(call("list", "--json", "seed>0")[1])
    assert [run["digits"] for group in found["cohorts"] for run in group["runs"]] == wanted
    read = list(csv.DictReader(io.StringIO(call("list", "--csv")[1])))
    assert [row["digits"] for row in read] == list(map(str, wanted))
    assert "digits" in call("list", "--columns", "id,digits")[1].splitlines()[0]
    assert ids(call("list", "--where", f"digits == {wanted[0]}", "--json")[1])[0] == runs[0]
    assert len(ids(call("list", "--sort", "-digits", "--json")[1])) == 3
    assert "digits" in call("list", "--format", "md")[1].splitlines()[0]
    assert f"  {wanted[0]}  " in call("list", "seed>0")[1]
