"""Two arms of seeds: seeds are replicates, an odd run is named, failures stay in the denominator."""

from runaudit.diff import Verdict, compare_cohorts
from runaudit.factors.cohort import cohort_of, cohorts
from runaudit.factors.identity import identity_of
from runaudit.settings import Settings
from tests.diff.samples import TRAIN, both, digest, drop, put, run

LR = put("config/optimizer/lr", 5e-4)


def arm(*changes, seeds=(1, 2, 3)):
    return cohort_of([run(both(*changes, put("seed", seed))) for seed in seeds])


def judged(a, b, **options):
    return compare_cohorts(a, b, settings=Settings(), **options)


def test_seeds_of_two_arms_are_replicates_and_the_factor_stands_alone():
    found = judged(arm(), arm(LR))

    assert found.verdict is Verdict.SINGLE_FACTOR
    assert [f.factor for f in found.factors] == ["config.optimizer.lr"]
    assert found.to_json()["a"] | {"id": ""} == {
        "id": "", "label": "testing GeLU", "n": 3, "effective_n": 3, "seeds": [1, 2, 3],
        "runs": found.to_json()["a"]["runs"],
    }  # fmt: skip


def test_other_seeds_in_the_other_arm_are_no_confound():
    assert judged(arm(seeds=(1, 2, 3)), arm(LR, seeds=(4, 5, 6))).verdict is Verdict.SINGLE_FACTOR


def test_two_single_runs_are_a_pair_whatever_they_are_called():
    assert judged(arm(seeds=(1,)), arm(LR, seeds=(2,))).verdict is Verdict.CONFOUNDED


def test_two_factors_between_arms_are_confounded():
    assert judged(arm(), arm(LR, put("config/epochs", 60))).verdict is Verdict.CONFOUNDED


def test_an_arm_against_itself_is_identical():
    assert judged(arm(), arm()).verdict is Verdict.IDENTICAL


def test_the_odd_run_of_an_arm_is_named():
    normal, odd = (
        [run(both(LR, put("seed", seed))) for seed in (1, 2)],
        run(both(LR, put("seed", 3), put("config/epochs", 31))),
    )

    found = judged(arm(), cohort_of([*normal, odd]))

    assert found.verdict is Verdict.CONFOUNDED
    assert odd.short in found.reason and "config.epochs" in found.reason
    assert not any(one.short in found.reason for one in normal)


def test_the_odd_run_is_named_when_it_comes_first():
    odd, normal = run(both(put("seed", 3), put("config/epochs", 31))), [run(put("seed", seed)) for seed in (1, 2)]

    found = judged(cohort_of([odd, *normal]), arm(LR))

    assert odd.short in found.reason and normal[0].short not in found.reason


def test_a_machine_that_varies_alike_in_both_arms_is_a_block():
    a100 = put("env/gpu", "NVIDIA A100")
    mixed = [
        cohort_of([*arm(change, seeds=(1, 2)).runs, *arm(change, a100, seeds=(3,)).runs]) for change in (both(), LR)
    ]

    found = judged(*mixed)

    assert found.verdict is Verdict.SINGLE_FACTOR
    assert any("env.gpu" in note and "block" in note for note in found.notes)


def test_a_machine_that_varies_otherwise_in_each_arm_is_not():
    a100 = put("env/gpu", "NVIDIA A100")
    left = cohort_of([*arm(seeds=(1, 2)).runs, *arm(a100, seeds=(3,)).runs])

    assert judged(left, arm(LR)).verdict is Verdict.CONFOUNDED


def test_every_run_of_one_arm_on_another_torch_is_a_second_factor():
    assert judged(arm(), arm(LR, put("env/torch", "2.7.0"))).verdict is Verdict.CONFOUNDED


def test_a_diverged_run_stays_in_the_denominator():
    diverged = run(both(LR, put("seed", 3), put("runtime/status", "diverged")))
    arm_b = cohort_of([*arm(LR, seeds=(1, 2)).runs, diverged])

    found = judged(arm(), arm_b)

    assert (arm_b.n, arm_b.effective_n) == (3, 2)
    assert found.verdict is Verdict.SINGLE_FACTOR
    assert any("1 of 3 runs has no result (1 diverged)" in note for note in found.notes)


def test_an_arm_without_a_result_cannot_be_compared():
    assert judged(arm(), arm(LR, put("runtime/status", "crashed"))).verdict is Verdict.INCOMPARABLE


def test_the_control_is_looked_at_in_every_run():
    moved = run(both(LR, put("seed", 3), lambda r: r["metrics"].update({"full_frame/psnr_bicubic/astronaut": 27.0})))

    assert judged(arm(), cohort_of([*arm(LR, seeds=(1, 2)).runs, moved])).verdict is Verdict.INCOMPARABLE


def test_a_gap_in_one_run_of_an_arm_spoils_a_clean_verdict():
    gap = run(both(LR, put("seed", 3), drop("env")))

    found = judged(arm(), cohort_of([*arm(LR, seeds=(1, 2)).runs, gap]))

    assert found.verdict.rank <= Verdict.PROVENANCE_INCOMPLETE.rank
    assert "env" in [row.factor for row in found.missing]


def test_equal_seeds_count_once():
    assert arm(seeds=(1, 1, 2)).effective_n == 2


def test_different_seeds_with_one_start_count_once():
    """Three seeds whose initial weights are equal: the seed never reached the generator."""
    same = put("seed_proof", {"init": digest("1")})

    assert arm(same).effective_n == 1
    assert "repeat one another" in arm(same).notes[0]


