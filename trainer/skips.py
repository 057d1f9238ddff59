"""Steps that were not taken: why, and which tiles and tensors were to blame.

A run that says "1 % of the steps were bad" is a riddle; one that names the burst is a file to look at. Nothing here is
computed while all is well: what was not finite is looked for only after a step has failed.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from trainer.samples import Batch

REASONS: Mapping[str, str] = {
    "input": "the input is not finite",
    "loss": "the loss is not finite (overflow or NaN)",
    "gradient": "non-finite gradients (overflow or NaN)",
    "spike": "the gradient is too long (optim.spike_factor)",
    "loss_spike": "the loss has leapt (optim.loss_spike_factor)",
}
"""Why a step was not taken, in words that name what was seen. What it came from is another question."""
MOST_TOLD = 200  # events of a run: those of a run that loses every third step would fill a disk, and say nothing new
MOST_NAMED = 4


def bad_inputs(batch: Batch) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Which tensors of a batch are not finite, and the positions of the tiles they are not finite in."""
    parts = {"frames": batch.lr, "truth": batch.hr}
    whole = {name: torch.isfinite(tensor).flatten(1).all(1).tolist() for name, tensor in parts.items()}
    what = tuple(name for name, rows in whole.items() if not all(rows))
    tiles = tuple(id_ for id_, *rows in zip(batch.ids, *whole.values(), strict=True) if not all(rows))
    return what, tiles


def bad_gradients(named: Iterable[tuple[str, nn.Parameter]]) -> tuple[str, ...]:
    """The parameters whose gradients are not finite, the first few by name."""
    found = [name for name, p in named if p.grad is not None and not bool(torch.isfinite(p.grad).all())]
    return tuple(found[:MOST_NAMED])


def detail(
    fault: str, *, ranks: Iterable[tuple[Sequence[str], Sequence[int]]], ids: Sequence[str], value: float | None
) -> dict[str, Any]:
    """A step that was not taken as its event tells it, in plain JSON.

    ranks: of each process what was to blame and the positions of its tiles. ids: the names of all tiles. value: what
    was too large for the guard against spikes, if that was it.
    """
    what, positions = zip(*ranks, strict=True)
    tiles = [ids[at] for part in positions for at in part]
    told: dict[str, Any] = {
        "reason": fault,
        "what": list(dict.fromkeys(word for part in what for word in part)),
        "tiles": tiles,
        "bursts": list(dict.fromkeys(tile.rsplit("/", 2)[0] for tile in tiles)),
    }
    return told if value is None else told | {"value": value}


def sentence(told: Mapping[str, Any]) -> str:
    """The same in one line for a terminal."""
    what = f": {', '.join(told['what'])}" if told["what"] else f", {told['value']:.4g}" if "value" in told else ""
    tiles, rest = told["tiles"][:MOST_NAMED], len(told["tiles"]) - MOST_NAMED
    where = ", ".join(tiles) + (f" and {rest} more" if rest > 0 else "")
    place = ("in" if told["reason"] == "input" else "in a batch of") if where else ""
    return f"step not taken, {REASONS[told['reason']]}{what} {place} {where}".rstrip()
