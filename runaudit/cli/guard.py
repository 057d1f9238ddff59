"""`runaudit guard`: may this run start? `runaudit rules`: every rule with its words."""

import tempfile
from dataclasses import replace
from pathlib import Path

from runaudit.capture.draft import LaunchRequest, open_store
from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.cli.launching import Options, describes_launch
from runaudit.guard.admission import prepare
from runaudit.guard.answer import RULES, GuardAnswer
from runaudit.guard.text import RulesAnswer
from runaudit.store import Store
from runaudit.text.verdicts import verdict_words


@describes_launch
def guard(around: Context, options: Options) -> None:
    """May this run start? Takes the options of `run`, starts and seals nothing. Exit 0: it may; 5: it may not."""
    answer = ask(around, options, cwd=common.here())
    around.tell(answer)
    around.finish(verdict_words("guard", answer.verdict).code)


def ask(around: Context, options: Options, *, cwd: Path) -> GuardAnswer:
    """The guard's answer. Where there is no store yet, none is made: the question leaves nothing behind."""
    request = options.request(cwd)
    if not options.command:
        # Asked before the command is written: this process is not what would run.
        request = replace(request, argv=None)
    if (around.store_root / "store.json").is_file():
        return _answer(around, options, Store.open(around.store_root), request)
    with tempfile.TemporaryDirectory(prefix="runaudit-") as folder:
        return _answer(around, options, open_store(Path(folder) / "store"), request)


def _answer(around: Context, options: Options, store: Store, request: LaunchRequest) -> GuardAnswer:
    return prepare(
        request,
        store,
        settings=around.settings,
        baseline=options.baseline,
        waive=options.waive,
        call=options.call("guard"),
    ).answer


@common.command()
def rules(around: Context) -> None:
    """Every rule with its words: what it asks, why, and whether it can be waived."""
    around.tell(RulesAnswer(rules=RULES))
