"""The words by which a user names runs, turned into runs: ids, labels, `@last`, cohorts, lists, record files."""

import contextlib
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runaudit.errors import IntegrityError, UsageError
from runaudit.factors.cohort import Cohort, shared_label
from runaudit.factors.lineage import linked
from runaudit.records.canonical import JSON, canonical_equal
from runaudit.records.run import SHORT, Run
from runaudit.runs.ambiguous import Meaning, Meanings, is_in_no_store, named_nothing, the_one
from runaudit.runs.forms import Form, form_of, is_prefix, label_in, steps_back, unknown_remedy
from runaudit.runs.indexfile import current, held, in_memory
from runaudit.runs.reading import is_labelled
from runaudit.settings import Settings, load_settings
from runaudit.store.catalogue import load, load_or_fault, run_ids
from runaudit.store.place import find_store
from runaudit.store.store import Store
from runaudit.system.files import refuse_special
from runaudit.text.terminal import unprinted
from runaudit.text.words import closest, head, plural

MAX_TOLD = 4
"""Cohorts that are told apart in the sentence about an ambiguous label."""
MAX_SHOWN = 6
"""Runs that are listed in the sentence about a word that names too many."""
MAX_BACK = 1 << 62
"""Beyond any store, and still a number to the index."""
SURE_PREFIX = 8
"""Digits from which on an id's beginning is not also looked for among the cohorts, which takes an index: of 10,000
cohorts one begins so in 400,000 stores."""
WITH_REPEATS = """
    WITH RECURSIVE named(id) AS (
        SELECT id FROM runs WHERE label = ? AND (? < 0 OR cohort = ?)
        UNION SELECT runs.id FROM runs JOIN named ON runs.again = named.id
            WHERE ? < 0 OR runs.cohort = ?
    )
    SELECT runs.id FROM runs JOIN named ON runs.id = named.id ORDER BY runs.number"""
WITH_COMMAS = """
    SELECT label FROM runs WHERE instr(label, ',') > 0 UNION SELECT label FROM cohorts WHERE instr(label, ',') > 0"""
LISTED_SO = """
    SELECT number, id FROM cohorts WHERE label = ?
        AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.cohort = cohorts.number AND runs.label = cohorts.label)
    ORDER BY number"""
CALLED_SO = """
    SELECT id FROM runs WHERE theirs IS NOT NULL AND instr(theirs, ?) AND label != ? ORDER BY number"""
LABELLED_FROM = "SELECT id FROM runs WHERE label >= ? AND label < ? ORDER BY number"


