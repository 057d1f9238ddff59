"""One job in a process of its own: `runaudit run` with its order on standard input instead of a command line.

A process for each job, since a launch waits for the signals of its process, sets its environment and may be killed
alone. The process that ordered it hears by one line on a pipe what was sealed, or why nothing was.
"""

import contextlib
import copyreg
import json
import os
import pickle
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

from runaudit.campaign.admission import drifted
from runaudit.errors import GuardRefusedError, RunauditError
from runaudit.guard.admission import Prepared
from runaudit.launch.asked import Asked
from runaudit.launch.launching import launch
from runaudit.records.manifest import Manifest
from runaudit.settings import Settings
from runaudit.voice.saying import Manner, report_error


def _plain(table: "MappingProxyType[Any, Any]") -> tuple[Any, ...]:
    return as_frozen, (dict(table),)


def as_frozen(table: dict[Any, Any]) -> "MappingProxyType[Any, Any]":
    """A table that cannot be written to, as it comes out of a pickle: Python knows no way for these by itself."""
    return MappingProxyType(table)


copyreg.pickle(MappingProxyType, _plain)

POLL_S = 0.2
"""How often a job that runs is asked whether it has ended, and whether it shall."""
STOP, AGAIN = signal.SIGINT, signal.SIGTERM
"""What a job gets when the campaign is stopped, and when it is stopped once more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """All that a job needs to know, wherever it runs.

    planned: the draft that the guard admitted; stops: the folder in which the campaign says that it stops; log: where
    its output goes, None: nowhere; elsewhere: whether it may run on another machine.
    """

    asked: Asked
    root: Path
    settings: Settings
    cwd: Path
    environ: Mapping[str, str]
    planned: bytes
    stops: Path
    log: Path | None = None
    elsewhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became of a job: its run, if one was sealed, or why none was; code: that of its process."""

    code: int | None = None
    run: str | None = None
    refused: str = ""


def ask_to_stop(folder: Path) -> None:
    """Tell every job of a campaign to end: once, or once more."""
    word = STOP if not (folder / STOP.name).exists() else AGAIN
    with contextlib.suppress(OSError):
        (folder / word.name).touch()


def carry_out(order: Order, more: Mapping[str, str] | None = None) -> Told:
    """Run a job in a new process and wait for it. more: variables that only the place where it runs knows.

    The process has a session of its own, so that Ctrl-C reaches the campaign alone, which then asks each job to end.
    """
    if _asked_to_stop(order.stops):
        return Told()
    ours, theirs = os.pipe()
    with _output(order.log) as log:
        try:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "runaudit.campaign.job", str(theirs), str(os.getpid())],
                stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=order.cwd, env={**order.environ, **(more or {})},
                pass_fds=(theirs,), start_new_session=True,
            )  # fmt: skip
        finally:
            os.close(theirs)
        with os.fdopen(ours, "rb") as pipe:
            with contextlib.suppress(BrokenPipeError), process.stdin or contextlib.nullcontext():
                pickle.dump(order, process.stdin)  # type: ignore[arg-type]
            _wait(process, order.stops)
            said: dict[str, Any] = {}
            for line in pipe:
                said |= json.loads(line)
        if process.returncode and not said and not _asked_to_stop(order.stops):
            said = {"refused": _last_line(log) or f"its process ended with exit code {process.returncode}"}
    return Told(code=process.returncode, run=said.get("run"), refused=str(said.get("refused") or ""))


def _asked_to_stop(folder: Path) -> bool:
    return (folder / STOP.name).exists()


def _last_line(log: IO[bytes]) -> str:
    """What a process said last that ended before it was a launch."""
    log.seek(max(0, log.seek(0, os.SEEK_END) - 2_000))
    lines = log.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else ""


def _output(log: Path | None) -> IO[bytes]:
    """Where a job's words go. A file in any case: the end of what it said on its standard error is read back from
    there, and sealed where it failed."""
    return tempfile.TemporaryFile() if log is None else log.open("a+b")


def _wait(process: "subprocess.Popen[bytes]", stops: Path) -> None:
    asked: set[int] = set()
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(POLL_S)
            return
        for word in (STOP, AGAIN):
            if word not in asked and (stops / word.name).exists():
                asked.add(word)
                process.send_signal(word)


def hear_to_stop() -> None:
    """Let a job's process be asked to end. Where it was ordered from, a shell's background or a worker of Ray, the
    signals may be ignored or held back; here they are a request."""
    signal.signal(STOP, signal.default_int_handler)
    signal.signal(AGAIN, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {STOP, AGAIN})


def main() -> int:
    """The process of a job. Returns the exit code of `runaudit run`."""
    pipe = int(sys.argv[1])
    os.set_inheritable(pipe, False)
    order: Order = pickle.load(sys.stdin.buffer)
    hear_to_stop()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)

    def tell(**said: str) -> None:
        with contextlib.suppress(OSError):  # Who ordered it may be gone: the job goes on, and its run is sealed.
            os.write(pipe, json.dumps(said).encode() + b"\n")

    def check(prepared: Prepared) -> None:
        if os.getppid() != int(sys.argv[2]):
            # Whoever goes on with the campaign could not know of a run that is sealed only now, and would make another.
            raise GuardRefusedError("the campaign that ordered it is gone", remedy="go on with --resume")
        if not prepared.answer.allowed or prepared.manifest is None:
            raise prepared.answer.error()
        planned = Manifest.from_bytes(order.planned, where="what was admitted")
        if changed := drifted(planned, prepared.manifest, order.settings, elsewhere=order.elsewhere):
            raise GuardRefusedError(
                f"it is no longer what was admitted: {', '.join(changed[:5])} changed since the campaign began",
                remedy="put it back and go on with --resume, or begin anew with other labels",
            )

    try:
        return launch(order.asked, order.root, order.settings, manner=Manner(), cwd=order.cwd, check=check,
                      sealed=lambda manifest: tell(run=manifest.id))  # fmt: skip
    except RunauditError as error:
        tell(refused=str(error))
        return report_error(error, as_json=False)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
