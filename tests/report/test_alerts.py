"""Bad news is said, whatever else the page says."""

import math
from types import MappingProxyType

import pytest

from runaudit.records.trajectory import Trajectory
from runaudit.report import ArmInput, ComparisonInput, page_view
from runaudit.report.views.alerts import alerts


def titles(found):
    return {alert.title: alert.items for alert in found}


def test_a_clean_study_has_no_bad_news(make_arm):
    arm = make_arm()

    assert alerts([arm], [], {run.id: () for run in arm.runs}) == ()


def test_a_run_below_bicubic_is_named_with_the_loss(make_arm, make_run, make_metrics):
    """seq001 of a real project: 19.40 dB where bicubic of the reference reaches 19.75, that is −0.35 dB."""
    metrics = make_metrics() | {"full_frame/psnr/camera": 19.40, "full_frame/psnr_bicubic/camera": 19.75}
    arm = ArmInput(name="end to end", runs=(make_run(metrics=metrics),))

    found = titles(alerts([arm], [], None))

    assert found["Worse than bicubic"] == ("A: −0.35 dB on camera",)


def test_a_run_that_beats_bicubic_and_loses_to_the_classical_baseline_is_told(make_arm):
    found = titles(alerts([make_arm(gains=(2.0, 2.6, 2.6))], [], None))

    (said,) = found["Below the classical baseline (IBP with estimated motion)"]
    assert "astronaut (3 of 3 runs)" in said
    assert "camera" not in said


def test_crashed_runs_stay_in_the_denominator(make_run):
    runs = (make_run(seed=0), make_run(seed=1, status="crashed"), make_run(seed=2, status=None))

    found = titles(alerts([ArmInput(name="x", runs=runs)], [], None))

    assert found["Runs without a result"] == (
        "A: 2 of 3 runs (seed 1 crashed and seed 2 lost); they stay in the count",
    )


def test_too_few_seeds_are_counted_by_what_acted_not_by_what_was_launched(make_arm, make_run):
    runs = tuple(make_run(seed=seed) for seed in range(5))

    found = titles(alerts([ArmInput(name="x", runs=runs, effective_n=2)], [], None))

    assert found["Too few seeds"] == ("A has 2 seeds that count; a claim needs 3",)
    assert "5 finished runs, but only 2 independent draws" in found["Runs that count once"][0]


def test_a_seed_without_proof_is_told(make_run):
    runs = tuple(make_run(seed=seed, seed_proof={}) for seed in range(3))

    found = titles(alerts([ArmInput(name="x", runs=runs)], [], None))

    assert found["Seeds not proven to have acted"] == ("A: no proof in the record of seeds 0, 1 and 2",)


def test_waivers_are_told_with_their_reason_once_for_all_runs(make_arm):
    arm = make_arm(waivers=[{"rule": "RA104", "reason": "hot fix"}])

    found = titles(alerts([arm], [], None))

    assert found["Rules were waived"] == (
        "A, seeds 0, 1 and 2: RA104 (Untracked files that the run could import), because “hot fix”",
    )


def test_an_integrity_fault_comes_first(make_arm):
    arm = make_arm(gains=(-1, -1, -1))

    found = alerts([arm], [], {arm.runs[1].id: ("trajectory: does not match its digest",)})

    assert found[0].title == "Records do not match their digests"
    assert arm.runs[1].short in found[0].items[0]


@pytest.mark.parametrize("verdict", ["integrity_failure", "incomparable", "confounded", "provenance_incomplete"])
def test_a_comparison_that_carries_no_claim_is_told(study, diff, verdict):
    arms, _ = study
    comparison = ComparisonInput(baseline=0, arm=1, diff=diff(verdict))

    found = titles(alerts(arms, [comparison], None))

    said = found["Comparisons that cannot carry a claim"][0]
    is_damaged = verdict == "integrity_failure"
    words = ": a record does not match its digest" if is_damaged else f" is {verdict.replace('_', ' ')}"
    assert said.startswith(f"B against A{words}")


def test_runs_that_ended_alike_are_named_together(make_run):
    lost = [make_run(seed=seed, status="killed" if seed else "crashed") for seed in range(3)]

    found = titles(alerts([ArmInput(name="x", runs=tuple(lost))], [], None))

    told = found["Runs without a result"][0]
    assert told == "A: 3 of 3 runs (seed 0 crashed and seeds 1 and 2 killed); they stay in the count"


def test_a_bicubic_that_differs_between_runs_betrays_another_evaluation(make_arm, make_run, make_metrics):
    """Bicubic depends on the test data and the protocol alone: 26.48 dB against 28.45 dB is a tile mean."""
    other = make_run(seed=7, metrics=make_metrics(7) | {"full_frame/psnr_bicubic/astronaut": 28.45})

    found = titles(alerts([make_arm(), ArmInput(name="other", runs=(other,))], [], None))

    assert found["Bicubic is not the same everywhere"][0].startswith("astronaut: 26.48 to 28.45 dB")


def test_a_result_that_is_not_a_number_is_told(make_run, make_metrics):
    run = make_run(metrics=make_metrics() | {"full_frame/psnr/ihc": math.nan})

    found = titles(alerts([ArmInput(name="x", runs=(run,))], [], None))

    assert "full_frame/psnr/ihc is NaN" in found["Results that are not numbers"][0]
    assert "NaN dB on ihc" in found["Worse than bicubic"][0]


