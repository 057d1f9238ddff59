"""Version folders of Lightning: `hparams.yaml`, `metrics.csv` of its CSVLogger, the event files of its
TensorBoardLogger, and the `config.yaml` that its command line saves.

An `hparams.yaml` of `{}` only says that nobody called `save_hyperparameters`: the config is unknown. Checkpoints are
pickles and never opened.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from runaudit.errors import RecordError
from runaudit.importers.base import Skipped
from runaudit.importers.draft import Draft, Points
from runaudit.importers.eventfolders import is_events
from runaudit.importers.opened import foreign_bytes
from runaudit.importers.steptable import read_table
from runaudit.importers.tensorboard import EVENTS, run_of
from runaudit.records.yamlfile import parse_tagged

WHOLE = True
_VERSION = re.compile(r"version_\d+")
_EMPTY = "it holds neither settings nor numbers"
UNKNOWN = {
    "code": "Lightning does not record it",
    "config": "save_hyperparameters() was not called, or had nothing to save: hparams.yaml holds no setting",
}


def places(here: Path, folders: Sequence[str], files: Sequence[str]) -> Sequence[Path]:
    """The version folder that `here` is."""
    logs = "metrics.csv" in files or any(map(is_events, files)) or "checkpoints" in folders
    named = _VERSION.fullmatch(here.name) is not None
    kept = "metrics.csv" in files or "checkpoints" in folders
    return (here,) if ("hparams.yaml" in files and (logs or named)) or (kept and named) else ()


def read(place: Path, within: Path) -> Iterator[Draft | Skipped]:
    """The run of a version folder. Raises RecordError for one that holds a malformed file."""
    table = read_table(place / "metrics.csv", within)
    config, why = _config(place, within)
    drafts = [one for one in _events(place, within) if isinstance(one, Draft)]
    *earlier, drafted = drafts or [Draft(kind="lightning", source=str(place), run="")]
    run = "/".join(place.absolute().parts[-2:]).lstrip("/")
    # hparams.yaml and metrics.csv are written anew by a later launch: they are the last one's.
    yield from (replace(one, run=run, series=_measured(one.series), unknown=UNKNOWN) for one in earlier)
    if config is None and table is None and not drafts:
        yield Skipped(source=str(place), reason=f"{why}, and no numbers lie beside it" if why else _EMPTY)
        return
    yield replace(
        drafted,
        kind="lightning",
        source=str(place),
        run=run,
        writers=frozenset({*([EVENTS] if drafts else []), *(["lightning"] if table or not drafts else [])}),
        config=_with_objects(config, drafted.config or {}) if config is not None else drafted.config,
        series=_measured({**drafted.series, **(table.series if table else {})}),
        torn=drafted.torn + (table.torn if table else 0),
        told={**drafted.told, **_checkpoints(place)},
        unknown={**UNKNOWN, **({"config": why} if why else {})},
    )


def _events(place: Path, within: Path) -> Iterator[Draft | Skipped]:
    if any(is_events(path.name) for path in place.iterdir()):
        yield from run_of(place, within, kind="lightning")


def _measured(series: Mapping[str, Points]) -> dict[str, Points]:
    """The series but those of Lightning itself: the epoch, which is a second clock, and the -1 that it writes for a
    metric of hyper-parameters that was never given."""
    return {name: points for name, points in series.items()
            if name != "epoch" and not (name == "hp_metric" and all(value == -1 for _, value in points))}  # fmt: skip


def _checkpoints(place: Path) -> dict[str, Any]:
    folder = place / "checkpoints"
    if folder.is_symlink() or not folder.is_dir():
        return {}
    return {"checkpoints": sorted(path.name for path in folder.iterdir())[:100]}


# ── settings ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _config(place: Path, within: Path) -> tuple[dict[str, Any] | None, str]:
    """The settings of a run, and why they are not known: those that the command line composed, else those that the
    model saved; of the latter whatever the former does not hold."""
    composed, _ = _table(place / "config.yaml", within)
    saved, why = _table(place / "hparams.yaml", within)
    if not composed:
        return (dict(saved) if saved else None), why
    known = list(_leaves(composed))
    extra = {key: value for key, value in (saved or {}).items() if (key, value) not in known}
    return {**composed, **({"hparams": extra} if extra else {})}, ""


def _table(path: Path, within: Path) -> tuple[Mapping[str, Any] | None, str]:
    """A file of settings, the objects in it as the plain data that they are written as; None and the reason where one
    of them is none."""
    raw = foreign_bytes(path, within)
    if raw is None:
        return None, ""
    try:
        value = parse_tagged(raw, where=str(path))
    except RecordError:
        if b"!!python/" not in raw:
            raise
        return None, f"{path.name} holds Python objects that are no plain data, and none is ever built"
    return (value if isinstance(value, Mapping) else None), ""


def _with_objects(saved: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that were saved; of an object that no YAML can hold Lightning saves the name of its class alone, and
    TensorBoard was told as much of it as Python shows."""
    return {name: told[name] if _shows(told.get(name), value) else value for name, value in saved.items()}


def _shows(told: Any, saved: Any) -> bool:
    """Whether a text is how Python shows an object of the class `saved`: `<net.Maze object at 0x…>`, `Maze(size=3)`."""
    if not (isinstance(told, str) and isinstance(saved, str) and saved.isidentifier()):
        return False
    return re.match(rf"(?:<(?:[\w.]+\.)?{saved} (?!at )|{saved}\()", told) is not None


def _leaves(table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, inner in table.items():
        yield key, inner
        if isinstance(inner, Mapping):
            yield from _leaves(inner)
