"""Laws of the page for any program's runs: whatever was logged, and however the run ended, there is a page."""

import math
import re
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType

import pytest

from runaudit.records.outcome import Outcome
from runaudit.records.run import Run
from runaudit.records.segments import bands
from runaudit.records.trajectory import Event, Trajectory
from runaudit.report import ArmInput, page_view, render_page
from runaudit.report.inputs import Part
from runaudit.stats.judge import summarise
from runaudit.stats.values import ArmValues
from tests.report.test_html import Page

NAN, INF = math.nan, math.inf
SERIES = {
    "a curve": {"train/loss": [(step, 1 / (1 + step)) for step in range(5)]},
    "nothing": {},
    "one point": {"train/loss": [(0, 0.5)]},
    "one point far out": {"train/loss": [(10**9, 0.5)]},
    "nan only": {"train/loss": [(step, NAN) for step in range(5)]},
    "one nan": {"train/loss": [(0, NAN)]},
    "infinite": {"train/loss": [(0, INF), (1, -INF), (2, NAN)]},
    "a constant": {"train/loss": [(step, 0.25) for step in range(9)]},
    "zeros": {"train/loss": [(step, 0.0) for step in range(9)]},
    "negative": {"train/loss": [(step, -1.0 - step) for step in range(9)]},
    "the largest doubles": {"train/loss": [(0, 1.7e308), (1, -1.7e308), (2, 1.0)]},
    "large and positive": {"train/loss": [(0, 1.7e308), (1, 1e300)]},
    "a large constant": {"train/loss": [(0, 1.7e308), (1, 1.7e308)]},
    "the smallest doubles": {"train/loss": [(0, 5e-324), (1, 1e-323), (2, 2e-323)]},
    "all decades": {"train/loss": [(0, 5e-324), (1, 1e308)]},
    "steps below zero": {"train/loss": [(-3, 1.0), (-2, 0.5), (-1, 0.2)]},
    "steps twice and back": {"train/loss": [(5, 1.0), (5, 0.5), (2, 0.2), (5, 0.1)]},
    "huge steps": {"train/loss": [(10**30, 1.0), (10**30 + 1, 0.5)]},
    "names of its own": {"loss": [(0, 1.0), (1, 0.5)], "Val Acc %": [(0, 0.1), (1, 0.9)], "": [(0, 1.0), (1, 2.0)]},
    "many series": {f"layer_{n}/norm": [(0, 1.0), (1, 0.5)] for n in range(60)},
    "a scaler that never moved": {"amp/scale": [(0, 65536.0), (1, 65536.0)]},
    "a scaler at its end": {"amp/scale": [(0, 0.0), (1, NAN), (2, 1e-300), (3, 1e300)], "amp/skipped": [(0, NAN)]},
    "final values only": {"val/psnr": [(7, 30.0)]},
}
METRICS = {
    "none": {},
    "strange": {"accuracy": 0.9, "": 1.0, "x" * 300: NAN, "n": 1e308},
    "full frame": {
        "full_frame/psnr/camera": 30.0,
        "full_frame/psnr/": NAN,
        "full_frame/psnr/x": 1.7e308,
        "full_frame/psnr/y": -INF,
        "full_frame/psnr_bicubic/camera": INF,
    },
}


def page_of(*arms: ArmInput) -> Page:
    return Page(render_page(page_view(arms)))


def trajectory(points: dict[str, list[tuple[int, float]]], *events: Event) -> Trajectory:
    return Trajectory(series=MappingProxyType({n: tuple(rows) for n, rows in points.items()}), events=events)


@pytest.mark.parametrize("kind", SERIES)
@pytest.mark.parametrize("status", ["completed", "crashed"])
def test_whatever_was_logged_there_is_a_page(make_run, kind, status):
    run = make_run(trajectory=trajectory(SERIES[kind]), status=status, metrics={})

    page = page_of(ArmInput(name="a", runs=(run,)))

    assert not page.faults
    assert run.short in page.text
    assert ("Runs without a result" in page.text) is (status == "crashed")


@pytest.mark.parametrize("kind", METRICS)
def test_whatever_was_measured_there_is_a_page(make_run, kind):
    arms = [ArmInput(name=n, runs=(make_run(metrics=METRICS[kind], trajectory=Trajectory(), seed=n),)) for n in "ab"]

    assert not page_of(*arms).faults


