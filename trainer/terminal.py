"""What a user sees of a run while it trains: on stderr, so that stdout is left to its result."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from trainer.context import EventKind
from trainer.skips import sentence


class TerminalLog:
    """A RunLog on stderr: a line per stage, validation and checkpoint-worthy event, nothing per step."""

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Print what was measured on held-out data."""
        shown = {k: v for k, v in values.items() if k.startswith("val/")}
        if shown:
            words = "  ".join(f"{name} {value:.5f}" for name, value in shown.items())
            print(f"step {step:6d}  {words}", file=sys.stderr, flush=True)

    def event(self, step: int, kind: EventKind, detail: Mapping[str, Any]) -> None:
        """Print the event."""
        if kind == "skipped":
            print(f"step {step:6d}  {sentence(detail)}", file=sys.stderr, flush=True)
            return
        if kind == "stage_end":
            early = f", ended {detail['ended']}" if "ended" in detail else ""
            told = f"stage {detail['stage']} ends: {detail['reason']}{early}"
            print(f"step {step:6d}  {told}", file=sys.stderr, flush=True)
            return
        words = "  ".join(f"{name} {value}" for name, value in detail.items())
        print(f"step {step:6d}  {kind}: {words}", file=sys.stderr, flush=True)

    def checkpoint(self, path: Path, *, step: int, kind: Literal["best", "last", "stage"]) -> None:
        """Say nothing: the result names the checkpoints."""


class UnheardLog:
    """A RunLog of a process that trains along: the first one tells."""

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Say nothing."""

    def event(self, step: int, kind: EventKind, detail: Mapping[str, Any]) -> None:
        """Say nothing."""

    def checkpoint(self, path: Path, *, step: int, kind: Literal["best", "last", "stage"]) -> None:
        """Say nothing."""
