"""Scores, curves, loss scales, differences and manifests, in words and numbers."""

import math

import pytest

from runaudit.diff.result import Intent, Missing
from runaudit.factors.factor import ABSENT, Change
from runaudit.records.digest import digest_bytes
from runaudit.report import ArmInput, ComparisonInput, page_view, render_page
from runaudit.report.views.arm import letter
from runaudit.report.views.diff import code_diff
from runaudit.report.views.recorded import IF_SHOWN
from runaudit.report.views.scaler import skipped_steps
from runaudit.report.views.study import study_view
from runaudit.study.text import StudyAnswer
from tests.report.conftest import factor
from tests.study.samples import judge


def test_letters_go_on_after_z():
    assert [letter(n) for n in (0, 25, 26, 27, 52)] == ["A", "Z", "AA", "AB", "BA"]


# ── scores ───────────────────────────────────────────────────────────────────────────────────────────────────────


def arm_of(make_run, values):
    """PSNR on one sequence with bicubic at 20 dB."""
    runs = tuple(
        make_run(
            seed=seed,
            status="completed" if value is not None else "crashed",
            metrics={"full_frame/psnr/x": value, "full_frame/psnr_bicubic/x": 20.0} if value is not None else {},
        )
        for seed, value in enumerate(values)
    )
    return ArmInput(name="x", runs=runs)


def test_mean_and_sample_deviation_of_the_gain_are_shown(make_run):
    """21, 22, 23 over 20: mean gain 2, sample standard deviation sqrt((1 + 0 + 1) / 2) = 1."""
    rows = page_view([arm_of(make_run, (21.0, 22.0, 23.0))]).scores.rows

    assert [cell.gain for row in rows for cell in row.cells] == ["+1.00", "+2.00", "+3.00", "+2.00 ± 1.00"]


def test_an_arm_with_a_crashed_run_has_no_mean_of_the_survivors(make_run):
    view = page_view([arm_of(make_run, (21.0, None, 23.0))]).scores

    assert [row.cells[0].value for row in view.rows] == ["21.00", "no number", "23.00", "2 of 3 gave a result"]
    assert view.figures[0].ticks == ("A",)


def test_a_baseline_of_another_name_is_shown_under_its_own(make_run, make_metrics):
    metrics = make_metrics() | {"full_frame/psnr_shift_and_add/camera": 28.0}
    view = page_view([ArmInput(name="x", runs=(make_run(metrics=metrics),))])

    assert [row.words for row in view.scores.references][-1] == "shift and add"


def test_the_networks_own_tiled_result_is_no_baseline(make_run, make_metrics):
    metrics = make_metrics() | {"full_frame/psnr_tiled/camera": 29.7}
    scores = page_view([ArmInput(name="x", runs=(make_run(metrics=metrics),))]).scores

    assert "tiled" not in [row.words for row in scores.references]
    assert "PSNR of the same network run tile by tile (dB)" in [table.words for table in scores.others]


def test_what_a_network_gives_when_fed_one_frame_belongs_to_its_own_arm(make_run, make_metrics):
    """Two arms have two networks: a mean over both would be nobody's. 27 and 28 are kept apart."""
    arms = []
    for seed, value in enumerate((27.0, 28.0)):
        metrics = make_metrics(seed) | {"full_frame/psnr_single_frame/astronaut": value}
        arms.append(ArmInput(name="x", runs=(make_run(seed=seed, metrics=metrics),)))

    scores = page_view(arms).scores

    assert scores.figures[0].one_frame == (27.0, 28.0)
    assert [row.words for row in scores.references] == ["bicubic of the reference frame", "IBP with estimated motion"]


# ── curves and loss scale ────────────────────────────────────────────────────────────────────────────────────────


