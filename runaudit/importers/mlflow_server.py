"""Runs of an MLflow server, asked for through its REST API: `runaudit import mlflow http://HOST:5000`.

Nothing is asked unless a user gives the address. The account is the one that MLflow itself takes from the environment
(MLFLOW_TRACKING_USERNAME and _PASSWORD, or _TOKEN), and is shown to that address alone: a redirect is not followed.
"""

import base64
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, unquote, urlencode, urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

from runaudit.errors import RecordError
from runaudit.importers.base import Skipped
from runaudit.importers.mlflow_run import DataInput, Looked, MlflowRun, Point, settings_above, text, unbounded
from runaudit.importers.opened import MAX_FILE_BYTES
from runaudit.records.trajectory import number

PATIENCE_S = 30
"""Seconds without a word from the server after which it is given up."""
_PAGE = 100
"""Runs, or experiments, of one answer."""
_POINTS = 25_000
"""Points of one answer: the most that MLflow gives."""
_FAR = 2**53


def ask(address: str) -> Iterator[MlflowRun | Skipped]:
    """Every run of a server, or of the experiment or the run that the address of its page names. Raises RecordError
    where the server does not answer as one of MLflow's does."""
    server = _Server(address)
    wanted = re.search(r"experiments/(\d+)(?:/runs/([\w-]+))?", urlsplit(address).fragment)
    if wanted and wanted[2]:
        found: Iterator[Mapping[str, Any]] = iter((_table(server.get("runs/get", run_id=wanted[2]), "run"),))
    else:
        found = server.pages("runs/search", "runs", {"run_view_type": "ALL"}, each=[wanted[1]] if wanted else None)
    experiments = {text(row.get("experiment_id")): row for row in server.experiments()}
    run = None
    for run in found:
        yield _run(server, run, experiments)
    if run is None:
        yield Skipped(source=server.shown, reason="the server holds no run")


def _opener() -> OpenerDirector:
    """What asks: an account is for the server that was named, so what answers with a redirect has not answered."""
    opener = OpenerDirector()
    for handler in (ProxyHandler, HTTPHandler, HTTPSHandler, HTTPDefaultErrorHandler, HTTPErrorProcessor):
        opener.add_handler(handler())
    return opener


