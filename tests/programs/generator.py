"""Small random programs, and changes to what they use and to what they do not.

A program is put together from ways of taking something in (files, modules, variables, words of the command line,
children) and prints one digest of all it took in. So what a change did is not known by construction: the printed line
shows it. Two equal lines: the change was of something unused. Two unequal lines: it was used, whatever anybody thinks.
"""

import bz2
import dbm.dumb
import gzip
import io
import pickle
import random
import sqlite3
import tarfile
import textwrap
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy

HEAD = """\
import hashlib, os, sys
seen = []
HERE = os.path.dirname(os.path.abspath(__file__))
OUT = {out!r}
"""
TAIL = "print(hashlib.sha256(repr(seen).encode()).hexdigest())\n"


@dataclass
class Place:
    """Where a program lives: `work` is its git work tree, `out` a folder beside it that git does not know."""

    work: Path
    out: Path
    env: dict[str, str] = field(default_factory=dict)
    args: list[str] = field(default_factory=list)

    def write(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


Step = Callable[[Place, int], None]
"""Makes a thing in its first version (0), or changes it to another (1)."""


@dataclass(frozen=True)
class Way:
    """One way to take something in: lines of a program, and the thing they take in, in two versions."""

    name: str
    lines: str
    make: Step


def _file(name: str, *, outside: bool = False, texts: tuple[str, str] = ("1\n2\n3\n", "1\n2\n4\n")) -> Step:
    def make(place: Place, version: int) -> None:
        place.write((place.out if outside else place.work) / name, texts[version])

    return make


def _binary(name: str, data: Callable[[int], bytes], *, outside: bool = True) -> Step:
    def make(place: Place, version: int) -> None:
        path = (place.out if outside else place.work) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data(version))

    return make


def _database(name: str) -> Step:
    def make(place: Place, version: int) -> None:
        path = place.out / name
        path.unlink(missing_ok=True)
        with sqlite3.connect(path) as base:
            base.execute("create table t (x integer)")
            base.execute("insert into t values (?)", (version,))
        base.close()

    return make


def _archive(name: str) -> Step:
    def make(place: Place, version: int) -> None:
        with zipfile.ZipFile(place.out / name, "w") as archive:
            info = zipfile.ZipInfo("zipped_net.py", (2020, 1, 1, 0, 0, 0))
            archive.writestr(info, f"DEPTH = {version}\n")

    return make


def _variable(name: str, values: tuple[str, str] = ("1", "50")) -> Step:
    def make(place: Place, version: int) -> None:
        place.env[name] = values[version]

    return make


def _word(*words: str, other: tuple[str, ...]) -> Step:
    def make(place: Place, version: int) -> None:
        before, after = list(words), list(other)
        if version == 0:
            place.args += before
            return
        start = next(i for i in range(len(place.args)) if place.args[i : i + len(before)] == before)
        place.args[start : start + len(before)] = after

    return make


def _array(version: int) -> bytes:
    text = io.BytesIO()
    numpy.save(text, numpy.arange(3) + version)
    return text.getvalue()


def _tar(name: str) -> Step:
    def make(place: Place, version: int) -> None:
        with tarfile.open(place.out / name, "w") as archive:
            info = tarfile.TarInfo("x")
            info.size = 1
            archive.addfile(info, io.BytesIO(str(version).encode()))

    return make


def _dumb(name: str) -> Step:
    def make(place: Place, version: int) -> None:
        with dbm.dumb.open(str(place.out / name), "n") as base:
            base[b"k"] = str(version).encode()

    return make


def _linked(name: str) -> Step:
    def make(place: Place, version: int) -> None:
        place.write(place.out / "shared lib" / f"{name}.py", f"W = {version}\n")
        link = place.work / "linked"
        if not link.is_symlink():
            link.symlink_to(place.out / "shared lib")

    return make


def _both(*steps: Step) -> Step:
    def make(place: Place, version: int) -> None:
        for step in steps:
            step(place, version)

    return make


