"""What of its environment a run can have used: the packages it imported, the variables it looked up, the machine."""

from collections.abc import Mapping
from typing import Any

from runaudit.factors.levels import Scope
from runaudit.factors.observed import Observed
from runaudit.factors.reached import Ahead, counted, sealed_packages, sealed_variables
from runaudit.records.canonical import JSON

LIBRARIES = {"env.torch": ("torch",), "env.numpy": ("numpy",), "env.jax": ("jax", "jaxlib"),
             "env.tensorflow": ("tensorflow", "tensorflow-cpu", "tensorflow-gpu")}  # fmt: skip
"""Leaves that are the version of a package: of one that was not imported they cannot matter."""
MACHINE = ("env.cuda", "env.cudnn", "env.driver", "env.gpu", "env.gpu_count", "env.determinism", "env.tf32",
           "env.precision", "env.deterministic", "env.amp")  # fmt: skip
"""Leaves that only a package beyond the standard library can use."""
NATIVE = ("PYTHON", "OMP_", "KMP_", "GOMP_", "MKL_", "OPENBLAS_", "BLIS_", "VECLIB_", "NUMEXPR_", "CUDA_", "CUBLAS_",
          "CUDNN_", "NCCL_", "NVIDIA_", "HIP_", "ROCR_", "TORCH_", "PYTORCH_", "ATEN_", "XLA_", "JAX_", "TF_", "LD_",
          "MALLOC_", "GLIBC_", "TZ", "LANG", "LC_")  # fmt: skip
"""Beginnings of variables that compiled code, or the interpreter itself, looks up, which nobody sees: doubtful."""


def used_environment(
    env: JSON, seen: Observed, scope: Scope, ahead: Ahead | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The environment as it was seen, and what of it was not used. ahead: what the others used, for a run that broke
    off before it got there."""
    imported, looked_up = seen.imported, seen.looked_up
    if ahead is not None and scope.packages:
        imported = counted(imported, sealed_packages(env), ahead.packages)
    if ahead is not None and scope.variables:
        looked_up = counted(looked_up, sealed_variables(env), ahead.variables)
    kept: dict[str, Any] = dict(env) if isinstance(env, Mapping) else {}
    if seen.python and kept:
        kept["python"] = seen.python
    listed = kept.get("packages")
    packages: dict[str, Any] = {**sealed_packages(env), **imported}
    given = kept.get("variables")
    variables = {**(given if isinstance(given, Mapping) else {}), **looked_up}
    unused: dict[str, Any] = {}
    if scope.packages:
        unused["packages"] = {name: v for name, v in packages.items() if name not in imported}
        packages = dict(imported)
        for key in (path.partition(".")[2] for path in scope.idle_env):
            if key in kept:
                unused[key] = kept.pop(key)
    if scope.variables:
        used = {name for name in variables if name in looked_up or name.startswith(NATIVE)}
        unused["variables"] = {name: v for name, v in variables.items() if name not in used}
        variables = {name: v for name, v in variables.items() if name in used}
    if packages or isinstance(listed, Mapping) or scope.packages:
        kept["packages"] = packages
    if variables or isinstance(given, Mapping) or scope.variables:
        kept["variables"] = variables
    return kept, unused


def used_by(path: str, seen: Observed) -> bool:
    """Whether what a fully observed run imported can have used this leaf of its environment."""
    if path in LIBRARIES:
        return bool(seen.imported.keys() & set(LIBRARIES[path]))
    return path not in MACHINE or _computes(seen)


def _computes(seen: Observed) -> bool:
    """Whether a package beyond the standard library ran that could reach a GPU or look up a variable by itself."""
    return bool(seen.imported.keys() - {"runaudit"})
