"""A whole check of a store: everything hashed again, what witnesses say of its log, and the witnesses that are made
once it was found sound.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from runaudit.errors import NothingToJudgeError, UsageError
from runaudit.store.anchor import Place
from runaudit.store.answer import VerifyAnswer
from runaudit.store.store import Store
from runaudit.store.verify import verify
from runaudit.store.witness import Places, by_line, place_of, witness, witnessed
from runaudit.system.workers import cpus


@dataclass(frozen=True, slots=True, kw_only=True)
class Attested:
    """The answer, the remarks of the witnesses that were asked, and what those were that were made."""

    answer: VerifyAnswer
    said: tuple[str, ...]
    done: tuple[str, ...]


def attest(
    store: Store,
    ids: tuple[str, ...] | None = None,
    *,
    key: Path | None = None,
    check: Sequence[str] = (),
    since: str | None = None,
    places: Places = place_of,
    sign: Path | None = None,
    anchor: Place | None = None,
    jobs: int | None = None,
) -> Attested:
    """Check the runs named, else all. key, check, since, places: the witnesses to ask, as `witnessed` has them; sign,
    anchor: those to make. jobs: processes that share the work, 0 for one per CPU; None: this one alone.

    Raises UsageError where one is to be made and `since` leaves out what only the caller vouches for;
    NothingToJudgeError where the store holds no run: a check of nothing is no pass.
    """
    if jobs is not None and jobs < 0:
        raise UsageError(f"-j {jobs} is no number of processes", remedy="give one from 1 on, or 0 for one per CPU")
    if (sign or anchor) and since and by_line(since) is not None:
        raise UsageError("a signature and an anchor take a store that is verified whole", remedy="leave --since out")
    asked = witnessed(store, key=key, check=check, since=since, places=places)
    # A signature or an anchor speaks of the whole log, so it takes a whole store that is sound.
    found = verify(
        store, None if sign or anchor else ids, jobs=1 if jobs is None else jobs or cpus(), unread_until=asked.until
    )
    found = replace(found, problems=(*found.problems, *asked.problems))
    done = () if found.problems else witness(store, key=sign, place=anchor)
    if not (found.problems or found.runs or asked.until):
        raise NothingToJudgeError("the store holds no run, so nothing was checked", remedy="start a run first")
    answer = VerifyAnswer(found=found, notes=(*asked.remarks, *done))
    return Attested(answer=answer, said=asked.remarks, done=done)
