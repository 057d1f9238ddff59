"""The verdict in words: both axes are said, and neither excuses the other."""

import math
from dataclasses import replace
from types import MappingProxyType

import pytest

from runaudit.diff import Verdict
from runaudit.diff.result import Missing
from runaudit.factors.factor import Role
from runaudit.records.trajectory import Trajectory
from runaudit.report import ArmInput, ComparisonInput, page_view
from runaudit.report.drawings import dash_of
from runaudit.report.figures import marker_of
from runaudit.report.inputs import Unjudged
from runaudit.report.notebook import fragment
from runaudit.report.views.cost import cost_words
from runaudit.report.views.evidence import evidence_views, seeds_text
from runaudit.report.views.verdict import change_words, design_lacks
from runaudit.stats.judge import judge, summarise
from runaudit.stats.values import ArmValues, Comparability, StatsPlan
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


def test_the_seed_that_changed_with_the_one_factor_is_named_beside_it(study, diff):
    seeds = factor("seed", 1, 2, role=Role.SEED)
    told = diff("confounded", factors=(*diff().factors, seeds))

    verdict = only(page_view(study[0], [ComparisonInput(baseline=0, arm=1, diff=told)]))

    assert verdict.change == "config.schedule and seed changed"
    assert verdict.meaning.startswith("2 factors changed together")


def test_an_arm_that_is_no_one_design_is_the_reason_and_not_the_factor_between_the_arms(study, diff):
    why = "the arm base is not one design: 3 of 6 runs differ in config.schedule absent → x"
    told = diff("confounded", reason=why, odd=(why,))

    verdict = only(page_view(study[0], [ComparisonInput(baseline=0, arm=1, diff=told)]))

    assert verdict.change == f"T{why[1:]}"
    assert "together" not in verdict.meaning
    assert verdict.reason.full == ""
    assert verdict.lacking[0].startswith("arms of one design each")


def test_an_interval_of_unknown_width_says_so(study, diff, stats):
    arms, _ = study
    comparison = ComparisonInput(baseline=0, arm=1, diff=diff(), stats=(stats(ci=interval(-math.inf, math.nan)),))

    (evidence,) = only(page_view(arms, [comparison])).evidence

    assert evidence.interval == "[−∞,\N{NO-BREAK SPACE}NaN]"


@pytest.mark.parametrize(
    ("arms", "said"),
    [
        (((1.0, 2.0, 3.0), (1.0, 2.0, 4.0)), "3 seeds each"),
        (((1.0,), (2.0,)), "1 seed each"),
        (((1.0, 2.0, 3.0), (1.0, 2.0, 3.0, 4.0, 5.0)), "3 seeds against 5"),
        (((1.0, None, 3.0), (1.0, 2.0, 3.0)), "2 of its 3 seeds against 3"),
        (((None,), (1.0,)), "0 of its 1 seed against 1"),
        (((None,), (None,)), "0 of 1 seed each"),
        (((1.0, 2.0, 3.0), (1.0,)), "3 seeds against 1"),
    ],
)
def test_the_number_of_seeds_is_always_said_and_those_that_gave_none_with_it(arms, said):
    (arm, baseline) = (summarise(ArmValues(label="x", seeds=tuple(range(len(one))), values=one)) for one in arms)

    assert seeds_text(arm, baseline) == said


def test_a_run_without_a_number_is_no_seed_of_its_own_where_its_seed_ran_again():
    """Seed 1 crashed and was launched again: `3 of 4 seeds` named a seed that there is not."""
    again = ArmValues(label="x", seeds=(0, 1, 2, 1), values=(1.0, None, 3.0, 2.0),
                      statuses=("completed", "crashed", "completed", "completed"))  # fmt: skip
    whole = ArmValues(label="y", seeds=(0, 1, 2), values=(1.0, 2.0, 3.0))
    unnamed = ArmValues(label="z", seeds=(None, None, None), values=(1.0, None, 3.0),
                        statuses=("completed", "crashed", "completed"))  # fmt: skip

    assert seeds_text(summarise(again), summarise(whole)) == "3 seeds each, and 1 run without a number"
    assert seeds_text(summarise(unnamed), summarise(whole)) == "2 of its 3 seeds against 3"


