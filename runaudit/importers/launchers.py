"""What trackers name for the program where Python was started by another one: a notebook's kernel, a debugger, a pool.

Every notebook has the same kernel, and every worker the same file of its library: two runs that name it may have run
anything, so which program they ran is not on record.
"""

import re
from collections.abc import Sequence

from runaudit.records.kernelfile import NOTEBOOK, starts_a_kernel

_KERNELS = frozenset({"ipykernel_launcher.py", "colab_kernel_launcher.py", "databricks_kernel_launcher.py",
                      "db_ipykernel_launcher.py", "pythonshell.py"})  # fmt: skip
"""What runs the cells of a notebook. Its own options are those of its ports, its key and its connection file."""
_POOLS = frozenset({"default_worker.py", "popen_loky_posix.py", "popen_spawn_posix.py"})
_OTHERS = frozenset({"pydevconsole.py", "pydevd.py", "ipython", "ipython3", "-c", "-m", "papermill",
                     "jupyter-nbconvert"})  # fmt: skip
_PLACED = re.compile(
    r"(?:^|/)(?:torch/distributed/(?:run|launch)|deepspeed/launcher/(?:launch|runner)|accelerate/commands/launch"
    r"|horovod/runner/launch|debugpy/(?:launcher|adapter|__main__)|pyspark/daemon)(?:\.py)?(?:/__main__\.py)?$"
)


def has_own_options(program: str) -> bool:
    """Whether what follows it on the command line is its own: a kernel's ports and key, the id of a worker."""
    return _parts(program)[-1].lower() in _KERNELS | _POOLS


def is_of_a_kernel(program: str, argv: Sequence[str]) -> bool:
    """Whether a command line is that of a notebook's kernel or of a worker. Jupyter and VS Code tell trackers the
    notebook in the kernel's place: then the connection file among the words shows whose they are."""
    is_notebook = program.endswith(NOTEBOOK) or bool(stands_in(program))
    return has_own_options(program) or (is_notebook and starts_a_kernel(argv))


def stands_in(program: str) -> str:
    """Why what a record names is not the program that ran; empty where it is one."""
    last = _parts(program)[-1]
    if (
        program.startswith("<")
        or has_own_options(program)
        or last in _OTHERS
        or _PLACED.search("/".join(_parts(program)))
    ):
        return f"the record names {last} in its place: a notebook, a console, or what starts programs"
    return ""


def _parts(program: str) -> list[str]:
    return re.split(r"[/\\]", program)
