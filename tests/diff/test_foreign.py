"""Runs that somebody else recorded: what they show comes first, and what the user vouches for is told as that."""

from dataclasses import replace

import pytest

from runaudit.diff import Verdict, compare, compare_cohorts
from runaudit.diff.text import markdown_lines, text_lines
from runaudit.errors import ConfigError
from runaudit.factors.cohort import Cohort, cohort_of
from runaudit.factors.vouched import remedy, stating, vouched
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.settings import VOUCHABLE, FactorSettings, ImportSettings, Settings, assuming, parse_settings
from tests.diff.samples import both, digest, drop, put, run
from tests.diff.test_pairs import PAIRS

LR = put("config/optimizer/lr", 5e-4)
NO_FILES = both(drop("code/files"), put("code/dirty", False))
BARE = both(NO_FILES, drop("data"), drop("init"), drop("eval"), drop("env/cudnn"), drop("env/determinism"))
"""What W&B leaves of a run."""
ALL = Settings(imports=ImportSettings(typed=VOUCHABLE))


def foreign(*changes, kind="wandb"):
    made = run(both(*changes))
    return replace(made, manifest=Manifest.of({**made.manifest.to_json(), "origin": {"kind": kind}}))


def stated(*words):
    return Settings(imports=ImportSettings(typed=words))


def told(found, **how):
    return "\n".join(text_lines(found, **how))


# ── not a wall ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_first_line_says_what_the_records_show():
    found = compare(foreign(BARE), foreign(BARE, LR), settings=Settings())

    first = told(found).splitlines()[0]
    assert first.startswith("single_factor on what W&B recorded: only config.optimizer.lr 0.001 → 0.0005 changed")
    assert "provenance_incomplete: 5 inputs are not on record" in first
    assert (found.verdict, found.conditional) == (Verdict.PROVENANCE_INCOMPLETE, Verdict.SINGLE_FACTOR)
    assert found.standing is Verdict.PROVENANCE_INCOMPLETE


def test_what_a_tracker_never_records_is_one_line_and_a_gap_of_the_run_its_own():
    found = compare(foreign(BARE, drop("seed")), foreign(BARE, LR), settings=Settings())

    lines = told(found).splitlines()
    assert "never recorded by W&B: data, env.cudnn, env.determinism, eval, init" in lines
    assert [line.split()[0] for line in lines if " in a: " in line or " on both sides: " in line] == ["seed"]
    whole = told(found, everything=True)
    assert all(f"  {path}  " in whole for path in ("data", "env.cudnn", "env.determinism", "eval", "init", "seed"))
    assert "never recorded by W&B: data, env.cudnn" in "\n".join(markdown_lines(found)).replace("&amp;", "&")
    rows = {row["factor"]: row.get("never_recorded_by") for row in found.to_json()["missing"]}
    assert rows["data"] == "W&B" and rows["seed"] is None


def test_a_tracker_that_nobody_heard_of_is_told_by_its_own_word():
    found = compare(foreign(BARE, kind="neptune"), foreign(BARE, LR, kind="neptune"), settings=Settings())

    assert found.headline.startswith("single_factor on what neptune recorded")
    assert "never recorded by neptune: data" in told(found)


def test_a_record_file_has_a_place_for_everything_so_its_gap_comes_first():
    found = compare(run(drop("env")), run(LR), settings=Settings())

    assert found.headline.startswith("provenance_incomplete: env")
    assert "where you know that they were equal: --assume env" in told(found)


def test_without_its_config_a_tracker_shows_nothing():
    found = compare(foreign(BARE, drop("config")), foreign(BARE), settings=ALL)

    assert (found.verdict, found.conditional) == (Verdict.PROVENANCE_INCOMPLETE, None)
    assert found.standing is Verdict.PROVENANCE_INCOMPLETE and "--assume" not in told(found).replace("(--assume)", "")
    assert "without its config nothing can be said" in found.headline