def _added(folder: str) -> Step:
    """A folder that gets one more file."""

    def make(place: Place, version: int) -> None:
        for number in range(2 + version):
            place.write(place.out / folder / f"{number}.txt", f"{number}\n")

    return make


USED = (
    Way("open", "seen.append(open(OUT + '/plain.csv').read())", _file("plain.csv", outside=True)),
    Way("pathlib", "import pathlib; seen.append(pathlib.Path(OUT, 'p.txt').read_text())", _file("p.txt", outside=True)),
    Way("bytes path", "seen.append(open(os.fsencode(OUT + '/b.bin'), 'rb').read())", _file("b.bin", outside=True)),
    Way(
        "descriptor",
        "fd = os.open(OUT + '/d.bin', os.O_RDONLY); seen.append(os.read(fd, 99)); os.close(fd)",
        _file("d.bin", outside=True),
    ),
    Way(
        "dir_fd",
        "fd = os.open(OUT, os.O_RDONLY); inner = os.open('fd.txt', os.O_RDONLY, dir_fd=fd)\n"
        "seen.append(os.read(inner, 99)); os.close(inner); os.close(fd)",
        _file("fd.txt", outside=True),
    ),
    Way(
        "after chdir",
        "back = os.getcwd(); os.chdir(OUT); seen.append(open('moved.txt').read()); os.chdir(back)",
        _file("moved.txt", outside=True),
    ),
    Way(
        "glob",
        "import glob\nfor p in sorted(glob.glob(OUT + '/many/*.txt')): seen.append(open(p).read())",
        _added("many"),
    ),
    Way(
        "scandir",
        "for e in sorted(os.scandir(OUT + '/scan'), key=lambda e: e.name): seen.append(open(e.path).read())",
        _file("scan/x.txt", outside=True),
    ),
    Way(
        "gzip",
        "import gzip; seen.append(gzip.open(OUT + '/z.gz').read())",
        _binary("z.gz", lambda v: gzip.compress(str(v).encode(), mtime=0)),
    ),
    Way("json", "import json; seen.append(json.load(open(HERE + '/own.json')))", _file("own.json", texts=('{"a": 1}', '{"a": 2}'))),
    Way(
        "ini",
        "import configparser; c = configparser.ConfigParser(); c.read(HERE + '/s.ini'); seen.append(c['a']['b'])",
        _file("s.ini", texts=("[a]\nb = 1\n", "[a]\nb = 2\n")),
    ),
    Way("pickle", "import pickle; seen.append(pickle.load(open(OUT + '/o.pkl', 'rb')))", _binary("o.pkl", lambda v: pickle.dumps([v]))),
    Way(
        "sqlite",
        "import sqlite3; b = sqlite3.connect(OUT + '/t.db'); seen.append(b.execute('select x from t').fetchall()); b.close()",
        _database("t.db"),
    ),
    Way(
        "mmap",
        "import mmap; f = open(OUT + '/m.bin', 'rb'); m = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ); seen.append(m[:]); m.close(); f.close()",
        _file("m.bin", outside=True),
    ),
    Way("tomllib", "import tomllib; seen.append(tomllib.load(open(HERE + '/conf/t.toml', 'rb')))", _file("conf/t.toml", texts=("a = 1\n", "a = 2\n"))),
    Way("link to a file", "seen.append(open(HERE + '/here.txt').read())", _both(_file("real.txt", outside=True), lambda p, v: (p.work / "here.txt").is_symlink() or (p.work / "here.txt").symlink_to(p.out / "real.txt"))),
    Way("module", "import net; seen.append(net.W)", _file("net.py", texts=("W = 1\n", "W = 2\n"))),
    Way("package", "from layers import block; seen.append(block.W)", _both(_file("layers/__init__.py", texts=("", "")), _file("layers/block.py", texts=("W = 1\n", "W = 2\n")))),
    Way("linked module", "sys.path.insert(0, HERE + '/linked'); import far; seen.append(far.W)", _linked("far")),
    Way("module outside", "sys.path.insert(0, OUT + '/lib'); import away; seen.append(away.W)", _file("lib/away.py", outside=True, texts=("W = 1\n", "W = 2\n"))),
    Way("ignored module", "import local_settings; seen.append(local_settings.B)", _file("local_settings.py", texts=("B = 0\n", "B = 5\n"))),
    Way("runpy", "import runpy; seen.append(runpy.run_path(HERE + '/step.py')['W'])", _file("step.py", texts=("W = 1\n", "W = 2\n"))),
    Way("exec of a file", "exec(open(HERE + '/cfg_code.py').read()); seen.append(CFG)", _file("cfg_code.py", texts=("CFG = 1\n", "CFG = 2\n"))),
    Way(
        "spec from file",
        "import importlib.util as iu; s = iu.spec_from_file_location('plug', OUT + '/plug.py'); m = iu.module_from_spec(s); s.loader.exec_module(m); seen.append(m.W)",
        _file("plug.py", outside=True, texts=("W = 1\n", "W = 2\n")),
    ),
    Way("module in a zip", "sys.path.insert(0, OUT + '/code.zip'); import zipped_net; seen.append(zipped_net.DEPTH)", _archive("code.zip")),
    Way("environ.get", "seen.append(os.environ.get('EPOCHS'))", _variable("EPOCHS")),
    Way("getenv", "seen.append(os.getenv('LR_SCALE', '1'))", _variable("LR_SCALE", ("0.1", "0.5"))),
    Way("environ[]", "seen.append(os.environ['MODEL_KIND'])", _variable("MODEL_KIND", ("unet", "vit"))),
    Way("in environ", "seen.append('DEBUG_ALL' in os.environ)", lambda p, v: p.env.update({"DEBUG_ALL": "1"}) if v else None),
    Way("positional word", "seen.append([w for w in sys.argv if w.startswith('mode')])", _word("mode-a", other=("mode-b",))),
    Way("option", "seen.append(sys.argv[sys.argv.index('--width') + 1])", _word("--width", "64", other=("--width", "65"))),
    Way("option with =", "seen.append([w for w in sys.argv if w.startswith('--drop=')])", _word("--drop=0.1", other=("--drop=0.2",))),
    Way("flag", "seen.append('--no-norm' in sys.argv or '--norm' in sys.argv and 2)", _word("--norm", other=("--no-norm",))),
    Way("path word", "seen.append(open(sys.argv[sys.argv.index('--list') + 1]).read())", _both(_file("words.lst", outside=True), lambda p, v: v or p.args.extend(["--list", str(p.out / "words.lst")]))),
    Way(
        "python child",
        "import subprocess; seen.append(subprocess.run([sys.executable, '-c', 'print(open(%r).read())' % (OUT + '/child.txt')], capture_output=True).stdout)",
        _file("child.txt", outside=True),
    ),
    Way(
        "script as child",
        "import subprocess; seen.append(subprocess.run([sys.executable, HERE + '/prep.py'], capture_output=True).stdout)",
        _file("prep.py", texts=("print(1)\n", "print(2)\n")),
    ),
    Way(
        "fork",
        "r, w = os.pipe()\nif os.fork() == 0:\n    os.write(w, open(OUT + '/fork.txt', 'rb').read()); os._exit(0)\nos.wait(); seen.append(os.read(r, 99))",
        _file("fork.txt", outside=True),
    ),
    Way(
        "thread",
        "import threading; t = threading.Thread(target=lambda: seen.append(open(OUT + '/thread.txt').read())); t.start(); t.join()",
        _file("thread.txt", outside=True),
    ),
    Way("read before an exit that says nothing", "first = open(OUT + '/last.txt').read(); seen.append(first)", _file("last.txt", outside=True)),
    Way(
        "file made and read back, from a source",
        "open(OUT + '/cache.tmp', 'w').write(open(OUT + '/source.txt').read()); seen.append(open(OUT + '/cache.tmp').read())",
        _file("source.txt", outside=True),
    ),
    Way("a file that may be there", "seen.append(open(OUT + '/maybe.txt').read() if os.path.exists(OUT + '/maybe.txt') else None)", lambda p, v: p.write(p.out / "maybe.txt", "x") if v else None),
    Way("numpy", "import numpy; seen.append(numpy.loadtxt(OUT + '/n.csv').tolist())", _file("n.csv", outside=True)),
    Way("numpy archive", "import numpy; seen.append(numpy.load(OUT + '/n.npy').tolist())", _binary("n.npy", _array)),
    Way("bzip2", "import bz2; seen.append(bz2.open(OUT + '/z.bz2').read())", _binary("z.bz2", lambda v: bz2.compress(str(v).encode()))),
    Way("tar", "import tarfile; t = tarfile.open(OUT + '/t.tar'); seen.append(t.extractfile('x').read()); t.close()", _tar("t.tar")),
    Way("copied, then read", "import shutil; shutil.copy(OUT + '/from.txt', OUT + '/copy.tmp'); seen.append(open(OUT + '/copy.tmp').read())", _file("from.txt", outside=True)),
    Way("open to read and write", "f = open(OUT + '/rw.txt', 'r+'); seen.append(f.read()); f.close()", _file("rw.txt", outside=True)),
    Way("standard input of a child", "import subprocess; seen.append(subprocess.run([sys.executable, '-c', 'import sys; print(sys.stdin.read())'], stdin=open(OUT + '/in.txt'), capture_output=True).stdout)", _file("in.txt", outside=True)),
    Way("words from a file", "import argparse; p = argparse.ArgumentParser(fromfile_prefix_chars='@'); p.add_argument('--e'); seen.append(p.parse_args(['@' + HERE + '/opts.txt']).e)", _file("opts.txt", texts=("--e=1\n", "--e=2\n"))),
    Way("data of a package", "import pkgutil; seen.append(pkgutil.get_data('kit', 'w.txt'))", _both(_file("kit/__init__.py", texts=("", "")), _file("kit/w.txt"))),
    Way("its own docstring", "import talk; seen.append(talk.__doc__)", _file("talk.py", texts=("'usage: a'\nprint(__doc__, file=__import__('sys').stderr)\n", "'usage: b'\nprint(__doc__, file=__import__('sys').stderr)\n"))),
    Way("csv", "import csv; seen.append(list(csv.DictReader(open(OUT + '/t.csv', newline=''))))", _file("t.csv", outside=True, texts=("a\n1\n", "a\n2\n"))),
    Way("dbm", "import dbm.dumb; d = dbm.dumb.open(OUT + '/base', 'r'); seen.append(dict(d.items())); d.close()", _dumb("base")),
    Way("spawned worker", "import multiprocessing as mp\nwith mp.get_context('spawn').Pool(1) as pool: seen.append(pool.map(os.path.getsize and __import__('worker').read, [OUT + '/pool.txt']))", _both(_file("pool.txt", outside=True), _file("worker.py", texts=("def read(p): return open(p).read()\n", "def read(p): return open(p).read()\n")))),
    Way("forked pool", "import multiprocessing as mp, worker2\nwith mp.get_context('fork').Pool(1) as pool: seen.append(pool.map(worker2.read, [OUT + '/pool2.txt']))", _both(_file("pool2.txt", outside=True), _file("worker2.py", texts=("def read(p): return open(p).read()\n", "def read(p): return open(p).read()\n")))),
    Way("a misleading name", "seen.append(open(HERE + '/README_model.md').read())", _file("README_model.md")),
    Way("a document by suffix", "seen.append(open(HERE + '/table.html').read())", _file("table.html")),
    Way("requirements that are read", "seen.append(open(HERE + '/requirements.txt').read())", _file("requirements.txt")),
    Way("a hidden file", "seen.append(open(HERE + '/.prompt').read())", _file(".prompt")),
    Way("shared memory", "seen.append(open('/dev/shm/' + OUT.replace('/', '-') + '.bin').read())", lambda p, v: p.write(Path("/dev/shm") / f"{str(p.out).replace('/', '-')}.bin", str(v))),
)  # fmt: skip
"""What a program can take in. Each changes what is printed when it is changed."""

