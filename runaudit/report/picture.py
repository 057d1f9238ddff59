"""One small picture beside a page: the first judgement as a file that stands alone, for a pull request to show.

It is the page's own drawing. A file has no stylesheet around it, so the page's light colours are written into it, read
from the stylesheet that the page uses.
"""

import re
from pathlib import Path

from runaudit.report.assets import asset
from runaudit.report.html import render
from runaudit.report.views.page import PageView
from runaudit.system.files import check_output, check_own, write_output

_VARIABLE = re.compile(r"--([\w-]+):\s*([^;]+);")
_HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" class="plot"'
_INLINE = '<svg class="plot"'
WHAT = "the picture"


def place_of(page: Path) -> Path:
    """Where the picture of a page lies."""
    return page.with_suffix(".svg")


def check_picture(page: Path) -> None:
    """Raises UsageError where the picture cannot be put beside the page: asked before the work."""
    check_output(place_of(page), WHAT)
    check_own(place_of(page), WHAT, lambda head: head.startswith(_HEAD.encode()))


def write_picture(view: PageView, page: Path) -> Path | None:
    """The picture beside its page; None where nothing was judged in numbers. Raises UsageError as for the page."""
    figure = next((verdict.effects[0] for verdict in view.verdicts if verdict.effects), None)
    if figure is None:
        return None
    write_output(place_of(page), alone(render("picture.svg.j2", figure=figure)).encode(), WHAT)
    return place_of(page)


def alone(svg: str) -> str:
    """A drawing of the page as a file of its own: with its names, its colours and a ground."""
    colours = dict(_VARIABLE.findall(asset("style.css").partition("}")[0]))
    named = re.sub(r"var\(--([\w-]+)\)", lambda found: colours.get(found[1], "currentColor").strip(), svg)
    ground = f'<rect width="100%" height="100%" fill="{colours["paper"].strip()}"/>'
    head, end, body = named.partition(">")
    family = "font-family: system-ui, sans-serif"
    return f'{head.replace(_INLINE, _HEAD, 1)} style="{family}"{end}\n{ground}{body}'
