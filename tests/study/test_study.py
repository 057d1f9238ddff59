"""What a study says in the end: the verdict, its sentences, the price of the next runs, and what a reader must know."""

import json
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runaudit.errors import NothingToJudgeError
from runaudit.settings import Settings
from runaudit.study.answer import answer, judged
from runaudit.study.study import study
from runaudit.study.text import markdown_lines, text_lines
from runaudit.text.terminal import Paint
from runaudit.text.verdicts import Tone, verdict_words
from tests.study.samples import WHOLE, judge, names, run, runs

TOGETHER = [{"act": "relu", "lr": 0.1}, {"act": "gelu", "lr": 0.2}]
KEYS = {"schema", "runs", "factors", "alias_sets", "never_varied", "rank", "columns", "suggestions", "pairs"}


def said(found):
    return answer(found), judged(found)


def text(found):
    return "\n".join(text_lines(found, judged(found), everything=True))


def test_the_answer_holds_what_the_contract_names_and_is_json():
    result, _ = said(judge(TOGETHER, seeds=(1, 2, 3)))

    assert result.keys() >= KEYS
    assert result["schema"] == "runaudit.study/1"
    assert result["runs"] == 6
    assert names(result["alias_sets"]) == [["act", "lr"]]
    assert (result["rank"], result["columns"]) == (2, 3)
    assert all({"factor", "levels", "estimable"} <= row.keys() for row in result["factors"])
    assert all({"a", "b", "verdict"} <= row.keys() for row in result["pairs"])
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_two_factors_that_change_together_are_confounded_and_one_new_cell_separates_them():
    found = judge(TOGETHER, seeds=(1, 2, 3))
    result, verdict = said(found)

    assert verdict.verdict == "confounded"
    assert "config.act and config.lr cannot be told apart: they change together in all 6 runs" in verdict.reason
    ((suggestion,), (cell,)) = result["suggestions"], result["suggestions"][0]["cells"]
    assert cell in ({"config.act": "relu", "config.lr": 0.2}, {"config.act": "gelu", "config.lr": 0.1})
    # 3 seeds of one cell at the recorded hour each.
    assert (suggestion["runs"], suggestion["hours"]) == (3, 3.0)


def test_of_an_alias_set_only_what_was_tested_is_said():
    """A factor that moves alone between two cells does not follow from the others, and must not be said to."""
    rows = [{"lr": 0.02}, {"lr": 0.3}, {"lr": 0.05, "mode": "ok", "steps": 100}]

    reason = judged(judge(rows, seeds=(1, 2, 3))).reason

    assert "follows from" not in reason
    assert "config.mode and config.steps change together" in reason
    assert "of config.lr only 0.02 against 0.3 is free of the others" in reason


def test_a_level_that_gave_nothing_is_named_and_where_one_alone_gave_something_nothing_is_estimable():
    """Sound inputs estimate nothing of a level of which every run crashed, or came to no number of what is judged."""
    good = [run({"mode": mode}, seed=seed, metrics={"acc": 0.5}) for mode in ("a", "b") for seed in (1, 2, 3)]
    nan = [run({"mode": "nan"}, seed=seed, metrics={"acc": float("nan"), "steps": 9.0}) for seed in (1, 2, 3)]
    lost = [run({"mode": "lost"}, seed=seed, status="crashed") for seed in (1, 2, 3)]

    whole = study(good, settings=Settings(), judge=None)
    crashed = study([*good, *lost], settings=Settings(), judge=None)
    judged_on = replace(study([*good, *nan], settings=Settings(), judge=None), metric="acc")

    bare = study([*good[:3], *nan, *lost], settings=Settings(), judge=None)

    assert judged(whole).verdict == judged(crashed).standing == judged(judged_on).standing == "estimable"
    assert judged(replace(bare, metric="acc")).verdict == "unmeasured_levels"
    assert "no run at config.mode = lost has a result" in judged(crashed).reason
    assert "no run at config.mode = 'nan' has a finite number of acc" in judged(judged_on).reason
    assert answer(crashed)["factors"][0]["unmeasured"] == ["lost"]
    assert "unmeasured" not in answer(whole)["factors"][0]
    assert "[estimable but for lost: no result]" in text(crashed)
    assert (verdict_words("study", "unmeasured_levels").tone, verdict_words("study", "unmeasured_levels").code) == (
        Tone.DOUBT, 3)  # fmt: skip