def test_final_results_and_counters_are_no_curves(make_run, make_trajectory):
    run = make_run(trajectory=make_trajectory(0, 120, **{"val/once": ((59, 3.0),), "epoch": ((0, 1.0), (1, 2.0))}))

    curves = page_view([ArmInput(name="x", runs=(run,))]).curves

    assert [one.name.full for one in (*curves.series, *curves.training)] == ["train/loss", "val/psnr", "train/lr"]


def test_skipped_steps_are_where_the_count_rises(make_run, make_trajectory):
    """Counts 0 0 1 1 3: steps 2 and 4. A resumed run that counts from 0 again is no skip."""
    points = tuple(enumerate((0.0, 0.0, 1.0, 1.0, 3.0, 0.0, 0.0, 1.0, math.nan)))
    run = make_run(trajectory=make_trajectory(0, 10, **{"amp/skipped": points}))

    assert skipped_steps(run) == (2, 4, 7)


def test_the_scale_is_told_in_numbers_with_the_first_step_below_each_line(make_run, make_trajectory):
    """65536 halved at steps 1 to 8: below 16384 first at 8192 (third halving), below 1024 at 512 (seventh)."""
    scale = tuple((step, 65536 / 2**step) for step in range(9))
    run = make_run(trajectory=make_trajectory(0, 10, **{"amp/scale": scale}))

    (row,) = page_view([ArmInput(name="x", runs=(run,))]).scaler.rows

    assert row.below == ("step 3", "step 7")
    assert (row.lowest, row.end, row.skipped) == ("256 at step 8", "256", "not logged")


AMP_CONFIGS = [
    ({"dtype": "off"}, {}, None),
    (None, {}, None),
    ({"dtype": "bf16"}, {}, "trained in bfloat16, which needs no loss scale"),
    ({"dtype": "fp16"}, {}, "logged no loss scale although its config says amp is fp16"),
    ({"dtype": "fp16"}, {"amp/scale": ((0, 1.0), (1, 1.0))}, "the scaler was switched off"),
]


@pytest.mark.parametrize(("amp", "series", "said"), AMP_CONFIGS)
def test_a_run_of_mixed_precision_without_a_loss_scale_says_why(make_run, make_trajectory, amp, series, said):
    """A program whose config does not speak of AMP has no section that does."""
    run = make_run(config={"amp": amp} if amp else {}, trajectory=make_trajectory(0, 10, **series))

    view = page_view([ArmInput(name="x", runs=(run,))])

    assert [said in words for words in view.scaler.without] == ([] if said is None else [True])
    assert ('id="scaler"' in render_page(view)) is (said is not None)


def test_beside_an_arm_with_a_loss_scale_the_others_say_why_they_have_none(make_run, make_trajectory):
    plain = make_run(config={"amp": {"dtype": "off"}}, trajectory=make_trajectory(0, 10))
    scaled = make_run(trajectory=make_trajectory(0, 10, amp=True))

    view = page_view([ArmInput(name="x", runs=(plain,)), ArmInput(name="y", runs=(scaled,))]).scaler

    assert view.without == ("A: trained without AMP",)


# ── differences ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_that_changed_is_dropped(study, diff):
    arms, _ = study
    told = diff(
        cosmetic=(Change(path="code.a.py", before="a", after="b"),),
        missing=(
            Missing(factor="env.gpu", side="both", reason="not recorded"),
            Missing(factor="env.driver", side="b", reason=""),
        ),
    )

    (view,) = page_view(arms, [ComparisonInput(baseline=0, arm=1, diff=told)]).diffs

    leaves = [c.name.full for c in (*view.factors, *view.derived, *(c for g in view.groups for c in g.changes))]
    assert leaves == ["config.schedule", "config.steps", "launch.pid", "code.a.py", "env.gpu", "env.driver"]
    assert view.derived[0].words == "follows config.schedule"
    assert "missing on both sides" in view.groups[2].changes[0].words
    assert view.intent == "Declared before launch to differ: config.schedule, and that is what changed."


