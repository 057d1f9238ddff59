"""Laws of environment capture: what is recorded was observed, what was not observed is not there, nothing is loaded."""

import importlib.metadata
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import runaudit
from runaudit.capture import environment
from runaudit.capture.environment import (
    _torch_build,
    capture_environment,
    package_folders,
    packages,
    project_siblings,
    variables,
    visible,
)

CHECKOUT = Path(runaudit.__file__).parent.parent


def test_package_versions_are_those_importlib_knows() -> None:
    found = packages(package_folders())

    for name in ("numpy", "rfc8785", "pytest", "typer"):
        assert found[name] == importlib.metadata.version(name)


def test_only_listed_variables_are_recorded() -> None:
    environ = {"OMP_NUM_THREADS": "1", "TORCH_CUDNN_V8_API_DISABLED": "1", "HOME": "/h", "AWS_SECRET": "x",
               "TORCH_HOME": "/cache", "PYTHONHASHSEED": "0", "MY_TORCH_X": "1"}  # fmt: skip

    assert variables(environ) == {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "TORCH_CUDNN_V8_API_DISABLED": "1"}


def test_capture_loads_neither_torch_nor_numpy() -> None:
    code = (
        "import sys; from runaudit.capture.environment import capture_environment as c; e, u = c({});"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules;"
        "print(e['torch'], e['cuda'], e['cudnn'], 'determinism' in e, u)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)

    import torch

    # What a process without torch reads from its files is what torch says of itself.
    assert done.stdout.split()[:2] == [torch.__version__, str(torch.version.cuda)]
    assert done.stdout.split()[3] == "False"


def test_a_loaded_torch_tells_its_switches() -> None:
    import torch

    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        found, _ = capture_environment({})
    finally:
        torch.use_deterministic_algorithms(False)

    assert found["determinism"]["deterministic_algorithms"] is True
    assert found["determinism"]["cudnn_benchmark"] is False
    assert found["threads"]["intra"] == torch.get_num_threads()
    assert found["precision"]["default_dtype"] == "torch.float32"


@pytest.mark.parametrize(
    ("text", "installed", "expected", "unknown"),
    [
        ("__version__ = '2.6.0+cpu'\ncuda: Optional[str] = None\n", {"torch": "2.6.0"},
         {"torch": "2.6.0+cpu", "cuda": None, "cudnn": None}, set()),
        ("__version__ = '2.6.0+cu124'\ncuda: Optional[str] = '12.4'\n",
         {"torch": "2.6.0", "nvidia-cudnn-cu12": "9.1.0.70"},
         {"torch": "2.6.0+cu124", "cuda": "12.4", "cudnn": "9.1.0"}, set()),
        ("cuda = '11.8'\n", {"torch": "2.1.0"}, {"torch": "2.1.0", "cuda": "11.8"}, {"env.cudnn"}),
        ("", {"torch": "2.1.0"}, {"torch": "2.1.0"}, {"env.cuda", "env.cudnn"}),
        ("", {}, {"torch": None, "cuda": None, "cudnn": None}, set()),
    ],
)  # fmt: skip
def test_the_build_is_read_from_files_and_a_gap_is_told(
    tmp_path: Path, text: str, installed: dict[str, str], expected: dict[str, object], unknown: set[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(environment, "_loaded_cudnn", lambda: None)
    if text:
        (tmp_path / "torch").mkdir()
        (tmp_path / "torch" / "version.py").write_text(text)
    gaps: dict[str, str] = {}

    assert _torch_build(installed, (tmp_path,), gaps) == expected
    assert set(gaps) == unknown


ROWS = [["0", "H200", "550", "GPU-aa"], ["1", "H200", "550", "GPU-bb"]]


@pytest.mark.parametrize(
    ("setting", "indices"),
    [(None, "01"), ("1", "1"), ("1,0", "10"), ("", ""), ("-1", ""), ("0,-1,1", "0"), ("GPU-b", "1"), ("7", "")],
)
def test_the_visible_devices_are_those_cuda_would_see(setting: str | None, indices: str) -> None:
    """CUDA programming guide: the list ends at the first index that does not exist."""
    assert "".join(row[0] for row in visible(ROWS, setting)) == indices


def test_a_driver_that_does_not_answer_is_a_gap_not_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_smi", lambda: None)
    monkeypatch.setattr(environment, "_has_nvidia", lambda: True)

    found, unknown = capture_environment({})

    assert "gpu" not in found
    assert {"env.gpu", "env.gpu_count", "env.driver"} <= set(unknown)


def test_the_gpus_and_the_driver_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_smi", lambda: ROWS)
    monkeypatch.setattr(environment, "_has_nvidia", lambda: True)

    found, unknown = capture_environment({"CUDA_VISIBLE_DEVICES": "0,1"})

    assert (found["gpu"], found["gpu_count"], found["driver"]) == ("H200", 2, "550")
    assert "env.gpu" not in unknown


def test_a_machine_without_a_gpu_says_that_it_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_has_nvidia", lambda: False)

    found, unknown = capture_environment({})

    assert (found["gpu"], found["gpu_count"], found["driver"]) == (None, 0, None)
    assert not any(name.startswith("env.gpu") for name in unknown)


def test_an_editable_install_and_a_search_path_are_siblings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, edited, extra = tmp_path / "project", tmp_path / "edited lib", tmp_path / "extra"
    for folder in (root / "src", edited, extra):
        folder.mkdir(parents=True)
    info = tmp_path / "site-packages" / "edited-1.0.dist-info"
    info.mkdir(parents=True)
    url = edited.as_uri()
    (info / "direct_url.json").write_text(f'{{"url": "{url}", "dir_info": {{"editable": true}}}}')
    monkeypatch.setattr(
        sys, "path", [str(root), str(root / "src"), str(extra), str(info.parent), sysconfig.get_path("stdlib")]
    )

    assert project_siblings(root) == (edited, extra)


def test_what_the_interpreter_and_the_c_library_read_at_their_start_is_recorded() -> None:
    """The time zone and the locale change how a date or a number is read, and nobody is seen to ask for them."""
    set_ = {"TZ": "UTC", "LC_ALL": "C", "LC_NUMERIC": "de_DE", "LC_CTYPE": "C.UTF-8", "LANG": "C", "PYTHONUTF8": "1",
            "PYTHONOPTIMIZE": "1"}  # fmt: skip
    assert variables({**set_, "LC_MESSAGES": "de", "PYTHONWARNINGS": "error", "HOME": "/x"}) == set_
    assert variables({"HOME": "/x"}) == {}
