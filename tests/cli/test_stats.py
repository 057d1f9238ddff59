"""`runaudit stats` over recorded runs: the numbers, how many runs there really were, and how often somebody looked."""

import json
import shlex

import pytest

from runaudit.store.verify import verify
from tests.cli.recorded import METRIC, cohort, sealed
from tests.diff.samples import put

LR = put("config/optimizer/lr", 5e-4)
ACT = put("config/model/activation", "relu")
NEW, OLD = (31.20, 31.25, 31.31), (30.10, 30.20, 30.40)


@pytest.fixture
def two(here):
    return cohort(here, "new", NEW, LR), cohort(here, "old", OLD)


@pytest.fixture
def stats(runaudit):
    """stats as JSON: code, answer."""

    def call(*words, metric=METRIC):
        code, out, _ = runaudit("stats", "--metric", metric, *words, "--json")
        return code, json.loads(out)

    return call


def test_one_factor_and_three_seeds_make_a_claim(two, stats):
    code, answer = stats("new", "--vs", "old")

    assert (code, answer["verdict"], answer["looks"]) == (0, "improved", 1)
    assert answer["comparisons"][0]["difference"] == pytest.approx(sum(NEW) / 3 - sum(OLD) / 3, abs=1e-9)
    assert answer["comparisons"][0]["design"]["factors"] == ["config.optimizer.lr"]


def test_looking_again_at_the_same_runs_is_the_same_look(two, stats, here):
    first = stats("new", "--vs", "old")
    lines = len(here.entries())

    assert stats("new", "--vs", "old") == first
    assert stats("old", "--vs", "new")[1]["looks"] == 1  # whichever is the baseline
    assert len(here.entries()) == lines


def test_a_look_at_more_seeds_is_counted_and_told(two, stats, here, runaudit):
    stats("new", "--vs", "old")
    cohort(here, "new", (31.1,), LR, first_seed=4)

    answer = stats("new", "--vs", "old")[1]

    assert answer["looks"] == 2
    assert any(note.startswith("This is look 2 at this comparison") for note in answer["notes"])
    assert "look 2" in runaudit("stats", "--metric", METRIC, "new", "--vs", "old")[1]
    assert stats("new", "--vs", "old")[1]["looks"] == 2


def test_a_run_that_repeats_another_to_the_last_bit_is_no_look(two, stats, here):
    """No test sees another number for it: one value a draw. The same seed with another number is a look."""
    first = stats("new", "--vs", "old")[1]
    lines = len(here.entries())
    again = put("label", "again"), put("runtime/started", "2025-11-02T00:00:00Z")
    (repeated,) = cohort(here, "new", NEW[:1], LR, *again)
    lines += len(here.entries()) - lines

    second = stats("new,again", "--vs", "old")[1]
    named = stats(",".join(run[:12] for run in (repeated, *two[0][1:])), "--vs", "old")[1]

    assert (first["looks"], second["looks"], named["looks"], len(here.entries())) == (1, 1, 1, lines)
    assert second["arms"][0]["n"] == 4 and second["comparisons"][0]["p"] == first["comparisons"][0]["p"]
    cohort(here, "new", (31.22,), LR, put("label", "other"), again[1])
    assert stats("new,again,other", "--vs", "old")[1]["looks"] == 2


def test_another_metric_is_another_comparison(here, stats):
    for label, change, values in (("new", (LR,), NEW), ("old", (), OLD)):
        for seed, value in enumerate(values):
            both = {METRIC: value, "full_frame/ssim": value / 40}
            sealed(here, put("seed", seed), put("label", label), *change, metrics=both)

    assert stats("new", "--vs", "old")[1]["looks"] == 1
    assert stats("new", "--vs", "old", metric="full_frame/ssim")[1]["looks"] == 1


