"""A Markdown text cut into what can be read apart: paragraphs, list items, tables, and annotations in comments.

Every cut keeps its offsets, so that a number found in a piece still knows its line.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

_FENCE = re.compile(r"^ {0,3}(```+|~~~+)")
_COMMENT = re.compile(r"<!--(.*?)(?:-->|\Z)", re.DOTALL)
_OURS = re.compile(r"\s*runaudit\s*:", re.IGNORECASE)
_ADDRESS = re.compile(r"(?<=\])\([^()\s]*(?:\s+\"[^\"]*\")?\)|<?https?://[^\s>)]+>?|<[/a-zA-Z][^<>]*>")
_RULE = re.compile(r"^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$")
_LIST_NUMBER = re.compile(r"^ *\d+[.)](?=\s)", re.MULTILINE)
_HEADING = re.compile(r"^ {0,3}#{1,6}\s")
_ITEM = re.compile(r"^\s*(?:[-*+]\s+|\d+[.)]\s+|#{1,6}\s+|>\s?)")
# A stop that ends no sentence, made a space of equal length.
_ABBREVIATION = re.compile(r"\b(vs|e\.g|i\.e|cf|approx|ca|fig|figs|tab|eq|resp|incl|al|no|sec)\.", re.IGNORECASE)
_SENTENCE = re.compile(r".+?(?:[.!?](?=\s|$)|$)", re.DOTALL)
_SIGNS = str.maketrans({"−": "-", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "*": " ", "`": " "})


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A paragraph, list item or table of the text; `start` is its offset."""

    start: int
    text: str
    is_table: bool

    @property
    def end(self) -> int:
        """The offset behind it."""
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """An annotation meant for us: what it says, without the `runaudit:`, and where."""

    start: int
    end: int
    text: str


def cut(text: str) -> tuple[tuple[Block, ...], tuple[Comment, ...]]:
    """The blocks of a text, without code, addresses and comments; and the comments that begin with `runaudit:`."""
    text = _without_code(text)
    comments = []
    for match in _COMMENT.finditer(text):
        if ours := _OURS.match(match[1]):
            comments.append(Comment(start=match.start(), end=match.end(), text=match[1][ours.end() :].strip()))
    text = _blanked(_ADDRESS, _blanked(_COMMENT, text)).translate(_SIGNS)
    return tuple(_without_number(block) for block in _blocks(text)), tuple(comments)


def line_of(text: str, offset: int) -> int:
    """The line of an offset, from 1 on."""
    return text.count("\n", 0, offset) + 1


def sentences(block: Block) -> Iterator[tuple[int, str]]:
    """The sentences of a block with their offsets in the text; line breaks are spaces."""
    text = _ABBREVIATION.sub(lambda match: match[0].replace(".", " "), block.text.replace("\n", " "))
    for match in _SENTENCE.finditer(text):
        if match[0].strip():
            yield block.start + match.start(), match[0]


def rows(block: Block) -> Iterator[tuple[int, list[str]]]:
    """The rows of a table with their offsets, the rule under the header left out."""
    offset = block.start
    for line in block.text.splitlines(keepends=True):
        if not _RULE.match(line):
            cells = re.split(r"(?<!\\)\|", line.strip().removeprefix("|").removesuffix("|"))
            yield offset, [cell.strip().replace("\\|", "|") for cell in cells]
        offset += len(line)


def _blocks(text: str) -> Iterator[Block]:
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    index = 0
    while index < len(lines):
        if not lines[index].strip():
            index += 1
            continue
        is_table = _starts_table(lines, index)
        end = index + 1
        # A heading ends with its line: what stands below it is no part of its sentence.
        while end < len(lines) and lines[end].strip() and not _HEADING.match(lines[index]):
            if is_table and "|" not in lines[end]:
                break
            if not is_table and (_ITEM.match(lines[end]) or _starts_table(lines, end)):
                break
            end += 1
        yield Block(start=starts[index], text="".join(lines[index:end]), is_table=is_table)
        index = end


def _starts_table(lines: list[str], index: int) -> bool:
    return index + 1 < len(lines) and "|" in lines[index] and bool(_RULE.match(lines[index + 1]))


def _without_number(block: Block) -> Block:
    """The number of a list item counts items and claims nothing."""
    return replace(block, text=_blanked(_LIST_NUMBER, block.text))


def _without_code(text: str) -> str:
    kept, fence = [], ""
    for line in text.splitlines(keepends=True):
        mark = _FENCE.match(line)
        if fence:
            fence = "" if mark and mark[1].startswith(fence) else fence
            line = _spaces(line)
        elif mark:
            fence, line = mark[1], _spaces(line)
        kept.append(line)
    return "".join(kept)


def _blanked(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda match: _spaces(match[0]), text)


def _spaces(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)
