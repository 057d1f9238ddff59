"""What is said passes here: every line for a terminal and every text of a page, whoever made it.

A record is clean before it is sealed, and yet words come from elsewhere: a remedy repeats the command line, an error
quotes a config, a bundle was sealed by an older runaudit. So whatever speaks to a person speaks through one `Gate`, and
no view has to think of it. Marks of sealed records stay what they are: by them equal secrets are known to be equal.
"""

import os
from collections.abc import Mapping, Sequence

from runaudit.capture.redact import MARK, Redactor
from runaudit.records.canonical import JSON

SAID = "<redacted>"
"""What stands for a secret that no record has replaced."""


class Gate:
    """Texts without the secrets that they hold by their looks, and without those of the environment and of `argv`."""

    def __init__(self, environ: Mapping[str, str] = os.environ, argv: Sequence[str] = ()) -> None:
        self._redactor = Redactor(os.urandom(32))
        self._redactor.prime(environ, argv)

    def text(self, text: str) -> str:
        """A text for a person."""
        return _opened(text, self._redactor.text(text))

    @property
    def learned(self) -> int:
        """How many secrets are known by now: a text that was let through before may hold the last."""
        return self._redactor.learned

    def quoted(self, text: str) -> str:
        """A text of another grammar (JSON), in which a name before a value may mean something else: without published
        shapes and without the secrets that are known."""
        return _opened(text, self._redactor.plainly(text))

    def words(self, argv: Sequence[str]) -> tuple[str, ...]:
        """A command line, to be repeated."""
        return tuple(_opened(*pair) for pair in zip(argv, self._redactor.argv(argv), strict=True))

    def tree(self, value: JSON) -> JSON:
        """An answer for a program, each of its texts for itself: its keys are ours, and say nothing of their values."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(key): self.tree(item) for key, item in value.items()}
        return [self.tree(item) for item in value] if isinstance(value, list | tuple) else value


def _opened(before: str, after: str) -> str:
    if before == after:
        return after
    kept = frozenset(MARK.findall(before))
    return MARK.sub(lambda mark: mark[0] if mark[0] in kept else SAID, after)