def test_a_column_is_headed_by_a_name_that_parts_at_its_dot_over_numbers_that_are_told_apart(make_run):
    def one(seed, value):
        metrics = {"launch.started": value, "accuracy": 0.5}
        return make_run(metrics=metrics, trajectory=Trajectory(), seed=seed, label=f"a seed {seed}")

    arm = ArmInput(name="a", runs=(one(0, 1e9 + 1.5), one(1, 1e9 + 2.25)))
    markup = render_page(page_view((arm,)))
    assert not Page(markup).faults
    assert "launch.<wbr>started" in markup and "1000000001.5" in markup and "1000000002.25" in markup


def test_a_run_of_another_tracker_that_says_almost_nothing_has_a_page(make_run):
    whole = make_run()
    body = {"origin": {"kind": "imported", "source": "wandb"}, "label": None}
    for outcome in (None, Outcome.of({"manifest": str(whole.manifest.digest), "status": "killed"})):
        bare = Run(manifest=type(whole.manifest).of(body), outcome=outcome)
        assert not page_of(ArmInput(name="", runs=(bare,)), ArmInput(name="b", runs=(whole,))).faults


def test_an_arm_may_hold_runs_of_every_kind_at_once(make_run):
    runs = tuple(make_run(trajectory=trajectory(points), seed=n) for n, points in enumerate(SERIES.values()))

    assert not page_of(ArmInput(name="all", runs=runs), ArmInput(name="none", runs=())).faults


@pytest.mark.parametrize("kinds", [(), ("stage",), ("resume",), ("stage", "stage"), ("other",), ("resume", "stage")])
@pytest.mark.parametrize("last", [None, 0, 5, 100])
def test_bands_are_as_many_as_stages_and_leave_no_step_between_them(kinds, last):
    events = [Event(step=10 * n, kind=kind) for n, kind in enumerate(kinds)]

    found = bands(events, last)

    assert len(found) == kinds.count("stage")
    assert all(left.end == right.start for left, right in pairwise(found))
    assert all(band.start <= band.end for band in found)


def test_what_a_stranger_logged_under_names_of_his_own_is_drawn_and_tabled(make_run):
    points = {"loss": [(0, 1.0), (1, 0.5)], "acc": [(0, 0.1), (1, 0.9)], "train/lr": [(0, 0.1), (1, 0.1)]}
    run = make_run(trajectory=trajectory(points), metrics={"acc": 0.9125, "loss": 0.5})

    page = page_of(ArmInput(name="a", runs=(run,)))

    drawn = [attributes.get("aria-label") or "" for tag, attributes in page.tags if tag == "svg"]
    assert any(label.startswith("loss, steps") for label in drawn)
    assert any(label.startswith("acc, steps") for label in drawn)
    assert "train/lr 0.1" in page.text.split("The same number at every step of every run")[1]
    assert "No run logged a loss" not in page.text
    assert "0.9125" in page.text.split("Results")[-1].split("Curves")[0]
    assert "bicubic" not in page.text


@pytest.mark.parametrize("name", ["train/mse", "fid", "mae"])
def test_what_is_made_small_on_the_way_is_a_loss_whatever_it_is_called(make_run, name):
    run = make_run(trajectory=trajectory({name: [(0, 1.0), (1, 0.5)]}), metrics={"acc": 0.9})

    assert "No run logged a loss" not in page_of(ArmInput(name="a", runs=(run,))).text


def test_a_section_that_cannot_be_made_is_left_out_with_its_reason_and_takes_no_other_with_it(make_run, monkeypatch):
    def broken(*_: object) -> None:
        raise ZeroDivisionError("no width")

    monkeypatch.setattr("runaudit.report.views.page.curves_view", broken)

    view = page_view([ArmInput(name="a", runs=(make_run(metrics={"acc": 0.5}),))], metric="acc")

    assert [one.title for one in view.left_out if "ZeroDivisionError: no width" in one.reason] == ["Curves"]
    assert "curves" not in {section.id for section in view.sections}
    assert (
        "Not on this page: curves (it could not be drawn: ZeroDivisionError: no width" in Page(render_page(view)).text
    )


def test_the_table_of_arms_shows_the_metric_with_its_spread_and_who_gave_none(make_run):
    """Three values 1, 2, 3 have mean 2 and standard deviation 1."""

    def arm(name: str, *values: float | None) -> ArmInput:
        runs = tuple(make_run(seed=seed, metrics={} if v is None else {"acc": v}) for seed, v in enumerate(values))
        found = summarise(ArmValues(label=name, seeds=tuple(range(len(values))), values=values))
        return ArmInput(name=name, runs=runs, effective_n=len(runs), summary=found)

    whole, lost, few = page_view([arm("a", 1.0, 2.0, 3.0), arm("b", 1.0, None, 3.0), arm("c", 0.25, 0.5)],
                                 metric="acc").result.tables[0].rows  # fmt: skip

    assert (whole.value, whole.n, whole.failed) == ("2.00 ± 1.00", "3", "")
    assert (lost.n, lost.failed) == ("2 of 3", "seed 1 no value")
    assert lost.value == "no mean; the 2 with a number: 1.00, 3.00"
    assert few.value == "0.25, 0.50"


