"""The manifest: everything that went into a run, sealed before its first step.

A manifest *is* its canonical JSON; this class is a frozen reading of it. Its sections bear the names of the plain
record file, so that what is sealed, what is exported and what is imported are one vocabulary:

    schema        "runaudit.manifest/1"
    label         what is being tested, in words
    seed          the declared seed; null: known to be none; absent: unknown
    config        the resolved configuration, defaults filled in
    code          commit, branch, remote, dirty, patch {digest,size}|null, files {path: {digest,size}} (the effective
                  tree: every source file as it stood, tracked or not), untracked [path], submodules, siblings
    data          {name: {path, digest, files, bytes, tiles, frames, preprocessing, members [name], …}}
    env           python, torch, cuda, cudnn, gpu, gpu_count, driver, packages {name: version}, determinism {…}, …
    init          {kind: random|resume|checkpoint, checkpoint: digest|null, parent: run id|null}
    eval          {metric, protocol, crop_border, data_range, channel, code_digest}
    seed_proof    {rng, init, first_batch}: digests that show the seed acted, where they are known this early
    launch        this launch alone: started, hostname, pid, nonce, argv, cwd, run_dir, top (the root of the script's
                  work tree), script (its path in there), siblings {name: folder}, outputs (of earlier runs, no code)
    origin        {kind: "captured"} or where an imported run came from
    intent        [factor]: what the experimenter said would differ
    bundles       [name]: declared treatments made of several changes
    waivers       [{rule, reason, until}]
    unknown       {path: why it is not here}
    supersedes    digest of the record this one corrects

Absent is unknown, and unknown is never equal to anything; null says "known to be none". Sections that this version does
not know are kept, so that an older runaudit can still verify what a newer one sealed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import Any

from runaudit.errors import RecordError, RunauditError
from runaudit.records.canonical import JSON, MAPPINGS, canonical_bytes, frozen, parse_canonical, thawed
from runaudit.records.digest import Digest, digest_bytes
from runaudit.records.sections import Sections
from runaudit.records.shape import MANIFEST, MANIFEST_PARTS, check_shape, json_type, well_formed

MANIFEST_SCHEMA = "runaudit.manifest/1"

DESIGN_SECTIONS = ("seed", "config", "code", "data", "env", "init", "eval")
"""What can make a result different. Everything else says who, when and where."""
CAPTURED = "captured"
"""The origin of a manifest that a launch of ours sealed, as of one that says nothing of it."""
GONE = "forgotten"
"""The origin of a manifest that was forgotten on purpose."""

_MAPPINGS = ("config", "code", "data", "env", "init", "eval", "seed_proof", "launch", "origin", "unknown")
_EMPTY: Mapping[str, Any] = MappingProxyType({})
_SECTIONS = Sections(MANIFEST_PARTS)


def _has_objects(body: Mapping[str, JSON]) -> bool:
    return all(isinstance(body[name], MAPPINGS) for name in _MAPPINGS if name in body)


START = "init.start"
"""Where the record of a run holds no beginning: it may have gone on from what another run came to."""
INHERITED = "config.inherited"
"""The place, among what is unknown, of the settings that a run has from a record which is not there."""
UNTYPED = "config.untyped"
"""The same of settings that were logged, and of which no more is in the record than was typed."""
SEED_PLACE = "{seed}"
"""Where the seed stands in the words of a job before it is filled in. A job's `origin.campaign.by_seed` holds those of
its words, by their places, into which the tool itself put it."""
UNLOGGED = "config.unlogged"
"""The same of the settings of a program that gave its tracker none: those of its command line alone are on record."""
UNLISTED = "env.conda"
"""The same of the packages that conda had installed, beside those that pip told of."""
BEYOND_TYPED = (UNTYPED, UNLOGGED)


class Unknown:
    """A value that is not in the record, and why. Never equal to anything, itself included, when judging."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def __eq__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return f"Unknown({self.reason!r})"


