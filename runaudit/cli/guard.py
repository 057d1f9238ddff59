"""`runaudit guard`: may this run start? `runaudit rules`: every rule with its words."""

from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.cli.launching import describes_launch
from runaudit.guard.answer import RULES
from runaudit.guard.text import RulesAnswer
from runaudit.launch.asked import Asked, may_start
from runaudit.text.verdicts import verdict_words


@describes_launch
def guard(around: Context, asked: Asked) -> None:
    """May this run start? Takes the options of `run`, starts and seals nothing. Exit 0: it may; 5: it may not."""
    answer = may_start(asked, around.store_root, around.settings, cwd=common.here())
    around.tell(answer)
    around.finish(verdict_words("guard", answer.verdict).code)


@common.command()
def rules(around: Context) -> None:
    """Every rule with its words: what it asks, why, and whether it can be waived."""
    around.tell(RulesAnswer(rules=RULES))