def test_too_few_seeds_are_no_look(here, stats):
    cohort(here, "new", NEW[:2], LR)
    cohort(here, "old", OLD)
    before = len(here.entries())

    code, answer = stats("new", "--vs", "old")

    assert (code, answer["verdict"], answer["looks"]) == (3, "too_few_seeds", None)
    assert len(here.entries()) == before


def test_a_look_is_sealed_and_verified(two, stats, here):
    stats("new", "--vs", "old")
    assert verify(here).problems == ()
    look = here.entries()[-1]

    here.object_path(look.digest).unlink()

    (problem,) = verify(here).problems
    assert (problem.run, problem.problem) == (None, "look: is missing")


def test_a_store_that_cannot_be_written_judges_all_the_same(two, stats, here):
    (here.root / "tmp").rmdir()
    (here.root / "tmp").write_text("")  # nothing can be sealed; the tests may run as root, whom permissions do not stop

    code, answer = stats("new", "--vs", "old")

    assert (code, answer["verdict"]) == (0, "improved")
    assert any(note.startswith("This look is not counted: ") for note in answer["notes"])


def test_the_best_run_of_a_cohort_names_its_denominator(here, stats):
    ids = cohort(here, "new", (30.1, 30.2, 30.3, 30.4, 31.9), LR)
    cohort(here, "old", OLD)

    code, answer = stats(ids[-1][:12], "--vs", "old")

    assert (code, answer["verdict"]) == (3, "too_few_seeds")
    assert any("1 of 5 launched runs of this cohort was named" in n and "1.16 sd" in n for n in answer["notes"])


def test_leaving_out_the_crashed_runs_by_naming_the_others_is_refused(here, stats):
    ids = cohort(here, "new", (*NEW, None), LR)
    cohort(here, "old", OLD)

    code, answer = stats(",".join(run[:12] for run in ids[:3]), "--vs", "old")

    assert (code, answer["verdict"]) == (1, "inconclusive")
    assert "new leaves out 1 of 4 launched runs of its cohort, 1 of them without a result" in answer["reason"]


def test_leaving_out_the_best_runs_of_the_baseline_is_refused(here, stats):
    cohort(here, "new", NEW, LR)
    ids = cohort(here, "old", (*OLD, 31.6))

    code, answer = stats("new", "--vs", ",".join(run[:12] for run in ids[:3]))

    assert (code, answer["verdict"]) == (1, "inconclusive")
    assert "old leaves out 1 of 4" in answer["reason"]


@pytest.mark.parametrize(("again", "is_told"), [(NEW[0], False), (31.15, True)])
def test_to_leave_out_a_run_that_repeats_a_named_one_to_the_last_bit_chooses_nothing(here, stats, again, is_told):
    ids = cohort(here, "new", NEW, LR)
    cohort(here, "new", (again,), LR, put("label", "again"), put("runtime/started", "2025-11-02T00:00:00Z"))
    cohort(here, "old", OLD)

    code, answer = stats(",".join(run[:12] for run in ids), "--vs", "old")

    assert any("launched runs of this cohort were named" in note for note in answer["notes"]) is is_told
    assert code == 0 or is_told


def test_a_part_that_flatters_nobody_is_only_told(here, stats):
    ids = cohort(here, "new", (*NEW, 31.4), LR)
    cohort(here, "old", OLD)

    code, answer = stats(",".join(run[:12] for run in ids[:3]), "--vs", "old")

    assert (code, answer["verdict"]) == (0, "improved")
    assert any("3 of 4 launched runs of this cohort were named" in note for note in answer["notes"])


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [("test", True), (["val", "test"], True), ("copy", True), ("train", False), (None, False)],
)
def test_a_checkpoint_chosen_on_the_reported_data_claims_nothing(here, stats, chosen, expected):
    changes = [] if chosen is None else [put("eval/selected_on", chosen)]
    changes.append(put("data/copy", {"digest": "sha256:" + "b" * 64}))  # the test set under another name
    cohort(here, "new", NEW, LR, *changes)
    cohort(here, "old", OLD, *changes)

    code, answer = stats("new", "--vs", "old")

    assert (code, "chosen on the very data that is reported" in answer["reason"]) == (1 if expected else 0, expected)


