"""A program must not notice that it is observed: what it prints, how it ends, what it raises stay as they are."""

import json
import mmap
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from runaudit.observe import log as logs

PY = sys.executable
HOOK = Path(logs.__file__).with_name("hook.py")


def found_interpreters() -> list[str]:
    """Other CPythons of this machine, 3.8 and later."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    names = [str(path) for path in sorted(versions.glob("3.*/bin/python"))] if versions.is_dir() else []
    names += [found for minor in range(8, 15) if (found := shutil.which(f"python3.{minor}")) and "/shims/" not in found]
    good = []
    for name in dict.fromkeys(names):
        done = subprocess.run(
            [name, "-c", "import sys; print(sys.version_info >= (3, 8))"], capture_output=True, text=True
        )
        if done.stdout.strip() == "True":
            good.append(name)
    return good


OTHERS = found_interpreters()
ENDS = {
    "an exception": "def f():\n    open('no.csv')\nf()",
    "a message": "import sys; sys.exit('gone')",
    "a code": "import sys; sys.exit(5)",
    "a syntax error": "def f(:\n",
    "no module": "import no_such_module",
    "an assertion": "assert 1 == 2, 'no'",
    "a killed process": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "an abort": "import os; os.abort()",
    "interrupted": "import os, signal; os.kill(os.getpid(), signal.SIGINT)",
    "an exception in a thread": "import threading\nt = threading.Thread(target=lambda: 1 / 0)\nt.start(); t.join()",
    "an exception at exit": "import atexit\natexit.register(lambda: 1 / 0)",
    "an exception in a finaliser": "class A:\n    def __del__(self): open('no.csv')\na = A()\ndel a",
    "a seed that is none": "import random; random.seed([1])",
    "a database that cannot be": "import sqlite3; sqlite3.connect('no/such/folder/a.db')",
    "a warning": "import warnings; warnings.warn('careful')",
    "an unclosed file": "open('train.py').read()",
    "a lost variable": "import os; os.environ['NO_SUCH']",
    "a variable of another type": "import os; os.environ[1]",
    "recursion": "def f(): f()\ntry:\n    f()\nexcept RecursionError as e:\n    print(e)",
    "exec": "exec('1/0')",
}


def plain(text):
    """Without addresses, which differ from run to run."""
    return re.sub(r"0x[0-9a-f]+", "0x", text)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("flags", [(), ("-W", "error"), ("-X", "dev")], ids=["plain", "strict", "dev"])
def test_ends_and_messages_are_the_same(place, end, flags):
    place.write("train.py", ENDS[end])
    bare = place.bare(PY, *flags, "train.py")
    seen = place.observed(PY, *flags, "train.py")
    assert (seen.code, seen.out, plain(seen.err)) == (bare.returncode, bare.stdout, plain(bare.stderr))
    assert seen.trace.observed


STATE = """
import sys, os, json, random
print(json.dumps([
    sys.argv, sys.path, list(sys.modules), [type(f).__name__ for f in sys.meta_path], len(sys.path_hooks),
    repr(sys.flags), sys.warnoptions, sorted(sys.path_importer_cache), sorted(vars(random)),
    os.environ.get("PYTHONPATH"), "PYTHONPATH" in os.environ, os.getenv("PYTHONPATH", "none"), repr(type(sys.stdin)),
    sys.getrecursionlimit(), [repr(m.__spec__.__class__) for m in (os, random)], sys.excepthook is sys.__excepthook__,
    str(sys.gettrace()), str(sys.getprofile()), type(os.environ).__name__, len(os.listdir("/proc/self/task")),
]))
"""


@pytest.mark.parametrize("env", [{}, {"PYTHONPATH": "lib:more"}], ids=["bare", "with PYTHONPATH"])
@pytest.mark.parametrize(
    "how", [("train.py", "a b", "--lr=1"), ("-m", "train", "x"), ("-c", STATE, "x"), ("-O", "train.py")]
)
def test_a_program_sees_the_same_world(place, env, how):
    place.write("train.py", STATE)
    bare, seen = place.bare(PY, *how, env=env), place.observed(PY, *how, env=env)
    assert seen.err == bare.stderr == ""
    assert json.loads(seen.out) == json.loads(bare.stdout)


@pytest.mark.parametrize("python", OTHERS, ids=lambda name: Path(name).parents[1].name)
def test_every_interpreter_is_served(place, python):
    place.write("train.py", STATE + "open('a.csv').read()\n")
    place.write("a.csv", "1")
    bare, seen = place.bare(python, "train.py"), place.observed(python, "train.py")
    assert seen.err == bare.stderr == ""
    assert json.loads(seen.out) == json.loads(bare.stdout)
    assert {"train.py", "a.csv"} == seen.inputs
    assert seen.trace.processes[0].argv == (python, "train.py")
    assert seen.read("train.py").executed


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.7"])
def test_an_old_python_runs_unseen_and_undisturbed(place, version):
    found = sorted((Path.home() / ".pyenv/versions").glob(f"{version}*/bin/python"))
    if not found:
        pytest.skip(f"no Python {version} here")
    place.write("train.py", "import sys\nprint(sys.argv, sys.path, 'sitecustomize' in sys.modules)")
    bare, seen = place.bare(str(found[0]), "train.py", "x"), place.observed(str(found[0]), "train.py", "x")
    assert (seen.code, seen.out, seen.err) == (bare.returncode, bare.stdout, bare.stderr)
    assert seen.trace.level == "none" and seen.trace.partial


def test_what_a_signal_handler_raises_arrives(place):
    """A hook that swallows exceptions lost one in five of these."""
    place.write("a.csv", "1")
    ran = place.program("""
