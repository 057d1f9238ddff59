"""`runaudit guard`: may this run start? `runaudit rules`: every rule with its words."""

from typing import Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.cli.launching import describes_launch
from runaudit.guard.pages import RulesAnswer
from runaudit.guard.rulebook import every_rule, named_rule
from runaudit.launch.asked import Asked, may_start
from runaudit.text.verdicts import verdict_words
from runaudit.voice.failed import here


@describes_launch
def guard(around: Context, asked: Asked) -> None:
    """May this run start? Takes the options of `run` for one seed, starts and seals nothing. Exit 0: it may; 5: no."""
    answer = may_start(asked, around.store_root, around.settings, cwd=here())
    around.tell(answer)
    around.finish(verdict_words("guard", answer.verdict).code)


@common.command()
def rules(
    around: Context,
    rule: Annotated[str | None, typer.Argument(metavar="[RULE]", help="A code or a name: one page.")] = None,
) -> None:
    """Every rule with its words: what it asks, why, and what can be done about it; one of them as a page."""
    shown = every_rule() if rule is None else (named_rule(rule),)
    around.tell(RulesAnswer(rules=shown, policy=around.settings.rules, alone=rule is not None))
