"""The curves of a page: which series, what is drawn of them, and that nothing of a record goes unsaid."""

import html
import math
import re
import warnings
from array import array
from types import MappingProxyType

import numpy as np
import pytest

from runaudit.errors import UsageError
from runaudit.metrics.roles import Role
from runaudit.records.points import Points
from runaudit.records.trajectory import Event, Trajectory
from runaudit.report import ArmInput, page_view, render_page
from runaudit.report.chart import crosses, polyline, spread_out, tenths, wide
from runaudit.report.drawings import draw_curves
from runaudit.report.views import curves as curves_module
from runaudit.report.views.chosen import MOST
from runaudit.report.views.curve import Mark
from runaudit.report.views.curves import OVERLAID, curves_view

NAN, INF = math.nan, math.inf


@pytest.fixture
def arm(make_run):
    """An arm with a run for each trajectory: series by name, events apart."""

    def make(*runs, name="an arm", events=()):
        found = tuple(
            make_run(
                seed=seed,
                trajectory=Trajectory(series=MappingProxyType({k: tuple(v) for k, v in series.items()}), events=events),
            )
            for seed, series in enumerate(runs)
        )
        return ArmInput(name=name, runs=found)

    return make


def falling(steps=50, floor=0.1):
    return [(step, floor + 1 / (1 + step)) for step in range(steps)]


def names(view):
    return [one.name.full for one in view.series], [one.name.full for one in view.training]


def paths(svg, kind):
    """The `d` of every path of a class."""
    return re.findall(rf'<path class="{kind}[^"]*" d="([^"]*)"', svg)


def points_of(path):
    """The places of a path, as the docstring of `chart` says to read it."""
    pieces = []
    for head, tail in re.findall(r"M(-?[\d.]+ -?[\d.]+)l([^Mz]*)", path):
        x, y = map(float, head.split())
        pairs = [float(number) for number in re.findall(r"-?\d*\.?\d+", tail)]
        piece = [(x, y)]
        for dx, dy in zip(pairs[::2], pairs[1::2], strict=True):
            x, y = x + dx, y + dy
            piece.append((round(x, 1), round(y, 1)))
        pieces.append(piece)
    return pieces


# ── which series ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_losses_come_first_then_held_out_results_and_how_it_trained_stands_apart(arm):
    logged = ["epoch", "gpu/memory", "lr", "acc", "val_acc", "my/thing", "grad_norm", "val_loss", "loss", "imgs/s"]

    view = curves_view([arm({name: [(0, 1.0), (1, 2.0)] for name in logged})])

    assert names(view) == (["loss", "val_loss", "val_acc", "acc", "my/thing"], ["lr", "grad_norm", "imgs/s"])
    assert view.others == ()


def test_forty_parts_of_a_loss_do_not_crowd_out_the_metric_and_the_rest_is_told(arm):
    series = {f"loss/part_{n}": falling() for n in range(40)} | {"val/iou": falling(), "lr": falling()}

    view = curves_view([arm(series)])

    assert "val/iou" in names(view)[0]
    assert len(view.series) <= MOST
    assert {text.full for text in view.others} == set(series) - {*names(view)[0], *names(view)[1]}
    assert "--curves" in render_page(page_view([arm(series)]))


def test_asked_for_certain_curves_exactly_those_are_drawn_in_that_order(arm):
    view = curves_view(
        [arm({"epoch": falling(), "loss": falling(), "val/a": falling(), "val/b": falling()})], ["val/*", "epoch"]
    )

    assert names(view) == (["val/a", "val/b", "epoch"], [])


def test_a_pattern_that_names_nothing_is_refused_with_the_nearest_names(arm):
    with pytest.raises(UsageError, match="val/acuracy") as error:
        curves_view([arm({"val/accuracy": falling(), "train/loss": falling()})], ["val/acuracy"])

    assert "val/accuracy" in str(error.value.remedy)


def test_a_number_that_never_changed_is_said_and_not_drawn(arm):
    view = curves_view([arm({"train/bad_batches": [(0, 0.0), (1, 0.0)], "loss": falling()}) for _ in range(2)])

    assert names(view) == (["loss"], [])
    assert [(name.full, value) for name, value in view.constants] == [("train/bad_batches", "0")]


