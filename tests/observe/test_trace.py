"""What a trace tells: order of reading and writing, texts, seeds, children, a folder folded, and what was not seen."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from runaudit.observe import gaps
from runaudit.observe.lay import install, lay, uninstall
from runaudit.observe.log import read_trace
from runaudit.observe.sampler import Sampler, _Seen
from runaudit.observe.trace import Child, Process

PY = sys.executable


def sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("way", [
    "open('a.csv', 'w').write('new')", "os.replace('b.csv', 'a.csv')", "os.remove('a.csv')", "os.truncate('a.csv', 1)",
    "open('a.csv', 'r+').write('n')", "open('a.csv', 'a').write('n')", "pathlib.Path('a.csv').write_text('new')",
    "shutil.move('a.csv', 'z')",
    "shutil.copy('b.csv', 'a.csv')",
])  # fmt: skip
def test_what_was_read_counts_as_it_was_before_the_run_changed_it(place, way):
    place.write("a.csv", "old"), place.write("b.csv", "b")
    ran = place.program(f"import os, pathlib, shutil\nopen('a.csv').read()\n{way}")
    assert ran.code == 0, ran.err
    read = ran.read("a.csv")
    assert (read.before, read.own) == (sha256(b"old"), False)


def test_what_a_child_overwrites_counts_as_it_was(place):
    place.write("a.csv", "old")
    ran = place.program(
        "import subprocess, sys\nopen('a.csv').read()\n"
        "subprocess.run([sys.executable, '-c', \"open('a.csv', 'w').write('new')\"])"
    )
    assert ran.read("a.csv").before == sha256(b"old") and not ran.read("a.csv").own


def test_what_is_appended_to_and_read_is_an_input_with_its_old_content(place):
    place.write("log.csv", "old\n")
    ran = place.program("open('log.csv', 'a').write('new')\nopen('log.csv').read()")
    assert (ran.read("log.csv").own, ran.read("log.csv").before) == (False, sha256(b"old\n"))


def test_what_was_not_there_before_it_was_appended_to_is_own(place):
    ran = place.program("open('log.csv', 'a').write('new')\nopen('log.csv').read()")
    assert ran.read("log.csv").own


def test_what_held_something_before_it_was_written_is_told_with_what_it_held(place):
    for name in ("appended", "rewritten", "replaced", "removed"):
        place.write(name, "old\n")
    ran = place.program("""
import os
open("appended", "a").write("new")
text = open("rewritten").read()
open("rewritten", "w").write(text + "new")
open("replaced", "w").write("new")
os.remove("removed")
open("removed", "a").write("new")
open("fresh", "a").write("new")
open("fresh", "a").write("more")
""")
    grown = {Path(path).name: digest for path, digest in ran.trace.grown.items()}
    assert grown == {"appended": sha256(b"old\n"), "rewritten": sha256(b"old\n")}


def with_mlflow(place, asked):
    """A program that logs to a database of MLflow's, and then does what is asked."""
    folder = "v/site-packages/mlflow/store/tracking"
    for above in ("mlflow", "mlflow/store", "mlflow/store/tracking"):
        place.write(f"v/site-packages/{above}/__init__.py", "")
    place.write(
        f"{folder}/sqlalchemy_store.py",
        """
import sqlite3
from types import SimpleNamespace
class SqlAlchemyStore:
    def __init__(self, db_uri, root=None):
        sqlite3.connect(db_uri.partition(":///")[2]).close()
    def create_run(self, experiment_id, user_id, start_time, tags, run_name):
        return SimpleNamespace(info=SimpleNamespace(run_id="a" * 32))
    def log_metric(self, run_id, metric):
        pass
    def log_batch(self, run_id, metrics, params, tags):
        pass
    def get_run(self, run_id):
        pass
    def _search_runs(self, *words):
        pass
""",
    )
    return place.program(
        """
import sqlite3
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
store = SqlAlchemyStore("sqlite:///mlflow.db")
run = store.create_run("0", "ada", 0, [], "fish").info.run_id
store.log_metric(run, None)
store.get_run(run)
"""
        + asked,
        env={"PYTHONPATH": "v/site-packages"},
    )


