"""`runaudit forget`: what a word names taken out of the store, a run's whole record or one object.

Secrets that an older runaudit sealed, or that a pattern did not know, must be able to go. The launch stays counted, and
every answer about it says that something was forgotten, when and why: what is gone is unknown, and never equal.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from runaudit.capture.redact import Redactor, redaction_key
from runaudit.errors import RunauditError, UsageError
from runaudit.records.canonical import JSON
from runaudit.records.digest import Digest
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.records.run import SHORT
from runaudit.runs.names import Names, one_named
from runaudit.settings import Settings
from runaudit.store.forget import Doomed, clear_live, forget, objects_of
from runaudit.store.kinds import MANIFEST, NOTE, RECORDS
from runaudit.store.line import LogEntry
from runaudit.store.rehash import stored_links, text_links
from runaudit.store.remarks import read_remark
from runaudit.store.store import Store
from runaudit.store.tombstone import Forgotten
from runaudit.text.markdown import escaped, table
from runaudit.text.terminal import BOLD, UNPAINTED, Paint, printable
from runaudit.text.words import plural

MIN_REASON = 4
MAX_PEERS = 64
"""Runs by which a forgotten one is found in its cohort again; any one of them that is left does."""
_OBJECT = re.compile(r"sha256:([0-9a-f]{4,64})")


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetAnswer:
    """What `forget` answers with: what was taken away."""

    done: tuple[Forgotten, ...]
    reason: str

    def to_json(self) -> dict[str, Any]:
        """The answer for a program."""
        return {"schema": "runaudit.forget/1", "reason": self.reason, "forgotten": [asdict(row) for row in self.done]}

    @property
    def headline(self) -> str:
        """How much went."""
        return f"{plural(len(self.done), 'object')} forgotten" if self.done else "all of it was forgotten before"

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal: each object, then how many."""
        for row in self.done:
            yield printable(f"{row.digest[:19]}…  {row.subject}, {row.size} bytes")
        yield paint(self.headline, BOLD)

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a pull request."""
        yield f"**{escaped(self.headline)}**"
        if self.done:
            rows = ((row.digest, row.subject, str(row.size)) for row in self.done)
            yield from ("", *table(("object", "what", "bytes"), rows))


def forget_named(store: Store, settings: Settings, words: Sequence[str], reason: str, *, time: str) -> ForgetAnswer:
    """Forget what the words name: runs, or objects as `sha256:…`. Raises UsageError for what is not there, and where
    no reason is given that somebody can read a year from now."""
    if len(reason.strip()) < MIN_REASON:
        raise UsageError(
            f"say why it is forgotten, in {MIN_REASON} letters or more",
            remedy='--reason "the database password was in the config"',
        )
    doomed: list[Doomed] = []
    whole: list[str] = []
    for word in words:
        if _OBJECT.fullmatch(word):
            doomed.append(_told(store, settings, _object(store, word)))
        else:
            run = one_named(store, settings, word)
            doomed += (_told(store, settings, one) for one in _of_run(store, run))
            whole.append(run)
    # A reason that quotes the secret would keep for ever what is to go.
    reason = Redactor(redaction_key(store.root)).said(reason.strip())
    done = forget(store, doomed, reason, time=time)
    for run in whole:
        clear_live(store, run)
    return ForgetAnswer(done=done, reason=reason)


def _told(store: Store, settings: Settings, one: Doomed) -> Doomed:
    """A manifest that is to go, with what keeps its run in the count of its cohort: who the others are, its seed, how
    it ended. None of it is a word of the user's, which may be the very thing to be forgotten."""
    run = one.run
    if one.what != MANIFEST or run is None:
        return one
    with Names(store, settings) as names:
        home = names.cohort_with(run)
    if home is None:
        return one
    own = next(member for member in home.runs if member.id == run)
    seed: JSON = own.manifest.body.get("seed")
    peers: list[JSON] = [member.id for member in home.runs if member.id != run][:MAX_PEERS]
    about: dict[str, JSON] = {"cohort": home.id, "status": own.status, "peers": peers}
    if isinstance(seed, int) and not isinstance(seed, bool):
        about["seed"] = seed
    return replace(one, about=about)


def _of_run(store: Store, run: str) -> list[Doomed]:
    """A record that cannot be read keeps what it names to itself: what is the run's own alone is not known then."""
    try:
        links = [(name, digest) for entry in _records(store, run) for name, digest in _named(store, entry)]
        others = {
            str(digest) for entry in _records(store) if _run_of(entry) != run for _, digest in _named(store, entry)
        }
    except RunauditError as error:
        raise UsageError(
            f"what is run {run[:SHORT]}'s own is not known, and nothing was forgotten: {error.message}",
            remedy="repair the store (`runaudit doctor --repair`), or name the objects: runaudit forget sha256:…",
        ) from error
    return objects_of(store, run, links, frozenset(others))


def _object(store: Store, word: str) -> Doomed:
    """The one object that a digest or the beginning of one names, and what it is to which run."""
    matching = _OBJECT.fullmatch(word)
    prefix = matching[1] if matching else word
    found = [path.name for path in (store.root / "objects" / "sha256").glob(f"{prefix[:2]}/{prefix}*")]
    if len(found) != 1:
        raise UsageError(
            f"{word} names {plural(len(found), 'object')} of the store",
            remedy="give the whole digest; `runaudit doctor --secrets` names what holds a secret",
        )
    digest = Digest("sha256", found[0])
    what, run = named_objects(store).get(str(digest), ("object", None))
    return Doomed(digest=digest, what=what, run=run)


def named_objects(store: Store) -> Mapping[str, tuple[str, str | None]]:
    """Digest text -> what the object is, and to which run: of one that many runs name, to the first."""
    found: dict[str, tuple[str, str | None]] = {}
    for entry in store.entries():
        if entry.kind in RECORDS:
            run = _run_of(entry)
            found.setdefault(str(entry.digest), (entry.kind, run))
            for name, digest in _links(store, entry):
                found.setdefault(str(digest), (name, run))
        elif entry.kind == NOTE:
            found.setdefault(str(entry.digest), (NOTE, str(read_remark(store, entry)["run"])))
    return found


def _records(store: Store, run: str | None = None) -> Iterator[LogEntry]:
    yield from (entry for entry in store.entries() if entry.kind in RECORDS and run in (None, _run_of(entry)))


def _run_of(entry: LogEntry) -> str:
    return entry.digest.hex if entry.kind == "manifest" else entry.subject.removeprefix("sha256:")


def _links(store: Store, entry: LogEntry) -> tuple[tuple[str, Digest], ...]:
    """What a record says lies in the store; nothing of one that cannot be read, or was forgotten."""
    try:
        return _named(store, entry)
    except RunauditError:
        return ()


def _named(store: Store, entry: LogEntry) -> tuple[tuple[str, Digest], ...]:
    """What a record says lies in the store; nothing of one that was forgotten. Raises where it cannot be read."""
    if str(entry.digest) in store.forgotten():
        return ()
    read = Manifest.from_bytes if entry.kind == "manifest" else Outcome.from_bytes
    body = read(store.read(entry.digest), where=entry.kind).body
    return (*stored_links(body), *text_links(body))