def test_a_number_that_changed_in_one_run_is_drawn(arm):
    still, moved = [(0, 1.0), (1, 1.0)], [(0, 1.0), (1, NAN)]

    assert names(curves_view([arm({"x": still}, {"x": moved})])) == (["x"], [])


# ── what is drawn ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_arms_of_a_quantity_lie_over_each_other_each_by_colour_dash_and_letter(arm):
    (series,) = curves_view([arm({"loss": falling(floor=n)}, {"loss": falling(floor=n)}) for n in (1, 2, 3)]).series
    (figure,) = series.figures

    svg = draw_curves(figure)

    for index, letter in enumerate("ABC"):
        assert f'<path class="bold d{index}"' in svg
        assert f'class="mean in-arm-{index}" data-arm="{index}"' in svg
        assert re.search(rf'class="letter">{letter}<', svg)
    assert len(re.findall('<g class="seed ', svg)) == 6
    assert re.findall('data-run="([^"]*)" data-seed="([^"]*)"', svg) == [("0", "0"), ("1", "1")] * 3


def test_more_arms_than_one_figure_can_tell_apart_have_one_each_on_the_same_axes(arm):
    many = [arm({"loss": falling(50 + n, floor=n)}) for n in range(OVERLAID + 1)]

    (series,) = curves_view(many).series

    assert [[curve.arm for curve in figure.arms] for figure in series.figures] == [[n] for n in range(OVERLAID + 1)]
    assert len({(figure.axis, figure.first, figure.last) for figure in series.figures}) == 1
    assert len(curves_view(many[1:]).series[0].figures) == 1


def test_arms_that_count_their_steps_otherwise_have_an_axis_of_steps_each(arm):
    """Epochs of one program beside samples of another would be one upright line."""
    epochs, samples = arm({"loss": falling(40)}), arm({"loss": [(50_000 * step, v) for step, v in falling(40)]})

    (series,) = curves_view([epochs, samples]).series

    assert [(figure.first, figure.last) for figure in series.figures] == [(0, 39), (0, 1_950_000)]
    assert len({figure.axis for figure in series.figures}) == 1
    (note,) = series.notes
    assert note.startswith("The arms count steps in different units: A up to 39, B up to 1")
    assert len(curves_view([epochs, arm({"loss": falling(400)})]).series[0].figures) == 1


def test_a_point_stands_where_its_numbers_say(arm):
    """Steps 0, 5, 10 and values 1, 3, 2 on an axis from 0.9 to 3.1, by hand from the frame that the drawing names."""
    (series,) = curves_view([arm({"my/thing": [(0, 1.0), (5, 3.0), (10, 2.0)]})]).series

    svg = draw_curves(series.figures[0])

    left, top, width, height = map(float, re.search('data-box="([^"]*)"', svg)[1].split())
    assert re.search('data-x="([^"]*)" data-y="([^"]*)" data-log="([^"]*)"', svg).groups() == ("0 10", "0.9 3.1", "0")
    (piece,) = points_of(paths(svg, "bold")[0])
    for (x, y), (step, value) in zip(piece, [(0, 1.0), (5, 3.0), (10, 2.0)], strict=True):
        assert math.isclose(x, left + width * step / 10, abs_tol=0.06)
        assert math.isclose(y, top + height * (1 - (value - 0.9) / 2.2), abs_tol=0.06)


def test_one_bad_step_in_fifty_thousand_reaches_its_height_in_the_drawing(arm):
    noise = np.random.default_rng(0).normal(1.0, 0.1, 50_000)
    noise[31_337] = 3.0
    (series,) = curves_view([arm({"my/thing": list(enumerate(noise.tolist()))})]).series

    svg = draw_curves(series.figures[0])

    top = float(re.search('data-box="[^ ]* ([^ ]*)', svg)[1])
    assert min(y for piece in points_of(paths(svg, "cloud")[0]) for _, y in piece) < top + 15