def test_a_run_in_the_database_of_a_tracker_is_told_by_whoever_wrote_of_it(place):
    """Of a database nobody outside of MLflow can tell which process wrote which row."""
    ran = with_mlflow(place, 'store.log_batch(run_id="b" * 32, metrics=[], params=[], tags=[])')
    assert ran.code == 0, ran.err
    assert ran.trace.begun == {"a" * 32: True, "b" * 32: False}
    assert ran.trace.ledgers == frozenset()


@pytest.mark.parametrize(("asked", "is_ledger"), [
    ("", True), ("store.get_run('b' * 32)", False), ("store._search_runs('all')", False),
    ("sqlite3.connect('mlflow.db')", False),
])  # fmt: skip
def test_the_database_of_a_tracker_is_an_input_where_it_was_asked_for_another_run(place, asked, is_ledger):
    ran = with_mlflow(place, asked)
    assert ran.code == 0, ran.err
    assert (str(place.top / "mlflow.db") in ran.trace.ledgers) is is_ledger


def test_a_probe_of_what_the_run_makes_later_is_no_input(place):
    ran = place.program(
        "try:\n    open('cache.bin')\nexcept OSError:\n    open('cache.bin', 'w').write('1')\nopen('cache.bin').read()"
    )
    assert ran.inputs == {"train.py"}


def test_an_output_that_is_moved_into_place_is_own(place):
    text = "import os\nopen('m.tmp', 'w').write('1')\nos.replace('m.tmp', 'm.pt')\nopen('m.pt').read()\n"
    text += "os.mkdir('t')\nopen('t/x', 'w').write('1')\nos.rename('t', 'u')\nopen('u/x').read()"
    ran = place.program(text)
    assert ran.inputs == {"train.py"}
    assert str(place.top / "m.pt") in ran.trace.written and str(place.top / "m.tmp") in ran.trace.removed


@pytest.mark.parametrize("way", ["os.rename('d', 'e')", "os.symlink('d', 'e')"])
def test_an_input_that_is_read_under_a_new_name_is_an_input(place, way):
    place.write("d/a.csv", "1")
    ran = place.program(f"import os\n{way}\nopen('e/a.csv').read()")
    assert "d/a.csv" in ran.inputs


def test_what_one_process_wrote_and_another_read_is_own(place):
    ran = place.program(
        "import subprocess, sys\nopen('x', 'w').write('1')\n"
        "subprocess.run([sys.executable, '-c', \"open('x').read(); open('y', 'w')\"])\nopen('y').read()"
    )
    assert ran.inputs == {"train.py"}


def test_texts_without_a_file_are_kept(place):
    place.write("in.py", "open('a.csv', 'w')\n")
    ran = place.program(
        "exec('X = 41')\neval('X + 1')\nimport collections, dataclasses\ncollections.namedtuple('A', 'b')"
    )
    assert [text.source for text in ran.trace.texts] == ["X = 41", "X + 1"]
    ran = place.observed(PY, "-c", "X = 43")
    assert [(text.name, text.source) for text in ran.trace.texts] == [("<command>", "X = 43")]
    with (place.top / "in.py").open() as file:
        ran = place.observed(PY, stdin=file)
    assert "in.py" in ran.inputs and ran.read("in.py").executed


def test_a_script_from_a_pipe_is_told_as_what_it_was_compiled_to(place):
    one, two, three = (place.observed(PY, "-", given=f"x = {n}\nprint(x)\n").trace.texts for n in (1, 1, 2))
    assert one == two != three and len(one) == 1


def test_cells_are_kept(place):
    """As IPython does: the text is parsed under the cell's name, and the tree is compiled and run."""
    ran = place.program("""
import ast
name = "/tmp/ipykernel_12/345.py"
tree = compile("y = 7", name, "exec", ast.PyCF_ONLY_AST)
exec(compile(tree, name, "exec"))
""")
    assert [(t.name, t.source) for t in ran.trace.texts] == [("/tmp/ipykernel_12/345.py", "y = 7")]


def test_seeds_are_told_with_their_place(place):
    pytest.importorskip("numpy")
    ran = place.program(
        "import random, numpy as np\nrandom.seed(3)\nnp.random.seed(seed=4)\nnp.random.default_rng(5)\nrandom.seed()\n"
    )
    found = [(s.call, s.value, Path(s.file).name, s.line) for s in ran.trace.seeded]
    assert found == [("random.seed", 3, "train.py", 2), ("numpy.random.seed", 4, "train.py", 3),
                     ("numpy.random.default_rng", 5, "train.py", 4), ("random.seed", None, "train.py", 5)]  # fmt: skip