import signal
class Late(Exception):
    pass
def late(*_):
    raise Late
signal.signal(signal.SIGALRM, late)
got = 0
for turn in range(200):
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0005)
        for n in range(10**9):
            try:
                open("none-%d-%d" % (turn, n))
            except FileNotFoundError:
                pass
    except Late:
        got += 1
print(got)
""")
    assert ran.out.strip() == "200", ran.err


def test_closed_descriptors_break_nothing(place):
    place.write("a.csv", "1"), place.write("b.csv", "2")
    ran = place.program("""
import os
os.closerange(3, 256)
files = [open("own%d.txt" % n, "w") for n in range(20)]
open("a.csv").read()
for n in range(3000):
    try:
        open("no such file, but with a long enough name to fill the first piece of the log %d" % n)
    except OSError:
        pass
open("b.csv").read()
for n, file in enumerate(files):
    file.write(str(n)); file.close()
""")
    assert ran.code == 0, ran.err
    assert [(place.top / f"own{n}.txt").read_text() for n in range(20)] == [str(n) for n in range(20)]
    assert {"a.csv", "b.csv"} <= ran.inputs


def test_a_daemon_is_seen(place):
    place.write("a.csv", "1")
    ran = place.program("""
import os, time
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
os.closerange(0, 64)
for _ in range(3):
    os.open("/dev/null", os.O_RDWR)
open("a.csv").read()
open("done", "w").close()
""")
    del ran
    # the daemon outlives the command: what it saw stands in the log once it is done
    import time

    from runaudit.observe.log import read_trace

    for _ in range(200):
        if (place.top / "done").exists():
            break
        time.sleep(0.02)
    assert str(place.top / "a.csv") in read_trace(next(place.top.parent.glob("observed*"))).reads


def test_pickles_are_the_same(place):
    pytest.importorskip("numpy")
    text = """
import pickle, random, numpy, sqlite3
print([pickle.dumps(f, 2) for f in (random.Random(1).random, sqlite3.connect, numpy.random.default_rng)])
for f in (random.seed, numpy.random.seed, numpy.random.default_rng, sqlite3.connect):
    assert pickle.loads(pickle.dumps(f)) is f
print([(f.__name__, f.__module__) for f in (numpy.random.default_rng, sqlite3.connect)])
"""
    place.write("train.py", text)
    seen = place.observed(PY, "train.py")
    assert seen.code == 0, seen.err
    assert seen.out.splitlines()[1] == "[('default_rng', 'numpy.random'), ('connect', 'sqlite3')]" or seen.out


def test_torch_functions_pickle_and_keep_their_names(place):
    pytest.importorskip("torch")
    ran = place.program("""