def test_stages_that_the_arms_share_are_bands_and_others_are_told(arm):
    def staged(*starts):
        events = tuple(Event(step=step, kind="stage", detail={"name": f"stage_{n}"}) for n, step in enumerate(starts))
        return arm({"loss": falling()}, events=events)

    alike, apart = curves_view([staged(0, 20), staged(0, 20)]), curves_view([staged(0, 20), staged(0, 30)])

    assert [band.start for band in alike.series[0].figures[0].bands] == [0, 20]
    assert alike.notes == ()
    assert apart.series[0].figures[0].bands == ()
    assert (
        "A: stage_0 from step 0, stage_1 from step 20; B: stage_0 from step 0, stage_1 from step 30." in apart.notes[0]
    )
    assert draw_curves(apart.series[0].figures[0]).count('class="tick"') == 2


def test_resumes_skipped_steps_and_findings_are_marked(arm):
    one = arm({"loss": falling(), "amp/skipped": [(0, 0.0), (9, 1.0)]}, events=(Event(step=30, kind="resume"),))

    view = curves_view([one], marks=[Mark(arm=0, step=12, words="the loss <rises>", series="loss")])
    svg = draw_curves(view.series[0].figures[0])

    assert len(paths(svg, "resumed")) == len(paths(svg, "tick")) == len(paths(svg, "mark")) == 1
    assert "<title>the loss &lt;rises&gt;</title>" in svg
    assert view.notes == ("A, seed 0: went on after an interruption at step 30.",)
    page = render_page(page_view([one]))
    assert "went on after an interruption at step 30" in page


def test_the_names_of_marks_at_one_step_stand_below_one_another(arm):
    """`A1` and `B1` were printed over each other, and neither could be read."""
    arms = [arm({"loss": falling()}) for _ in range(3)]
    marks = [Mark(arm=index, step=step, words="nan") for index, step in enumerate((12, 12, 40))]

    svg = draw_curves(curves_view(arms, marks=marks).series[0].figures[0])

    places = {name: float(y) for y, name in re.findall(r'y="([\d.]+)" class="mark">(\w+)<', svg)}
    assert places["B1"] - places["A1"] >= 10
    assert places["C1"] == places["A1"]


# ── nothing goes unsaid ──────────────────────────────────────────────────────────────────────────────────────────


def test_of_an_agent_nobody_misses_held_out_data(arm):
    """What it got is the result: `nothing here shows how the model generalised` stood over every page on it."""
    rewarded = curves_view([arm({"rollout/ep_reward": falling(), "train/loss": falling()})])
    trained = curves_view([arm({"train/loss": falling()})])

    assert rewarded.missing == ()
    assert any("held-out data" in note for note in trained.missing)


def test_how_a_figure_is_read_says_what_is_in_it_and_nothing_else(arm):
    plain, odd = arm({"loss": falling()}), arm({"loss": [*falling(), (50, NAN)], "amp/skipped": [(0, 0.0), (9, 1.0)]})

    assert curves_view([plain]).reading.count(";") == 1
    assert "mean" not in curves_view([plain]).reading
    assert curves_view([arm({"loss": falling()}, {"loss": falling()})]).reading == (
        "Bold: the mean of an arm; thin: its seeds, every peak kept; tint: from the lowest seed to the highest."
    )
    assert curves_view([odd]).reading.endswith(
        "ticks at the foot: steps that AMP skipped; crosses: values that are not finite."
    )


def test_what_leaves_the_axis_is_drawn_at_its_edge_and_said_in_words(arm):
    far = [*falling(300), (300, 1e308)]
    runs_away = [(step, value if step < 150 else 10.0 ** (step / 10)) for step, value in falling(300)]

    (series,) = curves_view([arm({"loss": falling(300)}, {"loss": far}), arm({"loss": runs_away})]).series

    assert series.leaves == (
        "▲ A (seed 1) leaves the axis: up to 1e308 at step 300.",
        "▲ B leaves the axis: up to 7.943e29 at step 299, 150 values, the first at step 150.",
    )
    assert len(paths(draw_curves(series.figures[0]), "beyond")) == 2


def test_values_at_and_below_zero_on_an_axis_of_factors_are_said(arm):
    (series,) = curves_view([arm({"loss": [*falling(300, floor=0.001), (300, -0.5)]})]).series

    assert series.figures[0].axis.is_log
    assert series.leaves == ("▼ A leaves the axis: down to −0.5 at step 300.",)


