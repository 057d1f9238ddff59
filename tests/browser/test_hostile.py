"""What a record says is text on the page, whatever it says: nothing of it runs or asks for something, all is seen."""

import pytest

from tests.browser.forms import HOSTILE, MARK
from tests.browser.tab import Tab
from tests.browser.test_layout import OPEN_ALL

FOREIGN = """
const named = [...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a =>
  /^on/i.test(a.name) || (['src', 'href', 'action', 'srcdoc', 'formaction', 'xlink:href'].includes(a.name)
    && !/^(#[a-z-]+|data:image\\/png;base64,)/.test(a.value))));
const tags = document.querySelectorAll('script ~ script, img:not([src^="data:"]), iframe, object, embed, base, '
  + 'form, input, audio, video, link, meta[http-equiv="refresh"], svg script, svg foreignObject, body style');
return [...named, ...tags].map(e => e.outerHTML.slice(0, 120));
"""
PROWL = """
for (const e of document.querySelectorAll('[tabindex], a, button, summary')) { e.focus(); }
for (const e of document.querySelectorAll('button, summary, td, th, code, bdi')) {
  e.dispatchEvent(new PointerEvent('pointermove', {bubbles: true}));
  if (e.matches('button')) e.click();
}
return window.__ran ?? 0;
"""
SPELT = "return document.body.textContent + [...document.querySelectorAll('[title]')].map(e => e.title).join(' ')"


@pytest.fixture
def page(opened):
    tab = opened("hostile")
    tab.run(OPEN_ALL)
    return tab


def test_nothing_of_what_a_record_says_runs_or_is_asked_for(page):
    """Not when it is opened, nor when everything on it is touched, pressed and sorted."""
    assert page.run(PROWL) == 0
    assert page.told() == []
    assert page.run(FOREIGN) == []


@pytest.mark.parametrize("word", [word for word in HOSTILE if word.isascii() and len(word) < 200])
def test_it_is_there_to_be_read_as_it_was_written(page, word):
    assert word in page.run(SPELT)


def test_what_cannot_be_seen_is_not_passed_on(page):
    """A text that turns the line round, or a NUL, would make the page say another thing than the record."""
    assert [c for c in "\u202e\u2066\x07\x1b\x00\u2028" if c in page.run(SPELT)] == []


def test_a_page_that_runs_something_would_be_told(browser, tmp_path):
    """What these tests hear: without it none of them could fail."""
    loud = tmp_path / "loud.html"
    loud.write_text(
        f"<!DOCTYPE html><script>{MARK}</script><img src=x.png>"
        '<meta http-equiv="Content-Security-Policy" content="script-src \'none\'"><script>2</script>'
    )
    tab = Tab(browser, loud)
    told = " ".join(tab.told())
    ran = tab.run("return window.__ran")
    tab.close()

    assert ran == 1
    assert "console.warning: ['it ran']" in told
    assert "request: file:" in told
    assert "Content Security Policy" in told
