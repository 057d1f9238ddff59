"""What the page's own script adds: tables that sort, contents that follow, curves that say their values.

The page says the same without it.
"""

import re

import pytest

from tests.browser.forms import FORMS, classifier

TEXT = "return document.body.innerText.replace(/\\s+/g, ' ')"
FIRST_SORTABLE = """
const table = [...document.querySelectorAll('table')].find(t => t.querySelector('.sort'));
table.id = 'sorted'; return [table.querySelectorAll('.sort').length, table.tBodies.length]
"""
ROWS = "return [...document.querySelectorAll('#sorted tbody tr')].map(row => row.cells[a].firstChild.textContent)"


@pytest.fixture
def table(opened):
    """A page whose first table that sorts is `#sorted`: seeds of two arms with their metrics."""
    tab = opened("cohorts")
    assert tab.run(FIRST_SORTABLE) == [3, 1]
    return tab


def sort_of(tab, column):
    return tab.run("return document.querySelectorAll('#sorted th')[a].ariaSort", column)


def test_a_click_on_a_header_sorts_up_then_down_then_as_it_was(table):
    before = table.run(ROWS, 1)
    numbers = sorted(float(text) for text in before if text != "none")

    seen = []
    for _ in range(3):
        table.click("#sorted .sort", 1)
        seen.append((sort_of(table, 1), table.run(ROWS, 1)))

    up, down = [f"{n:.4f}" for n in numbers], [f"{n:.4f}" for n in reversed(numbers)]
    assert seen == [("ascending", [*up, "none"]), ("descending", [*down, "none"]), (None, before)]


def test_a_header_sorts_by_keyboard_and_only_one_says_that_it_did(table):
    table.run("document.querySelectorAll('#sorted .sort')[1].focus()")
    table.press("Enter")
    table.press("Tab")
    table.press(" ")

    assert [sort_of(table, n) for n in range(3)] == [None, None, "ascending"]
    assert table.told() == []


def test_the_contents_say_which_section_is_in_view(opened):
    tab = opened("arms", height=600)
    current = "return [...document.querySelectorAll('nav [aria-current]')].map(e => e.hash)"

    for link in tab.run("return [...document.querySelectorAll('nav a')].map(e => e.hash)")[:-1]:
        tab.run("document.querySelector(`nav a[href='${a}']`).click()", link)
        tab.run("await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert tab.run(current) == [link]
    top = tab.run("const r = document.querySelector('nav').getBoundingClientRect(); return [r.top, r.bottom]")
    assert 0 <= top[0] < top[1] < 80


# ── curves ───────────────────────────────────────────────────────────────────────────────────────────────────────

TOLD = "return [...document.querySelectorAll('.told')].map(e => e.textContent).join('')"
ON_LINE = """
const chart = document.querySelectorAll('.chart')[0], path = chart.querySelector(a);
chart.scrollIntoView({block: 'center'});
const end = path.getPointAtLength(b * path.getTotalLength()).matrixTransform(chart.getScreenCTM());
return [end.x, end.y];
"""


@pytest.fixture
def curves(opened):
    """The page of two arms: the accuracy, which is judged, at every fifth of 60 steps, and then the loss at each."""
    return opened("cohorts")


def test_the_pointer_reads_the_logged_value_that_lies_nearest(curves):
    """Held against the record: the accuracy of arm A, seed 2, at its last step."""
    logged = dict(classifier(2, best=0.90).trajectory.series["val/accuracy"])
    curves.move(*curves.run(ON_LINE, ".seed[data-arm='0'][data-seed='2'] path", 1.0))

    who, step, value = re.fullmatch(r"(.*): step (\d+), ≈ (\S+)", curves.run(TOLD)).groups()
    assert (who, int(step)) == ("A, seed 2", 55)
    assert float(value) == pytest.approx(logged[55], abs=0.001)


def test_arrow_keys_walk_along_a_line_and_to_the_next_one(curves):
    curves.run("document.querySelectorAll('.chart')[1].focus()")
    seen = []
    for key in ("Home", "ArrowRight", "End", "ArrowDown", "ArrowUp", "ArrowLeft"):
        curves.press(key)
        seen.append(curves.run(TOLD).partition(",  ")[0].rpartition(",")[0])
    curves.press("Escape")

    assert seen[0] == "A, seed 0: step 0"
    assert seen[1] == "A, seed 0: step 1"
    assert seen[2] == "A, seed 0: step 59"
    assert seen[3].startswith("A, seed 1: step 59")
    assert seen[4:] == ["A, seed 0: step 59", "A, seed 0: step 58"]
    assert curves.run(TOLD) == ""
    assert curves.told() == []


def test_an_arm_is_put_away_in_every_chart_and_brought_back(curves):
    seen = """
    return ['0', '1'].map(arm => [...document.querySelectorAll(`.chart [data-arm="${arm}"]`)]
      .filter(part => getComputedStyle(part).display !== 'none').length)
    """
    both = curves.run(seen)

    curves.click(".arms-drawn .toggle", 1)
    without = curves.run(seen)
    pressed = curves.run("return document.querySelectorAll('.toggle')[1].ariaPressed")
    curves.press("Enter")

    assert (without, pressed) == ([both[0], 0], "false")
    assert both[1] > 0
    assert curves.run(seen) == both


def test_seeds_are_put_away_where_their_mean_is_drawn(curves):
    seen = "return [...document.querySelectorAll(a)].filter(e => getComputedStyle(e).display !== 'none').length"
    means = curves.run(seen, ".chart .mean")

    curves.click(".added .toggle")

    assert (curves.run(seen, ".chart .seed"), curves.run(seen, ".chart .mean")) == (0, means)


@pytest.mark.parametrize("form", FORMS)
def test_the_page_says_the_same_without_its_script(opened, form):
    without, whole = opened(form, scripts=False), opened(form)

    assert without.run("return document.querySelectorAll('button').length") == 0
    whole.run("for (const e of document.querySelectorAll('.added, .told')) e.remove()")
    assert without.run(TEXT) == whole.run(TEXT)
