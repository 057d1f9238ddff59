"""What a command starts: its interpreter, its script or module, and the work tree that script lies in.

The folder a command is started in is not where its code lies: `python ../other/train.py` runs the code of `../other`.
So the words are read as the shell and Python read them, the launcher's own surroundings aside.
"""

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from runaudit.system.files import read_ordinary

_PYTHON = re.compile(r"(?:python|pypy)[\d.]*(?:t|d)?(?:\.exe)?")
_PREFIXES = frozenset(
    {"env", "nice", "nohup", "time", "stdbuf", "taskset", "numactl", "setsid", "timeout", "ionice", "chrt", "exec"}
)
"""Programs that only start another one in its place."""
_VALUED = frozenset({"--check-hash-based-pycs"})
LONGEST_LINE = 4096
"""Bytes of a script in which its first line ends, if it is one."""
"""Long options of Python that take the next word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What a command runs. `python` None: the command is no Python interpreter, as far as its words show.

    `kind`: script, module, command (`-c`), stdin, or other. `target`: the script as it was typed, the module's name,
    the text of `-c`. `script`: the file that runs, where there is one. `arguments`: the words after the target.
    """

    python: Path | None
    flags: tuple[str, ...] = ()
    kind: str = "other"
    target: str = ""
    script: Path | None = None
    arguments: tuple[str, ...] = ()


def program_of(command: Sequence[str], *, cwd: Path, environ: Mapping[str, str]) -> Program:
    """Read a command line. Nothing is started; what cannot be told from the words is not told."""
    words = _without_prefixes(list(command))
    if not words:
        return Program(python=None)
    found = located(words[0], cwd=cwd, environ=environ)
    if _PYTHON.fullmatch(Path(words[0]).name):
        return _python(found, words[1:], cwd)
    line = first_line(found)
    if line.startswith("#!"):
        interpreter = _without_prefixes(line[2:].split())
        # A console script of an environment (torchrun): the program it is given is the code, where it names one.
        named = _named_script(words[1:], cwd)
        if interpreter and _PYTHON.fullmatch(Path(interpreter[0]).name):
            python = located(interpreter[0], cwd=cwd, environ=environ)
            own = found if found is not None and (python is None or found.parent != python.parent) else named
            return Program(python=python, kind="script", target=words[0], script=own, arguments=tuple(words[1:]))
    script = found if line.startswith("#!") else None
    return Program(
        python=None, target=words[0], script=_named_script(words[1:], cwd) or script, arguments=tuple(words[1:])
    )


def located(name: str, *, cwd: Path, environ: Mapping[str, str]) -> Path | None:
    """The file behind a command's name, links not followed: a virtual environment's `python` is a link."""
    found = str(cwd / name) if os.sep in name else shutil.which(name, path=environ.get("PATH"))
    return None if found is None else Path(os.path.abspath(found))  # noqa: PTH100  (resolve() would follow the link)


def _without_prefixes(words: list[str]) -> list[str]:
    while words and Path(words[0]).name in _PREFIXES:
        prefix = Path(words.pop(0)).name
        while words and (words[0].startswith("-") or "=" in words[0] or _counts(prefix, words[0])):
            words.pop(0)
    return words


def _counts(prefix: str, word: str) -> bool:
    """Whether a word is an argument of the prefix: `timeout 10m`, `nice -n 5`, `taskset 0-3`."""
    return prefix not in ("env", "nohup", "exec") and bool(re.fullmatch(r"[\d.,\-]+[smhd]?|0x[\da-f]+", word))


def _python(python: Path | None, words: list[str], cwd: Path) -> Program:
    """The words after an interpreter: its options end with `-c`, `-m`, a script or nothing."""
    flags: list[str] = []
    while words and words[0].startswith("-") and words[0] != "-":
        word = words.pop(0)
        if word.startswith("--"):
            flags += [word, *([words.pop(0)] if word in _VALUED and words else [])]
            continue
        plain, letter, rest = _option(word)
        flags += [f"-{plain}"] if plain else []
        if letter in ("W", "X"):
            flags.append(f"-{letter}{rest or (words.pop(0) if words else '')}")
        elif letter:
            return _code_option(python, tuple(flags), letter, rest or (words.pop(0) if words else ""), words, cwd)
    if not words or words[0] == "-":
        return Program(python=python, flags=tuple(flags), kind="stdin", target="-", arguments=tuple(words[1:]))
    script = Path(os.path.abspath(cwd / words[0]))  # noqa: PTH100  (`resolve` would follow links)
    return Program(
        python=python, flags=tuple(flags), kind="script", target=words[0], script=script if script.exists() else None,
        arguments=tuple(words[1:]),
    )  # fmt: skip


