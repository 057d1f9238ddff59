"""The whole text: sentences, tables and annotations, each number once. What an annotation says wins over its prose."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from runaudit.claims.annotation import read_annotation
from runaudit.claims.beside import is_heading, taken_back
from runaudit.claims.claim import Claim, Reading, Unread
from runaudit.claims.markdown import Block, Comment, cut, line_of, sentences
from runaudit.claims.number import numbers
from runaudit.claims.sentence import read_sentence
from runaudit.claims.table import read_table
from runaudit.claims.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True, kw_only=True)
class _Notes:
    """The annotations of a text, by the block they stand in or next to."""

    claims: tuple[tuple[Claim, tuple[int, ...]], ...]
    metrics: tuple[tuple[int, str], ...]
    ignored: frozenset[int]

    def default(self, offset: int) -> str | None:
        """The metric that was set last before an offset."""
        return next((metric for start, metric in reversed(self.metrics) if start <= offset), None)

    def covers(self, index: int, value: float) -> bool:
        """Whether an annotation at this block already says this number."""
        return any(index in blocks and abs(claim.value) == abs(value) for claim, blocks in self.claims)


def read(text: str, vocabulary: Vocabulary, *, default: str | None = None) -> Reading:
    """Everything a Markdown text claims in numbers. `default` is the metric where it names none.

    Raises UsageError for an annotation that is not understood.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    blocks, comments = cut(text)
    notes = _notes(text, blocks, comments)
    claims: list[Claim] = [claim for claim, _ in notes.claims]
    unread: list[Unread] = []
    others = 0
    heading: Block | None = None
    for index, block in enumerate(blocks):
        if index in notes.ignored:
            others += len(list(numbers(block.text)))
            continue
        heading = block if is_heading(block) else heading
        doubt: str | None = None
        for found in _found(text, block, vocabulary, default=notes.default(block.start) or default):
            if isinstance(found, int):
                others += found
            elif notes.covers(index, _value(found)):
                continue
            elif isinstance(found, Claim):
                doubt = doubt if doubt is not None else taken_back(blocks, index, under=heading)
                if doubt:
                    unread.append(Unread(line=found.line, written=found.written, reason=doubt, text=found.text))
                else:
                    claims.append(found)
            else:
                unread.append(found)
    order = sorted(claims, key=lambda claim: claim.line)
    return Reading(claims=tuple(order), unread=tuple(unread), others=others)


def _found(text: str, block: Block, vocabulary: Vocabulary, *, default: str | None) -> list[Claim | Unread | int]:
    if block.is_table:
        return list(read_table(block, vocabulary, line=line_of(text, block.start), default=default))
    out: list[Claim | Unread | int] = []
    for start, sentence in sentences(block):
        got = read_sentence(sentence, vocabulary, default=default)
        out += [replace(claim, line=line_of(text, start + offset)) for offset, claim in got.claims]
        out += [replace(row, line=line_of(text, start + offset)) for offset, row in got.unread]
        out.append(got.others)
    return out


def _value(found: Claim | Unread) -> float:
    return found.value if isinstance(found, Claim) else next((n.value for n in numbers(found.written)), float("nan"))


def _notes(text: str, blocks: Sequence[Block], comments: Sequence[Comment]) -> _Notes:
    claims, metrics, ignored = [], [], set()
    for comment in comments:
        near = _near(blocks, comment)
        for note in read_annotation(comment.text, line=line_of(text, comment.start)):
            if note.claim is not None:
                claims.append((note.claim, near))
            elif note.metric is not None:
                metrics.append((comment.start, note.metric))
            elif near:
                ignored.add(_following(blocks, comment))
    return _Notes(claims=tuple(claims), metrics=tuple(metrics), ignored=frozenset(ignored))


def _near(blocks: Sequence[Block], comment: Comment) -> tuple[int, ...]:
    """The block around a comment, else its two neighbours."""
    inside = [i for i, block in enumerate(blocks) if block.start <= comment.start < block.end]
    if inside:
        return tuple(inside)
    before = [i for i, block in enumerate(blocks) if block.end <= comment.start]
    after = [i for i, block in enumerate(blocks) if block.start >= comment.end]
    return (*before[-1:], *after[:1])


def _following(blocks: Sequence[Block], comment: Comment) -> int:
    """The block around a comment, else the next; -1 behind the last."""
    return next((i for i, block in enumerate(blocks) if block.end > comment.start), -1)
