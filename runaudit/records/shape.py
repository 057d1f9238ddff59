"""Which JSON type stands where in a record: one table, held against everything that is read, ours or a stranger's.

A reader that meets `siblings: true` where it expects an object fails far from the record, and takes the runs beside it
along. So the form is checked once, where a record comes in, and everything behind relies on it. What a table does not
name is let through untouched, so that an older runaudit reads what a newer one adds; null says "known to be none" and
stands wherever a table does not say `must`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from runaudit.errors import RecordError
from runaudit.records.trajectory import number

_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One place of a record, what stands there, and what should."""

    path: tuple[str, ...]
    found: str
    should: str

    def __str__(self) -> str:
        return f"{'.'.join(self.path)!r} is {self.found}, not {self.should}"

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return f"give {'.'.join(self.path)} as {self.should}, or leave it out"


Shape = Callable[[Any, tuple[str, ...]], Iterator[Fault]]
"""What is wrong with a value at a path; nothing where it has the form."""


# ── kinds ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _leaf(should: str, holds: Callable[[Any], bool]) -> Shape:
    def check(value: Any, path: tuple[str, ...]) -> Iterator[Fault]:
        if value is not None and not holds(value):
            yield Fault(path=path, found=json_type(value), should=should)

    return check


TEXT = _leaf("text", lambda value: isinstance(value, str))
NUMBER = _leaf("a number", lambda value: isinstance(value, int | float) and not isinstance(value, bool))
FLAG = _leaf("true or false", lambda value: isinstance(value, bool))
PLAIN = _leaf("a number or text", lambda value: isinstance(value, str | int | float))
VALUE = _leaf("a number", lambda value: number(value) is not None)
"""A number of a metric, or the word for one that is not finite, as an answer writes it."""
DIGEST = _leaf("a digest (sha256:<64 hexadecimal digits>)", lambda value: _is_digest(value))


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 71 and value.startswith("sha256:") and set(value[7:]) <= _HEX


def list_of(item: Shape) -> Shape:
    """A list, every item of which has this form."""

    def check(value: Any, path: tuple[str, ...]) -> Iterator[Fault]:
        if value is None:
            return
        if not isinstance(value, list | tuple):
            yield Fault(path=path, found=json_type(value), should="a list")
            return
        for place, one in enumerate(value):
            yield from _needed(one, (*path[:-1], f"{path[-1]}[{place}]"), item)

    return check


def table_of(item: Shape) -> Shape:
    """An object with any keys, every value of which has this form."""

    def check(value: Any, path: tuple[str, ...]) -> Iterator[Fault]:
        if value is None:
            return
        if not isinstance(value, Mapping):
            yield Fault(path=path, found=json_type(value), should="an object")
            return
        for name, one in value.items() if item is not ANYTHING else ():
            yield from item(one, (*path, str(name)))

    return check


def section(fields: Mapping[str, Shape], *, must: tuple[str, ...] = ()) -> Shape:
    """An object whose known keys have these forms; `must` are there and not null."""

    def check(value: Any, path: tuple[str, ...]) -> Iterator[Fault]:
        if value is None:
            return
        if not isinstance(value, Mapping):
            yield Fault(path=path, found=json_type(value), should="an object")
            return
        for name in must:
            if value.get(name) is None:
                yield Fault(path=(*path, name), found="null" if name in value else "missing", should="given")
        for name, shape in fields.items():
            if name in value:
                yield from shape(value[name], (*path, name))

    return check


def solid(shape: Shape) -> Shape:
    """A value of this form that is not null either."""

    def check(value: Any, path: tuple[str, ...]) -> Iterator[Fault]:
        if value is None:
            yield Fault(path=path, found="null", should="a value")
        yield from shape(value, path)

    return check


def either(first: Shape, second: Shape) -> Shape:
    """A value of one form or, where it is not, of the other."""
    return lambda value, path: iter(()) if not any(first(value, path)) else second(value, path)


