"""`runaudit claims`: numbers claimed in a README or a draft, held against sealed runs."""

from pathlib import Path
from typing import Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.errors import UsageError
from runaudit.system.files import read_ordinary

LARGEST_TEXT_BYTES = 4 * 2**20


@common.command(exit_zero=True)
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
    from runaudit.judge.claims import judge_text

    answer = judge_text(context.bench, _text(file), file=str(file), metric=metric)
    context.tell(answer)
    context.finish(exit_code(answer.judged))


def _text(file: Path) -> str:
    path = common.existing_file(file, "the text")
    try:
        if path.stat().st_size > LARGEST_TEXT_BYTES:
            raise UsageError(f"{path} is larger than {LARGEST_TEXT_BYTES >> 20} MiB", remedy="give the text alone")
        return read_ordinary(path).decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror})", remedy="check its permissions") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text", remedy="save it as UTF-8") from error