@pytest.mark.parametrize(
    ("place", "watched", "metric", "expected"),
    [("config/checkpoint", {"monitor": "test/psnr"}, "test/psnr", True),
     ("config/callbacks", [{"name": "early", "early_stopping.monitor": "test/psnr"}], "test/psnr", True),
     ("config/args", {"metric_for_best_model": "test/psnr"}, "test/psnr", True),
     ("config/checkpoint", {"monitor": "val/psnr"}, "test/psnr", False),
     ("config/checkpoint", {"monitor": "val/psnr"}, "val/psnr", False)],
)  # fmt: skip
def test_a_configuration_that_watches_the_reported_metric_claims_nothing(here, stats, place, watched, metric, expected):
    for label, values, changes in (("new", NEW, (LR,)), ("old", OLD, ())):
        for seed, value in enumerate(values, 1):
            sealed(here, put("seed", seed), put("label", label), put(place, watched), *changes, metrics={metric: value})

    code, answer = stats("new", "--vs", "old", metric=metric)

    assert (code, "chosen on the very data that is reported" in answer["reason"]) == (1 if expected else 0, expected)


def test_a_label_that_says_best_of_five_claims_nothing(here, stats):
    cohort(here, "new, best of 5", NEW, LR)
    cohort(here, "old", OLD)

    code, answer = stats("new, best of 5", "--vs", "old")

    assert (code, answer["verdict"]) == (1, "inconclusive") and "the best of 5 runs" in answer["reason"]


def test_the_policy_can_say_that_values_are_the_best_of_several(here, runaudit, tmp_path):
    (tmp_path / "numbers.csv").write_text(
        "arm,seed,value\n" + "".join(f"a,{i},{v}\nb,{i},{w}\n" for i, (v, w) in enumerate(zip(NEW, OLD, strict=True)))
    )
    words = ("stats", "--values", "numbers.csv", "--metric", "psnr", "-q")
    assert runaudit(*words)[0] == 0

    (tmp_path / "runaudit.toml").write_text("[stats]\nbest_of = 5\n")

    code, out, _ = runaudit(*words)
    assert code == 1 and "the best of 5 runs" in out


def test_sequences_are_averaged_inside_the_run(here, stats):
    for label, change, values in (("new", (LR,), NEW), ("old", (), OLD)):
        for seed, value in enumerate(values):
            parts = {f"{METRIC}/cat": value - 1, f"{METRIC}/dog": value + 1}
            sealed(here, put("seed", seed), put("label", label), *change, metrics=parts)

    code, answer = stats("new", "--vs", "old")

    assert (code, answer["arms"][0]["values"]) == (0, pytest.approx(list(NEW)))
    assert answer["arms"][0]["components"]["seed_sd"] == pytest.approx(0.05507570547286, abs=1e-9)  # sd of NEW
    assert any("mean over its 2 sequences" in note for note in answer["notes"])


def test_a_mean_over_sequences_is_not_held_against_what_others_recorded_as_one_number(here, stats):
    for seed, value in enumerate(OLD):
        parts = {f"{METRIC}/cat": value, f"{METRIC}/dog": value}
        whole = {METRIC: value + 3, f"{METRIC}/cat": value - 1, f"{METRIC}/dog": value - 1}
        sealed(here, put("seed", seed), put("label", "old"), metrics=parts)
        sealed(here, put("seed", seed), put("label", "whole"), LR, metrics=whole)
        sealed(here, put("seed", seed), put("label", "alone"), LR, metrics={METRIC: value + 3})

    code, answer = stats("whole", "--vs", "old")

    assert code == 1 and answer["comparisons"][0]["difference"] == pytest.approx(-1.0)
    assert any("3 of 6 runs recorded" in note for note in answer["notes"])

    code, answer = stats("alone", "--vs", "old")

    assert answer["verdict"] not in ("improved", "regressed", "equivalent") and code != 0
    assert any("compare one sequence" in note for note in answer["notes"])