def test_without_a_commit_what_a_tracker_shows_is_told_and_is_no_verdict():
    bare = both(BARE, drop("code"))
    for kind in ("hydra", "wandb"):
        for change, shown in ((LR, "only config.optimizer.lr 0.001 → 0.0005 changed"), ((), "nothing that can matter")):
            found = compare(
                foreign(bare, kind=kind), foreign(bare, *([change] if change else ()), kind=kind), settings=ALL
            )

            assert not found.tells_what_is_recorded and found.standing is Verdict.PROVENANCE_INCOMPLETE
            assert found.headline.startswith("provenance_incomplete: the commit of the code is not on record; of what ")
            assert shown in found.headline and " on what " not in found.headline
            assert " on what " not in "\n".join(markdown_lines(found))


def test_two_records_that_may_be_of_one_training_say_so_and_count_once():
    """One was brought in by one import, the other by another: what both tell, to the last bit, is told once."""
    curve = put("series", {"loss": [[0, 0.731], [1, 0.512], [2, 0.433]]})
    one, other = foreign(BARE, curve), foreign(BARE, curve, drop("seed"), kind="tensorboard")
    word = "may be two records of one training"

    assert word in told(compare(one, foreign(BARE, curve, kind="tensorboard"), settings=Settings()))
    assert Cohort(id="c", label="arm", runs=(one, other)).effective_n == 1
    bits = put("series", {"loss": [[0, 0.731], [1, 0.512], [2, 0.434]]})
    assert word not in told(compare(one, foreign(BARE, bits), settings=Settings()))
    assert word not in told(compare(one, foreign(BARE, put("series", {})), settings=Settings()))


# ── what the user vouches for ────────────────────────────────────────────────────────────────────────────────────


def test_the_remedy_that_is_told_fills_every_gap():
    found = compare(foreign(BARE), foreign(BARE, LR), settings=Settings())
    typed = remedy([row.factor for row in found.open]).replace("--assume ", "").split()

    again = compare(foreign(BARE), foreign(BARE, LR), settings=stated(*typed))

    assert again.standing is Verdict.SINGLE_FACTOR
    assert (again.verdict, again.conditional) == (found.verdict, found.conditional)


def test_an_assumption_stands_in_every_answer():
    found = compare(foreign(BARE), foreign(BARE, LR), settings=stated("data", "env", "eval", "init"))

    assert "assuming data, env, eval and init" in found.headline
    note = "assumed, not recorded: data, env, eval and init (--assume)"
    assert note in told(found) and note in "\n".join(markdown_lines(found))
    answer = found.to_json()
    assert answer["assumed"]["note"] == note and answer["standing"] == "single_factor"
    assert answer["verdict"] == "provenance_incomplete"
    assert all(row["assumed"] for row in answer["missing"])


def test_one_gap_for_which_nobody_vouches_keeps_the_verdict_open():
    found = compare(foreign(BARE, drop("seed")), foreign(BARE, LR), settings=stated("data", "env", "eval", "init"))

    assert found.standing is Verdict.PROVENANCE_INCOMPLETE
    assert "nothing that is stated fills seed" in told(found)


@pytest.mark.parametrize("told", [
    both(put("code/dirty", True), put("code/patch", "--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a\n+b\n")),
    both(put("code/dirty", True), drop("code/patch")),
])  # fmt: skip
def test_that_the_tree_was_clean_is_not_assumed_where_edits_are_on_record(told):
    silent = both(BARE, drop("code/dirty"), drop("code/patch"))

    found = compare(foreign(silent), foreign(BARE, told), settings=ALL)

    assert "code.patch" in {row.factor for row in found.open}
    assert found.standing is Verdict.PROVENANCE_INCOMPLETE
    assert found.headline.startswith("provenance_incomplete: there are uncommitted changes, and not every record tells")
    assert compare(foreign(silent), foreign(BARE), settings=ALL).standing is Verdict.IDENTICAL


def test_a_part_of_a_section_is_vouched_for_alone():
    found = compare(foreign(BARE), foreign(BARE, LR), settings=stated("data", "eval", "init", "env.cudnn"))

    assert [row.factor for row in found.open] == ["env.determinism"]


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        (put("env/gpu", "NVIDIA A100"), Verdict.CONFOUNDED),
        (put("env/packages/torch", "2.7.0"), Verdict.CONFOUNDED),
        (put("seed", 2), Verdict.CONFOUNDED),
    ],
)
def test_an_assumption_never_hides_what_the_records_show_to_differ(change, verdict):
    assert compare(foreign(BARE), foreign(BARE, LR, change), settings=ALL).standing is verdict


