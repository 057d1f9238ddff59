"""What was not seen, said: children without the hook, another language, the network, standard input, a late start.

A run is `full` only where nothing of this was noticed. Each reason is a sentence of its own; the same one stands once.
"""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Protocol

from runaudit.observe.trace import Child, Process
from runaudit.system.files import is_of_a_device

# Trackers send, hubs fetch into files that are seen when they are opened: neither is an input by itself.
TRACKERS = {
    "wandb",
    "mlflow",
    "comet_ml",
    "neptune",
    "clearml",
    "sentry_sdk",
    "tensorboard",
    "aim",
    "swanlab",
    "trackio",
    "dvclive",
}
_HUBS = {"huggingface_hub", "kagglehub", "gdown", "modelscope"}
_FETCHING = ("download", "artifact", "restore", "fetch")
_SHELL = frozenset("|;&$`<>*?()[]{}~#\n\\!")


class Noted(Protocol):
    """A line of a log."""

    @property
    def pid(self) -> int:
        """Whose it is."""

    @property
    def kind(self) -> str:
        """What it tells, a letter."""

    @property
    def fields(self) -> tuple[str, ...]:
        """The facts."""


def is_python(word: str) -> bool:
    """Whether a command's first word is an interpreter of Python."""
    return PurePosixPath(word).name.startswith(("python", "pypy"))


def simple(argv: Sequence[str]) -> tuple[str, ...]:
    """The command behind `sh -c "one plain command"`; otherwise the words as they are."""
    shell = len(argv) == 3 and argv[1] == "-c" and PurePosixPath(argv[0]).name in ("sh", "bash", "dash", "zsh")
    if not shell or _SHELL & set(argv[2]):
        return tuple(argv)
    try:
        words = shlex.split(argv[2])
    except ValueError:
        return tuple(argv)
    return tuple(words) if words and "=" not in words[0] else tuple(argv)


def same_command(argv: Sequence[str], seen: Sequence[str]) -> bool:
    """Whether a process that ran as `seen` is what was started as `argv`: by the interpreter, or by a #! line."""
    words = simple(argv)
    if not words or not seen:
        return False
    if is_python(words[0]):
        return tuple(seen[1:]) == words[1:]
    return len(seen) > 1 and _base(seen[1]) == _base(words[0]) and tuple(seen[2:]) == words[1:]


def same_words(argv: Sequence[str], seen: Sequence[str]) -> bool:
    """Whether a program of machine code that ran as `seen` is what was started as `argv`."""
    words = simple(argv)
    return bool(words) and bool(seen) and _base(words[0]) == _base(seen[0]) and tuple(seen[1:]) == words[1:]


def handed_on(argv: Sequence[str], seen: Sequence[str]) -> bool:
    """Whether `argv` is a launcher of `seen` that handed all its words on: `nice python x.py`, `uv run x.py 1`."""
    words, tail = simple(argv), tuple(seen[1:])
    if len(words) > len(seen) and words[-len(seen) + 1 :] == tail and _base(words[-len(seen)]) == _base(seen[0]):
        return True
    return bool(tail) and len(words) > len(tail) + 1 and words[-len(tail) :] == tail


def _base(word: str) -> str:
    return PurePosixPath(word).name


def matched(children: Sequence[Child], processes: Sequence[Process]) -> tuple[Child, ...]:
    """The children, each with whether the hook ran in it: every seen process answers for one of them."""
    free = [process for process in processes if not process.forked]
    seen: set[int] = set()
    for fits in (same_command, handed_on):
        for number, child in enumerate(children):
            hit = next((process for process in free if number not in seen and fits(child.argv, process.argv)), None)
            if hit is not None:
                free.remove(hit)
                seen.add(number)
    return tuple(replace(child, seen=number in seen) for number, child in enumerate(children))


def hosts(lines: Sequence[Noted]) -> tuple[str, ...]:
    """The hosts that were asked, in order."""
    return tuple(dict.fromkeys(line.fields[0] for line in lines if line.kind == "N"))


def is_trackers(by: str) -> bool:
    """Whether a file is the code of a tracker's package, which keeps files of its own while a run lasts."""
    top = by.replace("/dist-packages/", "/site-packages/").rpartition("/site-packages/")[2].partition("/")[0]
    return is_library(by) and top in TRACKERS - {"tensorboard"}


def short(argv: Sequence[str]) -> str:
    """A command line for a sentence."""
    text = shlex.join(argv)
    return text if len(text) <= 80 else text[:77] + "…"


def is_library(by: str) -> bool:
    """Whether a file is an installed package's."""
    return "/site-packages/" in by or "/dist-packages/" in by


