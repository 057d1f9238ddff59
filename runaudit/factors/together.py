"""Runs that are judged side by side: what of their records may count, given what is known of *all* of them.

That something was not used is known only of runs that were fully observed, so what they did not use is left out only
where every run of the set was. Otherwise all that is recorded stays in, and what was seen of some counts besides. The
same set gives the same trees to a comparison, a cohort and a study, so that the three cannot disagree.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from runaudit.factors.arguments import ROOT
from runaudit.factors.levels import Levels, Scope
from runaudit.factors.loose_words import with_loose_words, with_settings
from runaudit.factors.observed import CODE_ROLES, GROUPS, Observed
from runaudit.factors.one_program import with_one_program
from runaudit.factors.pair import Pair
from runaudit.factors.path import joined
from runaudit.factors.reached import Ahead, ahead_of, texts_of, with_files, without_part_read
from runaudit.factors.reads import (
    as_one,
    beside_the_tree,
    folded,
    fresh,
    full_path,
    grouped,
    listings,
    loaded_files,
    movable,
    tells_code,
    with_declared,
)
from runaudit.factors.shared_words import with_negations, with_words
from runaudit.factors.typed_only import beside_typed
from runaudit.factors.used import LIBRARIES, MACHINE, used_by, used_environment
from runaudit.settings import FactorSettings


def beside(a: Levels, b: Levels, settings: FactorSettings) -> Pair:
    """Two runs as they are compared."""
    left, right = together((a, b))
    return Pair(a=left, b=right, settings=settings)


def together(runs: Sequence[Levels]) -> tuple[Levels, ...]:
    """These runs, each with what may count of it beside the others."""
    if all(of.scope.settled for of in runs):
        return tuple(runs)
    runs = beside_typed(with_loose_words(with_settings(with_negations(with_one_program(runs)))))
    if all(of.scope.settled or (of.observed is None and ROOT not in of.tree) for of in runs):
        return tuple(runs)
    if any(of.observed is not None for of in runs):
        runs = _observed(runs)
    return tuple(replace(of, scope=replace(of.scope, settled=True)) for of in with_words(runs))


def _observed(runs: Sequence[Levels]) -> tuple[Levels, ...]:
    def all_know(kind: str) -> bool:
        return all(of.observed is not None and of.observed.excuses(kind) for of in whole)

    whole = [of for of in runs if not of.broke_off] or runs
    files = all_know("read") and all(tells_code(of) for of in whole)
    reads = [grouped(of) if files else beside_the_tree(of) for of in runs]
    undeclared = {group: {path for found in reads for path in found[group]} for group in ("data", "init")}
    reads = [with_declared(of, found, undeclared) for of, found in zip(runs, reads, strict=True)]
    unknown = {(group, path) for found in reads for group, rows in found.items()
               for path, row in rows.items() if row.digest is None}  # fmt: skip
    contents: dict[str, list[dict[str, str]]] = {}
    moved: list[dict[str, str]] = [{} for _ in runs]
    for group in GROUPS:
        rows = [{p: r for p, r in found[group].items() if (group, p) not in unknown} for found in reads]
        contents[group] = without_part_read(runs, folded(rows))
        if group == "code":
            known = [of.files or {} for of in runs]
            contents[group] = [fresh(mine, files) for mine, files in zip(contents[group], known, strict=True)]
        for at, (kept, names) in enumerate(as_one(contents[group], movable=movable(group))):
            contents[group][at] = kept
            moved[at] |= {full_path(group, path): full_path(group, new) for path, new in names.items()}
    for at, names in enumerate(listings(runs, contents)):
        contents["data"][at] = {**contents["data"][at], **names}
    scope = Scope(files=files, packages=all_know("imported"), variables=all_know("looked_up"))
    if scope.packages:
        # A leaf that one of them used stays in all: it is compared.
        idle = {p for p in (*LIBRARIES, *MACHINE) if not any(of.observed and used_by(p, of.observed) for of in runs)}
        scope = replace(scope, idle_env=frozenset(idle))
    hidden = {path for group, path in unknown if group == "code"}
    ahead = ahead_of(runs)
    found = [
        _run_with(of, {group: contents[group][at] for group in GROUPS}, scope, moved[at], hidden,
                  texts_of(of, runs), ahead if of.broke_off else None)
        for at, of in enumerate(runs)
    ]  # fmt: skip
    return with_files(found) if files else tuple(found)


def _run_with(
    of: Levels,
    read: Mapping[str, Mapping[str, str]],
    scope: Scope,
    moved: Mapping[str, str],
    hidden: set[str],
    texts: Mapping[str, str],
    ahead: Ahead | None,
) -> Levels:
    seen = of.observed or Observed(level="none")
    tree = dict(of.tree)
    for group in ("data", "init"):
        tree[f"{group}/read"] = dict(read[group])
    facts = {full_path(group, path) for group in ("data", "init", "env") for path in read[group]}
    facts |= {joined("env.packages", name) for name in seen.imported}
    facts |= {joined("env.variables", name) for name in seen.looked_up}
    unused: dict[str, Any] = {}
    tree["env"], unused["env"] = used_environment(of.tree.get("env"), seen, scope, ahead)
    if "env" not in of.tree and not tree["env"]:
        del tree["env"]
    tree["env/read"] = {"files": dict(read["env"])}
    files, idle, within = _source(of, read, scope, hidden, texts)
    facts |= {f"code.{path}" for path in files or () if path not in (of.files or {}) or scope.files}
    return replace(
        of,
        tree=tree,
        files=files,
        scope=replace(scope, facts=frozenset(facts), unused=unused, idle=idle, within=within, moved=moved),
    )


def _source(
    of: Levels, read: Mapping[str, Mapping[str, str]], scope: Scope, hidden: set[str], texts: Mapping[str, str]
) -> tuple[dict[str, str] | None, dict[str, str], dict[str, str]]:
    """The source files that count, those that nobody opened, and those that are judged as another input."""
    seen = of.observed or (Observed(level="none") if of.broke_off else None)
    extra = dict(read["code"])
    extra |= {name: digest for name, digest in texts.items() if not _is_the_command(name, of)}
    if of.files is None and not (scope.files and extra):
        return None, {}, {}
    files = {path: digest for path, digest in {**extra, **(of.files or {})}.items() if path not in hidden}
    if not scope.files or seen is None:
        return files, {}, {}
    within = {path: row.declared for path, row in seen.reads.items() if row.declared.startswith(("data.", "init."))}
    within |= {path: full_path(group, path) for group in ("data", "init") for path in read[group]}
    # A folder that is declared is one row for all that was read of it; what was executed in it has a row of its own.
    folders = {folder: name for folder, name in within.items() if folder.endswith("/")}
    within |= {path: name for folder, name in folders.items() for path in files
               if path.startswith(folder) and path not in seen.reads}  # fmt: skip
    ran = {*loaded_files(of), *_script(of, files)}
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