def test_what_was_declared_and_changed_with_more_is_not_said_to_have_stood_still(study, diff):
    """The page denied it: `data.train` stood in the table of what changed, right below."""
    arms, _ = study
    intent = Intent(declared=("config.schedule",), met=False, reason="config.lr changed without being meant to")

    (view,) = page_view(arms, [ComparisonInput(baseline=0, arm=1, diff=diff(intent=intent))]).diffs

    assert view.intent == (
        "Declared before launch to differ: config.schedule; config.lr changed without being meant to."
    )


def test_what_the_columns_say_is_no_reason(study, diff):
    """`none`, `200` and, as the reason, `null → '200'`."""
    arms, _ = study
    told = factor("env.variables.CRASH", None, "200", summary="env.variables.CRASH null → '200'")
    more = factor("code.a.py", "sha256:1", "sha256:2", summary="code.a.py (+1 −0 lines)")
    (view,) = page_view(arms, [ComparisonInput(baseline=0, arm=1, diff=diff(factors=(told, more)))]).diffs

    assert [row.words for row in view.factors] == ["", "+1 −0 lines"]


def test_a_level_that_one_record_lacks_is_absent_and_not_known_to_be_none(study, diff):
    arms, _ = study
    told = diff(nuisance=(Change(path="origin.tool", before=None, after=ABSENT),))

    (view,) = page_view(arms, [ComparisonInput(baseline=0, arm=1, diff=told)]).diffs

    (row,) = view.groups[0].changes
    assert (row.before.short, row.after.short) == ("none", "absent")


@pytest.fixture
def coded(store, make_run, seal_run):
    """Two sealed runs whose `loss.py` differs in one line; the second has a file whose content was not stored."""

    def run(source: bytes, seed: int, **files):
        entry = {"digest": str(digest_bytes(source)), "size": len(source)}
        code = {"commit": "4f" * 20, "dirty": True, "patch": None, "files": {"loss.py": entry, **files}}
        return seal_run(store, make_run(code=code, seed=seed), sources=(source,))

    gone = {"digest": f"sha256:{'9' * 64}", "size": 3, "stored": False}
    a = run(b"def loss(x):\n    return x.abs().mean()\n", 0)
    b = run(b"def loss(x):\n    return x.abs().sum()\n\x1b[2J\t# \xe2\x80\xae\n", 1, **{"gone.py": gone})
    return a, b


def test_changed_code_is_shown_line_by_line_with_nothing_invisible(coded):
    found = code_diff("loss.py", *coded)

    assert ("del", "-    return x.abs().mean()") in found.lines
    assert ("add", "+    return x.abs().sum()") in found.lines
    assert ("add", "+\\x1b[2J    # \\u202e") in found.lines


def test_code_that_cannot_be_shown_says_why(coded):
    assert code_diff("gone.py", *coded).missing == "its content is not in the store"


def test_a_changed_source_file_of_the_comparison_is_on_the_page(coded, diff):
    a, b = coded
    told = diff(factors=(factor("code.loss.py", "sha256:1", "sha256:2"),))
    arms = [ArmInput(name="a", runs=(a,)), ArmInput(name="b", runs=(b,))]

    view = page_view(arms, [ComparisonInput(baseline=0, arm=1, diff=told)])

    assert [file.path.full for file in view.diffs[0].code] == ["loss.py"]
    assert view.verdicts[0].change == "code.loss.py changed"


# ── manifests ────────────────────────────────────────────────────────────────────────────────────────────────────


def rows_of(view):
    return {name.full: value.full for section in view.manifests[0].sections for name, value in section.rows}


