"""Many small programs: no change of what a program used is called clean, and hardly one of the rest a change.

What a change did is read off what the programs printed, not off what was meant. Runs are started as `runaudit run` starts
them, in one process for speed. $RUNAUDIT_PROGRAMS asks for more of them; 1,000 take a quarter of an hour.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runaudit.capture.draft import open_store
from runaudit.diff.result import Comparison
from runaudit.records.run import Run
from runaudit.store import Store
from tests.programs.generator import USED, Place, Program, build, program
from tests.programs.launching import clean, commit, compared, git, launched

PROGRAMS = int(os.environ.get("RUNAUDIT_PROGRAMS", "64"))
CHUNK = 16


def started(place: Place, store: Store, label: str) -> tuple[Run, str]:
    command = (sys.executable, "train.py", *place.args)
    run, said = launched(store, place.work, command, label=label, env=place.env)
    assert said, f"the program printed nothing: {run.outcome}"
    return run, said


def judged(found: Program, folder: Path) -> Iterator[tuple[str, bool, Comparison]]:
    """Each change to the program: what was changed, whether it changed what was printed, and the answer."""
    place = Place(work=folder / "work", out=folder / "out side", env={}, args=[])
    place.work.mkdir(parents=True)
    place.out.mkdir()
    git(place.work, "init", "-q")
    build(found, place)
    commit(place.work)
    store = open_store(folder / "store")
    before, said = started(place, store, "first")
    for way in (found.unused[0], found.used[0]):
        way.make(place, 1)
        commit(place.work)
        after, now = started(place, store, f"{way.name} changed")
        yield way.name, now != said, compared(before, after)
        before, said = after, now


@pytest.mark.parametrize("start", range(0, PROGRAMS, CHUNK))
def test_a_used_change_is_never_clean_and_an_unused_one_is_no_factor(start, tmp_path):
    wrong = []
    for number in range(start, start + CHUNK):
        found = program(number)
        for name, moved, answer in judged(found, tmp_path / str(number)):
            if moved and clean(answer):
                wrong.append(f"{number}: {name} was used, and the answer is {answer.verdict} ({answer.reason})")
            if not moved and str(answer.verdict) not in ("identical", "replicate"):
                wrong.append(f"{number}: {name} was not used, and the answer is {answer.verdict} ({answer.reason})")
    # Two changes each: not one wrong "clean", and of the false alarms none is known, so none is allowed.
    assert wrong == []


def test_every_way_of_using_is_tried():
    tried = {program(number).used[0].name for number in range(PROGRAMS)}
    assert tried == {way.name for way in USED}
