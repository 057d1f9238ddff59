"""Since when a policy has said what it says: a rule that was written after the runs is no plan.

Where git has the file as it stands, the date is that of the commit from which on the rules asked for read as now;
a later edit of something else in the file does not count. Otherwise it is the time at which the file was last changed,
which a checkout or a copy moves.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from runaudit.errors import RunauditError
from runaudit.settings import Settings, policy_in
from runaudit.system.clock import utc_text
from runaudit.system.git import Git, work_tree

GIT, MTIME = "git commit date", "modification time of the file"
COMMITS = 50
"""Versions of the file that are looked at; the oldest of them is then the date, at the latest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDate:
    """When rules of a policy were written, UTC, and by what that is known."""

    file: Path
    written: str
    by: str


def written_on(file: Path, says: Callable[[Settings], object], rules: object) -> PolicyDate | None:
    """Since when `file` says `rules`, where `says` picks them from a policy; None where nobody can tell."""
    try:
        changed = utc_text(file.stat().st_mtime)
    except OSError:
        return None
    date = _committed(file, says, rules)
    return PolicyDate(file=file, written=date or changed, by=GIT if date else MTIME)


def _committed(file: Path, says: Callable[[Settings], object], rules: object) -> str | None:
    place = file.absolute()
    top = work_tree(place.parent)
    if top is None:
        return None
    date = None
    try:
        git, name = Git(top), place.relative_to(top).as_posix()
        rows = git.run("log", f"-{COMMITS}", "--format=%H %ct", "--", name).decode().splitlines()
        for commit, seconds in (row.split() for row in rows):
            if says(policy_in(git.run("cat-file", "blob", f"{commit}:{name}"), file)) != rules:
                break
            date = utc_text(datetime.fromtimestamp(int(seconds), UTC).timestamp())
    except (RunauditError, ValueError):
        return date  # An older version that cannot be read is another one.
    return date
