"""What numbers say where a design holds only if what is missing was equal."""

import pytest

from runaudit.stats.answer import StatsVerdict, exit_code
from runaudit.stats.values import Comparability

OPEN = Comparability(verdict="provenance_incomplete", factors=("config.lr",), conditional="single_factor",
                     on_record="what W&B recorded", missing=("data",))  # fmt: skip
GIVEN = Comparability(verdict="provenance_incomplete", factors=("config.lr",), conditional="single_factor",
                      on_record="what W&B recorded", missing=("data",), assumed=("data",))  # fmt: skip
SINGLE = Comparability(verdict="single_factor", factors=("config.lr",))
BLIND = Comparability(verdict="provenance_incomplete", missing=("config",))


@pytest.fixture
def arms(arm):
    return arm("new", 31.0, 31.1, 31.2), arm("old", 30.0, 30.1, 30.2)


def test_a_design_without_gaps_has_no_condition(judged, arms):
    answer = judged(*arms, design=SINGLE)

    assert (answer.verdict, answer.conditional) == (StatsVerdict.IMPROVED, None)
    assert answer.comparisons[0].conditional is None and answer.standing is answer.verdict


def test_a_condition_changes_no_verdict_and_no_exit_code(judged, arms):
    answer = judged(*arms, design=OPEN)

    assert (answer.verdict, answer.conditional) == (StatsVerdict.NOT_ATTRIBUTABLE, StatsVerdict.IMPROVED)
    assert exit_code(answer) == 3


def test_what_is_vouched_for_gives_the_condition_its_exit_code(judged, arms):
    assert exit_code(judged(*arms, design=GIVEN)) == 0
    assert exit_code(judged(*reversed(arms), design=GIVEN)) == 1


def test_too_few_seeds_are_too_few_whatever_is_vouched_for(judged, arm):
    answer = judged(arm("new", 31.0, 31.1), arm("old", 30.0, 30.1), design=GIVEN)

    assert (answer.conditional, exit_code(answer)) == (StatsVerdict.TOO_FEW_SEEDS, 3)


def test_a_factor_that_changed_no_number_is_credited_with_none_whatever_is_vouched_for(judged, arms):
    from dataclasses import replace

    answer = judged(*arms, design=replace(GIVEN, idle="config.lr had no effect"))

    assert (answer.conditional, exit_code(answer)) == (StatsVerdict.NOT_ATTRIBUTABLE, 3)


def test_a_sentence_that_ends_in_a_question_has_no_stop_behind_it(judged, arm):
    from runaudit.stats.values import Comparability

    single = Comparability(verdict="single_factor", factors=("config.lr",), idle="config.lr had no effect: is it used?")
    answer = judged(arm("new", 31.0, 31.1), arm("old", 30.0, 30.1), design=single)

    assert "is it used? There are too few" in answer.reason


def test_where_nothing_can_be_said_of_a_design_there_is_no_condition(judged, arms):
    answer = judged(*arms, design=BLIND)

    assert (answer.conditional, exit_code(answer)) == (None, 3)


def test_one_arm_for_which_nobody_vouches_keeps_the_family_open(arm, arms):
    from runaudit.stats.judge import judge

    family = [arm("other", 31.0, 31.1, 31.3), *arms]

    def code(*designs):
        answer = judge(family, metric="psnr", direction=None, design=OPEN, designs=designs)
        return exit_code(answer)

    assert (code(GIVEN, GIVEN), code(GIVEN, OPEN), code(SINGLE, GIVEN)) == (0, 3, 0)
