"""A page is for everybody: axe-core finds nothing serious, everything that opens does so by mouse and keyboard."""

import itertools

import pytest

from tests.browser.forms import FORMS

OPEN_ONE_OF_EACH = """
for (const e of document.querySelectorAll('details')) e.open = !e.matches('details + details + details');
"""
"""The third of equal things holds nothing new, and axe-core takes long over many."""
SERIOUS = """
const told = await axe.run(document, {resultTypes: ['violations']});
return told.violations.filter(v => ['serious', 'critical'].includes(v.impact))
  .map(v => `${v.id}: ${v.nodes.length} of ${v.nodes[0].html.slice(0, 200)} ${v.nodes[0].failureSummary}`);
"""
UNFOLDED = """
const all = [...document.querySelectorAll('details')];
for (let e = all[a]?.parentElement; e; e = e.parentElement) if (e.tagName === 'DETAILS') e.open = true;
"""
"""Every fold, with what lies around the one in question open."""
HEADINGS = "return [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map(e => +e.tagName[1])"


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (380, True)], ids=["desk", "telephone-dark"])
@pytest.mark.parametrize("form", [form for form in FORMS if form != "hostile"])
def test_axe_finds_nothing_serious(opened, axe, form, width, dark):
    tab = opened(form, width=width, dark=dark)
    tab.run(OPEN_ONE_OF_EACH)
    tab.run(axe)

    assert tab.run(SERIOUS) == []


CONTRAST = """
const numbers = (text) => text.match(/[\\d.]+/g).slice(0, 3).map((n) => text.startsWith('rgb') ? n / 255 : +n);
const light = (text) => numbers(text).map((n) => n <= 0.03928 ? n / 12.92 : ((n + 0.055) / 1.055) ** 2.4)
  .reduce((sum, n, at) => sum + n * [0.2126, 0.7152, 0.0722][at], 0);
const key = document.querySelector('.key');
return [0, 1, 2, 3, 4, 5].map((arm) => {
  key.className = `key arm-${arm}`;
  const {color, backgroundColor} = getComputedStyle(key);
  const [low, high] = [light(color), light(backgroundColor)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
});
"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_letter_of_every_arm_stands_out_from_its_colour(opened, dark):
    """By the contrast that WCAG AA asks for; axe-core passes over texts of one letter."""
    contrasts = opened("pair", dark=dark).run(CONTRAST)

    assert len(contrasts) == 6
    assert min(contrasts) >= 4.5, contrasts


@pytest.mark.parametrize("form", FORMS)
def test_headings_form_an_outline(opened, form):
    levels = opened(form).run(HEADINGS)

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert [(a, b) for a, b in itertools.pairwise(levels) if b > a + 1] == []


@pytest.mark.parametrize("form", FORMS)
def test_every_link_leads_to_something_that_is_seen(opened, form):
    tab = opened(form)
    links = tab.run("return [...document.querySelectorAll('a')].map(e => e.getAttribute('href'))")

    assert links
    for n, link in enumerate(links):
        assert link.startswith("#")
        top = tab.run(
            "document.querySelectorAll('a')[a].click(); const e = document.getElementById(b);"
            "return e && e.getClientRects().length && Math.abs(Math.round(e.getBoundingClientRect().top))", n, link[1:],
        )  # fmt: skip
        assert top is not None and top < 900, (link, top)


@pytest.mark.parametrize("form", FORMS)
def test_what_is_folded_opens_by_mouse_and_by_keyboard(opened, form):
    tab = opened(form)
    count = tab.run(f"{UNFOLDED}; return all.length")

    assert count
    for n in range(min(count, 12)):
        was = tab.run(f"{UNFOLDED}; return all[a].open", n)
        tab.click("details > summary", n)
        clicked = tab.run(f"{UNFOLDED}; return all[a].open", n)
        tab.press("Enter")
        assert (clicked, tab.run(f"{UNFOLDED}; return all[a].open", n)) == (not was, was), n