def test_what_the_run_sets_itself_is_no_look_up(place):
    ran = place.program(
        "import os, subprocess, sys\nos.environ['A'] = '1'\nos.environ['A']\n"
        "subprocess.run([sys.executable, 'child.py'], env={**os.environ, 'B': '2'})"
        if not place.write("child.py", "import os\nos.environ['A'], os.environ['B'], os.environ.get('C')")
        else ""
    )
    if not ran.trace.children:
        ran = place.program("import os, subprocess, sys\nos.environ['A'] = '1'\nos.environ['A']\n"
                            "subprocess.run([sys.executable, 'child.py'], env={**os.environ, 'B': '2'})")  # fmt: skip
    assert ran.looked_up == {"C": None}


def test_children_are_told(place):
    place.write("child.py", "")
    ran = place.program("import subprocess, sys, platform\nsubprocess.run([sys.executable, 'child.py', '1'])\n"
                        "subprocess.run(sys.executable + ' child.py 2', shell=True)\n"
                        "subprocess.run(['nice', sys.executable, 'child.py', '3'])\n"
                        "subprocess.run(['uname'], stdout=-3)")  # fmt: skip
    assert [child.seen for child in ran.trace.children] == [True, True, True, False]
    assert ran.trace.partial == ("`uname` was started by train.py: what it read was not seen",)


def test_what_a_library_starts_is_its_own_affair(place):
    place.write(
        "v/site-packages/lib.py",
        "import subprocess\nsubprocess.run(['true'])\ndef f():\n    subprocess.run(['cat', 'a.csv'])\n",
    )
    place.write("a.csv", "1")
    ran = place.program(
        "import platform, lib\nplatform.libc_ver(); platform.uname().processor\nlib.f()",
        env={"PYTHONPATH": "v/site-packages"},
    )
    assert ran.code == 0, ran.err
    assert ran.trace.level == "full", ran.trace.partial
    assert "a.csv" in ran.inputs and all("lib.py" in c.by or "platform" in c.by for c in ran.trace.children)


def test_who_asked_is_the_project_unless_a_library_was_being_imported(place):
    place.write("v/site-packages/lib.py", "open('at_import.csv').read()\ndef f(n):\n    return open(n).read()\n")
    place.write("at_import.csv", "1"), place.write("a.csv", "1")
    ran = place.program("import lib\nlib.f('a.csv')", env={"PYTHONPATH": "v/site-packages"})
    lib = str(place.top / "v/site-packages/lib.py")
    assert ran.read("at_import.csv").by == lib
    assert (ran.read("a.csv").by, ran.read("a.csv").through) == (str(place.top / "train.py"), lib)


def test_thousands_of_files_are_told_as_one_folder(place):
    ran = place.program("""
import os
for k in range(2):
    os.makedirs("set/%d" % k)
    for n in range(6000):
        os.close(os.open("set/%d/%d" % (k, n), os.O_CREAT | os.O_WRONLY))
""", name="make.py")  # fmt: skip
    ran = place.program(
        "import os\nfor k in range(2):\n    for n in range(6000):\n        open('set/%d/%d' % (k, n)).close()\n"
        "open('train.py').read()"
    )
    folded = {path for path, read in ran.trace.reads.items() if read.folder}
    assert folded == {str(place.top / "set/0"), str(place.top / "set/1")}
    assert len(ran.trace.reads) < 12000 and "train.py" in ran.inputs


@pytest.mark.parametrize("library", ["decord", "tensorflow"])
def test_a_library_whose_readers_are_not_known_is_a_gap_where_the_project_imports_it(place, library):
    (
        place.write(f"v/site-packages/{library}/__init__.py", ""),
        place.write("v/site-packages/other.py", f"import {library}\n"),
    )
    env = {"PYTHONPATH": "v/site-packages"}
    ran = place.program(f"import {library}", env=env)
    assert ran.trace.partial == (
        f"{library} reads files by itself: what {place.top}/train.py read with it was not seen",
    )
    assert place.program("import other", env=env).trace.level == "full"


