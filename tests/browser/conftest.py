"""One browser for all of a worker's tests, and each page written once."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from runaudit.cli.app import main
from runaudit.store import Store
from runaudit.system.browser import Browser, BrowserError, browsing, find_browser
from tests.browser.forms import FORMS
from tests.browser.tab import Tab

AXE = Path(__file__).parents[2] / ".npm" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if find_browser() is None:
        pytest.skip("no Chromium on this machine; Debian and Ubuntu: apt-get install chromium")
    with ExitStack() as running:
        found = running.enter_context(browsing())
        try:
            found.open_tab()
        except BrowserError as error:
            if os.geteuid() == 0:
                raise
            pytest.skip(f"the Chromium of this machine does not run for this user: {error}")
        yield found


@pytest.fixture(scope="package")
def axe() -> str:
    if not AXE.is_file():
        pytest.skip("no axe-core in this checkout; with npm on the machine: make axe")
    return AXE.read_text(encoding="utf-8")


@pytest.fixture(scope="package")
def pages(tmp_path_factory):
    """`pages(form)` is the file of that form's page, as `runaudit report` writes it: with its script, for what holds
    of that page holds of one that runs nothing."""
    made: dict[str, Path] = {}

    def page(form: str) -> Path:
        if form not in made:
            folder = tmp_path_factory.mktemp(form)
            store = Store.create(folder / "store")
            runs = FORMS[form](store)
            made[form] = folder / f"{form}.html"
            with pytest.raises(SystemExit) as ended:
                main(["report", "--interactive", "--store", str(store.root), "-o", str(made[form]), *runs])
            assert ended.value.code == (4 if form == "damaged" else 0), form
        return made[form]

    return page


@pytest.fixture
def opened(browser, pages):
    """`opened(form, width=…)`: that page in a tab, which is closed after the test."""
    with ExitStack() as tabs:

        def open_page(form: str, **looks) -> Tab:
            tab = Tab(browser, pages(form), **looks)
            tabs.callback(tab.close)
            return tab

        yield open_page
