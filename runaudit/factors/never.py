"""Which gaps of a foreign record are its tracker's, and which are this run's own.

A reader who sees the same gaps on every pair stops reading, and with them goes the one gap that was this run's own. So
what a tracker has no place for is told in one line, and what it could have recorded and did not is told one by one.
A gap is a gap all the same: nothing here makes a verdict any cleaner.
"""

from collections.abc import Iterable, Mapping, Sequence

from runaudit.factors.lineage import PREFIX
from runaudit.records.manifest import BEYOND_TYPED, CAPTURED, START
from runaudit.records.run import Run
from runaudit.records.trackers import FILE, TRACKERS, Tracker
from runaudit.text.words import listed

BLIND = "without its config nothing can be said of what a run changed"
"""Why what a tracker recorded shows nothing, where that is no config at all."""
WORDS_ALONE = "of a run's settings the command line alone is on record"
"""Why it shows no verdict, where no more of the config is there than was typed."""
IN_FILES = "what the records say"
_NO_COMMIT = ("code", "code.commit")
PATCH = "code.patch"


def kind_of(run: Run) -> str:
    """What recorded a run: a word of TRACKERS, or one that this version does not know."""
    return str(run.manifest.section("origin").get("kind", CAPTURED))


def is_foreign(run: Run) -> bool:
    """Whether somebody else recorded a run. A record of ours that went through a file is ours still, and of one that
    was forgotten nobody knows."""
    given = run.manifest.section("origin").get("from")
    is_ours = run.manifest.is_captured or (isinstance(given, Mapping) and given.get("kind") == CAPTURED)
    return not (is_ours or run.is_gone)


def tracker_of(run: Run) -> Tracker:
    """The tracker that recorded a foreign run; of one that is not in the table, what none of them records."""
    kind = kind_of(run)
    return TRACKERS.get(kind) or Tracker(kind)


def never_recorded(path: str, runs: Iterable[Run]) -> str:
    """Who never records `path`, where that is so of all who recorded these runs; empty where it is a gap of its own."""
    runs = tuple(runs)
    if covers(START, path):
        return ""  # Of other runs the same tracker did record it.
    if runs and all(is_foreign(run) and any(covers(one, path) for one in tracker_of(run).never) for run in runs):
        return listed(sorted({tracker_of(run).name for run in runs}))
    return ""


def on_record(runs: Iterable[Run]) -> str:
    """What foreign records hold, as a sentence names it: `what W&B recorded`; empty where one of the runs is ours."""
    runs = tuple(runs)
    if not runs or not all(map(is_foreign, runs)):
        return ""
    names = sorted({tracker_of(run).name for run in runs})
    return IN_FILES if names == [TRACKERS[FILE].name] else f"what {listed(names)} recorded"


def open_code(paths: Iterable[str], runs: Iterable[Run]) -> str:
    """Why these gaps of these runs leave open which code ran, as a sentence begins; empty where they do not."""
    paths = tuple(paths)
    if lacks_commit(paths):
        return "the commit of the code is not on record"
    if PATCH in paths and any(map(is_dirty, runs)):
        return "there are uncommitted changes, and not every record tells them"
    return ""


def config_unseen(lacking: Mapping[str, Iterable[Run]]) -> str:
    """Why nothing can be concluded of these gaps, path -> the runs that have it: a tracker kept no config of a run, or
    no more of it than was typed; empty elsewhere. A record file may leave its config out: whoever wrote one had a place
    for it, and knew what the run was about."""
    if any(is_foreign(run) and kind_of(run) != FILE for run in lacking.get("config", ())):
        return BLIND
    typed_only = (run for path in BEYOND_TYPED for run in lacking.get(path, ()))
    return WORDS_ALONE if any(map(is_foreign, typed_only)) else ""


def objects_untold(paths: Sequence[str]) -> str:
    """Why nothing can be concluded where these settings are objects, and what they were is in no record."""
    return f"what object {listed(paths)} was is not on record, and equal texts of two objects do not make them equal"


def is_dirty(run: Run) -> bool:
    """Whether a record says that there were uncommitted changes."""
    code = run.manifest.section("code")
    return bool(code.get("dirty") or code.get("patch"))


def lacks_commit(paths: Iterable[str]) -> bool:
    """Whether these gaps leave open which code ran. Nobody can vouch for a commit, so that what else a tracker recorded
    may be told, and never as a verdict: any line of the program may have changed."""
    return any(path in _NO_COMMIT for path in paths)


COMMIT_NEEDED = (
    "which commit ran nobody can vouch for: it is on record where W&B or MLflow was told of the training as well (what "
    "several trackers tell of one is one run), or `runaudit run` started it"
)
"""What makes a verdict possible on runs of a tracker that records no code."""


EDITS_NEEDED = (
    "that a tree was clean nobody can vouch for where a record says that it was not: the edits are on record where W&B "
    "kept the patch, or `runaudit run` started the training"
)
"""The same where there were uncommitted changes and the tracker kept none of them."""


def covers(word: str, path: str) -> bool:
    """Whether a gap is that of `word`, or of a part of it. What a parent run lacks is what its record lacks."""
    while path.startswith(PREFIX):
        path = path.removeprefix(PREFIX)
    return path == word or path.startswith((f"{word}.", f"{word}["))
