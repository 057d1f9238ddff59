"""Every verdict's words, in one table: its heading, how loud it is, what it means, and the exit code it ends with.

Terminal, page and exit code read the same row, so that none of them can call good what another calls bad. A word that
is not in the table is never a pass.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from runaudit.text.terminal import GREEN, RED, YELLOW

PASS, NEGATIVE, CANNOT_JUDGE, INTEGRITY, REFUSED = 0, 1, 3, 4, 5
"""The exit codes of a judgement; 2 is a call that cannot be understood, 70 a fault of runaudit itself."""
STOPPED = 130
"""The exit code of what somebody stopped, as a shell has it of Ctrl-C."""


class Tone(StrEnum):
    """How loud a verdict is."""

    GOOD = "good"
    DOUBT = "doubt"
    BAD = "bad"

    @property
    def colour(self) -> str:
        """Its colour in a terminal."""
        return {Tone.GOOD: GREEN, Tone.DOUBT: YELLOW, Tone.BAD: RED}[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictWords:
    """One verdict. `heading` is as a sentence begins; `meaning` a sentence, where `{factors}` stands for their count.

    code: the exit code; a verdict that takes the code of what caused it holds the one for where nothing did.
    """

    heading: str
    tone: Tone
    meaning: str
    code: int

    @property
    def words(self) -> str:
        """The heading within a sentence."""
        return self.heading[:1].lower() + self.heading[1:]


def _good(heading: str, meaning: str, code: int = PASS) -> VerdictWords:
    return VerdictWords(heading=heading, tone=Tone.GOOD, meaning=meaning, code=code)


def _doubt(heading: str, meaning: str, code: int = CANNOT_JUDGE) -> VerdictWords:
    return VerdictWords(heading=heading, tone=Tone.DOUBT, meaning=meaning, code=code)


def _bad(heading: str, meaning: str, code: int = NEGATIVE) -> VerdictWords:
    return VerdictWords(heading=heading, tone=Tone.BAD, meaning=meaning, code=code)


_DIFF = {
    "integrity_failure": _bad(
        "Integrity failure", "A record does not match its digest; nothing can be concluded.", INTEGRITY
    ),
    "incomparable": _bad("Incomparable", "The two sides were not measured alike, or no run of one finished."),
    "confounded": _bad("Confounded", "{factors} changed together; their effects cannot be told apart."),
    "provenance_incomplete": _doubt("Provenance incomplete", "Something that could have changed is not on record."),
    "single_factor": _good("Single factor", "Exactly one factor changed: a difference can be put down to it."),
    "replicate": _good("Replicate", "Only seeds differ: any difference is the spread between seeds."),
    "identical": _good("Identical", "Nothing that can matter differs."),
}
_TABLE: dict[str, dict[str, VerdictWords]] = {
    "diff": _DIFF,
    # Where nothing varies over many runs, nothing was checked: never a pass.
    "study": _DIFF
    | {
        "estimable": _good("Estimable", "The effect of every factor that varies can be estimated."),
        "unmeasured_levels": _doubt("Unmeasured levels", "A factor that varies has a result at one level alone."),
        "replicate": _doubt("Replicate", "Only seeds vary, so there is no effect to attribute."),
        "identical": _doubt("Identical", "Nothing varies, so there is no effect to attribute."),
    },
    "stats": {
        "improved": _good("Improved", "One factor changed, and the interval excludes no difference."),
        "regressed": _bad("Worse", "One factor changed, and the metric became worse."),
        "equivalent": _good("Equivalent", "The difference is smaller than the declared margin."),
        "inconclusive": _doubt("Inconclusive", "These seeds cannot tell the arms apart.", NEGATIVE),
        "too_few_seeds": _bad("Too few seeds", "Fewer than 3 seeds per arm: no test is made.", CANNOT_JUDGE),
        # Takes the code of the design that caused it.
        "not_attributable": _bad("Not attributable", "No difference could be credited to one cause."),
    },
    "claims": {
        "supported": _good("Supported", "The recorded runs support the number."),
        "unsupported": _bad("Unsupported", "The recorded runs do not support the number."),
        "not_found": _bad("Not found", "No recorded run stands for what the claim names."),
    },
    "health": {
        "passed": _good("Passed", "No finding weighs as much as was asked to fail on."),
        "failing": _bad("Failing", "A finding weighs as much as was asked to fail on."),
        "cannot_say": _doubt("Cannot be determined", "There is no curve to judge."),
    },
    "guard": {
        "allowed": _good("This run may start", "No rule that was asked refuses it."),
        "refused": _bad("This run may not start", "A rule refuses it, and no waiver holds.", REFUSED),
    },
    "verify": {
        "sound": _good("Sound", "Every stored byte is what was sealed."),
        "damaged": _bad("Damaged", "A stored byte is not what was sealed.", INTEGRITY),
    },
    "doctor": {
        "whole": _good("Whole", "Nothing that was sealed is damaged."),
        "damaged": _bad("Damaged", "Something that was sealed is damaged.", INTEGRITY),
        "exposed": _bad("Exposed", "A secret can be read in the store."),
    },
    "plan": {
        "planned": _good("Planned", "So many seeds find the effect."),
        "out_of_reach": _bad("Out of reach", "A number of seeds that nobody can run is no plan.", CANNOT_JUDGE),
    },
    "restore": {
        "exact": _good("Exact", "Every file is as it was sealed."),
        "incomplete": _bad("Incomplete", "Some files could not be restored.", CANNOT_JUDGE),
    },
    "untangle": {
        "attributed": _good("Attributed", "Which factors moved the metric is known, and that no other did as much."),
        "not_separated": _doubt("Not separated", "Some factors could not be told apart.", NEGATIVE),
        "no_difference": _doubt("No difference", "The two ends do not differ where they are run again.", NEGATIVE),
        "inconclusive": _doubt("Inconclusive", "The runs give no answer."),
        "planned": _good("Planned", "Nothing was run."),
    },
    "campaign": {
        "completed": _good("Completed", "Every job ran to its end."),
        "planned": _good("Planned", "Nothing was run."),
        "failed": _bad("Failed", "Some jobs have no result; they stay counted."),
        "running": _doubt("Under way", "Jobs of it run now.", NEGATIVE),
        "disturbed": _bad("Disturbed", "Jobs that ran at once wrote one file: whose it is cannot be determined."),
        "stopped": _doubt("Stopped", "Some jobs are still to be run.", STOPPED),
        "refused": _bad("This campaign may not start", "The guard refuses a job of it; nothing was run.", REFUSED),
    },
    "rerun": {
        "bit_equal": _good("Reproduced to the last bit", "Every metric, series and checkpoint is the same."),
        "within_replicate_noise": _good(
            "Reproduced within the noise of its replicates", "Every metric lies where a further replicate would."
        ),
        "not_reproduced": _bad("Not reproduced", "A metric lies outside what the replicates predict."),
        "cannot_say": _doubt("Cannot be determined", "Too few replicates say how much is noise."),
        "other_inputs": _bad("Not the same inputs", "It was run with other inputs."),
    },
}
VERDICTS: Mapping[str, Mapping[str, VerdictWords]] = MappingProxyType(
    {command: MappingProxyType(rows) for command, rows in _TABLE.items()}
)
"""Command -> verdict word -> its row."""


def verdict_words(command: str, word: str) -> VerdictWords:
    """The row of a verdict. One that is not known to this version is bad, and cannot be judged."""
    known = VERDICTS[command].get(word)
    return known or _bad(word.replace("_", " "), "This verdict is not known to this version.", CANNOT_JUDGE)


_CLAUSES = {
    "integrity_failure": "a record {which}does not match its digest",
    "provenance_incomplete": "the provenance {which}is incomplete",
    "single_factor": "one factor {which}changed",
    "replicate": "only seeds {which}differ",
    "identical": "nothing that can matter differs",
}
"""The verdicts of `diff` that are not what a comparison is: `the comparison is integrity failure` is no English."""


def comparison_clause(verdict: str, which: str = "") -> str:
    """Why numbers are credited to no cause, as the end of a sentence: `the comparison is confounded`, `a record does
    not match its digest`. which: of which runs it is said, with a space behind it."""
    said = _CLAUSES.get(str(verdict), f"the comparison {{which}}is {verdict_words('diff', verdict).words}")
    return said.format(which=which)
