"""Result files of MLPerf Training, `result_0.txt` and its siblings: one log is one run, told line by line.

    :::MLLOG {"key": "seed", "value": 7, "time_ms": 1634349960012, "event_type": …, "metadata": {…}}   since 1.0
    :::MLL 1562084455.286 seed: {"value": 7, "metadata": {…}}                                          0.6 and 0.7
    :::MLPv0.5.0 resnet 1541696812.139 (train.py:123) run_set_random_seed: 7                           0.5

What is logged before the clock starts is a setting; what is logged after it is measured: the samples that a run needed
are no choice of anybody's. The clock runs from `run_start` to `run_stop`. A run that was aborted missed its target: its
numbers are results, its time is no time to train, and both is told. The files of one folder are runs of one design.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runaudit.errors import RecordError
from runaudit.importers.base import Skipped
from runaudit.importers.draft import Draft, numbers
from runaudit.importers.opened import MAX_LOG_BYTES, foreign_bytes
from runaudit.importers.tables import json_table_in_part, part, utc_word
from runaudit.records.canonical import JSON
from runaudit.records.trajectory import number
from runaudit.system.files import HEAD_BYTES, open_ordinary

WHOLE = True
_RESULT = re.compile(r"result[_-]?\w*\.(?:txt|log)", re.IGNORECASE)
_NUMBERED = re.compile(r"result[_-]?\d", re.IGNORECASE)
_MARK = re.compile(rb":::(MLLOG|MLL|MLPv[\d.]+) ")
_KEYED = re.compile(r"(?:\S+ )?(?P<time>\d+\.\d+) (?:\((?P<file>[^)]*)\) )?(?P<key>\w+)(?:: (?P<value>.*))?", re.DOTALL)
"""The older forms: benchmark (0.5 only), seconds, place in the program, key, value."""
_MAX_LINE = 1 << 20
SEEDS = ("seed", "run_set_random_seed")
_NOT_SETTINGS = frozenset({
    "cache_clear", "weights_initialization", "init_start", "init_stop", "run_start", "run_stop", "run_final",
    "run_clear_caches", "epoch_start", "epoch_stop", "eval_start", "eval_stop", "block_start", "block_stop",
    "submission_org", "submission_platform", "submission_status", "submission_entry", "submission_poc_name",
    "submission_poc_email", "power_measurement", *SEEDS,
})  # fmt: skip
"""Marks of what happened when, and who handed it in. Benchmark and division, what was run by which rules, count."""
_SETTINGS_AT_ANY_TIME = frozenset({"eval_samples"})
"""Told at the end by some, and still no result: how many samples there are to be measured on."""
_STEPS = ("step_num", "samples_count", "iteration_num", "epoch_num", "epoch")
STATUS = {"success": "completed", "aborted": "early_stopped"}

UNKNOWN = {
    "seed": "the log names none",
    "code.commit": "MLPerf's log names no commit",
    "code.patch": "MLPerf's log names no commit",
    "data": "MLPerf's log has no digest of the data",
    "init": "MLPerf's log does not say what the weights began from",
    "eval": "MLPerf's log does not say how the run was evaluated",
    "env": "there is no description of the system beside the results",
    "env.packages": "not among what MLPerf records",
    "env.determinism": "not among what MLPerf records",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a log. ms: milliseconds since the epoch, as MLPerf counts; a difference of them is exact."""

    key: str
    value: JSON
    ms: float | None
    metadata: Mapping[str, Any]


def places(here: Path, folders: Sequence[str], files: Sequence[str]) -> Sequence[Path]:
    """The result files of a folder, each a run; of those without a number, which other programs write too, the ones
    that hold a line of MLPerf's."""
    return tuple(
        here / name
        for name in files
        if _RESULT.fullmatch(name) and (folders == () or _NUMBERED.match(name) or _is_mlperfs(here / name))
    )


def _is_mlperfs(path: Path) -> bool:
    try:
        with open_ordinary(path, within=path.parent) as file:
            return _MARK.search(file.read(HEAD_BYTES) or b"") is not None
    except OSError:
        return True  # What cannot be opened is told.


def read(place: Path, within: Path) -> Iterator[Draft | Skipped]:
    """The run of a result file. Raises RecordError for one that cannot be read."""
    raw = foreign_bytes(place, within, most=MAX_LOG_BYTES)
    lines, torn = parse(raw or b"")
    if not lines:
        yield Skipped(source=str(place), reason="it holds no line of MLPerf's (:::MLLOG)")
        return
    yield _draft(place, within, lines, torn)


# ── lines ────────────────────────────────────────────────────────────────────────────────────────────────────────


