"""What the results of a study's runs say of its cells: the same words that a comparison of them has."""

from dataclasses import replace
from operator import attrgetter

import pytest

from runaudit.factors.cohort import cohort_of, cohorts
from runaudit.judge.many import compared_by
from runaudit.records.manifest import Manifest
from runaudit.settings import VOUCHABLE, ImportSettings, Settings
from runaudit.study.answer import answer, judged
from runaudit.study.study import study
from runaudit.study.text import text_lines
from tests.study.samples import run

PSNR = "full_frame/psnr"
effective = attrgetter("effective_n")


def made(lr, seed, value, label):
    return run({"lr": lr}, seed=seed, label=label, metrics={PSNR: value, "loss": value / 700 + 0.1234567890123})


def notes(runs):
    return answer(study(runs, settings=Settings(), judge=compared_by(Settings())))["notes"]


def test_runs_of_one_seed_that_came_out_differently_count_once_and_do_not_repeat_one_another():
    rows = [made(1, 3, 31.123456789, "a"), made(1, 3, 31.223456789, "b")]

    (said,) = (note for note in cohort_of(rows).notes if "count once" in note)

    assert "share the seed 3 and count once" in said and "repeat" not in said
    assert not cohort_of(rows).contradictions


def test_runs_of_one_seed_that_are_equal_to_the_last_bit_repeat_one_another():
    rows = [made(1, 3, 31.123456789, label) for label in "ab"]

    assert any("repeat one another and count once" in note for note in cohort_of(rows).notes)


def test_a_study_counts_a_seed_once_and_says_that_nothing_is_replicated():
    rows = [made(lr, 3, 31 + lr / 7 + k / 900, f"{lr} {k}") for lr in (1, 2) for k in (0, 1)]

    said = notes(rows)

    assert sum("share the seed 3 and count once" in note for note in said) == 2
    assert not any("repeat one another" in note for note in said)
    assert any(note.startswith("unreplicated") for note in said)


def test_a_study_of_two_seeds_a_cell_is_replicated():
    rows = [made(lr, seed, 31 + lr / 7 + seed / 900, f"{lr} {seed}") for lr in (1, 2) for seed in (0, 1)]

    assert not any("count once" in note or note.startswith("unreplicated") for note in notes(rows))


def test_a_study_says_that_a_factor_changed_no_number():
    rows = [made(lr, seed, 31 + seed / 7, f"{lr} {seed}") for lr in (1, 2) for seed in (1, 2)]

    said = [note for note in notes(rows) if "changed no number" in note]

    assert len(said) == 1 and "config.lr had no effect" in said[0]


def test_what_the_record_of_a_run_without_a_result_lacks_leaves_nothing_open():
    """Beside `diff`, which lets it lie: the end of a run that was lost was never sealed, and it separates nothing."""
    whole = [made(lr, seed, 31 + lr / 7 + seed / 900, f"{lr} {seed}") for lr in (1, 2) for seed in (0, 1)]
    for status, verdict in (("crashed", "estimable"), ("completed", "provenance_incomplete")):
        last = run({"lr": 2}, seed=2, status=status, label="2 2", init={}, metrics={PSNR: 31.5})
        found = study([*whole, last], settings=Settings(), judge=compared_by(Settings()))

        assert answer(found)["verdict"] == verdict
        assert bool(found.missing) == (status == "completed")


def test_a_run_without_any_number_has_no_result_beside_runs_that_have():
    rows = [made(lr, seed, 31 + lr / 7 + seed / 900, f"{lr} {seed}") for lr in (1, 2) for seed in (0, 1)]
    dead = run({"lr": 3}, seed=0, label="3 0")

    found = study([*rows, dead], settings=Settings())
    told = answer(found)

    assert found.results == 4 == sum(one.effective_n for one in cohorts([*rows, dead]) if one.runs[0].metrics)
    (row,) = told["factors"]
    assert row["unmeasured"] == [3] and "lr = 3" in told["reason"]


def test_an_aliased_level_of_which_no_run_has_a_number_is_told():
    rows = [made(lr, seed, 31 + lr / 7 + seed / 900, f"{lr} {seed}") for lr in (1, 2) for seed in (0, 1)]
    rows = [run({**dict(one.manifest.section("config")), "depth": one.manifest.section("config")["lr"]}, seed=n,
                label=one.label, metrics=dict(one.metrics)) for n, one in enumerate(rows)]  # fmt: skip
    found = study([*rows, run({"lr": 3, "depth": 3}, seed=9)], settings=Settings())

    lines = "\n".join(text_lines(found, judged(found)))

    assert "no result at 3" in lines and found.results == 4


def test_of_runs_none_of_which_has_a_number_it_is_still_told_what_varied():
    found = study([run({"lr": lr}, seed=lr) for lr in (1, 2)], settings=Settings())

    assert found.results == 2 and [found.name(place) for place in range(len(found.drawn))]


def test_of_foreign_runs_without_a_number_or_an_end_a_study_counts_no_result():
    rows = [run({"lr": lr}, seed=lr) for lr in (1, 2)]
    bare = [replace(one, manifest=Manifest.of({**one.manifest.to_json(), "origin": {"kind": "hydra"}}), outcome=None)
            for one in rows]  # fmt: skip

    assert answer(study(bare, settings=Settings()))["results"] == 0 == sum(map(effective, cohorts(bare)))
    assert answer(study(rows, settings=Settings()))["results"] == 2 == sum(map(effective, cohorts(rows)))


@pytest.mark.parametrize(("kind", "standing"), [("wandb", "provenance_incomplete"), ("record", "estimable")])
def test_of_runs_of_a_tracker_without_any_number_no_effect_can_be_told(kind, standing):
    """As `diff` has it: whoever vouches for all that is missing does not say what came of the inputs."""
    runs = [recorded_by(kind, run({"lr": lr}, label=str(lr), metrics={})) for lr in (1, 2)]
    settings = Settings(imports=ImportSettings(typed=VOUCHABLE))

    found = judged(study(runs, settings=settings, judge=compared_by(settings)))

    assert found.standing == standing and (found.conditional or found.verdict) == "estimable"


def recorded_by(kind, one):
    return replace(one, manifest=Manifest.of({**one.manifest.to_json(), "origin": {"kind": kind}}))
