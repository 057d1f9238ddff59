"""Runs that lie on W&B's server, asked for through W&B's own library: `runaudit import wandb https://wandb.ai/TEAM/SR`.

Nothing is asked unless a user gives the address of a page, and no server but the one that this machine's key is for.
What the server tells is what the run's folder says, so both become the same run; the whole history is read, not the
500 points that the page draws.
"""

import contextlib
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from runaudit.errors import RecordError
from runaudit.importers.base import Skipped
from runaudit.importers.opened import MAX_FILE_BYTES, foreign_bytes
from runaudit.importers.tables import as_table
from runaudit.importers.wandb import add_row
from runaudit.importers.wandb_run import WandbRun
from runaudit.records.canonical import parse_strict
from runaudit.system.wandb_account import TIMEOUT_S, explained, library

STATES: Mapping[str, str] = {"finished": "completed", "failed": "crashed", "crashed": "crashed", "killed": "killed"}
"""How a run ended. `crashed` is W&B's word for one of which it has heard nothing more. What is not here, running and
pending among them, says nothing."""
METADATA, REQUIREMENTS, PATCH = "wandb-metadata.json", "requirements.txt", "diff.patch"
CONDA = "conda-environment.yaml"
_PAGE = re.compile(r"(?P<entity>[^/]+)/(?P<project>[^/]+)(?:/runs/(?P<run>[^/]+)|/(?!runs/).*)?/?")


def ask(address: str) -> Iterator[WandbRun | Skipped]:
    """Every run of a project, or the one whose page it is. Raises RecordError where W&B does not give them, UsageError
    where its library or a key is missing."""
    parts = urlsplit(address)
    page = _PAGE.fullmatch(unquote(parts.path).strip("/").removeprefix("wandb/"))
    if page is None:
        raise RecordError(f"{address} is no page of a project or of a run of W&B",
                          remedy="give https://wandb.ai/ENTITY/PROJECT, or that with /runs/ID behind it")  # fmt: skip
    wandb = library()
    place = f"{page['entity']}/{page['project']}"
    shown = f"{parts.scheme}://{parts.hostname}/{place}"
    with _explained(shown):
        api = wandb.Api(timeout=TIMEOUT_S)
        found = iter([api.run(f"{place}/{page['run']}")] if page["run"] else api.runs(place))
    empty = True
    while True:
        with _explained(shown):  # The runs come page by page.
            run = next(found, None)
        if run is None:
            break
        empty = False
        yield _told(f"{shown}/runs/{run.id}", run)
    if empty:
        yield Skipped(source=shown, reason="the project holds no run")


def _told(source: str, run: Any) -> WandbRun | Skipped:
    try:
        with _explained(source):
            return _read(source, run)
    except RecordError as error:
        return Skipped(source=source, reason=error.message, broken=True)


def _read(source: str, run: Any) -> WandbRun:
    files = dict(_files(run))
    facts = (
        as_table(parse_strict(files[METADATA], where=f"{source} {METADATA}"), Path(METADATA))
        if METADATA in files
        else None
    )
    names = {"id": run.id, "name": run.name, "group": run.group, "notes": run.notes, "tags": list(run.tags or ()),
             "state": run.state, "sweep": run.sweep_name}  # fmt: skip
    series: dict[str, list[tuple[int, float]]] = {}
    for row in run.scan_history():
        add_row(series, row)
    return WandbRun(
        source=source,
        id=str(run.id),
        identity=source,
        config=dict(run.rawconfig),
        facts={"startedAt": run.created_at, **(facts or {})},
        summary=dict(run.summary_metrics or {}),
        requirements=_text(files.get(REQUIREMENTS)),
        conda=_text(files.get(CONDA)),
        patch=_text(files.get(PATCH)),
        series=series,
        status=STATES.get(run.state),
        names={key: value for key, value in names.items() if value},
    )


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode("utf-8", "backslashreplace")


def _files(run: Any) -> Iterator[tuple[str, bytes]]:
    """The files of facts that the run has, fetched into a folder that is gone afterwards."""
    wanted = [METADATA, REQUIREMENTS, CONDA, PATCH]
    with tempfile.TemporaryDirectory(prefix="runaudit-") as name:
        folder = Path(name)
        for file in run.files(names=wanted):
            if file.name not in wanted or file.size > MAX_FILE_BYTES:
                continue
            file.download(root=name, replace=True).close()
            if (raw := foreign_bytes(folder / file.name, folder)) is not None:
                yield file.name, raw


def _explained(what: str) -> contextlib.AbstractContextManager[None]:
    remedy = "check the address, the network and `wandb login`"
    return explained(lambda said: RecordError(f"W&B did not give {what}: {said}", remedy=remedy), TypeError, KeyError)
