"""The two kinds of line that `list` prints. Apart from all else, so that a listing from the index loads no judge."""

from runaudit.text.terminal import BOLD, GREEN, RED, Paint

FINISHED = ("completed", "early_stopped")
"""Statuses that are shown as good."""


def head_line(name: str, label: str, n: int, effective_n: int, *, paint: Paint) -> str:
    """A cohort in one line; `label` is printable."""
    return paint(f"{name}  {label}", BOLD) + f"  ({'1 run' if n == 1 else f'{n} runs'}, effective n {effective_n})"


def row_line(short: str, seed: str, status: str, started: str, metrics: str, *, paint: Paint) -> str:
    """A run in one line."""
    mark = paint(f"{status:<13}", GREEN if status in FINISHED else RED)
    return f"  {short}  seed {seed:<6}  {mark}  {started:<19}  {metrics}".rstrip()
