"""Foreign runs without the secrets that their trackers kept: what comes in is held to what is captured here.

A tracker stores what it is given, an API key in a config or a token in a command line included. Everything is read
once before anything is replaced, so that a secret found under its name is gone from the patch that quotes it bare.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from runaudit.capture.redact import SHORT, Redactor, redaction_key
from runaudit.capture.source import redaction
from runaudit.capture.styles import Style
from runaudit.records.canonical import JSON
from runaudit.records.digest import digest_bytes
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.records.run import Run
from runaudit.records.trajectory import Event, Trajectory
from runaudit.store.store import Store


def without_secrets(runs: Sequence[Run], store: Store | None) -> tuple[Run, ...]:
    """These runs with every secret replaced, under the store's key; without a store under one that nobody keeps."""
    return Cleaning(store).runs(runs)


class Remembering(Redactor):
    """A redactor that looks once at a short text which holds nothing. What a text is found to hold depends on itself
    and on the secrets known by then, so what is learned or recalled ends what is remembered."""

    def __init__(self, key: bytes) -> None:
        super().__init__(key)
        self._passed: set[tuple[str, Style]] = set()

    def text(self, text: str, style: Style = Style.PROSE) -> str:
        """As `Redactor.text`."""
        if (text, style) in self._passed:
            return text
        clean = super().text(text, style)
        if clean == text and len(text) <= SHORT:
            if len(self._passed) >= REMEMBERED:
                self._passed.clear()
            self._passed.add((text, style))
        return clean

    def learn(self, secrets: Iterable[str]) -> None:
        """As `Redactor.learn`."""
        known = self.learned
        super().learn(secrets)
        if self.learned != known:
            self._passed.clear()

    def recall(self, *sealed: bytes) -> None:
        """As `Redactor.recall`."""
        super().recall(*sealed)
        self._passed.clear()


REMEMBERED = 50_000
"""Texts that are remembered, some ten megabytes: ten thousand runs share most of their names and values."""


class Cleaning:
    """Replaces secrets in runs that come in one after another: one that was found is replaced in all that follow."""

    def __init__(self, store: Store | None) -> None:
        self._redactor = Remembering(os.urandom(32) if store is None else redaction_key(store.root))

    def runs(self, runs: Sequence[Run]) -> tuple[Run, ...]:
        """These runs without secrets; what one of them tells under its name is replaced in all of them."""
        first = [(self._redactor.learned, redacted(run, self._redactor)) for run in runs]
        # What was found in one of them is replaced in all: those that were read before it was known are read again.
        known = self._redactor.learned
        return tuple(clean if then == known else redacted(run, self._redactor)
                     for run, (then, clean) in zip(runs, first, strict=True))  # fmt: skip


def redacted(run: Run, redactor: Redactor) -> Run:
    """One run with its secrets replaced in manifest, outcome, trajectory, sources and patch."""
    body = run.manifest.to_json()
    code = body.pop("code", None)
    blobs, moved = _blobs(run, code, redactor)
    clean: dict[str, Any] = redactor.tree(body)
    if code is not None:
        clean["code"] = _moved(redactor.tree(code), moved)
    manifest = run.manifest if {**body, "code": code} == clean | {"code": clean.get("code")} else Manifest.of(clean)
    return replace(
        run,
        manifest=manifest,
        outcome=None if run.outcome is None else _outcome(run.outcome, manifest, redactor),
        trajectory=_trajectory(run.trajectory, redactor),
        blobs=MappingProxyType(blobs),
    )


def _patch_digest(code: Any) -> str | None:
    patch = code.get("patch") if isinstance(code, Mapping) else None
    return str(patch.get("digest")) if isinstance(patch, Mapping) else None


def _blobs(run: Run, code: Any, redactor: Redactor) -> tuple[dict[str, bytes], dict[str, dict[str, JSON]]]:
    """The kept contents by digest, and of those that held a secret what an entry says of each now."""
    patch, names = _patch_digest(code), dict(_names(code))
    kept: dict[str, bytes] = {}
    moved: dict[str, dict[str, JSON]] = {}
    for digest, data in run.blobs.items():
        clean, changed = redactor.patch(data) if digest == patch else redactor.data(data, names.get(digest, ""))
        if changed:
            moved[digest] = {"digest": str(digest_bytes(clean)), "size": len(clean), **redaction(data, redactor)}
        kept[str(digest_bytes(clean)) if changed else digest] = clean
    return kept, moved


def _names(code: Any) -> Iterator[tuple[str, str]]:
    """Digest -> path of the files of a code section, by which it is known how each is read."""
    files = code.get("files") if isinstance(code, Mapping) else None
    for path, entry in files.items() if isinstance(files, Mapping) else ():
        if isinstance(entry, Mapping):
            yield str(entry.get("digest")), str(path)


def _moved(value: Any, moved: Mapping[str, Mapping[str, JSON]]) -> Any:
    """A section with the digests of redacted contents put in the place of those that held a secret."""
    if isinstance(value, list | tuple):
        return [_moved(item, moved) for item in value]
    if not isinstance(value, Mapping):
        return value
    if (clean := moved.get(str(value.get("digest")))) is not None:
        return {**value, **clean}
    return {key: _moved(item, moved) for key, item in value.items()}


def _outcome(outcome: Outcome, manifest: Manifest, redactor: Redactor) -> Outcome:
    body = outcome.to_json()
    metrics = {redactor.text(name): value for name, value in body.pop("metrics", {}).items()}
    clean: dict[str, Any] = redactor.tree(body)
    return Outcome.of({**clean, "metrics": metrics, "manifest": str(manifest.digest)})


def _trajectory(found: Trajectory, redactor: Redactor) -> Trajectory:
    series = {redactor.text(name): points for name, points in found.series.items()}
    events = tuple(
        Event(step=event.step, kind=redactor.text(event.kind),
              detail=MappingProxyType(dict(redactor.tree(dict(event.detail)))))
        for event in found.events
    )  # fmt: skip
    return replace(found, series=MappingProxyType(series), events=events)