UNUSED = (
    Way("a script beside", "", _file("plot.py", texts=("print(1)\n", "print(2)\n"))),
    Way("a new module", "", lambda p, v: p.write(p.work / "unused_net.py", "X = 1\n") if v else None),
    Way("a test", "", _file("tests/test_a.py", texts=("assert 1\n", "assert 2\n"))),
    Way("a notebook", "", _file("explore.ipynb", texts=('{"cells": [], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}', '{"cells": [{"cell_type": "code", "source": ["1"], "metadata": {}, "outputs": [], "execution_count": null}], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}'))),
    Way("a shell script", "", _file("go.sh", texts=("echo 1\n", "echo 2\n"))),
    Way("a readme", "", _file("README.md", texts=("one\n", "two\n"))),
    Way("another config", "", _file("configs/other.yaml", texts=("a: 1\n", "a: 2\n"))),
    Way("data nobody reads", "", _file("spare.csv", outside=True)),
    Way("a variable nobody looks up", "", _variable("SOME_TOOL_HOME", ("/a", "/b"))),
    Way("a variable of the terminal", "", _variable("COLORTERM", ("truecolor", "24bit"))),
    Way("an ignored file", "", _file("notes.secret", texts=("a\n", "b\n"))),
    Way("requirements nobody reads", "", _file("requirements-dev.txt", texts=("ruff\n", "ruff\nmypy\n"))),
    Way("a C file nobody builds", "", _file("ext/op.c", texts=("int a;\n", "int b;\n"))),
    Way("a comment in the program", "", lambda p, v: (p.work / "train.py").write_text((p.work / "train.py").read_text() + "# a remark\n") if v else None),
    Way("a module's file by its time alone", "", lambda p, v: (p.work / "train.py").write_text((p.work / "train.py").read_text()) if v else None),
)  # fmt: skip
"""What a program does not take in. Changing it changes nothing that is printed."""

