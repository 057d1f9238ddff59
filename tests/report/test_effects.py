"""The figure of an effect: a point per seed, an interval where one exists, and the difference on an axis of its own."""

import re

import pytest

from runaudit.report.effects import draw_effects, effect_figure
from runaudit.report.figures import _VARIABLES
from runaudit.stats.judge import judge
from runaudit.stats.values import ArmValues, Comparability

SINGLE = Comparability(verdict="single_factor", factors=("config.lr",))
NEW, OLD = (31.20, 31.25, 31.31), (30.10, 30.20, 30.40)


def answer(**arms):
    values = [ArmValues(label=label, seeds=tuple(range(len(v))), values=v) for label, v in arms.items()]
    return judge(values, metric="psnr", direction=None, design=SINGLE)


def texts(svg):
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def dots(svg):
    """The points of each marker from left to right, as (x, y); SVG counts y downwards."""
    found = {}
    for name, x, y in re.findall(r'<use xlink:href="([^"]+)" x="([\d.]+)" y="([\d.]+)"', svg):
        found.setdefault(name, []).append((float(x), float(y)))
    return [sorted(points) for points in found.values() if len({y for _, y in points}) == len(points) == 3]


def test_every_seed_is_a_point_and_higher_values_stand_higher():
    svg = draw_effects(effect_figure(answer(new=NEW, old=OLD)))

    old, new = sorted(dots(svg))  # the baseline stands on the left
    for points in (old, new):
        assert [y for _, y in points] == sorted((y for _, y in points), reverse=True)  # values rise from left to right
    assert max(y for _, y in new) < min(y for _, y in old)
    assert {"old", "new", "difference", "psnr (dB)"} <= set(texts(svg))


def test_values_that_a_plotter_takes_for_zero_stand_where_they_are():
    small = [tuple(value * 1e-302 for value in arm) for arm in (NEW, OLD)]
    svg = draw_effects(effect_figure(answer(new=small[0], old=small[1])))

    old, new = sorted(dots(svg))
    assert max(y for _, y in new) + 20 < min(y for _, y in old)
    assert any("e\N{MINUS SIGN}301" in text for text in texts(svg))
    assert not any("e" in text for text in texts(draw_effects(effect_figure(answer(new=(0.0,) * 3, old=(0.0,) * 3))))
                   if re.fullmatch(r"[\d.e\N{MINUS SIGN}]+", text))  # fmt: skip


def test_the_view_holds_the_numbers_of_the_answer_and_nothing_else():
    found = answer(new=NEW, old=OLD)

    figure = effect_figure(found)

    assert [arm.label for arm in figure.arms] == ["old", "new"]  # the baseline comes first
    assert figure.zero == found.arms[1].mean
    (difference,) = figure.differences
    (row,) = found.comparisons
    assert (difference.value, difference.ci) == (row.difference, (row.ci.low, row.ci.high))
    assert figure.words == (
        "psnr: old mean 30.233 of 3 seeds; new mean 31.253 of 3 seeds; new minus old 1.02 (95 % CI 0.69 to 1.35)."
    )


def test_the_order_of_the_page_is_kept_so_that_colours_are():
    figure = effect_figure(answer(new=NEW, old=OLD), order=["new", "old"])

    assert [arm.label for arm in figure.arms] == ["new", "old"]


@pytest.mark.parametrize("lost", [(31.2, 31.25), (31.2, 31.25, None)])
def test_what_could_not_be_tested_is_not_drawn(lost):
    figure = effect_figure(answer(new=lost, old=OLD))
    svg = draw_effects(figure)

    assert figure.differences == () and "difference" not in texts(svg)
    assert "no difference could be tested" in figure.words
    assert ("1 without a result" in figure.words) is (None in lost)


def test_without_a_value_there_is_nothing_to_draw():
    assert effect_figure(answer(new=(None,), old=(None,))) is None


def test_several_arms_have_a_difference_each():
    svg = draw_effects(effect_figure(answer(a=NEW, b=(30.5, 30.6, 30.8), old=OLD)))

    assert {"Δ a", "Δ b"} <= set(texts(svg))


def test_the_same_view_gives_the_same_bytes_in_the_colours_of_the_page():
    figure = effect_figure(answer(new=NEW, old=OLD))

    svg = draw_effects(figure)

    assert svg == draw_effects(figure)
    assert not any(colour in svg for colour in _VARIABLES) and "var(--arm-1)" in svg


def test_a_label_can_be_no_markup():
    svg = draw_effects(effect_figure(answer(**{"<script>\u202e": NEW, "old": OLD})))

    assert "<script>" not in svg and "\u202e" not in svg


def test_a_lone_value_is_no_mean_of_one_seeds():
    figure = effect_figure(answer(new=(2.0,), old=(-1.5,)))

    assert figure.words == "psnr: old −1.5; new 2; no difference could be tested."


def test_what_a_crashed_run_logged_last_is_a_hollow_mark_and_no_value_of_its_arm():
    crashed = ArmValues(label="new", seeds=(0, 1, 2), values=NEW, statuses=("completed", "completed", "crashed"))
    old = ArmValues(label="old", seeds=(0, 1, 2), values=OLD)
    figure = effect_figure(judge([crashed, old], metric="psnr", direction=None, design=SINGLE))

    new = next(arm for arm in figure.arms if arm.label == "new")
    assert (new.values, new.beside, new.lost) == (NEW[:2], NEW[2:], 1)
    assert "new 31.2 and 31.25, 1 without a result" in figure.words and figure.reading.startswith("Hollow")
    assert draw_effects(figure).count("fill-opacity: 0; stroke: var(--arm-1)") == 1
