"""What a file that a run opened is to it: code, weights, configuration or data, by what was done with it.

Left out is what something else explains: the standard library by the version of Python, an installed package by its
RECORD and version, the run's own outputs read back by the run. No path is left out by what it is called, but for those
that hold no content (`/proc`), the observer's own, and git's.
"""

import os
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from runaudit.capture.distributions import Distribution, Installed
from runaudit.observe.trace import Process, Read, Trace
from runaudit.system.files import is_of_a_device

WEIGHTS = ("torch.load", "torch.jit.load", "torch.hub", "safetensors", "safe_open", "load_file")
"""Readers of weights. What comes through them starts a network."""
WEIGHTS_FILES = (".safetensors", ".ckpt")
"""Files that hold the tensors of a network, whoever opened them: Lightning hands `torch.load` an open file, and what
Transformers reads by itself the observer may have come too late to see as that."""
CONFIG = (".json", ".yaml", ".yml", ".toml")
_NO_CONTENT = ("/proc/", "/sys/")
_SHARED = re.compile(r"\.so(\.\d+)*$")
OBSERVER = Path(__file__).resolve().parents[1]
"""runaudit's own files: the observer is no part of what it observes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A file that a run used and that nothing else explains. `path` is absolute."""

    path: str
    role: str
    read: Read
    library: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Uses:
    """All of them, and the packages that modules were executed from: name -> version."""

    files: tuple[Use, ...]
    imported: Mapping[str, str]


class Places:
    """Where the interpreters of a run, its observer and its store lie."""

    def __init__(self, trace: Trace, *, top: Path, own: Iterable[Path], script: str | None) -> None:
        self.top = f"{top}{os.sep}"
        self.real_top = f"{os.path.realpath(top)}{os.sep}"
        self._beside = f"{posixpath.dirname(script)}{os.sep}" if script else self.top
        self.installed = Installed(folder for process in trace.processes for folder in process.folders)
        self._standard = tuple({folder for process in trace.processes for folder in _standard(process)})
        self._own = tuple(dict.fromkeys(str(place) for path in own for place in (path, os.path.realpath(path))))

    def ignored(self, path: str) -> bool:
        """Whether a path holds nothing that a run could use: no content, the observer's, git's, a compiled copy."""
        if path.startswith(_NO_CONTENT) or is_of_a_device(path):
            return True
        if path.startswith(self._own) and any(path == own or path.startswith(f"{own}{os.sep}") for own in self._own):
            return True
        # Below PYTHONPYCACHEPREFIX the compiled copy of the observer lies under the whole of its path.
        compiled = path.endswith(".pyc") and any(f"{own}{os.sep}" in path for own in self._own)
        return compiled or "/__pycache__/" in path or "/.git/" in path

    def is_standard(self, path: str) -> bool:
        """Whether a file belongs to the interpreter's own library."""
        return path.startswith("<frozen") or (path.startswith(self._standard) and self.installed.site(path) is None)

    def is_library(self, path: str) -> bool:
        """Whether code belongs to an installation, and not to the project."""
        return bool(path) and (self.installed.site(path) is not None or self.is_standard(path))

    def is_project(self, path: str) -> bool:
        """Whether code is the project's: it has a place, and no installation explains it."""
        return bool(path) and not self.is_library(path) and not self.ignored(path)

    def name(self, path: str) -> str:
        """How a record names a path: relative to the work tree where it lies inside."""
        for top in (self.top, self.real_top):
            if path.startswith(top):
                return path[len(top) :]
        return path

    def inside(self, path: str) -> bool:
        """Whether a path lies in the work tree."""
        return path.startswith((self.top, self.real_top))

    def role(self, read: Read) -> str:
        """By evidence: executed is code, a file of tensors or what a reader of weights opened is weights, a table of
        names is config."""
        if read.executed or read.path.endswith((".py", ".ipynb")):
            return "code"
        if read.via.startswith(WEIGHTS) or read.path.lower().endswith(WEIGHTS_FILES):
            return "weights"
        near = self.inside(read.path) or read.path.startswith(self._beside)
        return "config" if near and read.path.lower().endswith(CONFIG) else "data"


def uses(trace: Trace, places: Places) -> Uses:
    """What a run read, by what it is to the run; and the packages it imported from."""
    found: list[Use] = []
    imported: dict[str, Distribution] = {}
    for read in (*trace.reads.values(), *_start_up(trace)):
        path = read.path
        if places.ignored(path) or places.is_standard(path):
            continue
        if (site := places.installed.site(path)) is not None and not read.folder:
            owner = site.owner(path)
            if owner is not None and read.executed and not path.endswith(".pth"):
                imported.setdefault(owner.distribution.name, owner.distribution)
            if owner is not None and owner.whole:
                continue
        if not read.own and _was_there(read, trace):
            found.append(_use(read, places))
    return Uses(files=tuple(found), imported={name: imported[name].version for name in sorted(imported)})


def _start_up(trace: Trace) -> Iterator[Read]:
    """The `.pth` files that the command's own interpreter began with: `site` executes them before the observer runs.

    What lies there at the end is told: equal runs tell the same. A sitecustomize is executed by the observer,
    and seen.
    """
    if not trace.processes:
        return
    process = trace.processes[0]
    homes = tuple(f"{home}{os.sep}" for home in (process.prefix, process.base_prefix) if home)
    for folder in process.folders:
        site = os.path.basename(folder) in ("site-packages", "dist-packages")  # noqa: PTH119  (thousands of texts)
        if not site or not (folder.startswith(homes) or "/.local/lib/" in folder):
            continue
        try:
            names = sorted(os.listdir(folder))  # noqa: PTH208  (thousands of texts)
        except OSError:
            continue
        for name in names:
            path = f"{folder}{os.sep}{name}"
            if name.endswith(".pth") and path not in trace.reads:
                yield Read(path=path, executed=True)


def _use(read: Read, places: Places) -> Use:
    role = places.role(read)
    quiet = role == "data" and not read.via and places.is_library(read.by)
    mapped = read.executed and not read.by and _SHARED.search(read.path) is not None
    return Use(path=read.path, role=role, read=read, library=(quiet or mapped) and not places.inside(read.path))


def is_read_back(read: Read, places: Places) -> bool:
    """Whether the program read a file that it had written itself. A library's cache outside of the tree is none: what a
    compiler keeps there is found by what it was made of, whoever made it."""
    asked = places.inside(read.path) or read.via or not read.through
    return bool(read.own and asked and not places.is_library(read.by))


def _was_there(read: Read, trace: Trace) -> bool:
    """Whether there was a file to read. The event comes before the act: a file that was only looked for shows too."""
    if os.path.isdir(read.path):  # noqa: PTH112  (thousands of texts)
        return read.folder
    if os.path.exists(read.path) or read.before:  # noqa: PTH110  (thousands of texts)
        return True
    # Removed by the run that had not made it: it was an input, and nobody knows any more which.
    return read.path in trace.removed and read.path not in trace.written


def _standard(process: Process) -> Iterator[str]:
    """The folders of an interpreter's standard library."""
    short = ".".join(process.version.split(".")[:2])
    homes = dict.fromkeys(
        place
        for prefix in (process.base_prefix, process.prefix)
        if prefix
        for place in (prefix, os.path.realpath(prefix))
    )
    for home in homes:
        for lib in ("lib", "lib64"):
            yield f"{home}/{lib}/python{short}/"
            yield f"{home}/{lib}/python{short.replace('.', '')}.zip"
            yield f"{home}/{lib}/pypy{short}/"
