"""`runaudit doctor`: is this store sound, and what to do where it is not."""

from typing import Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.text.verdicts import verdict_words

RepairOption = Annotated[
    bool, typer.Option("--repair", help="Mend by rule what can be mended; what was done is sealed in the log.")
]


@common.command()
def doctor(context: Context, repair: RepairOption = False) -> None:
    """Say what is wrong with the store, each thing with its remedy. Exit 4: something is damaged.

    What a process left that died between two steps is no damage: the next command works past it.
    """
    from runaudit.store.doctor import examine
    from runaudit.store.doctor_answer import DoctorAnswer
    from runaudit.store.repair import mend

    store = context.open()
    done = mend(store) if repair else ()
    answer = DoctorAnswer(found=examine(store), done=done)
    context.tell(answer)
    context.finish(verdict_words("doctor", answer.verdict).code)