def test_data_that_both_records_name_by_content_is_compared_whatever_is_assumed():
    with_data = both(NO_FILES, drop("init"), drop("eval"))

    found = compare(foreign(with_data), foreign(with_data, put("data/train/digest", digest("d"))), settings=ALL)

    assert [factor.factor for factor in found.treatments] == ["data.train"]
    assert found.standing is Verdict.SINGLE_FACTOR


def test_an_unknown_commit_gives_no_verdict_that_counts():
    found = compare(foreign(BARE, drop("code")), foreign(BARE, LR, drop("code")), settings=ALL)

    assert found.standing is Verdict.PROVENANCE_INCOMPLETE
    assert [row.factor for row in found.open] == ["code"]


def test_that_a_tree_was_clean_can_be_vouched_for_where_the_commit_is_known():
    unsaid = both(BARE, drop("code/dirty"), drop("code/patch"))

    found = compare(foreign(unsaid), foreign(unsaid, LR), settings=ALL)

    assert found.standing is Verdict.SINGLE_FACTOR
    assert "code.patch" in found.assumed.sections


def test_nothing_is_assumed_of_a_run_of_our_own():
    ours = foreign(drop("env"), kind="captured")

    found = compare(ours, foreign(LR), settings=ALL)

    assert [row.factor for row in found.open] == [row.factor for row in found.missing]
    assert found.standing is Verdict.PROVENANCE_INCOMPLETE
    assert "of a run of our own nothing is assumed, what was not seen of env is unknown" in told(found)


def test_runs_of_our_own_without_a_gap_hear_nothing_of_assumptions():
    assert compare(foreign(kind="captured"), foreign(LR, kind="captured"), settings=ALL).assumed is None


def test_a_record_of_our_own_stays_ours_when_it_goes_through_a_file():
    ours = both(drop("env"), put("origin", {"from": {"kind": "captured"}}))

    assert compare(run(ours), run(both(ours, LR)), settings=ALL).standing is Verdict.PROVENANCE_INCOMPLETE


def test_a_run_that_was_forgotten_is_no_foreign_one():
    from runaudit.records.digest import digest_bytes

    gone = replace(run(), manifest=Manifest.forgotten(digest_bytes(b"x"), "forgotten", {}))

    assert not vouched("data", [gone], ALL, among=[gone])


def test_what_was_sealed_with_an_import_counts_where_every_run_has_it():
    words = ("data", "env", "eval", "init")
    a, b = stating(foreign(BARE), words), stating(foreign(BARE, LR), words)

    both_have = compare(a, b, settings=Settings())
    one_has = compare(a, foreign(BARE, LR), settings=Settings())

    assert both_have.standing is Verdict.SINGLE_FACTOR and "(import --assume)" in told(both_have)
    assert one_has.standing is Verdict.PROVENANCE_INCOMPLETE
    assert "the assumption of data, env, eval and init fills no gap here" in told(one_has)


def test_one_run_of_an_arm_for_which_nobody_vouched_keeps_the_gap_of_its_arm():
    words = ("data", "env", "eval", "init")
    mine = [stating(foreign(BARE, put("seed", seed)), words) for seed in (1, 2)]
    other = [stating(foreign(BARE, LR, put("seed", 1)), words), foreign(BARE, LR, put("seed", 2))]
    arms = [Cohort(id=name, label=name, runs=tuple(runs)) for name, runs in (("a", mine), ("b", other))]

    assert compare_cohorts(*arms, settings=Settings()).standing is Verdict.PROVENANCE_INCOMPLETE
    assert compare_cohorts(*arms, settings=ALL).standing is Verdict.SINGLE_FACTOR


# ── where it is stated ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("word", ["config", "code", "code.commit", "config.lr", "dta", "", "metrics"])
def test_what_nobody_can_vouch_for_is_refused_with_what_can_be(word):
    with pytest.raises(ConfigError) as by_policy:
        parse_settings({"import": {"assume": [word]}})
    with pytest.raises(ConfigError) as typed:
        assuming(Settings(), [word])

    for refused in (by_policy.value, typed.value):
        assert repr(word) in refused.message
        assert all(name in refused.remedy for name in VOUCHABLE)