def test_values_that_are_no_numbers_are_crossed_and_said(arm):
    (series,) = curves_view([arm({"loss": [*falling(), (50, NAN), (51, INF)]})]).series

    assert paths(draw_curves(series.figures[0]), "cross")[0].count("M") == 2
    assert series.notes == ("A, seed 0: 2 values not finite, first at step 50.",)
    assert series.rows[0].non_finite == "2 (NaN and ∞), first at step 50"


def test_a_mean_of_fewer_seeds_is_told_apart(arm):
    (series,) = curves_view([arm({"loss": falling()}, {"loss": falling()}, {"loss": falling(20)})]).series

    assert series.notes == (
        "A: the mean is of 2 of 3 runs (seeds 0 and 1) from step 20 to 49; it is drawn thinner there.",
    )
    assert len(paths(draw_curves(series.figures[0]), "thinner")) == 1


def test_the_figure_is_told_in_numbers_to_whoever_cannot_see_it(arm):
    one = arm({"train/loss": [(0, 2.0), (10, 1.0)]}, {"train/loss": [(0, 3.0), (10, 0.5)]})
    (series,) = curves_view([one, arm({"train/loss": [(0, NAN)]})]).series

    svg = draw_curves(series.figures[0])

    label = html.unescape(re.search('aria-label="([^"]*)"', svg)[1])
    assert label == "training loss, steps 0 to 10; A (2 seeds) from 2…3 to 0.5…1; B (1 seed) no finite value."


def test_a_figure_that_cannot_be_made_is_a_line_in_its_place(arm, monkeypatch):
    arms = [arm({"loss": falling(), "val/acc": falling()})]
    real = curves_module.axis_of

    def fails(values, *, may_log):
        if not may_log:
            raise ZeroDivisionError("<b>by & zero")
        return real(values, may_log=may_log)

    monkeypatch.setattr(curves_module, "axis_of", fails)

    view = curves_view(arms)

    assert names(view) == (["loss"], [])
    assert view.failed == (
        "val/acc could not be drawn: ZeroDivisionError: <b>by & zero. Its numbers stand in the record.",
    )
    assert "&lt;b&gt;by &amp; zero" in render_page(page_view(arms))


def test_no_secret_is_read_out(arm):
    """What is read out to whoever cannot see passes the same gate as what is seen."""
    secret = "ghp_" + "a1B2c3D4e5F6" * 3

    page = render_page(page_view([arm({f"val/{secret}": falling(), "train/loss": falling()}, name=secret)]))

    assert "aria-label" in page
    assert secret not in re.sub(r"<[^>]*>", lambda tag: tag[0] if "aria-label" in tag[0] else "", page)


# ── any numbers ──────────────────────────────────────────────────────────────────────────────────────────────────

ODD = {
    "no point": [],
    "one point": [(0, 0.5)],
    "one of the largest": [(0, 1.0), (1, 1.7e308), (2, 1.0)],
    "both of the largest": [(step, (-1) ** step * 1.7e308) for step in range(100)],
    "the smallest": [(step, 5e-324 * step) for step in range(300)],
    "nan and infinity": [(0, NAN), (1, INF), (2, -INF)],
    "every second nan": [(step, NAN if step % 2 else 1.0) for step in range(1000)],
    "negative among decades": [*falling(900, floor=1e-4), (901, -1.0)],
    "steps beyond 2^53": [(2**53 + step, 1.0 / (1 + step)) for step in range(90)],
    "steps beyond 64 bits": [(10**30, 1.0), (10**30 + 1, 0.5)],
    "steps from end to end": [(-(2**63), 1.0), (0, 0.5), (2**63 - 1, 0.25)],
    "differences in the last bit": [(0, 1.0), (1, 1.0 + 2**-52)],
    "back and again": [(step % 50, float(step)) for step in range(200)],
}


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("seeds", [1, 3])
def test_any_numbers_are_drawn_without_a_complaint_and_the_same_every_time(arm, kind, seeds):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        arms = [arm(*[{"train/loss": ODD[kind], "val/psnr": falling()}] * seeds), arm({"train/loss": falling()})]

        drawn = [draw_curves(figure) for series in curves_view(arms).series for figure in series.figures]

    assert drawn == [draw_curves(figure) for series in curves_view(arms).series for figure in series.figures]
    assert len(drawn) in (2, 3)  # one with an axis of steps of its own has a figure of its own
    assert not re.search(r"\bnan\b|\binf\b", re.sub('aria-label="[^"]*"', "", "".join(drawn)))


