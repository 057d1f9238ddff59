"""A data set that a tracker files under another name: another set is one choice, the same set is none."""

import pytest

from runaudit.diff import Verdict, compare
from runaudit.settings import Settings
from tests.diff.samples import both, drop, put, run


def logged(**sets):
    """A record that names these sets: name -> digest, and what it is for."""
    entries = [put(f"data/{name}", {"mlflow_digest": digest, "context": use, "path": f"/{name}.csv", "schema": "s"})
               for name, (digest, use) in sets.items()]  # fmt: skip
    return run(both(drop("data"), put("data", {}), *entries))


def compared(a, b):
    found = compare(a, b, settings=Settings())
    return found.conditional or found.verdict, [factor.factor for factor in found.factors]


@pytest.mark.parametrize(("a", "b", "verdict", "factors"), [
    ({"v1": ("1", "training")}, {"v2": ("2", "training")}, Verdict.SINGLE_FACTOR, ["data.v1"]),
    ({"v1": ("1", "training")}, {"v2": ("1", "training")}, Verdict.IDENTICAL, []),
    ({"v1": ("1", "eval")}, {"v2": ("1", "eval")}, Verdict.IDENTICAL, []),
    ({"v1": ("1", "eval")}, {"v2": ("2", "eval")}, Verdict.INCOMPARABLE, ["data.v1"]),
    ({"v1": ("1", "training")}, {"v2": ("1", "teacher")}, Verdict.CONFOUNDED, ["data.v1", "data.v2"]),
    ({"v1": ("1", "training")}, {"v2": ("2", "training"), "v3": ("3", "training")}, Verdict.CONFOUNDED,
     ["data.v1", "data.v2", "data.v3"]),
    ({"v1": ("1", "training"), "w1": ("1", "unlabelled")}, {"v2": ("2", "training"), "w2": ("2", "unlabelled")},
     Verdict.CONFOUNDED, ["data.v1", "data.w1"]),
], ids=["another", "renamed", "measured on", "measured on another", "another use", "one more", "two"])  # fmt: skip
def test_one_set_for_another_of_its_use_is_one_choice_and_another_name_for_it_is_none(a, b, verdict, factors):
    assert compared(logged(**a), logged(**b)) == (verdict, factors)


def test_what_was_exchanged_is_said_in_one_phrase():
    found = compare(logged(v1=("1", "training")), logged(v2=("2", "training")), settings=Settings())

    assert found.factors[0].summary == "data.v1 → data.v2"
