"""What a rule of the guard may ask for: frozen facts about one draft manifest, gathered once.

Nothing here reads the disk except the store's own records; the code and the data were read when the draft was made.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import combinations
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from runaudit.guard.invocation import Invocation
from runaudit.records.canonical import canonical_equal
from runaudit.records.manifest import Manifest, Unknown
from runaudit.records.run import SHORT, Run
from runaudit.settings import GuardSettings
from runaudit.text.likeness import skeleton, told_apart

if TYPE_CHECKING:
    from runaudit.diff import Comparison

Compare = Callable[[Run, Run], "Comparison"]
"""How two runs are compared: `diff.compare` under the project's policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """The code section as the rules speak of it. `gaps`: dotted path -> why it is not in the record. `secretive`: the
    files of the tree in which a secret was found, whatever they are called; `keepers`: in a tree without a commit,
    those that are there to keep secrets."""

    root: str = "."
    in_repository: bool
    commit: str | None = None
    changed: tuple[str, ...] = ()
    filtered: tuple[str, ...] = ()
    untracked: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    secretive: frozenset[str] = frozenset()
    keepers: tuple[str, ...] = ()
    dirty_submodules: tuple[str, ...] = ()
    dirty_siblings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    gaps: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def commit_short(self) -> str:
        """The commit as git shows it."""
        return (self.commit or "")[:SHORT]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextNumber:
    """A number in a YAML file that YAML 1.1 reads as text: where it stands, and how it is written."""

    file: str
    line: int
    text: str

    @property
    def as_float(self) -> str:
        """The same number as every version of YAML reads it."""
        digits, _, power = self.text.lower().partition("e")
        return f"{digits if '.' in digits else digits + '.0'}e{power if power[:1] in '+-' else '+' + power}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """A dataset as an earlier run recorded it. The run itself, not its id: that costs a digest, and is rarely shown."""

    run: Run
    digest: str | None
    version: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Namesake:
    """An earlier run of the same label, or of one that reads alike: its design against the draft's, by the paths that
    differ. `by_seed`: those of them that differ in nothing but the seeds that stand in their text."""

    run: str
    seed: Any
    same_seed: bool
    changed: tuple[str, ...]
    label: str = ""
    by_seed: tuple[str, ...] = ()

    def named_like(self, label: str | None) -> str:
        """How its label is the draft's: letter for letter, or to the eye."""
        if label is None or self.label in ("", label):
            return f"the label {label!r} too"
        return f"the label '{told_apart(self.label, label)}', which reads as '{told_apart(label, self.label)}' does"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the draft itself does not say. `changed`: tracked files that differ from the commit. `root`: where the code
    lies. `siblings`: name -> folder of editable packages. `sources`: Python files as (path, bytes).
    `damaged`: earlier records that could not be read. `outputs`: files in the tree that earlier runs wrote and nobody
    has edited since; `touched` says whether a run ever wrote a file. `keepers` as in `Code`.
    `blobs` are the contents that the draft names. `read_as_text`: numbers of the config's YAML."""

    root: str = "."
    changed: tuple[str, ...] | None = None
    siblings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    sources: Callable[[], Iterator[tuple[str, bytes]]] = field(default=lambda: iter(()))
    hash_seed: str | None = None
    moved: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    keepers: tuple[str, ...] = ()
    touched: Callable[[str], bool] = field(default=lambda path: False)
    blobs: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}))
    read_as_text: tuple[TextNumber, ...] = ()


def launch_facts(
    manifest: Manifest,
    around: Surroundings,
    *,
    history: tuple[Run, ...] = (),
    baseline: Run | None = None,
    policy: GuardSettings | None = None,
    compare: Compare,
    call: Invocation | None = None,
) -> dict[str, object]:
    """Every fact by the name a rule asks for it with. `history` is oldest first and does not hold the draft."""
    draft = Run(manifest=manifest, liveness="running", blobs=around.blobs)
    return {
        "manifest": manifest,
        "code": code_facts(manifest, around, ignore=(policy or GuardSettings()).ignore),
        "datasets": _datasets(manifest),
        "overlaps": _overlaps(manifest),
        "earlier_data": earlier_data(manifest, history, baseline),
        "namesakes": tuple(namesakes(draft, history, compare, around.touched)),
        "baseline": compare(baseline, draft) if baseline else Unknown("no baseline was declared"),
        "baseline_run": baseline if baseline else Unknown("no baseline was declared"),
        "policy": policy or GuardSettings(),
        "call": call or Invocation(),
        "sources": around.sources,
        "hash_seed": around.hash_seed,
        "moved": around.moved,
        "read_as_text": around.read_as_text,
        "damaged": around.damaged,
        "failure": None,
    }


def code_facts(manifest: Manifest, around: Surroundings, *, ignore: tuple[str, ...] = ()) -> Code | Unknown:
    """The code section as facts; Unknown where the draft has none. `ignore` are globs of untracked files that the
    policy says cannot matter; files of a recorded dataset are known by its digest and are no code either.
    """
    code = manifest.section("code")
    if not code:
        return Unknown(manifest.reason("code"))
    # `dirty` without a list of files is still dirty: what the list does not show must not make the tree look clean.
    listed = around.changed if around.changed is not None else _of_patch(code)
    return Code(
        root=around.root,
        in_repository=code.get("vcs", "git") is not None,
        commit=code.get("commit"),
        changed=listed,
        filtered=tuple(map(str, code.get("filtered") or ())),
        untracked=tuple(path for path in code.get("untracked") or () if not _set_apart(path, around, manifest, ignore)),
        outputs=around.outputs,
        keepers=around.keepers,
        secretive=frozenset(path for path, entry in _group(code, "files") if entry.get("redacted")),
        dirty_submodules=tuple(name for name, inner in _group(code, "submodules") if _dirty(inner)),
        dirty_siblings={
            name: around.siblings.get(name, name) for name, inner in _group(code, "siblings") if _dirty(inner)
        },
        gaps={path: str(why) for path, why in manifest.section("unknown").items() if path.split(".")[0] == "code"},
    )