def parse(raw: bytes) -> tuple[list[Line], int]:
    """The lines of a log, and how many of MLPerf's could not be read. What else a program printed is passed over."""
    found: list[Line] = []
    torn = 0
    for text in raw.splitlines():
        if (mark := _MARK.search(text, 0, 4096)) is None:
            continue
        line = _line(mark[1], text[mark.end() :].decode("utf-8", "replace")) if len(text) <= _MAX_LINE else None
        torn += line is None
        found += [line] if line is not None else []
    return found, torn


def _line(mark: bytes, text: str) -> Line | None:
    try:
        if mark == b"MLLOG":
            entry = json.JSONDecoder().raw_decode(text)[0]  # a rank that writes into the same line comes behind it
            return Line(
                str(entry["key"]).lower(), entry.get("value"), number(entry.get("time_ms")), part(entry, "metadata")
            )
        if (match := _KEYED.match(text)) is None:
            return None
        value, moment = _told(match["value"]), float(match["time"]) * 1000
        if mark == b"MLL" and isinstance(value, Mapping):
            return Line(match["key"].lower(), value.get("value"), moment, part(value, "metadata"))
        return Line(match["key"].lower(), value, moment, {})
    except (ValueError, KeyError, AttributeError, RecursionError):
        return None


def _told(text: str | None) -> JSON:
    """A value of an older line: JSON, or a word."""
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return text.strip() if text is not None else None


# ── the run ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _draft(place: Path, within: Path, lines: Sequence[Line], torn: int) -> Draft:
    start = next((at for at, line in enumerate(lines) if line.key == "run_start"), len(lines))
    stop = next((line for line in reversed(lines) if line.key == "run_stop"), None)
    before, after = lines[:start], lines[start + 1 :]
    config, seed = _config(before, after), _seed(lines)
    if seed is None and (several := _values(lines, SEEDS)):
        config["seed"] = several
    status, notes = _ending(stop)
    system, twice, none = _system(place, within)
    series = dict(_series(after))
    return Draft(
        kind="mlperf",
        source=str(place),
        run=_run(place),
        identity=f"{_run(place)} {started}" if (started := _moment(lines[0])) else "",
        name=_run(place).rpartition(".")[0],
        config=config,
        seed=seed,
        code={"submission_org": _first(lines, "submission_org")},
        env=_env(system) or {"system": _first(lines, "submission_platform")},
        launch={"started": started},
        series=series,
        torn=torn,
        metrics=dict(_metrics(lines, stop, status)),
        status=status,
        duration_s=None if (ms := _took(lines[0], lines[-1])) is None else ms / 1000,
        told={key: value for key in ("submission_platform", "submission_status", "submission_entry")
              if (value := _first(lines, key)) is not None} | ({"system": system} if system else {}),
        unknown={**UNKNOWN, **({} if system else {"env": none, "env.gpu": none}), **_unclear(twice)},
        notes=notes,
    )  # fmt: skip


def _run(place: Path) -> str:
    """A result file among its siblings: system/benchmark/result_0.txt, as MLPerf lays them out."""
    return "/".join(place.absolute().parts[-3:]).lstrip("/")


def _config(before: Iterable[Line], after: Iterable[Line]) -> dict[str, Any]:
    """What was set before the clock started; of a key that was told more than once, each of its values."""
    told: dict[str, list[JSON]] = {}
    late = (line for line in after if line.key in _SETTINGS_AT_ANY_TIME)
    for line in (*before, *late):
        if line.key not in _NOT_SETTINGS and line.value not in told.setdefault(line.key, []):
            told[line.key].append(line.value)
    return {key: values[0] if len(values) == 1 else values for key, values in told.items()}


def _values(lines: Iterable[Line], keys: Sequence[str]) -> list[JSON]:
    found: list[JSON] = []
    for line in lines:
        if line.key in keys and line.value is not None and line.value not in found:
            found.append(line.value)
    return found


