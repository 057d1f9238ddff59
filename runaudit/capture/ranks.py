"""One training in several processes that a launcher started: what one of them sees is not all.

Under `runaudit run -- torchrun …` every rank is observed. Where each rank starts or records for itself, only the one
that writes is.
"""

from collections.abc import Mapping
from dataclasses import replace

from runaudit.observe.trace import Trace

_SIZES = ("WORLD_SIZE", "SLURM_STEP_NUM_TASKS", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE")


def with_other_ranks(trace: Trace, environ: Mapping[str, str]) -> Trace:
    """The trace of one rank, which says so where there are others."""
    sizes = [int(environ[name]) for name in _SIZES if environ.get(name, "").isdigit()]
    if max(sizes, default=1) <= 1:
        return trace
    return replace(trace, partial=(*trace.partial, f"only one of {max(sizes)} ranks was observed"))
