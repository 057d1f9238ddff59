"""The words by which a user names runs, turned into runs: ids, labels, `@last`, cohorts, lists, record files."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

from runaudit.errors import IntegrityError, RecordError, UsageError
from runaudit.factors.cohort import Cohort, cohort_of, cohorts
from runaudit.factors.lineage import linked
from runaudit.records.canonical import JSON, canonical_equal
from runaudit.records.manifest import Manifest
from runaudit.records.run import SHORT, Run
from runaudit.settings import Settings, load_settings
from runaudit.store.catalogue import load, load_or_fault, manifest_of, run_ids
from runaudit.store.store import Store, find_store
from runaudit.system.progress import work
from runaudit.text.words import closest, head, plural

MAX_TOLD = 4
"""Cohorts that are told apart in the sentence about an ambiguous label."""
MAX_SHOWN = 6
"""Runs that are listed in the sentence about a word that names too many."""
MIN_PREFIX = 4
"""Digits of an id below which a word is none."""


def load_run(store: Store, run_id: str, *, trajectory: bool = True) -> Run:
    """A stored run, with its fault where it is damaged. Raises IntegrityError where nothing of it can be read."""
    try:
        return load_or_fault(store, run_id, trajectory=trajectory)
    except (RecordError, OSError) as error:
        raise IntegrityError(
            f"the manifest of {run_id[:SHORT]} is damaged beyond reading",
            remedy="restore it from a backup; `runaudit verify` lists all",
        ) from error


def all_runs(store: Store, *, trajectory: bool = False) -> tuple[Run, ...]:
    """Every launch, oldest first."""
    found: list[Run] = []
    ids = run_ids(store)
    with work("reading", len(ids), "runs") as advance:
        for run_id in ids:
            found.append(load_run(store, run_id, trajectory=trajectory))
            advance(1)
    return tuple(found)


def stored_cohorts(store: Store, settings: Settings) -> tuple[Cohort, ...]:
    """The cohorts of all stored runs."""
    return cohorts(all_runs(store), settings=settings)


class Names:
    """The names of a store's runs, read once for as many words as are asked.

    A word is looked for as `@last~n`, the beginning of an id, a label, the label under which a cohort is listed, and a
    cohort's id or its beginning, in this order; what has commas and is no label is a list of words. A label that
    several runs have names them, with the repetitions that `rerun` made of them; where they are of several designs,
    none is meant.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store = store.existing()  # one for all: it keeps the log that it has read
        self.settings = settings
        self.ids = run_ids(self.store)
        self._sorted = sorted(set(self.ids))

    def find(self, word: str, *, any_design: bool = False) -> tuple[str, ...]:
        """The runs that a word names, by their ids, oldest first. Raises UsageError for an unknown or ambiguous word.

        any_design: a label names all that bear it, though they be of several designs.
        """
        if "," in word and word not in self._labels:
            found = (run for part in word.split(",") if part for run in self.find(part, any_design=any_design))
            return tuple(dict.fromkeys(found))
        if match := re.fullmatch(r"@last(?:~(\d+))?", word):
            return (self._from_end(int(match[1] or 0), word),)
        if hits := self._beginning_with(word):
            if len(hits) > 1:
                raise UsageError(f"{word!r} fits {len(hits)} runs: {_shown(hits)}", remedy="give more digits")
            return hits
        labelled = self._labels.get(word, ())
        if len(labelled) == 1:
            return labelled
        if labelled:
            return self._with_repeats(self.ids, labelled) if any_design else self._of_one_design(word, labelled)
        return self._of_cohort(word)

    def is_label(self, word: str) -> bool:
        """Whether a run is labelled so."""
        return word in self._labels

    @cached_property
    def cohorts(self) -> tuple[Cohort, ...]:
        """The cohorts of all runs."""
        return stored_cohorts(self.store, self.settings)

    @cached_property
    def _manifests(self) -> dict[str, Manifest]:
        return {run: manifest_of(self.store, run) for run in dict.fromkeys(self.ids)}

    @cached_property
    def _labels(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for run, manifest in self._manifests.items():
            if manifest.label:
                found.setdefault(manifest.label, []).append(run)
        return {label: tuple(runs) for label, runs in found.items()}

    def _from_end(self, back: int, word: str) -> str:
        if back >= len(self.ids):
            held = f"the store holds {plural(len(self.ids), 'run')}"
            raise UsageError(f"{word} does not exist: {held}", remedy="see `runaudit list`")
        return self.ids[-1 - back]

    def _beginning_with(self, word: str) -> tuple[str, ...]:
        """The runs whose id begins so; they lie side by side in the sorted ids."""
        if not _is_prefix(word):
            return ()
        return tuple(self._sorted[bisect_left(self._sorted, word) : bisect_left(self._sorted, word + "g")])

    def _of_one_design(self, word: str, labelled: Sequence[str]) -> tuple[str, ...]:
        homes = [group for group in self.cohorts if any(run.id in labelled for run in group.runs)]
        if len(homes) > 1:
            raise UsageError(
                f"the {len(labelled)} runs labelled {word!r} are of {len(homes)} designs: "
                f"{_told_apart(self.settings, homes)}",
                remedy="name one cohort by its id",
            )
        return self._with_repeats([run.id for run in homes[0].runs], labelled)

    def _with_repeats(self, among: Iterable[str], labelled: Sequence[str]) -> tuple[str, ...]:
        """These runs, and those among others that `rerun` made of them: it gives them labels of their own."""
        named = set(labelled)
        among = tuple(among)
        for run in among:
            if self._manifests[run].section("origin").get("rerun_of") in named:
                named.add(run)
        return tuple(run for run in among if run in named)

    def _of_cohort(self, word: str) -> tuple[str, ...]:
        """The runs of the cohort that is listed under this label, where it is the only one, or has this id."""
        for fits in (
            [group for group in self.cohorts if group.id == word],
            [group for group in self.cohorts if group.label == word],
            [group for group in self.cohorts if _is_prefix(word) and group.id.startswith(word)],
        ):
            if len(fits) == 1:
                return tuple(run.id for run in fits[0].runs)
            if fits:
                raise UsageError(f"{word!r} fits {len(fits)} cohorts: {_told_apart(self.settings, fits)}",
                                 remedy="name one by its id, with more digits")  # fmt: skip
        known = {*(run[:SHORT] for run in self.ids), *self._labels}
        known |= {name for group in self.cohorts for name in (group.id, group.label) if name}
        raise UsageError(f"no run matches {word!r}{closest(word, known)}", remedy="run `runaudit list` to see all")


def ids_named(store: Store, settings: Settings, *words: str) -> tuple[str, ...]:
    """The stored runs that these words name together, by their ids. Raises UsageError like `Names.find`."""
    names = Names(store, settings)
    return tuple(dict.fromkeys(run for word in words for run in names.find(word)))


def one_named(store: Store, settings: Settings, word: str) -> str:
    """The id of the one run that a word names. Raises UsageError where it names several."""
    return one_of(ids_named(store, settings, word), word)


def one_of(ids: Sequence[str], word: str) -> str:
    """The one run of what a word names. Raises UsageError, which lists them, where there are several."""
    if len(ids) != 1:
        raise UsageError(f"{word!r} names {plural(len(ids), 'run')}: {_shown(ids)}", remedy="name one by its id")
    return ids[0]


def find_run(word: str, *, store: Path | None = None) -> tuple[str, Path]:
    """The one run that `word` names, and its folder, in the store that a command here would use. Raises UsageError.

    >>> import runaudit
    >>> run, folder = runaudit.find_run("@last")
    >>> folder.name == run
    True
    """
    root = find_store(Path.cwd(), named=store)
    place = Store.open(root)
    run = one_named(place, load_settings(root), word)
    return run, place.run_dir(run)


def runs_named(store: Store, settings: Settings, *words: str, trajectory: bool = True) -> tuple[Run, ...]:
    """The runs that these words name, word by word: of the store, or of record files, which need no store.

    Raises UsageError for an unknown or ambiguous word.
    """
    names = Names(store, settings) if has_store(store) else None
    return tuple(run for word in words for run in _runs(store, settings, names, word, trajectory))


def _runs(store: Store, settings: Settings, names: Names | None, word: str, trajectory: bool) -> tuple[Run, ...]:
    if is_file(word):
        from runaudit.capture.foreign import without_secrets
        from runaudit.importers.record import read_records

        return linked(
            without_secrets([found.run for found in read_records(Path(word))[0]], names.store if names else None)
        )
    if "," in word and not (names is not None and names.is_label(word)):
        parts = [part for part in word.split(",") if part]
        runs = [run for part in parts for run in _runs(store, settings, names, part, trajectory)]
        return tuple({run.id: run for run in runs}.values())
    found = Names(store, settings) if names is None else names  # Without a store, this says that there is none.
    return tuple(load_run(found.store, run_id, trajectory=trajectory) for run_id in found.find(word))


def baseline_named(store: Store, settings: Settings, word: str, *, seed: JSON) -> Run:
    """The run that another is to be held against: the newest that the word names, of those with this seed if any.

    A label of several designs is no riddle here: the newest run of it is the last word on that design.
    """
    names = Names(store, settings)
    runs = [load(names.store, run, trajectory=False) for run in names.find(word, any_design=True)]
    same = [run for run in runs if canonical_equal(run.manifest.body.get("seed"), seed)]
    return (same or runs)[-1]


def cohort_in_text(store: Store, settings: Settings, name: str, launched: Sequence[Cohort]) -> Cohort:
    """The cohort that a text calls so, whatever its capitals; else what the word names on a command line."""
    found = [cohort for cohort in launched if cohort.label.casefold() == name.casefold()]
    if len(found) > 1:
        raise UsageError(f"{len(found)} cohorts are labelled {name!r} ({', '.join(c.id for c in found)})",
                         remedy="name one by its id in an annotation")  # fmt: skip
    return found[0] if found else cohort_named(store, settings, name, trajectory=False)


def _is_prefix(word: str) -> bool:
    return len(word) >= MIN_PREFIX and set(word) <= set("0123456789abcdef")


def _shown(ids: Sequence[str]) -> str:
    return head([run[:SHORT] for run in ids], MAX_SHOWN)


def _told_apart(settings: Settings, groups: Sequence[Cohort]) -> str:
    """Cohorts by id, size and seeds, and what the others change of the first."""
    from runaudit.diff import compare_cohorts

    parts = []
    for group in groups[:MAX_TOLD]:
        what = f"{group.id} ({plural(group.n, 'run')}, seed {', '.join(map(str, group.seeds[:5]))})"
        if group is not groups[0]:
            found = compare_cohorts(groups[0], group, settings=settings).treatments
            what += f": {', '.join(f.summary for f in found[:3]) or 'the records do not say what differs'}"
        parts.append(what)
    rest = f"; and {len(groups) - MAX_TOLD} more" if len(groups) > MAX_TOLD else ""
    return "; ".join(parts) + rest


def cohort_named(store: Store, settings: Settings, *words: str, trajectory: bool = True) -> Cohort:
    """The runs that these words name together, as one arm; under its own id where they are a whole cohort."""
    runs = tuple({run.id: run for run in runs_named(store, settings, *words, trajectory=trajectory)}.values())
    if not runs:
        raise UsageError("no run is named", remedy="run `runaudit list` to see all")
    whole = cohorts(runs, settings=settings)
    return whole[0] if len(whole) == 1 else cohort_of(runs)


def has_store(store: Store) -> bool:
    """Whether there is a store to ask: record files can be compared without one."""
    return (store.root / "store.json").exists()


def is_file(word: str) -> bool:
    """Whether a word is the path of a record file rather than a run's name."""
    try:
        return Path(word).is_file()
    except (OSError, ValueError):
        return False
