"""`runaudit report RUN… -o FILE.html`: one self-contained page."""

from pathlib import Path
from typing import Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.text.verdicts import INTEGRITY
from runaudit.voice.saying import Format

DEFAULT = Path("report.html")
PLACE = "The page; with --format md a picture lies beside it, and FILE.md takes the Markdown."
LED = "Judge this metric; may be repeated, the first leads [what `list` shows; of a whole store what most arms have]."
PRINTED = "The page on paper as well, by a Chromium, Chrome or Edge of this machine."

Runs = Annotated[
    list[str] | None,
    typer.Argument(metavar="RUN…", help="Runs, cohorts or lists with commas: the arms [all runs of the store]."),
]
Output = Annotated[Path, typer.Option("-o", "--output", metavar="FILE.html", help=PLACE)]
Baseline = Annotated[
    str | None,
    typer.Option("--baseline", "--vs", metavar="RUN", help="Compare every arm with this one [else the one before]."),
]
FILED = "The arms of a campaign, each against its first, and how its jobs stand."
Campaign = Annotated[Path | None, typer.Option("--campaign", metavar="FILE.toml", help=FILED)]
Beside = Annotated[
    list[str] | None,
    typer.Option("--beside", metavar="RUN", help="Shown as well, compared with nothing; may be repeated."),
]
Metric = Annotated[list[str] | None, typer.Option("--metric", metavar="NAME", help=LED)]
WAY = "What is better in the metric; repeated, in that of the next --metric [what its name says]."
Direction = Annotated[list[str] | None, typer.Option("--direction", metavar="higher|lower", help=WAY)]
Curves = Annotated[
    list[str] | None,
    typer.Option("--curves", metavar="GLOB", help="Draw these series; may be repeated [what tells most]."),
]
Title = Annotated[str | None, typer.Option("--title", metavar="TEXT", help="The page's title.")]
Pdf = Annotated[Path | None, typer.Option("--pdf", metavar="FILE.pdf", help=PRINTED)]
Interactive = Annotated[bool, typer.Option("--interactive", help="With a script of its own: sort, read off, hide.")]
Open = Annotated[bool, typer.Option("--open", help="Open the page in a browser, where there is a screen.")]


@common.command(assume=True)
def report(
    context: Context,
    runs: Runs = None,
    *,
    output: Output = DEFAULT,
    campaign: Campaign = None,
    baseline: Baseline = None,
    beside: Beside = None,
    metric: Metric = None,
    direction: Direction = None,
    curves: Curves = None,
    title: Title = None,
    pdf: Pdf = None,
    interactive: Interactive = False,
    to_open: Open = False,
) -> None:
    """Write one page on these runs: the verdict, what changed, results, pictures, curves, statistics, provenance.

    Runs that differ only in their seed become one arm; each arm is compared with the one before it. The page loads
    nothing from anywhere. `--format md -o FILE.md` is for a pull request: FILE.md, FILE.svg to show in it, and the
    page as FILE.html; without -o the Markdown goes to stdout, and page and picture are report.html and report.svg.
    Exit code 0 where it was written, 4 where it shows a record that was damaged.
    """
    from runaudit.campaign.file import read_campaign
    from runaudit.report.gather import Wanted, gather
    from runaudit.report.places import Places

    places = Places(page=output, pdf=pdf, pictured=context.format is Format.md, interactive=interactive, opened=to_open)
    places.check(context.store_root)
    named = {"runs": runs or (), "beside": beside or (), "metrics": metric or (), "curves": curves or ()}
    named["directions"] = direction or ()
    plan = read_campaign(campaign, shared=context.given) if campaign else None
    page = gather(context.bench, Wanted(**named, campaign=plan, baseline=baseline, title=title))
    context.tell(places.put(page.view))
    context.finish(INTEGRITY if page.is_damaged else 0)
