"""The names a text can use: arms and metrics that were recorded, and the short forms people write for them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from runaudit.metrics.catalogue import Direction, known_direction, metric, unit_of

BLANK = "\x00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A name in a text, and where."""

    start: int
    end: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """What may be named. metrics: quantities, without their sequences; sequences: (metric, sequence).

    preferred: the metrics that the records say they are judged by, which a short form means where several fit.
    directions: declared ones, beside those that a name settles.
    """

    arms: tuple[str, ...]
    metrics: tuple[str, ...]
    sequences: tuple[tuple[str, str], ...] = ()
    preferred: tuple[str, ...] = ()
    directions: tuple[tuple[str, Direction], ...] = ()

    def direction(self, metric: str) -> Direction | None:
        """Which way a metric improves, if that is known."""
        return dict(self.directions).get(metric) or known_direction(metric)


def mentions(text: str, names: Iterable[str]) -> tuple[list[Mention], str]:
    """The names in a text, longest first and none inside another; and the text with them blanked out."""
    found: list[Mention] = []
    for name in sorted({name for name in names if name.strip()}, key=lambda name: (-len(name), name)):
        words = r"\s+".join(re.escape(word) for word in name.split())
        pattern = re.compile(rf"(?<![\w/]){words}(?![\w/])", re.IGNORECASE)
        found += [Mention(start=match.start(), end=match.end(), name=name) for match in pattern.finditer(text)]
        text = pattern.sub(lambda match: BLANK * len(match[0]), text)
    return sorted(found, key=lambda mention: mention.start), text


def metric_in(text: str, vocabulary: Vocabulary, *, has_decibel: bool, default: str | None) -> tuple[str, str, str]:
    """The metric a sentence is about: (metric, why there is none, the text with its names blanked out)."""
    whole = [f"{metric}/{sequence}" for metric, sequence in vocabulary.sequences]
    spoken = _spoken(vocabulary.metrics)
    named, rest = mentions(text, (*vocabulary.metrics, *whole, *spoken))
    found = list(dict.fromkeys(spoken.get(mention.name, mention.name) for mention in named))
    if len(found) > 1:
        return "", f"several metrics in one sentence ({', '.join(found)})", rest
    if found:
        return *_with_sequence(found[0], rest, vocabulary), rest
    short = {last for metric in vocabulary.metrics if known_direction(last := metric.rpartition("/")[2]) is not None}
    aliases, rest = mentions(rest, short)
    words = list(dict.fromkeys(mention.name for mention in aliases))
    if len(words) > 1:
        return "", f"several metrics in one sentence ({', '.join(words)})", rest
    if words:
        fits = [metric for metric in vocabulary.metrics if metric.rpartition("/")[2].lower() == words[0].lower()]
    else:
        fits = [metric for metric in vocabulary.metrics if has_decibel and is_decibel(metric)]
    return *_chosen(fits, rest, vocabulary, default=default), rest


def _spoken(metrics: Sequence[str]) -> dict[str, str]:
    """What the pages call a metric, `test accuracy` -> `test/accuracy`: several words that are of one alone."""
    words = [(metric(name).words, name) for name in metrics]
    said = [text.lower() for text, _ in words]
    return {text: name for text, name in words if " " in text and text != name and said.count(text.lower()) == 1}


def is_decibel(metric: str) -> bool:
    """Whether a metric is measured in dB, as its name says."""
    return unit_of(metric) == "dB"


def _chosen(fits: Sequence[str], rest: str, vocabulary: Vocabulary, *, default: str | None) -> tuple[str, str]:
    if default is not None and (not fits or default in fits):
        return _with_sequence(default, rest, vocabulary)
    meant = [metric for metric in fits if metric in vocabulary.preferred] or list(fits)
    if len(meant) == 1:
        return _with_sequence(meant[0], rest, vocabulary)
    return "", f"the metric could be {' or '.join(meant[:4])}" if meant else "no recorded metric is named"


def _with_sequence(metric: str, rest: str, vocabulary: Vocabulary) -> tuple[str, str]:
    """A metric on the one sequence that the sentence names: `30.1 dB on camera` is not the mean over all."""
    own = [sequence for parent, sequence in vocabulary.sequences if parent == metric]
    named = list(dict.fromkeys(mention.name for mention in mentions(rest, own)[0]))
    if len(named) > 1:
        return "", f"several sequences in one sentence ({', '.join(named)})"
    return (f"{metric}/{named[0]}" if named else metric), ""
