"""The `.wandb` files of one run folder, taken together: an offline run of W&B says in them all that it says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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


def read_logs(folder: Path, within: Path) -> OfflineLog:
    """What the `.wandb` files of a folder hold, together. Raises RecordError for one that is none, or that a link leads
    out of `within`."""
    found = OfflineLog()
    for path in sorted(folder.glob("*.wandb")):
        log = read_log(path, within=within)
        found = OfflineLog(
            series={**found.series, **log.trajectory.series},
            torn=found.torn + log.trajectory.torn,
            summary={**found.summary, **log.summary},
            exit_code=log.exit_code if log.exit_code is not None else found.exit_code,
            config=found.config if log.config is None else {**(found.config or {}), **log.config},
            facts={**found.facts, **log.facts},
            names={**found.names, **log.names},
        )
    return found
