"""`runaudit claims`: numbers claimed in a README or a draft, held against sealed runs."""

from pathlib import Path
from typing import Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import Context


@common.command(exit_zero=True, assume=True)
def claims(
    context: Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.md", help="The text whose numbers are checked.")],
    metric: Annotated[
        str | None, typer.Option("--metric", metavar="M", help="The metric where the text names none.")
    ] = None,
) -> None:
    """Which numbers of a text the recorded runs support, which they do not, and which were not understood.

    Read are sentences ("flow staged improves full_frame/psnr by 0.9 dB over TERN staged"), tables of arms and metrics,
    and comments, which no page shows: <!-- runaudit: METRIC "ARM" vs "BASELINE" = +0.9 -->
    """
    from runaudit.claims.verdict import exit_code
    from runaudit.judge.claims import judge_file

    answer = judge_file(context.bench, file, metric=metric)
    context.tell(answer)
    context.finish(exit_code(answer.judged))