OLD, NEW = (30.1, 30.2, 30.4), (30.1, 30.25, 30.3)


def judged(*arms, design="single_factor", **plan):
    design = design if isinstance(design, Comparability) else Comparability(verdict=design)
    values = [ArmValues(label=f"arm {i}", seeds=tuple(range(len(arm))), values=arm) for i, arm in enumerate(arms)]
    return judge(values, metric="psnr", direction=None, design=design, plan=StatsPlan(**plan))


@pytest.mark.parametrize(
    ("arms", "plan"),
    [
        (((30.0, 30.0, 30.0), OLD), {}),
        (((30.1, None, 30.3, 30.2), OLD), {}),
        (((31.2, 31.25, 31.31), OLD), {"best_of": 5}),
        (((31.2, 31.25, 31.31), OLD), {"design": {"picked": "arm 0 leaves out 1 of 4 launched runs"}}),
        (((31.2, 31.25, 31.31), OLD), {"is_selected_on_report": True}),
        (((30.2, 30.3, 30.5), OLD), {"is_paired": True}),
    ],
)
@pytest.mark.parametrize("design", ["single_factor", "confounded"])
def test_the_page_refuses_what_stats_refuses_with_the_same_sentence(arms, plan, design):
    """`cannot be told apart` is a finding of a test; of one that was not made, or means nothing, nobody may say it."""
    plan = dict(plan)
    about = Comparability(verdict=design, **plan.pop("design", {}))
    answer = judged(*arms, design=about, **plan)

    (evidence,) = evidence_views(answer, apart=f"the comparison is {design}")

    refusal = answer.comparisons[0].refusal
    assert refusal and refusal in evidence.sentence
    assert "cannot be told apart" not in evidence.sentence
    assert answer.reason == refusal if design == "single_factor" else answer.reason.endswith(refusal)


def test_the_page_tells_a_difference_that_the_number_of_comparisons_costs_as_stats_does():
    answer = judged((30.4, 30.5, 30.65), (30.0, 30.2, 30.4), (*OLD[:2], 30.3))

    (first, _) = evidence_views(answer, apart="")

    assert "but no longer once 2 comparisons are allowed for" in answer.comparisons[0].reason
    ends = answer.comparisons[0].ci_adjusted
    assert first.sentence.startswith("cannot be told apart once 2 comparisons are allowed for: +")
    assert ends.low < 0 < ends.high and "[\N{MINUS SIGN}" in first.interval


def test_an_interval_that_excludes_zero_only_by_itself_makes_no_difference_of_an_unattributed_one():
    """A page said "differs by +0.83 [+0.15, +1.51]" of an arm whose corrected p was 0.069."""
    answer = judged((30.4, 30.5, 30.65), (30.0, 30.2, 30.4), (*OLD[:2], 30.3), design="confounded")

    (first, _) = evidence_views(answer, apart="the comparison is confounded")

    assert answer.comparisons[0].ci.excludes(0.0)
    assert first.sentence.startswith("cannot be told apart: +")


def test_the_interval_is_headed_by_the_level_that_it_has():
    """A policy may declare another alpha than .05."""
    html = fragment(judged((31.2, 31.25, 31.31), OLD, alpha=0.1))

    assert "90&nbsp;% interval" in html and "95&nbsp;%" not in html


def test_a_test_that_was_made_and_found_nothing_says_so_in_both():
    answer = judged(NEW, OLD)

    (evidence,) = evidence_views(answer, apart="")

    assert evidence.sentence.startswith("cannot be told apart: ") and "cannot be told apart" in answer.reason


def test_where_something_is_missing_nobody_says_that_nothing_changed(study, diff):

    arms, _ = study
    gap = Missing(factor="config", side="both", reason="not in the record")
    told = diff("provenance_incomplete", factors=(), derived=(), missing=(gap,))

    page = page_view(arms, [ComparisonInput(baseline=0, arm=1, diff=told)])

    assert only(page).change == "Nothing that is on record differs"
    assert page.diffs[0].is_open
    assert "No factor changed" not in str(fragment(told))


