"""What has two names on a page and is one is told: arms of equal numbers, a test set that something was chosen by."""

from dataclasses import replace

import pytest

from runaudit.records.trajectory import Trajectory
from runaudit.report import ArmInput, ComparisonInput, page_view
from runaudit.report.views.alerts import alerts
from runaudit.report.views.doubles import equal_arms, one_data

SHARED = f"sha256:{'b2' * 32}"
OTHER = f"sha256:{'c3' * 32}"


def titles(found):
    return {alert.title: alert.items for alert in found}


def arm_of(make_run, values, name="x", **changes):
    """An arm of one run a value, whose metrics are those."""
    runs = tuple(make_run(label=name, seed=seed, metrics=value, **changes) for seed, value in enumerate(values))
    return ArmInput(name=name, runs=runs, effective_n=len(runs))


def both(test, val):
    return [{"test/accuracy": a, "val/accuracy": b} for a, b in zip(test, val, strict=True)]


def test_arms_that_came_to_the_same_numbers_are_told_together_though_no_card_compares_them(make_arm, diff):
    arms = [make_arm("base"), make_arm("a"), make_arm("b"), make_arm("other", gains=(1.0, 1.0, 1.0))]
    held = [ComparisonInput(baseline=0, arm=index, diff=diff()) for index in (1, 2, 3)]

    (said,) = equal_arms(arms, held)

    assert said.startswith("A, B and C came to the same numbers, to the last bit, at every seed")


def test_two_equal_arms_whose_card_says_so_are_not_told_twice(make_arm, diff):
    arms = [make_arm("base"), make_arm("a")]

    assert not [*equal_arms(arms, [ComparisonInput(baseline=0, arm=1, diff=diff())])]


def test_arms_of_other_seeds_or_with_too_few_numbers_are_not_called_equal(make_arm, make_run):
    bare = {"trajectory": Trajectory(series={}, events=())}
    twice = [arm_of(make_run, [{"test/accuracy": 0.5}] * 2, name, **bare) for name in "ab"]
    others = replace(make_arm("c"), runs=make_arm("c", n=6).runs[3:])

    assert not [*equal_arms([*twice, make_arm("base"), others], [])]


def test_arms_are_held_against_each_other_at_the_seeds_that_both_have(make_arm):
    shifted = replace(make_arm("c"), runs=make_arm("c", n=4).runs[1:])

    (said,) = equal_arms([make_arm("base"), shifted], [])

    assert said.startswith("A and B came to the same numbers, to the last bit, at every seed that they share")


def test_declared_data_that_no_run_read_is_told(make_run):
    def arm(*reads, level="full"):
        observed = {"level": level, "read": [{"path": f"{name}.csv", "digest": SHARED, "size": 1, "role": "data",
                                              "declared": f"data.{name}"} for name in reads]}  # fmt: skip
        sets = {
            name: {"path": f"{name}.csv", "digest": digest} for name, digest in (("train", SHARED), ("test", OTHER))
        }
        return ArmInput(name="x", runs=(make_run(data=sets, outcome={"observed": observed}),), effective_n=1)

    found = titles(alerts([arm("train"), arm("train", "test"), arm("train", level="partial")], [], None))

    assert found["Declared data that no run read"] == ("A: data.test",)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"val": SHARED, "test": SHARED}, "data.test and data.val have one content in all 3 runs: what was chosen"),
        ({"train": SHARED, "test": SHARED}, "data.test and data.train have one content in all 3 runs: the network"),
        ({"train": SHARED, "val": SHARED}, "data.val and data.train have one content in all 3 runs: the network"),
        ({"train": SHARED, "extra": SHARED, "test": OTHER}, ""),
        ({"val": SHARED, "dev": SHARED, "test": OTHER}, ""),
        ({"val": None, "test": None}, ""),
    ],
)
def test_data_under_two_names_is_known_by_its_content(make_run, data, said):
    sets = {name: {"path": f"data/{name}", "digest": digest} for name, digest in data.items()}
    arm = arm_of(make_run, [{"test/accuracy": 0.5 + seed / 8} for seed in range(3)], data=sets)

    found = [*one_data([arm])]

    assert [one[: len(said)] for one in found] == ([said] if said else [])


@pytest.mark.parametrize(
    ("test", "val", "is_told"),
    [
        ((0.1, 0.2, 0.3), (0.1, 0.2, 0.3), True),
        ((0.1, 0.2, 0.3), (0.1, 0.2, 0.31), False),
        ((1.0, 1.0, 1.0), (1.0, 1.0, 1.0), False),
        ((0.1, 0.2), (0.1, 0.2), False),
    ],
    ids=["equal", "one differs", "one value", "two runs"],
)
def test_a_test_that_is_the_validation_in_every_run_is_told(make_run, test, val, is_told):
    found = titles(alerts([arm_of(make_run, both(test, val))], [], None))

    assert ("Test data that is not held out" in found) == is_told
    if is_told:
        (said,) = found["Test data that is not held out"]
        assert said.startswith("test/accuracy is val/accuracy, to the last bit, in all 3 runs")


def test_other_quantities_of_the_test_and_the_validation_are_not_held_against_each_other(make_run):
    rows = [{"test/recall": value, "val/accuracy": value} for value in (0.1, 0.2, 0.3)]

    assert not [*one_data([arm_of(make_run, rows)])]


def test_a_launch_against_a_warning_is_told_with_what_the_rule_holds(make_arm):
    launch = {"started": "2026-03-04T05:06:07Z", "lint": ["RA550 joint_alignment"]}

    found = titles(alerts([make_arm(), make_arm(launch=launch), make_arm(launch=launch)], [], None))

    assert found["Launched against a warning"] == (
        "B and C: RA550 joint_alignment, which holds that alignment is trained before fusion",
    )


def test_an_arm_that_is_compared_with_nothing_is_said_to_be(study, make_arm):
    arms, comparisons = study

    view = page_view([*arms, make_arm("control"), make_arm("short")], comparisons)

    assert view.unheld == "C and D are shown beside the others: compared with nothing."
    assert page_view(arms, comparisons).unheld == page_view(arms).unheld == ""


def test_a_part_of_what_was_launched_is_named_as_one_wherever_it_is_compared(study):
    (first, second), comparisons = study
    part = replace(second, runs=second.runs[:2], left_out=second.runs[2:])

    (card,) = page_view([first, part], comparisons).verdicts

    assert (card.arm.part, card.baseline.part) == ("2 of 3 launched runs", "")


def test_a_page_of_many_arms_is_called_after_what_they_are_held_against(make_arm, diff):
    arms = [make_arm(name) for name in ("base", "a", "b", "c", "d")]
    held = [ComparisonInput(baseline=0, arm=index, diff=diff()) for index in range(1, 5)]
    chain = [ComparisonInput(baseline=index - 1, arm=index, diff=diff()) for index in range(1, 5)]

    assert page_view(arms, held).title.short == "4 arms against base"
    assert page_view(arms, chain).title.short == "base · a · b · 2 more"