class _Server:
    """One server, and how it is asked."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        host = parts.netloc.rpartition("@")[2]
        self.shown = f"{parts.scheme}://{host}{parts.path.rstrip('/')}"
        self._headers = {"Accept": "application/json", **_account(parts.username, parts.password)}
        self._opener = _opener()
        self._experiments: list[Mapping[str, Any]] | None = None
        self._looked: dict[str, Looked | None] = {}

    def experiments(self) -> Sequence[Mapping[str, Any]]:
        """All experiments, deleted ones among them."""
        if self._experiments is None:
            asked = {"view_type": "ALL"}
            self._experiments = list(self.pages("experiments/search", "experiments", asked))
        return self._experiments

    def pages(
        self, call: str, name: str, asked: Mapping[str, Any], *, each: Sequence[str] | None = ()
    ) -> Iterator[Mapping[str, Any]]:
        """The rows of all pages of an answer. each: the experiments that are meant, None for all."""
        if each is None:
            each = [text(row.get("experiment_id")) for row in self.experiments()]
            if not each:
                return
        token, seen = "", set[str]()
        while True:
            body = {**asked, "max_results": _PAGE, **({"experiment_ids": list(each)} if each else {}),
                    **({"page_token": token} if token else {})}  # fmt: skip
            answer = self._ask(call, json.dumps(body).encode())
            yield from _rows(answer, name)
            token = self._next(answer, seen)
            if not token:
                return

    def logged(self, run: str) -> Looked | None:
        """The parameters and tags of one run, asked for once; None where the server does not give it out."""
        if run not in self._looked:
            try:
                found = _table(self.get("runs/get", run_id=run, run_uuid=run), "run")
            except RecordError:
                found = {}
            data = _table(found, "data")
            self._looked[run] = (_pairs(data, "params"), _pairs(data, "tags")) if found else None
        return self._looked[run]

    def history(self, run: str, metric: str) -> Iterator[Mapping[str, Any]]:
        """Every point of a metric of a run, as they were logged."""
        token, seen = "", set[str]()
        while True:
            answer = self.get("metrics/get-history", run_id=run, run_uuid=run, metric_key=metric, max_results=_POINTS,
                              **({"page_token": token} if token else {}))  # fmt: skip
            yield from _rows(answer, "metrics")
            token = self._next(answer, seen)
            if not token:
                return

    def _next(self, answer: Mapping[str, Any], seen: set[str]) -> str:
        token = text(answer.get("next_page_token"))
        if token in seen:
            raise RecordError(f"{self.shown} gives the same page again and again", remedy="ask who runs the server")
        seen.add(token)
        return token

    def get(self, call: str, **asked: Any) -> Mapping[str, Any]:
        """The answer to a question that has no body."""
        return self._ask(f"{call}?{urlencode(asked, quote_via=quote)}", None)

    def _ask(self, call: str, body: bytes | None) -> Mapping[str, Any]:
        headers = {**self._headers, **({"Content-Type": "application/json"} if body else {})}
        request = Request(f"{self.shown}/api/2.0/mlflow/{call}", data=body, headers=headers)
        try:
            with self._opener.open(request, timeout=PATIENCE_S) as answer:
                raw = answer.read(MAX_FILE_BYTES + 1)
        except HTTPError as error:
            raise RecordError(f"{self.shown} answers {error.code} to {call.partition('?')[0]}: {error.reason}",
                              remedy=_remedy(error.code)) from error  # fmt: skip
        except (URLError, OSError, HTTPException, ValueError) as error:
            why = getattr(error, "reason", None) or error
            raise RecordError(
                f"{self.shown} cannot be asked: {why}", remedy="check the address, and that the server runs"
            ) from error
        return self._parsed(raw)

    def _parsed(self, raw: bytes) -> Mapping[str, Any]:
        try:
            value = json.loads(raw) if len(raw) <= MAX_FILE_BYTES else None
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, Mapping):
            raise RecordError(f"{self.shown} does not answer as a server of MLflow does", remedy="check the address")
        return value


def _account(user: str | None, password: str | None) -> dict[str, str]:
    """The header that says who asks: as the address says, or the environment, in MLflow's own names."""
    user, password = unquote(user or ""), unquote(password or "")
    user = user or os.environ.get("MLFLOW_TRACKING_USERNAME", "")
    password = password or os.environ.get("MLFLOW_TRACKING_PASSWORD", "")
    if user:
        return {"Authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}


def _remedy(code: int) -> str:
    if code in (401, 403):
        return "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
    if code in range(300, 400):
        return "name the address that it leads to"
    return "name the address that MLFLOW_TRACKING_URI has; servers before MLflow 1.28 cannot be asked"


# ── the answers ──────────────────────────────────────────────────────────────────────────────────────────────────


def _run(server: _Server, run: Mapping[str, Any], experiments: Mapping[str, Mapping[str, Any]]) -> MlflowRun:
    info, data = _table(run, "info"), _table(run, "data")
    run_id = text(info.get("run_id") or info.get("run_uuid"))
    if not run_id:
        raise RecordError(f"{server.shown} does not answer as a server of MLflow does", remedy="check the address")
    experiment = experiments.get(text(info.get("experiment_id")), {})
    named = {"id": text(info.get("experiment_id")), "name": text(experiment.get("name"))}
    metrics = dict.fromkeys(text(row.get("key")) for row in _rows(data, "metrics"))
    gone = "deleted" in (info.get("lifecycle_stage"), experiment.get("lifecycle_stage"))
    tags = _pairs(data, "tags")
    return MlflowRun(
        source=f"{server.shown} run {run_id}",
        run=run_id,
        name=text(info.get("run_name")),
        status=text(info.get("status")),
        started=info.get("start_time"),
        ended=info.get("end_time"),
        user=text(info.get("user_id")),
        experiment={key: value for key, value in named.items() if value},
        deleted=gone,
        artifact_uri=text(info.get("artifact_uri")),
        params=_pairs(data, "params"),
        tags=tags,
        above=settings_above(tags, server.logged),
        series={name: list(map(_point, server.history(run_id, name))) for name in metrics},
        data=[_data(row) for row in _rows(_table(run, "inputs"), "dataset_inputs")],
        models=(_models(_table(run, "inputs"), "model_inputs"), _models(_table(run, "outputs"), "model_outputs")),
    )


def _point(row: Mapping[str, Any]) -> Point:
    """A point; integers of 64 bits, and what is no number of JSON, are text in such an answer."""
    step, time = _whole(row.get("step")), _whole(row.get("timestamp"))
    value = row.get("value")
    value = {"Infinity": "inf", "-Infinity": "-inf"}.get(value, value) if isinstance(value, str) else value
    found = number(value)
    return step, float(time or 0), float("nan") if found is None else unbounded(found)


def _whole(value: Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value):
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _FAR else None


def _data(row: Mapping[str, Any]) -> DataInput:
    found, tags = _table(row, "dataset"), _pairs(row, "tags")
    kept = {key: text(found.get(key)) for key in ("name", "digest", "source_type", "source", "schema", "profile")}
    return DataInput(context=tags.get("mlflow.data.context", ""), **kept)


def _models(table: Mapping[str, Any], name: str) -> list[str]:
    return [text(row.get("model_id")) for row in _rows(table, name)]


def _pairs(table: Mapping[str, Any], name: str) -> dict[str, str]:
    return {text(row.get("key")): text(row.get("value")) for row in _rows(table, name)}


def _rows(table: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    rows = table.get(name)
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def _table(table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    inner = table.get(name)
    return inner if isinstance(inner, Mapping) else {}