def test_one_checkpoint_under_several_seeds_is_told_apart_by_the_first_batch():
    tuned = put("init", {"kind": "checkpoint", "checkpoint": digest("f"), "parent": None})
    runs = [
        run(both(tuned, put("seed", s), put("seed_proof", {"init": digest("1"), "first_batch": digest(str(s))})))
        for s in (1, 2, 3)
    ]

    assert cohort_of(runs).effective_n == 3


def test_unknown_seeds_without_proof_are_one_draw_and_proofs_tell_them_apart():
    unknown = [run(drop("seed")) for _ in range(2)]
    proven = [run(both(drop("seed"), put("seed_proof", {"init": digest(letter)}))) for letter in "12"]

    assert cohort_of(unknown).effective_n == 1
    assert cohort_of(proven).effective_n == 2


def test_cohorts_are_the_runs_that_differ_only_in_their_seed():
    runs = [*arm().runs, *arm(LR).runs, run(both(put("seed", 4), put("config/output_dir", "out/9"), put("label", "b")))]

    found = cohorts(runs)

    assert [group.n for group in found] == [4, 3]
    assert found[0].id == identity_of(runs[0], Settings().factors).id != found[1].id


def test_a_patch_of_the_readme_between_two_seeds_does_not_split_a_cohort():
    def edited(path):
        text = f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-a\n+b\n" if path else None
        return both(lambda plain: plain["code"].pop("files"), put("code/patch", text), put("code/dirty", bool(path)))

    groups = [cohorts([run(both(edited(""), put("seed", 1))), run(both(edited(path), put("seed", 2)))])
              for path in ("README.md", "train.py")]  # fmt: skip

    assert [len(found) for found in groups] == [1, 2]


def test_a_comment_between_two_seeds_does_not_split_a_cohort():
    runs = [run(), run(both(put("seed", 2), put("code/files/src/train.py", "# remark\n" + TRAIN)))]

    assert [group.n for group in cohorts(runs)] == [2]


def test_a_crashed_seed_belongs_to_its_cohort():
    runs = [run(), run(both(put("seed", 2), put("runtime/status", "crashed")))]

    assert [group.n for group in cohorts(runs)] == [2]


def test_the_intent_of_an_arm_is_held_against_what_changed():
    found = judged(arm(), arm(LR), intent=("lr",))

    assert found.intent.met is True
    assert judged(arm(), arm(), intent=("lr",)).intent.met is False


def test_what_several_runs_of_an_arm_differ_in_is_said_once_with_their_count():
    relu = put("config/model/activation", "relu")
    mixed = cohort_of([*arm(LR, seeds=range(1, 6)).runs, *arm(relu, put("label", "relu"), seeds=range(6, 10)).runs])

    reason = judged(arm(), mixed).reason

    assert reason.count("is not one design") == reason.count("config.model.activation") == 1
    assert "4 of 9 runs, relu (" in reason and "and 1 more), differ in" in reason


def test_an_arm_of_many_designs_tells_three_ways_to_differ_and_counts_the_rest():
    kinds = [run(both(put("seed", seed), put("config/epochs", 40 + seed))) for seed in range(1, 6)]

    reason = judged(cohort_of([*arm(LR, seeds=(7, 8)).runs, *kinds]), arm()).reason

    assert reason.count("config.epochs") == 3 and reason.endswith("; 2 more runs otherwise")


# ── seeds that nobody knows ──────────────────────────────────────────────────────────────────────────────────────


def open_run(value, *changes):
    """A run of which neither the seed nor a proof of its start is on record."""
    return run(both(drop("seed"), put("metrics", {"psnr": value}), *changes))


def seeded(seed, value):
    return run(both(put("seed", seed), put("metrics", {"psnr": value})))


def test_a_run_of_unknown_seed_beside_seeded_ones_is_no_draw_of_its_own():
    known = [seeded(1, 30.0), seeded(2, 30.5), seeded(3, 30.2)]
    lost = [open_run(30.1), open_run(30.3)]

    found = cohort_of([lost[0], *known, lost[1]])

    assert found.effective_n == cohort_of(known).effective_n == 3
    (note,) = [note for note in found.notes if "do not say their seeds" in note]
    assert all(one.short in note for one in lost) and "count once" in note


def test_an_arm_against_itself_says_each_note_once():
    twice = cohort_of([seeded(1, 30.0), seeded(1, 30.1), seeded(2, 30.5)])
    notes = compare_cohorts(twice, twice, settings=Settings()).notes

    assert any("count once" in note for note in notes) and len(notes) == len(set(notes))


def test_a_start_that_is_proven_another_makes_a_draw_whatever_the_seed_was():
    proof = put("seed_proof", {"init": digest("f")})

    assert cohort_of([run(put("seed_proof", {"init": digest("e")})), open_run(30.1, proof)]).effective_n == 2


def test_runs_of_unknown_seed_and_equal_numbers_are_called_copies_and_no_idle_seed():
    series = put("series", {"loss": [[step, 1 / (step + 3)] for step in range(30)]})
    found = cohort_of([run(both(drop("seed"), series)), run(both(drop("seed"), series, put("label", "again")))])

    (note,) = [note for note in found.notes if "count once" in note]
    assert "copies of one run, or of a program without chance" in note and "seed had no effect" not in note
