"""The 25 situations in which an observer was found wanting, answered: seen as an input, told as a gap, or clean."""

import os
import sqlite3
import sys
from pathlib import Path

import pytest

from runaudit.capture.reads import Places

PY = sys.executable


def test_01_a_file_by_a_bytes_path(place):
    place.write("a.csv", "1")
    assert "a.csv" in place.program("open(b'a.csv').read()").inputs


def test_02_a_file_by_dir_fd(place):
    place.write("sub/a.csv", "1")
    ran = place.program(
        "import os\nfd = os.open('sub', os.O_RDONLY)\nos.read(os.open('a.csv', os.O_RDONLY, dir_fd=fd), 9)"
    )
    assert "sub/a.csv" in ran.inputs


def test_02_a_file_by_an_opener(place):
    place.write("sub/a.csv", "1")
    ran = place.program(
        "import os\nfd = os.open('sub', os.O_RDONLY)\n"
        "open('a.csv', opener=lambda n, f: os.open(n, f, dir_fd=fd)).read()"
    )
    assert "sub/a.csv" in ran.inputs


@pytest.mark.parametrize("change", ["os.chdir('sub')", "os.fchdir(os.open('sub', os.O_RDONLY))"])
def test_03_a_file_after_chdir(place, change):
    place.write("sub/a.csv", "1"), place.write("a.csv", "2")
    ran = place.program(f"import os\nopen('a.csv').read()\n{change}\nopen('a.csv').read()")
    assert {"a.csv", "sub/a.csv"} <= ran.inputs


def test_04_parquet_through_pandas(place):
    pytest.importorskip("pyarrow")
    pandas = pytest.importorskip("pandas")
    pandas.DataFrame({"a": [1]}).to_parquet(place.top / "a.parquet")
    ran = place.program("import pandas\npandas.read_parquet('a.parquet')")
    assert "a.parquet" in ran.inputs
    assert ran.trace.level == "full"  # pandas imports pyarrow by itself: loaded is not used


def test_05_a_pattern_through_polars(place):
    polars = pytest.importorskip("polars")
    for name in ("a.parquet", "b.parquet"):
        polars.DataFrame({"a": [1]}).write_parquet(place.top / name)
    ran = place.program("import polars\npolars.scan_parquet('*.parquet').collect().write_csv('out.csv')")
    assert {"a.parquet", "b.parquet"} <= ran.inputs
    assert str(place.top / "out.csv") in ran.trace.written


def test_06_hdf5(place):
    h5py = pytest.importorskip("h5py")
    with h5py.File(place.top / "a.h5", "w") as file:
        file["x"] = [1]
    ran = place.program(
        "import h5py\nassert isinstance(h5py.File('a.h5'), h5py.File)\nh5py.File('b.h5', 'w').close()\n"
        "h5py.File('b.h5')"
    )
    assert "a.h5" in ran.inputs and "b.h5" not in ran.inputs


def test_07_cv2(place):
    cv2, numpy = pytest.importorskip("cv2"), pytest.importorskip("numpy")
    cv2.imwrite(str(place.top / "a.png"), numpy.zeros((4, 4, 3), numpy.uint8))
    ran = place.program(
        "import cv2\nimage = cv2.imread('a.png')\ncv2.imwrite('b.png', image)\ncv2.imread('b.png')\n"
        "video = cv2.VideoCapture('a.avi')\nassert isinstance(video, cv2.VideoCapture)"
    )
    assert ran.code == 0, ran.err
    assert "a.png" in ran.inputs and "b.png" not in ran.inputs
    assert ran.read("a.png").via == "cv2.imread"


def test_08_safetensors(place):
    numpy, safetensors = pytest.importorskip("numpy"), pytest.importorskip("safetensors.numpy")
    safetensors.save_file({"w": numpy.ones(3)}, place.top / "w.safetensors")
    ran = place.program(
        "from safetensors.torch import load_file, save_file\nimport safetensors\n"
        "save_file(load_file('w.safetensors'), 'v.safetensors')\n"
        "with safetensors.safe_open('v.safetensors', framework='np') as f:\n"
        "    assert isinstance(f, safetensors.safe_open)"
    )
    assert ran.code == 0, ran.err
    assert "w.safetensors" in ran.inputs and "v.safetensors" not in ran.inputs