def _needed(value: Any, path: tuple[str, ...], item: Shape) -> Iterator[Fault]:
    """An item of a list is something: null is no row."""
    yield from item(value, path) if item is ANYTHING else solid(item)(value, path)


def ANYTHING(_value: Any, _path: tuple[str, ...]) -> Iterator[Fault]:  # noqa: N802  (a shape like the others)
    """Whatever JSON can say."""
    return iter(())


def json_type(value: Any) -> str:
    """What a value is, in the words of JSON."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "text"
    if isinstance(value, int | float):
        return "a number"
    return "an object" if isinstance(value, Mapping) else "a list"


# ── the tables ───────────────────────────────────────────────────────────────────────────────────────────────────

OBJECT = table_of(ANYTHING)
TEXTS = list_of(TEXT)
FILE = section({"digest": DIGEST, "size": NUMBER, "stored": FLAG, "mode": PLAIN}, must=("digest",))
KEPT = section({"path": TEXT, "digest": DIGEST, "size": NUMBER, "step": NUMBER, "kind": TEXT}, must=("path", "digest"))
_ROW = section({"path": TEXT, "digest": TEXT, "role": TEXT, "declared": TEXT, "size": NUMBER, "files": ANYTHING})


def _code(file: Shape, patch: Shape) -> Shape:
    """A work tree; submodules and siblings are work trees in it or beside it."""

    def part(value: Any, path: tuple[str, ...]) -> Iterator[Fault]:
        return check(value, path)

    check = section(
        {
            "commit": TEXT, "branch": TEXT, "remote": TEXT, "vcs": TEXT, "dirty": FLAG, "patch": patch,
            "files": table_of(solid(file)), "untracked": TEXTS, "submodules": table_of(either(TEXT, part)),
            "siblings": table_of(either(TEXT, part)),
        }
    )  # fmt: skip
    return check


OBSERVED = section(
    {
        "level": TEXT, "reason": TEXT, "reasons": TEXTS, "argv": TEXTS, "executable": TEXT, "cwd": TEXT,
        "python": PLAIN, "flags": TEXTS, "read": list_of(_ROW), "written": list_of(_ROW),
        "seeded": list_of(section({"call": TEXT, "where": TEXT, "value": ANYTHING})),
        "texts": list_of(_ROW), "children": list_of(section({"argv": TEXTS, "cwd": TEXT})), "looked_up": OBJECT,
        "imported": table_of(PLAIN),
    }
)  # fmt: skip
FINDING = section(
    {
        "code": TEXT, "name": TEXT, "severity": TEXT, "subject": TEXT, "message": TEXT, "remedy": TEXT,
        "step": NUMBER, "evidence": OBJECT,
    }
)  # fmt: skip
SERIES = section({"digest": DIGEST, "size": NUMBER}, must=("digest",))

_ENV: Mapping[str, Shape] = {
    "python": PLAIN, "torch": PLAIN, "cuda": PLAIN, "cudnn": PLAIN, "driver": PLAIN, "packages": table_of(PLAIN),
    "determinism": OBJECT, "variables": OBJECT,
}  # fmt: skip
_INPUTS: Mapping[str, Shape] = {
    "label": TEXT,
    "config": OBJECT,
    "data": table_of(solid(section({"path": TEXT, "digest": TEXT}))),
    "env": section(_ENV),
    "init": section({"kind": TEXT, "parent": TEXT}),
    "eval": OBJECT,
    "seed_proof": table_of(PLAIN),
    "intent": TEXTS,
    "bundles": TEXTS,
    "waivers": list_of(section({"rule": TEXT, "reason": TEXT}, must=("rule",))),
    "unknown": table_of(TEXT),
    "supersedes": TEXT,
}  # fmt: skip
_ENDING: Mapping[str, Shape] = {
    "error": TEXT, "exit_code": NUMBER, "ended": PLAIN, "duration_s": NUMBER, "steps_done": ANYTHING,
}  # fmt: skip
_LAUNCH: Mapping[str, Shape] = {
    "run_dir": TEXT, "started": PLAIN, "hostname": TEXT, "pid": PLAIN, "argv": TEXTS, "cwd": TEXT, "nonce": PLAIN,
    "top": TEXT, "script": TEXT, "siblings": table_of(TEXT), "outputs": list_of(ANYTHING), "lint": TEXTS,
    "policy": section({"digest": TEXT, "rules": OBJECT, "stats": section({"digest": TEXT, "rules": OBJECT})}),
}  # fmt: skip
_RAN = section(
    {
        "loaded": TEXTS, "files": table_of(FILE),
        "changed": list_of(section({"path": TEXT, "before": ANYTHING, "after": ANYTHING})),
    }
)  # fmt: skip
_DATA_CHANGED = section({"changed": list_of(section({"name": TEXT, "path": TEXT}))})
_CONFIG_CHANGED = section({"changed": table_of(list_of(ANYTHING))})
_UNWRITTEN = section({"bytes": NUMBER, "steps": NUMBER})
_TOLD = section(
    {**{name: _INPUTS[name] for name in ("config", "data", "env", "init", "eval", "unknown")}, "seed": PLAIN,
     "launch": section(_LAUNCH), "origin": OBJECT, "policy": section({"derived": table_of(TEXT)})}
)  # fmt: skip

MANIFEST_PARTS: Mapping[str, Shape] = {
    **_INPUTS, "code": _code(FILE, section({"digest": DIGEST, "size": NUMBER}, must=("digest",))),
    "launch": section(_LAUNCH), "observed": OBSERVED,
    "origin": section({"kind": TEXT, "known_none": TEXTS, "trajectory": SERIES, "assumed": TEXTS}),
}  # fmt: skip
MANIFEST = section(MANIFEST_PARTS)
OUTCOME_PARTS: Mapping[str, Shape] = {
    **_ENDING, "manifest": DIGEST, "status": TEXT, "metrics": table_of(PLAIN), "trajectory": SERIES,
    "checkpoints": list_of(KEPT), "artifacts": list_of(KEPT), "code": _RAN, "observed": OBSERVED,
    "data": _DATA_CHANGED, "config": _CONFIG_CHANGED, "findings": list_of(FINDING), "stderr_tail": TEXT,
    "seed_proof": table_of(PLAIN), "notes": TEXTS, "supersedes": TEXT, "told": _TOLD,
    "unwritten": _UNWRITTEN,
}  # fmt: skip
OUTCOME = section(OUTCOME_PARTS, must=("manifest", "status"))
RECORD = section(
    {
        **_INPUTS, "code": _code(either(TEXT, FILE), either(TEXT, SERIES)), "seed": PLAIN,
        # No interpreter is without packages: who does not know them leaves them out.
        "env": section({**_ENV, "packages": solid(table_of(PLAIN))}),
        "runtime": section({**_LAUNCH, **_ENDING, "status": TEXT}),
        "metrics": table_of(VALUE), "observed": OBSERVED, "events": list_of(section({"step": NUMBER})),
        "series": OBJECT, "outcome_code": _RAN, "outcome_data": _DATA_CHANGED, "outcome_config": _CONFIG_CHANGED,
        "findings": list_of(FINDING), "stderr_tail": TEXT, "unwritten": _UNWRITTEN,
        "digest": TEXT,
    }
)  # fmt: skip


def check_shape(value: Any, shape: Shape, where: str) -> None:
    """Raises RecordError for the first place of `value` that has another form than the table says."""
    if (fault := next(shape(value, ()), None)) is not None:
        raise RecordError(f"{where}: {fault}", remedy=fault.remedy)


def well_formed(body: Mapping[str, Any], shape: Shape) -> dict[str, Any]:
    """The sections of a record that have their form: what can still be shown of a malformed one."""
    spoilt = {fault.path[0].partition("[")[0] for fault in shape(body, ()) if fault.path}
    return {name: value for name, value in body.items() if name not in spoilt}