def test_the_metric_that_the_page_is_about_stands_first_in_its_tables(make_run):
    run = make_run(metrics={"aaa": 1.0, "test/accuracy": 0.5, "zzz": 2.0})

    view = page_view([ArmInput(name="a", runs=(run,))], metric="zzz")

    assert view.scores.plain[0].names[0].full == "zzz"


def logged(make_run, value: float, *points: tuple[int, float], name: str = "val/acc"):
    return make_run(
        metrics={name: value}, trajectory=Trajectory(series=MappingProxyType({name: points} if points else {}))
    )


@pytest.mark.parametrize(
    ("value", "points", "said"),
    [
        (0.5, ((0, 0.1), (10, 0.9), (20, 0.5)), "the last that was logged, at step 20."),
        (0.9, ((0, 0.1), (10, 0.9), (20, 0.5)), "the highest that was logged, at step 10."),
        (0.1, ((0, 0.1), (10, 0.9), (20, 0.5)), "the lowest that was logged, at step 0."),
        (0.7, ((0, 0.1), (20, 0.5)), "neither the last nor the best of its curve."),
        (0.7, ((30, 0.7),), "the one that was logged, at step 30."),
        (0.7, (), "what the program or its tracker reported."),
        (float("nan"), ((0, 0.1), (12_000, float("nan"))), "the last that was logged, at step 12\u202f000."),
    ],
)
def test_it_is_said_which_value_of_a_run_is_judged(make_run, value, points, said):
    view = page_view([ArmInput(name="a", runs=(logged(make_run, value, *points),))], metric="val/acc")

    assert view.result.tables[0].origin.startswith("The number of a run is ")
    assert view.result.tables[0].origin.endswith(said)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"eval": {"checkpoint": "best"}}, "config.eval.checkpoint = best."),
        ({"test_ckpt": "last", "load_best_model_at_end": True},
         "config.load_best_model_at_end = true, config.test_ckpt = last."),
        ({"args": {"eval-checkpoint": "last"}}, "config.args.eval-checkpoint = last."),
        ({"model": "best", "eval": {"checkpoint": "/runs/best.pt", "best": 3}}, ""),
    ],
)  # fmt: skip
def test_which_weights_were_judged_is_said_where_a_setting_says_it(make_run, config, said):
    runs = [make_run(metrics={"val/acc": 0.5}, config=config, seed=seed) for seed in (0, 1)]
    unsaid = make_run(metrics={"val/acc": 0.5}, seed=2)

    def origin(*shown):
        return page_view([ArmInput(name="a", runs=shown)], metric="val/acc").result.tables[0].origin

    assert origin(*runs).partition("the settings say: ")[2] == said
    mixed = f"{said[:-1]} (2 runs); 1 run without such a setting." if said else ""
    assert origin(*runs, unsaid).partition("the settings say: ")[2] == mixed


def test_runs_that_came_by_their_number_otherwise_are_told_apart(make_run):
    runs = (logged(make_run, 0.5, (0, 0.9), (5, 0.5)), logged(make_run, 0.9, (0, 0.9), (5, 0.5)), logged(make_run, 0.9))

    origin = page_view([ArmInput(name="a", runs=runs)], metric="val/acc").result.tables[0].origin

    assert "the last that was logged, at step 5 (1 run); " in origin and "reported (1 run)" in origin


def test_a_training_loss_is_said_to_be_one_logged_value(make_run):
    points = ((0, 2.0), (1, 1.0))
    for name, is_one in (("train/loss", True), ("val/loss", False)):
        runs = (logged(make_run, 1.0, *points, name=name),)
        origin = page_view([ArmInput(name="a", runs=runs)], metric=name).result.tables[0].origin
        assert ("A training loss ends on one logged value" in origin) is is_one


