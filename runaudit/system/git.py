"""Asking git without letting a repository answer with a program of its own.

A repository can name commands that git runs merely by looking: hooks, fsmonitor, an external diff, textconv, a clean
filter, a partial clone's remote. Whoever was handed the repository did not agree to them. They are switched off for
every call; a clean filter that the *repository* configures is emptied, one that the user's own configuration holds
(git-lfs) stays, because without it every large file would look changed. No call waits for a person, for the network,
or without end, and none fills the memory.
"""

import contextlib
import os
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from runaudit.errors import CaptureError

TIMEOUT_S = 120.0
MAX_OUT = 512 << 20
"""More than git ever has to say of one work tree; a patch has a cap of its own below it."""
_MAX_ERR = 1 << 16
_SWITCHES = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.sshCommand=false",
    "core.askPass=true",
    "core.editor=true",
    "core.gitProxy=none",
    "core.alternateRefsCommand=true",
    "credential.helper=",
    "diff.external=",
    "diff.autoRefreshIndex=false",  # it writes the index, whatever GIT_OPTIONAL_LOCKS says
    "core.quotePath=false",
    "submodule.recurse=false",
    "status.showUntrackedFiles=all",
    "color.ui=false",
    "gc.auto=0",
    "maintenance.auto=false",
)
_KEPT = re.compile(r"GIT_(?:CEILING_DIRECTORIES|EXEC_PATH|(?:AUTHOR|COMMITTER)_(?:NAME|EMAIL|DATE))")
_LFS = re.compile(r"git-lfs (?:clean|smudge)(?: --skip)? -- %f|git-lfs filter-process(?: --skip)?|true|false")
UPLOAD_PACK = (
    "GIT_ALLOW_PROTOCOL=none git -c uploadpack.allowAnySHA1InWant=true -c safe.directory='*' "
    "-c core.hooksPath=/dev/null -c core.fsmonitor=false -c core.alternateRefsCommand=true upload-pack"
)
"""The other side of a fetch from a folder. Git starts it anew, so that nothing of the switches above reaches it."""


class GitError(CaptureError):
    """Git is missing, hangs, says more than can be kept, or refuses."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How git ended and what it said."""

    code: int
    out: bytes
    err: bytes

    @property
    def reason(self) -> str:
        """The line in which git says why it failed; warnings come before it."""
        lines = [line.strip() for line in self.err.decode("utf-8", "replace").splitlines() if line.strip()]
        return next(
            (line for line in lines if line.startswith(("fatal:", "error:"))), lines[0] if lines else "no message"
        )


def ask(
    folder: Path,
    *words: str,
    environ: Mapping[str, str] = os.environ,
    switches: tuple[str, ...] = (),
    protocols: str = "none",
    alone: bool = False,
    stdin: bytes = b"",
    limit_s: float = TIMEOUT_S,
    most: int = MAX_OUT,
) -> Answer:
    """Call git in `folder`, whatever its exit code. Every way runaudit has to git leads through here.

    `protocols` are what it may fetch by. `alone` leaves out the configuration of the user and of the machine, too.
    Raises GitError where git is not installed, takes longer than `limit_s`, or prints more than `most` bytes.
    """
    command = ["git", "--no-pager", "-C", str(folder)]
    for switch in (*_SWITCHES, *switches):
        command += ["-c", switch]
    try:
        return _call([*command, *words], _environment(environ, protocols, alone), stdin, limit_s, most)
    except FileNotFoundError:
        raise GitError(
            "git is not installed, so the code state of a git work tree cannot be recorded",
            remedy="install git, or start from a copy without its .git folder",
        ) from None
    except TimeoutError as error:
        raise GitError(
            f"`git {words[0]}` in {folder} did not answer within {limit_s:.0f} s",
            remedy="ignore large untracked folders in .gitignore",
        ) from error
    except OverflowError as error:
        raise GitError(
            f"`git {words[0]}` in {folder} answers with more than {most >> 20} MiB", remedy=f"look at {folder}"
        ) from error


class Git:
    """Git in one work tree, reading only. `top` is the root of the work tree."""

    def __init__(self, top: Path, *, environ: Mapping[str, str] = os.environ) -> None:
        self.top = top
        self._environ = environ
        self._overrides: tuple[str, ...] = ()
        self.config = self._read_config()

    def run(self, *words: str, check: bool = True, stdin: bytes = b"", most: int = MAX_OUT) -> bytes:
        """What git prints. Raises GitError with git's own words when it fails or hangs."""
        done = ask(self.top, *words, environ=self._environ, switches=self._overrides, stdin=stdin, most=most)
        if check and done.code != 0:
            raise GitError(f"`git {words[0]}` failed in {self.top}: {done.reason}", remedy=_remedy(self.top, done.err))
        return done.out

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


def _environment(environ: Mapping[str, str], protocols: str, alone: bool) -> dict[str, str]:
    """The caller's environment without GIT_DIR and its kin, which would point git at another repository."""
    kept = {k: v for k, v in environ.items() if not k.startswith("GIT_") or _KEPT.fullmatch(k)}
    nobody = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"} if alone else {}
    return kept | nobody | {
        # It outranks `protocol.<name>.allow`, which a repository could set for itself, and older git knows no
        # GIT_NO_LAZY_FETCH: a partial clone's remote names the program that answers for it.
        "GIT_ALLOW_PROTOCOL": protocols,
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_LITERAL_PATHSPECS": "1",
        "LC_ALL": "C",
    }  # fmt: skip


def _call(command: list[str], environ: dict[str, str], stdin: bytes, limit_s: float, most: int) -> Answer:
    with contextlib.ExitStack() as stack:
        # A session of its own has no terminal to ask for a password on, and is ended as a whole.
        process = subprocess.Popen(
            command, stdin=_as_file(stdin, stack), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ,
            start_new_session=True,
        )  # fmt: skip
        stack.callback(_end, process)
        out, err = _heard(process, time.monotonic() + limit_s, most)
        return Answer(process.wait(), out, err)


def _as_file(data: bytes, stack: contextlib.ExitStack) -> IO[bytes] | int:
    """What git reads: a file takes a patch of any size at once, where a pipe would have to be fed beside listening."""
    if not data:
        return subprocess.DEVNULL
    import tempfile

    file = tempfile.TemporaryFile()  # noqa: SIM115  (the stack is its context)
    stack.enter_context(file)
    file.write(data)
    file.seek(0)
    return file


def _heard(process: "subprocess.Popen[bytes]", deadline: float, most: int) -> tuple[bytes, bytes]:
    """Both streams to their ends. Raises TimeoutError, or OverflowError where the output outgrows `most`."""
    assert process.stdout is not None and process.stderr is not None
    out, err = bytearray(), bytearray()
    with selectors.DefaultSelector() as open_ends:
        open_ends.register(process.stdout, selectors.EVENT_READ, out)
        open_ends.register(process.stderr, selectors.EVENT_READ, err)
        while open_ends.get_map():
            ready = open_ends.select(max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError
            for end, _ in ready:
                if not (piece := os.read(end.fd, 1 << 16)):
                    open_ends.unregister(end.fileobj)
                elif end.data is out or len(err) < _MAX_ERR:
                    end.data.extend(piece)
            if len(out) > most:
                raise OverflowError
    return bytes(out), bytes(err)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Leave no process and no pipe behind."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    process.wait()


def _remedy(top: Path, stderr: bytes) -> str:
    if b"dubious ownership" in stderr:
        return f"if the repository is yours: git config --global --add safe.directory {top}"
    return f"see `git -C {top} status`"
