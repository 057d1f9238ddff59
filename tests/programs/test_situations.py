"""What new users did with programs of their own and was got wrong once, with its kin: one row a situation.

Each runs a program twice and changes one thing between. `right` is what the answer must be: `factor` (something that can
matter differs, and it is named), `gap` (it could not be seen, and that is told), `clean`, or the word of a verdict.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from runaudit.capture.draft import open_store
from tests.programs.launching import clean, commit, compared, git, launched

PYTHON = sys.executable
HEAD = "import os, sys\n"


@dataclass(frozen=True, kw_only=True)
class Launch:
    """One of the two runs: its command, environment and seed; `before` is done to the tree first."""

    command: tuple[str, ...] = (PYTHON, "train.py")
    env: Mapping[str, str] = field(default_factory=dict)
    seed: Any = 1
    before: Callable[[Path], object] = lambda top: None
    config: Any = None
    data: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Situation:
    """`files`: path in the work tree (or `../x` beside it) -> text, as committed before the first run."""

    name: str
    files: Mapping[str, str]
    one: Launch = Launch()
    two: Launch = Launch()
    right: str
    names: tuple[str, ...] = ()


def write(path: str, text: str) -> Callable[[Path], object]:
    def do(top: Path) -> None:
        place = top / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    return do


def program(*lines: str) -> str:
    return HEAD + "\n".join(lines) + "\n"


def python(*words: str) -> tuple[str, ...]:
    return (PYTHON, *words)


ECHO = program("print(sys.argv[1:])")
SEEDED = program("import random", "random.seed(int(sys.argv[-1].split('=')[-1]))", "print(random.random())")

SITUATIONS = (
    # ── the command line ──
    Situation(name="an option", files={"train.py": ECHO}, one=Launch(command=python("train.py", "--lr", "0.1")),
              two=Launch(command=python("train.py", "--lr", "0.5")), right="single_factor", names=("lr",)),
    Situation(name="an option more", files={"train.py": ECHO}, two=Launch(command=python("train.py", "--amp")), right="single_factor", names=("amp",)),
    Situation(name="a word at another place", files={"train.py": ECHO}, one=Launch(command=python("train.py", "a", "b")),
              two=Launch(command=python("train.py", "b", "a")), right="factor"),
    Situation(name="another script", files={"train.py": ECHO, "other.py": ECHO + "# x\n"}, two=Launch(command=python("other.py")), right="factor", names=("other.py",)),
    Situation(name="a module by its name", files={"pkg/__init__.py": "", "pkg/a.py": ECHO, "pkg/b.py": ECHO}, one=Launch(command=python("-m", "pkg.a")),
              two=Launch(command=python("-m", "pkg.b")), right="factor", names=("pkg.b",)),
    Situation(name="a text", files={"x.txt": ""}, one=Launch(command=python("-c", "print(1)")), two=Launch(command=python("-c", "print(2)")), right="factor"),
    Situation(name="optimised", files={"train.py": ECHO}, one=Launch(command=python("train.py")), two=Launch(command=python("-O", "train.py")), right="factor"),
    Situation(name="hydra's words", files={"train.py": ECHO}, one=Launch(command=python("train.py", "optim.lr=0.1")),
              two=Launch(command=python("train.py", "optim.lr=0.2")), right="single_factor", names=("lr",)),
    Situation(name="a config in the words that the config repeats", files={"train.py": ECHO},
              one=Launch(command=python("train.py", "--lr", "0.1"), config={"lr": 0.1}),
              two=Launch(command=python("train.py", "--lr", "0.5"), config={"lr": 0.5}), right="single_factor", names=("config.lr",)),
    # ── seeds ──
    Situation(name="a seed as a word", files={"train.py": SEEDED}, one=Launch(command=python("train.py", "1")), two=Launch(command=python("train.py", "2"), seed=2), right="replicate"),
    Situation(name="a seed as an option", files={"train.py": SEEDED}, one=Launch(command=python("train.py", "--seed", "1")),
              two=Launch(command=python("train.py", "--seed", "2"), seed=2), right="replicate"),
    Situation(name="a seed in hydra's words", files={"train.py": SEEDED}, one=Launch(command=python("train.py", "seed=1")),
              two=Launch(command=python("train.py", "seed=2"), seed=2), right="replicate"),
    Situation(name="a seed in the environment", files={"train.py": program("import random", "random.seed(int(os.environ['SEED']))", "print(random.random())")},
              one=Launch(env={"SEED": "1"}), two=Launch(env={"SEED": "2"}, seed=2), right="replicate"),
    Situation(name="a seed and a second word of the same number", files={"train.py": SEEDED}, one=Launch(command=python("train.py", "1", "1")),
              two=Launch(command=python("train.py", "2", "2"), seed=2), right="confounded"),
    Situation(name="an output folder named after the seed", files={"train.py": program(
              "import random; random.seed(int(sys.argv[2])); os.makedirs(sys.argv[1], exist_ok=True)", "open(sys.argv[1] + '/r.txt', 'w').write(str(random.random()))", "print(1)"),
              ".gitignore": "out/\n"},
              one=Launch(command=python("train.py", "out/s1", "1")), two=Launch(command=python("train.py", "out/s2", "2"), seed=2), right="replicate"),
    # ── the environment ──
    Situation(name="a variable", files={"train.py": program("print(os.environ.get('EPOCHS'))")}, one=Launch(env={"EPOCHS": "1"}), two=Launch(env={"EPOCHS": "50"}),
              right="single_factor", names=("EPOCHS",)),
    Situation(name="a variable that was not set", files={"train.py": program("print(os.environ.get('EPOCHS', '1'))")}, two=Launch(env={"EPOCHS": "50"}),
              right="single_factor", names=("EPOCHS",)),
    Situation(name="a variable that a child looks up", files={"train.py": program("import subprocess", "print(subprocess.run([sys.executable, 'c.py'], capture_output=True).stdout)"),
              "c.py": program("print(os.environ['EPOCHS'])")}, one=Launch(env={"EPOCHS": "1"}), two=Launch(env={"EPOCHS": "50"}), right="single_factor", names=("EPOCHS",)),
    Situation(name="a variable nobody looks up", files={"train.py": ECHO}, one=Launch(env={"EPOCHS": "1"}), two=Launch(env={"EPOCHS": "50"}), right="clean"),
    Situation(name="the environment copied whole", files={"train.py": program("import subprocess", "e = dict(os.environ); e2 = os.environ.copy(); e3 = {**os.environ}",
              "print(subprocess.run([sys.executable, '-c', 'print(1)'], env=e).returncode)")}, one=Launch(env={"EPOCHS": "1"}), two=Launch(env={"EPOCHS": "50"}), right="clean"),
    Situation(name="threads of native code", files={"train.py": ECHO}, one=Launch(env={"OMP_NUM_THREADS": "1"}), two=Launch(env={"OMP_NUM_THREADS": "2"}),
              right="single_factor", names=("OMP_NUM_THREADS",)),
    Situation(name="the time zone", files={"train.py": program("import time", "print(time.localtime(0).tm_hour)")}, one=Launch(env={"TZ": "UTC"}),
              two=Launch(env={"TZ": "Asia/Tokyo"}), right="single_factor", names=("TZ",)),
    Situation(name="a file of variables", files={"train.py": program("print(open('.env').read())"), ".env": "EPOCHS=1\n", ".gitignore": ".env\n"},
              two=Launch(before=write(".env", "EPOCHS=50\n")), right="factor", names=(".env",)),
    # ── code ──
    Situation(name="a script of another tree", files={"train.py": ECHO, "../elsewhere/go.py": "print(1)\n"}, one=Launch(command=python("../elsewhere/go.py"), before=lambda top: (git(top / "../elsewhere", "init", "-q"), commit(top / "../elsewhere"))),
              two=Launch(command=python("../elsewhere/go.py"), before=lambda top: (write("../elsewhere/go.py", "print(2)\n")(top), commit(top / "../elsewhere"))), right="factor", names=("go.py",)),
    Situation(name="a module behind a link", files={"train.py": program("import lib.net as n; print(n.W)"), "../lib src/net.py": "W = 1\n"},
              one=Launch(before=lambda top: (top / "lib").symlink_to(top / "../lib src")), two=Launch(before=write("../lib src/net.py", "W = 2\n")), right="factor", names=("net.py",)),
    Situation(name="a module that is taken out of sight", files={"train.py": program("import net, sys as s; print(net.W); del s.modules['net']"), "net.py": "W = 1\n"},
              two=Launch(before=write("net.py", "W = 2\n")), right="single_factor", names=("net.py",)),
    Situation(name="text that is run", files={"train.py": program("exec(os.environ['RECIPE'])")}, one=Launch(env={"RECIPE": "print(1)"}), two=Launch(env={"RECIPE": "print(2)"}), right="factor"),
    Situation(name="a comment", files={"train.py": ECHO}, two=Launch(before=write("train.py", ECHO + "# a remark\n")), right="clean"),
    Situation(name="files beside", files={"train.py": ECHO}, two=Launch(before=lambda top: (write("plot.py", "print(1)")(top), write("go.sh", "echo")(top), write("tests/test_a.py", "assert 1")(top),
              write("n.ipynb", "{}")(top), write("docs/a.rst", "x")(top), write("conf/b.yaml", "a: 1")(top))), right="clean"),
    Situation(name="a module of the tree that is not imported", files={"train.py": ECHO, "other_net.py": "W = 1\n"}, two=Launch(before=write("other_net.py", "W = 2\n")), right="clean"),
    # ── data ──
    Situation(name="a file outside", files={"train.py": program("print(open('../d.csv').read())"), "../d.csv": "1"}, two=Launch(before=write("../d.csv", "2")), right="single_factor", names=("d.csv",)),
    Situation(name="a folder that is only listed", files={"train.py": program("print(len(os.listdir('../set')))"), "../set/1": "1"},
              two=Launch(before=write("../set/2", "2")), right="single_factor", names=("set/*",)),
    Situation(name="a folder that is gone through by pathlib", files={"train.py": program("from pathlib import Path", "print(sorted(p.name for p in Path('../set').rglob('*.png')))"), "../set/in/1.png": "1"},
              two=Launch(before=write("../set/in/2.png", "2")), right="single_factor", names=("set/in/*",)),
    Situation(name="an output folder that is listed", files={"train.py": program("os.makedirs('out', exist_ok=True)", "n = len(os.listdir('out'))", "open('out/%d.txt' % n, 'w').write('1')", "print(len(os.listdir('.')))"), ".gitignore": "out/\n"}, right="clean"),
    Situation(name="a file more in a folder", files={"train.py": program("import glob", "print([open(p).read() for p in sorted(glob.glob('../set/*'))])"), "../set/1": "1"},
              two=Launch(before=write("../set/2", "2")), right="single_factor", names=("set",)),
    Situation(name="a folder of thousands", files={"train.py": program("print(sum(len(open(f'../set/{i}').read()) for i in range(3000)))")},
              one=Launch(before=lambda top: [write(f"../set/{i}", "x")(top) for i in range(3000)]), two=Launch(before=write("../set/2999", "longer")), right="single_factor", names=("set",)),
    Situation(name="a path in the words, other content", files={"train.py": program("print(open(sys.argv[1]).read())"), "../a.csv": "1", "../b.csv": "2"},
              one=Launch(command=python("train.py", "../a.csv")), two=Launch(command=python("train.py", "../b.csv")), right="single_factor"),
    Situation(name="a path in the words, equal content", files={"train.py": program("print(open(sys.argv[1]).read())"), "../a.csv": "1", "../b.csv": "1"},
              one=Launch(command=python("train.py", "../a.csv")), two=Launch(command=python("train.py", "../b.csv")), right="clean"),
    Situation(name="a declared data set that was moved", files={"train.py": program("print(open(sys.argv[1] + '/x').read())"), "../a/x": "1", "../b/x": "1"},
              one=Launch(command=python("train.py", "../a"), data=("../a",)), two=Launch(command=python("train.py", "../b"), data=("../b",)), right="clean"),
    Situation(name="a declared data set and another file", files={"train.py": program("print(open('../a/x').read(), open('../labels.txt').read())"), "../a/x": "1", "../labels.txt": "1"},
              one=Launch(data=("../a",)), two=Launch(data=("../a",), before=write("../labels.txt", "2")), right="single_factor", names=("labels.txt",)),
    Situation(name="data that changed meanwhile", files={"train.py": program("print(open('../a/x').read())", "if len(sys.argv) > 1: open('../a/y', 'w').write('z')"), "../a/x": "1"},
              one=Launch(command=python("train.py", "grow"), data=("../a",)), two=Launch(data=("../a",), before=lambda top: (top / "../a/y").unlink()), right="factor"),
    # ── outputs ──
    Situation(name="outputs in the tree", files={"train.py": program("import json", "os.makedirs('results', exist_ok=True)", "json.dump(sys.argv, open('results/m.json', 'w'))",
              "open('results/model.yaml', 'w').write(sys.argv[1])", "open('code.py', 'w').write('X = ' + sys.argv[1])", "print(1)")},
              one=Launch(command=python("train.py", "1")), two=Launch(command=python("train.py", "2"), seed=2), right="replicate"),
    Situation(name="an output read back", files={"train.py": program("open('../cache.bin', 'w').write(str(os.getpid()))", "print(len(open('../cache.bin').read()) > 0)")}, right="clean"),
    Situation(name="what the last run left is read by the next", files={"train.py": program("import os.path", "old = open('../state').read() if os.path.exists('../state') else '0'",
              "open('../state', 'w').write(str(int(old) + 1))", "print(old)")}, right="moved"),
    # ── what cannot be seen ──
    Situation(name="an isolated interpreter", files={"train.py": program("print(open('../d.csv').read())"), "../d.csv": "1"}, one=Launch(command=python("-I", "train.py")),
              two=Launch(command=python("-I", "train.py"), before=write("../d.csv", "2")), right="gap"),
    Situation(name="another program", files={"train.py": program("import subprocess", "print(subprocess.run(['cat', '../d.csv'], capture_output=True).stdout)"), "../d.csv": "1"},
              two=Launch(before=write("../d.csv", "2")), right="gap"),
    Situation(name="a shell that empties PYTHONPATH", files={"go.sh": f"PYTHONPATH=. {PYTHON} train.py\n", "train.py": program("print(open('../d.csv').read())"), "../d.csv": "1"},
              one=Launch(command=("sh", "go.sh")), two=Launch(command=("sh", "go.sh"), before=write("../d.csv", "2")), right="gap"),
    Situation(name="standard input", files={"train.py": program("print(open('/dev/stdin').read() if len(sys.argv) > 9 else 1)")}, right="clean"),
)  # fmt: skip


def started(store, top: Path, launch: Launch, label: str):
    launch.before(top)
    commit(top)
    data = {f"d{i}": (top / path).resolve() for i, path in enumerate(launch.data)}
    more = {} if launch.config is None else {"config": launch.config}
    return launched(store, top, launch.command, label=label, seed=launch.seed, env=launch.env, data=data, **more)


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda s: s.name)
def test_the_answer_is_right(situation, tmp_path):
    top = tmp_path / "somewhere" / "my work"
    top.mkdir(parents=True)
    git(top, "init", "-q")
    write(".gitignore", "__pycache__/\n")(top)
    for path, text in situation.files.items():
        write(path, text)(top)
    store = open_store(tmp_path / "store")
    one, said = started(store, top, situation.one, "one")
    two, now = started(store, top, situation.two, "two")
    answer = compared(one, two)
    rows = " ".join([*(f.summary for f in answer.factors), *(m.factor for m in answer.missing)])
    told = f"{answer.verdict} ({answer.conditional}): {answer.reason}; factors and gaps: {rows}; {said!r} {now!r}"
    assert one.status == two.status == "completed", told
    match situation.right:
        case "factor":
            assert not clean(answer), told
            assert answer.factors, told
        case "moved":
            assert not clean(answer), told
        case "gap":
            assert str(answer.verdict) == "provenance_incomplete", told
        case "clean":
            assert str(answer.verdict) == "identical", told
        case verdict:
            assert str(answer.verdict) == verdict, told
    for word in situation.names:
        assert word in rows, told
