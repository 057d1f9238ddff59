"""Where a page goes: into its file, onto paper, before a reader. Asked of every place before any work is done.

A PDF needs a browser that is on this machine, the page needs none: it is written first, and stays where none prints it.
"""

from dataclasses import dataclass
from pathlib import Path

from runaudit.errors import UsageError
from runaudit.report.answer import ReportAnswer
from runaudit.report.html import check_place, render_page, write_page
from runaudit.report.picture import check_picture, write_picture
from runaudit.report.views.page import PageView
from runaudit.system.browser import BrowserError, print_page, show_page
from runaudit.system.files import check_no_twin, check_output, check_own, write_output

_PDF = "the PDF"
_TITLE = " · runaudit".encode("utf-16-be").hex().upper().encode()
"""How the title of each of our pages ends, in the words of a PDF."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The files that a page is wanted in, and whether it is to be opened then. pictured: its first judgement goes into
    a file beside it, too. interactive: it bears a script of ours."""

    page: Path
    pdf: Path | None = None
    pictured: bool = False
    interactive: bool = False
    opened: bool = False

    def check(self, store: Path) -> None:
        """Raises UsageError where no page on the runs of `store` can be put."""
        check_place(self.page, store)
        if self.pictured:
            check_picture(self.page)
        if self.pdf:
            check_output(self.pdf, _PDF)
            check_no_twin(self.pdf, store, _PDF)
            check_own(self.pdf, _PDF, lambda head: head.startswith(b"%PDF-") and _TITLE in head)

    def put(self, view: PageView) -> ReportAnswer:
        """Write the page, each file whole or not at all. Raises UsageError, also where no browser prints it."""
        html = render_page(view, is_interactive=self.interactive)
        write_page(self.page, html)
        if self.pdf:
            write_output(self.pdf, self._printed(html), _PDF)
        picture = write_picture(view, self.page) if self.pictured else None
        if self.opened:
            show_page(self.page)
        return ReportAnswer(view=view, output=self.page, picture=picture, pdf=self.pdf)

    def _printed(self, html: str) -> bytes:
        try:
            return print_page(html)
        except BrowserError as error:
            by_hand = f"the page stands in {self.page}: open it in a browser and print it"
            raise UsageError(error.message, remedy=by_hand) from error
