"""A family in which the arms differ from the baseline in different ways: each keeps what its own design allows."""

import pytest

from runaudit.errors import UsageError
from runaudit.stats.judge import judge
from runaudit.stats.values import Comparability
from runaudit.stats.words import text_lines

NEW, OTHER, OLD = (31.20, 31.25, 31.31), (31.40, 31.50, 31.55), (30.10, 30.20, 30.40)
LR = Comparability(verdict="single_factor", factors=("config.lr",))
ACT = Comparability(verdict="single_factor", factors=("config.act",))
BOTH = Comparability(verdict="confounded", factors=("config.lr", "config.act"))


@pytest.fixture
def family(arm):
    def call(first, second):
        weakest = min((first, second), key=lambda design: design.verdict != "confounded")
        arms = arm("new", *NEW), arm("other", *OTHER), arm("old", *OLD)
        return judge(arms, metric="psnr", direction=None, design=weakest, designs=(first, second))

    return call


def test_one_confounded_arm_does_not_hide_what_holds_for_the_others(family):
    answer = family(LR, BOTH)

    assert [c.verdict for c in answer.comparisons] == ["improved", "not_attributable"]
    assert answer.verdict == "not_attributable"  # one success proves no family
    assert [c["design"]["verdict"] for c in answer.to_json()["comparisons"]] == ["single_factor", "confounded"]


def test_each_arm_names_its_own_factor(family):
    reason = family(LR, ACT).reason

    assert "There only config.lr differs." in reason and "There only config.act differs." in reason


def test_what_is_not_in_the_records_is_said_once_and_what_changed_for_each_arm(family):
    gaps, changed = "code and data are not in the records", "only config.lr 1 → {} changed"
    open_ones = [
        Comparability(verdict="provenance_incomplete", factors=("config.lr",), conditional="single_factor",
                      reason=f"{gaps}; if equal, {changed.format(to)}")
        for to in (2, 3)
    ]  # fmt: skip
    reason = family(*open_ones).reason

    assert reason.count(gaps) == 1
    assert f"If equal, {changed.format(2)} in new." in reason and f"If equal, {changed.format(3)} in other." in reason


def test_designs_come_one_for_each_arm_but_the_baseline(arm):
    with pytest.raises(UsageError, match="1 designs for 3 arms"):
        judge(
            (arm("a", *NEW), arm("b", *OTHER), arm("c", *OLD)),
            metric="psnr",
            direction=None,
            design=LR,
            designs=(LR,),
        )


def test_a_reason_that_holds_for_all_arms_is_said_once(arm, judged):
    reason = judged(arm("a", *NEW), arm("b", *OTHER), arm("c", *OLD), best_of=5).reason

    assert reason.count("the best of 5 runs") == 1


def test_the_spread_is_shown_as_seeds_and_seed_by_sequence(arm, judged):
    """Hand: seed means 31, 32, 33; residuals 0, so seed sd 1 and seed x sequence sd 0."""
    rows = (("cat", (30.0, 31.0, 32.0)), ("dog", (32.0, 33.0, 34.0)))

    text = "\n".join(text_lines(judged(arm("new", 31.0, 32.0, 33.0, by_sequence=rows), arm("old", *OLD))))

    assert "new: sd between seeds 1, seed x sequence 0" in text


def test_a_length_that_moved_with_the_factor_is_said_beside_it():
    """ "Only config.staging differs" was said of an arm that had trained three times as long."""
    plain, longer = (
        Comparability(verdict="single_factor", factors=("config.lr",), with_length=one) for one in (False, True)
    )

    assert (plain.alone, longer.alone) == (
        "only config.lr differs", "only config.lr differs, and the length of the training with it",
    )  # fmt: skip
