"""What a run that broke off had not reached is unknown: it stays a run of its design, and in its denominator."""

from itertools import permutations

import pytest

from runaudit.factors.cohort import cohorts
from runaudit.settings import Settings
from runaudit.study.table import table_of
from tests.diff.seen import CODE, TREE, captured, changed_tree, read, seen

WHOLE = seen(
    read("/data/late.csv"), read("cache/", files=3), imported={"numpy": "2.0.1", "torch": "2.9"},
    looked_up={"MODE": "a"},
    texts=[{"name": "<string>", "digest": "sha256:" + "1" * 64}, {"name": "<string>", "digest": "sha256:" + "2" * 64}],
)  # fmt: skip
EARLY = seen(code=("train.py",))
VARIABLES = {"python": "3.11.7", "packages": {"numpy": "2.0.1", "pandas": "2.2.0"}, "variables": {"MODE": "a"}}


def whole(seed, observed=WHOLE, **more):
    return captured(observed, seed=seed, argv=("python", "train.py", "--seed", str(seed)), **more)


def broken(seed, observed=EARLY, status="crashed", **more):
    return whole(seed, observed, status=status, **more)


def groups(*runs):
    return [[one.manifest.seed for one in cohort.runs] for cohort in cohorts(runs)]


def cells(*runs):
    table = table_of(runs, Settings())
    return sorted(sorted(table.runs[row].manifest.seed for row in cell.rows) for cell in table.cells)


@pytest.mark.parametrize("status", ["crashed", "killed", "diverged"])
@pytest.mark.parametrize(
    "observed",
    [
        EARLY,
        None,
        seen(code=()),
        seen(level="none", code=()),
        seen(level="partial", code=("train.py",)),
        seen(read("cache/", "some", files=1), code=CODE, texts=[{"name": "<string>", "digest": "sha256:" + "1" * 64}]),
    ],
    ids=["early", "unseen", "nothing", "none", "partial", "a part of a folder and of the texts"],
)
def test_a_run_that_broke_off_is_of_the_design_of_those_that_did_not(status, observed):
    runs = [whole(0), whole(1), broken(2, observed, status)]

    for order in permutations(runs):
        assert len(groups(*order)) == 1
    assert cells(*runs) == [[0, 1, 2]]


def test_so_does_one_whose_recorder_went_down_with_it():
    lost = captured(seed=2, argv=("python", "train.py", "--seed", "2"))
    lost = type(lost)(manifest=lost.manifest, blobs=lost.blobs, liveness="lost")

    assert groups(whole(0), lost) == [[0, 2]]


def test_a_finished_run_that_lacked_a_package_is_another_design():
    assert groups(whole(0), whole(1, EARLY)) == [[0], [1]]


@pytest.mark.parametrize(
    "change",
    [
        {"env": {**VARIABLES, "packages": {"numpy": "1.0", "pandas": "2.2.0"}}},
        {"env": {**VARIABLES, "packages": {"pandas": "2.2.0"}}},
        {"env": {**VARIABLES, "variables": {"MODE": "b"}}},
        {"tree": changed_tree("net.py", "W = 2\n")},
        {"tree": {path: text for path, text in TREE.items() if path != "net.py"}},
        {"observed": seen(read("/data/late.csv", "other"), code=("train.py",))},
        {"observed": seen(read("/data/of_its_own.csv"), code=("train.py",))},
    ],
    ids=["version", "not installed", "variable", "module", "no module", "content", "a file of its own"],
)
def test_what_differs_on_record_is_another_design_however_a_run_ended(change):
    change = {"env": VARIABLES, **change}

    assert groups(whole(0, env=VARIABLES), broken(1, **change)) == [[0], [1]]


@pytest.mark.parametrize(
    "change",
    [
        {"tree": changed_tree("plot.py", "print(2)\n")},
        {"tree": changed_tree("net.py", "W = 1  # one\n")},
        {"env": {**VARIABLES, "packages": {"numpy": "2.0.1", "pandas": "3.0"}}},
        {"observed": seen(imported={"pandas": "2.2.0"}, code=("train.py",))},
        {"observed": seen(code=("train.py", "plot.py"))},
    ],
    ids=["unused module", "comment", "unused package", "package of the crash", "module of the crash"],
)
def test_what_the_others_did_not_use_makes_no_other_design(change):
    change = {"env": VARIABLES, **change}

    assert groups(whole(0, env=VARIABLES), broken(1, **change)) == [[0, 1]]


def test_two_designs_do_not_become_one_through_a_run_that_shows_less_than_both():
    first, second = whole(0), whole(1, seen(imported={"numpy": "2.0.1"}, code=("train.py",)))
    crashed = broken(2)

    for order in permutations([first, second, crashed]):
        found = groups(*order)
        assert len(found) == 2 and not any({0, 1} <= set(group) for group in found)


def test_a_run_that_may_be_of_two_designs_is_of_the_one_of_its_label():
    other = seen(imported={"numpy": "2.0.1"}, code=("train.py",))
    runs = [whole(0, label="one"), whole(1, other, label="two"), broken(2, label="two"), broken(3, label="one")]

    for order in permutations(runs):
        assert sorted(map(sorted, groups(*order))) == [[0, 3], [1, 2]]


def test_the_cohort_keeps_its_id_whoever_broke_off():
    alone = cohorts([whole(0)])[0].id

    assert cohorts([broken(1), whole(0), broken(2)])[0].id == alone


def test_a_place_that_a_run_broke_off_before_it_wrote_to_is_no_choice():
    def at(seed, observed, **more):
        argv = ("python", "train.py", "--out", f"out/{seed}.json")
        return captured({**observed, "written": more.pop("written", [])}, seed=seed, argv=argv, **more)

    runs = [at(seed, WHOLE, written=[{"path": f"out/{seed}.json"}]) for seed in (0, 1)]

    assert groups(*runs, at(2, EARLY, status="crashed")) == [[0, 1, 2]]
    assert groups(*runs, at(2, WHOLE)) == [[0, 1], [2]]


def test_what_runaudit_itself_imports_is_no_package_of_the_program():
    assert groups(whole(0, EARLY), whole(1, {**EARLY, "imported": {"rfc8785": "0.1.4"}})) == [[0, 1]]
