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
    bool,
    typer.Option("--anchor", help="Write the head of the log as a git note (refs/notes/runaudit) for others to fetch."),
]
CheckAnchorOption = Annotated[
    bool, typer.Option("--check-anchor", help="Hold the log against the anchors in this repository's notes.")
]