@dataclass(frozen=True)
class Manifest:
    """A frozen reading of one sealed manifest. `body` is read-only all the way down; `sealed` are the bytes it was read
    from, where it was, and `held` the digest that they were held against. `named` is the digest that one was sealed
    under whose bytes were forgotten, or are damaged: what is read of it is then less than what was sealed, or other."""

    body: Mapping[str, JSON]
    sealed: bytes | None = field(default=None, repr=False, compare=False)
    named: Digest | None = None
    held: Digest | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, sections: Mapping[str, JSON]) -> "Manifest":
        """A manifest from plain sections. Raises RecordError for a section of the wrong type."""
        body = {"schema": MANIFEST_SCHEMA, **sections}
        for name in _MAPPINGS:
            if name in body and not isinstance(body[name], Mapping):
                raise RecordError(
                    f"section {name!r} of the manifest is {json_type(body[name])}, not an object",
                    remedy=f"give {name!r} as a mapping",
                )
        check_shape(body, MANIFEST, "the manifest")
        return cls(frozen(body))

    @classmethod
    def salvaged(cls, raw: bytes, named: Digest, *, why: str) -> "Manifest":
        """What is well formed of a manifest that is not the one sealed as `named`: to be shown under that name beside
        its fault, never to be judged. Of bytes that are no manifest nothing is known."""
        try:
            value = parse_canonical(raw, where=str(named))
        except RunauditError:
            value = None
        if not isinstance(value, dict) or value.get("schema") != MANIFEST_SCHEMA:
            return replace(cls.of({"unknown": dict.fromkeys(DESIGN_SECTIONS, why)}), named=named)
        kept = well_formed(value, MANIFEST)
        whole = {name: kept[name] for name in kept if name not in _MAPPINGS or isinstance(kept[name], Mapping)}
        return cls(frozen(whole), sealed=raw, named=named)

    @classmethod
    def from_bytes(cls, raw: bytes, *, where: str, held: Digest | None = None) -> "Manifest":
        """The manifest sealed in `raw`, which has the digest `held`, where that is known. Raises RecordError when it is
        something else or of a newer major version."""
        body = _SECTIONS.read(raw)
        if body is not None and body.get("schema") == MANIFEST_SCHEMA and _has_objects(body):
            return cls(MappingProxyType({"schema": MANIFEST_SCHEMA, **body}), sealed=raw, held=held)
        value = parse_canonical(raw, where=where)
        if not isinstance(value, dict) or value.get("schema") != MANIFEST_SCHEMA:
            found = value.get("schema") if isinstance(value, dict) else type(value).__name__
            raise RecordError(
                f"{where} is not a manifest of this version (schema {found!r})",
                remedy="use the runaudit that wrote it",
            )
        # What is sealed is these bytes: writing them again, only to hash them, is half of what loading a run costs.
        return replace(cls.of(value), sealed=raw, held=held)

    @classmethod
    def forgotten(cls, named: Digest, why: str, about: Mapping[str, JSON] | None = None) -> "Manifest":
        """What is left of a manifest whose bytes were forgotten: that it was there, and what its tombstone tells:
        `about` has its cohort, others of it, its seed and how it ended, where that was told."""
        told = dict(about or {})
        seed = {"seed": told.pop("seed")} if "seed" in told else {}
        unknown = {name: why for name in DESIGN_SECTIONS if name not in seed}
        return replace(cls.of({"origin": {"kind": GONE, **told}, "unknown": unknown, **seed}), named=named)

    @property
    def is_gone(self) -> bool:
        """Whether its bytes were forgotten on purpose."""
        return self.named is not None and self.section("origin").get("kind") == GONE

    @property
    def is_captured(self) -> bool:
        """Whether a launch of ours sealed it; else another tracker's record did, or none is left."""
        return bool(self.section("origin").get("kind", CAPTURED) == CAPTURED)

    @cached_property
    def raw(self) -> bytes:
        """The canonical bytes that are sealed."""
        return canonical_bytes(self.body) if self.sealed is None else self.sealed

    @cached_property
    def digest(self) -> Digest:
        """The identity of this launch."""
        return self.named or self.held or digest_bytes(self.raw)

    @cached_property
    def id(self) -> str:
        """The run's id: the hexadecimal digits of the manifest's digest."""
        return self.digest.hex

    @property
    def label(self) -> str | None:
        """What is being tested, in words."""
        label = self.body.get("label")
        return label if isinstance(label, str) else None

    @property
    def seed(self) -> JSON | Unknown:
        """The declared seed, None when known to be none, Unknown when the record does not say."""
        return self.body["seed"] if "seed" in self.body else Unknown(self.reason("seed"))

    @property
    def campaign(self) -> Mapping[str, Any]:
        """What a campaign sealed of a run: its id, the arm, the seed. Empty for any other run."""
        mark = self.section("origin").get("campaign")
        return mark if isinstance(mark, Mapping) else {}

    @property
    def began(self) -> float | None:
        """When the run was launched, in seconds since the epoch; None where the record does not say."""
        try:
            return datetime.fromisoformat(str(self.section("launch")["started"])).timestamp()
        except (KeyError, ValueError):
            return None

    def section(self, name: str) -> Mapping[str, Any]:
        """A section that is an object; empty where the record has none."""
        value = self.body.get(name)
        return value if value is not None and isinstance(value, MAPPINGS) else _EMPTY

    def has(self, name: str) -> bool:
        """Whether the record says anything about this section, null included."""
        return name in self.body

    def reason(self, path: str) -> str:
        """Why `path` is unknown, in the words of whoever made the record."""
        return str(self.section("unknown").get(path, "not in the record"))

    @property
    def intent(self) -> tuple[str, ...]:
        """The factors that were declared, before launch, to differ."""
        return tuple(str(item) for item in self.body.get("intent") or ())

    @property
    def waivers(self) -> tuple[Mapping[str, Any], ...]:
        """The rules that were waived for this launch, with their reasons."""
        return tuple(self.body.get("waivers") or ())

    def to_json(self) -> dict[str, Any]:
        """A plain copy."""
        plain: dict[str, Any] = thawed(self.body)
        return plain
