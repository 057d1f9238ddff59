"""The files that runs read beyond what they declared: which of them are judged, under which name, as which content.

A file is one thing wherever it lay, and a folder one thing where any of the runs tells it as one.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from runaudit.errors import RecordError
from runaudit.factors.levels import Levels
from runaudit.factors.observed import GROUPS, Seen
from runaudit.factors.path import joined
from runaudit.records.canonical import canonical_bytes
from runaudit.records.digest import Digest, FileEntry, digest_bytes, digest_tree


def listings(runs: Sequence[Levels], contents: Mapping[str, Sequence[Mapping[str, str]]]) -> list[dict[str, str]]:
    """Folders that all of the runs listed, by their names; not where a file that was read in one of them differs, which
    is told as that."""
    listed = [of.observed.listed if of.observed is not None else {} for of in runs]
    found: list[dict[str, str]] = [{} for _ in runs]
    for folder in set(listed[0]).intersection(*listed[1:]):
        start = "" if folder == "." else f"{folder}/"
        inside = [
            {(group, path, digest) for group in ("data", "init", "code") for path, digest in contents[group][at].items()
             if path.startswith(start) and (start or not path.startswith("/"))}
            for at in range(len(runs))
        ]  # fmt: skip
        if all(one == inside[0] for one in inside):
            for at, names in enumerate(listed):
                found[at][f"{folder}/*"] = names[folder]
    return found


def grouped(of: Levels) -> Mapping[str, Mapping[str, Seen]]:
    """What a run read and nobody declared, by where it is judged."""
    return of.observed.undeclared if of.observed else {group: {} for group in GROUPS}


def with_declared(
    of: Levels, mine: Mapping[str, Mapping[str, Seen]], undeclared: Mapping[str, set[str]]
) -> dict[str, dict[str, Seen]]:
    """Where a file is declared in one run and not in another, what each read of it is compared all the same."""
    rows = of.observed.reads if of.observed else {}
    found = {group: dict(kept) for group, kept in mine.items()}
    for group, paths in undeclared.items():
        found[group] |= {path: row for path, row in rows.items() if row.declared and path in paths}
    return found


def beside_the_tree(of: Levels) -> dict[str, dict[str, Seen]]:
    """The same without the files that are compared as source files whoever read them."""
    held = of.files or {}
    return {
        group: {path: row for path, row in rows.items() if group == "code" or path not in held}
        for group, rows in grouped(of).items()
    }


def full_path(group: str, path: str) -> str:
    """The dotted path of a file that is judged under this section."""
    return f"code.{path}" if group == "code" else joined("env.files" if group == "env" else group, path)


def reported_under(row: Seen) -> str:
    """The dotted path of an undeclared file."""
    return full_path(row.group, row.path)


def movable(group: str) -> Callable[[str], bool]:
    """Code of the work tree is found by its path; what lies elsewhere, and what is no code, by its content."""
    return (lambda path: path.startswith("/")) if group == "code" else (lambda _: True)


def folded(rows: Sequence[Mapping[str, Seen]]) -> list[dict[str, str]]:
    """Path -> digest in every run; where one run tells a folder as one, the others' files of it are one too."""
    folders = {path for found in rows for path in found if path.endswith("/")}
    result = []
    for found in rows:
        kept = {path: str(row.digest) for path, row in found.items()}
        for folder in sorted(folders - found.keys()):
            inner = {path: row for path, row in found.items() if path.startswith(folder)}
            if inner:
                kept = {path: digest for path, digest in kept.items() if path not in inner}
                kept[folder] = _tree_of(folder, inner.values())
        result.append(kept)
    return result


def _tree_of(folder: str, rows: Iterable[Seen]) -> str:
    listed = [(row.path.removeprefix(folder), row.size, str(row.digest)) for row in rows]
    try:
        return str(digest_tree(FileEntry(path=p, size=size, digest=Digest.parse(d)) for p, size, d in listed))
    except RecordError:  # A foreign digest of another form: then only an equal listing is equal.
        return str(digest_bytes(canonical_bytes([list(row) for row in sorted(listed)])))


def fresh(mine: Mapping[str, str], files: Mapping[str, str]) -> dict[str, str]:
    """The code that was read and that the record does not hold already, under whichever name."""
    held = {(path.rpartition("/")[2], digest) for path, digest in files.items()}

    def is_held(path: str, digest: str) -> bool:
        return path in files or (path.startswith("/") and (path.rpartition("/")[2], digest) in held)

    return {path: digest for path, digest in mine.items() if not is_held(path, digest)}


def as_one(
    contents: Sequence[Mapping[str, str]], *, movable: Callable[[str], bool]
) -> Iterable[tuple[dict[str, str], dict[str, str]]]:
    """Files of equal content that lay at another place in each run, under one name: (path -> digest, renamed) a run."""
    places: dict[str, dict[int, list[str]]] = {}
    for at, found in enumerate(contents):
        for path, digest in found.items():
            if movable(path):
                places.setdefault(digest, {}).setdefault(at, []).append(path)
    renamed: list[dict[str, str]] = [{} for _ in contents]
    for by_run in places.values():
        names = {path for paths in by_run.values() for path in paths}
        if len(names) < 2 or len(by_run) < 2 or any(len(paths) > 1 for paths in by_run.values()):
            continue
        # A name that another run gives to other content is no mere place.
        if all(path not in found or path in by_run.get(at, ()) for at, found in enumerate(contents) for path in names):
            new = min(names)
            for at, (path,) in by_run.items():
                if path != new:
                    renamed[at][path] = new
    return [({names.get(p, p): d for p, d in found.items()}, names)
            for found, names in zip(contents, renamed, strict=True)]  # fmt: skip


def tells_code(of: Levels) -> bool:
    """Whether a record tells the code that was read: one that lists none did not look."""
    seen = of.observed
    return seen is not None and bool(
        any(row.role == "code" for row in seen.reads.values()) or seen.texts or loaded_files(of)
    )  # fmt: skip


def loaded_files(of: Levels) -> tuple[str, ...]:
    """The source files that the outcome says were loaded."""
    code = of.run.outcome.section("code") if of.run.outcome else {}
    loaded = code.get("loaded")
    return tuple(map(str, loaded)) if isinstance(loaded, list | tuple) else ()
