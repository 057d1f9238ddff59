"""What is drawn: legible, harmless, and the same every time."""

import math
import re
from itertools import pairwise

import pytest

from runaudit.metrics.catalogue import BASELINES
from runaudit.report import ArmInput, page_view
from runaudit.report.drawings import draw_curves, draw_scaler
from runaudit.report.figures import _VARIABLES, draw_scores
from runaudit.settings import RuleSettings


def texts(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


@pytest.fixture
def view(study):
    arms, comparisons = study
    return page_view(arms, comparisons)


def test_every_baseline_line_bears_its_name_and_its_value(view):
    said = texts(draw_scores(view.scores.figures[0]))

    assert {"bicubic 26.48", "IBP 28.98"} <= set(said)


def test_no_known_baseline_has_its_name_cut(make_run, make_metrics):
    metrics = make_metrics() | {f"full_frame/psnr_{key}/camera": 25.0 + n for n, key in enumerate(BASELINES)}
    figure = page_view([ArmInput(name="x", runs=(make_run(metrics=metrics),))]).scores.figures[1]

    said = texts(draw_scores(figure))

    words = " ".join(BASELINES.values()).split()
    assert [text.rpartition(" ")[0] in words for text in said if re.search(r"\d\.00$", text)] == [True] * len(BASELINES)


def test_labels_of_lines_that_lie_close_do_not_cover_one_another(make_run, make_metrics):
    """Three baselines within 0.02 dB on an axis of several dB."""
    metrics = make_metrics() | {f"full_frame/psnr_{k}/camera": 26.91 + n / 100 for n, k in enumerate(("ibp", "median"))}
    figure = page_view([ArmInput(name="x", runs=(make_run(metrics=metrics),))]).scores.figures[1]

    svg = draw_scores(figure)

    places = re.findall(r"<text[^>]*?y=\"([\d.]+)\"[^>]*>(?:bicubic|IBP|median)", svg)
    heights = sorted(float(y) for y in places)
    assert len(heights) == 3
    assert all(b - a >= 10 for a, b in pairwise(heights))


def test_colours_are_variables_of_the_page_so_that_dark_and_paper_work(view):
    svg = draw_scores(view.scores.figures[0])

    assert not any(colour in svg for colour in _VARIABLES)
    assert "var(--arm-0)" in svg
    assert "var(--ink)" in svg
    assert set(re.findall(r"#[0-9a-f]{6}\b", svg)) <= {"#000000"}
    assert "#" not in draw_curves(view.curves.series[0].figures[0])  # they have the style sheet's, by their classes


def test_the_scaler_has_its_two_lines_labelled_and_its_skips_marked(view):
    (figure,) = view.scaler.figures

    svg = draw_scaler(figure)

    assert {"16384", "1024", "65536"} <= set(texts(svg))
    for seed in range(3):
        assert {2, 3, 5} <= {step for index, step in figure.skips if index == seed}


def test_a_finding_on_the_scale_is_marked_where_it_fell(make_run, make_trajectory):
    scale = [(step, 65536.0 / 2 ** max(0, min(12, (step - 600) // 20))) for step in range(1, 1001)]
    run = make_run(trajectory=make_trajectory(0, 1000, **{"amp/scale": scale}))
    view = page_view([ArmInput(name="x", runs=(run,))], rules=RuleSettings())
    (figure,) = view.scaler.figures

    assert [mark.series for mark in figure.marks] == ["amp/scale"]
    assert figure.marks[0].step == pytest.approx(620, abs=50)
    assert "A1" in texts(draw_scaler(figure))
    assert figure.marks[0].words == "scaler collapse, seed 0"


def test_stages_that_are_too_short_for_their_name_bear_their_number(make_run, make_trajectory):
    trajectory = make_trajectory(0, 900, stages=(("warm_up_of_everything", 0), ("main", 10)))
    view = page_view([ArmInput(name="x", runs=(make_run(trajectory=trajectory),))])

    said = texts(draw_curves(view.curves.series[0].figures[0]))

    assert "1" in said
    assert "main" in said


@pytest.mark.parametrize(
    "points",
    [
        ((0, 1.0),),
        ((0, 0.0), (1, 0.0)),
        ((0, -3.0), (5, 3.0)),
        ((0, math.nan), (5, math.inf)),
        ((0, 1e-300), (5, 1e300)),
        ((0, 1e-12), (5, 2e-12)),
        ((0, 5.0), (5, 5.0)),
        ((-4, 5.0), (5_000_000, 5.1)),
    ],
)
def test_no_series_is_too_odd_to_draw(points, make_run, make_trajectory):
    """Constant, negative, empty of numbers, at the ends of what a double holds."""
    trajectory = make_trajectory(0, 10, **{"train/loss": points, "amp/scale": points, "amp/skipped": points})
    view = page_view([ArmInput(name="x", runs=(make_run(trajectory=trajectory),))])

    drawn = draw_curves(view.curves.series[0].figures[0])

    assert drawn.startswith('<svg class="chart"')
    assert "nan" not in drawn
    assert all(draw_scaler(figure).endswith("</svg>") for figure in view.scaler.figures)


def test_names_in_any_script_are_drawn_without_a_complaint(make_run, make_metrics):
    metrics = make_metrics() | {"full_frame/psnr/港口$x$ & <b>": 30.0}
    figures = page_view([ArmInput(name="x", runs=(make_run(metrics=metrics),))]).scores.figures

    svg = draw_scores(figures[-1])

    assert "<b>" not in svg
    assert "港口" in svg  # in the words for whoever cannot see the figure


def test_many_arms_and_seeds_are_drawn(make_arm):
    arms = [make_arm(f"arm {n}", gains=(n, n, n)) for n in range(8)]

    svg = draw_scores(page_view(arms).scores.figures[0])

    assert {"A", "H"} <= set(texts(svg))
