"""The page tells what the curves show to be wrong: at its head, in a section, and in the figures at their steps."""

import math

import pytest

from runaudit.record.recorder import record
from runaudit.report.gather import Wanted, gather
from runaudit.report.html import render_page
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

    assert (found.title, found.who, found.tone) == ("divergence", "2 of 3 runs (seed 0 and 2)", "bad")
    assert "worse than where it began" in found.message


def test_it_stands_at_the_head_and_in_the_curve(page):
    assert [alert.items for alert in page.alerts if alert.title == "Trainings that went wrong"] == [
        ("A: divergence in 2 of 3 runs (seed 0 and 2)",)
    ]
    (series,) = page.curves.series
    marks = [mark for figure in series.figures for curve in figure.arms for mark in curve.marks]
    assert [mark.words for mark in marks] == ["divergence, 2 of 3 runs (seed 0 and 2)"]
    assert 110 <= marks[0].step <= 130


def test_the_section_is_in_the_contents_and_the_page(page):
    assert "health" in [section.id for section in page.sections]
    assert 'id="health"' in render_page(page)