def test_a_late_install_is_a_gap_and_can_be_switched_off(place, tmp_path):
    (tmp_path / "a.csv").write_text("1"), (tmp_path / "b.csv").write_text("1")
    root = str(Path(__file__).parents[2])
    ran = place.bare(PY, "-c", f"""
import sys, os
sys.path[:0] = [p for p in {sys.path!r} if p] + [{root!r}]
from pathlib import Path
from runaudit.observe.lay import install, uninstall
import subprocess
assert install(Path({str(tmp_path / 'o')!r}), late=True)
assert not install(Path({str(tmp_path / 'p')!r}), late=True)
open({str(tmp_path / 'a.csv')!r}).read()
os.environ.get("FIRST")
subprocess.run([sys.executable, "-c", "open({str(tmp_path / 'c.csv')!r}, 'w')"])
uninstall()
open({str(tmp_path / 'b.csv')!r}).read()
os.environ.get("SECOND")
print(os.environ.get("PYTHONPATH"))
""")  # fmt: skip
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "None\n", "")
    trace = read_trace(tmp_path / "o")
    assert str(tmp_path / "a.csv") in trace.reads and str(tmp_path / "b.csv") not in trace.reads
    assert str(tmp_path / "c.csv") in trace.written
    assert {one.name for one in trace.lookups if one.by == "<string>"} == {"FIRST"}
    assert trace.level == "partial" and "after it had begun" in trace.partial[0]


def test_the_folders_of_a_program_that_imports_nothing_more_are_known(place, tmp_path):
    """Else the installed packages that it had loaded count as its own code."""
    root = str(Path(__file__).parents[2])
    ran = place.bare(PY, "-c", f"""
import sys
sys.path[:0] = [p for p in {sys.path!r} if p] + [{root!r}]
from pathlib import Path
from runaudit.observe import hook
from runaudit.observe.lay import install
assert install(Path({str(tmp_path / 'o')!r}), late=True)
""")  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
    assert root in read_trace(tmp_path / "o").processes[0].folders


def test_an_observed_program_that_records_is_observed_once(place):
    assert install is not uninstall
    root = str(Path(__file__).parents[2])
    ran = place.program(f"import sys\nsys.path[:0] = [p for p in {sys.path!r} if p] + [{root!r}]\n"
    f"from pathlib import Path\n"
                        "from runaudit.observe.lay import install, uninstall\n"
                        "print(install(Path('o'), late=True))\nopen('a.csv', 'w')")  # fmt: skip
    assert ran.out == "False\n", ran.err
    assert str(place.top / "a.csv") in ran.trace.written


def test_nothing_laid_nothing_seen(tmp_path):
    trace = read_trace(tmp_path / "no")
    assert (trace.level, trace.observed) == ("none", False)


def test_half_a_log_is_read_as_far_as_it_goes(place):
    place.write("a.csv", "1")
    ran = place.program("open('a.csv').read()")
    for log in (ran.folder / "log").glob("*.log"):
        data = log.read_bytes().rstrip(b"\0")
        log.write_bytes(data[:-5] + b"\xff\xfe\nR\tno number\n\n")
    assert read_trace(ran.folder).observed


def test_a_script_of_the_shell_is_a_gap_and_its_pythons_are_seen(place):
    (
        place.write("a.csv", "1"),
        place.write("train.py", "open('a.csv').read()"),
        place.write("go.sh", f"{PY} train.py\ntrue\n"),
    )
    ran = place.observed("sh", "go.sh")
    assert "a.csv" in ran.inputs and ran.trace.level == "partial" and "sh go.sh" in ran.trace.partial[0]


@pytest.mark.parametrize(
    "command",
    [["sh", "-c", "{py} train.py 1"], ["env", "A=1", "{py}", "train.py", "1"], ["nice", "{py}", "train.py", "1"]],
)
def test_a_launcher_that_hands_its_words_on_is_no_gap(place, command):
    place.write("a.csv", "1"), place.write("train.py", "open('a.csv').read()")
    ran = place.observed(*[word.format(py=PY) for word in command])
    assert "a.csv" in ran.inputs and ran.trace.level == "full", ran.trace.partial


