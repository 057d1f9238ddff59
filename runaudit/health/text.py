"""The health of runs in words, for a terminal and for a pull request."""

from collections.abc import Iterator

from runaudit.health.answer import HealthAnswer, RunHealth, Shared
from runaudit.records.finding import Severity
from runaudit.rules import Skip
from runaudit.text.markdown import bullets, escaped
from runaudit.text.terminal import BOLD, RED, UNPAINTED, YELLOW, Paint, printable
from runaudit.text.verdicts import verdict_words
from runaudit.text.words import listed, plural


def headline(answer: HealthAnswer) -> str:
    """The verdict with what it rests on, in one line."""
    words = verdict_words("health", answer.verdict)
    counts = [
        plural(number, name)
        for severity, name in ((Severity.CRITICAL, "critical finding"), (Severity.ERROR, "error"),
                               (Severity.WARNING, "warning"), (Severity.INFO, "remark"))
        if (number := sum(finding.severity is severity for finding in answer.findings))
    ]  # fmt: skip
    over = f" over {plural(len(answer.runs), 'run')}" if len(answer.runs) > 1 else ""
    if answer.verdict == "cannot_say":
        bare = [one.run.label for one in answer.runs if not one.judged]
        return printable(
            f"{words.heading}: no loss or result of 10 points or more was logged by {listed(bare, limit=4)}."
        )
    failed = sorted({skip.code for one in answer.runs for skip in one.failed})
    end = f"; {listed(failed)} failed and judged nothing" if failed else ""
    return printable(f"{words.heading}: {listed(counts) if counts else _asked(answer)}{over}{end}.")


def _asked(answer: HealthAnswer) -> str:
    asked = sorted({code for one in answer.runs for code in one.asked})
    skipped = {skip.code for one in answer.runs for skip in one.skipped}
    rest = f", {plural(len(skipped), 'rule')} could not be" if skipped else ""
    return f"{plural(len(asked), 'rule')} asked{rest}, nothing found"


def text_lines(answer: HealthAnswer, *, verbose: bool = False, paint: Paint = UNPAINTED) -> Iterator[str]:
    """The verdict; what seeds share; then run by run what was found, where, and what to try."""
    yield paint(headline(answer), BOLD + verdict_words("health", answer.verdict).tone.colour)
    if answer.shared:
        yield ""
        yield from (printable(f"  {_shared_line(one)}") for one in answer.shared)
    for one in answer.runs:
        yield from ("", paint(printable(one.run.headline), BOLD))
        yield from _run_lines(one, verbose, paint)
    if by_policy := list(_by_policy(answer)):
        yield from ("", *map(printable, by_policy))


def _by_policy(answer: HealthAnswer) -> Iterator[str]:
    """What of the rules is the policy's doing."""
    if answer.off:
        yield f"Switched off by the policy: {', '.join(answer.off)}."
    if answer.tuned:
        told = [f"{rule} {name} = {value:g}" for rule, limits in answer.tuned.items() for name, value in limits.items()]
        yield f"Limits of the policy: {', '.join(told)}."


def _run_lines(one: RunHealth, verbose: bool, paint: Paint) -> Iterator[str]:
    for finding in one.findings:
        colour = RED if finding.severity >= Severity.ERROR else YELLOW if finding.severity is Severity.WARNING else ""
        yield paint(printable(f"  {finding.head}"), colour) if colour else printable(f"  {finding.head}")
        yield printable(f"      {finding.message}.")
        if finding.remedy and (verbose or finding.severity >= Severity.WARNING):
            yield printable(f"      try: {finding.remedy}.")
    if one.best is not None:
        yield printable(f"  best: {_best(one)}")
    if not one.findings:
        yield "  nothing found"
    yield from (printable(f"  {failed_line(skip)}") for skip in one.failed)
    if verbose:
        yield from (printable(f"  {line}") for line in _unknown(one))
        yield from (printable(f"  {_unasked(skip)}") for skip in one.unasked)
    elif one.unasked:
        yield f"  {_unasked_count(one)}"


def failed_line(skip: Skip) -> str:
    """A rule of others that raised, in words."""
    return f"a rule of an installed package: {skip.code} {skip.name}: {skip.reason}"


def _unasked_count(one: RunHealth) -> str:
    return f"{plural(len(one.unasked), 'rule')} found nothing on record to read (-v says why)"


def _unasked(skip: Skip) -> str:
    return f"not asked: {skip.code} {skip.name}: {skip.reason}"


def _unknown(one: RunHealth) -> Iterator[str]:
    if one.unknown:
        yield (
            f"not judged, since nobody knows which way they improve: {listed(one.unknown)}; [stats.directions] of the "
            "policy says it"
        )


def _best(one: RunHealth) -> str:
    best = one.best
    if best is None:
        return ""
    kept = f", kept in {best.checkpoint}" if best.checkpoint else ""
    return f"{best.metric} {best.value:.5g} at step {best.step}{kept}"


def _shared_line(one: Shared) -> str:
    seeds = [run.manifest.body.get("seed") for run in one.runs]
    who = f": seed {listed([str(seed) for seed in seeds], limit=8)}" if all(s is not None for s in seeds) else ""
    return f"{one.finding.code} {one.finding.name} on {one.finding.subject}: {len(one.runs)} of {one.of} runs{who}"


def markdown_lines(answer: HealthAnswer, *, verbose: bool = False) -> Iterator[str]:
    """The same for a pull request."""
    yield f"**{escaped(headline(answer))}**"
    if answer.shared:
        yield from ("", *bullets(_shared_line(one) for one in answer.shared))
    for one in answer.runs:
        yield from ("", f"**{escaped(one.run.headline)}**", "")
        yield from bullets(_bullets(one, verbose))
    if by_policy := list(_by_policy(answer)):
        yield from ("", *bullets(by_policy))


def _bullets(one: RunHealth, verbose: bool) -> Iterator[str]:
    for finding in one.findings:
        remedy = f" Try: {finding.remedy}." if finding.remedy and finding.severity >= Severity.WARNING else ""
        yield f"{finding.head}: {finding.message}.{remedy}"
    if one.best is not None:
        yield f"best: {_best(one)}"
    if not one.findings:
        yield "nothing found"
    yield from map(failed_line, one.failed)
    if verbose:
        yield from _unknown(one)
        yield from map(_unasked, one.unasked)
    elif one.unasked:
        yield _unasked_count(one)