def test_a_damaged_run_takes_the_colour_of_a_claim(study):
    arms, comparisons = study
    damaged = {arms[0].runs[1].id: ("manifest.json: its bytes changed",)}

    verdict = only(page_view(arms, comparisons, integrity=damaged))

    assert verdict.tone == "bad"
    assert verdict.caveats[0].startswith("Bytes of a run in this comparison are not those that were sealed")


def test_an_arm_that_blew_up_is_not_merely_short_of_seeds(make_run, diff, stats):
    nan = math.nan
    series = Trajectory(series=MappingProxyType({"loss": ((0, 1.0), (8, nan), (9, 2.0), (10, nan), (12, math.inf))}))
    bad = tuple(make_run(seed=seed, metrics={"loss": math.inf, "acc": 0.5}, trajectory=series) for seed in range(2))
    arms = [ArmInput(name="fine", runs=(make_run(),)), ArmInput(name="blown", runs=bad)]

    told = only(page_view(arms, [ComparisonInput(baseline=0, arm=1, diff=diff(), stats=(stats(),))]))

    assert told.caveats[0] == "B ended in values that are no numbers (seeds 0 and 1): loss is ∞ from step 10 on."


def test_the_seeds_that_a_claim_needs_are_said_to_be_for_whose_difference(study, diff, stats):
    """What an experiment happened to see is no plan: the sentence says whether it was seen or declared."""
    arms, _ = study
    for aim, said in (
        (0.3, "were the true difference the 0.30 dB seen"),
        (0.1, "to find 0.10 dB, the smallest that matters"),
    ):
        numbers = stats("inconclusive", n_needed=48, n_needed_for=aim, ci=interval(-0.1, 0.7))
        told = only(page_view(arms, [ComparisonInput(baseline=0, arm=1, diff=diff(), stats=(numbers,))]))
        assert said in " ".join(told.lacking).replace("\N{NO-BREAK SPACE}", " ")
        assert told.evidence[0].needed.endswith("(seen)" if aim == 0.3 else "(declared)")

    numbers = stats("inconclusive", n_needed=None, difference=0.0, ci=interval(-0.2, 0.2))
    told = only(page_view(arms, [ComparisonInput(baseline=0, arm=1, diff=diff(), stats=(numbers,))]))
    (lacking,) = told.lacking
    assert lacking.replace("\N{NO-BREAK SPACE}", " ") == (
        "more seeds: these find a true difference of 0.24 dB or more (80 % power)"
    )


def test_a_metric_that_an_arm_lacks_is_not_said_to_lack_a_direction(study, diff):
    arms, _ = study
    lack = Unjudged(
        words="val/acc was not judged: no finished run of B has it.", needs="runs of both arms that have val/acc"
    )

    told = only(page_view(arms, [ComparisonInput(baseline=0, arm=1, diff=diff(), unjudged=(lack,))]))

    assert (told.claim, told.lacking[-1]) == (lack.words, lack.needs)


def test_a_training_loss_that_was_judged_beside_another_metric_is_said_to_be_one_logged_value(make_run, diff, stats):
    series = Trajectory(series=MappingProxyType({"train/loss": ((0, 2.0), (7, 1.0))}))
    arms = [ArmInput(name=name, runs=(make_run(metrics={"train/loss": 1.0}, trajectory=series),)) for name in "ab"]
    numbers = (stats(), stats(metric="train/loss"))

    told = only(page_view(arms, [ComparisonInput(baseline=0, arm=1, diff=diff(), stats=numbers)]))

    assert told.notes[-1].startswith(
        "Training loss: The number of a run is the last that was logged, at step 7. A training"
    )


def test_what_cannot_be_attributed_is_said_once(study, diff, stats):
    arms, _ = study
    numbers = stats("not_attributable", difference=None, ci=None)

    told = only(page_view(arms, [ComparisonInput(baseline=0, arm=1, diff=diff("confounded"), stats=(numbers,))]))

    assert told.claim.endswith(" not attributable, 3 seeds each: the comparison is confounded.")


