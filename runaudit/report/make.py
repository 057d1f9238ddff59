"""A page with all that goes beside it: checked before the work, made, and put in its place."""

from pathlib import Path

from runaudit.judge.bench import Bench
from runaudit.report.answer import ReportAnswer
from runaudit.report.gather import Wanted, gather
from runaudit.report.html import check_place, render_page, write_page
from runaudit.report.paper import check_pdf_place, write_pdf
from runaudit.report.picture import check_picture, write_picture
from runaudit.system.browser import show_page
from runaudit.text.verdicts import INTEGRITY, PASS


def make_page(
    bench: Bench,
    wanted: Wanted,
    output: Path,
    *,
    pdf: Path | None = None,
    with_picture: bool = False,
    to_open: bool = False,
) -> tuple[ReportAnswer, int]:
    """The page at `output`, and what it says first with the exit code. pdf: it goes on paper as well. with_picture: its
    first judgement goes beside it as a file of its own. to_open: it is shown. Raises UsageError."""
    check_place(output, bench.store.root)
    if with_picture:
        check_picture(output)
    if pdf:
        check_pdf_place(pdf, bench.store.root)
    page = gather(bench, wanted)
    html = render_page(page.view)
    write_page(output, html)
    if pdf:
        write_pdf(pdf, html, page=output)
    picture = write_picture(page.view, output) if with_picture else None
    if to_open:
        show_page(output)
    answer = ReportAnswer(view=page.view, output=output, picture=picture, pdf=pdf)
    return answer, INTEGRITY if page.is_damaged else PASS
