"""One line at the foot of a terminal that is written anew, and lines that stay above it; in a file every one stays."""

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from runaudit.records.canonical import json_safe
from runaudit.voice import saying, streams


class Renewed:
    """Says what goes on, on stdout. Nothing is kept back: whoever reads along sees each line as it is said."""

    def __init__(self) -> None:
        self._obeys = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._is_drawn = False

    def renew(self, text: str) -> None:
        """The line that says where it stands now."""
        if not self._obeys:
            self.stay(text)
            return
        width = max(20, os.get_terminal_size(sys.stdout.fileno()).columns - 1)
        saying.say_at_foot(text, width)
        self._is_drawn = True

    def stay(self, text: str) -> None:
        """A line that stays."""
        self.wipe()
        saying.say(text)
        streams.flush()

    def record(self, answer: Mapping[str, Any]) -> None:
        """One object on one line, for a program that reads along."""
        text = json.dumps(streams.gate().tree(json_safe(answer)), ensure_ascii=False, allow_nan=False)
        saying.say_json_text(text)
        streams.flush()

    def wipe(self) -> None:
        """Leave the foot of the terminal as it was found."""
        if self._is_drawn:
            self._is_drawn = False
            saying.say_at_foot("", 0)
