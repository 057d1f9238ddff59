"""Runs that are judged side by side: what of their records may count, given what is known of *all* of them.

That something was not used is known only of runs that were fully observed, so what they did not use is left out only
where every run of the set was. Otherwise all that is recorded stays in, and what was seen of some counts besides. The
same set gives the same trees to a comparison, a cohort and a study, so that the three cannot disagree.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from runaudit.errors import RecordError
from runaudit.factors.arguments import ROOT
from runaudit.factors.factor import Absent
from runaudit.factors.levels import Levels, Scope
from runaudit.factors.observed import CODE_ROLES, GROUPS, Observed, Seen, dist_name
from runaudit.factors.pair import Pair
from runaudit.factors.path import joined, steps
from runaudit.factors.tree import leaves_of, same
from runaudit.factors.words import names_a_seed, repeated
from runaudit.records.canonical import JSON, canonical_bytes
from runaudit.records.digest import Digest, FileEntry, digest_bytes, digest_tree
from runaudit.settings import FactorSettings

LIBRARIES = {"env.torch": ("torch",), "env.numpy": ("numpy",), "env.jax": ("jax", "jaxlib"),
             "env.tensorflow": ("tensorflow", "tensorflow-cpu", "tensorflow-gpu")}  # fmt: skip
"""Leaves that are the version of a package: of one that was not imported they cannot matter."""
MACHINE = ("env.cuda", "env.cudnn", "env.driver", "env.gpu", "env.gpu_count", "env.determinism", "env.tf32",
           "env.precision", "env.deterministic", "env.amp")  # fmt: skip
"""Leaves that only a package beyond the standard library can use."""
NATIVE = ("PYTHON", "OMP_", "KMP_", "GOMP_", "MKL_", "OPENBLAS_", "BLIS_", "VECLIB_", "NUMEXPR_", "CUDA_", "CUBLAS_",
          "CUDNN_", "NCCL_", "NVIDIA_", "HIP_", "ROCR_", "TORCH_", "PYTORCH_", "ATEN_", "XLA_", "JAX_", "TF_", "LD_",
          "MALLOC_", "GLIBC_", "TZ", "LANG", "LC_")  # fmt: skip
"""Beginnings of variables that compiled code, or the interpreter itself, looks up, which nobody sees: doubtful."""


def beside(a: Levels, b: Levels, settings: FactorSettings) -> Pair:
    """Two runs as they are compared."""
    left, right = together((a, b))
    return Pair(a=left, b=right, settings=settings)


def together(runs: Sequence[Levels]) -> tuple[Levels, ...]:
    """These runs, each with what may count of it beside the others."""
    if all(of.scope.settled or (of.observed is None and ROOT not in of.tree) for of in runs):
        return tuple(runs)
    if any(of.observed is not None for of in runs):
        runs = _observed(runs)
    return tuple(replace(of, scope=replace(of.scope, settled=True)) for of in _with_words(runs))


# ── words of the command line ────────────────────────────────────────────────────────────────────────────────────


def _with_words(runs: Sequence[Levels]) -> tuple[Levels, ...]:
    """The word that is the seed, and the words that repeat the config, in every run of the set alike."""
    if sum(ROOT in of.tree for of in runs) < 2:
        return tuple(runs)
    having = tuple(of for of in runs if ROOT in of.tree)
    first, *others = (dict(leaves_of(of.tree[ROOT], ROOT)) for of in having)
    varying = {
        path: [first[path], *(other[path] for other in others)]
        for path in first
        if all(path in other for other in others) and any(not same(first[path], other[path]) for other in others)
    }
    if not varying:
        return tuple(runs)
    seed = _seed_word(varying, having)
    repeats = {
        path: leaf
        for path, values in varying.items()
        if path != seed and (leaf := repeated(path, values, having)) is not None
    }
    return tuple(replace(of, seed_word=seed, repeats=repeats) for of in runs)


def _seed_word(varying: Mapping[str, Sequence[JSON]], runs: Sequence[Levels]) -> str | None:
    """The one word that is the seed in every run: an option of that name, else a word without a name."""
    seeds = [of.at("seed") for of in runs]
    if any(isinstance(seed, Absent | bool) or seed is None for seed in seeds):
        return None
    hits = [p for p, values in varying.items() if all(same(v, s) for v, s in zip(values, seeds, strict=True))]
    named = [path for path in hits if names_a_seed(path)]
    loose = [path for path in hits if steps(path)[2:3] == ("positional",)]
    return next(iter(named or loose), None)


# ── what was used ────────────────────────────────────────────────────────────────────────────────────────────────


def _observed(runs: Sequence[Levels]) -> tuple[Levels, ...]:
    def all_know(kind: str) -> bool:
        return all(of.observed is not None and of.observed.excuses(kind) for of in runs)

    files = all_know("read") and all(_tells_code(of) for of in runs)
    reads = [_grouped(of) if files else _beside_the_tree(of) for of in runs]
    undeclared = {group: {path for found in reads for path in found[group]} for group in ("data", "init")}
    reads = [_with_declared(of, found, undeclared) for of, found in zip(runs, reads, strict=True)]
    unknown = {(group, path) for found in reads for group, rows in found.items()
               for path, row in rows.items() if row.digest is None}  # fmt: skip
    contents: dict[str, list[dict[str, str]]] = {}
    moved: list[dict[str, str]] = [{} for _ in runs]
    for group in GROUPS:
        rows = [{p: r for p, r in found[group].items() if (group, p) not in unknown} for found in reads]
        contents[group] = _folded(rows)
        if group == "code":
            known = [of.files or {} for of in runs]
            contents[group] = [_fresh(mine, files) for mine, files in zip(contents[group], known, strict=True)]
        for at, (kept, names) in enumerate(_as_one(contents[group], movable=_movable(group))):
            contents[group][at] = kept
            moved[at] |= {_full_path(group, path): _full_path(group, new) for path, new in names.items()}
    for at, names in enumerate(_listings(runs, contents)):
        contents["data"][at] = {**contents["data"][at], **names}
    scope = Scope(files=files, packages=all_know("imported"), variables=all_know("looked_up"))
    if scope.packages:
        # A leaf that one of them used stays in all: it is compared.
        idle = {p for p in (*LIBRARIES, *MACHINE) if not any(of.observed and used_by(p, of.observed) for of in runs)}
        scope = replace(scope, idle_env=frozenset(idle))
    hidden = {path for group, path in unknown if group == "code"}
    return tuple(
        _run_with(of, {group: contents[group][at] for group in GROUPS}, scope, moved[at], hidden)
        for at, of in enumerate(runs)
    )


def _listings(runs: Sequence[Levels], contents: Mapping[str, Sequence[Mapping[str, str]]]) -> list[dict[str, str]]:
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


def _grouped(of: Levels) -> Mapping[str, Mapping[str, Seen]]:
    """What a run read and nobody declared, by where it is judged."""
    return of.observed.undeclared if of.observed else {group: {} for group in GROUPS}


def _with_declared(
    of: Levels, mine: Mapping[str, Mapping[str, Seen]], undeclared: Mapping[str, set[str]]
) -> dict[str, dict[str, Seen]]:
    """Where a file is declared in one run and not in another, what each read of it is compared all the same."""
    rows = of.observed.reads if of.observed else {}
    found = {group: dict(kept) for group, kept in mine.items()}
    for group, paths in undeclared.items():
        found[group] |= {path: row for path, row in rows.items() if row.declared and path in paths}
    return found


def _beside_the_tree(of: Levels) -> dict[str, dict[str, Seen]]:
    """The same without the files that are compared as source files whoever read them."""
    held = of.files or {}
    return {
        group: {path: row for path, row in rows.items() if group == "code" or path not in held}
        for group, rows in _grouped(of).items()
    }


def _full_path(group: str, path: str) -> str:
    return f"code.{path}" if group == "code" else joined("env.files" if group == "env" else group, path)


def reported_under(row: Seen) -> str:
    """The dotted path of an undeclared file."""
    return _full_path(row.group, row.path)


def _movable(group: str) -> Callable[[str], bool]:
    """Code of the work tree is found by its path; what lies elsewhere, and what is no code, by its content."""
    return (lambda path: path.startswith("/")) if group == "code" else (lambda _: True)


def _folded(rows: Sequence[Mapping[str, Seen]]) -> list[dict[str, str]]:
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


def _fresh(mine: Mapping[str, str], files: Mapping[str, str]) -> dict[str, str]:
    """The code that was read and that the record does not hold already, under whichever name."""
    held = {(path.rpartition("/")[2], digest) for path, digest in files.items()}

    def is_held(path: str, digest: str) -> bool:
        return path in files or (path.startswith("/") and (path.rpartition("/")[2], digest) in held)

    return {path: digest for path, digest in mine.items() if not is_held(path, digest)}


def _as_one(
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


def _tells_code(of: Levels) -> bool:
    """Whether a record tells the code that was read: one that lists none did not look."""
    seen = of.observed
    return seen is not None and bool(
        any(row.role == "code" for row in seen.reads.values()) or seen.texts or _loaded(of)
    )  # fmt: skip


def _loaded(of: Levels) -> tuple[str, ...]:
    code = of.run.outcome.section("code") if of.run.outcome else {}
    loaded = code.get("loaded")
    return tuple(map(str, loaded)) if isinstance(loaded, list | tuple) else ()


# ── one run of the set ───────────────────────────────────────────────────────────────────────────────────────────


def _run_with(
    of: Levels, read: Mapping[str, Mapping[str, str]], scope: Scope, moved: Mapping[str, str], hidden: set[str]
) -> Levels:
    seen = of.observed or Observed(level="none")
    tree = dict(of.tree)
    for group in ("data", "init"):
        tree[f"{group}/read"] = dict(read[group])
    facts = {_full_path(group, path) for group in ("data", "init", "env") for path in read[group]}
    facts |= {joined("env.packages", name) for name in seen.imported}
    facts |= {joined("env.variables", name) for name in seen.looked_up}
    unused: dict[str, Any] = {}
    tree["env"], unused["env"] = _environment(of.tree.get("env"), seen, scope)
    if "env" not in of.tree and not tree["env"]:
        del tree["env"]
    tree["env/read"] = {"files": dict(read["env"])}
    files, idle, within = _source(of, read, scope, hidden)
    facts |= {f"code.{path}" for path in files or () if path not in (of.files or {}) or scope.files}
    return replace(
        of,
        tree=tree,
        files=files,
        scope=replace(scope, facts=frozenset(facts), unused=unused, idle=idle, within=within, moved=moved),
    )


def _environment(env: JSON, seen: Observed, scope: Scope) -> tuple[dict[str, Any], dict[str, Any]]:
    """The environment as it was seen, and what of it was not used."""
    kept: dict[str, Any] = dict(env) if isinstance(env, Mapping) else {}
    if seen.python and kept:
        kept["python"] = seen.python
    listed = kept.get("packages")
    packages = {**{dist_name(k): v for k, v in listed.items()}, **seen.imported} if isinstance(listed, Mapping) else (
        dict(seen.imported)
    )  # fmt: skip
    given = kept.get("variables")
    variables = {**(given if isinstance(given, Mapping) else {}), **seen.looked_up}
    unused: dict[str, Any] = {}
    if scope.packages:
        unused["packages"] = {name: v for name, v in packages.items() if name not in seen.imported}
        packages = dict(seen.imported)
        for key in (path.partition(".")[2] for path in scope.idle_env):
            if key in kept:
                unused[key] = kept.pop(key)
    if scope.variables:
        used = {name for name in variables if name in seen.looked_up or name.startswith(NATIVE)}
        unused["variables"] = {name: v for name, v in variables.items() if name not in used}
        variables = {name: v for name, v in variables.items() if name in used}
    if packages or isinstance(listed, Mapping) or scope.packages:
        kept["packages"] = packages
    if variables or isinstance(given, Mapping) or scope.variables:
        kept["variables"] = variables
    return kept, unused


def used_by(path: str, seen: Observed) -> bool:
    """Whether what a fully observed run imported can have used this leaf of its environment."""
    if path in LIBRARIES:
        return bool(seen.imported.keys() & set(LIBRARIES[path]))
    return path not in MACHINE or _computes(seen)


def _computes(seen: Observed) -> bool:
    """Whether a package beyond the standard library ran that could reach a GPU or look up a variable by itself."""
    return bool(seen.imported.keys() - {"runaudit"})


def _source(
    of: Levels, read: Mapping[str, Mapping[str, str]], scope: Scope, hidden: set[str]
) -> tuple[dict[str, str] | None, dict[str, str], dict[str, str]]:
    """The source files that count, those that nobody opened, and those that are judged as another input."""
    seen = of.observed
    extra = dict(read["code"])
    if seen is not None:
        extra |= {name: digest for name, digest in seen.texts.items() if not _is_the_command(name, of)}
    if of.files is None and not (scope.files and extra):
        return None, {}, {}
    files = {path: digest for path, digest in {**extra, **(of.files or {})}.items() if path not in hidden}
    if not scope.files or seen is None:
        return files, {}, {}
    within = {path: row.declared for path, row in seen.reads.items() if row.declared.startswith(("data.", "init."))}
    within |= {path: _full_path(group, path) for group in ("data", "init") for path in read[group]}
    ran = {*_loaded(of), *_script(of, files)}
    used = {path for path in files if path in extra or path in ran or seen.opened(path)}
    abroad = {(row.path.rpartition("/")[2], row.digest) for row in seen.reads.values()
              if row.path.startswith("/") and row.role in CODE_ROLES}  # fmt: skip
    # A sibling's file is read under an absolute name.
    used |= {path for path, digest in files.items() if (path.rpartition("/")[2], digest) in abroad}
    counted = {path: digest for path, digest in files.items() if path in used and path not in within}
    idle = {path: digest for path, digest in files.items() if path not in counted}
    return counted, idle, {path: within[path] for path in idle if path in within}


def _is_the_command(name: str, of: Levels) -> bool:
    """Whether a text is that of `-c`, which the command line tells."""
    return name in ("-c", "<string>") and "command" in of.tree.get(ROOT, {})


def _script(of: Levels, files: Mapping[str, str]) -> Iterable[str]:
    """The file that the command line names as the program, whatever was seen of it."""
    script = of.tree.get(ROOT, {}).get("script")
    if not isinstance(script, str):
        return ()
    name = script.removeprefix("./")
    return [path for path in files if path == name or name.endswith("/" + path) or path.endswith("/" + name)]