def test_files_that_stay_open_or_mapped_are_found_from_outside(place, tmp_path):
    pytest.importorskip("torch")
    place.write("w.bin", b"\0" * 4096)
    ran = place.program(
        f"import ctypes, os\nlibc = ctypes.CDLL(None)\nfd = libc.open(b'w.bin', 0)\nassert fd > 2\n{place.wait}",
        sample=True,
    )
    assert "w.bin" in ran.inputs and ran.read("w.bin").via == "held open"


def test_env_without_the_observer_is_told_with_its_reason(place):
    place.write("child.py", place.wait)
    ran = place.program(
        "import subprocess, sys\nsubprocess.run([sys.executable, 'child.py'], env={'PYTHONPATH': 'mine'})", sample=True
    )
    assert ran.trace.level == "partial" and "PYTHONPATH was replaced (mine)" in " ".join(ran.trace.partial)


def test_what_a_forked_copy_becomes_is_what_is_told_of(place):
    """On a busy machine many looks fall between fork and exec, and exec keeps the interpreter."""
    place.write("child.py", place.wait)
    program = """
    import ctypes, os, sys
    libc = ctypes.CDLL(None)
    words = (ctypes.c_char_p * 3)(b"python", b"child.py")
    pid = libc.fork()
    if not pid:
        libc.close(libc.creat(b"copied", 0o600))
        while libc.access(b"looked", 0): pass
        libc.execve(sys.executable.encode(), words, (ctypes.c_char_p * 1)())
    os.waitpid(pid, 0)
    """
    place.looks_while_copied = 5
    ran = place.program(dedent(program), sample=True)
    told = " ".join(ran.trace.partial)
    assert "child.py` its PYTHONPATH was replaced (unset)" in told and "`python train.py`" not in told


@pytest.mark.parametrize(
    ("argv", "seen", "same"),
    [
        (("python", "a.py", "1"), ("/usr/bin/python3", "a.py", "1"), True),
        (("python", "a.py"), ("python", "b.py"), False),
        (("cat", "a.py"), ("python", "a.py"), False),
        (("./tool", "x"), ("/usr/bin/python3", "./tool", "x"), True),
        (("torchrun", "x"), ("/v/bin/python", "/v/bin/torchrun", "x"), True),
        (("sh", "-c", "python a.py"), ("python", "a.py"), True),
        (("sh", "-c", "cat b; python a.py"), ("python", "a.py"), False),
        (("python",), ("python",), True),
    ],
)
def test_which_process_a_child_became(argv, seen, same):
    assert gaps.same_command(argv, seen) is same


def test_one_process_answers_for_one_child():
    process = Process(pid=2, parent=1, executable="python", argv=("python", "a.py"), cwd="/")
    children = [Child(argv=("python", "a.py")), Child(argv=("python", "a.py"))]
    assert [child.seen for child in gaps.matched(children, [process])] == [True, False]


def test_laying_twice_is_laying_once(tmp_path):
    first, second = lay(tmp_path / "o", {"PYTHONPATH": "x"}), lay(tmp_path / "o", {})
    assert first == {"PYTHONPATH": f"{tmp_path / 'o'}:x"} and second == {"PYTHONPATH": str(tmp_path / "o")}
    subprocess.run([PY, "-c", ""], env=second, check=True)
    assert read_trace(tmp_path / "o").observed


@pytest.mark.parametrize(("host", "level"), [("config.mlflow-telemetry.invalid", "full"), ("data.invalid", "partial")])
def test_what_a_tracker_is_told_to_report_home_is_no_input_and_what_it_fetches_is(place, host, level):
    place.write(
        "lib/site-packages/mlflow.py",
        f"""
import sys
def fetch():
    sys.audit('socket.getaddrinfo', {host!r}, 443, 0, 0, 0)  # as asking would, and nobody is asked
""",
    )
    ran = place.program("import mlflow\nmlflow.fetch()", env={"PYTHONPATH": "lib/site-packages"})
    assert ran.code == 0, ran.err
    assert ran.trace.level == level