def test_a_factor_that_only_runs_without_a_result_had_is_none_that_was_measured():
    good = [run({"mode": "a", "lr": lr}, seed=seed) for lr in (1, 2) for seed in (1, 2, 3)]
    lost = [run({"mode": "lost", "lr": 1}, seed=seed, status="crashed") for seed in (1, 2, 3)]

    found = judged(study([*good, *lost], settings=Settings(), judge=None))

    assert found.verdict == "estimable"
    assert "config.lr is the only factor that varies among runs with a result" in found.reason
    assert "no run at config.mode = lost has a result" in found.reason


def test_of_a_sum_of_factors_no_difference_is_credited_to_one_alone():
    rows = [{"a": a, "b": b, "c": c} for a, b, c in ((0, 0, 0), (1, 0, 1), (0, 1, 1))]

    reason = judged(judge(rows, seeds=(1, 2))).reason

    assert "no difference between levels of config.a, config.b and config.c can be credited to one" in reason
    assert "change together" not in reason


@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 2), st.integers(0, 1)), min_size=2, max_size=6, unique=True)
)
@settings(max_examples=40, deadline=None)
def test_running_what_is_suggested_leaves_nothing_aliased(rows):
    configs = [dict(zip("abc", row, strict=True)) for row in rows]
    result = answer(judge(configs))
    new = [{k.removeprefix("config."): v for k, v in c.items()} for s in result["suggestions"] for c in s["cells"]]

    # What never varied is not in a suggested cell: it stays as it was.
    after = judge([*configs, *({**configs[0], **cell} for cell in new)])

    assert after.alias_sets == ()


def test_a_factor_in_no_alias_set_is_estimable_though_others_are_not():
    rows = [{**both, "width": width} for both in TOGETHER for width in (1, 2)]

    result, _ = said(judge(rows))

    assert {row["factor"]: row["estimable"] for row in result["factors"]} == {
        "config.act": False,
        "config.lr": False,
        "config.width": True,
    }


def test_what_is_estimable_is_said_under_no_interaction():
    _, verdict = said(judge([{"lr": 1, "act": "a"}, {"lr": 2, "act": "a"}, {"lr": 2, "act": "b"}]))

    assert verdict.verdict == "estimable"
    assert "under no interaction" in verdict.reason


def test_replicates_alone_leave_nothing_to_attribute():
    assert said(judge([{"lr": 1}], seeds=(1, 2, 3)))[1].verdict == "replicate"
    assert said(study([run({"lr": 1}, label=word) for word in "ab"], settings=Settings()))[1].verdict == "identical"


def test_a_seed_that_changes_with_the_factor_of_two_single_runs_is_aliased_with_it():
    """As in a comparison of the pair. One run with the same seed separates them."""
    found = study([run({"lr": lr}, seed=lr) for lr in (1, 2)], settings=Settings())
    result, verdict = said(found)

    assert verdict.verdict == "confounded"
    assert result["alias_sets"] == [["config.lr", "seed"]]
    ((suggestion,), (cell,)) = result["suggestions"], result["suggestions"][0]["cells"]
    assert cell in ({"config.lr": 1, "seed": 2}, {"config.lr": 2, "seed": 1})
    assert (suggestion["seeds"], suggestion["runs"], suggestion["hours"]) == (1, 1, 1.0)

    after = [*found.table.runs, run({"lr": cell["config.lr"]}, seed=cell["seed"])]
    assert judged(study(after, settings=Settings())).verdict == "estimable"


