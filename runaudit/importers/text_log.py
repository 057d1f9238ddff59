"""The log that a training prints: nanoGPT's lines, Megatron's rows, DeepSpeed's and its overflows.

Such a file holds a loss every so many steps, often the loss scale and the gradient norm, and nothing of settings, code
or data: enough to see what went wrong, never enough to say why two runs differ. It is read only where it is asked for
by name, since what is printed beside a tracker's record would be a second run of one training.

    iter 250: loss 3.1415, time 123.45ms, mfu 12.30%                                        nanoGPT
    step 250: train loss 3.1415, val loss 3.2718
    iteration 100/ 1000 | … | lm loss: 6.5E+00 | loss scale: 65536.0 | grad norm: 1.234 |   Megatron
    validation loss at iteration 1000 | lm loss value: 2.5E+00 | lm loss PPL: 1.2E+01 |
    steps: 10 loss: 4.3210 iter time (s): 0.512 samples/sec: 31.250                         DeepSpeed
    [Rank 0] step=10, skipped=2, lr=[5e-05], mom=[[0.9, 0.999]]
    OVERFLOW! Rank 0 Skipping step. Attempted loss scale: 65536, reducing to 32768
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from runaudit.errors import RecordError
from runaudit.importers.base import Skipped
from runaudit.importers.draft import Draft
from runaudit.importers.opened import MAX_LOG_BYTES, foreign_bytes
from runaudit.system.files import open_ordinary

WHOLE = False
ENDS = (".log", ".out", ".txt", ".stdout")
"""How a file may be called that is looked at among others; one that is named by itself may be called as it likes."""
_LOOKED_AT = 1 << 20
"""Bytes of a file that tell whether it is such a log: many print their settings first."""
LONGEST = 4000
"""Letters of a line that are looked at: a progress bar writes megabytes into one."""
_N = r"([-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|inf|infinity))"
_NANOGPT = re.compile(rf"\biter (\d+): loss {_N}, time {_N}ms(?:, mfu {_N}%)?", re.IGNORECASE)
_ESTIMATE = re.compile(rf"\bstep (\d+): train loss {_N}, val loss {_N}", re.IGNORECASE)
_MEGATRON = re.compile(r"\biteration\s+(\d+)/\s*\d+\s*\|(.*)")
_VALIDATION = re.compile(r"\b(validation|test) loss at iteration (\d+)[^|]*\|(.*)")
_CELL = re.compile(rf"\s*([A-Za-z][^|:]*?)\s*:\s*{_N}\s*", re.IGNORECASE)
_DEEPSPEED = re.compile(rf"\bsteps: (\d+) loss: {_N} iter time \(s\): {_N} samples/sec: {_N}", re.IGNORECASE)
_RANK = re.compile(rf"\bstep=(\d+), skipped=(\d+), lr=\[{_N}", re.IGNORECASE)
_OVERFLOW = re.compile(rf"overflow.{{0,80}}?loss scale:? {_N}, reducing to {_N}", re.IGNORECASE)
_NAMES = {
    "lm loss": "train/lm_loss",
    "loss scale": "amp/scale",
    "grad norm": "train/grad_norm",
    "params norm": "train/params_norm",
    "learning rate": "train/lr",
    "elapsed time per iteration (ms)": "time/iteration_ms",
}
"""What Megatron's cells are called here; any other keeps its name."""
_SINCE = {"number of skipped iterations": "amp/skipped", "number of nan iterations": "train/nan_iterations"}
"""Cells that count since the last row: series of all that were counted so far."""
_COUNTERS = frozenset({"consumed samples", "consumed tokens", "global batch size", "micro batch size"})
"""Cells that count, or tell a setting: no series."""

UNKNOWN = {
    "config": "a printed log holds no settings",
    "code": "a printed log says nothing of it",
}
Rows = Iterator[tuple[int | None, Mapping[str, float | None]]]


def places(here: Path, folders: Sequence[str], files: Sequence[str]) -> Sequence[Path]:
    """The logs of a folder by their names; any file that was named itself (no `folders`)."""
    return [here / name for name in files if folders == () or name.lower().endswith(ENDS)]


def is_one(path: Path) -> bool:
    """Whether a file begins as a log of which a line is known."""
    try:
        with open_ordinary(path, within=path.parent) as file:
            return any(True for _ in _rows(file.read(_LOOKED_AT) or b""))
    except OSError:
        return False


def read(place: Path, within: Path) -> Iterator[Draft | Skipped]:
    """The run of a log; one in which no line is known is skipped. Raises RecordError for what cannot be read."""
    raw = foreign_bytes(place, within, most=MAX_LOG_BYTES)
    if raw is None:
        raise RecordError(f"{place} is not there", remedy="check the path")
    series: dict[str, list[tuple[int, float]]] = {}
    last = 0
    for step, values in _rows(raw):
        # An overflow is told between two steps, without a number of its own.
        last = last + 1 if step is None and "amp/scale" in values else step if step is not None else last
        for name, value in values.items():
            if value is not None:
                if name in _SINCE:
                    name = _SINCE[name]
                    value += series[name][-1][1] if name in series else 0.0
                series.setdefault(name, []).append((last, value))
    if not series:
        yield Skipped(source=str(place), reason="no line of it is one of nanoGPT, Megatron or DeepSpeed")
        return
    yield Draft(
        kind="text-log", source=str(place), run=place.absolute().name, config=None, series=series, unknown=UNKNOWN
    )  # fmt: skip


def _rows(raw: bytes) -> Rows:
    """(step, values) of every line that is known; an overflow has no step."""
    for line in raw.replace(b"\r", b"\n").split(b"\n"):
        yield from _row(line[:LONGEST].decode("utf-8", "replace"))


def _row(line: str) -> Rows:
    if found := _NANOGPT.search(line):
        yield int(found[1]), {"train/loss": _float(found[2]), "time/iteration_ms": _float(found[3])}
    elif found := _ESTIMATE.search(line):
        yield int(found[1]), {"train/loss_estimate": _float(found[2]), "val/loss": _float(found[3])}
    elif found := _MEGATRON.search(line):
        yield int(found[1]), _cells(found[2], "train")
    elif found := _VALIDATION.search(line):
        yield int(found[2]), _cells(found[3], "val" if found[1] == "validation" else "test")
    elif found := _DEEPSPEED.search(line):
        yield int(found[1]), {"train/loss": _float(found[2]), "time/iteration_s": _float(found[3])}
    elif found := _RANK.search(line):
        yield int(found[1]), {"amp/skipped": _float(found[2]), "train/lr": _float(found[3])}
    elif found := _OVERFLOW.search(line):
        yield None, {"amp/scale": _float(found[2])}


def _cells(text: str, place: str) -> dict[str, float | None]:
    """The cells of a row, `name: value | name: value`."""
    found: dict[str, float | None] = {}
    for cell in text.split("|"):
        match = _CELL.fullmatch(cell)
        if match is None or match[1].lower() in _COUNTERS:
            continue
        name = match[1].lower()
        if name in _SINCE:
            found[name] = _float(match[2])
            continue
        plain = name.removesuffix(" value").replace(" ", "_")
        found[_NAMES.get(name, f"{place}/{plain}") if place == "train" else f"{place}/{plain}"] = _float(match[2])
    return found


def _float(text: str | None) -> float | None:
    return None if text is None else float(text)
