"""Asking git without letting a repository answer with a program of its own.

A repository can name commands that git runs merely by looking: hooks, fsmonitor, an external diff, textconv, a clean
filter, a partial clone's remote. Whoever was handed the repository did not agree to them, so git is asked beside it
(`system.shadow`), where nothing of its configuration is read; what could start a program is switched off besides. A
file under a filter can then only be compared by the form in which git stores it; `capture.filtered` says what that
tells. No call waits for a person, for the network, or without end, and none fills the memory.
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
from runaudit.system.files import read_ordinary
from runaudit.system.shadow import Shadow, configured

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
_LOOK_S = 20.0
"""The two questions that are asked in the repository itself read a few small files."""
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
    git_dir: Path | None = None,
    stdin: bytes = b"",
    limit_s: float = TIMEOUT_S,
    most: int = MAX_OUT,
) -> Answer:
    """Call git in `folder`, whatever its exit code. Every way runaudit has to git leads through here.

    For a folder that we made ourselves; `Git` is for a repository of others. `protocols` are what it may fetch by.
    `alone` leaves out the configuration of the user and of the machine; `git_dir` is read in place of the folder's own.
    Raises GitError where git is not installed, takes longer than `limit_s`, or prints more than `most` bytes.
    """
    command = ["git", "--no-pager", "-C", str(folder)]
    for switch in (*_SWITCHES, *switches):
        command += ["-c", switch]
    try:
        return _call([*command, *words], _environment(environ, protocols, alone, git_dir, folder), stdin, limit_s, most)
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
    """Git in somebody's repository. `top` is the root of the work tree; no configuration of theirs is in force.

    Raises GitError where there is no repository, or git will not look at it.
    """

    def __init__(self, top: Path, *, environ: Mapping[str, str] = os.environ) -> None:
        self.top = top
        self._environ = environ
        own, common = self._places()
        self.config = configured(self._look("config", "-z", "--show-scope", "--list"))
        self._shadow = Shadow(own, common, self.config.kept)

    @property
    def directory(self) -> Path:
        """The git directory that stands for the repository's own: what a fetch from it names."""
        return self._shadow.folder

    def ask(self, *words: str, stdin: bytes = b"", most: int = MAX_OUT, limit_s: float = TIMEOUT_S) -> Answer:
        """How git ended and what it said. Raises GitError where it hangs or says too much."""
        return ask(self.top, *words, environ=self._environ, alone=True, git_dir=self.directory, stdin=stdin, most=most,
                   limit_s=limit_s)  # fmt: skip

    def run(self, *words: str, check: bool = True, stdin: bytes = b"", most: int = MAX_OUT) -> bytes:
        """What git prints. Raises GitError with git's own words when it fails or hangs."""
        return self._out(self.ask(*words, stdin=stdin, most=most), words[0], check)

    def _places(self) -> tuple[Path, Path]:
        """The git directory of this work tree, and the one that all work trees of the repository share.

        The first call in the repository: here git says where a folder belongs to somebody else.
        """
        own = Path(os.fsdecode(self._look("rev-parse", "--absolute-git-dir").removesuffix(b"\n")))
        try:
            return own, own / os.fsdecode(read_ordinary(own / "commondir", most=4096).removesuffix(b"\n"))
        except OSError:
            return own, own

    def _look(self, *words: str) -> bytes:
        """Ask in the repository itself what only reads its configuration."""
        # Not a repository of a folder above, where the one that lies here is broken.
        environ = {**self._environ, "GIT_CEILING_DIRECTORIES": os.path.realpath(self.top.parent)}
        return self._out(ask(self.top, *words, environ=environ, limit_s=_LOOK_S), words[0], True)

    def _out(self, done: Answer, word: str, check: bool) -> bytes:
        if check and done.code != 0:
            raise GitError(f"`git {word}` failed in {self.top}: {done.reason}", remedy=_remedy(self.top, done.err))
        return done.out


_WHOLE_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def is_whole_id(word: str) -> bool:
    """Whether a word is the whole id of a commit. Git takes any other for a revision: another one in each place."""
    return bool(_WHOLE_ID.fullmatch(word))


def work_tree(start: Path) -> Path | None:
    """The root of the git work tree around `start`, or None. A `.git` file (a linked work tree, a submodule) counts."""
    for folder in (start, *start.parents):
        if (folder / ".git").exists():
            return folder
    return None


def _environment(
    environ: Mapping[str, str], protocols: str, alone: bool, git_dir: Path | None, folder: Path
) -> dict[str, str]:
    """The caller's environment without GIT_DIR and its kin, which would point git at another repository."""
    kept = {k: v for k, v in environ.items() if not k.startswith("GIT_") or _KEPT.fullmatch(k)}
    nobody = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"} if alone else {}
    place = {} if git_dir is None else {"GIT_DIR": str(git_dir), "GIT_WORK_TREE": str(folder)}
    return kept | nobody | place | {
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
