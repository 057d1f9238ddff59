"""What was seen, as frozen facts: the logs of all processes of one run merged into one trace.

A trace says what happened, not what it means: which file is data and which is code, what a difference weighs, is judged
elsewhere. Paths are absolute and normalised (`..` and relative names resolved against the folder of that moment, links
not followed), text with surrogates for bytes that are not UTF-8.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from types import MappingProxyType
from typing import Any


def _none() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One Python process that ran the hook. `parent` is the pid of the process that started it.

    `flags`: the interpreter's, as `-O`. `folders`: its `sys.path` at the start and at the end, in that order, without
    repeats. `late`: the hook was installed after the program had begun, so what came before it was not seen.
    `forked`: it began as a copy of its parent, and tells that one's words.
    """

    pid: int
    parent: int
    executable: str
    argv: tuple[str, ...]
    cwd: str
    version: str = ""
    prefix: str = ""
    base_prefix: str = ""
    flags: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    late: bool = False
    forked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A file that was opened to read, or opened so that it can be read and written.

    `by`: the file of the code that asked for it: the nearest frame of the project (`pd.read_csv` called by `train.py`
    was asked by `train.py`), or, where a library did so while it was being imported or on its own, the library's file
    that stands nearest; "" where there is none. `through`: that library's file also where the project asked. `via`:
    the entry it was read through where that says what it is (`torch.load`, `cv2.imread`), else "".
    `before`: its digest as it was before this run wrote to it (`sha256:…`), "" where the run never did, None where the
    run wrote to it and nobody took the digest first. `own`: the run had written it before it read it: an output read
    back. `folder`: a whole folder, of which so many files were opened that they are not told one by one.
    `executed`: it was compiled and run as code (a module, a script, `exec(open(…))`), or mapped as an extension.
    """

    path: str
    by: str = ""
    through: str = ""
    via: str = ""
    before: str | None = ""
    own: bool = False
    folder: bool = False
    executed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A process that was started, or replaced one of ours. `seen`: the hook ran in it.

    `by`: the file of the code that started it, the nearest that is not the standard library's machinery for starting
    processes: `platform.py` where `platform.uname()` did.
    """

    argv: tuple[str, ...]
    by: str = ""
    cwd: str = ""
    seen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Code that has no file: `-c`, standard input, a notebook cell, `exec` of a text. `by` as in Read."""

    name: str
    source: str
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeding:
    """A call that seeds a generator: `random.seed`, with the value as text or number, and where it stands."""

    call: str
    value: Any
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """An environment variable that code looked up by name. `value` None: it was not set.

    `by`: the file of the code that looked it up itself, the standard library's and installed packages' too. What the
    run set itself before is no look-up.
    """

    name: str
    value: str | None
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Everything that was seen of one run.

    `processes`: the first is the command's own. `reads`: path -> the first reading of it. `written`: path -> pids of
    the processes that wrote, made or renamed to it. `removed`: paths that were removed or renamed away.
    `grown`: of them those that held something before, of which some may still be there -> the digest of what they held,
    None where nobody took it. `listed`: folder -> the file of the project whose code listed what lies in it.
    `begun`: id of a run in MLflow's database that was written of -> whether it was begun here. `ledgers`: such
    databases, of which nothing but that was asked.
    `partial`: why not everything was seen, a sentence each, empty where everything was. `observed` False: no process of
    the command ran the hook at all. `last_words`: the traceback of the exception that ended the command.
    """

    processes: tuple[Process, ...] = ()
    reads: Mapping[str, Read] = field(default_factory=_none)
    written: Mapping[str, frozenset[int]] = field(default_factory=_none)
    grown: Mapping[str, str | None] = field(default_factory=_none)
    removed: frozenset[str] = frozenset()
    begun: Mapping[str, bool] = field(default_factory=_none)
    ledgers: frozenset[str] = frozenset()
    listed: Mapping[str, str] = field(default_factory=_none)
    children: tuple[Child, ...] = ()
    texts: tuple[Text, ...] = ()
    seeded: tuple[Seeding, ...] = ()
    lookups: tuple[Lookup, ...] = ()
    network: tuple[str, ...] = ()
    partial: tuple[str, ...] = ()
    last_words: str = ""

    def lies_in_made(self, path: str) -> bool:
        """Whether a folder above `path` is one that the run made."""
        return any(str(above) in self.written for above in PurePath(path).parents)

    @property
    def observed(self) -> bool:
        """Whether any process was seen."""
        return bool(self.processes)

    @property
    def level(self) -> str:
        """full, partial or none."""
        if not self.processes:
            return "none"
        return "partial" if self.partial else "full"
