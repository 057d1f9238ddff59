"""What the page's own script adds: tables that sort, contents that follow. The page says the same without it."""

import pytest

from tests.browser.forms import FORMS

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


@pytest.mark.parametrize("form", FORMS)
def test_the_page_says_the_same_without_its_script(opened, form):
    without, whole = opened(form, scripts=False), opened(form)

    assert without.run("return document.querySelectorAll('button').length") == 0
    assert without.run(TEXT) == whole.run(TEXT)