def test_a_policy_that_states_it_after_the_runs_began_is_told(tmp_path):
    policy = tmp_path / "runaudit.toml"
    policy.write_text('[import]\nassume = ["data", "env", "eval", "init"]\n')
    from runaudit.settings import read_settings

    found = compare(foreign(BARE), foreign(BARE, LR), settings=read_settings(policy))

    assert found.standing is Verdict.SINGLE_FACTOR
    assert "[import] assume of runaudit.toml, written " in found.assumed.note
    assert "after the runs began (the first 2025-11-01T00:00:00Z)" in found.assumed.note


def test_a_policy_that_states_it_before_the_runs_is_not_called_late(tmp_path):
    policy = tmp_path / "runaudit.toml"
    policy.write_text('[import]\nassume = ["data", "env", "eval", "init"]\n')
    from runaudit.settings import read_settings

    later = put("runtime/started", "2999-01-01T00:00:00Z")
    found = compare(foreign(BARE, later), foreign(BARE, LR, later), settings=read_settings(policy))

    assert "written " in found.assumed.note and "after the runs" not in found.assumed.note


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair.verdict}: {pair.name}")
def test_an_assumption_moves_no_verdict_no_factor_and_no_gap(pair):
    a, b = run(pair.before), run(pair.after)
    policy = FactorSettings(**pair.policy)
    plain = compare(a, b, settings=Settings(factors=policy))

    given = compare(a, b, settings=replace(ALL, factors=policy))

    assert (given.verdict, given.conditional, given.factors) == (plain.verdict, plain.conditional, plain.factors)
    assert [row.factor for row in given.missing] == [row.factor for row in plain.missing]
    assert given.standing in (plain.verdict, plain.conditional)
    if given.standing is not plain.verdict:
        assert given.assumed.covers == tuple(row.factor for row in plain.missing) and not given.open


# ── a record that breaks off ─────────────────────────────────────────────────────────────────────────────────────


def logged(steps, *changes, status="completed"):
    """A run of MLflow's; without a status its record does not say how it ended."""
    points = [[step, 1 / (step + 3)] for step in range(steps)]
    ended = put("runtime/status", status) if status else drop("runtime/status")
    told = {} if status else {"metrics": {"val/error": points[-1][1]}}
    made = run(both(BARE, put("series", {"val/error": points}), put("metrics", {"val/error": points[-1][1]}), ended,
                    drop("runtime/steps_done"), *changes))  # fmt: skip
    return replace(made, manifest=Manifest.of({**made.manifest.to_json(), "origin": {"kind": "mlflow", **told}}))


def test_a_record_that_breaks_off_where_one_like_it_went_on_is_no_result_whoever_vouches_for_its_end():
    broken = logged(7, put("label", "hang"), status=None)
    assert (broken.status, broken.outcome, broken.finished) == ("unknown", None, True)

    found = compare(logged(20), broken, settings=ALL)

    assert found.standing is Verdict.INCOMPARABLE and "hang" in found.reason
    assert "breaks off at step 6" in found.reason and "completed at step 19" in found.reason
    (note,) = [note for note in found.notes if "up to there" in note]
    assert "does not say how the run ended" in note
    assert "nondeterminism" not in told(found)


def test_a_record_without_an_end_that_is_as_long_as_the_other_or_was_to_be_shorter_is_held_against_it():
    alike = compare(logged(20), logged(20, status=None), settings=ALL)
    shorter = compare(logged(20), logged(7, put("config/epochs", 3), status=None), settings=ALL)
    other = compare(
        logged(20), logged(7, put("series", {"val/error": [[0, 0.5], [6, 0.25]]}), status=None), settings=ALL
    )

    assert alike.standing is Verdict.IDENTICAL
    assert shorter.standing is Verdict.SINGLE_FACTOR
    assert any("differs first at step 0" in note for note in other.notes)


