"""`report --pdf` prints the page by a browser of this machine, and the page stands without one; `--open` shows it."""

import tempfile
import webbrowser

import pytest

from runaudit.store import Store
from runaudit.system import browser as system
from tests.browser.forms import alone


@pytest.fixture
def report(runaudit, tmp_path, monkeypatch):
    """`report(…)` on a single run, its page in `page.html`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    runs = alone(Store.create(tmp_path / ".runaudit"))
    return lambda *words: runaudit("report", *runs, "-o", "page.html", *words)


def test_the_page_is_printed_whole_and_printed_again(browser, report, tmp_path):
    code, out, err = report("--pdf", "page.pdf")
    again = report("--pdf", "page.pdf")

    pdf = (tmp_path / "page.pdf").read_bytes()
    assert (code, err, again[0]) == (0, "", 0)
    assert out.endswith("page: page.html\npdf: page.pdf\n")
    assert pdf.startswith(b"%PDF-")
    assert pdf.count(b"/Type /Page\n") >= 2
    assert b"/StructTreeRoot" in pdf
    assert b"/Outlines" in pdf
    assert not list(tmp_path.glob("runaudit-browser-*"))


def test_without_a_browser_the_page_stands_and_says_how_to_print_it(report, tmp_path, monkeypatch):
    monkeypatch.setattr(system, "NAMES", ())
    monkeypatch.setattr(system, "PLACES", ())

    code, _, err = report("--pdf", "page.pdf")

    assert code == 2
    assert err == (
        "runaudit: no Chromium, Chrome or Edge was found to print with; "
        "the page stands in page.html: open it in a browser and print it\n"
    )
    assert (tmp_path / "page.html").is_file()
    assert not (tmp_path / "page.pdf").exists()


def test_a_pdf_of_somebody_else_is_not_written_over(report, tmp_path):
    (tmp_path / "paper.pdf").write_bytes(b"%PDF-1.4 my thesis")

    code, _, err = report("--pdf", "paper.pdf")

    assert code == 2
    assert "runaudit did not make the file that lies there" in err
    assert (tmp_path / "paper.pdf").read_bytes() == b"%PDF-1.4 my thesis"
    assert not (tmp_path / "page.html").exists()


def test_open_shows_the_page_only_where_there_is_a_screen(report, tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(webbrowser, "open", shown.append)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(system.sys, "platform", "linux")

    plain = report("--open")
    monkeypatch.setenv("DISPLAY", ":0")
    with_screen = report("--open")

    assert (plain[0], with_screen[0], shown) == (0, 0, [(tmp_path / "page.html").as_uri()])
