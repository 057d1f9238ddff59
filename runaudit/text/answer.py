"""What a command answers with. Whatever fulfils it is printed in every format, so terminal, Markdown and JSON share
their numbers and sentences."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from runaudit.text.terminal import UNPAINTED, Paint


class Answer(Protocol):
    """A result for programs, for a terminal and for a pull request."""

    def to_json(self) -> Mapping[str, Any]:
        """The answer as the JSON contract words it, `schema` first."""

    @property
    def headline(self) -> str:
        """The result in one line: all that `-q` prints. A list of things has one a line."""

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterable[str]:
        """For a terminal, without line ends."""

    def markdown_lines(self, *, verbose: bool = False) -> Iterable[str]:
        """For a pull request or a page: every text of a stranger escaped (`text.markdown`)."""
