"""Where an object lay in memory is no setting; what it is, is one, and unknown where only its kind is on record."""

import pytest

from runaudit.diff import Verdict, compare
from runaudit.factors.cohort import cohorts
from runaudit.settings import FactorSettings, ImportSettings, Settings
from runaudit.study.answer import judged
from runaudit.study.study import study
from tests.importers.test_draft import changed, run_of
from tests.study.samples import run as whole

A, B = "0x7f3c2d1e5a60", "0x7f9b1c0d3e50"
CODE = {"commit": "c" * 40, "dirty": False}
ACC = {"val/acc": 0.5}
VOUCHED = Settings(imports=ImportSettings(typed=("data", "eval", "env", "init", "runtime", "code.patch", "seed")))


def seeds_of(a, b):
    return [
        run_of(run=f"r{seed}", config={"seed": seed, "act": act}, code=CODE, metrics=ACC)
        for seed, act in enumerate((a, b))
    ]


@pytest.mark.parametrize(
    ("a", "b", "is_one"),
    [
        (f"<function relu at {A}>", f"<function relu at {B}>", True),
        (f"<function Maze.make at {A}>", f"<function Maze.make at {B}>", True),
        (f"<built-in method relu of type object at {A}>", f"<built-in method relu of type object at {B}>", True),
        ({"f": f"functools.partial(<function relu at {A}>, 1)"}, {"f": f"functools.partial(<function relu at {B}>, 1)"},
         True),
        ("<class 'torch.optim.adam.Adam'>", "<class 'torch.optim.adam.Adam'>", True),
        ("<class 'torch.optim.adam.Adam'>", "<class 'torch.optim.sgd.SGD'>", False),
        ("<function relu>", "<function relu>", True),
        (f"<function relu at {A}>", f"<function gelu at {B}>", False),
        ([f"<m.Net object at {A}>", 1], [f"<m.Net object at {B}>", 2], False),
        (f"<m.Net object at {A}>", f"<m.Nets object at {B}>", False),
        (f"<pl.loggers.CSVLogger object at {A}>", f"<pl.loggers.CSVLogger object at {B}>", True),  # it only writes
        (f"mapped at {A}", f"mapped at {B}", False),  # no object of Python's
    ],
)  # fmt: skip
def test_an_address_counts_for_nothing_and_what_lay_there_does(a, b, is_one):
    runs = seeds_of(a, b)

    assert (changed(*runs) == {"seed"}) is is_one
    assert len(cohorts(runs, settings=Settings())) == (1 if is_one else 2)
    found = compare(*runs, settings=VOUCHED)
    assert found.conditional is (Verdict.REPLICATE if is_one else Verdict.CONFOUNDED)
    assert "config.act" not in {row.factor for row in found.missing}


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (f"<function <lambda> at {A}>", f"<function <lambda> at {B}>"),
        (f"<function main.<locals>.make at {A}>", f"<function main.<locals>.make at {B}>"),
        (f"<m.Net object at {A}>", f"<m.Net object at {B}>"),
        (f"<m.Net object at {A}>", f"<m.Net object at {A}>"),  # in another process it is another place all the same
        (f"<bound method Net.f of <m.Net object at {A}>>", f"<bound method Net.f of <m.Net object at {B}>>"),
        ([f"<m.Net object at {A}>", 1], [f"<m.Net object at {B}>", 1]),
        ({"f": f"<weakref at {A}; to 'Net' at {A}>"}, {"f": f"<weakref at {B}; to 'Net' at {B}>"}),
        ("<function <lambda>>", "<function <lambda>>"),
        ("<m.Net object>", "<m.Net object>"),
        ("module.<lambda>", "module.<lambda>"),
    ],
)
def test_two_objects_of_one_kind_are_not_known_to_be_equal(a, b):
    runs = seeds_of(a, b)
    found = compare(*runs, settings=VOUCHED)
    leaf = "config.act.f" if isinstance(a, dict) else "config.act"

    assert found.verdict is Verdict.PROVENANCE_INCOMPLETE and found.conditional is None
    assert {row.factor: row.side for row in found.missing}[leaf] == "both"
    assert f"what object {leaf} was is not on record" in found.reason
    assert len(cohorts(runs, settings=VOUCHED)) == 2
    answer = judged(study(runs, settings=VOUCHED))
    assert answer.conditional is None and f"what object {leaf} was" in answer.reason


def test_an_object_leaves_a_change_beside_it_without_a_verdict_and_two_changes_confounded():
    net = f"<m.Net object at {A}>"
    first, second, third = (
        run_of(run=f"r{lr}", config={"seed": 0, "lr": lr, "depth": depth, "net": net}, code=CODE, metrics=ACC)
        for lr, depth in ((1, 2), (3, 2), (5, 4))
    )

    assert compare(first, second, settings=VOUCHED).conditional is None
    assert compare(first, third, settings=VOUCHED).verdict is Verdict.CONFOUNDED


def test_an_object_of_which_the_policy_says_that_it_cannot_matter_is_no_gap():
    runs = seeds_of(f"<m.Net object at {A}>", f"<m.Net object at {B}>")
    policy = Settings(factors=FactorSettings(nuisance=("config.act",)))

    assert "config.act" not in {row.factor for row in compare(*runs, settings=policy).missing}
    assert len(cohorts(runs, settings=policy)) == 1


@pytest.mark.parametrize("origin", [{}, {"origin": {"kind": "captured"}}], ids=["a file", "ours"])
@pytest.mark.parametrize("at", [A, B])
def test_of_a_whole_record_an_object_is_unknown_too_whoever_made_it(origin, at):
    known, told = (whole({"net": text}, **origin) for text in ("net.Small", f"<net.Small object at {A}>"))
    again = whole({"net": f"<net.Small object at {at}>"}, label="again", **origin)

    assert compare(known, known, settings=Settings()).verdict is Verdict.IDENTICAL
    found = compare(told, again, settings=Settings())
    assert (found.verdict, found.conditional) == (Verdict.PROVENANCE_INCOMPLETE, None)
    assert [row.factor for row in found.missing] == ["config.net"]
    assert len(cohorts([told, again], settings=Settings())) == 2