def test_an_arm_that_is_compared_with_nothing_is_not_blamed_for_its_seeds(make_arm, make_run, diff):
    """A single control run beside two compared arms makes no claim, so there is nothing to refuse."""
    arms = [make_arm(), make_arm(), ArmInput(name="control", runs=(make_run(seed=9),))]
    between = ComparisonInput(baseline=0, arm=1, diff=diff(factors=()))

    assert "Too few seeds" not in titles(alerts(arms, [between], None))
    assert "Too few seeds" not in titles(alerts(arms, [], None))  # none of a whole store is compared
    alone = ComparisonInput(baseline=0, arm=2, diff=diff(factors=()))
    assert titles(alerts(arms, [alone], None))["Too few seeds"] == ("C has 1 seed that counts; a claim needs 3",)


def test_a_loss_that_prints_as_zero_is_no_bad_news(make_run, make_metrics):
    metrics = make_metrics() | {"full_frame/psnr/camera": 26.909, "full_frame/psnr_bicubic/camera": 26.910}

    found = titles(alerts([ArmInput(name="x", runs=(make_run(metrics=metrics),))], [], None))

    assert "Worse than bicubic" not in found


def test_what_is_true_of_several_arms_alike_is_said_once(make_run, diff):
    arms = [ArmInput(name=str(n), runs=(make_run(seed=n, seed_proof={}),), effective_n=1) for n in range(3)]

    compared = [ComparisonInput(baseline=0, arm=arm, diff=diff(factors=())) for arm in (1, 2)]

    found = titles(alerts(arms, compared, None))

    assert found["Too few seeds"] == ("A, B and C have 1 seed each that counts; a claim needs 3",)


def test_no_two_places_disagree_on_which_seeds_are_proven(make_run, make_arm):
    """A cohort counts its unproven runs as draws of their own, and says so once, here."""
    runs = tuple(make_run(seed=seed, seed_proof={}) for seed in range(3))
    arm = ArmInput(name="x", runs=runs, effective_n=3)

    view = page_view([arm])

    assert "proof in the record" in " ".join(item for alert in view.alerts for item in alert.items)
    assert "acted" not in view.arms[0].seeds and "acted" not in view.arms[0].size


def test_an_arm_without_the_metric_has_no_seed_that_counts_and_is_said_to_have_no_number(make_run, diff):
    runs = tuple(make_run(seed=seed, metrics={}) for seed in range(2))
    arms = [ArmInput(name="bare", runs=runs, effective_n=2), ArmInput(name="too", runs=runs, effective_n=2)]
    between = ComparisonInput(baseline=0, arm=1, diff=diff())

    found = titles(alerts(arms, [between], None, "val/accuracy"))

    assert found["Too few seeds"] == ("A and B have 0 seeds each that count; a claim needs 3",)
    assert found["Runs without a result"] == ("A and B: no finished run has val/accuracy",)


def test_seeds_are_listed_by_size_in_whatever_order_they_ran(make_run):
    runs = tuple(make_run(seed=seed, status="crashed") for seed in (2, 10, 1))
    arms = [ArmInput(name="x", runs=runs)]

    assert "(seeds 1, 2 and 10 crashed)" in titles(alerts(arms, [], None))["Runs without a result"][0]
    assert page_view(arms).arms[0].seeds == "seeds 1, 2 and 10"


def test_the_row_of_an_arm_without_the_metric_says_why_it_counts_none(make_run):
    bare = tuple(make_run(seed=seed, metrics={}) for seed in range(2))
    arms = [ArmInput(name="has", runs=(make_run(seed=0, metrics={"acc": 0.5}),)), ArmInput(name="bare", runs=bare)]

    _, row = page_view(arms, metric="acc").result.tables[0].rows

    assert (row.n, row.failed) == ("0 of 2", "seeds 0 and 1 no value")


def test_a_run_whose_end_nobody_recorded_did_not_fail(make_run):
    runs = tuple(make_run(seed=seed, status=None, origin={"kind": "wandb"}, metrics={}) for seed in range(2))

    found = titles(alerts([ArmInput(name="x", runs=runs), ArmInput(name="y", runs=runs)], [], None))

    assert "Runs without a result" not in found
    assert found["How runs ended is not on record"] == ("A and B: all of 2 runs each",)


def test_runs_that_their_seed_does_not_tell_apart_are_told_by_their_id(make_run):
    runs = tuple(
        make_run(seed=seed, metrics={"val/loss": float("nan")}, label=f"run {n}") for n, seed in enumerate((2, 2, 3))
    )

    found = titles(alerts([ArmInput(name="x", runs=runs)], [], None))

    assert [item.partition(":")[0] for item in found["Results that are not numbers"]] == [
        f"A, run {runs[0].short}", f"A, run {runs[1].short}", "A, seed 3",
    ]  # fmt: skip


def test_a_run_without_an_end_that_logged_far_less_than_its_twin_is_named(make_run):
    """Records of others say of no run how it ended: with a number or without, and stopped early or not."""
    long, short = (
        make_run(
            seed=None,
            status=None,
            trajectory=Trajectory(series=series(last)),
            origin={"kind": "wandb", "metrics": {"val/hits": value}},
        )
        for value, last in ((44.5, 160), (33.3, 37))
    )

    (every, named) = titles(alerts([ArmInput(name="x", runs=(long, short))], [], None))[
        "How runs ended is not on record"
    ]

    assert every == "A: all of 2 runs"
    assert short.short in named and "up to step 37, another of its arm up to step 160" in named


def series(last: int):
    return MappingProxyType({"train/loss": tuple((step, 1.0 / (step + 1)) for step in range(last + 1))})


def test_a_run_that_logged_a_metric_on_its_way_is_not_said_to_have_none(make_run):
    run = make_run(status=None, trajectory=Trajectory(series=series(12)))

    found = titles(alerts([ArmInput(name="x", runs=(run,))], [], None, "train/loss"))

    assert (
        f"A: no finished run has train/loss (A logged it up to step 12, {run.status})" in found["Runs without a result"]
    )