def test_runs_that_all_have_a_seed_of_their_own_are_estimable_and_unreplicated():
    """Seeds are noise: what they did is in every effect, which is told, and no factor is lost for it."""
    rows = [{"lr": 1, "act": "a"}, {"lr": 2, "act": "a"}, {"lr": 2, "act": "b"}]

    result, verdict = said(study([run(row, seed=seed) for seed, row in enumerate(rows)], settings=Settings()))

    assert (verdict.verdict, result["alias_sets"]) == ("estimable", [])
    assert any(note.startswith("unreplicated") for note in result["notes"])


@pytest.mark.parametrize(
    "design",
    [
        [(1, "a", 1)] * 2 + [(2, "a", 2)] * 2,
        [(1, "a", 1)] * 3 + [(2, "a", 2)] * 3 + [(3, "a", 3)] * 3,
        [(1, "a", 1), (1, "b", 1), (2, "a", 2), (2, "b", 2)],
    ],
    ids=["two arms", "three arms", "a factorial"],
)
def test_a_seed_that_is_fixed_in_every_arm_is_confounded_with_it(design):
    rows = [run({"lr": lr, "act": act}, seed=seed, label=str(k)) for k, (lr, act, seed) in enumerate(design)]

    found = study(rows, settings=Settings())

    assert judged(found).verdict == "confounded"
    assert found.alias_sets == (("config.lr", "seed"),)


def test_seeds_replicate_where_a_run_is_left_over_to_show_what_they_do():
    rows = [run({"lr": lr}, seed=seed) for lr, seed in ((1, 1), (1, 2), (2, 3))]

    assert judged(study(rows, settings=Settings())).verdict == "estimable"


def test_runs_measured_in_two_ways_are_not_studied_together():
    rows = [run({"lr": 1}, eval={**WHOLE["eval"], "crop_border": border}) for border in (0, 9)]

    verdict = judged(study(rows, settings=Settings()))

    assert verdict.verdict == "incomparable"
    assert "eval.crop_border" in verdict.reason


def test_a_gap_spoils_a_clean_verdict_and_excuses_no_bad_one():
    clean = [run({"lr": lr}, init={}) for lr in (1, 2)]
    bad = [run(row, init={}) for row in TOGETHER]

    verdicts = [judged(study(rows, settings=Settings())) for rows in (clean, bad)]

    assert [(v.verdict, v.conditional) for v in verdicts] == [
        ("provenance_incomplete", "estimable"),
        ("confounded", "confounded"),
    ]
    assert "init.kind" in verdicts[0].reason


def test_a_damaged_record_is_the_verdict():
    from dataclasses import replace

    first, second = runs(TOGETHER)
    found = study([first, replace(second, fault="its digest is another")], settings=Settings())

    assert judged(found).verdict == "integrity_failure"


@pytest.mark.parametrize("given_runs", [[], runs([{"lr": 1}]), runs([{"lr": 1}]) * 2])
def test_fewer_than_two_runs_cannot_be_judged(given_runs):
    with pytest.raises(NothingToJudgeError, match="at least 2 runs"):
        study(given_runs, settings=Settings())


def test_runs_without_a_result_are_counted_and_separate_nothing():
    """The crashed run alone had lr 2 with the old activation: it would have separated the two."""
    rows = [*runs(TOGETHER), run({"act": "relu", "lr": 0.2}, status="crashed")]
    found = study(rows, settings=Settings())
    result, verdict = said(found)

    assert verdict.verdict == "confounded"
    assert (result["runs"], result["results"]) == (3, 2)
    assert any("1 of 3 runs has no result (1 crashed)" in note for note in result["notes"])


def test_a_factor_that_only_a_crashed_run_varied_is_not_estimable():
    rows = [*runs([{"lr": 1, "w": 1}, {"lr": 2, "w": 1}]), run({"lr": 1, "w": 2}, status="diverged")]
    result, _ = said(study(rows, settings=Settings()))

    assert {row["factor"]: row["estimable"] for row in result["factors"]} == {"config.lr": True, "config.w": False}
    assert any("config.w varies only between runs without a result" in note for note in result["notes"])


