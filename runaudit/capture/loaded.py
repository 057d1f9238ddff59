"""What really ran: the project's modules that were loaded by the end, and what changed while the run ran.

Python reads a module once, so an edit during the run changes nothing but what is imported later, and that is just the
case in which neither the sealed tree nor the edited one is what ran. So the change is told, with both digests.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

from runaudit.capture.redact import Redactor
from runaudit.capture.source import Basket, Limits, Put, is_installed
from runaudit.records.canonical import JSON
from runaudit.records.filenames import legible
from runaudit.system.git import work_tree


def loaded_modules(root: Path, *, modules: Mapping[str, ModuleType] | None = None) -> tuple[str, ...]:
    """The files below `root` that loaded modules came from, as sorted posix paths; installed packages left out."""
    found: set[str] = set()
    root = root.absolute()
    for module in (sys.modules.copy() if modules is None else modules).values():  # another thread may import meanwhile
        name = getattr(module, "__file__", None)
        if not isinstance(name, str):
            continue
        path = Path(name).absolute()
        if root in path.parents and not is_installed(inner := path.relative_to(root).as_posix()):
            found.add(inner)
    return tuple(sorted(found))


def loaded_code(
    code: Mapping[str, JSON],
    roots: Mapping[str, Path],
    put: Put,
    redactor: Redactor | None,
    *,
    modules: Mapping[str, ModuleType] | None = None,
) -> dict[str, JSON]:
    """The outcome's `code` section: `loaded`, `changed`, and `files` with the content of loaded files that the manifest
    does not have (ignored by git, or written during the run).

    code: the manifest's section. roots: `""` for the work tree and a sibling's name for each sibling.
    """
    seen, kept = Basket(limits=Limits(), redactor=redactor), Basket(limits=Limits(), redactor=redactor)
    loaded: list[str] = []
    changed: list[JSON] = []
    late: dict[str, JSON] = {}
    for name, root in roots.items():
        sealed = dict(_sealed(code if not name else code.get("siblings", {}).get(name, {})))
        prefix = f"{name}/" if name else ""
        for path in loaded_modules(root, modules=modules):
            loaded.append(legible(prefix + path))
            old = sealed.get(legible(path))
            entry = seen.entry(root / path, path, tracked=True, sealed=old)
            before, after = (one["digest"] if one else None for one in (old, entry))
            if before != after:
                changed.append({"path": legible(prefix + path), "before": before, "after": after})
            if entry and before is None:
                late[legible(prefix + path)] = kept.entry(root / path, path, tracked=True)
    kept.store(put)
    return {"loaded": sorted(loaded), "changed": changed, **({"files": late} if late else {})}


def joined_code(seen: Mapping[str, JSON], declared: Mapping[str, JSON]) -> dict[str, JSON]:
    """Two accounts of what ran as one: what was seen, and what stood in `sys.modules`."""
    changed = {str(row["path"]): row for row in (*declared.get("changed", ()), *seen.get("changed", ()))}
    files = {**declared.get("files", {}), **seen.get("files", {})}
    found: dict[str, JSON] = {"changed": [changed[path] for path in sorted(changed)]}
    if "loaded" in seen or "loaded" in declared:
        found["loaded"] = sorted({*seen.get("loaded", ()), *declared.get("loaded", ())})
    return found | ({"files": files} if files else {})


def code_roots(root: Path, launch: Mapping[str, JSON]) -> dict[str, Path]:
    """Where the parts of a `code` section lie here: `""` for the work tree, and each sibling that is still there."""
    top = Path(str(launch.get("top") or work_tree(root.absolute()) or root.absolute()))
    places = {name: Path(str(path)) for name, path in (launch.get("siblings") or {}).items()}
    return {"": top} | {name: path for name, path in places.items() if path.is_dir()}


def _sealed(code: Mapping[str, JSON], prefix: str = "") -> Iterator[tuple[str, JSON]]:
    """Path -> entry of a code section, submodules included."""
    for path, entry in (code.get("files") or {}).items():
        yield prefix + path, entry
    for path, inner in (code.get("submodules") or {}).items():
        yield from _sealed(inner, f"{prefix}{path}/")