def test_08_a_file_of_tensors_is_weights_whoever_opened_it(place):
    for name in ("model.safetensors", "last.ckpt", "table.bin"):
        place.write(name, "x")
    ran = place.program("for name in ('model.safetensors', 'last.ckpt', 'table.bin'): open(name, 'rb').read()")

    places = Places(ran.trace, top=place.top, own=(), script=None)
    roles = [places.role(ran.read(name)) for name in ("model.safetensors", "last.ckpt", "table.bin")]
    assert roles == ["weights", "weights", "data"]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_09_a_file_of_a_worker(place, method):
    place.write("a.csv", "1")
    ran = place.program(f"""
import multiprocessing as m
def work(name):
    return open(name).read()
if __name__ == "__main__":
    m.set_start_method({method!r})
    with m.Pool(2) as pool:
        pool.map(work, ["a.csv"])
""")
    assert ran.code == 0, ran.err
    assert "a.csv" in ran.inputs
    assert ran.trace.level == "full", ran.trace.partial


@pytest.mark.parametrize(
    "end", ["os.kill(os.getpid(), 9)", "os._exit(7)", "os.execv(sys.executable, [sys.executable, '-c', 'pass'])"]
)
def test_10_what_was_read_before_a_sudden_end(place, end):
    place.write("a.csv", "1")
    ran = place.program(f"import os, sys\nopen('a.csv').read()\n{end}")
    assert "a.csv" in ran.inputs
    assert ran.code == {"os.kil": -9, "os._ex": 7, "os.exe": 0}[end[:6]]


def test_11_a_module_of_which_only_the_cache_is_opened(place):
    place.write("helper.py", "X = 1\n")
    place.bare(PY, "-c", "import helper")
    assert (place.top / "__pycache__").is_dir()
    ran = place.program("import helper")
    assert ran.read("helper.py").executed and ran.read("train.py").executed


@pytest.mark.parametrize(
    "way",
    [
        "exec(open('cfg.py').read())",
        "exec(compile(open('cfg.py').read(), 'cfg.py', 'exec'))",
        "import runpy; runpy.run_path('cfg.py')",
    ],
)
def test_12_code_that_is_executed_as_text(place, way):
    place.write("cfg.py", "LR = 1\n")
    ran = place.program(way)
    assert "cfg.py" in ran.inputs
    if not way.startswith("exec(open"):
        assert ran.read("cfg.py").executed


def test_13_data_in_site_packages(place):
    site = place.top.parent / "v/lib/site-packages/set"
    site.mkdir(parents=True), (site / "a.csv").write_text("1"), (site / "__init__.py").write_text("")
    ran = place.program(
        "import set, pathlib\n(pathlib.Path(set.__file__).parent / 'a.csv').read_text()",
        env={"PYTHONPATH": str(site.parent)},
    )
    read = ran.trace.reads[str(site / "a.csv")]
    assert read.by == str(place.top / "train.py")


def test_14_data_in_shared_memory(place):
    if not os.access("/dev/shm", os.W_OK):
        pytest.skip("no /dev/shm")
    file = Path(f"/dev/shm/{place.top.parent.name}-{os.getpid()}.csv")
    file.write_text("1")
    try:
        assert str(file) in place.program(f"open({str(file)!r}).read()").trace.reads
    finally:
        file.unlink()


@pytest.mark.parametrize(
    "way",
    [
        "os.environ.get('EPOCHS')",
        "os.environ['EPOCHS']",
        "os.getenv('EPOCHS')",
        "'EPOCHS' in os.environ",
        "os.environb[b'EPOCHS']",
    ],
)
def test_15_a_variable_that_is_looked_up(place, way):
    ran = place.program(f"import os\n{way}", env={"EPOCHS": "5"})
    assert ran.looked_up == {"EPOCHS": "5"}


def test_15_a_variable_that_was_not_there(place):
    assert place.program("import os\nos.environ.get('EPOCHS', 1)").looked_up == {"EPOCHS": None}


def test_16_a_folder_named_like_the_environment(place):
    place.write("v_data/a.csv", "1")
    assert (
        "v_data/a.csv" in place.program("open('v_data/a.csv').read()", env={"VIRTUAL_ENV": str(place.top / "v")}).inputs
    )


def test_17_another_pythonpath_in_a_script(place):
    place.write("train.py", place.wait)
    place.write("go.sh", f"PYTHONPATH=. {PY} train.py\n")
    ran = place.observed("sh", "go.sh", sample=True)
    assert ran.trace.level == "none"
    assert "PYTHONPATH was replaced (.)" in " ".join(ran.trace.partial)


@pytest.mark.parametrize("flag", ["-I", "-S", "-E"])
def test_18_an_isolated_interpreter(place, flag):
    place.write("train.py", "open('train.py').read()")
    ran = place.observed(PY, flag, "train.py")
    assert ran.trace.level == "none" and flag in ran.trace.partial[0]
    ran = place.program(
        f"import subprocess, sys\nsubprocess.run([sys.executable, {flag!r}, '-c', 'pass'])", name="run.py"
    )
    assert ran.trace.level == "partial" and "run.py" in ran.trace.partial[0] and flag in ran.trace.partial[0]


