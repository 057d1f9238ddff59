"""View-model -> one file. The home of jinja2.

Everything is escaped; a name that a template does not know is an error, not a blank. The page may load nothing, and run
nothing but one script of our own: its content security policy names that by the digest of its text, and forbids all
else. The page reads whole without it.
"""

import base64
import hashlib
import re
from collections.abc import Callable
from html import escape, unescape
from pathlib import Path
from typing import Any

from runaudit.errors import UsageError
from runaudit.report.assets import asset, templates_folder
from runaudit.report.drawings import draw_curves, draw_scaler
from runaudit.report.effects import draw_effects
from runaudit.report.figures import draw_scores
from runaudit.report.forest import draw_forest
from runaudit.report.guarded import Failed, attempted
from runaudit.report.views.page import PageView
from runaudit.report.words import shown, whole
from runaudit.system.files import check_no_twin, check_output, check_own, write_output
from runaudit.system.progress import Advance, work
from runaudit.text.terminal import printable
from runaudit.voice.gate import Gate

_DOT = re.compile(r"(?<=[A-Za-z_])\.(?=[A-Za-z_])")
"""Where a name in a narrow column is parted: `launch.` and `started`, and not `launch.starte` and `d`."""
_COMMAND = re.compile(r"`([^`]+)`")
"""What is typed, in a sentence of ours."""
_NAMES = ("", ".html", ".htm", ".xhtml")
"""What a page may be called; without an ending too, as a pipe is."""
_OTHERS = {
    ".md": "with --format md the Markdown goes into it, the page and a picture beside it",
    ".pdf": "name a FILE.html, and --pdf FILE.pdf beside it",
    ".svg": "name a FILE.html; with --format md the picture lies beside it",
    ".json": "name a FILE.html; with --json the answer goes to stdout",
}
"""Names of a page that are meant for something else -> what to type."""
_BETWEEN = re.compile(r">([^<>]*[^<>\s][^<>]*)<")
_READ_OUT = re.compile(r'( (?:aria-label|data-seed)=)"([^"]*)"')


def render_page(view: PageView, *, is_interactive: bool = False) -> str:
    """The page as HTML text; equal views give equal text. It holds no script unless it is to be interactive, and then
    one of ours alone, known to the browser by its digest."""
    from markupsafe import Markup

    style, script = asset("style.css"), asset("page.js") if is_interactive else ""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    ours = {"style": Markup(style), "script": Markup(script), "script_digest": Markup(digest)}
    with work("setting the page", None, "texts") as advance:
        return str(_environment(advance).get_template("page.html.j2").render(view=view, **ours))


def render(template: str, **values: Any) -> str:
    """A fragment set by one of the page's templates, everything escaped."""
    return str(_environment().get_template(template).render(**values))


class _Spoken:
    """The last gate: what a view forgot to make visible is made so here. Lines stay lines. A page of many runs says the
    same names again and again, and each is looked at once, for as long as no further secret is known."""

    def __init__(self, advance: Advance) -> None:
        self._advance, self._gate = advance, Gate()
        self._known, self._said = self._gate.learned, dict[str, str]()

    def __call__(self, text: str) -> str:
        self._advance(1)
        if self._gate.learned != self._known:
            self._known = self._gate.learned
            self._said.clear()
        if (said := self._said.get(text)) is None:
            said = self._said[text] = printable(self._gate.text(text), keep="\n\t")
        return said


def _environment(advance: Advance = lambda _: None) -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    spoken = _Spoken(advance)

    def said(value: Any) -> Any:
        return spoken(value) if type(value) is str and not value.startswith("data:") else value

    def drawn(draw: Callable[[Any], str]) -> Callable[[Any], Markup]:
        def markup(figure: Any) -> Markup:
            svg = attempted(lambda: draw(figure), what="This figure")
            if isinstance(svg, Failed):
                return Markup('<p class="missing">{}</p>').format(spoken(svg.words))
            # What stands between two tags, and what is read out, are texts; all else is our own.
            svg = _BETWEEN.sub(lambda found: f">{spoken(found[1])}<", svg)
            return Markup(_READ_OUT.sub(lambda found: f'{found[1]}"{escape(spoken(unescape(found[2])))}"', svg))

        return markup

    environment = Environment(
        finalize=said,
        loader=FileSystemLoader(templates_folder()),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )

    environment.filters["shown"] = lambda text: shown(text, 40).short
    environment.filters["step"] = whole
    environment.filters["parted"] = lambda text: Markup(_DOT.sub(".<wbr>", str(escape(said(text)))))
    environment.filters["commands"] = lambda text: Markup(_COMMAND.sub(r"<code>\1</code>", str(escape(said(text)))))
    environment.globals.update(
        draw_scores=drawn(draw_scores),
        draw_curves=drawn(draw_curves),
        draw_effects=drawn(draw_effects),
        draw_forest=drawn(draw_forest),
        draw_scaler=drawn(draw_scaler),
    )
    return environment


def check_place(path: Path, store: Path, *, pictured: bool = False) -> None:
    """Raises UsageError where no page on the runs of `store` can be put: asked before the work rather than after.
    pictured: Markdown is wanted, which may stand in a file of its own."""
    # Where it may not lie goes first: of a store's own file no other ending would do.
    check_output(path, "the page")
    if pictured and path.suffix.lower() not in _NAMES:
        stem = path.stem or "FILE"
        raise UsageError(f"{path} is called neither .md, as the text is, nor .html, as the page",
                         remedy=f"name {stem}.md; {stem}.html then lies beside it")  # fmt: skip
    if path.suffix.lower() in _OTHERS:
        raise UsageError(f"the page is HTML, and {path} is not called so", remedy=_OTHERS[path.suffix.lower()])
    if path.suffix.lower() not in _NAMES:
        raise UsageError(f"the page is HTML, and {path} is not called so", remedy=f"name {path.stem or 'FILE'}.html")
    check_no_twin(path, store, "the page")
    check_own(path, "the page", _is_page)


def _is_page(head: bytes) -> bool:
    """Whether a file that begins so is a page of ours, of this version or an older one."""
    return head.startswith(b"<!DOCTYPE html>") and " · runaudit</title>".encode() in head


def write_page(path: Path, html: str) -> None:
    """Put the page at `path` whole or not at all: a full disk leaves what was there before. Raises UsageError."""
    write_output(path, html.encode(), "the page")