import pickle, inspect, torch, random
for f in (torch.manual_seed, torch.random.manual_seed, torch.save, torch.load, torch.cuda.manual_seed_all):
    assert pickle.loads(pickle.dumps(f)) is f, f
assert torch.manual_seed is torch.random.manual_seed and "seed" in inspect.signature(torch.manual_seed).parameters
g = torch.Generator().manual_seed(3)
torch.manual_seed(4)
@torch.jit.script
def f(x):
    return x + 1
print(f(torch.ones(1)).item())
""")
    assert (ran.code, ran.out) == (0, "2.0\n"), ran.err
    assert {(s.call, s.value) for s in ran.trace.seeded} >= {("torch.manual_seed", 4)}
    assert {Path(s.file).name for s in ran.trace.seeded if s.call == "torch.manual_seed"} == {"train.py"}


def test_the_own_sitecustomize_and_usercustomize_run(place):
    place.write("lib/sitecustomize.py", "import builtins\nbuiltins.MARK = 'mine'\n")
    place.write("train.py", "import sys, sitecustomize\nprint(MARK, sys.modules['sitecustomize'].__file__)")
    env = {"PYTHONPATH": str(place.top / "lib")}
    bare, seen = place.bare(PY, "train.py", env=env), place.observed(PY, "train.py", env=env)
    assert (seen.out, seen.err) == (bare.stdout, bare.stderr) and "mine" in seen.out
    assert seen.read("lib/sitecustomize.py").executed


def test_an_own_sitecustomize_that_fails_fails_alike(place):
    place.write("lib/sitecustomize.py", "raise ValueError('mine')\n")
    place.write("train.py", "print(1)")
    env = {"PYTHONPATH": str(place.top / "lib")}
    bare, seen = place.bare(PY, "train.py", env=env), place.observed(PY, "train.py", env=env)
    assert (seen.code, seen.out, seen.err) == (bare.returncode, bare.stdout, bare.stderr) and "mine" in seen.err


def test_another_sitecustomize_before_ours_is_no_loss_outside_of_environments(place, tmp_path):
    """`usercustomize` rescues it; environments without the user's folder import none, and are told."""
    base = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
    if not base.is_file():
        pytest.skip("the environment's own interpreter is not there")
    place.write("lib/sitecustomize.py", "")
    place.write("run.py", f"import os, subprocess\nenv = dict(os.environ)\n"
    f"env['PYTHONPATH'] = {str(place.top / 'lib')!r} + ':' + env['PYTHONPATH']\n"
                f"subprocess.run([{str(base)!r}, 'train.py'], env=env)")  # fmt: skip
    place.write("a.csv", "1"), place.write("train.py", "open('a.csv').read()")
    ran = place.observed(str(base), "run.py")
    assert "a.csv" in ran.inputs and ran.trace.level == "full", ran.trace.partial


@pytest.mark.parametrize("change", [
    "os.environ['PYTHONPATH'] = 'x' + os.pathsep + os.environ.get('PYTHONPATH', '')",
    "os.environ.pop('OTHER', None)",
    "os.environ.setdefault('PYTHONPATH', 'x')",
    "os.environ.get('PYTHONPATH'); os.environ['OTHER'] = '1'; print(os.environ['OTHER'])",
])  # fmt: skip
def test_children_are_seen_after_the_program_set_pythonpath(place, change):
    (
        place.write("a.csv", "1"),
        place.write("child.py", "import os; open('a.csv').read(); print(os.environ.get('PYTHONPATH'))"),
    )
    text = (
        f"import os, subprocess, sys\n{change}\nsubprocess.run([sys.executable, 'child.py'])\n"
        f"print(os.environ.get('PYTHONPATH'))"
    )
    place.write("train.py", text)
    bare, seen = place.bare(PY, "train.py"), place.observed(PY, "train.py")
    assert (seen.out, seen.err) == (bare.stdout, bare.stderr)
    assert "a.csv" in seen.inputs and seen.trace.level == "full"


def test_no_room_for_the_log_does_not_kill(place):
    """The limit of a file's size stands for a full disk: the space cannot be allocated."""
    ran = place.program("""
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
for n in range(3000):
    try:
        open("no such file, but with a long enough name to fill the first piece of the log %d" % n)
    except OSError:
        pass
print("alive")
""")
    assert (ran.code, ran.out) == (0, "alive\n"), ran.err
    assert ran.trace.level == "partial" and "no room" in ran.trace.partial[0]


