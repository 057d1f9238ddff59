"""W&B's own library, where it has a key to use: without one it would stop and ask for it."""

import contextlib
import netrc
import os
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from runaudit.errors import RunauditError, UsageError

CLOUD = ("wandb.ai", "api.wandb.ai", "forge.coreweave.com", "api.forge.coreweave.com")
"""Hosts of W&B itself, by its older and by its newer name; a server of one's own is named in `WANDB_BASE_URL`."""
TIMEOUT_S = 30


def library() -> Any:
    """The module, which has a key for the server that it is set to. Raises UsageError where it is not installed, or has
    no key."""
    try:
        import wandb
    except ModuleNotFoundError as error:
        raise UsageError("wandb is not installed", remedy="run 'pip install wandb'") from error
    host = urlsplit(wandb.Settings().base_url).hostname or ""
    if not os.environ.get("WANDB_API_KEY") and not _is_logged_in(host):
        raise UsageError("W&B has no key on this machine", remedy="run 'wandb login', or set WANDB_API_KEY")
    return wandb


@contextlib.contextmanager
def explained(refused: Callable[[str], RunauditError], *also: type[Exception]) -> Iterator[None]:
    """W&B's own errors, a refused key or no network, as what `refused` makes of them in one line. also: what else of
    an answer of W&B's can be wrong."""
    import wandb

    try:
        yield
    except (wandb.errors.Error, OSError, ValueError, *also) as error:
        raise refused(" ".join(str(error).split()) or type(error).__name__) from error


def is_host_of_wandb(host: str) -> bool:
    """Whether a server is W&B's, or the one that this machine is told to use in its place."""
    own = urlsplit(os.environ.get("WANDB_BASE_URL", "")).hostname
    return host in CLOUD or (own is not None and host == own)


def _is_logged_in(host: str) -> bool:
    """Whether `wandb login` has left a key: it keeps them where other programs keep theirs."""
    with contextlib.suppress(OSError, netrc.NetrcParseError):
        return netrc.netrc(os.environ.get("NETRC")).authenticators(host) is not None
    return False