def _set_apart(path: str, around: Surroundings, manifest: Manifest, ignore: tuple[str, ...]) -> bool:
    place = f"{around.root}/{path}"
    folders = (str(entry.get("path") or "\0") for entry in _datasets(manifest).values())
    return any(place == folder or place.startswith(f"{folder}/") for folder in folders) or any(
        fnmatchcase(path, glob) for glob in ignore
    )


def _of_patch(code: Mapping[str, Any]) -> tuple[str, ...]:
    return ("files in the recorded patch",) if code.get("patch") else ()


def _group(code: Mapping[str, Any], name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, inner in (code.get(name) or {}).items():
        if isinstance(inner, Mapping):
            yield key, inner


def _dirty(inner: Mapping[str, Any]) -> bool:
    return bool(inner.get("dirty") or inner.get("moved"))


def _datasets(manifest: Manifest) -> Mapping[str, Any]:
    return {name: entry for name, entry in manifest.section("data").items() if isinstance(entry, Mapping)}


def _overlaps(manifest: Manifest) -> dict[tuple[str, str], int]:
    """(a, b) -> how much the two have in common: members of two splits of one dataset, or files of two datasets."""
    datasets = _datasets(manifest)
    found: dict[tuple[str, str], int] = {}
    for name, entry in datasets.items():
        for pair, count in (entry.get("split_overlap") or {}).items():
            a, _, b = str(pair).partition("+")
            found[f"{name}.{a}", f"{name}.{b}"] = int(count)
    for a, b in combinations(sorted(datasets), 2):
        one, two = datasets[a], datasets[b]
        same = one.get("digest") is not None and one.get("digest") == two.get("digest")
        if same or _contains(one, two) or _contains(two, one):
            found[a, b] = min(int(one.get("files") or 1), int(two.get("files") or 1))
    return found


def _contains(outer: Mapping[str, Any], inner: Mapping[str, Any]) -> bool:
    folder, path = str(outer.get("path") or ""), str(inner.get("path") or "")
    return bool(folder) and path.startswith(folder.rstrip("/") + "/")


def earlier_data(manifest: Manifest, history: tuple[Run, ...], baseline: Run | None) -> dict[str, Earlier]:
    """Each dataset of the draft as the baseline, else the newest run, recorded it under the same path."""
    found: dict[str, Earlier] = {}
    for name, entry in _datasets(manifest).items():
        runs = (*((baseline,) if baseline else ()), *reversed(history))
        for run in runs:
            before = run.manifest.section("data").get(name)
            if isinstance(before, Mapping) and before.get("path") == entry.get("path") and before.get("digest"):
                found[name] = Earlier(run=run, digest=before["digest"], version=before.get("preprocessing"))
                break
    return found


def namesakes(
    draft: Run, history: tuple[Run, ...], compare: Compare, touched: Callable[[str], bool] = lambda path: False
) -> Iterator[Namesake]:
    """The earlier runs that bear the draft's label, newest first; the first of each seed is enough.

    A file that runs write, and one that the earlier run was fully observed not to have used, make no other design.
    """
    seen: list[Any] = []
    for run in reversed(history):
        if draft.manifest.label is None or skeleton(run.manifest.label or "") != skeleton(draft.manifest.label):
            continue
        seed = run.manifest.body.get("seed")
        if any(canonical_equal(seed, other) for other in seen):
            continue
        seen.append(seed)
        comparison = compare(run, draft)
        used = _used(run)
        own = draft.manifest.body.get("seed")
        yield Namesake(
            run=run.short,
            label=run.manifest.label or "",
            seed=seed,
            same_seed=canonical_equal(seed, own),
            by_seed=tuple(one.factor for one in comparison.treatments if _is_by_seed(one.before, one.after, seed, own)),
            changed=tuple(
                change.factor for change in comparison.treatments if not _harmless(change.factor, used, touched)
            ),
        )


def _is_by_seed(before: object, after: object, seed: Any, own: Any) -> bool:
    """Whether two texts are one where each has its run's seed: `exp_lr3_s1`, `exp_lr3_s2`."""
    if not (isinstance(before, str) and isinstance(after, str)) or isinstance(seed, bool) or seed == own:
        return False
    return isinstance(seed, int) and isinstance(own, int) and _without(before, seed) == _without(after, own)


def _without(text: str, seed: int) -> str:
    return re.sub(rf"(?<!\d)0*{seed}(?!\d)", "\0", text)


def _harmless(factor: str, used: tuple[str, ...] | None, touched: Callable[[str], bool]) -> bool:
    path = factor.removeprefix("code.")
    if path == factor:
        return False
    return touched(path) or (used is not None and not any(path == one or path.startswith(f"{one}/") for one in used))


def _used(run: Run) -> tuple[str, ...] | None:
    """The files and folders that a fully observed run opened or executed; None where not everything was seen."""
    observed = run.outcome.section("observed") if run.outcome else {}
    if observed.get("level") != "full":
        return None
    loaded = run.outcome.section("code").get("loaded") if run.outcome else ()
    return (*(str(row["path"]).rstrip("/") for row in observed.get("read") or ()), *map(str, loaded or ()))
