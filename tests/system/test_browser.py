"""A browser that is missing, that cannot start, that does not answer: one line each, and nothing of it stays behind."""

import os
import tempfile

import pytest

from runaudit.system import browser
from runaudit.system.browser import BrowserError, browsing, find_browser, print_page

HTML = "<!DOCTYPE html><title>A page</title><h1>A page</h1>"


@pytest.fixture
def only(tmp_path, monkeypatch):
    """`only(script)`: a machine whose one browser is that shell script."""

    def put(script):
        program = tmp_path / "bin" / "chromium"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    monkeypatch.setattr(browser, "PLACES", ())
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}/nowhere")
    return put


@pytest.fixture
def profiles(tmp_path, monkeypatch):
    """Where profiles are made."""
    folder = tmp_path / "profiles"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_a_machine_without_a_browser_is_told_so(only):
    assert find_browser() is None
    with pytest.raises(BrowserError, match=r"^no Chromium, Chrome or Edge was found to print with$"):
        print_page(HTML)


def test_a_browser_that_ends_is_told_with_its_own_last_words(only, profiles):
    only("echo starting >&2; echo 'libnss3.so: cannot open shared object file' >&2; exit 127")

    with pytest.raises(BrowserError, match=r"^the browser ended: libnss3.so: cannot open shared object file$"):
        print_page(HTML)
    assert list(profiles.iterdir()) == []


def test_a_browser_that_cannot_be_started_is_told_by_its_name(only):
    only("")
    os.truncate(find_browser(), 0)
    with pytest.raises(BrowserError, match="bin/chromium does not start: Exec format error"):
        print_page(HTML)


def test_a_browser_that_does_not_answer_is_ended(only, profiles, monkeypatch):
    only("exec /bin/sleep 600")
    monkeypatch.setattr(browser, "ANSWER_S", 0.0)

    with pytest.raises(BrowserError, match="the browser gave no answer to Target"), browsing() as asked:
        asked.open_tab()
    assert asked._process.returncode < 0
    assert list(profiles.iterdir()) == []