def _name(path: str) -> str:
    return PurePosixPath(path).name or "the program"


def _of_children(children: Sequence[Child], stdlib: Sequence[str]) -> Iterator[str]:
    for child in children:
        if child.seen or not child.argv or is_library(child.by) or child.by.startswith(tuple(stdlib)):
            continue
        words = simple(child.argv)
        if is_python(words[0]):
            yield f"`{short(child.argv)}` was started by {_name(child.by)} and {why_unseen(words)}"
        else:
            yield f"`{short(child.argv)}` was started by {_name(child.by)}: what it read was not seen"


def why_unseen(argv: Sequence[str], environ: str | None = None) -> str:
    """Why a Python process did not run the hook, as far as its words and its PYTHONPATH tell."""
    for word in argv[1:]:
        if not word.startswith("-") or word in ("-c", "-m"):
            break
        if not word.startswith("--") and set("ISE") & set(word[1:]) and word[:2] not in ("-X", "-W"):
            return f"ignores the observer ({word}): what it read was not seen"
    if environ is not None:
        return f"its PYTHONPATH was replaced ({environ or 'unset'}): what it read was not seen"
    return "was not seen: what it read is unknown"


def hub_asked(lines: Sequence[Noted]) -> bool:
    """Whether a hub of models or data sets was asked: what it sent lies in files that this run wrote and read."""
    return any(names & _HUBS for line in lines if line.kind == "N" for names in (_stack_names(line),))


def _stack_names(line: Noted) -> set[str]:
    """The packages and modules that were on the stack of a network call."""
    parts = (part.partition(":")[0] for part in line.fields[2].split(",") if part)
    return {name.removesuffix(".py") for name in parts}


def _of_network(lines: Sequence[Noted]) -> Iterator[str]:
    for line in lines:
        if line.kind != "N":
            continue
        host, by, packages = line.fields
        stack = [part.partition(":") for part in packages.split(",") if part]
        names = _stack_names(line)
        fetching = any(word in function for _, _, function in stack for word in _FETCHING)
        # What a tracker's telemetry is told to send (by config.mlflow-telemetry.io) reaches nothing of the run.
        sends = names & TRACKERS and (not fetching or "telemetry" in host)
        if names & _HUBS or sends:
            continue
        way = "was asked through a socket" if host.startswith(("/", "@")) else "was asked over the network"
        yield f"{host} {way} by {_name(by) if by else 'a library'}: what it answered was not kept"


def _of_stdin(lines: Sequence[Noted], starts: Sequence[Noted]) -> Iterator[str]:
    first = starts[0].fields[8] if starts else ""
    for line in lines:
        if line.kind == "I" and not line.fields[0].startswith("/") and line.fields[0] == first:
            yield f"standard input was read by {_name(line.fields[1])}: what came in was not kept"
        elif line.kind == "I" and is_of_a_device(line.fields[0]):
            yield f"standard input ({line.fields[0]}) was read by {_name(line.fields[1])}: what came in was not kept"


def _of_command(processes: Sequence[Process], root_pid: int | None, command: Sequence[str] | None) -> Iterator[str]:
    if not processes and command:
        why = why_unseen(command) if is_python(command[0]) else "started no Python process that was seen"
        yield f"`{short(command)}` {why}"
    if root_pid is None or not processes or any(process.pid == root_pid for process in processes):
        return
    if command and any(same_command(command, p.argv) or handed_on(command, p.argv) for p in processes):
        return
    what = f"`{short(command)}`" if command else "the command itself"
    yield f"{what} is no Python process that was seen: what it read is unknown"


def reasons(
    lines: Sequence[Noted],
    processes: Sequence[Process],
    children: Sequence[Child],
    *,
    short: Mapping[int, str],
    root_pid: int | None,
    command: Sequence[str] | None,
) -> tuple[str, ...]:
    """Why not everything was seen, each once."""
    starts = [line for line in lines if line.kind == "S"]
    stdlib = {f"{p.base_prefix}/lib/python{'.'.join(p.version.split('.')[:2])}/" for p in processes if p.base_prefix}
    found = [line.fields[0] for line in lines if line.kind == "U"]
    found += [f"process {pid} {why}" for pid, why in sorted(short.items())]
    found += [f"process {p.pid} was observed only after it had begun" for p in processes if p.late]
    found += _of_command(processes, root_pid, command)
    found += _of_children(children, sorted(stdlib))
    found += _of_network(lines)
    found += _of_stdin(lines, starts)
    return tuple(dict.fromkeys(found))
