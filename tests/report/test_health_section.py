"""The page tells what the curves show to be wrong: at its head, in a section, and in the figures at their steps."""

import math
from types import MappingProxyType

import pytest

from runaudit.record.recorder import record
from runaudit.records.trajectory import Trajectory
from runaudit.report import ArmInput
from runaudit.report.gather import Wanted, gather
from runaudit.report.html import render_page
from runaudit.report.views.blown import blown_up
from runaudit.verbs import open_store

TURNED = [(step, math.exp(-step / 40) if step < 120 else 2.0 + 0.001 * step) for step in range(200)]
FALLING = [(step, math.exp(-step / 40)) for step in range(200)]


@pytest.fixture
def page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RUNAUDIT_RUN", raising=False)
    for seed, points in enumerate([TURNED, FALLING, TURNED]):
        with record("an arm", seed=seed, config={"lr": 0.1}) as run:
            for step, value in points:
                run.log(step, {"train/loss": value})
            run.finish("completed", metrics={"val/error": 0.1})
    return gather(open_store(tmp_path / ".runaudit"), Wanted(runs=["an arm"])).view


def test_a_finding_is_one_line_with_its_seeds(page):
    (arm,) = page.health.arms
    (found,) = arm.findings

    assert (found.title, found.who, found.tone) == ("divergence", "2 of 3 runs (seeds 0 and 2)", "bad")
    assert "worse than where it began" in found.message


def test_it_stands_at_the_head_and_in_the_curve(page):
    assert [alert.items for alert in page.alerts if alert.title == "Trainings that went wrong"] == [
        ("A: divergence in 2 of 3 runs (seeds 0 and 2)",)
    ]
    (series,) = page.curves.series
    marks = [mark for figure in series.figures for curve in figure.arms for mark in curve.marks]
    assert [mark.words for mark in marks] == ["divergence, 2 of 3 runs (seeds 0 and 2)"]
    assert 110 <= marks[0].step <= 130


def test_the_section_is_in_the_contents_and_the_page(page):
    assert "health" in [section.id for section in page.sections]
    assert 'id="health"' in render_page(page)


def test_a_finding_of_a_curve_that_is_too_short_to_judge_stands_in_the_section_too(tmp_path, monkeypatch):
    """`health` warns of it, and the figure marks it: the page had no word that says what the mark means."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RUNAUDIT_RUN", raising=False)
    with record("an arm", seed=0, config={"lr": 0.1}) as run:
        for step, value in enumerate([1.0, math.nan, 0.9, math.nan, math.nan]):
            run.log(step, {"train/loss": value})
    view = gather(open_store(tmp_path / ".runaudit"), Wanted(runs=["an arm"])).view

    assert [row.code for arm in view.health.arms for row in arm.findings] == ["RA401"]


def test_a_calm_page_names_every_value_that_is_no_measurement(tmp_path, monkeypatch):
    """Rules are about losses and held-out curves: that they warn of nothing says nothing of any other series."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RUNAUDIT_RUN", raising=False)
    with record("an arm", seed=0, config={"lr": 0.1}) as run:
        for step, value in FALLING:
            odd = math.nan if step == 9 else 1e308 if step == 11 else 1.0
            run.log(step, {"train/loss": value, "odd": odd})
        run.finish("completed", metrics={"val/error": 0.1})
    view = gather(open_store(tmp_path / ".runaudit"), Wanted(runs=["an arm"])).view

    (arm,) = view.health.arms
    assert [row.code for row in arm.remarks if "odd" in row.message] == ["RA401"], "the NaN has a finding of its own"
    assert arm.beside == ("odd: 1 value, beyond 1e300, in seed 0, the first at step 11",)
    assert view.health.is_calm and "no measurements" in view.health.lead
    assert "train/loss" in [name.full for name in arm.judged]


def test_a_card_tells_of_a_broken_training_by_its_finding_alone(make_run):
    """One fact, one home: what a rule found is not said a second time as a last value that is no number."""
    series = MappingProxyType({"train/loss": ((0, 1.0), (1, math.nan)), "odd": ((0, math.nan),)})
    run = make_run(metrics={"train/loss": math.nan, "odd": math.nan}, trajectory=Trajectory(series=series))
    arm = ArmInput(name="an arm", runs=(run,))

    assert "train/loss is NaN" in next(blown_up(arm, 0))
    (told,) = blown_up(arm, 0, {(run.id, "train/loss")})
    assert "odd is NaN" in told and "train/loss" not in told


def test_the_numbers_of_a_finding_are_said_to_be_whose_they_are(tmp_path, monkeypatch):
    """`3 of 3 runs` stood before the range of seed 0 alone, and another seed's was worse."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RUNAUDIT_RUN", raising=False)
    for seed, up in ((0, 0.0), (1, 3.0)):
        with record("an arm", seed=seed, config={"lr": 0.1}) as run:
            for step, value in TURNED:
                run.log(step, {"train/loss": value + (up if step > 150 else 0.0)})
            run.finish("completed", metrics={"val/error": 0.1})

    (arm,) = gather(open_store(tmp_path / ".runaudit"), Wanted(runs=["an arm"])).view.health.arms

    (found,) = [row for row in arm.findings if row.title == "divergence"]
    assert found.who == "2 of 2 runs (seeds 0 and 1)"
    assert found.message.endswith(" These are the numbers of seed 0")