@pytest.mark.parametrize(
    ("steps", "changes", "is_cut"),
    [
        ((20, 20, 20, 20), [], False),
        ((20, 20, 20, 7), [], True),
        ((20, 7, 20, 20), [], True),
        ((20, 20, 7, 7), [put("config/epochs", 3)], False),
        ((20, 20, 20, 7), [put("config/epochs", 3)], True),
    ],
    ids=["alike", "one of b", "one of a", "a setting", "one of b beside a setting"],
)
def test_of_records_that_all_lack_an_end_one_that_is_shorter_than_its_like_did_not_finish(steps, changes, is_cut):
    """Two of four runs of an arm stopped at epoch 37 of 100, and "improved" came of it once `runtime` was assumed."""
    runs = [logged(count, put("seed", at % 2), *(changes if at > 1 else []), LR if at > 1 else both(), status=None)
            for at, count in enumerate(steps)]  # fmt: skip

    found = compare_cohorts(cohort_of(runs[:2]), cohort_of(runs[2:]), settings=ALL)

    assert (found.standing is Verdict.INCOMPARABLE) == is_cut
    assert ("breaks off at step 6" in found.reason) == is_cut


def test_no_remedy_is_offered_that_does_not_lift_the_gap():
    """That a tree was clean nobody states of one that a record calls dirty."""
    dirty = both(put("code/dirty", True), drop("code/patch"))
    found = compare(foreign(BARE, dirty), foreign(BARE, dirty, LR), settings=Settings())
    typed = compare(foreign(BARE, dirty), foreign(BARE, dirty, LR), settings=ALL)

    for answer in (found, typed):
        assert "code.patch" in [row.factor for row in answer.open]
        assert "--assume code.patch" not in answer.lifted_by
        assert "W&B kept the patch" in answer.lifted_by
    assert typed.standing is Verdict.PROVENANCE_INCOMPLETE


# ── another measure, or another name ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("leaf", "before", "after", "is_told"),
    [("evaluation", "mae", "mse", True), ("val_metric", "psnr", "ssim", True), ("best.metric", "a", "b", True),
     ("lr", 0.1, 0.2, False), ("eval_batch_size", 4, 8, False), ("eval.every", 4, 8, False),
     ("interval", 1, 2, False), ("prevalence", 1, 2, False)],
)  # fmt: skip
def test_where_no_evaluation_is_on_record_a_setting_that_is_called_after_one_may_be_the_measure(
    leaf, before, after, is_told
):
    *above, key = leaf.split(".")
    sides = [foreign(BARE, put(f"config/{above[0]}", {key: one}) if above else put(f"config/{key}", one))
             for one in (before, after)]  # fmt: skip

    found = compare(*sides, settings=ALL)

    notes = [note for note in found.notes if "no record says what computes the metric" in note]
    assert bool(notes) is is_told
    assert all(f"config.{leaf}" in note for note in notes)


def test_a_setting_that_is_a_part_of_the_evaluation_is_not_also_said_to_be_one_perhaps():
    sides = [foreign(BARE, put("config/eval", {"dataset": name})) for name in ("a", "b")]

    found = compare(*sides, settings=ALL)

    assert found.verdict is Verdict.INCOMPARABLE
    assert not [note for note in found.notes if "no record says what computes the metric" in note]


def test_a_declared_evaluation_says_how_it_is_measured():
    a, b = (run(put("config/evaluation", word)) for word in ("mae", "mse"))

    assert not [note for note in compare(a, b, settings=Settings()).notes if "how the metric is computed" in note]


def test_a_setting_that_holds_what_the_run_is_called_counts_and_how_to_say_that_it_chose_nothing_is_told():
    """`--name resnet18`, under which W&B files the run, may be the name of a model."""
    a, b = (foreign(BARE, put("label", word), put("config/args", {"name": word})) for word in ("one", "two"))
    other = foreign(BARE, put("label", "one"), put("config/args", {"name": "cnn"}))

    found = compare(a, b, settings=ALL)

    assert [row.factor for row in found.factors] == ["config.args.name"]
    assert any('[factors] nuisance = ["config.args.name"]' in note for note in found.notes)
    assert not any("is what each run is called" in note for note in compare(a, other, settings=ALL).notes)


