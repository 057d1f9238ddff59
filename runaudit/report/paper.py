"""The page on paper: its print style as a PDF, by a browser that is on this machine, and the page before a reader.

A PDF needs a browser, the page needs none: it is written first, and stays where no browser prints it.
"""

from pathlib import Path

from runaudit.errors import UsageError
from runaudit.system.browser import BrowserError, print_page
from runaudit.system.files import check_no_twin, check_output, check_own, write_output

WHAT = "the PDF"
_TITLE = " · runaudit".encode("utf-16-be").hex().upper().encode()
"""How the title of each of our pages ends, in the words of a PDF."""


def check_pdf_place(path: Path, store: Path) -> None:
    """Raises UsageError where no PDF of a page on the runs of `store` can be put."""
    check_output(path, WHAT)
    check_no_twin(path, store, WHAT)
    check_own(path, WHAT, lambda head: head.startswith(b"%PDF-") and _TITLE in head)


def write_pdf(path: Path, html: str, *, page: Path) -> None:
    """Print the page to `path`, whole or not at all. Raises UsageError, also where no browser prints it."""
    try:
        pdf = print_page(html)
    except BrowserError as error:
        by_hand = f"the page stands in {page}: open it in a browser and print it"
        raise UsageError(error.message, remedy=by_hand) from error
    write_output(path, pdf, WHAT)
