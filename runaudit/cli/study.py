"""`runaudit study RUN…`: over many runs, what varies, what is inseparable, what can be estimated, what to run next."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import (
    CANNOT_JUDGE,
    INTEGRITY,
    NEGATIVE,
    Context,
    DebugOption,
    ExitZeroOption,
    Format,
    FormatOption,
    JsonOption,
    PolicyOption,
    QuietOption,
    StoreOption,
    VerboseOption,
)

if TYPE_CHECKING:
    from runaudit.records.run import Run
    from runaudit.store import Store

CODES = {
    "integrity_failure": INTEGRITY,
    "incomparable": NEGATIVE,
    "confounded": NEGATIVE,
    "provenance_incomplete": CANNOT_JUDGE,
    # Where nothing varies nothing was checked: never a pass.
    "replicate": CANNOT_JUDGE,
    "identical": CANNOT_JUDGE,
}


def _runs(context: Context, words: Sequence[str]) -> "list[Run]":
    """The runs that the words name, in any number; the store is opened and its labels read once."""
    from runaudit.cli.select import has_store, load_run, runs_named

    store = context.open() if has_store(context) else None
    unique = _ids(store, [word for word in words if "," not in word]) if store else {}
    found: list[Run] = []
    for word in words:
        if store is not None and word in unique and not Path(word).is_file():
            found.append(load_run(store, unique[word], trajectory=False))
        else:
            found += runs_named(context, word, trajectory=False)
    return found


def _ids(store: "Store", words: Sequence[str]) -> dict[str, str]:
    """The words that are the beginning of one id, or the label of one run, with that run's id."""
    from bisect import bisect_left

    from runaudit.store.catalogue import MIN_PREFIX, load_or_fault, run_ids

    ids = sorted(set(run_ids(store)))
    found: dict[str, str] = {}
    for word in (word for word in words if len(word) >= MIN_PREFIX and set(word) <= set("0123456789abcdef")):
        at = bisect_left(ids, word)
        hits = [run for run in ids[at : at + 2] if run.startswith(word)]
        if len(hits) == 1:
            found[word] = hits[0]
    if len(words) - len(found) > 1:
        labels: dict[str, list[str]] = {}
        for run in ids:
            labels.setdefault(load_or_fault(store, run, trajectory=False).manifest.label or "", []).append(run)
        found |= {word: labels[word][0] for word in words if word not in found and len(labels.get(word, ())) == 1}
    return found


def study(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Runs, cohorts, lists or record files.")],
    everything: Annotated[bool, typer.Option("--all", help="Every pair, gap and note.")] = False,
    store: StoreOption = None,
    policy: PolicyOption = None,
    format: FormatOption = Format.text,  # noqa: A002  (the option's name)
    json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    debug: DebugOption = False,
    exit_zero: ExitZeroOption = False,
) -> None:
    """Say which factors vary over many runs, which cannot be told apart, and which runs would separate them.

    Exit code 1 where factors are aliased, 3 where the records or the runs are too few to say.
    """
    from runaudit.study.answer import answer, judged
    from runaudit.study.study import study as judge
    from runaudit.study.text import headline, markdown_lines, text_lines

    context = common.context(store, policy, format=format, json=json, quiet=quiet, verbose=verbose)
    result = judge(_runs(context, runs), settings=context.settings)
    said = judged(result)
    if context.json:
        common.say_json(answer(result))
    elif context.quiet:
        common.say(headline(said))
    elif context.format is Format.md:
        common.say("\n".join(markdown_lines(result, said, everything=everything)))
    else:
        common.say("\n".join(text_lines(result, said, everything=everything, colour=common.use_colour())))
    common.finish(CODES.get(said.verdict, 0), exit_zero=exit_zero)
