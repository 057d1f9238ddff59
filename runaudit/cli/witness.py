"""What `runaudit verify` can add: a signature over the head of the log, and an anchor outside the store."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runaudit.errors import UsageError

if TYPE_CHECKING:
    from runaudit.store.anchor import Place

KeyOption = Annotated[
    Path | None,
    typer.Option("--key", metavar="PUB", help="Check the signatures of this public key. Without one, a rewriting of "
                 "the whole history cannot be seen."),
]  # fmt: skip
SignOption = Annotated[
    Path | None, typer.Option("--sign", metavar="KEY", help="Sign the head of the log with this Ed25519 key.")
]
AnchorOption = Annotated[
    str | None,
    typer.Option("--anchor", metavar="[git|wandb:PROJECT|FILE]", help="Keep the head of the log elsewhere: as a "
                 "git note (refs/notes/runaudit) for others to fetch, as an artifact of W&B, or in a file."),
]  # fmt: skip
CheckAnchorOption = Annotated[
    list[str] | None,
    typer.Option(
        "--check-anchor",
        metavar="[git|wandb:PROJECT|FILE]",
        help="Prove that the log extends every anchor of it there. Repeatable.",
    ),
]
SinceOption = Annotated[
    str | None,
    typer.Option("--since", metavar="[signed|git|wandb:PROJECT|line:N|FILE]", help="Do not read again what the "
                 "newest signature of --key, or the newest anchor there, vouches for, or what you verified up to line "
                 "N of the log; the log itself is always read whole."),
]  # fmt: skip
JobsOption = Annotated[
    int | None, typer.Option("-j", "--jobs", metavar="N", help="Processes that share the work; 0: one per CPU.", min=0)
]


def place_of(word: str) -> "Place":
    """The place that a word names. Raises UsageError for a project of W&B that cannot be one."""
    from runaudit.store.witness import place_of as near

    if not word.startswith("wandb:"):
        return near(word)
    project = word.removeprefix("wandb:")
    from runaudit.integrations.wandb_anchor import WandbAnchors

    if not all(project.split("/")) or project.count("/") > 1:
        raise UsageError(f"{word} names no project of W&B", remedy="write wandb:PROJECT or wandb:ENTITY/PROJECT")
    return WandbAnchors(project)