def test_cohorts_are_listed_by_the_measure_that_is_judged(here, runaudit):
    parts = {f"{METRIC}/cat": 40.0, f"{METRIC}/dog": 30.0}
    for seed in range(4):
        held = parts if seed < 2 else {f"{METRIC}/cat": 40.0}
        sealed(here, put("seed", seed), put("label", "a"), metrics=held)

    (group,) = json.loads(runaudit("list", "--json")[1])["cohorts"]

    assert group["metric"] == {"name": METRIC, "mean": None, "sd": None, "n": 2, "not_finite": 0, "lost": 2,
                               "survivors": {"mean": 35.0, "sd": 0.0, "n": 2}}  # fmt: skip


CURVES = ((29.0, 31.9, 31.0), (29.0, 32.1, 31.2), (29.0, 32.0, 31.1))


@pytest.mark.parametrize(
    ("new", "old", "judged"),
    [(max, -1, False), (-1, -1, True), (max, max, True), (0, -1, True)],
    ids=["the best against the last", "last against last", "best against best", "what no curve shows"],
)
def test_the_best_of_some_curves_is_not_held_against_the_end_of_others(here, stats, new, old, judged):
    for label, take, change, up in (("new", new, (LR,), 0.5), ("old", old, (), 0.0)):
        for seed, row in enumerate(CURVES):
            curve = [value + up for value in row]
            value = take(curve) if callable(take) else curve[take] if take else 31.77 + up + seed / 10
            sealed(here, put("seed", seed), put("label", label), *change, metrics={METRIC: value},
                   curves={METRIC: curve})  # fmt: skip

    code, answer = stats("new", "--vs", "old")

    assert (answer["verdict"] == "improved", code) == (judged, 0 if judged else 1)
    told = "the number of each run of new is the highest that was logged, in old it is the last that was logged"
    assert (told in answer["reason"]) is not judged


LONG = (29.0, 31.9, 31.0, 32.1, 30.5)


@pytest.mark.parametrize(
    ("taken", "loss", "judged"),
    [((1, 1, 1), (5, 4, 3, 2, 1), False), ((1, 1, 4), (5, 4, 3, 2, 1), True), ((1, 1, 1), (5, 1, 4, 4, 4), True),
     ((1, 2, 1), (5, 4, 1, 6, 4), False)],
    ids=["second best", "one is its end", "where the loss is lowest", "the loss chose one of three"],
)  # fmt: skip
@pytest.mark.parametrize("side", ["new", "old"])
def test_a_number_picked_from_a_curve_is_not_held_against_the_end_of_another(here, stats, side, taken, loss, judged):
    """A second best value is as flattering as the best. The epoch of the best validation loss is nobody's pick."""
    for label, change, up in (("new", (LR,), 1.5), ("old", (), 0.0)):
        for seed, at in enumerate(taken):
            curve = [value + up + seed / 10 for value in LONG]
            sealed(here, put("seed", seed), put("label", label), *change,
                   metrics={METRIC: curve[at if label == side else -1]},
                   curves={METRIC: curve, "val/loss": loss})  # fmt: skip

    code, answer = stats("new", "--vs", "old")

    other = "old" if side == "new" else "new"
    told = f"the number of each run of {side} is one that was logged on the way, neither the last nor the best of its "
    assert (told in answer["reason"], f"in {other} it is the last" in answer["reason"]) == (not judged, not judged)
    assert (code == 1 and answer["verdict"] == "inconclusive") or judged


