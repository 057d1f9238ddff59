"""Patches, read file by file, where they are git's; any other text is equal to itself alone."""

import re
from collections.abc import Mapping

from runaudit.errors import RunauditError
from runaudit.factors.marks import without_secrets
from runaudit.records.canonical import canonical_bytes
from runaudit.records.digest import digest_bytes
from runaudit.records.run import Run

_GIT_PART = re.compile(r"^diff --git ", re.MULTILINE)
_PARTS_OF_GIT = re.compile(
    r"(?:index |old mode |new mode |new file |deleted file |similarity |dissimilarity |rename |copy |--- |\+\+\+ |@@ |"
    r"[ +\-\\]|Binary files |GIT binary patch|literal |delta |[A-Za-z][!-~]+$|$)"
)


_NEVER_RUN = re.compile(
    r"(?:.*/)?(?:(?:readme|license|licence|copying|changelog|contributing|code_of_conduct)(?:\.(?:md|rst|txt))?|"
    r"citation\.cff|\.gitignore|\.gitattributes|\.gitkeep|\.mailmap|codeowners)|\.github/.*\.(?:md|ya?ml)",
    re.IGNORECASE,
)
"""Files that tell people of a project, or git and its host what to do: no interpreter runs one, no training reads one.
Another text may be read: a prompt in `docs/a.md`, names in `data/authors.txt`."""


NEVER_RUN = "not run: all that it touches is for people to read, or for git"


def never_runs(path: str) -> bool:
    """Whether a file of a work tree is by its place and name one that nothing runs and no program reads."""
    return _NEVER_RUN.fullmatch(path) is not None


def patched_files(patch: str | None) -> Mapping[str, str] | None:
    """Path -> its part of a git patch, without the line that names blobs where its text is there.

    None where there is no text, or text that is no git patch from its first line to its last: such a patch is equal to
    itself alone.
    """
    if patch is None:
        return None
    before, *parts = _GIT_PART.split(patch)
    if before.strip():
        return None
    found: dict[str, str] = {}
    for part in parts:
        head, _, body = part.partition("\n")
        if not all(map(_PARTS_OF_GIT.match, body.splitlines())):
            return None
        path = head.rpartition(" b/")[2].strip('"')
        if not re.search(r"^Binary files ", body, re.MULTILINE):
            body = re.sub(r"^index .*\n", "", body, count=1, flags=re.MULTILINE)
        found[path] = found.get(path, "") + body
    return found


def is_idle(text: str) -> bool:
    """Whether a patch touches nothing that can run."""
    parts = patched_files(text)
    return parts is not None and bool(parts) and all(map(never_runs, parts))


def patch_digest(text: str) -> str:
    """What a patch says, file by file where it is git's, by content; what cannot run says nothing."""
    parts = patched_files(text)
    if parts is not None:
        parts = {path: body for path, body in parts.items() if not never_runs(path)}
    return str(digest_bytes(text.encode() if parts is None else canonical_bytes(dict(parts))))


def patch_text(run: Run, patch: object) -> str | None:
    """The text of a patch, whichever secrets it held; known to be none is the empty patch."""
    text = kept_patch(run, patch)
    return None if text is None else str(without_secrets(text))


def kept_patch(run: Run, patch: object) -> str | None:
    """The text of a patch as it is kept."""
    if patch is None:
        return ""
    try:
        return run.blobs[str(patch)].decode("utf-8", "replace")
    except (KeyError, RunauditError):
        return None
