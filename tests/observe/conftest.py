"""Programs are run under the hook as a user would run them: another process, its own folder, bare stdin."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from runaudit.observe.lay import lay
from runaudit.observe.log import read_trace
from runaudit.observe.sampler import Sampler
from runaudit.observe.trace import Trace


@dataclass
class Ran:
    """A program that ran, and what was seen of it."""

    code: int
    out: str
    err: str
    trace: Trace
    top: Path
    folder: Path

    @property
    def inputs(self) -> set[str]:
        """The files of the program's folder that it read and had not written itself."""
        found = set()
        for path, read in self.trace.reads.items():
            if not read.own and Path(path).is_relative_to(self.top):
                found.add(str(Path(path).relative_to(self.top)))
        return found

    def read(self, name):
        return self.trace.reads[str(self.top / name)]

    @property
    def looked_up(self) -> dict[str, str | None]:
        """What the project's own code looked up."""
        return {one.name: one.value for one in self.trace.lookups if one.by.startswith((str(self.top), "<string>"))}


class Place:
    """A folder with files, in which programs run bare and observed."""

    wait = "import os\nopen('ready', 'w').close()\nwhile not os.path.exists('go'): pass\n"
    """Lines with which a program that is looked at from outside waits until it has been."""

    def __init__(self, top: Path) -> None:
        self.top = top / "work"
        self.top.mkdir()
        self._base, self._count = top, 0
        self.looks_while_copied = 0  # of a program that says `copied` and waits until it was `looked` at

    def write(self, name, content):
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def environ(self, env=None, *, keep=True):
        base = (
            {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")} if keep else {}
        )
        return {**base, **(env or {})}

    def bare(self, *argv, env=None, **options):
        options = {"stdin": subprocess.DEVNULL, **options} if "input" not in options else options
        return subprocess.run(
            argv,
            cwd=self.top,
            env=self.environ(env),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            **options,
        )

    def observed(self, *argv, env=None, sample=False, stdin=subprocess.DEVNULL, given=None):
        self._count += 1
        folder = self._base / f"observed{self._count}"
        environ = self.environ(env)
        environ.update(lay(folder, environ))
        process = subprocess.Popen(
            argv, cwd=self.top, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            stdin=subprocess.PIPE if given is not None else stdin,
        )  # fmt: skip
        if sample:
            self._looked_at(process, Sampler(process.pid, folder))
        out, err = process.communicate(given, timeout=120)
        trace = read_trace(folder, root_pid=process.pid, command=argv)
        return Ran(process.returncode, out, err, trace, self.top, folder)

    def _looked_at(self, process, sampler):
        """Look from outside while the program waits, however slow the machine is."""
        while self.looks_while_copied and process.poll() is None:
            sampler.sample()
            self.looks_while_copied -= (self.top / "copied").exists()
        (self.top / "looked").touch()
        while process.poll() is None and not (self.top / "ready").exists():
            sampler.sample()
        for _ in range(45):
            sampler.sample()
        (self.top / "go").touch()
        process.wait(timeout=120)
        sampler.stop()

    def program(self, text, *words, name="train.py", **options):
        """Run `text` as a script under the hook."""
        self.write(name, text)
        return self.observed(sys.executable, name, *words, **options)


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)
