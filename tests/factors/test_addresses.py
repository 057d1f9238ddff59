"""Where an object lay in memory is no setting; what it is, is one."""

import pytest

from runaudit.factors.cohort import cohorts
from runaudit.settings import Settings
from tests.importers.test_draft import changed, run_of

A, B = "0x7f3c2d1e5a60", "0x7f9b1c0d3e50"


@pytest.mark.parametrize(
    ("a", "b", "is_one"),
    [
        (f"<function relu at {A}>", f"<function relu at {B}>", True),
        ([f"<m.Net object at {A}>", 1], [f"<m.Net object at {B}>", 1], True),
        ({"f": f"functools.partial(<function relu at {A}>, 1)"}, {"f": f"functools.partial(<function relu at {B}>, 1)"},
         True),
        (f"<function relu at {A}>", f"<function gelu at {B}>", False),
        ([f"<m.Net object at {A}>", 1], [f"<m.Net object at {B}>", 2], False),
        (f"mapped at {A}", f"mapped at {B}", False),  # no object of Python's
    ],
)  # fmt: skip
def test_an_address_counts_for_nothing_and_what_lay_there_does(a, b, is_one):
    runs = [run_of(run=f"r{seed}", config={"seed": seed, "act": act}) for seed, act in enumerate((a, b))]

    assert (changed(*runs) == {"seed"}) is is_one
    assert len(cohorts(runs, settings=Settings())) == (1 if is_one else 2)
