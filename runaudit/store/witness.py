"""Witnesses of a log: a signature over its head, an anchor outside the store. Asked, and made, on request only."""

from datetime import UTC, datetime
from pathlib import Path

from runaudit.errors import RunauditError
from runaudit.store.end import chains_of
from runaudit.store.rehash import Problem
from runaudit.store.signature import NOT_PROMISED, anchor, check_anchor, check_signature, sign, signed_until
from runaudit.store.store import Store
from runaudit.system.git import ask


class AnchorError(RunauditError):
    """Git would not write or read the note."""


def witnessed(store: Store, *, key: Path | None, anchored: bool) -> tuple[tuple[Problem, ...], tuple[str, ...]]:
    """(problems, remarks) of the witnesses that were asked. The last remark says what is not promised without them."""
    problems: tuple[Problem, ...] = ()
    remarks: tuple[str, ...] = ()
    if key is not None:
        found = check_signature(store, key)
        problems += found
        reach, lines = signed_until(store, key).seq, len(chains_of(store.log_bytes()))
        remarks += () if found else (f"signed up to line {reach} of {lines} of the log",)
    if anchored:
        problems += check_anchor(store, git_here)
    return problems, remarks if key is not None and anchored else (*remarks, NOT_PROMISED)


def witness(store: Store, *, key: Path | None, anchored: bool) -> tuple[str, ...]:
    """Sign and anchor the head as it stands, on request only. Call it after the store was found sound."""
    done: tuple[str, ...] = ()
    if key is not None:
        path = sign(store, key, time=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"))
        done += (f"signed: {path}",)
    if anchored:
        head = anchor(store, git_here)
        done += (f"anchored line {head.seq}; share it with: git push REMOTE refs/notes/runaudit",)
    return done


def git_here(words: list[str]) -> str:
    """Git in the current folder. Raises AnchorError with git's own words."""
    done = ask(Path.cwd(), *words)
    if done.code != 0:
        raise AnchorError(f"git {words[0]} failed: {done.reason}", remedy="run it within a repository with a commit")
    return done.out.decode("utf-8", "replace")
