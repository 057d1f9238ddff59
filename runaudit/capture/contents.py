"""What a file held while a run read it, told after the run: its digest, or why that is not known.

Nothing is hashed while the program runs. Afterwards a file whose inode changed since the start, and that the run itself
did not write, was changed by somebody else meanwhile: which of its contents was read cannot be determined.
"""

import contextlib
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runaudit.capture.dataset import RACY_NS
from runaudit.capture.memory import keep, recall
from runaudit.records.digest import digest_file

LARGE = 1 << 20
"""Smaller files are hashed faster than the memory of their digests is read."""
CLOCK_NS = 5_000_000
"""A file system's clock lags behind the machine's by up to one tick of the kernel."""
MAX_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Digest and size of a file, or the reason why the digest is not known."""

    digest: str | None
    size: int | None = None
    reason: str | None = None
    moved: bool = False  # written, replaced or made after the start: what it held then is not known
    redacted: bool = False  # the digest is that of the text with its secrets left out


class Contents:
    """Digests of files after the end of a run that started at `started_ns`; large ones are remembered in the cache."""

    def __init__(self, cache: Path | None, *, started_ns: int, now_ns: int) -> None:
        self._place = None if cache is None else cache / "read-files.json"
        self._started = started_ns - CLOCK_NS
        self._now = now_ns
        self._memory: dict[str, Any] | None = None
        self._fresh = False

    def moved(self, facts: os.stat_result) -> bool:
        """Whether a file was written, replaced or made after the run had started."""
        return facts.st_ctime_ns >= self._started

    def of(self, path: str, *, made: bool = False) -> Content:
        """What a file held that the run only read; `made`: that it fetched first, and read as it lies."""
        try:
            facts = os.stat(path)  # noqa: PTH116  (a link's content is what was read)
        except OSError as error:
            return Content(digest=None, reason=f"it cannot be read any more: {error.strerror}")
        if not stat.S_ISREG(facts.st_mode):
            return Content(digest=None, reason="it is no regular file: what came out of it was not recorded")
        if self.moved(facts) and not made:
            return Content(digest=None, size=facts.st_size, reason="it changed while the run ran", moved=True)
        try:
            return Content(digest=self._digest(path, facts), size=facts.st_size)
        except OSError as error:
            return Content(digest=None, size=facts.st_size, reason=f"it cannot be read: {error.strerror}")

    def _digest(self, path: str, facts: os.stat_result) -> str:
        mark = [facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino]
        if facts.st_size >= LARGE:
            known = self._remembered().get(path)
            if isinstance(known, list) and known[:-1] == mark:
                return str(known[-1])
        digest = str(digest_file(Path(path)))
        if facts.st_size >= LARGE and max(facts.st_mtime_ns, facts.st_ctime_ns) + RACY_NS < self._now:
            self._remembered()[path] = [*mark, digest]
            self._fresh = True
        return digest

    def _remembered(self) -> dict[str, Any]:
        if self._memory is None:
            self._memory = {}
            if self._place is not None:
                with contextlib.suppress(ValueError):
                    value = json.loads(recall(self._place) or b"{}")
                    self._memory = value if isinstance(value, dict) else {}
        return self._memory

    def remember(self) -> None:
        """Keep what was hashed for the next run. A memory that cannot be written costs time alone."""
        if self._place is None or not self._fresh or self._memory is None:
            return
        rows = dict(list(self._memory.items())[-MAX_REMEMBERED:])
        keep(self._place, json.dumps(rows).encode())