def _option(word: str) -> tuple[str, str, str]:
    """`-Bc text` as (letters without a value, the letter that takes one, what stands right behind it)."""
    for index, letter in enumerate(word[1:], start=1):
        if letter in "cmWX":
            return word[1:index], letter, word[index + 1 :]
    return word[1:], "", ""


def _code_option(
    python: Path | None, flags: tuple[str, ...], letter: str, value: str, words: list[str], cwd: Path
) -> Program:
    if letter == "c":
        return Program(python=python, flags=flags, kind="command", target=value, arguments=tuple(words))
    script = module_file(value, [str(cwd)]) or _named_script(words, cwd)
    return Program(python=python, flags=flags, kind="module", target=value, script=script, arguments=tuple(words))


def module_file(name: str, folders: Sequence[str]) -> Path | None:
    """Where `-m name` lies in the folders of a search path: its file, or its package's `__main__`."""
    inner = name.replace(".", os.sep)
    for folder in filter(None, folders):
        for end in (f"{inner}.py", f"{inner}{os.sep}__main__.py", f"{inner}{os.sep}__init__.py"):
            place = os.path.join(folder, end)  # noqa: PTH118  (a text of sys.path)
            if os.path.isfile(place):  # noqa: PTH113  (a text of sys.path)
                return Path(place)
    return None


def _named_script(words: Sequence[str], cwd: Path) -> Path | None:
    """The first word that is a Python or shell file here: what a launcher was given to run."""
    for word in words:
        if word.endswith((".py", ".sh", ".ipynb")) and not word.startswith("-") and (cwd / word).is_file():
            return Path(os.path.abspath(cwd / word))  # noqa: PTH100  (`resolve` would follow links)
    return None


def first_line(path: Path | None) -> str:
    """The `#!` line of a script; empty for anything else."""
    if path is None:
        return ""
    try:
        head = read_ordinary(path, most=LONGEST_LINE).partition(b"\n")[0]
    except OSError:
        return ""
    return head.decode("utf-8", "replace").strip() if head.startswith(b"#!") else ""


def launcher_of(argv: Sequence[str]) -> dict[str, str]:
    """`launcher` and `world_size` where the command starts a program as several processes; else nothing."""
    words = [Path(word).name if os.sep in word else word for word in argv]
    name = next((word for word in words[:6] if word in _LAUNCHERS), None)
    if name is None:
        return {}
    sizes = {group: _option_value(words, names) for group, names in _SIZES.items()}
    found = {"launcher": _LAUNCHERS[name]}
    each, nodes = sizes["each"], sizes["nodes"]
    if each is not None and each.isdigit():
        first = (nodes or "1").partition(":")[0]
        found["world_size"] = str(int(each) * int(first)) if first.isdigit() else each
    return found


_LAUNCHERS = {
    "torchrun": "torchrun", "torch.distributed.run": "torchrun", "torch.distributed.launch": "torchrun",
    "accelerate": "accelerate", "deepspeed": "deepspeed", "mpirun": "mpi", "mpiexec": "mpi", "srun": "slurm",
    "horovodrun": "horovod",
}  # fmt: skip
_SIZES = {
    "each": ("--nproc_per_node", "--nproc-per-node", "--num_processes", "--num-processes", "--num_gpus", "-np", "-n"),
    "nodes": ("--nnodes", "--num_nodes"),
}


def _option_value(words: Sequence[str], names: tuple[str, ...]) -> str | None:
    for index, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in names:
            return value if equals else next(iter(words[index + 1 : index + 2]), None)
    return None
