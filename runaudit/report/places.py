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
from runaudit.text.terminal import harmless
from runaudit.voice.gate import Gate

_PDF = "the PDF"
_MARKDOWN = "the Markdown"
_OURS = "<!-- runaudit report -->"
"""How each of our texts for a pull request begins: nobody sees it there, and another's file is not replaced."""
_TITLE = " · runaudit".encode("utf-16-be").hex().upper().encode()
"""How the title of each of our pages ends, in the words of a PDF."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The files that a page is wanted in, and whether it is to be opened then. pictured: it is for a pull request, and
    its first judgement goes into a picture beside it, too; a `page` called .md is the text for it, and the page itself
    lies beside. interactive: it bears a script of ours."""

    page: Path
    pdf: Path | None = None
    pictured: bool = False
    interactive: bool = False
    opened: bool = False

    def check(self, store: Path) -> None:
        """Raises UsageError where no page on the runs of `store` can be put."""
        if self._is_text:
            check_output(self.page, _MARKDOWN)
            check_no_twin(self.page, store, _MARKDOWN)
            check_own(self.page, _MARKDOWN, lambda head: head.startswith(_OURS.encode()))
        check_place(self._html, store, pictured=self.pictured)
        if self.pictured:
            check_picture(self._html)
        if self.pdf:
            if self.pdf.suffix.lower() != ".pdf":
                named = f"{self.pdf.stem or 'FILE'}.pdf"
                raise UsageError(f"the PDF would be called {self.pdf}", remedy=f"name {named}; -o is for the page")
            check_output(self.pdf, _PDF)
            check_no_twin(self.pdf, store, _PDF)
            check_own(self.pdf, _PDF, lambda head: head.startswith(b"%PDF-") and _TITLE in head)

    def put(self, view: PageView) -> ReportAnswer:
        """Write the page, each file whole or not at all. Raises UsageError, also where no browser prints it."""
        html = render_page(view, is_interactive=self.interactive)
        write_page(self._html, html)
        if self.pdf:
            write_output(self.pdf, self._printed(html), _PDF)
        picture = write_picture(view, self._html) if self.pictured else None
        answer = ReportAnswer(view=view, output=self._html, picture=picture, pdf=self.pdf)
        if self._is_text:
            lines = "\n".join((_OURS, *map(harmless, answer.markdown_lines())))
            write_output(self.page, f"{Gate().text(lines)}\n".encode(), _MARKDOWN)
        if self.opened:
            show_page(self._html)
        return answer

    @property
    def _is_text(self) -> bool:
        return self.pictured and self.page.suffix.lower() == ".md"

    @property
    def _html(self) -> Path:
        return self.page.with_suffix(".html") if self._is_text else self.page

    def _printed(self, html: str) -> bytes:
        try:
            return print_page(html)
        except BrowserError as error:
            by_hand = f"the page stands in {self._html}: open it in a browser and print it"
            raise UsageError(error.message, remedy=by_hand) from error