def test_where_a_run_gave_no_number_more_seeds_are_no_remedy():
    whole = ArmValues(label="a", seeds=(0, 1, 2), values=(0.8, 0.81, 0.82))
    values = ArmValues(label="b", seeds=(0, 1, 2, 3), values=(0.9, 0.91, 0.92, None),
                       statuses=("completed", "completed", "completed", "crashed"))  # fmt: skip
    short = ArmValues(label="b", seeds=(0, 1, 2), values=(0.9, 0.91, None), statuses=values.statuses[1:])

    for arm, least in ((values, "a number from every run"), (short, "at least 3 seeds an arm and a number from every")):
        answer = judge([arm, whole], metric="val/acc", direction=None,
                       design=Comparability(verdict="single_factor"))  # fmt: skip
        (told,) = evidence_views(answer, apart="")
        assert told.lacking.startswith(least)
        assert "however many seeds are added" in told.lacking


def test_a_difference_without_an_interval_has_no_digits_that_nobody_measured():
    answer = replace(judged((-15.0, -15.0, -15.0), (-119.0, -13.0, -126.0)), metric="rollout/return")
    (told,) = evidence_views(answer, apart="")

    assert told.difference.startswith("+71.0") and not told.difference.startswith("+71.000")


def test_arms_of_which_no_run_finished_are_not_said_to_be_measured_otherwise(study, diff, stats):
    """`Incomparable` is what two kinds of trouble are called: a supervisor reads which of them it is."""
    arms, _ = study
    numbers = stats("not_attributable", difference=None, ci=None)
    lost = diff("incomparable", reason="no run of staged finished", unfinished=True)
    other = diff("incomparable", reason="the evaluation differs: eval.border 4 → 8")

    killed = only(page_view(arms, [ComparisonInput(baseline=0, arm=1, diff=lost, stats=(numbers,))]))
    unlike = only(page_view(arms, [ComparisonInput(baseline=0, arm=1, diff=other, stats=(numbers,))]))

    assert killed.claim.endswith("not attributable, 3 seeds each: no run of staged finished.")
    assert killed.reason.full == "", "it is in the claim"
    gaps = diff("provenance_incomplete", reason="data is not in the records")
    assert only(page_view(arms, [ComparisonInput(baseline=0, arm=1, diff=gaps, stats=(numbers,))])).reason.full
    assert "measured" not in f"{killed.meaning} {killed.lacking}" and killed.lacking == (
        "runs of both arms that finish",
    )
    assert unlike.claim.endswith("3 seeds each: the evaluation differs: eval.border 4 → 8.")
    assert unlike.meaning == "The two sides were not measured alike."


def test_a_difference_far_below_one_is_told_in_powers_of_ten_and_never_as_zero(study, diff, stats):
    """A residual falls from 3e-9 to 1e-15: `improved by 0.0000 [0.0000, 0.0000]` says that nothing happened."""
    arms, _ = study
    numbers = stats(metric="pde/residual", difference=-3.167e-9, ci=interval(-4.204e-9, -2.129e-9),
                    minimal_detectable_effect=1.931e-9)  # fmt: skip
    small = stats(metric="pde/error", difference=-5.62e-6, ci=interval(-6.53e-6, -4.70e-6))

    told = only(page_view(arms, [ComparisonInput(baseline=0, arm=1, diff=diff(), stats=(numbers, small))])).evidence

    assert "improved by −3.167e−9 [−4.204e−9,\N{NO-BREAK SPACE}−2.129e−9]" in told[0].sentence
    assert "difference 1.931e−9 " in told[0].sentence
    assert "by −5.62e−6 [−6.53e−6,\N{NO-BREAK SPACE}−4.70e−6]" in told[1].sentence


def test_the_metric_that_was_asked_for_first_is_answered_first(study, diff, stats):
    """Of its values one was 1e308: the card led with another metric, above a table of the first."""
    arms, _ = study
    lack = Unjudged(words="loss was not judged: 1e+308 is beyond 1e+150.", needs="values", leads=True)
    comparison = ComparisonInput(baseline=0, arm=1, diff=diff(), stats=(stats(metric="val/acc"),), unjudged=(lack,))

    verdict = only(page_view(arms, [comparison]))

    assert verdict.claim.startswith("loss was not judged: 1e+308 is beyond 1e+150. Validation accuracy improved by")
    assert (verdict.unjudged, verdict.caveats) == (("loss was not judged: 1e+308 is beyond 1e+150.",), ())


