"""The outcome: how a run ended and what it left, sealed when it ends and linked to its manifest by digest.

    schema        "runaudit.outcome/1"
    manifest      digest of the manifest this is the outcome of
    status        completed | early_stopped | diverged | crashed | killed
    error         one line, for a run that did not complete; else null
    exit_code     of the command, where there was one
    ended, duration_s, steps_done
    metrics       {name: number}
    trajectory    {digest, size} of the sealed JSON Lines, or null
    unwritten     {bytes, steps}                       of the series, which the disk of the store did not take; then
                  `metrics` has no last value of a series, only what the program reported, and `steps_done` is null
    checkpoints   [{path, digest, size, step, kind, score}]   paths relative to the run's folder; score: {metric}
    artifacts     [{path, digest, size, kind}]         figures and other files the run left
    code          {loaded: [path], changed: [{path, before, after}], files}   what really ran, what changed while it ran
    observed      what its processes were seen to use: {level, read, written, looked_up, imported, seeded, …}
    data          {changed: [{name, path}]}            datasets that changed while it ran
    config        {changed: {leaf: [before, after]}}   what the program changed after it was sealed
    told          what the program told of its inputs after another had sealed the launch: {config, data, env, init,
                  eval, seed, launch, origin, unknown}, each as in the manifest
    findings      [finding]                            a declared seed that was not used, and the like
    stderr_tail   the end of the traceback of a program that crashed
    seed_proof    {rng, init, first_batch}
    notes         [text]
    supersedes    digest of the outcome this one corrects

A run without an outcome is unfinished: running, or lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

from runaudit.errors import RecordError
from runaudit.records.canonical import JSON, MAPPINGS, canonical_bytes, frozen, parse_canonical, thawed
from runaudit.records.digest import Digest, digest_bytes
from runaudit.records.sections import Sections
from runaudit.records.shape import OUTCOME, OUTCOME_PARTS, check_shape
from runaudit.records.trajectory import number

OUTCOME_SCHEMA = "runaudit.outcome/1"
STATUSES = ("completed", "early_stopped", "diverged", "crashed", "killed")
FINISHED = ("completed", "early_stopped")
"""The statuses whose final metrics are results. The others stay in every denominator."""
BROKEN_OFF = ("killed", "lost")
"""How a run ends that was stopped from outside, a signal or a machine that went away: no end of its own."""
_SECTIONS = Sections(OUTCOME_PARTS)
_EMPTY: Mapping[str, Any] = MappingProxyType({})


def shell_code(code: int) -> int:
    """An exit code as a shell says it: 128 + N where signal N ended the command, which is sealed as -N."""
    return 128 - code if code < 0 else code


@dataclass(frozen=True)
class Outcome:
    """A frozen reading of one sealed outcome."""

    body: Mapping[str, JSON]

    @classmethod
    def of(cls, sections: Mapping[str, JSON]) -> "Outcome":
        """An outcome from plain sections. Raises RecordError for an unknown status or a missing link."""
        body = {"schema": OUTCOME_SCHEMA, **sections}
        if body.get("status") not in STATUSES:
            raise RecordError(
                f"{body.get('status')!r} is not a status of a run", remedy=f"use one of {', '.join(STATUSES)}"
            )
        check_shape(body, OUTCOME, "the outcome")
        return cls(frozen(body))

    @classmethod
    def from_bytes(cls, raw: bytes, *, where: str) -> "Outcome":
        """The outcome sealed in `raw`."""
        body = _SECTIONS.read(raw)
        if (
            body is not None
            and body.get("schema") == OUTCOME_SCHEMA
            and body.get("status") in STATUSES
            and body.get("manifest") is not None
        ):
            return cls(MappingProxyType({"schema": OUTCOME_SCHEMA, **body}))
        value = parse_canonical(raw, where=where)
        if not isinstance(value, dict) or value.get("schema") != OUTCOME_SCHEMA:
            raise RecordError(f"{where} is not an outcome of this version", remedy="use the runaudit that wrote it")
        return cls.of(value)

    @cached_property
    def raw(self) -> bytes:
        """The canonical bytes that are sealed."""
        return canonical_bytes(self.body)

    @cached_property
    def digest(self) -> Digest:
        """The identity of this outcome."""
        return digest_bytes(self.raw)

    @property
    def manifest(self) -> Digest:
        """The manifest this is the outcome of."""
        return Digest.parse(str(self.body["manifest"]))

    @property
    def status(self) -> str:
        """How the run ended."""
        return str(self.body["status"])

    @cached_property
    def metrics(self) -> Mapping[str, float]:
        """Final metrics; non-finite ones as such."""
        pairs = ((name, number(value)) for name, value in self.section("metrics").items())
        return MappingProxyType({name: value for name, value in pairs if value is not None})

    @property
    def checkpoints(self) -> tuple[Mapping[str, Any], ...]:
        """The checkpoints, each with path, digest, size, step and kind."""
        return tuple(self.body.get("checkpoints") or ())

    @property
    def artifacts(self) -> tuple[Mapping[str, Any], ...]:
        """Other files the run left, each with path, digest, size and kind."""
        return tuple(self.body.get("artifacts") or ())

    @property
    def observed(self) -> Mapping[str, Any] | None:
        """What the run was seen to use; None where nobody looked."""
        value = self.body.get("observed")
        return value if isinstance(value, MAPPINGS) else None

    @property
    def unwritten(self) -> str:
        """What of the series is missing because the disk was full, in a sentence part; empty where nothing is."""
        lost = self.section("unwritten")
        return unwritten_words(**{name: int(lost.get(name) or 0) for name in ("bytes", "steps")}) if lost else ""

    def section(self, name: str) -> Mapping[str, Any]:
        """A section that is an object; empty where there is none."""
        value = self.body.get(name)
        return value if value is not None and isinstance(value, MAPPINGS) else _EMPTY

    def to_json(self) -> dict[str, Any]:
        """A plain copy."""
        plain: dict[str, Any] = thawed(self.body)
        return plain


def unwritten_words(*, bytes: int, steps: int) -> str:  # noqa: A002  (as they are sealed)
    """What became of logged steps that the disk did not take, in a sentence part."""
    return (
        f"{steps:,} logged step{'' if steps == 1 else 's'} ({bytes:,} bytes) could not be written to the store's disk"
    )


def sealed_series(outcome: Outcome | None, origin: Mapping[str, Any]) -> Digest | None:
    """What the series of a run were sealed under; of a foreign run that does not say how it ended, by its manifest."""
    section = outcome.section("trajectory") if outcome else origin.get("trajectory")
    sealed = section.get("digest") if isinstance(section, MAPPINGS) else None
    return Digest.parse(str(sealed)) if sealed else None
