"""Witnesses of a log: a signature over its head, an anchor outside the store. Asked, and made, on request only."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from runaudit.errors import RunauditError, UsageError
from runaudit.store.anchor import AnchorFile, GitNotes, Place, anchor, check_anchor
from runaudit.store.end import chains_of
from runaudit.store.rehash import Problem
from runaudit.store.signature import NOT_PROMISED, check_signature, sign, signed_until
from runaudit.store.store import Store
from runaudit.system.clock import utc_text
from runaudit.system.git import Git, work_tree

GIT, SIGNED, LINE = "git", "signed", "line:"
"""The words for the places where a head may have been kept, and for a line that was verified; any other is a file."""
Places = Callable[[str], Place]
"""The place that a word names."""


class AnchorError(RunauditError):
    """Git would not write or read the note."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnessed:
    """What the witnesses say: problems, remarks, and up to which line one of them vouches for the log."""

    problems: tuple[Problem, ...] = ()
    remarks: tuple[str, ...] = ()
    until: int = 0


def witnessed(store: Store, *, key: Path | None, check: Sequence[str], since: str | None, places: Places) -> Witnessed:
    """Ask the signatures of `key`, the anchors of the places `check` and `since` (or `signed`, or the number of a line
    up to which the caller has verified).

    The last remark says what is not promised where no anchor vouched for the log. Raises UsageError for `signed`
    without a key.
    """
    if since == SIGNED and key is None:
        raise UsageError("--since signed needs the key", remedy="add --key PUB, or name an anchor: --since FILE")
    problems: tuple[Problem, ...] = ()
    remarks: tuple[str, ...] = ()
    is_anchored = False
    until, lines = 0, len(chains_of(store.log_bytes()))
    if since is not None and (number := by_line(since)) is not None:
        until, since = number, None
        if until > lines:
            raise UsageError(f"the log has {lines} lines, not {until}", remedy="name a line that was verified before")
        remarks += (f"lines up to {until} of the log are taken as verified before, on your word",)
    if key is not None:
        found = check_signature(store, key)
        reach = signed_until(store, key).seq
        problems += found
        remarks += () if found else (f"signed up to line {reach} of {lines} of the log",)
        until = reach if since == SIGNED and not found else 0
    for word in dict.fromkeys(word for word in (*check, since) if word not in (None, SIGNED)):
        place = places(str(word))
        contradicted, head = check_anchor(store, place)
        problems += contradicted
        if head is not None and not contradicted:
            remarks += (f"the log of {lines} lines extends the one that {place.name} anchored at line {head.seq}",)
            until = head.seq if word == since else until
            is_anchored = True
    return Witnessed(problems=problems, until=until, remarks=remarks if is_anchored else (*remarks, NOT_PROMISED))


def or_a_file(error: UsageError, given: Mapping[str, Sequence[str | None]]) -> UsageError:
    """That a word names no run; where it stands behind an option that may stand alone, that it may have been meant as
    the file of one: what is neither there nor written as a path is taken for a run."""
    option = next((name for name, words in given.items() if not {GIT, SIGNED}.isdisjoint(words)), None)
    remedy = error.remedy if option is None else f"a file that is not there is named as {option}=FILE; {error.remedy}"
    return UsageError(error.message, remedy=remedy)


def by_line(word: str) -> int | None:
    """The number in `line:N`, None for any other word. Raises UsageError where N is no number."""
    if not word.startswith(LINE):
        return None
    if not (number := word.removeprefix(LINE)).isdecimal():
        raise UsageError(f"{word} names no line of the log", remedy="write line:N")
    return int(number)


def witness(store: Store, *, key: Path | None, place: Place | None) -> tuple[str, ...]:
    """Sign and anchor the head as it stands, on request only. Call it after the whole store was found sound."""
    done: tuple[str, ...] = ()
    now = utc_text(time.time())
    if key is not None:
        done += (f"signed: {sign(store, key, time=now)}",)
    if place is not None:
        done += (f"anchored line {anchor(store, place, time=now).seq}; {place.kept}",)
    return done


def place_of(word: str) -> Place:
    """The place that a word names, of those that need no library."""
    return GitNotes(git_here) if word == GIT else AnchorFile(Path(word).expanduser())


def git_here(words: list[str]) -> str:
    """Git in the current folder's repository. Raises AnchorError with git's own words."""
    done = Git(work_tree(Path.cwd()) or Path.cwd()).ask(*words)
    if done.code != 0:
        raise AnchorError(f"git {words[0]} failed: {done.reason}", remedy="run it within a repository with a commit")
    return done.out.decode("utf-8", "replace")