def test_what_a_hub_sent_is_an_input_though_the_run_wrote_it_first(place, tmp_path):
    cache = tmp_path / "cache"
    cache.mkdir()
    place.write(
        "lib/site-packages/huggingface_hub.py",
        "import sys\n"
        "def download(path):\n"
        "    sys.audit('socket.getaddrinfo', 'hub.invalid', 443, 0, 0, 0)  # as asking would, and nobody is asked\n"
        "    open(path, 'w').write('weights')\n",
    )
    text = (
        "import sys; sys.path.insert(0, 'lib/site-packages')\n"
        f"import huggingface_hub; huggingface_hub.download({str(cache / 'w.bin')!r})\n"
        f"open({str(cache / 'w.bin')!r}).read()\n"
        "open('own.txt', 'w').write('1'); open('own.txt').read()\n"
    )
    place.write("train.py", text)

    seen = place.observed(PY, "train.py").trace

    assert seen.partial == ()
    assert not seen.reads[str(cache / "w.bin")].own
    assert seen.reads[str(place.top / "own.txt")].own


def _looks(sampler, pid, path, *moments):
    for moment in moments:
        sampler._hold(pid, str(path), False, moment)


def test_what_is_held_counts_where_two_looks_saw_it_and_the_hook_ran_before(place):
    """What `site` has open while a look falls on it is no input of the run: equal runs would differ by chance."""
    folder = place.top.parent / "seen"
    (folder / "log").mkdir(parents=True)
    head = "\t".join(["1", "start", PY, PY, str(place.top), "3.11.7", "/p", "/b", "/dev/null", "0", "python", "a.py"])
    (folder / "log" / "7-1-0.log").write_text(f"runaudit-log/1\t \nS\t100\t{head}\n")
    sampler = Sampler(7, folder)
    _looks(sampler, 7, place.write("once.bin", "1"), 200)
    _looks(sampler, 7, place.write("twice.bin", "1"), 200, 300)
    _looks(sampler, 7, place.write("early.bin", "1"), 50, 200)
    for name in ("x.pth", "pyvenv.cfg", "python311._pth"):
        _looks(sampler, 7, place.write(name, "1"), 200, 300)
    sampler.stop()
    assert list(read_trace(folder).reads) == [str(place.top / "twice.bin")]


def test_what_a_package_starts_is_its_affair_and_so_is_what_that_starts(place):
    """`wandb` starts its service, and that asks git: the program's inputs are none of theirs."""
    sampler = Sampler(7, place.top)
    library, core = "/v/lib/python3.11/site-packages/wandb/x.py", ("/w/wandb-core", "--port", "1")
    for pid, parent, argv in ((8, 7, core), (9, 8, ("git", "rev-parse")), (10, 7, ("tool", "x"))):
        sampler._seen[pid, "1"] = _Seen(pid, parent, f"/bin/{argv[0]}", argv, None, (), 0.0, 9.0, 2)
    found = sampler._unseen({7: {PY}}, [(library, core)])
    assert found == ["`tool x` was started by native code: what it read was not seen"]


@pytest.mark.parametrize("way", [
    "for k in os.environ:\n    pass", "[k for k in os.environ]", "any(k == 'X' for k in os.environ)",
    "for k, v in os.environ.items():\n    pass", "{k: v for k, v in os.environ.items()}", "sorted(os.environ.items())",
    "for k in os.environ.keys():\n    pass", "[v for v in os.environ.values()]", "sorted(os.environ)",
])  # fmt: skip
def test_an_environment_that_the_program_goes_through_was_used_who_knows_how(place, way):
    ran = place.program(f"import os\n{way}")
    assert ran.code == 0, ran.err
    told = "the environment was gone through by train.py: which of its variables count was not seen"
    assert ran.trace.partial == (told,)


@pytest.mark.parametrize("way", [
    "dict(os.environ)", "os.environ.copy()", "{**os.environ}", "dict(os.environ, A='1')", "os.environ | {'A': '1'}",
    "subprocess.run(['true'], env={**os.environ, 'A': '1'}, stdin=subprocess.DEVNULL)", "len(os.environ)",
    "'X' in os.environ", "repr(os.environ)", "os.environ.clear()", "os.environ.update(A='1')",
])  # fmt: skip
def test_an_environment_that_is_copied_is_not_gone_through(place, way):
    ran = place.program(f"import os, subprocess\n{way}")
    assert ran.code == 0, ran.err
    assert not [reason for reason in ran.trace.partial if "environment" in reason]