def test_arms_that_share_no_metric_stand_in_tables_of_their_own_and_those_without_a_number_in_a_line(make_run):
    made = [{"acc": 0.5}, {"val/loss": 1.0}, {}, {"acc": 0.6}]
    arms = [
        ArmInput(
            name=f"arm {n}",
            runs=(make_run(seed=n, metrics=metrics),),
            summary=summarise(ArmValues(label="x", seeds=(n,), values=tuple(metrics.values()))) if metrics else None,
        )
        for n, metrics in enumerate(made)
    ]
    parts = (Part(metric="acc", arms=(0, 3), name="one"), Part(metric="val/loss", arms=(1,), name="other"))

    result = page_view(arms, parts=parts).result

    assert [(one.title, one.name, [row.arm for row in one.rows]) for one in result.tables] == [
        ("one", "acc", [0, 3]), ("other", "val/loss", [1]),
    ]  # fmt: skip
    assert result.bare == "No number at all from 1 arm (1 run): C arm 2."
    tables = page_view(arms, parts=parts).scores.plain
    assert [(one.title, [name.full for name in one.names], [row.letter for row in one.rows]) for one in tables] == [
        ("one", ["acc"], ["A", "D"]), ("other", ["val/loss"], ["B"]),
    ]  # fmt: skip
    page = render_page(page_view(arms, parts=parts))
    assert "C arm 2" in page and "no number" not in page


def test_the_numbers_of_a_column_have_one_number_of_decimals(make_run):
    def arm(name: str, *values: float) -> ArmInput:
        found = summarise(ArmValues(label=name, seeds=tuple(range(len(values))), values=values))
        runs = tuple(make_run(seed=seed, metrics={"ppl": v}) for seed, v in enumerate(values))
        return ArmInput(name=name, runs=runs, summary=found)

    arms = [arm("a", 10.12, 9.93, 10.05), arm("b", 12.87, 12.801, 12.94), arm("c", 7.1, 7.1004, 7.1)]
    rows = page_view(arms, metric="ppl").result.tables[0].rows

    numbers = [re.findall(r"\d+\.(\d+)", row.value + row.interval) for row in rows]
    assert {len(digits) for row in numbers for digits in row} == {4}


def test_what_a_crashed_run_logged_last_is_no_result_and_is_said_to_be_none(make_run):
    points = ((0, 9.0), (7, 5.0))
    series = Trajectory(series=MappingProxyType({"val/loss": points}))
    run = make_run(status="crashed", outcome={"metrics": {"val/loss": 5.0}}, trajectory=series)
    values = ArmValues(label="a", seeds=(0,), values=(5.0,), statuses=("crashed",))

    view = page_view([ArmInput(name="a", runs=(run,), summary=summarise(values))], metric="val/loss")

    (table,) = view.result.tables
    assert (table.origin, table.rows[0].value, table.rows[0].n) == ("", "no number", "0 of 1")
    assert (
        "1 run did not finish: what stands there (in figures: hollow) is logged last, and counts as no result."
        in view.scores.notes
    )


@pytest.mark.parametrize("status", ["running", "lost"])
def test_a_run_without_an_end_stands_in_the_results_with_what_its_curve_shows_last(make_run, status):
    """Its curve is drawn, and its row said `none`."""
    series = Trajectory(series=MappingProxyType({"val/loss": ((0, 9.0), (7, 5.25))}))
    run = replace(make_run(trajectory=series, status=None), liveness=status)

    view = page_view([ArmInput(name="a", runs=(make_run(seed=2, outcome={"metrics": {"val/loss": 4.5}}), run))])

    (table,) = view.scores.plain
    assert [cell.value for row in table.rows for cell in row.cells] == ["4.5", "5.25"]
    assert "1 run did not finish: what stands there is logged last, and counts as no result." in view.scores.notes
    assert run.metrics == {}


def test_of_a_run_without_an_end_on_record_nobody_says_that_it_finished(make_run):
    """A tracker that keeps no status: the page said `2 runs, 1 finished` beside `how runs ended is not on record`."""
    told = {"kind": "wandb", "metrics": {"val/loss": 4.5}}
    unknown = make_run(status=None, origin=told)
    crashed = make_run(seed=1, status="crashed", outcome={"metrics": {}})

    view = page_view([ArmInput(name="a", runs=(unknown, crashed)), ArmInput(name="b", runs=(make_run(), crashed))])

    assert [arm.size for arm in view.arms] == ["2 runs, 1 with a number", "2 runs, 1 finished"]


def test_every_run_that_did_not_finish_is_counted_also_one_that_left_no_number(make_run):
    runs = (make_run(seed=0), make_run(seed=1, status="crashed", outcome={"metrics": {"val/loss": 5.0}}),
            make_run(seed=2, status="killed", outcome={"metrics": {}}))  # fmt: skip

    view = page_view([ArmInput(name="a", runs=runs)], metric="val/loss")

    assert [note for note in view.scores.notes if "did not finish" in note] == [
        "2 runs did not finish: a number of theirs (in figures: hollow) is logged last, and counts as no result."
    ]
