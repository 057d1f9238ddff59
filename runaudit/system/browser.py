"""A browser that is on this machine, asked to print a page of ours or to show it; nothing is ever downloaded.

What prints is a Chromium, Chrome or Edge, driven through the pair of pipes that they open for it
(`--remote-debugging-pipe`): no port that others on the machine could reach, and the page goes in and the PDF comes out
through them, so that a browser that is shut into a sandbox of its own (a snap sees neither `/tmp` nor hidden folders)
prints as any other. It gets a profile that ends with it, nothing of the user's is read or written, whatever it would
send goes to an address where nobody listens, and an answer that does not come ends it: no call waits without end.
"""

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import webbrowser
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from runaudit.errors import UsageError
from runaudit.system.files import read_ordinary

NAMES = (
    "chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome",
    "microsoft-edge-stable", "microsoft-edge", "msedge", "brave-browser",
)  # fmt: skip
"""What the browsers that can be asked are called, looked for in this order."""
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
"""Where macOS keeps them, outside of the search path."""
ANSWER_S = 120.0
"""A page of 8 MB prints in a tenth of it."""
_FOOT = (
    '<p style="width: 100%; text-align: center; font: 8px sans-serif; color: #555">'
    '<span class="pageNumber"></span> / <span class="totalPages"></span></p>'
)
_READ_BYTES = 1 << 16
_SAID = "stderr"
_FLAGS = (
    "--headless", "--remote-debugging-pipe", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--no-default-browser-check", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-extensions", "--disable-default-apps", "--disable-breakpad", "--hide-scrollbars", "--mute-audio",
    "--disable-dev-shm-usage",  # 64 MB in a container, where a page of many figures would end it
    "--password-store=basic", "--use-mock-keychain",
    "--proxy-server=127.0.0.1:9", "--proxy-bypass-list=<-loopback>",
)  # fmt: skip


class BrowserError(UsageError):
    """There is no browser to ask, or the one that was asked gave no answer. Who asked knows what else can be done."""


def find_browser() -> str | None:
    """The first browser of this machine that can be asked; None where there is none."""
    found = (shutil.which(name) for name in NAMES)
    return next((path for path in (*found, *filter(os.path.isfile, PLACES)) if path), None)


def show_page(page: Path) -> None:
    """Open a page in what its user reads pages with. Where there is no screen, nothing is done and nothing said: a
    browser of text would take the terminal."""
    screen = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if screen or os.environ.get("BROWSER"):
        webbrowser.open(page.resolve().as_uri())


def print_page(html: str) -> bytes:
    """The page as a PDF on A4, in its print style, with its headings as bookmarks. Raises BrowserError."""
    with browsing() as browser:
        tab = browser.open_tab()
        frame = browser.ask("Page.getFrameTree", tab)["frameTree"]["frame"]["id"]
        browser.ask("Page.setDocumentContent", tab, frameId=frame, html=html)
        pdf = browser.ask(
            "Page.printToPDF", tab, printBackground=True, preferCSSPageSize=True, paperWidth=8.27, paperHeight=11.69,
            marginTop=0.5, marginBottom=0.6, marginLeft=0.55, marginRight=0.55,
            displayHeaderFooter=True, headerTemplate="<i></i>", footerTemplate=_FOOT,
            generateTaggedPDF=True, generateDocumentOutline=True,
        )  # fmt: skip
        return base64.b64decode(pdf["data"])


@contextlib.contextmanager
def browsing() -> Iterator["Browser"]:
    """A browser that is gone, with all it wrote, when the block ends. Raises BrowserError where there is none."""
    program = find_browser()
    if program is None:
        raise BrowserError("no Chromium, Chrome or Edge was found to print with")
    with tempfile.TemporaryDirectory(prefix="runaudit-browser-", ignore_cleanup_errors=True) as profile:
        browser = Browser(program, Path(profile))
        try:
            yield browser
        finally:
            browser.close()


class Browser:
    """A running browser: questions go in, answers come out, and what happened meanwhile is kept in `events`."""

    def __init__(self, program: str, profile: Path) -> None:
        self.events: list[Mapping[str, Any]] = []
        self._asked, self._rest = 0, b""
        self._said = profile / _SAID
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses to start as root with it.
        command = [program, *_FLAGS, *sandbox, f"--user-data-dir={profile / 'profile'}", "about:blank"]
        theirs, self._out = _pipe()
        self._in, theirs_too = _pipe()
        try:
            self._process = _start(command, (theirs, theirs_too), profile)
        except OSError as error:
            _close(self._out, self._in)
            raise BrowserError(f"{program} does not start: {error.strerror}") from error
        finally:
            _close(theirs, theirs_too)

    def open_tab(self) -> str:
        """A new empty tab; its name is the `tab` of every question about it."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        tab: str = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return tab

    def ask(self, method: str, tab: str = "", **params: Any) -> Mapping[str, Any]:
        """The answer to one question of the browser's own protocol. Raises BrowserError where none comes."""
        self._asked += 1
        question = {"id": self._asked, "method": method, "params": params, **({"sessionId": tab} if tab else {})}
        until = time.monotonic() + ANSWER_S
        self._write(json.dumps(question).encode() + b"\0")
        while True:
            told = self._next(until, method)
            if told.get("id") == self._asked:
                break
            self.events.append(told)
        if "error" in told:
            raise BrowserError(f"the browser refused {method}: {told['error'].get('message')}")
        result: Mapping[str, Any] = told["result"]
        return result

    def close(self) -> None:
        """End the browser and every process of it."""
        _close(self._out, self._in)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _write(self, data: bytes) -> None:
        try:
            while data:
                data = data[os.write(self._out, data) :]
        except BrokenPipeError as error:
            raise self._ended() from error

    def _next(self, until: float, method: str) -> Mapping[str, Any]:
        """The next message. Messages end with a NUL, which JSON never holds."""
        parts = [self._rest]
        while b"\0" not in parts[-1]:
            if not select.select([self._in], (), (), max(0.0, until - time.monotonic()))[0]:
                raise BrowserError(f"the browser gave no answer to {method} in {ANSWER_S:g} s")
            data = os.read(self._in, _READ_BYTES)
            if not data:
                raise self._ended()
            parts.append(data)
        message, _, self._rest = b"".join(parts).partition(b"\0")
        told: Mapping[str, Any] = json.loads(message)
        return told

    def _ended(self) -> BrowserError:
        said = read_ordinary(self._said).decode("utf-8", errors="replace").strip().splitlines()
        return BrowserError(f"the browser ended{': ' if said else ''}{''.join(said[-1:])}")


def _pipe() -> tuple[int, int]:
    """Both ends of a pipe, neither of them a number that the browser's own two ends will have."""
    ends = os.pipe()
    raised = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends)
    _close(*ends)
    return raised[0], raised[1]


def _close(*ends: int) -> None:
    for end in ends:
        os.close(end)


def _start(command: Sequence[str], pipes: tuple[int, int], profile: Path) -> "subprocess.Popen[bytes]":
    """A process group of its own. Which two descriptors the browser reads and writes is fixed: 3 and 4. What it keeps
    beside its profile (crashes, caches) goes where that is."""

    def moved() -> None:
        os.dup2(pipes[0], 3)
        os.dup2(pipes[1], 4)

    own = {name: str(profile) for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME")}
    with (profile / _SAID).open("wb") as stderr:
        return subprocess.Popen(
            command, env={**os.environ, **own}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr,
            close_fds=False, preexec_fn=moved, start_new_session=True,
        )  # fmt: skip
