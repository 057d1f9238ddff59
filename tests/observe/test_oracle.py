"""An outside witness: whatever strace sees Python processes open to read, outside of the interpreter, stands in the trace.

Small programs are put together at random from ways to read, write, import and start; the generator is seeded, so the
programs of today are those of tomorrow.
"""

import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from runaudit.observe.lay import lay
from runaudit.observe.log import read_trace

STRACE = shutil.which("strace")
PY = sys.executable


def strace_works() -> bool:
    if STRACE is None:
        return False
    done = subprocess.run([STRACE, "-f", "-o", "/dev/null", "true"], capture_output=True)
    return done.returncode == 0


pytestmark = pytest.mark.skipif(not strace_works(), reason="strace is not here or not permitted")

READS = [
    "open({f!r}).read()",
    "open(os.fsencode({f!r}), 'rb').read()",
    "pathlib.Path({f!r}).read_bytes()",
    "io.open({f!r}, 'rb', buffering=0).read()",
    "os.read(os.open({f!r}, os.O_RDONLY), 10)",
    "os.read(os.open(os.path.basename({f!r}), os.O_RDONLY, dir_fd=os.open(os.path.dirname({f!r}) or '.', os.O_RDONLY)), 10)",
    "mmap.mmap(os.open({f!r}, os.O_RDONLY), 1, prot=mmap.PROT_READ)",
    "shutil.copyfile({f!r}, {w!r})",
    "shutil.copytree(os.path.dirname({f!r}) or '.', {w!r} + '.d', ignore=shutil.ignore_patterns('out*'))",
    "open({f!r}, 'r+').read(1)",
    "open({f!r}, 'a+').read(1)",
    "list(fileinput.input([{f!r}]))",
    "linecache.getlines({f!r})",
    "subprocess.run([sys.executable, '-c', 'import sys; open(sys.argv[1]).read()', {f!r}])",
    "subprocess.run(['true'], stdin=open({f!r}))",
    "threading.Thread(target=lambda: open({f!r}).read()).start()",
    "os.rename({f!r}, {w!r}) or open({w!r}).read()",
    "os.symlink(os.path.abspath({f!r}), {w!r}) or open({w!r}).read()",
    "os.link({f!r}, {w!r}) or open({w!r}).read()",
    "numpy.fromfile({f!r}, dtype='u1')",
    "numpy.memmap({f!r}, dtype='u1', mode='r')[:1]",
    "numpy.loadtxt({f!r}, dtype=str)",
    "hashlib.sha256(open({f!r}, 'rb').read())",
    "(os.chdir(os.path.dirname({f!r}) or '.'), open(os.path.basename({f!r})).read(), os.chdir(TOP))",
    "pickle.Unpickler(open({f!r}, 'rb'))",
    "tokenize.open({f!r}).read()",
    "configparser.ConfigParser().read({f!r}) if 0 else open({f!r}).close()",
    "os.fork() or (open({f!r}).read(), os._exit(0))",
    "multiprocessing.get_context('spawn').Pool(1).map(str, open({f!r}))",
]
WRITES = [
    "open({w!r}, 'w').write('1')",
    "pathlib.Path({w!r}).write_text('2') and open({w!r}).read()",
    "tempfile.NamedTemporaryFile(dir='.').write(b'1')",
    "open({w!r}, 'a').write('1')",
]
HEAD = (
    "import fileinput, hashlib, io, linecache, mmap, multiprocessing, os, pathlib, pickle, shutil, subprocess, sys, tempfile\n"
    "import configparser, threading, tokenize, numpy\nTOP = os.getcwd()\n"
)


def made_program(seed: int, top: Path) -> None:
    rng = random.Random(seed)
    lines = [HEAD]
    for n in range(6):
        name = rng.choice(["", "d/", "d/e f/"]) + f"in{n}.txt"
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(f"{n} 1\n2 2\n")
        act = rng.choice(READS).format(f=name, w=f"out{n}")
        lines.append(f"if __name__ == '__main__':\n    {act}\n")
        if rng.random() < 0.3:
            lines.append(f"if __name__ == '__main__':\n    {rng.choice(WRITES).format(w=f'out{n}w')}\n")
    if rng.random() < 0.5:
        (top / "helper.py").write_text("X = 1\n")
        lines.insert(1, "import helper\n")
    (top / "train.py").write_text("".join(lines))


OPENED = re.compile(
    r"^(\d+) +openat\(([^,]+), \"((?:[^\"\\]|\\.)*)\", ([A-Z_|0-9a-z]+)[^)]*\) = (\d+)<((?:[^>\\]|\\.)*)>"
)


def opened_by_python(log: Path, top: Path) -> set[str]:
    """Files below `top` that a process of the interpreter opened so that it can read them."""
    found, python = set(), set()
    for line in log.read_text(errors="surrogateescape").splitlines():
        if "execve(" in line and line.rstrip().endswith("= 0"):
            pid = line.split()[0]
            (python.add if "python" in line.split('"')[1] else python.discard)(pid)
        if (hit := re.match(r"^(\d+) +(?:clone3?|v?fork)\(.* = (\d+)$", line)) and hit[1] in python:
            python.add(hit[2])
        hit = OPENED.match(line)
        if hit and hit[1] in python and "O_WRONLY" not in hit[4] and "O_DIRECTORY" not in hit[4]:
            path = Path(hit[6].encode().decode("unicode_escape"))
            if path.is_relative_to(top) and "__pycache__" not in path.parts and path.is_file():
                found.add(str(path))
    return found


@pytest.mark.parametrize("seed", range(24))
def test_what_strace_sees_is_seen(tmp_path, place, seed):
    made_program(seed, place.top)
    folder = tmp_path / "observed"
    environ = place.environ()
    environ.update(lay(folder, environ))
    command = [STRACE, "-f", "-y", "-s", "4096", "-e", "trace=openat,open,execve,clone,clone3,fork,vfork", "-o", str(tmp_path / "strace"),
               PY, "train.py"]  # fmt: skip
    done = subprocess.run(command, cwd=place.top, env=environ, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    trace = read_trace(folder)
    told = set(trace.reads) | set(trace.written)
    seen = opened_by_python(tmp_path / "strace", place.top)
    assert len(seen) >= 3
    inputs = {path for path in seen if Path(path).name.startswith(("in", "train", "helper"))}
    assert inputs <= {path for path, read in trace.reads.items() if not read.own}
    assert seen <= told, (place.top / "train.py").read_text()
