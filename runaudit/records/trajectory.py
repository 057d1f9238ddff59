"""What a run logged while it ran: named series over steps, and events between them.

On disk a trajectory is JSON Lines, one line a call of `log`, because it must be readable in ten years with nothing but
a text editor, and because one `write` of one line is all that a step should cost:

    {"s":120,"t":1763690400.123,"v":{"train/loss":0.0412,"train/lr":0.002}}
    {"s":120,"t":1763690400.201,"e":"stage","d":{"name":"super_resolution"}}

Non-finite values are the strings "nan", "inf", "-inf": a diverged run must be recordable. A line that a killed process
left half-written is the last one or belongs to another writer; it is cut on reading and counted, never guessed at.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

NON_FINITE = {"nan": math.nan, ".nan": math.nan,
              **dict.fromkeys(("inf", "+inf", "infinity", "+infinity", ".inf", "+.inf"), math.inf),
              **dict.fromkeys(("-inf", "-infinity", "-.inf"), -math.inf)}  # fmt: skip
"""How numbers beyond all numbers are written, in small letters: ours, JavaScript's (W&B, Plotly), C's, YAML's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A moment that starts a new segment: a stage begins, a run resumes. Not a series, so no rule sees a jump."""

    step: int
    kind: str
    detail: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    leads: bool | None = field(default=None, compare=False)
    """Whether what was logged at its very step came after it, and is of the new segment; None: nobody knows."""

    @property
    def stage(self) -> str:
        """What the stage is called that an event begins."""
        return str(self.detail.get("name", self.detail.get("stage", "stage")))

    @property
    def boundary(self) -> int:
        """The last step before the new segment. What was logged at the step of an event is told of what was done before
        it (the last loss of a stage, its validation), unless it came later."""
        return self.step - 1 if self.leads else self.step


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectory:
    """Series name -> ((step, value), …) in the order logged; events; how many torn lines were cut."""

    series: Mapping[str, Sequence[tuple[int, float]]] = field(default_factory=lambda: MappingProxyType({}))
    events: tuple[Event, ...] = ()
    torn: int = 0

    def last(self, name: str) -> float | None:
        """The last value of a series, or None where it was never logged."""
        points = self.series.get(name)
        return points[-1][1] if points else None

    def last_step(self) -> int | None:
        """The largest step anything was logged at."""
        steps = [points[-1][0] for points in self.series.values() if points]
        return max(steps) if steps else None


def number(value: object) -> float | None:
    """A logged value as a float, or None where it is not a number."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        try:
            return float(value)
        except OverflowError:  # An integer beyond every float: what a float of that size becomes.
            return math.inf if value > 0 else -math.inf
    return NON_FINITE.get(value.lower()) if isinstance(value, str) else None


def same_points(a: Sequence[tuple[int, float]], b: Sequence[tuple[int, float]]) -> bool:
    """Whether two series hold the same numbers at the same steps; NaN is NaN."""
    return len(a) == len(b) and all(
        step == at and (x == y or (math.isnan(x) and math.isnan(y))) for (step, x), (at, y) in zip(a, b, strict=True)
    )


def value_text(value: float) -> str:
    """A float as one JSON token; non-finite ones as strings."""
    return repr(value) if math.isfinite(value) else f'"{value}"'


def read_lines(raw: bytes) -> Trajectory:
    """The trajectory in `raw`, whole lines only."""
    series: dict[str, list[tuple[int, float]]] = {}
    events: list[Event] = []
    torn = 0
    for row in line_rows(raw):
        if row is None:
            torn += 1
        elif "e" in row:
            detail = MappingProxyType(dict(row.get("d", {})))
            events.append(Event(step=row["s"], kind=str(row["e"]), detail=detail, leads=False))
        else:
            at = len(events)
            while at and events[at - 1].step == row["s"]:
                at -= 1
                events[at] = replace(events[at], leads=True)
            for name, value in row["v"].items():
                if (point := number(value)) is not None:
                    series.setdefault(name, []).append((row["s"], point))
    return Trajectory(
        series=MappingProxyType({name: tuple(points) for name, points in series.items()}),
        events=tuple(events),
        torn=torn,
    )


def line_rows(raw: bytes) -> Iterator[dict[str, Any] | None]:
    """Each line parsed; None for a torn one. A last line without its newline is torn even if it parses by luck."""
    *lines, rest = raw.split(b"\n")
    for line in filter(None, lines):
        row = _row(line)
        yield row
        # After a torn write the next writer's whole line follows on the same line: it is not lost with it.
        if row is None and (start := line.rfind(b'{"s":')) > 0 and (saved := _row(line[start:])):
            yield saved
    if rest:
        yield None


def _row(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    if not isinstance(row, dict) or not isinstance(row.get("s"), int):
        return None
    return row if "e" in row or isinstance(row.get("v"), dict) else None


def whole_lines(raw: bytes) -> bytes:
    """`raw` without a torn tail: what is sealed when a run ends."""
    return raw[: raw.rfind(b"\n") + 1]


def write_lines(trajectory: Trajectory) -> bytes:
    """A trajectory that came from elsewhere, in our own form; steps in order, series grouped a step."""
    steps: dict[int, dict[str, float]] = {}
    extra: list[tuple[int, str, float]] = []
    for name, points in trajectory.series.items():
        for step, value in points:
            row = steps.setdefault(step, {})
            # A series that has two values at one step (a resumed run) keeps both, in the order they came.
            if name in row:
                extra.append((step, name, value))
            else:
                row[name] = value
    rows = [(step, line_of(step, values)) for step, values in steps.items()]
    rows += [(step, line_of(step, {name: value})) for step, name, value in extra]
    rows += [(event.step, event_line(event.step, event.kind, event.detail)) for event in trajectory.events]
    return b"".join(line for _, line in sorted(rows, key=lambda row: row[0]))


def line_of(step: int, values: Mapping[str, float], *, time_s: float | None = None) -> bytes:
    """One step as one line. Names are JSON-quoted, values keep all their digits."""
    body = ",".join(f"{json.dumps(name)}:{value_text(float(value))}" for name, value in values.items())
    clock = "" if time_s is None else f'"t":{time_s:.3f},'
    return f'{{"s":{step},{clock}"v":{{{body}}}}}\n'.encode()


def event_line(step: int, kind: str, detail: Mapping[str, Any], *, time_s: float | None = None) -> bytes:
    """One event as one line."""
    row: dict[str, Any] = {"s": step}
    if time_s is not None:
        row["t"] = round(time_s, 3)
    return (json.dumps(row | {"e": kind, "d": dict(detail)}, separators=(",", ":"), default=str) + "\n").encode()
