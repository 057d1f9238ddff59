"""The plain record file: how any home-made tracker hands a run over, and how a run of ours is handed on.

A record is read strictly: duplicate keys, sections of the wrong type and values without a canonical form are refused
with their place named. What is absent stays unknown; `null` says "known to be none". A record that carries a `digest`
must match it, or the run it becomes bears a fault and can be shown but never compared.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from runaudit.errors import RecordError
from runaudit.records.canonical import JSON, canonical_bytes, json_safe, tagged, thawed
from runaudit.records.digest import digest_bytes
from runaudit.records.filenames import tree_fault
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import STATUSES, Outcome
from runaudit.records.run import Run
from runaudit.records.seen_section import check_observed
from runaudit.records.shape import RECORD, check_shape
from runaudit.records.trajectory import Event, Trajectory, number
from runaudit.text.words import kind_of

RECORD_SCHEMA = "runaudit.record/1"
MANIFEST_SECTIONS = ("label", "seed", "config", "code", "data", "env", "init", "eval", "seed_proof", "intent",
                     "bundles", "waivers", "unknown", "supersedes")  # fmt: skip
OPTIONAL = ("seed_proof", "unknown", "intent", "bundles", "waivers", "supersedes")
"""Sections of which null says no more than their absence."""
LAUNCH_KEYS = ("run_dir", "started", "hostname", "pid", "argv", "cwd", "nonce", "policy")
OUTCOME_KEYS = ("steps_done", "ended", "duration_s", "exit_code", "error")
MAX_RECORD_BYTES = 100 << 20
MAX_VALUES, MAX_TEXT = 500_000, 16 << 20
"""What a record may hold beside its series and its sources."""
MEANWHILE: Mapping[str, tuple[str, type]] = MappingProxyType(
    {
        "outcome_data": ("data", Mapping),
        "outcome_config": ("config", Mapping),
        "findings": ("findings", list),
        "stderr_tail": ("stderr_tail", str),
        "unwritten": ("unwritten", Mapping),
    }
)
"""Key of a record -> section of the outcome: what changed under the run, what was found, its last words, what its disk
did not take."""
NOT_EXTRA = (*MANIFEST_SECTIONS, *MEANWHILE, "schema", "digest", "runtime", "metrics", "series", "events", "origin",
             "outcome_code", "observed")  # fmt: skip


def run_of(record: JSON, *, where: str) -> Run:
    """The run a record tells of. Raises RecordError for what cannot be read; a wrong digest becomes the run's fault."""
    if not isinstance(record, Mapping):
        raise RecordError(f"{where} is {kind_of(record)}, not a record", remedy="give an object")
    if record.get("schema", RECORD_SCHEMA) != RECORD_SCHEMA:
        raise RecordError(f"{where} has the schema {record['schema']!r}", remedy=f"this version reads {RECORD_SCHEMA}")
    _check_types(record, where)
    _check_bulk(record, where)
    # Depth and form first: everything below walks the record by recursion.
    tagged(record, where=where)
    blobs: dict[str, bytes] = {}
    manifest = Manifest.of(_sections(record, blobs, where))
    return Run(
        manifest=manifest,
        outcome=_outcome(record, manifest, blobs),
        trajectory=_trajectory(record, where),
        blobs=MappingProxyType(blobs),
        liveness="unknown",
        fault=_fault(record),
    )


def record_digest(record: Mapping[str, JSON]) -> str:
    """The digest of a record's canonical form without its own `digest`."""
    return str(digest_bytes(canonical_bytes({key: value for key, value in record.items() if key != "digest"})))


def _fault(record: Mapping[str, JSON]) -> str | None:
    given = record.get("digest")
    if given is None or given == (found := record_digest(record)):
        return None
    return f"its digest is given as {str(given)[:19]}…, and its content has {found[:19]}…"


def _check_bulk(record: Mapping[str, JSON], where: str) -> None:
    """Raises RecordError for a record that is data and no description: it would take long to read, here and ever
    after. Series, events and source texts have no part in it."""
    waiting: list[JSON] = [value for name, value in record.items() if name not in ("series", "events", "code")]
    values, length = 0, 0
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping | list | tuple):
            values += len(one)
            inner = one.values() if isinstance(one, Mapping) else one
            waiting += inner if values <= MAX_VALUES else ()
        elif isinstance(one, str):
            length += len(one)
        if values > MAX_VALUES or length > MAX_TEXT:
            what = f"{MAX_VALUES:,} values" if values > MAX_VALUES else f"{MAX_TEXT >> 20} MiB of text"
            raise RecordError(f"{where} holds more than {what} beside its series and sources",
                              remedy="keep data out of the record")  # fmt: skip


