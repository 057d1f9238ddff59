"""The words of `list`: `fast` for a label or an id, `status=crashed`, `config.lr=0.1`, `val/psnr>30`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from runaudit.runs.comparing import Named, Relation, Typed
from runaudit.runs.forms import MIN_PREFIX, form_of
from runaudit.runs.keeping import Condition
from runaudit.runs.meaning import Vocabulary
from runaudit.runs.rows import Entry
from runaudit.text.terminal import unprinted

_COMPARES = re.compile(r"(?P<key>[^<>=!]+?)\s*(?P<sign>>=|<=|!=|==|=|>|<)\s*(?P<value>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Called:
    """The runs whose label holds a text, or whose id, or that of their cohort, begins with it."""

    text: str
    """Or an explicit word: `id:`, `label:`, `cohort:` keep what they name."""

    def holds(self, entry: Entry) -> bool:
        """Whether the run is called so."""
        if (form := form_of(self.text)) is not None:
            if form.kind == "label":
                label = entry.run.label
                name = form.name if label.startswith(form.name) else unprinted(form.name)
                # The label under which a cohort is listed lacks the seed at the end of those of its runs.
                return label.startswith(name) and not label[len(name) : len(name) + 1].isalnum()
            return (entry.run.id if form.kind == "id" else entry.row.cohort).startswith(form.name)
        ids = (entry.run.id, entry.row.cohort) if len(self.text) >= MIN_PREFIX else ()
        label = entry.run.label.lower()
        within = self.text.lower() in label or unprinted(self.text).lower() in label
        return within or any(one.startswith(self.text) for one in ids)

    def comparisons(self) -> Sequence[Relation]:
        """None: a text can stand in any label."""
        return ()


def filter_of(word: str, words: Vocabulary) -> Condition:
    """What a word of the command line keeps. Raises UsageError for a name that no run knows.

    A label may look like a comparison: where the name before the sign means nothing, and the word stands in a label, it
    is a part of the label.
    """
    match = _COMPARES.fullmatch(word)
    called = Called(word)
    if match is None or (not words.knows(match["key"]) and any(called.holds(entry) for entry in words.entries)):
        return called
    sign = "==" if match["sign"] == "=" else match["sign"]
    name = Named(words.meaning(match["key"]), match["key"])
    return Relation(name, sign, Typed(match["value"].strip(), name.name.startswith("config.")))