def test_a_million_points_are_a_few_kilobytes(make_run):
    values = array("d", np.random.default_rng(0).exponential(size=1_000_000).tobytes())
    points = Points(array("q", range(1_000_000)), values)
    run = make_run(trajectory=Trajectory(), metrics={})
    run = type(run)(manifest=run.manifest, trajectory=Trajectory(series=MappingProxyType({"loss": points})))

    (series,) = curves_view([ArmInput(name="long", runs=(run,))]).series

    assert len(draw_curves(series.figures[0])) < 16_000
    assert series.rows[0].points == "1\u202f000\u202f000"


# ── the parts of a drawing ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("count", "text"), [(0, "0"), (7, ".7"), (-4, "-.4"), (123, "12.3"), (-120, "-12")])
def test_tenths_are_short(count, text):
    assert tenths(count) == text


def test_a_path_is_read_back_as_it_was_written():
    x, y = np.array([100, 105, 107, 107, 90]), np.array([50, -20, -20, 301, 0])

    (piece,) = points_of(polyline(x, y))

    assert piece == [(10, 5), (10.5, -2), (10.7, -2), (10.7, 30.1), (9, 0)]


def test_labels_at_one_height_are_pushed_apart_within_the_frame():
    found = spread_out([(100.0, "a"), (100.0, "b"), (99.0, "c"), (10.0, "d")], 12, 20, 101)

    heights = {label: y for y, label in found}
    assert heights["d"] == 20
    assert sorted(heights.values()) == [20, 77, 89, 101]


def test_crosses_are_as_many_as_places():
    assert crosses([10, 20, 30], 5).count("M") == 3


def test_a_series_of_the_machine_is_none_of_the_results(arm):
    view = curves_view([arm({"gpu/util": falling(), "loss": falling()})])

    assert [one.role for one in view.series] == [Role.LOSS]
    assert wide(view.series[0].figures[0].axis, 0, 1).across > 300


def test_arms_that_coincide_are_said_to_and_are_both_seen(make_run):
    def arm(name: str, *seeds: int, shift: float = 0.0) -> ArmInput:
        runs = []
        for seed in seeds:
            points = tuple((step, 1.0 / (1 + step + seed) + shift) for step in range(5))
            runs.append(
                make_run(seed=seed, trajectory=Trajectory(series=MappingProxyType({"val/loss": points, "lr": points})))
            )
        return ArmInput(name=name, runs=tuple(runs))

    view = curves_view([arm("a", 0, 1), arm("b", 1, 0, 2), arm("c", 0, 1, shift=1e-15), arm("d", 7), arm("e", 1, 1)])

    (series,) = view.series
    assert series.alike == ("A, B and E are identical to the last bit at 5 points that all logged, seed by seed.",)
    assert [one.alike for one in view.training] == [()]
    drawn = draw_curves(series.figures[0])
    assert drawn.rindex('class="rim"') < drawn.index('class="bold d0"')


def test_runs_whose_seeds_nobody_knows_are_not_called_identical(make_run):
    points = ((0, 1.0), (1, 0.5))
    series = Trajectory(series=MappingProxyType({"val/loss": points}))
    runs = tuple(make_run(seed=None, label=label, trajectory=series) for label in "ab")

    (one,) = curves_view([ArmInput(name="a", runs=runs), ArmInput(name="b", runs=runs)]).series

    assert one.alike == ()


def test_a_series_that_ends_in_no_number_says_so_where_its_last_value_stands(make_run):
    points = ((0, 1.0), (1, 3e276), (2, math.nan))
    run = make_run(trajectory=Trajectory(series=MappingProxyType({"loss": points})))

    (series,) = curves_view([ArmInput(name="a", runs=(run,))]).series

    assert series.rows[0].last == "NaN (before: 3e276 at 1)"


