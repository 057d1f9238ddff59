"""Markdown in which every name stays a name. Labels, paths and factors come from strangers; a pull request renders
them.

One escape for all commands: what it lets through, every command lets through, and a test looks at them all.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from runaudit.text.terminal import printable

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_MARKS = "\\`*_[]|~$#"
"""What begins code, stress, links, cells, strikes, formulas and headings. A backslash before it makes it a letter."""
_ADDRESS = re.compile(r"(?i)(?<![a-z])(?:https?|ftp|mailto|xmpp):|(?<![a-z])www\.")
_ENDED = {":": "&#58;", ".": "&#46;"}
"""What a reader such as GitHub's would make a link of without being asked; the letter is the same to the eye."""
_CALLING = re.compile(r"@(?=\w)|\\#(?=\d)")
"""What GitHub makes a call or a reference of: `@name` writes to that person, `#1` stands in issue 1 for good. It looks
at the text of the finished page, in which an entity or a backslash is gone; a comment parts the text and is not seen,
and in a span of code nothing is looked for."""
_ESCAPES = str.maketrans(_ENTITIES | {letter: f"\\{letter}" for letter in _MARKS})


def escaped(text: object) -> str:
    """Text that is shown as it is, in a paragraph, a list or a cell; a control character or a line's end is visible."""
    plain = printable(str(text), keep="").translate(_ESCAPES)
    unlinked = _ADDRESS.sub(lambda found: found[0][:-1] + _ENDED[found[0][-1]], plain)
    return _CALLING.sub(lambda found: f"{found[0][-1]}<!-- -->", unlinked)


def spoken(text: object) -> str:
    """Text as the words of a picture, which stand in an attribute: nobody is called from there, and a comment in it
    would be read aloud."""
    return escaped(text).replace("<!-- -->", "")


def code(text: object) -> str:
    """A span of code that no backtick in it can end, for paragraphs and lists; the cells of a table are plain texts.

    What could be a tag is escaped instead: where one reader ends a span, another may not.
    """
    plain = printable(str(text), keep="")
    if "<" in plain:
        return escaped(plain)
    fence = "`" * (_longest_run(plain) + 1)
    edge = " " if plain[:1] in "` " or plain[-1:] in "` " else ""
    return f"{fence}{edge}{plain}{edge}{fence}" if plain else ""


def typed(before: str, command: str) -> Iterator[str]:
    """A command of a list, behind `before`, so that it can be copied as it is: a span of code, or a block where it
    holds what could be a tag."""
    if "<" not in command:
        yield f"{before}{code(command)}"
        return
    yield before.rstrip()
    yield ""
    yield from (f"  {line}" for line in fenced([command], "sh"))


def fenced(lines: Iterable[str], language: str = "") -> Iterator[str]:
    """Lines as a block of code that no line in it can end."""
    plain = [printable(line) for line in lines]
    fence = "`" * max(3, max(map(_longest_run, plain), default=0) + 1)
    yield f"{fence}{language}"
    yield from plain
    yield fence


def table(header: Sequence[object], rows: Iterable[Sequence[object]], *, right: int | None = None) -> Iterator[str]:
    """A table of plain texts, each escaped here. Columns from `right` on hold figures and are set to the right."""
    yield _row(map(escaped, header))
    first = len(header) if right is None else right
    yield _row("---" if column < first else "---:" for column in range(len(header)))
    yield from (_row(map(escaped, row)) for row in rows)


def bullets(lines: Iterable[object]) -> Iterator[str]:
    """A list of plain texts, each escaped here."""
    yield from (f"- {escaped(line)}" for line in lines)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _longest_run(text: str) -> int:
    longest = run = 0
    for letter in text:
        run = run + 1 if letter == "`" else 0
        longest = max(longest, run)
    return longest