@pytest.mark.parametrize(
    "way",
    [
        "subprocess.run('cat f', shell=True)",
        "subprocess.run(['cat', 'f'])",
        "os.system('cat f')",
        "os.posix_spawn('/bin/cat', ['cat', 'f'], {})",
        "os.execvp('cat', ['cat', 'f'])",
    ],
)
def test_19_another_program_reads(place, way):
    place.write("f", "1")
    ran = place.program(f"import os, subprocess, time\n{way}\n")
    assert ran.trace.level == "partial" and "cat" in ran.trace.partial[0] and "train.py" in ran.trace.partial[0]
    assert "f" in ran.inputs  # its words name it


def test_20_sqlite_attaches_another_file(place):
    for name in ("a.db", "b.db"):
        with sqlite3.connect(place.top / name) as made:
            made.execute("create table t (x)")
        made.close()
    ran = place.program(
        "import sqlite3\nc = sqlite3.connect('a.db')\nc.execute(\"attach 'b.db' as b\")\n"
        "c.execute('select * from b.t').fetchall()"
    )
    assert ran.code == 0, ran.err
    assert "a.db" in ran.inputs and ("b.db" in ran.inputs or ran.trace.level == "partial")


def test_21_what_comes_by_http(place):
    ran = place.program(
        "import urllib.request\ntry:\n    urllib.request.urlopen('http://data.invalid/a.csv', timeout=1)\n"
        "except OSError:\n    pass"
    )
    assert (
        ran.trace.level == "partial"
        and "data.invalid" in ran.trace.partial[0]
        and ran.trace.network == ("data.invalid",)
    )


@pytest.mark.parametrize(
    "way",
    [
        "sys.stdin.read()",
        "input()",
        "list(sys.stdin)",
        "sys.stdin.buffer.readline()",
        "next(sys.stdin)",
        "open(0).read()",
    ],
)
def test_21_what_comes_by_standard_input(place, way):
    ran = place.program(f"import sys\nprint({way})", given="5\n")
    assert "5" in ran.out
    assert ran.trace.level == "partial" and "standard input" in ran.trace.partial[0]


def test_21_a_file_as_standard_input_is_a_file(place):
    with place.write("a.csv", "1").open() as file:
        ran = place.program("import sys\nsys.stdin.read()", stdin=file)
    assert "a.csv" in ran.inputs and ran.trace.level == "full"


def test_21_standard_input_that_nobody_reads_is_no_gap(place):
    assert place.program("print(1)", given="5\n").trace.level == "full"


def test_22_a_big_checkpoint_overwritten_in_place(place):
    place.write("big.pt", b"")
    os.truncate(place.top / "big.pt", (32 << 20) + 1)
    ran = place.program("open('big.pt', 'rb').read(9)\nopen('big.pt', 'wb').write(b'new')")
    assert ran.read("big.pt").before is None and not ran.read("big.pt").own


def test_23_an_own_output_read_back(place):
    ran = place.program("open('out.txt', 'w').write('1')\nopen('out.txt').read()")
    assert ran.inputs == {"train.py"} and ran.read("out.txt").own


COPIES = [
    "dict(os.environ)", "os.environ.copy()", "{**os.environ}",
    "subprocess.run([sys.executable, '-c', ''], env=dict(os.environ, A='1'))", "os.environ | {}",
    "str(os.environ)", "len(os.environ)",
]  # fmt: skip


@pytest.mark.parametrize("copy", COPIES)
def test_24_a_variable_that_is_only_copied(place, copy):
    ran = place.program(f"import os, sys, subprocess\n{copy}", env={"EPOCHS": "5"})
    assert ran.code == 0, ran.err
    assert ran.looked_up == {}
    assert ran.trace.level == "full"


@pytest.mark.parametrize(
    "way",
    ["list(os.environ.items())", "[os.environ[k] for k in os.environ]", "[os.environ[k] for k in sorted(os.environ)]"],
)
def test_an_environment_that_the_program_goes_through_is_a_gap_and_no_look_up(place, way):
    ran = place.program(f"import os\n{way}", env={"EPOCHS": "5"})
    assert ran.looked_up == {} and "gone through by train.py" in " ".join(ran.trace.partial)


def test_25_a_file_that_is_not_there(place):
    ran = place.program("import os\nos.path.exists('no.csv')\ntry:\n    open('no.csv')\nexcept OSError:\n    pass")
    assert {name for name in ran.inputs if (place.top / name).exists()} == {"train.py"}


def test_the_compiled_copy_of_the_observer_is_no_input_wherever_it_lies(place):
    ran = place.program("pass")
    places = Places(ran.trace, top=place.top, own=(ran.folder,), script=None)

    assert places.ignored(f"/compiled{ran.folder}/hook_wraps.cpython-311.pyc")
    assert not places.ignored(f"/compiled{ran.folder}x/model.cpython-311.pyc")
