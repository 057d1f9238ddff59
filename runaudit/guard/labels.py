"""RA3, of labels: a label is a name that a person types later, so it must not be a word that means something else, nor
one that means nothing.

Only what is plainly a placeholder is taken for nothing: every word of the label is on the list, a number, one letter
again and again, or a row of the keyboard. Whatever else stands in it may mean something to the one who wrote it.
"""
# ruff: noqa: D102  (what a rule checks is told once, in the docstring of its class: users read it too)

import re
from collections.abc import Iterable, Iterator

from runaudit.guard.invocation import Invocation
from runaudit.records.finding import Finding, Severity
from runaudit.records.manifest import Manifest
from runaudit.rules import Rule
from runaudit.runs.forms import taken_for
from runaudit.settings import GuardSettings
from runaudit.text.words import quoted

EXAMPLE = "GeLU instead of LeakyReLU"
_KEYBOARD = ("qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "yxcvbnm", "zxcvbnm")
_WORD = re.compile(r"[^\W\d_]+|[^\x00-\x7f]+")


class LabelIsAForm(Rule):
    """The label is a word that can be typed later, and means this run.

    A run labelled `@last` or `./a` could not be asked for by its label: that word means another run, or a file. Of two
    labels that differ in a blank at an end nobody sees which is which."""

    code = "RA315"
    name = "label_is_a_form"
    example = "the label '@last' is a word for the newest run"
    requires = frozenset({"RA301"})

    def check(self, manifest: Manifest, call: Invocation) -> Iterator[Finding]:
        label = manifest.label or ""
        wrong = "begins or ends with a blank" if label != label.strip() else ""
        if meaning := taken_for(label.strip()):
            wrong = f"is a word for {meaning}"
        if wrong:
            yield self.finding(
                "label",
                f"the label {quoted(label)} {wrong}",
                remedy=call.plus("--label", "what this run tests"),
            )


class LabelSaysNothing(Rule):
    """The label says what the run tests.

    "test", "run1", "asdf" or a date name every run and none. Next week nobody knows which of them was meant, and a
    sealed label is never rewritten. `[guard] empty_labels` in the policy sets the words; an empty list asks nothing."""

    code = "RA316"
    name = "label_says_nothing"
    example = "the label 'test' says nothing about this run; say what it tests"
    requires = frozenset({"RA301", "RA315"})

    def check(self, manifest: Manifest, policy: GuardSettings, call: Invocation) -> Iterator[Finding]:
        label = manifest.label or ""
        if says_nothing(label, policy.empty_labels):
            yield self.finding(
                "label",
                f"the label {quoted(label)} says nothing about this run; say what it tests, as {EXAMPLE!r} does",
                remedy=call.plus("--label", "what this run tests"),
                severity=Severity.ERROR if "label" in policy.require else Severity.INFO,
            )


RULES: tuple[Rule, ...] = (LabelIsAForm(), LabelSaysNothing())


def says_nothing(label: str, placeholders: Iterable[str]) -> bool:
    """Whether a label holds placeholders only: "test", "run1", "final_final_2", "aaa", "asdf", "42", "2026-11-27".

    placeholders: the words that say nothing, case aside; none of them, and every label says something.
    """
    empty = {word.casefold() for word in placeholders}
    whole = "".join(letter for letter in label if letter.isprintable()).strip().casefold()
    if not empty:
        return False
    return whole in empty or all(_is_placeholder(word, empty) for word in _WORD.findall(whole))


def _is_placeholder(word: str, empty: set[str]) -> bool:
    again = len(word) > 2 and len(set(word)) == 1 and word.isascii()
    # From the row's first key on: "wer" and "wert" are words, and lie on one, too.
    return word in empty or again or (len(word) > 2 and any(row.startswith(word) for row in _KEYBOARD))
