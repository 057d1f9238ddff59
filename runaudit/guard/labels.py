"""RA3, of labels: a label is a name that a person types later, so it must not be a word that means something else."""
# ruff: noqa: D102  (what a rule checks is told once, in the docstring of its class: users read it too)

from collections.abc import Iterator

from runaudit.guard.invocation import Invocation
from runaudit.records.finding import Finding
from runaudit.records.manifest import Manifest
from runaudit.rules import Rule
from runaudit.runs.forms import taken_for
from runaudit.text.words import quoted


class LabelIsAForm(Rule):
    """The label is no word that names other runs.

    A run labelled `@last` could not be asked for by its label: that word means another run."""

    code = "RA315"
    name = "label_is_a_form"
    requires = frozenset({"RA301"})

    def check(self, manifest: Manifest, call: Invocation) -> Iterator[Finding]:
        label = manifest.label or ""
        if meaning := taken_for(label):
            yield self.finding(
                "label",
                f"the label {quoted(label)} is a word for {meaning}",
                remedy=call.plus("--label", "what this run tests"),
            )


RULES: tuple[Rule, ...] = (LabelIsAForm(),)