@pytest.mark.parametrize(("off", "told"), [(3, True), (2, False)])
def test_numbers_on_no_curve_are_told_beside_the_ends_of_others(here, stats, off, told):
    """Averaged weights are measured beside the curve; the record cannot tell that from a number that was made up."""
    for label, change in (("new", (LR,)), ("old", ())):
        for seed in range(3):
            curve = [value + seed / 10 for value in LONG]
            value = 33.03 + seed / 10 if label == "new" and seed < off else curve[-1]
            sealed(here, put("seed", seed), put("label", label), *change, metrics={METRIC: value},
                   curves={METRIC: curve})  # fmt: skip

    code, answer = stats("new", "--vs", "old")

    note = "The number of each run of new lies on no curve of it, that of each run of old is the last that was logged"
    assert any(note in one for one in answer["notes"]) == told
    assert (answer["verdict"], code) == ("improved", 0) or not told


@pytest.mark.parametrize(
    ("new", "old", "told"),
    [
        (
            (29.0, 31.9),
            (29.0, 31.9, 31.0),
            "new was measured last at step 100, old at step 200, of 200 each",
        ),
        ((29.0, 32.9, 31.8), (29.0, 31.9, 31.0), None),
    ],
    ids=["at another step", "at the same step"],
)
def test_runs_of_one_length_are_compared_where_they_were_measured_at_one_step(here, stats, new, old, told):
    for label, row, change in (("new", new, (LR,)), ("old", old, ())):
        for seed in range(3):
            curve = [value + seed / 10 for value in row]
            sealed(here, put("seed", seed), put("label", label), *change, metrics={METRIC: curve[-1]},
                   curves={METRIC: curve, "train/loss": [seed + 1.0, 0.5, 0.4]})  # fmt: skip

    code, answer = stats("new", "--vs", "old")

    assert (code, answer["verdict"]) == ((0, "improved") if told is None else (1, "inconclusive"))
    assert told is None or told in answer["reason"]
    assert told is None or not any("seeds per arm would find" in note for note in answer["notes"])


def test_the_best_of_many_values_is_not_held_against_the_best_of_few(here, stats):
    for label, row, change in (("new", (29.0, 31.9, 33.0, 31.0), (LR,)), ("old", (29.0, 31.0, 30.0), ())):
        for seed in range(3):
            curve = [value + seed / 10 for value in row]
            sealed(here, put("seed", seed), put("label", label), *change, metrics={METRIC: max(curve)},
                   curves={METRIC: curve, "train/loss": [1.0, 0.5, 0.4, 0.3]})  # fmt: skip

    code, answer = stats("new", "--vs", "old")

    assert code == 1 and "the number of new is the best of 4 values, of old that of 3" in answer["reason"]


@pytest.mark.parametrize(("up", "judged"), [(0.0, False), (1.0, True)])
def test_a_claim_on_chosen_runs_holds_for_those_left_out_as_well(here, stats, up, judged):
    """The best of the new seeds stays out too, and so does the worst of the old: no run that was left out is worse than
    all that were named, which was taken for an honest choice."""
    rows = {"new": (31.20, 31.21, 31.22, 31.30, 31.00, 31.05), "old": (31.00, 31.01, 31.02, 30.90, 31.30, 31.25)}
    new = cohort(here, "new", [value + up for value in rows["new"]], LR)
    old = cohort(here, "old", rows["old"])

    chosen = [",".join(ids[:3]) for ids in (new, old)]
    code, answer = stats(chosen[0], "--vs", chosen[1])

    assert (answer["verdict"], code) == (("improved", 0) if judged else ("inconclusive", 1))
    left = "improved without 3 of 6 launched runs of new and 3 of 6 launched runs of old, and inconclusive with them"
    assert (left in answer["reason"]) != judged