def test_only_crashed_runs_cannot_be_judged():
    with pytest.raises(NothingToJudgeError, match="none of 2 runs gives a result"):
        study([run(row, status="crashed") for row in TOGETHER], settings=Settings())


def test_the_odd_run_of_a_cohort_is_named():
    rows = [
        *runs([{"lr": 1}], seeds=(1, 2, 3)),
        run({"lr": 1}, seed=4, label="odd", env={**WHOLE["env"], "torch": "2.5"}),
    ]

    assert "is the odd run: it alone has env.torch = '2.5'" in text(study(rows, settings=Settings()))


def test_a_machine_in_equal_shares_is_a_block_and_a_leaning_one_is_told():
    def on(gpus):
        return [
            run({"lr": lr}, seed=s, env={**WHOLE["env"], "gpu": g}) for lr in (1, 2) for s, g in enumerate(gpus[lr])
        ]

    even = study(on({1: ["A", "A", "B"], 2: ["A", "A", "B"]}), settings=Settings())
    leaning = study(on({1: ["A", "A", "B"], 2: ["A", "B", "B"]}), settings=Settings())

    assert "env.gpu is spread evenly over every other factor: a balanced block" in text(even)
    assert "env.gpu is not spread evenly over config.lr" in text(leaning)


def test_all_old_software_on_one_arm_is_an_alias():
    rows = [
        run({"lr": lr}, seed=s, env={**WHOLE["env"], "torch": torch})
        for lr, torch in ((1, "2.5"), (2, "2.6"))
        for s in (1, 2)
    ]

    assert names(study(rows, settings=Settings()).alias_sets) == [["lr", "env.torch"]]


def test_a_half_fraction_names_the_interaction_that_each_main_effect_stands_for():
    found = judge([{"A": a, "B": b, "C": a ^ b} for a in (0, 1) for b in (0, 1)])

    assert "config.C can only be estimated if config.A and config.B do not interact" in text(found)


def test_a_seed_run_twice_counts_once():
    rows = [run({"lr": lr}, seed=s, label=str(k)) for lr in (1, 2) for k, s in enumerate((1, 1, 2))]
    result, _ = said(study(rows, settings=Settings()))

    assert [cell["effective_n"] for cell in result["cells"]] == [2, 2]
    assert any("repeat one another and count once" in note for note in result["notes"])


def test_the_order_of_runs_changes_no_word():
    rows = runs([*TOGETHER, {"act": "gelu", "lr": 0.3}], seeds=(1, 2))
    shuffled = random.Random(3).sample(rows, len(rows))

    assert said(study(rows, settings=Settings())) == said(study(shuffled, settings=Settings()))


def test_one_more_replicate_changes_no_alias_set():
    rows = runs(TOGETHER)

    more = [*rows, run(TOGETHER[0], seed=9)]

    assert study(rows, settings=Settings()).alias_sets == study(more, settings=Settings()).alias_sets


def test_no_credit_is_split_between_aliased_factors():
    """Shares, weights and Shapley values of what cannot be separated would be invented."""
    assert not {"share", "importance", "shapley", "weight"} & set(
        json.dumps(answer(judge(TOGETHER))).lower().split('"')
    )


def test_control_characters_of_a_label_are_shown_and_not_obeyed():
    rows = [run({"lr": lr, "act": lr}, label=f"\x1b[31m{lr}|") for lr in (1, 2)]
    found = study(rows, settings=Settings())

    assert "\x1b" not in text(found)
    assert "\\x1b[31m" in text(found)
    assert "\\|" in "\n".join(markdown_lines(found, judged(found)))


def test_markdown_has_a_row_for_every_factor():
    found = judge(TOGETHER)

    lines = list(markdown_lines(found, judged(found)))

    assert lines[0].startswith("**confounded**: config.act and config.lr")
    assert "| config.lr | 0.1 (1), 0.2 (1) | aliased with config.act |" in lines


