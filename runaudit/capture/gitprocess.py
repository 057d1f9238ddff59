"""Asking git without letting the repository answer with a program of its own.

A repository can name commands that git runs merely by looking: hooks, fsmonitor, an external diff, textconv, a clean
filter, a partial clone's remote. Whoever was handed the repository did not agree to them. They are switched off for
every call; a clean filter that the *repository* configures is emptied, one that the user's own configuration holds
(git-lfs) stays, because without it every large file would look changed.
"""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from runaudit.errors import CaptureError

TIMEOUT_S = 120.0
_SWITCHES = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "diff.external=",
    "core.quotePath=false",
    "protocol.allow=never",
    "submodule.recurse=false",
    "status.showUntrackedFiles=all",
    "color.ui=false",
)
_LFS = re.compile(r"git-lfs (?:clean|smudge)(?: --skip)? -- %f|git-lfs filter-process(?: --skip)?|true|false")


class Git:
    """Git in one work tree, reading only. `top` is the root of the work tree."""

    def __init__(self, top: Path, *, environ: Mapping[str, str] = os.environ) -> None:
        self.top = top
        self._environ = _environment(environ)
        self._overrides: tuple[str, ...] = ()
        self.config = self._read_config()

    def run(self, *words: str, check: bool = True, stdin: bytes = b"") -> bytes:
        """What git prints. Raises CaptureError with git's own first line when it fails or hangs."""
        command = ["git", "--no-pager", "-C", str(self.top)]
        for switch in (*_SWITCHES, *self._overrides):
            command += ["-c", switch]
        try:
            done = subprocess.run(
                [*command, *words], input=stdin, capture_output=True, env=self._environ, timeout=TIMEOUT_S, check=False
            )
        except FileNotFoundError:
            raise CaptureError(
                "git is not installed, so the code state of a git work tree cannot be recorded",
                remedy="install git, or start from a copy without its .git folder",
            ) from None
        except subprocess.TimeoutExpired as error:
            raise CaptureError(
                f"`git {words[0]}` in {self.top} did not answer within {TIMEOUT_S:.0f} s",
                remedy="ignore large untracked folders in .gitignore",
            ) from error
        if check and done.returncode != 0:
            raise CaptureError(
                f"`git {words[0]}` failed in {self.top}: {_first_line(done.stderr)}",
                remedy=_remedy(self.top, done.stderr),
            )
        return done.stdout

    def _read_config(self) -> dict[str, str]:
        """The remotes' addresses; on the way, the repository's own filters are found and emptied."""
        raw = self.run("config", "-z", "--show-scope", "--get-regexp", r"^(remote\..*\.url|filter\..*)$", check=False)
        fields = raw.split(b"\0")
        remotes: dict[str, str] = {}
        overrides: list[str] = []
        for scope, item in zip(fields[::2], fields[1::2], strict=False):
            name, _, value = os.fsdecode(item).partition("\n")
            if name.startswith("remote."):
                remotes.setdefault(name.removeprefix("remote.").removesuffix(".url"), value)
            elif scope in (b"local", b"worktree") and not _LFS.fullmatch(value):
                driver = name.rpartition(".")[0]
                overrides += [f"{driver}.clean=", f"{driver}.smudge=", f"{driver}.process=", f"{driver}.required=false"]
        self._overrides = tuple(dict.fromkeys(overrides))
        return remotes


def work_tree(start: Path) -> Path | None:
    """The root of the git work tree around `start`, or None. A `.git` file (a linked work tree, a submodule) counts."""
    for folder in (start, *start.parents):
        if (folder / ".git").exists():
            return folder
    return None


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment without GIT_DIR and its kin, which would point git at another repository."""
    kept = {
        k: v
        for k, v in environ.items()
        if not k.startswith("GIT_") or k in ("GIT_CEILING_DIRECTORIES", "GIT_EXEC_PATH")
    }
    return kept | {
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_LITERAL_PATHSPECS": "1",
        "LC_ALL": "C",
    }


def _first_line(stderr: bytes) -> str:
    lines = [line for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[0] if lines else "no message"


def _remedy(top: Path, stderr: bytes) -> str:
    if b"dubious ownership" in stderr:
        return f"if the repository is yours: git config --global --add safe.directory {top}"
    return f"see `git -C {top} status`"
