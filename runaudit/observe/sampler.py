"""A look from outside, now and then: descendants in which the hook does not run, files held that nobody told of.

Reads /proc only. What it finds is written into the folder of the logs as one more log, so that `read_trace` needs
nothing else. Short lives fall between two looks: those that Python started stand in the hook's own log.
"""

import contextlib
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from runaudit.observe.gaps import is_library, is_python, same_command, same_words, short, why_unseen
from runaudit.observe.log import lines_of
from runaudit.system.files import is_of_a_device

_PERIOD_S = 0.05
_HELD_EVERY = 20  # looks: what a process holds is looked at once a second
_FORKED_S = 1.0  # a copy of its parent that lives longer is no process on its way to exec, even on a busy machine
_START_UP = (".pth", "._pth", "/pyvenv.cfg")  # read before the hook can run: sealed by what lies in the site's folders
_SYSTEM = ("/proc/", "/sys/", "/usr/", "/lib", "/etc/", "/run/", "/var/cache/", "/memfd:", "/SYSV")


_TOLD = Path(f"/proc/self/task/{os.getpid()}/children").exists()


@dataclass(slots=True)
class _Seen:
    pid: int
    parent: int
    exe: str
    argv: tuple[str, ...]
    environ: str | None
    parent_argv: tuple[str, ...]
    since: float
    until: float
    looks: int = 1

    @property
    def between_fork_and_exec(self) -> bool:
        """Whether it never was anything but a young copy of its parent: what it was to become was not met."""
        return self.argv == self.parent_argv and self.until - self.since < _FORKED_S


def _link(path: str) -> str:
    try:
        return str(Path(path).readlink())
    except OSError:
        return ""


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def _argv(pid: int) -> tuple[str, ...]:
    return tuple(os.fsdecode(word) for word in _read(f"/proc/{pid}/cmdline").split(b"\0")[:-1])


def _children(pid: int) -> list[int]:
    found: list[int] = []
    if not _TOLD:
        return _by_parent(pid)
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, _read(f"{task}/children").split())
    return found


