"""`runaudit report RUN… -o FILE.html`: one self-contained page."""

from pathlib import Path
from typing import Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.text.verdicts import INTEGRITY

DEFAULT = Path("report.html")


@common.command(assume=True)
def report(
    context: Context,
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="RUN…", help="Runs, cohorts or lists with commas: the arms [all runs of the store]."),
    ] = None,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="FILE.html", help="Where the page goes: a new file, or an older page."),
    ] = DEFAULT,
    baseline: Annotated[
        str | None,
        typer.Option("--baseline", metavar="RUN", help="Compare every arm with this one [else the one before]."),
    ] = None,
    beside: Annotated[
        list[str] | None,
        typer.Option("--beside", metavar="RUN", help="Shown as well, compared with nothing; may be repeated."),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            metavar="NAME",
            help="Judge this metric; may be repeated, the first leads [the one `list` shows].",
        ),
    ] = None,
    direction: Annotated[
        str | None,
        typer.Option("--direction", metavar="higher|lower", help="What counts as better in the first metric."),
    ] = None,
    title: Annotated[str | None, typer.Option("--title", metavar="TEXT", help="The page's title.")] = None,
) -> None:
    """Write one page on these runs: the verdict, what changed, results, pictures, curves, statistics, provenance.

    Runs that differ only in their seed become one arm; each arm is compared with the one before it. The page loads
    nothing from anywhere. Exit code 0 where it was written, 4 where it shows a record that was damaged.
    """
    from runaudit.report import check_place, render_page, write_page
    from runaudit.report.answer import ReportAnswer
    from runaudit.report.gather import Wanted, gather

    check_place(output, context.store_root)
    wanted = Wanted(
        runs=runs or (),
        baseline=baseline,
        beside=beside or (),
        metrics=metric or (),
        direction=direction,
        title=title,
    )
    page = gather(context.bench, wanted)
    write_page(output, render_page(page.view))
    context.tell(ReportAnswer(view=page.view, output=output))
    context.finish(INTEGRITY if page.is_damaged else 0)
