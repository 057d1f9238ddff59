"""The health of the runs that words name: one run, a cohort, or all."""

from collections.abc import Sequence

from runaudit.errors import UsageError
from runaudit.health.answer import FAIL_ON, HealthAnswer, health_of
from runaudit.judge.bench import Bench
from runaudit.records.finding import Severity
from runaudit.text.verdicts import INTEGRITY, verdict_words

NEVER = "never"
"""With `--fail-on never` no finding is a negative judgement."""


def severity_of(word: str | None) -> Severity | None:
    """A severity by its name; None for `never`. Raises UsageError for a word that is none."""
    if word is None:
        return FAIL_ON
    if word == NEVER:
        return None
    try:
        return Severity[word.upper()]
    except KeyError:
        known = ", ".join(str(one) for one in Severity)
        raise UsageError(f"{word!r} is no severity", remedy=f"possible are {known}, {NEVER}") from None


def judge_health(bench: Bench, words: Sequence[str], *, fail_on: str | None = None) -> HealthAnswer:
    """What every rule says of every run that these words name. Raises UsageError for a word that names none."""
    severity = severity_of(fail_on)
    settings = bench.settings
    return health_of(bench.named(*words), settings.rules, directions=settings.stats.directions, fail_on=severity)


def exit_code(answer: HealthAnswer) -> int:
    """What the command ends with: a record that cannot be believed comes before what its curves show."""
    if any(one.run.fault for one in answer.runs):
        return INTEGRITY
    return verdict_words("health", answer.verdict).code