def _seed(lines: Iterable[Line]) -> int | None:
    """The seed, where the log names one; ranks that each name their own have none in common."""
    values = _values(lines, SEEDS)
    value = values[0] if len(values) == 1 else None
    if isinstance(value, str) and re.fullmatch(r"\d{1,20}", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _first(lines: Iterable[Line], key: str) -> JSON:
    return next((line.value for line in lines if line.key == key and line.value is not None), None)


def _ending(stop: Line | None) -> tuple[str | None, list[str]]:
    """How the run ended, in the words of an outcome."""
    if stop is None:
        return None, []
    word = stop.metadata.get("status")
    if word is None and isinstance(stop.value, Mapping) and "success" in stop.value:
        word = "success" if stop.value["success"] else "aborted"
    missed = ["MLPerf says it was aborted: it missed its target, and its time is no time to train"]
    return STATUS.get(str(word).lower()), missed if str(word).lower() == "aborted" else []


# ── what it measured ─────────────────────────────────────────────────────────────────────────────────────────────


def _series(after: Iterable[Line]) -> Iterator[tuple[str, list[tuple[int, float]]]]:
    """Numbers that were logged while the clock ran. A number that was logged once is a point as well."""
    rows: dict[str, list[tuple[Mapping[str, Any], float]]] = {}
    for line in after:
        if line.key in _NOT_SETTINGS | _SETTINGS_AT_ANY_TIME:
            continue
        for name, value, where in _points(line):
            rows.setdefault(name, []).append((where, value))
    for name, points in rows.items():
        steps = _steps([where for where, _ in points])
        yield name, [(step, value) for step, (_, value) in zip(steps, points, strict=True)]


def _points(line: Line) -> Iterator[tuple[str, float, Mapping[str, Any]]]:
    if (point := number(line.value)) is not None:
        yield line.key, point, line.metadata
    elif isinstance(line.value, Mapping) and "value" in line.value:  # 0.5: {"epoch": 3, "value": 0.7}
        if (point := number(line.value["value"])) is not None:
            yield line.key, point, line.value
    elif isinstance(line.value, Mapping):
        yield from ((name, value, line.metadata) for name, value in numbers(line.value, f"{line.key}."))


def _steps(rows: Sequence[Mapping[str, Any]]) -> Sequence[int]:
    """The steps of a series: those that the log counts by, where they grow; else the rows."""
    for name in _STEPS:
        found = [step for row in rows if isinstance(step := row.get(name), int) and not isinstance(step, bool)]
        if len(found) == len(rows) and found == sorted(set(found)):
            return found
    return range(len(rows))


def _metrics(lines: Sequence[Line], stop: Line | None, status: str | None) -> Iterator[tuple[str, float]]:
    start = next((line for line in lines if line.key == "run_start"), None)
    if start is not None and stop is not None and (ms := _took(start, stop)) is not None:
        yield "time_to_train_minutes", ms / 60_000
    if status is not None:
        yield "target_reached", float(status == "completed")


def _took(start: Line, stop: Line) -> float | None:
    return None if start.ms is None or stop.ms is None else stop.ms - start.ms


def _moment(line: Line) -> str | None:
    try:
        return None if line.ms is None else utc_word(datetime.fromtimestamp(line.ms / 1000, UTC))
    except (ValueError, OverflowError, OSError):
        return None


# ── the system ───────────────────────────────────────────────────────────────────────────────────────────────────


def _system(place: Path, within: Path) -> tuple[Mapping[str, Any], frozenset[str], str]:
    """The description of the system that the folder is named for, `systems/NAME.json` beside `results/NAME/…`, which
    keys it gives two values, and why there is none."""
    parts = place.absolute().parts
    if len(parts) < 5 or not place.absolute().parents[3].is_relative_to(within.absolute()):
        return {}, frozenset(), UNKNOWN["env"]
    try:
        path = place.absolute().parents[3] / "systems" / f"{parts[-3]}.json"
        return *json_table_in_part(path, within.absolute()), UNKNOWN["env"]
    except RecordError as error:
        return {}, frozenset(), f"the description of the system cannot be read: {error.message}"


def _unclear(twice: frozenset[str]) -> dict[str, str]:
    """The leaves of the environment that nobody knows, since the description says two things of them."""
    return {f"env.{leaf}": f"the description of the system gives {key} two values"
            for leaf, keys in _DESCRIBED.items() for key in keys if key in twice}  # fmt: skip


def _env(system: Mapping[str, Any]) -> dict[str, Any]:
    if not system:
        return {}
    nodes, each = (_whole(system.get(key)) for key in _DESCRIBED["gpu_count"])
    software = system.get("other_software_stack")
    stack = software if isinstance(software, Mapping) else {}
    env = {leaf: system.get(keys[0]) for leaf, keys in _DESCRIBED.items()} | {
        "gpu_count": nodes * each if nodes is not None and each is not None else None,
        "nodes": nodes,
        "cuda": stack.get("cuda_version"),
        "cudnn": stack.get("cudnn_version"),
        "driver": stack.get("cuda_driver_version"),
    }
    return {key: value for key, value in env.items() if value not in (None, "")}


_DESCRIBED: Mapping[str, Sequence[str]] = {
    "gpu": ("accelerator_model_name",),
    "gpu_count": ("number_of_nodes", "accelerators_per_node"),
    "nodes": ("number_of_nodes",),
    "cpu": ("host_processor_model_name",),
    "platform": ("operating_system",),
    "framework": ("framework",),
    "software": ("other_software_stack",),
    "cuda": ("other_software_stack", "cuda_version"),
    "cudnn": ("other_software_stack", "cudnn_version"),
    "driver": ("other_software_stack", "cuda_driver_version"),
}
"""Leaf of the environment -> what MLPerf's description of a system calls it, or makes it of."""


def _whole(value: JSON) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