@pytest.mark.parametrize(
    ("name", "new", "old", "curve", "judged"),
    [
        ("val/accuracy", 94.57, 0.89, (), False),
        ("val/accuracy", 0.89, 94.57, (), False),
        ("val/accuracy", 94.57, 0.89, (0.9, 1.2), True),
        ("val/accuracy", 0.95, 0.89, (), True),
        ("val/psnr", 31.2, 0.89, (), True),
    ],
    ids=["percent against a share", "a share against percent", "its curve goes beyond 1", "both shares", "no share"],
)
def test_percent_are_not_held_against_a_share(here, runaudit, name, new, old, curve, judged):
    """A page said "improved by +93.68" of two programs of which one logged percent."""
    for label, value, change in (("new", new, (LR,)), ("old", old, ())):
        for seed in range(3):
            logged = {name: [*curve, value + seed / 100]} if curve and label == "old" else {}
            sealed(here, put("seed", seed), put("label", label), *change, metrics={name: value + seed / 100},
                   curves=logged)  # fmt: skip

    code, out, _ = runaudit("stats", "new", "--vs", "old", "--metric", name, "--json")

    answer = json.loads(out)
    assert (answer["verdict"] in ("improved", "regressed")) == judged and (code == 0) == judged
    assert judged or "is from 0 to 1 in " in answer["reason"]


def test_a_cohort_of_which_some_runs_give_their_best_and_others_their_last_value_proves_nothing(here, stats):
    for seed, row in enumerate(CURVES):
        sealed(here, put("seed", seed), put("label", "old"), metrics={METRIC: row[-1]}, curves={METRIC: row})
        sealed(here, put("seed", seed), put("label", "new"), LR, metrics={METRIC: max(row) if seed else row[-1]},
               curves={METRIC: row})  # fmt: skip

    code, answer = stats("new", "--vs", "old")

    assert code == 1 and answer["verdict"] == "inconclusive"
    assert "the numbers of new are the highest that was logged of some runs, the last" in answer["reason"]


def test_different_quantities_are_never_averaged(here, runaudit):
    for label in ("new", "old"):
        sealed(here, put("label", label), metrics={"val/psnr": 30.0, "val/ssim": 0.9})

    code, _, err = runaudit("stats", "--metric", "val", "new", "--vs", "old")

    assert code == 2 and "no run has the metric 'val'" in err


def test_four_cells_show_their_interaction(here, stats):
    cohort(here, "old", OLD)
    cohort(here, "lr", [v + 0.1 for v in NEW], LR)
    cohort(here, "act", [v + 0.3 for v in OLD], ACT)
    cohort(here, "both", [v + 3.0 for v in OLD], LR, ACT)

    code, answer = stats("lr", "--vs", "act", "--vs", "both", "--vs", "old")

    found = answer["interaction"]
    assert set(found["factors"]) == {"config.optimizer.lr", "config.model.activation"}
    # (both - act) - (lr - old), by hand: 2.7 - (31.353333 - 30.233333)
    assert found["difference"] == pytest.approx(2.7 - 1.12, abs=1e-9)
    assert [c["design"]["verdict"] for c in answer["comparisons"]] == ["single_factor", "single_factor", "confounded"]
    assert [c["verdict"] for c in answer["comparisons"]][2] == "not_attributable" and code == 1


def test_three_arms_that_are_no_square_show_none(here, stats):
    cohort(here, "old", OLD)
    cohort(here, "lr", NEW, LR)
    cohort(here, "lower lr", NEW, put("config/optimizer/lr", 1e-4))
    cohort(here, "act", NEW, ACT)

    assert stats("lr", "--vs", "act", "--vs", "lower lr", "--vs", "old")[1]["interaction"] is None


def test_a_crashed_seed_is_no_draw_in_stats_as_in_a_comparison(here, stats, runaudit):
    cohort(here, "new", (*NEW, None), LR)
    cohort(here, "old", OLD)

    arms = stats("new", "--vs", "old")[1]["arms"]

    compared = json.loads(runaudit("diff", "old", "new", "--json")[1])
    assert [(arm["n"], arm["effective_n"]) for arm in arms] == [(4, 3), (3, 3)]
    assert [(side["n"], side["effective_n"]) for side in (compared["b"], compared["a"])] == [(4, 3), (3, 3)]


