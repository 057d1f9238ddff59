"""The program's own files, found from its script on by what they import, and read one by one (`parsing`)."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import fields
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runaudit.capture.memory import keep, recall
from runaudit.errors import RunauditError
from runaudit.guard.lint.written import Written
from runaudit.records.manifest import Manifest, Unknown

if TYPE_CHECKING:
    from runaudit.guard.lint.parsing import Parsed

MAX_FILES = 150
MAX_BYTES = 2 << 20
"""A program that is larger is read in part, and nothing is said to be missing in it."""
RECORDER = "runaudit"
"""It records, and trains nothing."""
VERSION = 7
"""Of what is looked for. A memory of another one is none."""


def written_code(manifest: Manifest, blobs: Mapping[str, bytes], cache: Path | None) -> Written | Unknown:
    """What the code of a draft says. It is read anew only where a file of it changed."""
    code, script = manifest.section("code"), manifest.section("launch").get("script")
    files = code.get("files")
    if not isinstance(files, Mapping):
        return Unknown("the code is not on record")
    if not isinstance(script, str) or script not in files or not script.endswith(".py"):
        return Unknown("the program is no Python script of this tree")
    own = {path: str(entry["digest"]) for path, entry in files.items() if path.endswith(".py") and "digest" in entry}
    memory = None if cache is None else cache / f"lint-{_key(script, own)}.json"
    if memory is not None and (known := _remembered(memory)) is not None:
        return known
    found = read_program(script, own.keys(), lambda path: blobs[own[path]])
    if memory is not None:
        keep(memory, json.dumps(found.to_json()).encode())
    return found


def _key(script: str, files: Mapping[str, str]) -> str:
    return sha256(json.dumps([VERSION, script, sorted(files.items())]).encode("utf-8", "surrogatepass")).hexdigest()[
        :32
    ]


def _remembered(memory: Path) -> Written | None:
    try:
        return Written.from_json(json.loads(recall(memory) or b"null"))
    except (TypeError, KeyError, ValueError):
        return None


def read_program(script: str, files: Collection[str], read: Callable[[str], bytes]) -> Written:
    """What a script and the files that it imports say. `files`: the paths of the tree's Python files."""
    from runaudit.guard.lint.parsing import parsed  # only where the code is new

    waiting, seen, total = [script], {script}, 0
    rows: list[Parsed] = []
    missing = ""
    while waiting:
        path = waiting.pop(0)
        try:
            text = read(path).decode("utf-8")
            one = parsed(path, text, is_entry=path == script)
        except (SyntaxError, ValueError, RecursionError, KeyError, RunauditError):
            missing = f"{path} cannot be read as Python"
            continue
        total += len(text)
        if len(rows) >= MAX_FILES or total > MAX_BYTES:
            missing = f"the program is larger than the {MAX_FILES} files that are read"
            break
        rows.append(one)
        for found in _imported_files(one, script, files):
            if found not in seen:
                seen.add(found)
                waiting.append(found)
    return _together(rows, missing)


def _imported_files(one: "Parsed", script: str, files: Collection[str]) -> Iterator[str]:
    """The files of the tree that a file imports: beside the script, at the top of the tree, in `src`, or beside it."""
    beside = _folder(script)
    for level, dotted in dict.fromkeys(one.imports):
        words = [word for word in dotted.split(".") if word]
        if words[:1] == [RECORDER] and not level:
            continue
        up = one.path
        for _ in range(level):
            up = _folder(up)
        for base in (up,) if level else dict.fromkeys((beside, "", "src")):
            for end in range(len(words), 0, -1):
                stem = "/".join([base, *words[:end]] if base else words[:end])
                yield from (name for name in (f"{stem}.py", f"{stem}/__init__.py") if name in files)


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _together(rows: "list[Parsed]", missing: str) -> Written:
    calls: dict[str, list[Any]] = {}
    for row in rows:
        for name, places in row.calls.items():
            calls.setdefault(name, []).extend(places)
    joined = {
        one.name: tuple(item for row in rows for item in getattr(row, one.name))
        for one in fields(Written)
        if one.name in ("transforms", "epsilons", "defaults", "modules", "freezes", "sigmas", "half_words", "mentions")
    }
    return Written(
        files=tuple(row.path for row in rows),
        used=tuple(sorted({name for row in rows for name in row.used if name})),
        imported=tuple(sorted({dotted for row in rows for level, dotted in row.imports if not level})),
        missing=missing,
        calls={name: tuple(places) for name, places in calls.items()},
        **joined,
    )
