"""The `.wandb` files of one run folder, taken together: an offline run of W&B says in them all that it says.

It says so in blocks: of a run that was killed in its first minute they hold nothing. Then the log of W&B's own beside
them tells that it was, and with which settings: it happened, and belongs among those that were tried.
"""

import ast
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runaudit.importers.opened import foreign_bytes
from runaudit.importers.wandb import read_log


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineLog:
    """What the `.wandb` files of one folder hold together."""

    series: Mapping[str, Sequence[tuple[int, float]]] = field(default_factory=dict)
    torn: int = 0
    summary: Mapping[str, Any] = field(default_factory=dict)
    exit_code: int | None = None
    config: Mapping[str, Any] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, Any] = field(default_factory=dict)
    unread: tuple[str, ...] = ()
    """Of each file that could not be read to its end, how much."""


MOST_CONFIG = 1 << 16
"""Characters of settings as Python writes them that are taken apart."""
_DEBUG = ("logs", "debug.log")
_GIVEN = re.compile(r"(?m)^config: (\{.*\})\s*$")
_CHANGED = re.compile(r"(?m)config_cb (?:None None (\{.*\})\s*$)?")


def read_logs(place: Path, within: Path) -> OfflineLog:
    """What the `.wandb` files of a folder hold, together, or one that lies by itself. Raises RecordError for one that
    is none, or that a link leads out of `within`."""
    found = OfflineLog()
    for path in [place] if place.is_file() else sorted(place.glob("*.wandb")):
        if _is_empty(path):
            continue  # It was killed before it wrote what every such file begins with.
        log = read_log(path, within=within)
        found = OfflineLog(
            series={**found.series, **log.trajectory.series},
            torn=found.torn + log.trajectory.torn,
            summary={**found.summary, **log.summary},
            exit_code=log.exit_code if log.exit_code is not None else found.exit_code,
            config=found.config if log.config is None else {**(found.config or {}), **log.config},
            facts={**found.facts, **log.facts},
            names={**found.names, **log.names},
            unread=(*found.unread, *filter(None, [log.unread])),
        )
    return found


def _is_empty(path: Path) -> bool:
    facts = path.lstat()
    return stat.S_ISREG(facts.st_mode) and facts.st_size == 0


def read_start(folder: Path, within: Path) -> tuple[bool, Mapping[str, Any] | None]:
    """Whether W&B's own log says that a run began here, and with which settings; None where it does not spell them out.
    Nothing of them is run: they are read as Python's literals."""
    text = (foreign_bytes(folder.joinpath(*_DEBUG), within) or b"").decode("utf-8", "replace")
    given = _GIVEN.search(text)
    if "wandb.init called" not in text or given is None:
        return "run started" in text, None
    config: dict[str, Any] = {}
    for words in (given[1], *(match[1] for match in _CHANGED.finditer(text, given.end()))):
        table = _literal(words or "")
        if table is None:
            return True, None
        config |= table
    return True, config


def _literal(words: str) -> dict[str, Any] | None:
    try:
        found = ast.literal_eval(words) if len(words) <= MOST_CONFIG else None
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    return {str(key): value for key, value in found.items()} if isinstance(found, dict) else None
