"""What a run was seen to use, read once from its record.

Only a run of level `full` can show that something was *not* used, and only of the kinds that its record names: a record
without `imported` does not say that nothing was imported. What a partially observed run was seen to do counts; what it
was not seen to do excuses nothing.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

from runaudit.factors.unknowns import is_digest
from runaudit.records.canonical import JSON, canonical_bytes
from runaudit.records.digest import digest_bytes
from runaudit.records.run import Run
from runaudit.records.sections import OfSection

CODE_ROLES = ("code", "config")
GROUPS = ("data", "init", "env", "code")
"""Sections under which a file that was read is judged."""
KINDS = ("read", "looked_up", "imported")
"""What a fully observed run may be silent about; a kind that its record does not name is not known."""


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A file that was read. `digest` None: its content is not known, and `reason` says why. `declared`: the input it
    lies within, where it is judged. `library`: only installed packages opened it. A path that ends in `/` is a folder
    of `files` files, its digest that of the tree."""

    path: str
    digest: str | None
    role: str = "data"
    size: int = 0
    declared: str = ""
    library: bool = False
    reason: str = ""

    @property
    def group(self) -> str:
        """The section under which the file is judged where nobody declared it."""
        if self.library and self.path.startswith("/") and self.role != "weights":
            return "env"
        if self.role == "weights":
            return "init"
        return "code" if self.role in CODE_ROLES else "data"


@dataclass(frozen=True, kw_only=True)
class Observed:
    """`known`: the kinds of facts that the record names. `python`: the version of the interpreter that ran. `texts`:
    code without a file, by its name, without what is the content of a file that was read; `several`: names of more than
    one text. `listed`: folder -> digest
    of its names. `seeded`: (call, value) of every call that seeds a generator, in their order."""

    level: str
    reason: str = ""
    known: frozenset[str] = frozenset()
    reads: Mapping[str, Seen] = field(default_factory=_nothing)
    listed: Mapping[str, str] = field(default_factory=_nothing)
    written: frozenset[str] = frozenset()
    looked_up: Mapping[str, str | None] = field(default_factory=_nothing)
    imported: Mapping[str, str] = field(default_factory=_nothing)
    seeded: tuple[tuple[str, JSON], ...] = ()
    argv: tuple[str, ...] = ()
    cwd: str = ""
    python: str = ""
    texts: Mapping[str, str] = field(default_factory=_nothing)
    several: frozenset[str] = frozenset()

    @property
    def full(self) -> bool:
        """Whether everything was seen."""
        return self.level == "full"

    def excuses(self, kind: str) -> bool:
        """Whether what is not told of this kind was not used."""
        return self.full and kind in self.known

    @cached_property
    def folders(self) -> tuple[str, ...]:
        """The folders whose files are told as one."""
        return tuple(path for path in self.reads if path.endswith("/"))

    @cached_property
    def undeclared(self) -> Mapping[str, Mapping[str, Seen]]:
        """What was read and nobody declared, by the section under which it is judged."""
        found: dict[str, dict[str, Seen]] = {group: {} for group in GROUPS}
        for row in self.reads.values():
            if not row.declared:
                found[row.group][row.path] = row
        return found

    def opened(self, path: str) -> bool:
        """Whether a file was opened, by itself or among the files of a folder."""
        return path in self.reads or any(path.startswith(folder) for folder in self.folders)


def observed_of(run: Run) -> Observed | None:
    """What a run was seen to use; None where nobody looked."""
    section = run.observed
    return _of_section(section) if section else None


def unread_data(run: Run) -> tuple[str, ...] | None:
    """The data sets that a run declares and was not seen to read; None where it was seen in part or not at all."""
    seen = observed_of(run)
    if seen is None or not seen.full:
        return None
    told = {row.declared for row in seen.reads.values()}
    return tuple(sorted(name for name in run.manifest.section("data") if f"data.{name}" not in told))