def test_no_room_from_the_start_does_not_kill(place):
    place.write("train.py", "print(1)")
    limited = "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); "
    limited += "os.execv(sys.executable, [sys.executable, 'train.py'])"
    ran = place.observed(PY, "-c", limited)
    assert (ran.code, ran.out, ran.err) == (0, "1\n", "")


def test_threads_lose_nothing(place):
    for n in range(800):
        place.write(f"d/{n}", "1")
    ran = place.program("""
import threading, sys
sys.setswitchinterval(1e-5)
def work(k):
    for n in range(k, 800, 8):
        open("d/%d" % n).read()
threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
""")
    assert {f"d/{n}" for n in range(800)} <= ran.inputs


def test_a_line_written_while_the_next_file_begins_is_kept(tmp_path):
    """Another thread may write at any moment; here it does so at the worst one, before the first line stands."""
    log = runpy.run_path(str(HOOK), run_name="hook")["Log"](str(tmp_path))
    meanwhile = ["R"]

    class Interrupted(mmap.mmap):
        def write(self, data):
            if data.startswith(b"runaudit-log/1") and meanwhile:
                log.put(meanwhile.pop(), "/meanwhile", "", "", "")
            return super().write(data)

    log.piece(4096)
    log.mmap = lambda descriptor, size: Interrupted(descriptor, size)
    for number in range(200):
        log.put("R", f"/{number:040d}", "", "", "")
    lines, full = logs.lines_of(tmp_path)
    assert not meanwhile and not full
    assert {line.fields[0] for line in lines} == {"/meanwhile", *(f"/{number:040d}" for number in range(200))}


def test_what_is_read_at_the_very_end_is_seen(place):
    place.write("a.csv", "1"), place.write("b.csv", "1")
    ran = place.program("""
import atexit
atexit.register(lambda: open("a.csv").read())
class Last:
    def __del__(self, open=open):
        open("b.csv").read()
last = Last()
""")
    assert (ran.code, ran.err) == (0, "")
    assert {"a.csv", "b.csv"} <= ran.inputs


def test_workers_of_a_data_loader_are_seen(place):
    pytest.importorskip("torch")
    for n in range(8):
        place.write(f"d/{n}.txt", "1")
    ran = place.program("""
import sys, torch
class Data(torch.utils.data.Dataset):
    def __len__(self): return 8
    def __getitem__(self, n): return float(open("d/%d.txt" % n).read())
if __name__ == "__main__":
    for start in ("fork", "spawn"):
        list(torch.utils.data.DataLoader(Data(), num_workers=2, multiprocessing_context=start))
""")
    assert ran.code == 0, ran.err
    assert {f"d/{n}.txt" for n in range(8)} <= ran.inputs
    assert ran.trace.level == "full", ran.trace.partial


def test_a_subprocess_with_a_function_before_exec_is_itself(place):
    ran = place.program("import subprocess\nsubprocess.run(['cat', 'train.py'], preexec_fn=lambda: None)", sample=True)
    assert ran.trace.level == "partial" and "cat" in ran.trace.partial[0]


def test_compiled_functions_stay_whole(place):
    """torch.compile reads the functions that a compiled one calls, ours among them."""
    pytest.importorskip("torch")
    place.write(
        "train.py",
        """
import os, random, warnings, torch
warnings.simplefilter("ignore")
def variable(x): return x + (1 if os.environ.get("EPOCHS") else 2)
def seeded(x):
    torch.manual_seed(3)
    return x + torch.rand(1)
def drawn(x):
    random.seed(3)
    return x + random.random()
for f in (variable, seeded, drawn):
    for whole in (True, False):
        try:
            print(f.__name__, whole, torch.compile(f, backend="eager", fullgraph=whole)(torch.ones(1)))
        except Exception as error:
            print(f.__name__, whole, type(error).__name__)
""",
    )
    bare, seen = place.bare(PY, "train.py"), place.observed(PY, "train.py")
    assert (seen.code, seen.out) == (bare.returncode, bare.stdout)
    assert "variable True tensor" in seen.out
