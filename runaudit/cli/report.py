"""`runaudit report RUN… -o FILE.html`: one self-contained page."""

from pathlib import Path
from typing import Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.voice.saying import Format

DEFAULT = Path("report.html")
LED = "Judge this metric; may be repeated, the first leads [the one `list` shows]."
PRINTED = "The page on paper as well, by a Chromium, Chrome or Edge of this machine."

Runs = Annotated[
    list[str] | None,
    typer.Argument(metavar="RUN…", help="Runs, cohorts or lists with commas: the arms [all runs of the store]."),
]
Output = Annotated[
    Path, typer.Option("-o", "--output", metavar="FILE.html", help="Where the page goes: a new file, or an older page.")
]
Baseline = Annotated[
<<<<<<< HEAD
    str | None, typer.Option("--baseline", metavar="RUN", help="Hold every arm against this one [else the one before].")
=======
    str | None, typer.Option("--baseline", metavar="RUN", help="Compare every arm with this one [else the one before].")
>>>>>>> integ
]
Beside = Annotated[
    list[str] | None, typer.Option("--beside", metavar="RUN", help="Shown as well, compared with nothing; repeatable.")
]
<<<<<<< HEAD
Metric = Annotated[
    list[str] | None,
    typer.Option("--metric", metavar="NAME", help="Judge this one; may be repeated, the first leads [that of `list`]."),
]
=======
Metric = Annotated[list[str] | None, typer.Option("--metric", metavar="NAME", help=LED)]
>>>>>>> integ
Direction = Annotated[
    str | None, typer.Option("--direction", metavar="higher|lower", help="What counts as better in the first metric.")
]
Curves = Annotated[
    list[str] | None,
    typer.Option(
        "--curves", metavar="GLOB", help="Draw the series of these names; may be repeated [the telling ones]."
    ),
]
Title = Annotated[str | None, typer.Option("--title", metavar="TEXT", help="The page's title.")]
<<<<<<< HEAD
Pdf = Annotated[
    Path | None, typer.Option("--pdf", metavar="FILE.pdf", help="On paper as well, by a Chromium, Chrome or Edge here.")
]
=======
Pdf = Annotated[Path | None, typer.Option("--pdf", metavar="FILE.pdf", help=PRINTED)]
>>>>>>> integ
Open = Annotated[bool, typer.Option("--open", help="Open the page in a browser, where there is a screen.")]


@common.command(assume=True)
def report(
    context: Context,
    runs: Runs = None,
    *,
    output: Output = DEFAULT,
    baseline: Baseline = None,
    beside: Beside = None,
    metric: Metric = None,
    direction: Direction = None,
    curves: Curves = None,
    title: Title = None,
    pdf: Pdf = None,
    to_open: Open = False,
) -> None:
    """Write one page on these runs: the verdict, what changed, results, pictures, curves, statistics, provenance.

    Runs that differ only in their seed become one arm; each arm is compared with the one before it. The page loads
    nothing from anywhere. Exit code 0 where it was written, 4 where it shows a record that was damaged.
    """
<<<<<<< HEAD
    from runaudit.report.gather import Wanted
    from runaudit.report.make import make_page

    wanted = Wanted(runs=runs or (), baseline=baseline, beside=beside or (), metrics=metric or (), direction=direction,
                    curves=curves or (), title=title)  # fmt: skip
    is_md = context.format is Format.md
    answer, code = make_page(context.bench, wanted, output, pdf=pdf, with_picture=is_md, to_open=to_open)
    context.tell(answer)
    context.finish(code)
=======
    from runaudit.report.gather import Wanted, gather
    from runaudit.report.places import Places

    places = Places(page=output, pdf=pdf, opened=to_open)
    places.check(context.store_root)
    named = {"runs": runs or (), "beside": beside or (), "metrics": metric or ()}
    page = gather(context.bench, Wanted(**named, baseline=baseline, direction=direction, title=title))
    context.tell(places.put(page.view))
    context.finish(INTEGRITY if page.is_damaged else 0)
>>>>>>> integ