def test_the_bold_line_shows_no_beat_that_no_run_has(arm):
    """A period of eight steps in bins of five: medians of a high and of a low in turn, which nobody logged."""
    beat = [(step, 10.0 ** (step % 8)) for step in range(300)]

    (series,) = curves_view([arm({"loss": beat}, {"loss": beat})]).series

    ((curve,),) = (figure.arms for figure in series.figures)
    (mean,) = curve.means
    decades = [math.log10(value) for value in mean.values]
    assert max(decades) - min(decades) < 1 and curve.is_wide
    assert any("which no run has" in note for note in series.notes)


def test_noise_and_slow_waves_keep_the_bins_of_their_mean(arm):
    noise = np.random.default_rng(0).normal(size=(2, 600))
    slow = [[(step, math.sin(step / 20) + 0.1 * one[step]) for step in range(600)] for one in noise]
    still = [[(step, 1 + 0.01 * one[step]) for step in range(600)] for one in noise]

    for series in (slow, still):
        (found,) = curves_view([arm(*({"loss": one} for one in series))]).series
        assert not any(curve.is_wide for figure in found.figures for curve in figure.arms)


def test_what_wanders_is_no_beat_and_what_swings_in_long_waves_is_one(arm):
    """A smoothed loss turns from bin to bin as often as it does from point to point, however wide a bin is."""
    wandering = np.zeros((2, 6000))
    for at, kick in enumerate(np.random.default_rng(0).normal(size=(5999, 2)), 1):
        wandering[:, at] = 0.95 * wandering[:, at - 1] + kick
    waves = [[math.sin(step / 9) for step in range(6000)]] * 2

    for seeds, is_wide in ((wandering, False), (waves, True)):
        (found,) = curves_view([arm(*({"loss": list(enumerate(map(float, one)))} for one in seeds))]).series
        (curve,) = (curve for figure in found.figures for curve in figure.arms)
        assert (curve.is_wide, len(curve.means[0].values) > 50) == (is_wide, not is_wide)


def test_the_metric_that_the_page_is_about_is_drawn_first_however_many_others_there_are(arm):
    logged = {"train/loss": falling(), "val/mIoU": falling()} | {f"val/iou_{n:02}": falling() for n in range(20)}

    drawn = [view.name.full for view in curves_view([arm(logged)], about="val/mIoU").series]
    asked = [view.name.full for view in curves_view([arm(logged)], ["train/*", "val/mIoU"], about="val/mIoU").series]

    assert (drawn[0], drawn.count("val/mIoU"), drawn[1]) == ("val/mIoU", 1, "train/loss")
    assert asked == ["train/loss", "val/mIoU"]


def test_a_run_that_ended_without_a_result_is_told_wherever_it_is_drawn(make_run):
    runs = tuple(
        make_run(
            seed=seed, status=status, trajectory=Trajectory(series=MappingProxyType({"loss": tuple(falling(end))}))
        )
        for seed, (status, end) in enumerate([("completed", 50), ("completed", 50), ("crashed", 20)])
    )

    view = curves_view([ArmInput(name="an arm", runs=runs)])

    (series,) = view.series
    assert draw_curves(series.figures[0]).count('class="ended"') == 1 and "seed 2 crashed" in draw_curves(
        series.figures[0]
    )
    assert "rings: " in view.reading and view.legend[0][3] == "3 runs, 1 without a result"
    assert [row.seed for row in series.rows] == ["0", "1", "2, crashed"]
    assert "(3 seeds, 1 without a result) from 1.1 to 0.12" in series.figures[0].label


def test_what_several_arms_have_alike_is_said_once(arm):
    odd = [*falling(300, floor=0.001), (300, -0.5), (301, NAN)]

    (series,) = curves_view([arm({"loss": odd}, {"loss": odd}), arm({"loss": odd}, {"loss": odd})]).series

    assert series.leaves == ("▼ A and B leave the axis: down to −0.5 at step 300, 2 values.",)
    assert series.notes[0] == "A and B, each run: 1 value not finite, first at step 301."