OUTPUTS = (
    "",
    "os.makedirs(HERE + '/results', exist_ok=True); open(HERE + '/results/metrics.json', 'w').write(repr(seen))",
    "open(HERE + '/model.yaml', 'w').write(repr(seen))",
    "open(HERE + '/log.txt', 'a').write('one more run\\n')",
    "open(HERE + '/weights.tmp', 'w').write('w'); os.replace(HERE + '/weights.tmp', HERE + '/weights.bin')",
)
"""What a program leaves in its tree: never an input of the next run."""


@dataclass(frozen=True)
class Program:
    """A program with what it uses and what lies about unused."""

    used: tuple[Way, ...]
    unused: tuple[Way, ...]
    output: str

    @property
    def name(self) -> str:
        return ", ".join(way.name for way in self.used)


def program(seed: int) -> Program:
    """The program of this number. Every way of using comes first in one of them, in turn."""
    rng = random.Random(seed)
    first = USED[seed % len(USED)]
    others = rng.sample([way for way in USED if way is not first], rng.randrange(1, 5))
    return Program(
        used=(first, *others),
        unused=tuple(rng.sample(UNUSED, 3)),
        output=rng.choice(OUTPUTS),
    )


def build(found: Program, place: Place) -> None:
    """Write the program and everything it uses and does not use, in their first version."""
    lines = [textwrap.dedent(way.lines) for way in found.used]
    body = textwrap.indent("\n".join([*lines, found.output, TAIL]), "    ")
    # Spawned workers import the program once more, and must not do it all over.
    text = f'{HEAD}if __name__ == "__main__":\n{body}'.replace("{out!r}", repr(str(place.out)))
    place.write(place.work / "train.py", text)
    place.write(place.work / ".gitignore", "__pycache__/\n.runaudit/\nlocal_settings.py\n*.secret\nlinked\n")
    for way in (*found.used, *found.unused):
        way.make(place, 0)