def _observed(section: Mapping[str, Any]) -> Observed:
    level = section.get("level")
    texts = _texts(_rows(section, "texts"), {row.get("digest") for row in _rows(section, "read")})
    return Observed(
        level=level if level in ("full", "partial", "none") else "partial",
        reason=_reason(section),
        known=frozenset(kind for kind in KINDS if isinstance(section.get(kind), Mapping | list | tuple)),
        reads=MappingProxyType({row.path: row for row in map(_seen, _rows(section, "read")) if row.path}),
        listed=MappingProxyType(
            {str(r["path"]): str(r["digest"]) for r in _rows(section, "listed") if r.get("path") and r.get("digest")}
        ),
        written=frozenset(str(row["path"]) for row in _rows(section, "written") if row.get("path")),
        looked_up=MappingProxyType({k: v if v is None else str(v) for k, v in _table(section, "looked_up").items()}),
        imported=MappingProxyType({dist_name(k): str(v) for k, v in _table(section, "imported").items()}),
        seeded=tuple((str(row.get("call", "")), row.get("value")) for row in _rows(section, "seeded")),
        argv=_words(section.get("argv")),
        cwd=str(section.get("cwd") or ""),
        python=str(section.get("python") or ""),
        texts=MappingProxyType({name: _as_one(digests) for name, digests in texts.items()}),
        several=frozenset(name for name, digests in texts.items() if len(digests) > 1),
    )


_of_section = OfSection(_observed)


def dist_name(name: object) -> str:
    """The name of a distribution as every spelling of it is compared."""
    return re.sub(r"[-_.]+", "-", str(name)).lower()


def _reason(section: Mapping[str, Any]) -> str:
    reasons = section.get("reasons")
    listed = "; ".join(map(str, reasons)) if isinstance(reasons, list | tuple) else ""
    return str(section.get("reason") or listed or "the record does not say why")


def _rows(section: Mapping[str, Any], name: str) -> Iterable[Mapping[str, Any]]:
    rows = section.get(name)
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list | tuple) else ()


def _table(section: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = section.get(name)
    return table if isinstance(table, Mapping) else {}


def _words(argv: Any) -> tuple[str, ...]:
    return tuple(map(str, argv)) if isinstance(argv, list | tuple) else ()


def _seen(row: Mapping[str, Any]) -> Seen:
    path, digest, size = str(row.get("path") or ""), row.get("digest"), row.get("size")
    return Seen(
        path=path.removeprefix("./"),
        digest=str(digest) if is_digest(digest) else None,
        role=str(row.get("role") or "data"),
        size=size if isinstance(size, int) else 0,
        declared=str(row.get("declared") or ""),
        library=row.get("by") == "library",
        reason=str(row.get("reason") or ""),
    )


def _texts(rows: Iterable[Mapping[str, Any]], files: set[Any]) -> Mapping[str, list[str]]:
    """The texts of each name: `exec` calls all its texts `<string>`. What a file held is told as that file."""
    named: dict[str, list[str]] = {}
    for row in rows:
        if row.get("digest") in files:
            continue
        named.setdefault(str(row.get("name") or "<string>"), []).append(str(row.get("digest")))
    return named


def _as_one(digests: list[str]) -> str:
    return digests[0] if len(digests) == 1 else str(digest_bytes(canonical_bytes(sorted(set(digests)))))


def seeds_at_odds(run: Run) -> tuple[JSON, ...]:
    """The values that the program seeded with, where none of them is the declared seed; empty where one is, or where
    either is not known."""
    seed, seen = run.manifest.body.get("seed"), observed_of(run)
    values = tuple(dict.fromkeys(value for _, value in seen.seeded if _whole(value))) if seen else ()
    return values if _whole(seed) and values and seed not in values else ()


def seeded_as_declared(run: Run) -> bool:
    """Whether the program was seen to seed a generator with the seed that the run declares."""
    seed, seen = run.manifest.body.get("seed"), observed_of(run)
    return seen is not None and _whole(seed) and any(_whole(value) and value == seed for _, value in seen.seeded)


def seeded_alike(a: Run, b: Run) -> bool:
    """Whether two runs declare different seeds and were seen to seed their generators with equal values."""
    left = observed_of(a)
    if left is None or not left.seeded or (right := observed_of(b)) is None or left.seeded != right.seeded:
        return False
    seeds = a.manifest.body.get("seed"), b.manifest.body.get("seed")
    proofs = [(a.seed_proof[key], b.seed_proof[key]) for key in a.seed_proof if key in b.seed_proof]
    return seeds[0] != seeds[1] and not any(x != y for x, y in proofs)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
