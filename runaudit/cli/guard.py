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
from runaudit.guard.text import answer_text, rules_text
from runaudit.store import Store


@describes_launch
def guard(around: Context, options: Options) -> None:
    """May this run start? Takes the options of `run`, starts and seals nothing. Exit 0: it may; 5: it may not."""
    answer = ask(around, options, cwd=Path.cwd())
    if around.json:
        common.say_json(answer.to_json())
    else:
        common.say(common.printable(answer_text(answer, verbose=around.verbose)))
    around.finish(0 if answer.allowed else common.REFUSED)


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


def rules(
    format: common.FormatOption = common.Format.text,  # noqa: A002  (the option's name)
    json: common.JsonOption = False,
    debug: common.DebugOption = False,
) -> None:
    """Every rule with its words: what it asks, why, and whether it can be waived."""
    if json or format is common.Format.json:
        common.say_json({"schema": "runaudit.rules/1", "rules": [rule.to_json() for rule in RULES]})
    else:
        common.say(rules_text(RULES))
