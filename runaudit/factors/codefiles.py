"""The source files of a record: path -> digest of every file as it stood, wherever the record keeps it."""

from collections.abc import Iterator, Mapping
from typing import Any

from runaudit.records.canonical import JSON, MAPPINGS, canonical_bytes
from runaudit.records.digest import digest_bytes
from runaudit.records.run import Run


def effective_files(code: Mapping[str, Any]) -> Mapping[str, str] | None:
    """Every source file as it stood, submodules and sibling packages included; None where the record has no tree."""
    if not isinstance(code.get("files"), Mapping):
        return None
    return dict(_files(code, ""))


def late_files(run: Run) -> Mapping[str, str]:
    """Files that ran and that the launch could not see: ignored by git, or written while the run ran."""
    late = run.outcome.section("code").get("files") if run.outcome else None
    return dict(_files({"files": late}, "")) if late and isinstance(late, Mapping) else {}


def one_file(path: str, a: Run, b: Run) -> bool:
    """Whether two records hold one and the same file at a path, though they replaced different secrets in it.

    Its identity is a digest of the bytes themselves, under the key of the store: equal ones speak of equal bytes.
    """
    found = [_entry(path, run.manifest.section("code")).get("identity") for run in (a, b)]
    return found[0] is not None and found[0] == found[1]


def _entry(path: str, code: Mapping[str, Any]) -> Mapping[str, Any]:
    entry = (code.get("files") or {}).get(path)
    if isinstance(entry, Mapping):
        return entry
    for group in ("submodules", "siblings"):
        inner = code.get(group)
        for name, part in inner.items() if isinstance(inner, Mapping) else ():
            if path.startswith(f"{name}/") and isinstance(part, Mapping):
                return _entry(path[len(name) + 1 :], part)
    return {}


def _files(code: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for path, entry in (code.get("files") or {}).items():
        if isinstance(entry, Mapping):
            yield prefix + path, str(entry.get("digest", entry))
        else:
            yield prefix + path, str(digest_bytes(str(entry).encode("utf-8", "surrogatepass")))
    for group in ("submodules", "siblings"):
        inner = code.get(group)
        for name, part in inner.items() if isinstance(inner, Mapping) else ():
            if isinstance(part, Mapping) and part.get("files"):
                yield from _files(part, f"{prefix}{name}/")
            else:
                state = part.get("commit", part) if isinstance(part, Mapping) else part
                yield f"{prefix}{name}@commit", str(digest_bytes(canonical_bytes([state, patch_of(part)])))


def patch_of(code: Any) -> JSON:
    """The digest of the patch of a code section, null where there was none."""
    patch = code.get("patch") if isinstance(code, MAPPINGS) else None
    return patch.get("digest") if patch is not None and isinstance(patch, MAPPINGS) else patch