class Names:
    """The names of a store's runs; a context, since it reads an index (`indexfile`).

    A word is `@last~n`, one of the explicit forms (`id:`, `label:`, `cohort:`), a list with commas, or a bare word: the
    beginning of a run's id, a label, the label under which a cohort is listed, the beginning of a cohort's id, the name
    by which an imported run's tracker knows it. A bare word that could be several of these names none of them; a whole
    id alone is beyond doubt. A label names all runs that have it, with their repetitions by `rerun`, if of one design.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store = store.existing()  # one for all: it keeps the log that it has read
        self.settings = settings
        self._index: sqlite3.Connection | None = None
        self._nameless: tuple[str, ...] = ()

    def __enter__(self) -> "Names":
        return self

    def __exit__(self, *_: object) -> None:
        if self._index is not None:
            self._index.close()
            self._index = None

    def find(self, word: str, *, any_design: bool = False) -> tuple[str, ...]:
        """The runs that a word names, by their ids, oldest first. Raises UsageError for an unknown or ambiguous word.

        any_design: a label names all that bear it, though they be of several designs.
        """
        if (back := steps_back(word)) is not None:
            return (self._from_end(back, word),)
        parts = self.parts(word)
        if parts != (word,):
            found = (run for part in parts for run in self.find(part, any_design=any_design))
            return tuple(dict.fromkeys(found))
        form = form_of(word)
        if form is not None and (meanings := self._of_form(form)):
            return self._meant(word, meanings, any_design=any_design)
        if meanings := self._meanings(word):
            return self._meant(word, meanings, any_design=any_design)
        if (label := unprinted(word)) != word:
            return self.find(label, any_design=any_design)
        if form is None or form.kind != "id":
            self._refuse_nameless(word)
        raise self._unknown(word, form.name if form else word)

    def parts(self, word: str) -> tuple[str, ...]:
        """The words of a list: commas part them, save those within a label. Raises UsageError for a list of nothing,
        and where what is one label could be several words."""
        pieces = word.split(",")
        if not any(piece.strip() for piece in pieces) and not self.is_label(word):
            raise named_nothing(word)
        if len(pieces) == 1:
            return (word,)
        labels = {label for (label,) in self._ask(WITH_COMMAS)}
        longest = max((label.count(",") + 1 for label in labels), default=1)
        found = []
        at = 0
        while at < len(pieces):
            ends = range(min(at + longest, len(pieces)), at + 1, -1)
            end = next((end for end in ends if label_in(",".join(pieces[at:end])) in labels), at + 1)
            if end > at + 1:
                self._refuse_parts(pieces[at:end])
            if pieces[at] or end > at + 1:
                found.append(",".join(pieces[at:end]))
            at = end
        return tuple(found)

    def _refuse_parts(self, pieces: Sequence[str]) -> None:
        """Raise UsageError where a label with commas is as well a list of words that each name runs."""
        word = ",".join(pieces)
        each = [self._meanings(piece) for piece in pieces if piece]
        if form_of(word) is None and each and all(each):
            as_list = ",".join(next(iter(meanings)).word for meanings in each)
            whole = Meaning(f"label:{word}", "the runs labelled so", ())
            the_one(word, [whole, Meaning(as_list, f"a list of {len(each)} words", ("",))])

    def refuse_beside(self, file: str) -> None:
        """Raise UsageError where the path of a file also names runs, so that nobody can say which is meant."""
        if file.startswith((".", "/")):
            return
        meanings = [*self._ids(file)]
        if self._is_label_at_once(file):
            meanings.append(Meaning(f"label:{file}", "the runs labelled so", ()))
        if meanings:
            the_one(file, [Meaning(f"./{file}", "the record file", ("",)), *meanings])

    def is_label(self, word: str) -> bool:
        """Whether a run is labelled so."""
        return bool(word) and bool(self._ask("SELECT 1 FROM runs WHERE label = ? LIMIT 1", word))

    def labelled(self, beginning: str) -> tuple[str, ...]:
        """The runs whose label begins so, oldest first."""
        return tuple(run for (run,) in self._ask(LABELLED_FROM, beginning, beginning + chr(0x10FFFF)))

    def cohort_with(self, run_id: str) -> Cohort | None:
        """The whole cohort of a run; None where the store holds no such run."""
        found = self._ask("SELECT cohort FROM runs WHERE id = ?", run_id)
        return self._cohort(found[0][0]) if found else None

    def _ask(self, query: str, *words: Any, built: bool = True) -> list[Any]:
        """Rows of the index. built: whether it is to be made where there is none that holds; else there are none."""
        if any(isinstance(word, str) and not _is_text(word) for word in words):
            return []  # No record can hold what is no Unicode text.
        if self._index is None:
            self._index = held(self.store.root, self.settings)
        if self._index is None and built:
            self._index = current(self.store, self.settings)
            if self._index is None:
                self._index, self._nameless = in_memory(self.store, self.settings)
        return [] if self._index is None else self._index.execute(query, words).fetchall()

    def _from_end(self, back: int, word: str) -> str:
        if found := self._ask("SELECT id FROM runs ORDER BY number DESC LIMIT 1 OFFSET ?", min(back, MAX_BACK),
                              built=False):  # fmt: skip
            return str(found[0][0])
        ids = run_ids(self.store)
        if back >= len(ids):
            count = f"the store holds {plural(len(ids), 'run')}"
            raise UsageError(f"{word} does not exist: {count}", remedy="see `runaudit list`")
        return ids[-1 - back]

    def _ids(self, word: str) -> Meanings:
        """The runs whose id begins so. The log tells it: no index is made for an id."""
        if not is_prefix(word):
            return []
        rows = self._ask("SELECT id FROM runs WHERE id >= ? AND id < ? ORDER BY id", word, word + "g", built=False)
        found = [run for (run,) in rows]
        if not rows:  # An index has no run that was imported again since, or none was made.
            found = sorted({run for run in run_ids(self.store) if run.startswith(word)})
        return [Meaning(f"id:{run[:SHORT]}", "a run", (run,), "id") for run in found]

    def _of_form(self, form: Form) -> Meanings:
        """What an explicit word could mean, of its one kind."""
        if form.kind == "id":
            return self._ids(form.name)
        if form.kind == "cohort":
            return self._cohort_ids(form.name)
        return self._labels(form.name) or self._listed(form.name)

    def _refuse_nameless(self, word: str) -> None:
        """Raise IntegrityError where the record of a run is damaged: it may be one of those that are meant."""
        if self._nameless:
            remedy = "restore it from a backup (`runaudit verify` lists all), or name the runs by their ids"
            raise nameless(self._nameless, word, remedy=remedy)

    def _meanings(self, word: str) -> Meanings:
        """All that a bare word could mean."""
        runs = self._ids(word)
        if len(runs) == 1 and runs[0].ids == (word,):
            return runs
        if not runs:
            return [*self._labels(word), *self._listed(word), *self._cohort_ids(word), *self._theirs(word)]
        labels = self._labels(word) if self._is_label_at_once(word) else []
        homes: Meanings = []
        if labels or len(word) < SURE_PREFIX:
            # A run that is named by its id is found beside others that are damaged beyond reading.
            with contextlib.suppress(IntegrityError):
                homes = self._cohort_ids(word)
        return [*runs, *labels, *homes]

    def _labels(self, word: str) -> Meanings:
        """The runs of this label, and those that `rerun` made of them: it gives them labels of their own."""
        runs = self._ask("SELECT id FROM runs WHERE label = ?", word)
        if len(runs) > 1:
            runs = self._ask(WITH_REPEATS, word, *[-1] * 4)
        what = f"the {plural(len(runs), 'run')} labelled so"
        return [Meaning(f"label:{word}", what, tuple(run for (run,) in runs), "label")] if runs else []

    def _theirs(self, word: str) -> Meanings:
        """The imported runs that the tracker which recorded them calls so."""
        return [Meaning(f"id:{run[:SHORT]}", "an imported run, by its own tracker's name", (run,))
                for (run,) in self._ask(CALLED_SO, f"\n{word}\n", word)]  # fmt: skip

    def _listed(self, word: str) -> Meanings:
        """The cohorts that are listed under this label, though none of their runs has it."""
        return [self._of_cohort(*row) for row in self._ask(LISTED_SO, word)]

    def _cohort_ids(self, word: str) -> Meanings:
        if not is_prefix(word):
            return []
        query = "SELECT number, id FROM cohorts WHERE id >= ? AND id < ? ORDER BY number"
        return [self._of_cohort(*row) for row in self._ask(query, word, word + "g")]

    def _of_cohort(self, number: int, name: str) -> Meaning:
        ids = self._members(number)
        return Meaning(f"cohort:{name}", f"a cohort of {plural(len(ids), 'run')}", ids, "cohort")

    def _meant(self, word: str, meanings: Meanings, *, any_design: bool) -> tuple[str, ...]:
        """The runs of the one meaning. Raises UsageError, which lists them, where there are several."""
        kinds = {one.kind for one in meanings}
        if len(meanings) > 1 and kinds == {"cohort"}:
            homes = [n for one in meanings for (n,) in self._ask("SELECT cohort FROM runs WHERE id = ?", one.ids[0])]
            raise UsageError(f"{word!r} fits {len(homes)} cohorts: {self._told_apart(homes)}",
                             remedy=f"name one by its id, as in {meanings[0].word}")  # fmt: skip
        one = the_one(word, meanings)
        if one.kind in ("label", "cohort"):
            self._refuse_nameless(word)
        if one.kind != "label" or any_design or len(one.ids) == 1:
            return one.ids
        label = label_in(one.word)
        homes = [n for (n,) in self._ask("SELECT DISTINCT cohort FROM runs WHERE label = ? ORDER BY cohort", label)]
        if len(homes) > 1:
            raise UsageError(
                f"the {len(one.ids)} runs labelled {label!r} are of {len(homes)} designs: {self._told_apart(homes)}",
                remedy="name one cohort by its id, as in cohort:ID",
            )
        named = tuple(run for (run,) in self._ask(WITH_REPEATS, label, *[homes[0]] * 4))
        return self._with_forgotten(named, homes[0])

    def _with_forgotten(self, named: tuple[str, ...], cohort: int) -> tuple[str, ...]:
        """The runs of a label, with those of their cohort that were forgotten where it names all that is left of it."""
        members, gone = self._members(cohort), self.store.forgotten()
        is_all = all(run in named or f"sha256:{run}" in gone for run in members)
        return members if is_all and set(named) <= set(members) else named

    def _unknown(self, word: str, name: str) -> UsageError:
        if is_file(word):
            return is_in_no_store(word)
        known = {name for row in self._ask("SELECT substr(id, 1, ?), label FROM runs", SHORT) for name in row if name}
        known |= {name for row in self._ask("SELECT id, label FROM cohorts") for name in row if name}
        return UsageError(f"no run matches {word!r}{closest(name, known)}", remedy=unknown_remedy(word))

    def _is_label_at_once(self, word: str) -> bool:
        """Whether a run is labelled so, asked of the records where no index holds: none is made for an id or a file."""
        if self._ask("SELECT 1 FROM runs WHERE label = ? LIMIT 1", word, built=False):
            return True
        return self._index is None and _is_text(word) and is_labelled(self.store, word)

    def _members(self, cohort: int) -> tuple[str, ...]:
        return tuple(run for (run,) in self._ask("SELECT id FROM runs WHERE cohort = ? ORDER BY number", cohort))

    def _cohort(self, number: int) -> Cohort:
        runs = tuple(load_or_fault(self.store, run, trajectory=False, is_hashed=False) for run in self._members(number))
        ((name,),) = self._ask("SELECT id FROM cohorts WHERE number = ?", number)
        return Cohort(id=name, label=shared_label(runs), runs=runs)

    def _told_apart(self, numbers: Sequence[int]) -> str:
        """Cohorts by id, size and seeds, and what the others change of the first."""
        from runaudit.diff import compare_cohorts

        parts, groups = [], [self._cohort(number) for number in numbers[:MAX_TOLD]]
        for group in groups:
            seeds = ", ".join(map(str, group.seeds[:5])).replace("None", "unknown")
            what = f"{group.id} ({plural(group.n, 'run')}, seed {seeds})"
            if group is not groups[0]:
                found = compare_cohorts(groups[0], group, settings=self.settings).treatments
                what += f": {', '.join(f.summary for f in found[:3]) or 'the records do not say what differs'}"
            parts.append(what)
        return "; ".join(parts) + (f"; and {len(numbers) - MAX_TOLD} more" if len(numbers) > MAX_TOLD else "")


def ids_named(store: Store, settings: Settings, *words: str) -> tuple[str, ...]:
    """The stored runs that these words name together, by their ids. Raises UsageError like `Names.find`."""
    with Names(store, settings) as names:
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
    with Names(store, settings) if has_store(store) else contextlib.nullcontext() as names:
        return tuple(run for word in words for run in _runs(store, settings, names, word, trajectory))


def _runs(store: Store, settings: Settings, names: Names | None, word: str, trajectory: bool) -> tuple[Run, ...]:
    refuse_special(Path(word), "the record")
    if is_file(word):
        if names is not None:
            names.refuse_beside(word)
        from runaudit.capture.foreign import without_secrets
        from runaudit.importers.record import read_records

        return linked(
            without_secrets([found.run for found in read_records(Path(word))[0]], names.store if names else None)
        )
    parts = names.parts(word) if names else tuple(part for part in word.split(",") if part) or (word,)
    if parts != (word,):
        runs = [run for part in parts for run in _runs(store, settings, names, part, trajectory)]
        return tuple({run.id: run for run in runs}.values())
    found = Names(store, settings) if names is None else names  # Without a store, this says that there is none.
    return tuple(load_or_fault(found.store, run_id, trajectory=trajectory) for run_id in found.find(word))


def baseline_named(store: Store, settings: Settings, word: str, *, seed: JSON) -> Run:
    """The run that another is to be held against: the newest that the word names, of those with this seed if any.

    A label of several designs is no riddle here: the newest run of it is the last word on that design.
    """
    with Names(store, settings) as names:
        runs = [load(names.store, run, trajectory=False) for run in names.find(word, any_design=True)]
    same = [run for run in runs if canonical_equal(run.manifest.body.get("seed"), seed)]
    return (same or runs)[-1]


def nameless(lost: Sequence[str], word: str, *, remedy: str) -> IntegrityError:
    """That a word may name these runs as well, whose records are damaged."""
    runs = f"the record of {plural(len(lost), 'run')} is damaged ({_shown(lost)})"
    return IntegrityError(f"{runs}, so nobody can tell which runs {word!r} names", remedy=remedy)


def _is_text(word: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in word)


def _shown(ids: Sequence[str]) -> str:
    return head([run[:SHORT] for run in ids], MAX_SHOWN)


def has_store(store: Store) -> bool:
    """Whether there is a store to ask: record files can be compared without one."""
    return os.path.lexists(store.root / "store.json")


def is_file(word: str) -> bool:
    """Whether a word is the path of a record file rather than a run's name."""
    try:
        return Path(word).is_file()
    except (OSError, ValueError):
        return False