def _check_types(record: Mapping[str, JSON], where: str) -> None:
    check_observed(record, where)
    check_shape(record, RECORD, where)
    status = _section(record, "runtime").get("status")
    if status is not None and status not in STATUSES:
        raise RecordError(f"{where}: {status!r} is not a status of a run", remedy=f"use one of {', '.join(STATUSES)}")


def _section(record: Mapping[str, JSON], name: str) -> Mapping[str, Any]:
    value = record.get(name)
    return value if isinstance(value, Mapping) else {}


def _sections(record: Mapping[str, JSON], blobs: dict[str, bytes], where: str) -> dict[str, JSON]:
    """The manifest's sections. Source texts become blobs; keys this version does not know are kept."""
    sections: dict[str, JSON] = {name: record[name] for name in MANIFEST_SECTIONS if name in record}
    sections |= {name: value for name, value in record.items() if name not in NOT_EXTRA}
    none = [
        name for name in ("config", "code", "data", "env", "init", "eval") if name in record and record[name] is None
    ]
    for name in (*none, *(n for n in OPTIONAL if sections.get(n, 1) is None)):
        sections.pop(name)
    if isinstance(record.get("code"), Mapping):
        sections["code"] = _code(_section(record, "code"), blobs, where)
    runtime = _section(record, "runtime")
    if runtime.get("status") is None and isinstance(record.get("observed"), Mapping):
        # A run that does not say how it ended has no outcome; what it was seen to use is kept all the same.
        sections["observed"] = record["observed"]
    launch = {key: runtime[key] for key in LAUNCH_KEYS if key in runtime}
    if launch:
        sections["launch"] = launch
    origin: dict[str, Any] = {"kind": "record", **({"known_none": none} if none else {})}
    given = record.get("origin")
    if isinstance(given, Mapping):
        origin |= {"from": given.get("from", dict(given))}
    if runtime.get("status") is None and (metrics := _section(record, "metrics")):
        origin["metrics"] = dict(metrics)  # What it came to is told, however it ended.
    sections["origin"] = origin
    return sections


def _code(code: Mapping[str, Any], blobs: dict[str, bytes], where: str) -> dict[str, Any]:
    result = dict(code)
    if isinstance(code.get("patch"), str):
        result["patch"] = _keep(code["patch"], blobs) if code["patch"] else None
    elif isinstance(code.get("patch"), Mapping):
        result["patch"] = _as_it_came(code["patch"], blobs)
    if code.get("files") is not None:
        files = code["files"]
        if not isinstance(files, Mapping):
            raise RecordError(f"{where}: code.files is not an object", remedy="give {path: text}")
        result["files"] = {
            path: _keep(entry, blobs) if isinstance(entry, str) else entry for path, entry in files.items()
        }
        _check_files(result["files"], where)
        result["files"] = {path: _as_it_came(entry, blobs) for path, entry in result["files"].items()}
    elif "files" in result:
        del result["files"]
    for group in ("submodules", "siblings"):
        if group in code and code[group] is None:
            del result[group]
        if isinstance(code.get(group), Mapping):
            result[group] = {
                name: _code(part, blobs, where) if isinstance(part, Mapping) else part
                for name, part in code[group].items()
            }
    return result


def _check_files(files: Mapping[str, Any], where: str) -> None:
    for path, entry in files.items():
        if not isinstance(entry, Mapping) or "digest" not in entry:
            raise RecordError(f"{where}: code.files[{path!r}] is neither text nor a digest", remedy="give its text")
    if fault := tree_fault(dict.fromkeys(files, False)):
        raise RecordError(f"{where}: code.files[{fault[0]!r}] {fault[1]}",
                          remedy="name each file by its path within the work tree")  # fmt: skip


def _as_it_came(entry: Any, blobs: Mapping[str, bytes]) -> Any:
    """What a record says of a file. Its bytes may not have come along: then they were never in the store, and nobody
    looks for them there."""
    came = not isinstance(entry, Mapping) or str(entry.get("digest")) in blobs
    return entry if came else {**entry, "stored": False}


def _keep(text: str, blobs: dict[str, bytes]) -> dict[str, Any]:
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise RecordError("a source text holds a lone surrogate", remedy="give it as Unicode text") from error
    digest = str(digest_bytes(data))
    blobs[digest] = data
    return {"digest": digest, "size": len(data)}


