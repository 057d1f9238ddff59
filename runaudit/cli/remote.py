"""`runaudit push` and `pull`: runs between this store and one elsewhere. `gc`: room made in this one."""

import time
from typing import Annotated

import typer

from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.text.verdicts import INTEGRITY
from runaudit.voice.saying import hint

RemoteWord = Annotated[
    str, typer.Argument(metavar="REMOTE", help="A folder, s3://…, gs://…, ssh://…, or a name of [remotes].")
]


@common.command()
def push(
    context: Context,
    remote: RemoteWord,
    runs: Annotated[list[str] | None, typer.Argument(metavar="[RUN]...", help="Runs [all that have ended].")] = None,
) -> None:
    """Send runs, and the log that counts them, to a remote. Nothing there is written over; what it has is not sent.

    A remote is made where nothing lies. Keys and passwords are the environment's, as the protocol's package reads them.
    """
    from runaudit.remote.place import place_named
    from runaudit.remote.push import push as send
    from runaudit.system.clock import utc_text

    store, place = context.open(), place_named(remote, context.settings.remotes)
    answer = send(store, context.settings, place, runs or (), time=utc_text(time.time()))
    context.tell(answer)
    context.finish(INTEGRITY if answer.damaged else 0)


@common.command()
def pull(
    context: Context,
    remote: RemoteWord,
    runs: Annotated[list[str] | None, typer.Argument(metavar="[RUN]...", help="Runs of the remote [all].")] = None,
) -> None:
    """Take in runs of a remote, each whole or not at all: every byte is held against its digest first.

    A damaged run is left out and named (exit 4). A run that was pulled is somebody else's: `rerun` wants --trust.
    """
    from runaudit.remote.place import place_named
    from runaudit.remote.pull import pull as fetch
    from runaudit.system.clock import utc_text

    place = place_named(remote, context.settings.remotes)
    answer = fetch(context.store, context.create, place, runs or (), time=utc_text(time.time()))
    context.tell(answer)
    context.finish(INTEGRITY if answer.damaged else 0)


@common.command()
def gc(
    context: Context,
    yes: Annotated[bool, typer.Option("--yes", help="Remove it; the log tells of it for ever.")] = False,
) -> None:
    """List what no sealed record needs; with --yes remove it. What a launch may be about to name stays.

    Checkpoints of archived runs go where the policy says so: [gc] archived_checkpoints = "best" keeps the best ones
    alone (the last one of a run that names none), "none" none, "all" is the default. What another run began with stays.
    """
    from runaudit.runs.clearing import clear, clearing
    from runaudit.system.clock import utc_text

    store = context.open()
    found = clearing(store, context.settings)
    found = clear(store, found, time=utc_text(time.time())) if yes else found
    context.tell(found)
    for note in () if context.json else found.notes:
        hint(note)
