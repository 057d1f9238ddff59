"""The connection file of a notebook's kernel, which every start of one writes anew: its ports, and the key to them."""

import re
from collections.abc import Sequence
from itertools import pairwise

NOTEBOOK = ".ipynb"
_FILE = re.compile(r"(?:.*[/\\])?jupyter[/\\]runtime[/\\]kernel-(?:v\d+-)?[0-9A-Za-z-]{8,}\.json", re.IGNORECASE)
"""As jupyter_client names it, `kernel-<uuid>.json`, and VS Code, `kernel-v2-<pid><letters>.json`, in the folder that
`jupyter --runtime-dir` tells: it ends in `jupyter/runtime` on every system."""


def is_connection_file(value: object) -> bool:
    """Whether a value is the place of such a file, by its form."""
    return isinstance(value, str) and _FILE.fullmatch(value) is not None


def starts_a_kernel(argv: Sequence[str]) -> bool:
    """Whether a command line hands over a connection file, as a kernel is started: `-f FILE`, or `--f=FILE`."""
    behind = (word for before, word in pairwise(argv) if before in ("-f", "--f"))
    within = (word.partition("=")[2] for word in argv if word.startswith(("-f=", "--f=")))
    return any(map(is_connection_file, (*behind, *within)))