def _outcome(record: Mapping[str, JSON], manifest: Manifest, blobs: Mapping[str, bytes]) -> Outcome | None:
    runtime = _section(record, "runtime")
    if runtime.get("status") is None:
        return None
    body: dict[str, Any] = {
        "manifest": str(manifest.digest),
        "status": runtime["status"],
        "metrics": dict(_section(record, "metrics")),
        **{key: runtime[key] for key in OUTCOME_KEYS if key in runtime},
    }
    if isinstance(record.get("outcome_code"), Mapping):
        body["code"] = dict(_section(record, "outcome_code"))
        if isinstance(files := body["code"].get("files"), Mapping):
            body["code"]["files"] = {path: _as_it_came(entry, blobs) for path, entry in files.items()}
    if isinstance(record.get("observed"), Mapping):
        body["observed"] = dict(_section(record, "observed"))
    body |= {section: record[key] for key, (section, kind) in MEANWHILE.items() if isinstance(record.get(key), kind)}
    return Outcome.of(body)


def _trajectory(record: Mapping[str, JSON], where: str) -> Trajectory:
    series = {}
    for name, points in _section(record, "series").items():
        try:
            rows = [(int(step), number(value)) for step, value in points]
        except (TypeError, ValueError, OverflowError) as error:
            raise RecordError(
                f"{where}: series {name!r} is not a list of [step, value]", remedy="give pairs"
            ) from error
        series[name] = tuple((step, value) for step, value in rows if value is not None)
    return Trajectory(
        series=MappingProxyType(series), events=tuple(_event(e, where) for e in record.get("events") or ())
    )


def _event(event: Any, where: str) -> Event:
    kind = next((key for key in ("stage", "resume", "kind") if isinstance(event, Mapping) and key in event), None)
    if kind is None or not isinstance(event.get("step"), int):
        raise RecordError(f"{where}: an event has no step or kind", remedy='write {"step": 0, "stage": "alignment"}')
    if kind == "kind":
        detail = {key: value for key, value in event.items() if key not in ("step", "kind")}
        return Event(step=event["step"], kind=str(event["kind"]), detail=MappingProxyType(detail))
    told = event[kind] if isinstance(event[kind], Mapping) else {"name": event[kind]}
    detail = {key: value for key, value in {**event, **told}.items() if key not in ("step", "kind", kind)}
    return Event(step=event["step"], kind=kind, detail=MappingProxyType(detail))


# ── the way out ──────────────────────────────────────────────────────────────────────────────────────────────────


def record_of(run: Run) -> dict[str, Any]:
    """The run as a record: every section it has, source texts inlined where they are kept, sealed with its digest."""
    body = run.manifest.to_json()
    record: dict[str, Any] = {"schema": RECORD_SCHEMA}
    record |= {name: value for name, value in body.items() if name not in ("schema", "launch", "origin", "code")}
    if "code" in body:
        record["code"] = _code_out(body["code"], run)
    origin = body.get("origin", {})
    record |= dict.fromkeys(origin.get("known_none", ()))
    record["origin"] = {"from": origin.get("from", {**origin, "id": run.id})}
    runtime = {key: value for key, value in body.get("launch", {}).items() if key in LAUNCH_KEYS}
    if run.outcome:
        outcome = run.outcome.to_json()
        runtime |= {"status": run.status, **{key: outcome[key] for key in OUTCOME_KEYS if key in outcome}}
        record["metrics"] = dict(run.metrics)
        if "code" in outcome:
            record["outcome_code"] = outcome["code"]
        if "observed" in outcome:
            record["observed"] = outcome["observed"]
        record |= {key: outcome[section] for key, (section, _) in MEANWHILE.items() if section in outcome}
    if run.seed_proof:
        record["seed_proof"] = dict(run.seed_proof)
    record["runtime"] = runtime
    record["series"] = {
        name: [[step, value] for step, value in points] for name, points in run.trajectory.series.items()
    }
    record["events"] = [{"step": e.step, "kind": e.kind, **thawed(e.detail)} for e in run.trajectory.events]
    return {**record, "digest": record_digest(json_safe(record))} if _finite(record) else record


def _finite(record: Mapping[str, Any]) -> bool:
    """Whether the JSON answer, which has no NaN, says the same as the record; only then can it carry a digest."""
    return canonical_bytes(json_safe(record)) == canonical_bytes(record)


def _code_out(code: Mapping[str, Any], run: Run) -> dict[str, Any]:
    result = dict(code)
    if isinstance(code.get("patch"), Mapping):
        result["patch"] = _text(run, code["patch"])
    if isinstance(code.get("files"), Mapping):
        result["files"] = {path: _text(run, entry) for path, entry in code["files"].items()}
    for group in ("submodules", "siblings"):
        if isinstance(code.get(group), Mapping):
            result[group] = {
                name: _code_out(part, run) if isinstance(part, Mapping) else part for name, part in code[group].items()
            }
    return result


def _text(run: Run, entry: Any) -> Any:
    """The text of a kept file; its digest where it is not kept or is not text."""
    try:
        return run.blobs[str(entry["digest"])].decode("utf-8")
    except (KeyError, TypeError, UnicodeDecodeError):
        return entry
