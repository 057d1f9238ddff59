"""A page can be read on a desk, a tablet and a telephone: nothing sticks out of it, no text lies under another."""

import pytest

from tests.browser.forms import FORMS

WIDTHS = (1280, 768, 380)

STICKS_OUT = """
const wide = document.documentElement.clientWidth;
const found = [];
const full = document.documentElement.scrollWidth;
if (full > wide) found.push(`the page scrolls: ${full}`);
for (const e of document.body.querySelectorAll('*')) {
  if (e.closest('.scroll *, pre *, svg *, nav *, .quiet')) continue;
  const box = e.getBoundingClientRect();
  if (box.width && (box.right > wide + 1 || box.left < -1))
    found.push(`${e.tagName}.${e.className} ${box.left}..${box.right}: ${e.textContent.slice(0, 60)}`);
}
return found;
"""
COVERED = """
const found = [];
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const range = document.createRange();
for (let t = texts.nextNode(); t; t = texts.nextNode()) {
  if (!t.data.trim() || t.parentElement.closest('svg, .quiet')) continue;
  range.selectNodeContents(t);
  let box = range.getClientRects()[0];
  if (!box || !box.width) continue;
  if (box.top < 120 || box.bottom > innerHeight - 10) {
    scrollBy(0, box.top - 200);
    box = range.getClientRects()[0];
  }
  const holder = t.parentElement.closest('.scroll, pre, nav'), x = box.x + Math.min(box.width / 2, 40);
  const y = box.y + box.height / 2;
  if (holder) {
    const seen = holder.getBoundingClientRect();
    if (x < seen.left || x > seen.right) continue;
  }
  const top = document.elementFromPoint(x, y);
  if (!top || !(top.contains(t) || t.parentElement.contains(top)))
    found.push(`${t.data.slice(0, 60)} under ${top && top.outerHTML.slice(0, 90)}`);
}
return found;
"""
CUT = """
return [...document.querySelectorAll('.scroll, .code')].filter(e => e.getClientRects().length)
  .filter(e => e.scrollWidth > e.clientWidth + 1)
  .map(e => `${e.scrollWidth} of ${e.clientWidth}: ${e.innerText.slice(0, 80)}`)
"""
FOLDED = """
await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));  // Drawn by then.
return [...document.querySelectorAll('details:not(.manifest, .manifest *, .bulk, .bulk *) > :not(summary)')]
  .filter(e => !e.checkVisibility({contentVisibilityAuto: true}) || !e.getClientRects().length)
  .map(e => e.outerHTML.slice(0, 80))
"""
OPEN_ALL = "document.querySelectorAll('details').forEach(e => { e.open = true })"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("form", FORMS)
def test_nothing_sticks_out_of_the_page_and_no_text_is_covered(opened, form, width):
    tab = opened(form, width=width, height=4000)
    tab.run(OPEN_ALL)

    assert tab.run(STICKS_OUT) == []
    assert tab.run(COVERED) == []


PAPER = 690
"""Pixels of A4 between its margins."""


@pytest.mark.parametrize("form", FORMS)
def test_on_paper_nothing_is_cut_off_nor_folded_away(opened, form):
    """But the manifests, which would be many pages: they stay a line each."""
    tab = opened(form, width=PAPER)
    tab.looks(width=PAPER, media="print")

    if form != "hostile":  # Its table of eight names without a gap fits no paper.
        assert tab.run(CUT) == []
        assert tab.run(STICKS_OUT) == []
    assert tab.run(FOLDED) == []
    assert tab.run("return getComputedStyle(document.querySelector('nav')).display") == "none"
