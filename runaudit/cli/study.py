"""`runaudit study RUN…`: over many runs, what varies, what is inseparable, what can be estimated, what to run next."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.text.verdicts import verdict_words

if TYPE_CHECKING:
    from runaudit.records.run import Run
    from runaudit.store import Store


def _runs(context: Context, words: Sequence[str]) -> "list[Run]":
    """The runs that the words name, in any number: the store is opened, and read where labels ask for it, once."""
    from runaudit.runs.names import has_store, is_file, load_run, runs_named

    store = context.open() if has_store(context.store) else None
    named = _by_prefix(store, words) if store else {}
    rest = [word for word in words if word not in named and not is_file(word)]
    if store is not None and len(rest) > 1:
        named |= _by_name(store, rest, context)
    found: list[Run] = []
    for word in words:
        if store is not None and word in named and not is_file(word):
            found += [load_run(store, run_id, trajectory=False) for run_id in named[word]]
        else:
            found += runs_named(context.store, context.settings, word, trajectory=False)
    return found


def _by_prefix(store: "Store", words: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The words that are the beginning of exactly one id."""
    from bisect import bisect_left

    from runaudit.store.catalogue import MIN_PREFIX, run_ids

    ids = sorted(set(run_ids(store)))
    found: dict[str, tuple[str, ...]] = {}
    for word in (word for word in words if len(word) >= MIN_PREFIX and set(word) <= set("0123456789abcdef")):
        at = bisect_left(ids, word)
        hits = tuple(run for run in ids[at : at + 2] if run.startswith(word))
        if len(hits) == 1:
            found[word] = hits
    return found


def _by_name(store: "Store", words: Sequence[str], context: Context) -> dict[str, tuple[str, ...]]:
    """The words that are the label of one run, or a cohort's id."""
    from runaudit.factors.cohort import cohorts
    from runaudit.runs.names import all_runs

    runs = all_runs(store)
    labels: dict[str, list[str]] = {}
    for run in runs:
        labels.setdefault(run.manifest.label or "", []).append(run.id)
    found = {word: tuple(labels[word]) for word in words if len(labels.get(word, ())) == 1}
    if len(found) < len(set(words)):
        groups = {group.id: group for group in cohorts(runs, settings=context.settings)}
        found |= {word: tuple(run.id for run in groups[word].runs) for word in words if word in groups}
    return found


@common.command(exit_zero=True)
def study(
    context: Context,
    runs: Annotated[
        list[str] | None, typer.Argument(metavar="[RUN]...", help="Runs, cohorts, lists or record files [all].")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every pair, gap and note.")] = False,
) -> None:
    """Say which factors vary over many runs, which cannot be told apart, and which runs would separate them.

    Exit code 1 where factors are aliased, 3 where the records or the runs are too few to say.
    """
    from runaudit.judge.many import study_runs
    from runaudit.study.text import StudyAnswer

    found = _runs(context, runs) if runs else context.bench.everything()
    answer = StudyAnswer(study=study_runs(found, context.settings))
    context.tell(answer, verbose=everything)
    context.finish(verdict_words("study", answer.judgement.verdict).code)