def test_a_sound_design_is_never_the_reason_why_nothing_can_be_attributed(study, diff, stats):
    """One factor changed, and no number did: it is the factor that did nothing, not the design that is at fault."""
    arms, _ = study
    idle = replace(diff(), idle="config.lr had no effect: it changed no number")
    verdict = only(page_view(arms, [ComparisonInput(baseline=0, arm=1, diff=idle, stats=(stats("not_attributable"),))]))
    assert "what differs changed no number" in verdict.claim
    assert "is single factor" not in verdict.claim


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"with_length": True}, "and the length of the training with it: a difference is that of both together."),
        ({"idle": "x had no effect"}, "Exactly one factor changed, and not one number with it."),
        ({}, "Exactly one factor changed: a difference can be put down to it."),
    ],
    ids=["longer", "no effect", "plain"],
)
def test_what_one_factor_means_is_said_with_what_moved_beside_it(study, diff, stats, changes, said):
    """A page said "a difference can be put down to it" of an arm that had trained three times as long."""
    arms, _ = study

    card = only(page_view(arms, [ComparisonInput(baseline=0, arm=1, diff=diff(**changes), stats=(stats(),))]))

    assert card.meaning.endswith(said)


def test_arms_that_share_a_colour_have_marks_and_dashes_of_their_own():
    assert [marker_of(place) for place in range(6)] != [marker_of(place) for place in range(6, 12)]
    assert all(marker_of(place) != marker_of(place + 6) and dash_of(place) != dash_of(place + 6) for place in range(20))


def test_what_other_arms_of_the_page_tell_is_not_asked_for_again(diff):
    """A confounded card asked for runs that stood on the same page, in arms of their own."""
    two = diff("confounded", factors=(factor("config.lr", 1, 2), factor("config.width", 8, 64)))

    assert "`runaudit study` names them" in design_lacks(two)
    assert "`runaudit study` names them" in design_lacks(two, {"config.lr"})
    assert "there are such on this page" in design_lacks(two, {"config.lr", "config.width", "config.wd"})


def test_where_the_measure_is_open_it_is_said_how_the_policy_settles_it(diff):
    told = "x.py may compute the metric; the policy can say: [factors] evaluation = [x]"
    of_theirs = "W&B has no place for it"
    for reason, said in (
        (told, "not on record: the policy can say: [factors] evaluation = [x]"),
        (of_theirs, "record"),
    ):
        gap = Missing(factor="eval", side="both", reason=reason)
        found = diff("provenance_incomplete", missing=(gap,), conditional=Verdict.SINGLE_FACTOR)
        assert design_lacks(found).endswith(said)


def took(make_run, *seconds):
    return [make_run(seed=seed, outcome={"duration_s": one}) for seed, one in enumerate(seconds)]


@pytest.mark.parametrize(
    ("mine", "theirs", "said"),
    [
        ((30.0, 33.0, 36.0), (10.0, 11.0, 12.0), "A run of B took 3.0 times as long as one of A (33.0 s against 11.0"),
        ((10.0, 11.0), (30.0, 33.0), "A run of A took 3.0 times as long as one of B (31.5 s against 10.5 s, medians)"),
        ((7200.0,), (600.0,), "A run of B took 12.0 times as long as one of A (2.0 h against 10 min, medians)"),
        ((30.0, 11.0), (10.0, 12.0), ""),  # They overlap.
        ((13.0,), (10.0,), ""),
        ((0.9,), (0.2,), ""),  # Starting up.
        ((), (10.0,), ""),
    ],
)  # fmt: skip
def test_what_a_better_number_cost_in_time_is_said_where_the_runs_of_two_arms_do_not_overlap(
    make_run, mine, theirs, said
):
    found = cost_words("B", took(make_run, *mine), "A", took(make_run, *theirs))

    assert found.startswith(said) and bool(found) is bool(said)
