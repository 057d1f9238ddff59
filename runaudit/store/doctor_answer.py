"""What `doctor` answers with: for a terminal, a pull request and a program."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from runaudit.records.run import SHORT
from runaudit.store.doctor import DAMAGE, INCIDENT, LEAVING, SECRET, Ailment
from runaudit.text.markdown import escaped, table
from runaudit.text.terminal import BOLD, UNPAINTED, Paint, printable
from runaudit.text.verdicts import verdict_words
from runaudit.text.words import plural


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorAnswer:
    """What `doctor` answers with: what is wrong now, and what was done about it."""

    found: tuple[Ailment, ...]
    done: tuple[str, ...] = ()
    unread: int | None = None
    """Objects too large to be read for secrets; None where no secret was looked for."""

    @property
    def verdict(self) -> str:
        """Whether the store is whole, in the word of the table of verdicts."""
        kinds = {one.kind for one in self.found}
        return "damaged" if DAMAGE in kinds else "exposed" if SECRET in kinds else "whole"

    def to_json(self) -> dict[str, Any]:
        """The answer for a program."""
        return {"schema": "runaudit.doctor/1", "verdict": self.verdict, "found": [asdict(one) for one in self.found],
                "done": list(self.done), "looked_for_secrets": self.unread is not None,
                "unread": self.unread or 0}  # fmt: skip

    @property
    def headline(self) -> str:
        """Whether the store is whole, and what lies about."""
        damage = sum(one.kind == DAMAGE for one in self.found)
        left = sum(one.kind == LEAVING for one in self.found)
        past = sum(one.kind == INCIDENT for one in self.found)
        said = f"{plural(damage, 'problem')}" if damage else "the store is whole"
        said += f"; {plural(past, 'incident')} in its past" if past else ""
        if secrets := len(self.found) - damage - left - past:
            said += f"; a secret can be read in {plural(secrets, 'file')}"
        elif self.unread is not None:
            said += "; no secret was found"
        if self.unread:
            said += f" ({plural(self.unread, 'large object')} not read)"
        return said + (f"; {plural(left, 'leaving')} of processes that died" if left else "")

    def text_lines(self, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
        """For a terminal: what was done, each thing that is wrong with its remedy, then the whole of it."""
        yield from (printable(text) for text in self.done)
        for one in self.found:
            yield printable(f"{_place(one)}  {one.file}: {one.problem}; {one.remedy}")
        yield paint(self.headline, BOLD + verdict_words("doctor", self.verdict).tone.colour)

    def markdown_lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a pull request."""
        yield f"**{escaped(self.headline)}**"
        if self.done:
            yield from ("", *(f"- {escaped(text)}" for text in self.done))
        if self.found:
            rows = ((_place(one), one.file, one.problem, one.remedy) for one in self.found)
            yield from ("", *table(("run", "file", "problem", "remedy"), rows))


def _place(one: Ailment) -> str:
    return one.run[:SHORT] if one.run else "store"