def test_a_terminal_gets_colour_only_where_asked():
    found = judge(TOGETHER)

    assert "\x1b[" in "\n".join(text_lines(found, judged(found), paint=Paint(True)))
    assert "\x1b[" not in "\n".join(text_lines(found, judged(found)))


def test_a_random_search_is_told_that_extending_it_would_not_help():
    rng = random.Random(0)
    rows = [{f"x{k}": rng.random() for k in range(4)} for _ in range(900)]

    result, verdict = said(judge(rows))

    assert verdict.verdict == "confounded"
    assert result["rank"] == 900
    assert result["suggestions"][0]["cells"] == []
    assert "repeat fewer levels" in result["suggestions"][0]["reason"]


# ── levels that nobody knows, or that are left out ───────────────────────────────────────────────────────────────


def test_a_run_whose_level_is_not_on_record_separates_nothing_and_no_run_is_proposed_at_it():
    placed = [run({"lr": lr, "act": act}, seed=seed, code={"commit": commit * 40, "dirty": False, "patch": None})
              for lr, act, commit in ((0.1, "relu", "a"), (0.2, "gelu", "a"), (0.1, "relu", "b"))
              for seed in (1, 2, 3)]  # fmt: skip
    lost = run({"lr": 0.1, "act": "gelu"}, code={"dirty": False, "patch": None})
    found = study([*placed, lost], settings=Settings())

    assert names(found.alias_sets) == [["act", "lr"]]
    assert "1 of 10 runs does not say its level of code.commit: counted, it separates nothing" in text(found)
    assert not any("unknown" in str(row["cells"]) for row in answer(found)["suggestions"])


def test_where_no_level_is_left_but_unknown_ones_none_of_them_is_proposed():
    known = [run({"lr": 0.1}, code={"commit": "a" * 40, "dirty": False, "patch": None}),
             run({"lr": 0.2}, code={"commit": "b" * 40, "dirty": False, "patch": None})]  # fmt: skip
    found = study([*known, run({"lr": 0.3}, code={"dirty": False, "patch": None})], settings=Settings())

    assert found.alias_sets
    assert not any("unknown" in str(row["cells"]) for row in answer(found)["suggestions"])
    assert "= unknown" not in text(found)


def test_what_a_run_has_not_is_left_out_and_is_no_value_to_type():
    found = study([*runs([{"amp": 5, "z": 1}], seeds=(1, 2, 3)), *runs([{"z": 2}])], settings=Settings())

    assert "without config.amp, which is 5 there, the rest as amp=5 z=1" in text(found)
    assert "absent instead" not in text(found) and "= absent" not in text(found)


def test_a_word_that_tracks_one_setting_through_all_runs_is_no_factor_beside_it():
    rows = [{"d": {"lr": lr}, "fold": fold, "args": {"dlr": lr}} for lr in (0.2, 0.4) for fold in (0, 1)]

    assert [column.factor for column in judge(rows, seeds=(1, 2)).model.columns] == ["config.d.lr", "config.fold"]
    loose = [{**row, "args": {"dlr": 2 * row["d"]["lr"]}} for row in rows]
    assert names(judge(loose, seeds=(1, 2)).alias_sets) == [["args.dlr", "d.lr"]]


def test_a_pair_of_factors_is_told_by_names_that_fit_no_other():
    cells = [({"lr": lr}, code) for lr in (0.1, 0.2) for code in ("x = 1\n", "x = 2\n")]
    crossed = [
        run(config, seed=seed, code={**WHOLE["code"], "files": {"wr.py": code}})
        for config, code in cells
        for seed in (1, 2)
    ]
    assert "estimable: code.wr.py × lr" in text(study(crossed, settings=Settings()))

    rows = [{"a": {"lr": x}, "b": {"lr": y}} for x in (0.1, 0.2) for y in (0.1, 0.2)]
    assert "estimable: config.a.lr × config.b.lr" in text(judge(rows, seeds=(1, 2)))