# ── a record that holds no number ────────────────────────────────────────────────────────────────────────────────


def with_numbers(one, *, status=None, **metrics):
    origin = {**one.manifest.to_json()["origin"], **({} if status else {"metrics": metrics})}
    manifest = Manifest.of({**one.manifest.to_json(), "origin": origin})
    body = {"manifest": str(manifest.digest), "status": status, "metrics": metrics}
    return replace(one, manifest=manifest, outcome=Outcome.of(body) if status else None)


@pytest.mark.parametrize("status", [None, "completed"], ids=["of unknown end", "completed"])
def test_a_run_that_holds_no_number_has_no_result_beside_one_that_does(status):
    a = with_numbers(foreign(BARE), psnr=31.0)
    b = with_numbers(foreign(BARE, LR), status=status)

    for pair in ((a, b), (b, a)):
        found = compare(*pair, settings=ALL)
        assert found.verdict is found.standing is Verdict.INCOMPARABLE
        assert "holds no number" in found.reason and found.unfinished


def test_an_arm_of_which_no_run_holds_a_number_has_no_result():
    seeds = [put("seed", seed) for seed in (1, 2)]
    a = cohort_of([with_numbers(foreign(BARE, seed), psnr=31.0) for seed in seeds], label="a")
    b = cohort_of([with_numbers(foreign(BARE, LR, seed)) for seed in seeds], label="b")
    one = cohort_of([*b.runs[:1], with_numbers(b.runs[1], psnr=30.0)], label="b")

    assert compare_cohorts(a, b, settings=ALL).verdict is Verdict.INCOMPARABLE
    assert "no run of b holds a number" in compare_cohorts(a, b, settings=ALL).reason
    assert compare_cohorts(a, one, settings=ALL).standing is Verdict.SINGLE_FACTOR


SILENT = both(BARE, drop("metrics"))
TWO = (LR, put("config/epochs", 3))


@pytest.mark.parametrize("status", ["completed", "crashed", None])
@pytest.mark.parametrize("changes", [(LR,), (put("seed", 9),)], ids=["a treatment", "a seed"])
def test_of_two_runs_of_a_tracker_that_hold_no_number_nothing_is_compared(status, changes):
    a, b = (foreign(SILENT, put("runtime/status", status), *own) for own in ((), changes))

    found = compare(a, b, settings=ALL)

    assert found.standing is Verdict.INCOMPARABLE and found.unfinished
    assert "holds a number" in found.reason


@pytest.mark.parametrize("status", ["completed", "crashed", None])
@pytest.mark.parametrize(
    ("changes", "conditional"), [((), Verdict.IDENTICAL), (TWO, Verdict.CONFOUNDED)], ids=["one design", "two factors"]
)
def test_whether_two_runs_without_a_number_were_one_design_is_told_and_never_passes(status, changes, conditional):
    a, b = (foreign(SILENT, put("runtime/status", status), *own) for own in ((), changes))

    found = compare(a, b, settings=ALL)

    assert found.conditional is conditional
    assert found.standing in (Verdict.PROVENANCE_INCOMPLETE, Verdict.CONFOUNDED)
    assert "metrics" in [row.factor for row in found.open]


def test_arms_of_a_tracker_that_hold_no_number_are_not_compared():
    a, b = (cohort_of([foreign(SILENT, put("seed", seed), *own) for seed in (1, 2)]) for own in ((), (LR,)))

    assert compare_cohorts(a, b, settings=ALL).standing is Verdict.INCOMPARABLE


@pytest.mark.parametrize("kind", ["hydra", "record"])
def test_where_nothing_measured_has_a_place_the_designs_alone_are_compared(kind):
    """Hydra keeps no number of any run, which is a gap; who writes a record file may ask about the design alone."""
    found = compare(foreign(SILENT, kind=kind), foreign(SILENT, LR, kind=kind), settings=ALL)

    assert found.conditional is Verdict.SINGLE_FACTOR
    assert (found.standing is Verdict.SINGLE_FACTOR) is (kind == "record")
    assert ["Hydra"] * (kind == "hydra") == [row.never for row in found.open]