def test_a_library_that_ctypes_loads_is_code_and_the_systems_own_may_read_anything(place):
    system = subprocess.run([PY, "-c", "import _ctypes; print(_ctypes.__file__)"], capture_output=True, text=True)
    place.write("x.so", Path(system.stdout.strip()).read_bytes())
    ran = place.program("import ctypes\nctypes.CDLL('./x.so')\nctypes.CDLL('libm.so.6')")
    assert ran.code == 0, ran.err
    assert ran.read("x.so").executed and ran.trace.level == "full"
    for name in ("None", "'libc.so.6'"):
        ran = place.program(f"import ctypes\nctypes.CDLL({name})")
        assert ran.trace.partial == ("native code was called through ctypes by train.py: what it read was not seen",)


def test_storages_that_torch_maps_from_a_file_are_read(place):
    pytest.importorskip("torch")
    place.write("a.bin", b"1234"), place.write("b.bin", b"1234")
    ran = place.program(
        "import torch\nprint(len(torch.UntypedStorage.from_file('a.bin', False, 4)))\n"
        "print(len(torch.FloatStorage.from_file('b.bin', False, 1)))"
    )
    assert ran.out.split() == ["4", "1"], ran.err
    assert {"a.bin", "b.bin"} <= ran.inputs


@pytest.mark.parametrize("way", [
    "os.listdir('d')", "list(os.scandir('d'))", "os.listdir(b'd')", "os.listdir(os.open('d', os.O_RDONLY))",
    "glob.glob('d/*.csv')", "list(pathlib.Path('d').iterdir())", "list(pathlib.Path('d').glob('*'))",
    "list(os.walk('d'))", "os.chdir('d'); os.listdir()", "[p for p in sorted(glob.iglob('d/**', recursive=True))]",
])  # fmt: skip
def test_a_folder_that_the_program_lists_is_told(place, way):
    place.write("d/a.csv", "1")
    ran = place.program(f"import glob, os, pathlib\n{way}")
    assert ran.code == 0, ran.err
    folders = {path: by for path, by in ran.trace.listed.items() if Path(path).is_dir()}
    assert folders == {str(place.top / "d"): str(place.top / "train.py")}


def test_what_the_standard_library_lists_for_itself_is_no_listing_of_the_program(place):
    place.write("d/a.csv", "1"), place.write("pack/__init__.py", ""), place.write("pack/m.py", "")
    ran = place.program(
        "import shutil, pack.m, os\nshutil.rmtree('d')\nos.makedirs('e'); os.makedirs('pack', exist_ok=True)"
    )
    assert ran.code == 0, ran.err
    assert not ran.trace.listed
    made = {Path(path).name for path in ran.trace.written if Path(path).is_dir()}
    assert made == {"e"}


def test_a_pipe_in_the_place_of_a_log_is_waited_for_by_nobody_and_told(tmp_path):
    (tmp_path / "log").mkdir()
    os.mkfifo(tmp_path / "log" / "4711-ab-0.log")

    assert "process 4711 has a log that cannot be read" in read_trace(tmp_path).partial


def test_a_pipe_in_the_place_of_a_compiled_hook_is_replaced(tmp_path):
    lay(tmp_path, {})
    (compiled,) = (tmp_path / "__pycache__").glob("sitecustomize.*")
    compiled.unlink()
    os.mkfifo(compiled)

    lay(tmp_path, {})

    assert compiled.is_file() or not compiled.exists()


@pytest.mark.parametrize(("tracker", "asks"), [("mlflow", "open"), ("dvclive", "dulwich.of")])
@pytest.mark.parametrize("first", ["tracker.look()", "open('kept/meta.yaml').read()"])
def test_what_a_tracker_read_is_the_programs_where_the_program_reads_it_too(place, tracker, asks, first):
    place.write("kept/meta.yaml", "name: x")
    place.write("v/site-packages/dulwich.py", "of = lambda path: open(path)")
    place.write(
        f"v/site-packages/{tracker}/__init__.py",
        f"import dulwich\ndef look():\n    for _ in range(3):\n        {asks}('kept/meta.yaml').read()\n",
    )
    begin = f"import sys\nsys.path.insert(0, 'v/site-packages')\nimport {tracker} as tracker\n"
    alone = place.program(f"{begin}tracker.look()")
    both = place.program(f"{begin}{first}\nopen('kept/meta.yaml').read()\ntracker.look()")
    assert f"site-packages/{tracker}/" in alone.read("kept/meta.yaml").through
    assert both.read("kept/meta.yaml").through == ""