def _by_parent(pid: int) -> list[int]:
    """Where the kernel does not list children: all processes are asked who their parent is."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        words = _read(str(path)).rpartition(b")")[2].split()
        if len(words) > 1 and int(words[1]) == pid:
            found.append(int(path.parent.name))
    return found


def _started(pid: int) -> str:
    """When a process began, which tells two processes of one number apart; "" once it is gone."""
    words = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return words[19].decode() if len(words) > 19 else ""


class Sampler:
    """Looks at `pid` and its descendants. `folder`: the one the hook was laid into."""

    def __init__(self, pid: int, folder: Path) -> None:
        self._pid, self._folder = pid, folder.absolute()
        self._seen: dict[tuple[int, str], _Seen] = {}
        self._held: dict[tuple[int, str, bool], list[int]] = {}
        self._looks = 0
        self._done = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Look 20 times a second, in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="runaudit-sampler", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._done.wait(_PERIOD_S):
            self.sample()

    def sample(self) -> None:
        """One look; for callers that have a beat of their own."""
        held = self._looks % _HELD_EVERY == 1
        self._looks += 1
        todo = [(self._pid, 0)] + [(key[0], seen.parent) for key, seen in self._seen.items()]
        visited = set()
        while todo:
            pid, parent = todo.pop()
            if pid in visited:
                continue
            visited.add(pid)
            self._look(pid, parent)
            if held:
                self._holds(pid)
            todo += [(child, pid) for child in _children(pid)]

    def _look(self, pid: int, parent: int) -> None:
        key = (pid, _started(pid))
        exe = _link(f"/proc/{pid}/exe")
        if not key[1] or not exe:
            return
        old, argv, environ, now = self._seen.get(key), _argv(pid), None, time.monotonic()
        same = old is not None and old.exe == exe and old.argv == argv  # exec may keep the interpreter: python, python
        if old is not None and same and old.looks > 1:
            old.looks, old.until = old.looks + 1, now
            return
        if is_python(exe):
            names = dict(part.partition(b"=")[::2] for part in _read(f"/proc/{pid}/environ").split(b"\0"))
            path = os.fsdecode(names.get(b"PYTHONPATH", b""))
            environ = None if str(self._folder) in path.split(os.pathsep) else path
        looks, since = (old.looks + 1, old.since) if old is not None and same else (1, now)
        parent_argv = _argv(parent) if parent and parent != os.getpid() else ()
        above = old.parent if old else parent
        self._seen[key] = _Seen(pid, above, exe, argv, environ, parent_argv, since, now, looks)

    def _holds(self, pid: int) -> None:
        """Regular files that a Python process has open or mapped at this moment."""
        if not is_python(_link(f"/proc/{pid}/exe")):
            return
        now = time.monotonic_ns()
        code: set[str] = set()
        mapped: set[str] = set()
        for line in _read(f"/proc/{pid}/maps").split(b"\n"):
            words = line.split(None, 5)
            if len(words) == 6 and words[5].startswith(b"/"):
                (code if b"x" in words[1] else mapped).add(os.fsdecode(words[5]))
        for path in mapped - code:
            self._hold(pid, path, False, now)
        with contextlib.suppress(OSError):
            for number in (one.name for one in Path(f"/proc/{pid}/fd").iterdir()):
                path = _link(f"/proc/{pid}/fd/{number}")
                if path.startswith("/") and int(number) > 2:
                    flags = _read(f"/proc/{pid}/fdinfo/{number}").partition(b"flags:")[2].split()[:1]
                    self._hold(pid, path, bool(flags) and int(flags[0], 8) & 3 == 1, now)

    def _hold(self, pid: int, path: str, writes: bool, now: int) -> None:
        if path.startswith(_SYSTEM) or is_of_a_device(path):
            return
        if (
            path.startswith(str(self._folder))
            or path.endswith((" (deleted)", ".so", ".pyc", *_START_UP))
            or ".so." in path
        ):
            return
        if len(self._held) < 10000 and Path(path).is_file():
            looks = self._held.setdefault((pid, path, writes), [])
            if looks[-1:] != [now]:
                looks.append(now)

    def _held_for_good(self, began: dict[int, int]) -> dict[tuple[str, bool], int]:
        """What stood open in two looks, with the moment of the first: what a look meets by chance would make equal runs
        differ. What a process had opened before its hook began is the start-up's."""
        found: dict[tuple[str, bool], int] = {}
        for (pid, path, writes), looks in self._held.items():
            if len(looks) > 1 and looks[0] > began.get(pid, 0):
                found[path, writes] = min(looks[0], found.get((path, writes), looks[0]))
        return found

    def stop(self) -> None:
        """Look no more and write down what was found."""
        self._done.set()
        if self._thread is not None:
            self._thread.join()
        log = self._folder / "log"
        try:
            lines, _ = lines_of(log)
        except OSError:
            return
        starts: dict[int, set[str]] = {}
        began: dict[int, int] = {}
        for line in lines:
            if line.kind == "S":
                starts.setdefault(line.pid, set()).add(line.fields[3])
                began.setdefault(line.pid, line.moment)
        started = [(line.fields[0], line.fields[2:]) for line in lines if line.kind == "C"]
        known = {line.fields[0] for line in lines if line.kind in ("R", "W", "X")}
        found = [f"U\t{time.monotonic_ns()}\t{text}" for text in self._unseen(starts, started)]
        for (path, writes), moment in self._held_for_good(began).items():
            base, dash, _ = path.rpartition("-")  # sqlite's journals lie beside their file
            if path not in known and not (dash and base in known) and not any(c in path for c in "\\\t\n"):
                found.append(f"W\t{moment}\t{path}\tkeep\t" if writes else f"R\t{moment}\t{path}\t\theld open\t")
        if found:
            text = "runaudit-log/1\t \n" + "\n".join(found) + "\n"
            with contextlib.suppress(OSError):
                (log / f"0-{time.monotonic_ns():x}-0.log").write_bytes(text.encode("utf-8", "surrogateescape"))

    def _unseen(self, starts: dict[int, set[str]], started: list[tuple[str, tuple[str, ...]]]) -> list[str]:
        """A sentence for each descendant in which the hook did not run and of which it did not tell."""
        found = []
        tolerated: set[int] = set()
        for seen in self._seen.values():
            if seen.parent in tolerated:
                tolerated.add(seen.pid)
                continue
            if seen.exe in starts.get(seen.pid, ()) or not seen.argv:
                continue
            if seen.between_fork_and_exec:
                continue
            what = f"`{short(seen.argv)}`".replace("\t", " ").replace("\n", " ").replace("\\", "/")
            by = [who for who, argv in started if same_command(argv, seen.argv) or same_words(argv, seen.argv)]
            if by and all(is_library(one) for one in by):
                tolerated.add(seen.pid)
                continue  # an installed package's own affair
            if is_python(seen.exe):
                if seen.looks > 1 or not by:
                    found.append(f"{what} {why_unseen(seen.argv, seen.environ)}")
            elif seen.pid != self._pid and seen.parent in starts and not by:
                found.append(f"{what} was started by native code: what it read was not seen")
        return found
