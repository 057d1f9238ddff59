"""What the program ran on. Observed, never changed: nothing heavy is imported to look at it.

Package versions are read off the names of their `*.dist-info` folders: listing them costs a tenth of what
`importlib.metadata` takes and a fortieth of `pip freeze` (measured). Torch is asked only when the program under test
has already loaded it; its build facts are read from its files, so that a wrapper and the program record the same.

The precision and determinism switches exist only in a process that has loaded torch. A command that is started by
`runaudit run` sets them in code, config and variables that are all recorded; so their absence hides nothing.
"""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from runaudit.capture.interpreter import Interpreter, this_interpreter
from runaudit.records.canonical import JSON
from runaudit.system.files import read_ordinary

SMI_TIMEOUT_S = 10.0
OWN_CHECKOUT = Path(__file__).resolve().parents[2]
"""Where this runaudit lies. The observer is no part of what it observes."""
VARIABLES = frozenset(
    {
        "PYTHONHASHSEED", "PYTHONOPTIMIZE", "PYTHONUTF8", "ROCR_VISIBLE_DEVICES", "TZ", "LANG", "LC_ALL", "LC_CTYPE",
        "LC_NUMERIC",
    }
)  # fmt: skip
PREFIXES = (
    "OMP_", "MKL_", "OPENBLAS_", "GOMP_", "KMP_", "BLIS_", "VECLIB_", "NUMEXPR_", "CUDA_", "CUBLAS_", "CUDNN_",
    "NCCL_", "NVIDIA_", "TORCH_", "PYTORCH_", "ATEN_", "GLOO_", "XLA_", "JAX_", "TF_", "KERAS_", "HIP_", "ROCR_",
    "ROCM_", "HSA_", "MIOPEN_",
)  # fmt: skip
"""What native code reads without a word: nobody sees it looked up, so what is set is recorded. All other variables may
hold anything, and are recorded only where the program was seen to look them up."""
_PLACES = frozenset(
    {
        "TORCH_HOME", "TORCH_EXTENSIONS_DIR", "TORCH_LOGS_OUT", "TORCH_TRACE", "CUDA_HOME", "CUDA_PATH", "CUDA_ROOT",
        "CUDA_CACHE_PATH", "CUDA_BIN_PATH", "KERAS_HOME", "JAX_COMPILATION_CACHE_DIR", "NCCL_DEBUG_FILE", "ROCM_PATH",
        "HIP_PATH", "TF_CONFIG",
    }
)  # fmt: skip
"""Where libraries keep files: paths, not causes. (`TF_CONFIG` lists the hosts of a cluster.)"""
_OTHERS = ("TF_CLI_", "TF_VAR_", "TF_PLUGIN_")
"""Terraform's, which has the prefix of TensorFlow."""


def capture_environment(
    environ: Mapping[str, str] = os.environ, *, interpreter: Interpreter | None = None, reason: str = ""
) -> tuple[dict[str, JSON], dict[str, str]]:
    """The `env` section, and why some of its facts are not known: `{"env.cuda": reason}`.

    `interpreter` is the one that the program runs on; None with a `reason`: it is not known, and nobody's own stands in
    for it. None without one: this process is the program.
    """
    asked = this_interpreter() if interpreter is None and not reason else interpreter
    found: dict[str, JSON] = {"variables": variables(environ)}
    unknown: dict[str, str] = {}
    if asked is None:
        unknown |= dict.fromkeys(("env.python", "env.packages", "env.torch", "env.cuda", "env.cudnn"), reason)
    else:
        folders = package_folders(asked.folders)
        found |= {"python": asked.version, "implementation": asked.implementation, "platform": asked.platform}
        found["packages"] = installed = packages(folders)
        found |= _torch_build(installed, folders, unknown, loaded=asked.here)
        if asked.here:
            found |= torch_switches()
    found |= _gpu(environ, unknown)
    if "WORLD_SIZE" in environ or "SLURM_NTASKS" in environ:
        found["world_size"] = environ.get("WORLD_SIZE") or environ.get("SLURM_NTASKS")
    return found, unknown


def variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment variables that are set and that native code is known to read."""
    names = (
        name
        for name in environ
        if (name in VARIABLES or name.startswith(PREFIXES)) and name not in _PLACES and not name.startswith(_OTHERS)
    )
    return {name: environ[name] for name in sorted(names)}


def package_folders(path: Sequence[str] | None = None) -> tuple[Path, ...]:
    """The folders of a search path (this process's own where none is given) that hold installed packages."""
    seen = dict.fromkeys(Path(entry) for entry in (sys.path if path is None else path) if entry)
    return tuple(folder for folder in seen if folder.name in ("site-packages", "dist-packages") and folder.is_dir())


def packages(folders: tuple[Path, ...]) -> dict[str, str]:
    """Name -> version of every installed distribution, names normalised; the first folder of the path wins."""
    found: dict[str, str] = {}
    for folder in folders:
        for entry in sorted(os.listdir(folder)):  # noqa: PTH208  (a path object each would be most of the time)
            if entry.endswith((".dist-info", ".egg-info")):
                name, dash, version = entry.rpartition(".")[0].partition("-")
                if dash:
                    found.setdefault(re.sub(r"[-_.]+", "-", name).lower(), version.partition("-py")[0])
    return dict(sorted(found.items()))


def _torch_build(
    installed: Mapping[str, str], folders: tuple[Path, ...], unknown: dict[str, str], *, loaded: bool = True
) -> dict[str, JSON]:
    """torch, cuda, cudnn. Null means known to be none: a build for the processor has no CUDA."""
    if "torch" not in installed:
        return {"torch": None, "cuda": None, "cudnn": None}
    found: dict[str, JSON] = {"torch": installed["torch"]}
    text = _torch_version_file(folders)
    if (match := re.search(r"^cuda\b[^=\n]*=\s*(None|['\"]([\d.]+)['\"])", text, re.M)) is None:
        unknown["env.cuda"] = "torch's build facts could not be read"
        unknown["env.cudnn"] = "torch's build facts could not be read"
        return found
    if (exact := re.search(r"^__version__[^=\n]*=\s*['\"]([^'\"]+)['\"]", text, re.M)) is not None:
        # The dist-info name drops what pip normalises; torch's own file keeps `+cpu` and `+cu124`.
        found["torch"] = exact[1]
    found["cuda"] = match[2]
    if match[2] is None:
        return found | {"cudnn": None}
    bundled = next((v for n, v in installed.items() if re.fullmatch(r"nvidia-cudnn(-cu\d+)?", n)), None)
    cudnn = ".".join(bundled.split(".")[:3]) if bundled else _loaded_cudnn() if loaded else None
    if cudnn is None:
        unknown["env.cudnn"] = "cuDNN is not a package here and torch was not loaded"
        return found
    return found | {"cudnn": cudnn}


def _torch_version_file(folders: tuple[Path, ...]) -> str:
    for folder in folders:
        try:
            return read_ordinary(folder / "torch" / "version.py").decode("utf-8", "replace")
        except OSError:
            continue
    return ""


def _loaded_cudnn() -> str | None:
    torch: Any = sys.modules.get("torch")
    number = torch.backends.cudnn.version() if torch is not None else None
    if number is None:
        return None
    base = 10_000 if number >= 90_000 else 1_000
    return f"{number // base}.{number % base // 100}.{number % 100}"


def torch_switches() -> dict[str, JSON]:
    """Determinism, precision and threads as torch holds them now; empty in a process that has not loaded it."""
    torch: Any = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "backends"):
        return {}
    cuda, cudnn = torch.backends.cuda, torch.backends.cudnn
    return {
        "determinism": {
            "cudnn_benchmark": bool(cudnn.benchmark),
            "cudnn_deterministic": bool(cudnn.deterministic),
            "deterministic_algorithms": bool(torch.are_deterministic_algorithms_enabled()),
            "warn_only": bool(torch.is_deterministic_algorithms_warn_only_enabled()),
        },
        "precision": {
            "default_dtype": str(torch.get_default_dtype()),
            "float32_matmul": str(torch.get_float32_matmul_precision()),
            "cudnn_tf32": bool(cudnn.allow_tf32),
            "matmul_reduced_fp16": bool(cuda.matmul.allow_fp16_reduced_precision_reduction),
            "matmul_reduced_bf16": bool(cuda.matmul.allow_bf16_reduced_precision_reduction),
        },
        "threads": {"intra": int(torch.get_num_threads()), "inter": int(torch.get_num_interop_threads())},
    }


