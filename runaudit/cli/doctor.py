"""`runaudit doctor` and `forget`: is this store sound, and what is taken out of it on purpose."""

import time
from typing import Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.text.verdicts import verdict_words

RepairOption = Annotated[
    bool, typer.Option("--repair", help="Repair by rule what can be repaired; what was done is sealed in the log.")
]

SecretsOption = Annotated[
    bool,
    typer.Option("--secrets", help="Read everything again for secrets, and name what to forget."),
]


@common.command()
def doctor(context: Context, repair: RepairOption = False, secrets: SecretsOption = False) -> None:
    """Say what is wrong with the store, each thing with its remedy. Exit 4: damaged; 1: a secret can be read.

    What a process left that died between two steps is no damage: the next command works past it.
    """
    from runaudit.store.doctor import Ailment, examine
    from runaudit.store.doctor_answer import DoctorAnswer
    from runaudit.store.repair import mend, mend_marker

    done = mend_marker(context.store.root) if repair else ()
    store = context.store.existing(as_it_is=not (repair or secrets))
    done += mend(store) if repair else ()
    leaks: tuple[Ailment, ...] = ()
    unread: int | None = None
    if secrets:
        from runaudit.runs.leaks import secrets_in, unread_in

        leaks, unread = tuple(secrets_in(store)), unread_in(store)
    answer = DoctorAnswer(found=(*examine(store), *leaks), done=done, unread=unread)
    context.tell(answer)
    context.finish(verdict_words("doctor", answer.verdict).code)


@common.command()
def forget(
    context: Context,
    words: Annotated[list[str], typer.Argument(metavar="RUN|OBJECT…", help="Whole runs, or objects as sha256:….")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it stands in the log for ever.")],
) -> None:
    """Take the bytes of objects, or of all that is a RUN's own, out of the store; a tombstone says what lay there.

    Sealed in the log, and not to be undone. What was forgotten is unknown from then on, never equal to anything.
    """
    from runaudit.runs.forgetting import forget_named
    from runaudit.system.clock import utc_text

    context.tell(forget_named(context.open(), context.settings, words, reason, time=utc_text(time.time())))