def test_the_manifest_is_shown_whole(make_run):
    run = make_run(seed=7, waivers=[{"rule": "RA104", "reason": "hot fix"}], intent=["config.lr"])

    rows = rows_of(page_view([ArmInput(name="x", runs=(run,))]))

    assert rows["manifest digest"] == str(run.manifest.digest)
    assert rows["seed"] == "7"
    assert rows["optimizer.lr"] == "0.002"
    assert rows["train.digest"] == f"sha256:{'a1' * 32}"
    assert rows["commit"] == "4f" * 20
    assert rows["waived: RA104"] == "hot fix"
    assert rows["last.safetensors at step 900"] == str(digest_bytes(b"weights 7"))
    assert rows["seed proof: init"] == str(digest_bytes(b"init 7"))


def test_a_section_that_is_not_in_the_record_says_so(make_run):
    run = make_run(config=..., seed=..., unknown={"config": "the export holds none"}, seed_proof={})

    view = page_view([ArmInput(name="x", runs=(run,))])

    missing = {section.title: section.missing for section in view.manifests[0].sections}
    assert missing["Configuration"] == "the export holds none"
    assert rows_of(view)["seed"] == "unknown: not in the record"
    assert rows_of(view)["seed proof"].startswith("none")


@pytest.mark.parametrize(
    ("integrity", "tone"), [(None, "doubt"), ({}, "doubt"), ({"*": ()}, "good"), ({"*": ("changed",)}, "bad")]
)
def test_integrity_is_claimed_only_where_it_was_checked(make_run, integrity, tone):
    run = make_run()
    told = None if integrity is None else {key.replace("*", run.id): problems for key, problems in integrity.items()}

    (view,) = page_view([ArmInput(name="x", runs=(run,))], integrity=told).manifests

    assert view.integrity_tone == tone


def test_a_run_that_is_damaged_is_called_damaged_whatever_else_was_checked(make_run):
    import dataclasses

    run = dataclasses.replace(make_run(), fault="outcome does not match its digest")

    (view,) = page_view([ArmInput(name="x", runs=(run,))], integrity={run.id: ()}).manifests

    assert view.integrity_tone == "bad"


def test_named_tables_are_shown_by_name(make_run):
    run = make_run(config={"stages": [{"name": "alignment", "lr": 0.1}, {"lr": 0.2}]})

    rows = rows_of(page_view([ArmInput(name="x", runs=(run,))]))

    assert (rows["stages[alignment].lr"], rows["stages[1].lr"]) == ("0.1", "0.2")


def test_a_long_name_in_a_study_pushes_nothing_off_the_page():
    name = "deep." + "x" * 300
    view = study_view(StudyAnswer(study=judge([{name: 1, "lr": 1}, {name: 2, "lr": 2}, {name: 2, "lr": 2}])))

    texts = [levels + standing for _, levels, standing in view.factors]
    texts += [line for _, lines in (*view.told, *view.folded) for line in lines]
    assert max(len(factor.short) for factor, _, _ in view.factors) <= 56
    assert max(len(word) for text in texts for word in text.split()) <= 65
    assert any("x" * 300 in factor.full for factor, _, _ in view.factors)


def test_settings_that_came_on_the_command_line_are_shown_as_the_configuration(make_run):
    """`diff` names them `config.args.lr`: that no configuration is in the record would contradict it."""
    launch = {"argv": ["python", "train.py", "--lr", "0.9"]}
    run = make_run(config=..., launch=launch, origin={"kind": "captured"})

    view = page_view([ArmInput(name="x", runs=(run,))])

    (section,) = (one for one in view.manifests[0].sections if one.title == "Configuration")
    assert ("args.lr", "0.9") in [(name.full, value.full) for name, value in section.rows] and section.missing == ""


def test_a_sound_design_is_no_green_word_beside_numbers_that_carry_no_claim(study):
    arms, (comparison,) = study
    bare = ComparisonInput(baseline=comparison.baseline, arm=comparison.arm, diff=comparison.diff)

    (card,) = page_view(arms, [comparison]).verdicts
    assert (card.design_tone, card.meaning == IF_SHOWN) == ("good", False)
    (card,) = page_view(arms, [bare]).verdicts
    assert (card.design_tone, card.meaning) == ("plain", IF_SHOWN)
