"""The verdict in words: both axes are said, and neither excuses the other."""

import math

import pytest

from runaudit.diff import Verdict
from runaudit.factors.factor import Role
from runaudit.report import ComparisonInput, page_view
from runaudit.report.views.verdict import change_words, seeds_text
from runaudit.text.verdicts import VERDICTS
from tests.report.conftest import factor, interval


def only(view):
    (verdict,) = view.verdicts
    return verdict


def test_a_clean_improvement_is_one_sentence_with_amount_interval_and_seeds(study):
    arms, comparisons = study

    verdict = only(page_view(arms, comparisons))

    assert verdict.change == "config.schedule went from end_to_end to staged"
    assert verdict.verdict == "single factor"
    (evidence,) = verdict.evidence
    said = f"{evidence.metric} {evidence.sentence}".replace("\N{NO-BREAK SPACE}", " ")
    assert said == (
        "full-frame PSNR on camera improved by +0.30 dB [+0.10, +0.50], 3 seeds each; "
        "minimum detectable difference 0.24 dB (80 % power)."
    )


@pytest.mark.parametrize("verdict", VERDICTS["diff"])
def test_every_verdict_of_the_design_has_words(study, diff, verdict):
    arms, _ = study

    told = only(page_view(arms, [ComparisonInput(baseline=0, arm=1, diff=diff(verdict))]))

    assert told.verdict == verdict.replace("_", " ")
    assert "{" not in told.meaning


@pytest.mark.parametrize("verdict", VERDICTS["stats"])
def test_every_verdict_of_the_evidence_has_a_sentence(study, diff, stats, verdict):
    arms, _ = study
    for changes in ({}, {"difference": None, "ci": None, "minimal_detectable_effect": None, "n_needed": None}):
        comparison = ComparisonInput(baseline=0, arm=1, diff=diff(), stats=(stats(verdict, **changes),))

        (evidence,) = only(page_view(arms, [comparison])).evidence

        assert evidence.sentence.endswith(".")
        assert "None" not in evidence.sentence


def test_a_confounded_difference_is_credited_to_nothing(study, diff, stats):
    arms, _ = study
    factors = (factor("config.lr", 1, 2), factor("config.loss", "a", "b"))
    comparison = ComparisonInput(
        baseline=0, arm=1, diff=diff("confounded", factors=factors), stats=(stats("not_attributable"),)
    )

    verdict = only(page_view(arms, [comparison]))

    assert verdict.tone == "bad"
    assert verdict.meaning.startswith("2 factors changed together")
    assert "not attributable: the comparison is confounded" in verdict.evidence[0].sentence


def test_a_conditional_verdict_is_told_as_a_condition(study, diff):
    arms, _ = study
    told = diff("provenance_incomplete", conditional=Verdict.SINGLE_FACTOR)

    verdict = only(page_view(arms, [ComparisonInput(baseline=0, arm=1, diff=told)]))

    assert verdict.conditional.startswith("If everything that is missing were equal")


def test_seeds_inside_a_cohort_are_not_told_as_what_changed(diff):
    from runaudit.report.views.verdict import treatments

    seeds = factor("seed", (0, 1), (2, 3), role=Role.SEED)
    told = diff(factors=(*diff().factors, seeds))

    assert change_words(treatments(told)) == "config.schedule went from end_to_end to staged"
    assert change_words(()) == "No factor changed"


def test_an_interval_of_unknown_width_says_so(study, diff, stats):
    arms, _ = study
    comparison = ComparisonInput(baseline=0, arm=1, diff=diff(), stats=(stats(ci=interval(-math.inf, math.nan)),))

    (evidence,) = only(page_view(arms, [comparison])).evidence

    assert evidence.interval == "[−∞,\N{NO-BREAK SPACE}NaN]"


@pytest.mark.parametrize(
    ("ns", "said"), [((3, 3), "3 seeds each"), ((1, 1), "1 seed each"), ((3, 5), "3 against 5 seeds")]
)
def test_the_number_of_seeds_is_always_said(ns, said):
    assert seeds_text(ns) == said
