"""What `runaudit verify` can add: a signature over the head of the log, and an anchor outside the store."""

from pathlib import Path
from typing import Annotated

import typer

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
    typer.Option("--anchor", metavar="[git|FILE]", help="Keep the head of the log elsewhere: as a git note "
                 "(refs/notes/runaudit) for others to fetch, or in a file."),
]  # fmt: skip
CheckAnchorOption = Annotated[
    str | None,
    typer.Option("--check-anchor", metavar="[git|FILE]", help="Prove that the log extends every anchor of it there."),
]
SinceOption = Annotated[
    str | None,
    typer.Option("--since", metavar="[signed|git|FILE]", help="Do not read again what the newest signature of --key, "
                 "or the newest anchor there, vouches for; the log itself is always read whole."),
]  # fmt: skip
JobsOption = Annotated[int, typer.Option("-j", "--jobs", metavar="N", help="Processes that share the work; 0: all.")]
