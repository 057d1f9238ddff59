"""The interpreter that a command runs on: never the recorder's own, unless it is the same one.

An interpreter is asked once, by starting it (15 ms), and remembered in the store's cache for as long as its file, its
`pyvenv.cfg`, its package folders and the `PYTHON*` variables stay what they were. What installs a package touches the
package folder, so a new `.pth` file is seen.
"""

import ast
import contextlib
import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from runaudit.capture.memory import keep, recall
from runaudit.capture.program import Program, first_line

PROBE_TIMEOUT_S = 20.0
NO_INTERPRETER = "the command is no Python interpreter; what it starts is known only where it is observed"
_PROBE = (
    "import sys, os, platform, sysconfig; sys.stdout.write(repr({'version': platform.python_version(), "
    "'implementation': sys.implementation.name, 'platform': platform.system() + ' ' + platform.machine(), "
    "'prefix': sys.prefix, 'base_prefix': getattr(sys, 'base_prefix', sys.prefix), "
    "'folders': [p for p in sys.path if p], 'own': sorted(set(sysconfig.get_paths().values()))}))"
)
"""No `import json`: it is a third of what an empty interpreter costs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """What an interpreter says of itself. `folders` is its search path, `own` the folders of its installation."""

    version: str
    implementation: str
    platform: str
    prefix: str
    base_prefix: str
    folders: tuple[str, ...]
    own: tuple[str, ...]
    here: bool = False
    """Whether it is the process that asks: then the libraries it has loaded can be asked too."""


def this_interpreter() -> Interpreter:
    """The interpreter of this process, whose search path may have grown since it started."""
    import platform
    import sysconfig

    return Interpreter(
        version=platform.python_version(),
        implementation=sys.implementation.name,
        platform=f"{platform.system()} {platform.machine()}",
        prefix=sys.prefix,
        base_prefix=sys.base_prefix,
        folders=tuple(dict.fromkeys(filter(None, sys.path))),
        own=tuple(sorted(set(sysconfig.get_paths().values()))),
        here=True,
    )


def interpreter_of(
    program: Program, *, cwd: Path, environ: Mapping[str, str], cache: Path | None
) -> tuple[Interpreter | None, str]:
    """The interpreter of a command, or None with the reason why it is not known."""
    if program.python is None:
        return None, NO_INTERPRETER
    settings = {name: value for name, value in sorted(environ.items()) if name.startswith("PYTHON")}
    flags = tuple(flag for flag in program.flags if flag.startswith("-") and set(flag[1:]) & set("IEsS"))
    if not flags and _is_this(program.python) and settings == _own_settings():
        found = this_interpreter()
        # The first entry is the folder of `runaudit` itself, or the one that `python -m runaudit` was called in.
        first = sys.path[0] if sys.path and not sys.flags.safe_path else None
        return _as_child(found, first), ""
    key = _key(program.python, flags, settings, cwd)
    # A shim (pyenv) chooses the interpreter by where it is called: its answer holds for this once.
    place = cache / f"interpreter-{key}" if cache is not None and not first_line(program.python) else None
    if place is not None and (known := _remembered(place)) is not None:
        return known, ""
    try:
        done = subprocess.run(
            [str(program.python), *flags, "-c", _PROBE], cwd=cwd, env=dict(environ), stdin=subprocess.DEVNULL,
            capture_output=True, timeout=PROBE_TIMEOUT_S, check=True,
        )  # fmt: skip
        answer = ast.literal_eval(done.stdout.decode("utf-8", "surrogateescape").rpartition("\n")[2])
        known = _of(answer)
    except (OSError, subprocess.SubprocessError, ValueError, SyntaxError, KeyError, TypeError) as error:
        return None, f"the interpreter {program.python} could not be asked: {type(error).__name__}"
    if place is not None:
        keep(place, repr(_plain(known)).encode("utf-8", "surrogateescape"))
    return known, ""


def _is_this(python: Path) -> bool:
    """Whether `python` is the interpreter of this process: the same file in the same folder, under whatever name."""
    mine = Path(sys.executable)
    with contextlib.suppress(OSError):
        return python.parent.samefile(mine.parent) and python.resolve() == mine.resolve()
    return False


def _own_settings() -> dict[str, str]:
    return {name: value for name, value in sorted(os.environ.items()) if name.startswith("PYTHON")}


def _as_child(found: Interpreter, first: str | None) -> Interpreter:
    folders = found.folders
    if first and folders and folders[0] == first and first not in found.own:
        folders = folders[1:]
    return Interpreter(**{**_plain(found), "folders": folders, "here": False})


def _plain(found: Interpreter) -> dict[str, Any]:
    return asdict(found)


def _of(answer: Mapping[str, Any]) -> Interpreter:
    return Interpreter(
        version=str(answer["version"]), implementation=str(answer["implementation"]), platform=str(answer["platform"]),
        prefix=str(answer["prefix"]), base_prefix=str(answer["base_prefix"]),
        folders=tuple(map(str, answer["folders"])), own=tuple(map(str, answer["own"])),
    )  # fmt: skip


def _key(python: Path, flags: tuple[str, ...], settings: Mapping[str, str], cwd: Path) -> str:
    # PYTHONPATH may name folders from where the command starts.
    marks = [str(python), *flags, repr(settings), str(cwd) if "PYTHONPATH" in settings else ""]
    for path in (python, python.resolve(), python.parent.parent / "pyvenv.cfg", *_package_folders(python)):
        with contextlib.suppress(OSError):
            facts = path.stat()
            marks.append(f"{path} {facts.st_mtime_ns} {facts.st_ino}")
    return hashlib.sha256("\0".join(marks).encode("utf-8", "surrogateescape")).hexdigest()[:24]


def _package_folders(python: Path) -> tuple[Path, ...]:
    """Where packages are installed beside an interpreter: what changes when one is added."""
    homes = dict.fromkeys((python.parent.parent, python.resolve().parent.parent))
    return tuple(folder for home in homes for folder in sorted(home.glob("lib/python3*/site-packages")))


def _remembered(place: Path) -> Interpreter | None:
    try:
        return _of(ast.literal_eval((recall(place) or b"").decode("utf-8", "surrogateescape")))
    except (ValueError, SyntaxError, KeyError, TypeError):
        return None
