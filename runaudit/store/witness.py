"""Witnesses of a log: a signature over its head, an anchor outside the store. Asked, and made, on request only."""

import time
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

GIT, SIGNED = "git", "signed"
"""The words for the places where a head may have been kept; any other word is a file."""


class AnchorError(RunauditError):
    """Git would not write or read the note."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnessed:
    """What the witnesses say: problems, remarks, and up to which line one of them vouches for the log."""

    problems: tuple[Problem, ...] = ()
    remarks: tuple[str, ...] = ()
    until: int = 0


def witnessed(store: Store, *, key: Path | None, check: str | None, since: str | None) -> Witnessed:
    """Ask the signatures of `key`, the anchors of the places `check` and `since` (a file, `git`; or `signed`).

    The last remark says what is not promised without them. Raises UsageError for `signed` without a key.
    """
    if since == SIGNED and key is None:
        raise UsageError("--since signed needs the key", remedy="add --key PUB, or name an anchor: --since FILE")
    problems: tuple[Problem, ...] = ()
    remarks: tuple[str, ...] = ()
    until, lines = 0, len(chains_of(store.log_bytes()))
    if key is not None:
        found = check_signature(store, key)
        reach = signed_until(store, key).seq
        problems += found
        remarks += () if found else (f"signed up to line {reach} of {lines} of the log",)
        until = reach if since == SIGNED and not found else 0
    for word in dict.fromkeys(word for word in (check, since) if word not in (None, SIGNED)):
        place = place_of(str(word))
        contradicted, head = check_anchor(store, place)
        problems += contradicted
        if head is not None and not contradicted:
            remarks += (f"the log of {lines} lines extends the one that {place.name} anchored at line {head.seq}",)
            until = head.seq if word == since else until
    return Witnessed(problems=problems, until=until, remarks=remarks if key and check else (*remarks, NOT_PROMISED))


def witness(store: Store, *, key: Path | None, place: str | None) -> tuple[str, ...]:
    """Sign and anchor the head as it stands, on request only. Call it after the whole store was found sound."""
    done: tuple[str, ...] = ()
    now = utc_text(time.time())
    if key is not None:
        done += (f"signed: {sign(store, key, time=now)}",)
    if place is not None:
        head = anchor(store, place_of(place), time=now)
        where = "share it with: git push REMOTE refs/notes/runaudit" if place == GIT else f"in {place}"
        done += (f"anchored line {head.seq}; {where}",)
    return done


def place_of(word: str) -> Place:
    """The place that a word names."""
    return GitNotes(git_here) if word == GIT else AnchorFile(Path(word).expanduser())


def git_here(words: list[str]) -> str:
    """Git in the current folder's repository. Raises AnchorError with git's own words."""
    done = Git(work_tree(Path.cwd()) or Path.cwd()).ask(*words)
    if done.code != 0:
        raise AnchorError(f"git {words[0]} failed: {done.reason}", remedy="run it within a repository with a commit")
    return done.out.decode("utf-8", "replace")