def _gpu(environ: Mapping[str, str], unknown: dict[str, str]) -> dict[str, JSON]:
    """gpu, gpu_count, driver of the devices the program can see."""
    if not _has_nvidia():
        return {"gpu": None, "gpu_count": 0, "driver": None}
    rows = _smi()
    if rows is None:
        for name in ("gpu", "gpu_count", "driver"):
            unknown[f"env.{name}"] = "nvidia-smi gave no answer"
        return {}
    seen = visible(rows, environ.get("CUDA_VISIBLE_DEVICES"))
    names = sorted({row[1] for row in seen})
    return {
        "gpu": " + ".join(names) if names else None,
        "gpu_count": len(seen),
        "driver": rows[0][2] if rows else None,
    }


def devices(environ: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The CUDA devices that a program would see, each as the word that chooses it alone and its model; none where none
    is there or known."""
    rows = (_smi() or []) if _has_nvidia() else []
    setting = environ.get("CUDA_VISIBLE_DEVICES")
    words = [row[3] for row in rows] if setting is None else [word.strip() for word in setting.split(",")]
    return tuple((word, row[1]) for word, row in zip(words, visible(rows, setting), strict=False))


def _has_nvidia() -> bool:
    """Whether the kernel has an NVIDIA device: without one there is nothing to ask and nothing unknown."""
    return Path("/dev/nvidiactl").exists() or Path("/proc/driver/nvidia/version").exists()


def _smi() -> list[list[str]] | None:
    query = ["nvidia-smi", "--query-gpu=index,name,driver_version,uuid", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=SMI_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return [[field.strip() for field in line.split(",")] for line in done.stdout.splitlines() if line.count(",") >= 3]


def visible(rows: list[list[str]], setting: str | None) -> list[list[str]]:
    """The devices CUDA_VISIBLE_DEVICES leaves: indices or uuid prefixes; the list ends at the first unknown one."""
    if setting is None:
        return rows
    found: list[list[str]] = []
    for word in setting.split(","):
        hits = [row for row in rows if row[0] == word.strip() or (word.strip() and row[3].startswith(word.strip()))]
        if len(hits) != 1:
            break
        found += hits
    return found


# ── other code under development ─────────────────────────────────────────────────────────────────────────────────


def project_siblings(root: Path, interpreter: Interpreter | None = None) -> tuple[Path, ...]:
    """Code outside `root` that the program can import and that is not an installed release: editable installs and
    folders of the search path. runaudit observes: its own checkout is none of them, and is not looked at."""
    asked = interpreter or this_interpreter()
    found: dict[Path, None] = {}
    for folder in (*_editable(package_folders(asked.folders)), *_search_path(asked)):
        if folder != OWN_CHECKOUT and folder.is_dir() and not _inside(folder, root) and not _inside(root, folder):
            found[_top(folder)] = None
    return tuple(sorted(path for path in found if not _inside(path, root) and path != OWN_CHECKOUT))


def _editable(folders: tuple[Path, ...]) -> Iterator[Path]:
    """The folders that editable installs point to (PEP 610: `direct_url.json` with `dir_info.editable`)."""
    for folder in folders:
        for name in sorted(os.listdir(folder)):  # noqa: PTH208  (the names alone are asked)
            if not name.endswith(".dist-info") or name.startswith("runaudit-"):
                continue
            try:
                raw = read_ordinary(f"{folder}/{name}/direct_url.json")
            except OSError:
                continue
            if b"editable" in raw and (place := _editable_place(raw)) is not None:
                yield place


def _editable_place(raw: bytes) -> Path | None:
    import json

    with contextlib.suppress(ValueError):
        facts = json.loads(raw)
        if isinstance(facts, dict) and facts.get("dir_info", {}).get("editable"):
            return Path(unquote(urlsplit(str(facts.get("url", ""))).path))
    return None


def _search_path(asked: Interpreter) -> Iterator[Path]:
    """Folders of the search path that belong neither to the interpreter nor to installed packages."""
    own = {Path(place).resolve() for place in asked.own}
    prefixes = {Path(asked.prefix).resolve(), Path(asked.base_prefix).resolve()}
    for entry in asked.folders:
        folder = Path(entry).resolve() if entry else None
        if folder is None or not folder.is_dir() or folder.name in ("site-packages", "dist-packages"):
            continue
        if folder not in own and not any(
            _inside(folder, prefix / "lib") or folder == prefix / "bin" for prefix in prefixes
        ):
            yield folder


def _top(folder: Path) -> Path:
    from runaudit.system.git import work_tree

    return work_tree(folder) or folder


def _inside(path: Path, folder: Path) -> bool:
    return path == folder or folder in path.parents
