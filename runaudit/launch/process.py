"""A command run in the wrapper's place: same terminal, same signals, same exit code.

Signals are waited for instead of handled, because what matters is where they come from: Ctrl-C at a terminal reaches
the whole foreground group, the command included, and must not be delivered twice (a second interrupt cuts short the
clean-up that the first one started), while `kill PID` reaches the wrapper alone and has to be passed on.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from runaudit.errors import UsageError
from runaudit.records.outcome import shell_code

FORWARDED = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2})
WATCHED = FORWARDED | {signal.SIGCHLD}
_FROM_KERNEL = 0x80
"""`si_code` of a signal that the terminal sent (SI_KERNEL); one that a process sent has a code of zero or below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How the command ended: its own exit code, or the signal that killed it; what was passed on; how long it took."""

    returncode: int
    forwarded: tuple[int, ...]
    duration_s: float

    @property
    def killed_by(self) -> int | None:
        """The number of the signal that ended it. A shell reports its child's death as 128 + N, so that counts too
        where we saw this signal arrive."""
        if self.returncode < 0:
            return -self.returncode
        seen = self.returncode - 128
        return seen if seen in self.forwarded else None

    @property
    def exit_code(self) -> int:
        """What a shell would say: the exit code, or 128 + N after signal N."""
        return shell_code(self.returncode)

    @property
    def status(self) -> str:
        """completed, crashed or killed."""
        if self.killed_by is not None:
            return "killed"
        return "completed" if self.returncode == 0 else "crashed"

    @property
    def error(self) -> str | None:
        """The end in one line, None where it was a good one."""
        if self.killed_by is not None:
            return f"killed by {signal_name(self.killed_by)}"
        return None if self.returncode == 0 else f"exit code {self.returncode}"


def signal_name(number: int) -> str:
    """`SIGTERM` for 15."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def executable(command: Sequence[str], *, cwd: Path, environ: Mapping[str, str]) -> str:
    """The program that `command` starts. Raises UsageError where there is none: a typing slip is no launch."""
    if not command:
        raise UsageError(
            "there is no command to run", remedy="write it after --, as in: runaudit run … -- python train.py"
        )
    name = command[0]
    found = str(cwd / name) if os.sep in name else shutil.which(name, path=environ.get("PATH"))
    if found is None or not Path(found).is_file():
        raise UsageError(f"the command {name!r} is not there", remedy="check its name and PATH")
    if not os.access(found, os.X_OK):
        raise UsageError(
            f"the command {name!r} may not be executed", remedy=f"chmod +x {found}, or start it with python"
        )
    return found


@contextlib.contextmanager
def signals_held() -> Iterator[set[signal.Signals]]:
    """Hold back every signal that is passed on, until the end of the block; yields the mask as it was.

    What comes while an outcome is being sealed has nobody left to reach, and must not cost the outcome.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    try:
        yield {signal.Signals(number) for number in before}
    finally:
        while signal.sigtimedwait(WATCHED, 0) is not None:
            pass
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def supervise(
    command: Sequence[str],
    *,
    cwd: Path,
    environ: Mapping[str, str],
    mask: set[signal.Signals],
    beat: Callable[[], None],
    every_s: float,
    stdout: int | None = None,
    stderr: int | None = None,
    started: Callable[[int], None] = lambda pid: None,
) -> Ended:
    """Run `command` to its end, within `signals_held()`, whose `mask` the command gets: it inherits the wrapper's, and
    could not be interrupted otherwise. `beat` is called at once and every `every_s` seconds. `stdout` is a file
    descriptor that takes what the command prints, None leaves it where it is, as `stderr`. `started` gets the pid."""
    began = time.monotonic()
    forwarded: list[int] = []
    beat()
    try:
        child = subprocess.Popen(
            list(command),
            cwd=cwd,
            env=dict(environ),
            stdout=stdout,
            stderr=stderr,
            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, mask) and None,
        )
    except OSError as error:
        raise UsageError(
            f"{command[0]!r} cannot be started: {error.strerror}", remedy="check its first line"
        ) from error
    started(child.pid)
    while child.poll() is None:
        _pass_on(child, signal.sigtimedwait(WATCHED, every_s), forwarded, beat)
    return Ended(returncode=child.returncode, forwarded=tuple(forwarded), duration_s=time.monotonic() - began)


def _pass_on(
    child: "subprocess.Popen[bytes]",
    info: signal.struct_siginfo | None,
    forwarded: list[int],
    beat: Callable[[], None],
) -> None:
    if info is None:
        beat()
    elif info.si_signo != signal.SIGCHLD:
        forwarded.append(info.si_signo)
        if info.si_code != _FROM_KERNEL:
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(info.si_signo)