def test_every_word_is_an_arm_of_its_own_and_a_comma_joins(here, stats):
    cohort(here, "old", OLD)
    cohort(here, "lr", NEW, LR)
    ids = cohort(here, "act", NEW, ACT)

    apart = stats("lr", ",".join(run[:12] for run in ids), "--vs", "old")[1]

    assert [arm["label"] for arm in apart["arms"]] == ["lr", "act", "old"]
    assert [(c["arm"], c["baseline"]) for c in apart["comparisons"]] == [("lr", "old"), ("act", "old")]
    assert stats("lr,act", "--vs", "old")[1]["arms"][0]["n"] == 6


def test_a_reason_that_holds_for_several_arms_is_given_once(here, stats, runaudit):
    cohort(here, "old", (*OLD[:2], None))
    cohort(here, "lr", NEW, LR)
    cohort(here, "lower", NEW, put("config/optimizer/lr", 1e-4))

    answer = stats("lr", "lower", "--vs", "old")[1]

    assert answer["reason"] == (
        "3 usable seeds in lr, 3 usable seeds in lower and 2 in old: fewer than 3 seeds per arm, no test is made. "
        "old: 1 run without a usable number (seed 3: crashed)."
    )
    notes = answer["notes"]
    assert len(set(notes)) == len(notes)


def test_arms_with_one_cause_are_named_in_one_sentence(here, stats):
    cohort(here, "old", OLD)
    cohort(here, "both", NEW, LR, ACT)
    cohort(here, "lower", NEW, put("config/optimizer/lr", 1e-4), ACT)

    answer = stats("both", "lower", "--vs", "old")[1]

    assert answer["reason"].count("could be credited to a cause") == 1
    assert answer["reason"].startswith("No difference between both or lower and old could be credited to a cause: ")


def test_a_run_stands_on_one_side(two, runaudit):
    first = two[0][0][:12]
    for words, said in (
        (("new", "--vs", "new"), "3 runs of new are in the baseline as well"),
        ((f"new,{two[1][0][:12]}", "--vs", "old"), "1 run of"),
        (("new", f"{first},{','.join(run[:12] for run in two[0][1:])}", "--vs", "old"), "named as two arms"),
    ):
        code, _, err = runaudit("stats", "--metric", METRIC, *words)
        assert code == 2 and said in err, err


def test_arms_without_a_baseline_are_told_the_words_that_name_one(two, runaudit):
    code, _, err = runaudit("stats", "--metric", METRIC, "new", "old")

    assert code == 2
    remedy = shlex.split(next(line for line in err.splitlines() if "runaudit stats" in line).split("runaudit ", 2)[-1])
    assert remedy == ["stats", "--metric", METRIC, "new", "--vs", "old"]
    assert runaudit(*remedy)[0] == 0


def test_the_remedy_for_a_missing_baseline_keeps_the_direction(two, runaudit):
    err = runaudit("stats", "--metric", "val/x", "--direction", "lower", "a b", "c")[2]

    assert "runaudit stats --metric val/x --direction lower 'a b' --vs c" in err


def test_an_arm_of_chosen_runs_takes_no_claim_from_another_arm(here, stats):
    """A campaign page called one arm improved, and the line it printed to ask further called the same inconclusive."""
    old = cohort(here, "old", OLD)
    new = cohort(here, "new", NEW, LR)
    other = cohort(here, "other", [*NEW, None], ACT)

    _, answer = stats(",".join(new), ",".join(other[:3]), "--vs", ",".join(old))

    assert [one["verdict"] for one in answer["comparisons"]] == ["improved", "inconclusive"]
    assert "other leaves out 1 of 4" in answer["comparisons"][1]["reason"]
    assert "leaves out" not in answer["comparisons"][0]["reason"]
