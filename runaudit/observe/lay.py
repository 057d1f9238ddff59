"""Put the hook where it is found: in a folder on PYTHONPATH for a command, or into this very process.

The folder holds `sitecustomize.py`, which every Python process executes at its start, and the same as
`usercustomize.py` for where another sitecustomize stands before ours. Children inherit PYTHONPATH; the hook finds its
log by its own place.
"""

import contextlib
import importlib.util
import os
import py_compile
import shutil
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runaudit.system.files import read_ordinary, replacing

_HERE = Path(__file__).parent
_NAMES = {
    "hook.py": ("sitecustomize.py", "usercustomize.py"),
    "hook_files.py": ("hook_files.py",),
    "hook_input.py": ("hook_input.py",),
    "hook_network.py": ("hook_network.py",),
    "hook_acts.py": ("hook_acts.py",),
    "hook_wraps.py": ("hook_wraps.py",),
}
_installed: list[tuple[Any, str]] = []


def lay(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Lay the hook into `folder` (made where it is not there) and return what the command's environment needs.

    Logs go to `folder/log`. What this interpreter had compiled is laid beside, so that no process compiles it again.
    """
    folder = folder.absolute()
    (folder / "log").mkdir(parents=True, exist_ok=True)
    for source, targets in _NAMES.items():
        for target in targets:
            shutil.copy2(_HERE / source, folder / target)  # with its time: the compiled file names it
            with contextlib.suppress(OSError, py_compile.PyCompileError, NotImplementedError):
                _compiled(_HERE / source, folder / target)
    old = environ.get("PYTHONPATH", "")
    return {"PYTHONPATH": f"{folder}{os.pathsep}{old}" if old else str(folder)}


def _compiled(source: Path, target: Path) -> None:
    """Lay the compiled file beside its copy: what Python keeps of `source` fits, as the copy has its time and size."""
    cached, wanted = Path(importlib.util.cache_from_source(str(source))), importlib.util.cache_from_source(str(target))
    state = source.stat()
    stamp = struct.pack("<III", 0, int(state.st_mtime) & 0xFFFFFFFF, state.st_size & 0xFFFFFFFF)
    data = read_ordinary(cached) if cached.exists() else b""
    if data[4:16] == stamp and data[:4] == importlib.util.MAGIC_NUMBER:
        Path(wanted).parent.mkdir(exist_ok=True)
        with replacing(Path(wanted), durable=False) as new:
            new.write_bytes(data)
    else:
        py_compile.compile(str(target), doraise=True)


def install(folder: Path, *, late: bool = True) -> bool:
    """Observe this process and those it starts from now on. False where it is observed already, or cannot be.

    `late`: the program had begun, so what it did before was not seen (the trace is partial).
    """
    from runaudit.observe import hook as module

    hook: Any = module
    old = os.environ.get("PYTHONPATH")
    additions = lay(folder, {"PYTHONPATH": old} if old else {})
    if not hook.start(str(folder.absolute() / "log"), late, str(folder.absolute())):
        return False
    os.environ.update(additions)
    _installed.append((hook, str(folder.absolute())))
    return True


def uninstall() -> None:
    """Stop observing this process. The audit hook itself cannot be removed; it does nothing from now on."""
    while _installed:
        hook, folder = _installed.pop()
        hook.stop()
        now = os.environ.get("PYTHONPATH", "")
        left = os.pathsep.join(part for part in now.split(os.pathsep) if part != folder)
        if left:
            os.environ["PYTHONPATH"] = left
        else:
            os.environ.pop("PYTHONPATH", None)
