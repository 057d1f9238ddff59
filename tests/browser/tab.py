"""A page as a person has it before them: a tab of a real browser that shows it, is looked at, typed into and clicked.

Driven by `runaudit.system.browser`, the way in which `report --pdf` prints, so that the tests ask for nothing but
Chromium. Nothing here waits for a clock: the browser says when a page is loaded, and answers after it laid it out.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from runaudit.system.browser import Browser

KEYS = {
    "Enter": 13, "Tab": 9, "Escape": 27, " ": 32, "End": 35, "Home": 36,
    "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40,
}  # fmt: skip
TEXT = {"Enter": "\r", " ": " "}
DOMAINS = ("Page", "Runtime", "Log", "Network", "Audits")


class Tab:
    """One page, opened in a tab of its own."""

    def __init__(self, browser: Browser, page: Path, *, width: int = 1280, height: int = 900, dark: bool = False,
                 scripts: bool = True) -> None:  # fmt: skip
        self.browser, self.url = browser, page.as_uri()
        self.name = browser.open_tab()
        for domain in DOMAINS:
            self.ask(f"{domain}.enable")
        if not scripts:
            self.ask("Emulation.setScriptExecutionDisabled", value=True)
        self.looks(width=width, height=height, dark=dark)
        self.ask("Page.navigate", url=self.url)
        while self.run("return document.readyState + location.href") != f"complete{self.url}":
            pass

    def ask(self, method: str, **params: Any) -> Mapping[str, Any]:
        return self.browser.ask(method, self.name, **params)

    def looks(self, *, width: int = 1280, height: int = 900, dark: bool = False, media: str = "screen") -> None:
        """The size of the window, and what the reader prefers."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", media=media, features=[scheme])

    def run(self, body: str, *values: Any) -> Any:
        """What a function of this body returns within the page; `values` are its `a`, `b`, `c`."""
        call = f"(async (a, b, c) => {{ {body} }})({', '.join(json.dumps(value) for value in values)})"
        told = self.ask("Runtime.evaluate", expression=call, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def press(self, *keys: str) -> None:
        for key in keys:
            about = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
            text = {"text": TEXT[key]} if key in TEXT else {}
            self.ask("Input.dispatchKeyEvent", type="keyDown", **about, **text)
            self.ask("Input.dispatchKeyEvent", type="keyUp", **about)

    def move(self, x: float, y: float) -> None:
        self.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def click(self, selector: str, nth: int = 0) -> None:
        """A click of the mouse in the middle of what is there to be seen of it."""
        x, y = self.run(
            "const e = document.querySelectorAll(a)[b]; e.scrollIntoView({block: 'center'});"
            "const r = e.getClientRects()[0]; return [r.x + Math.min(r.width / 2, 60), r.y + r.height / 2]",
            selector, nth,
        )  # fmt: skip
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def told(self) -> list[str]:
        """What ran, complained or was asked for: every message, error, dialog, request and breach of the policy."""
        self.run("return 0")  # Whatever happened before has been told by now.
        return [line for event in self._own() if (line := _line(event, self.url))]

    def picture(self) -> bytes:
        return base64.b64decode(self.ask("Page.captureScreenshot")["data"])

    def close(self) -> None:
        self.ask("Page.close")
        self.browser.events = [event for event in self.browser.events if event.get("sessionId") != self.name]

    def _own(self) -> Sequence[Mapping[str, Any]]:
        return [event for event in self.browser.events if event.get("sessionId") == self.name]


def _line(event: Mapping[str, Any], url: str) -> str:
    """One event in a line; nothing where it is an event of a quiet page."""
    about = event["params"]
    match event["method"]:
        case "Runtime.consoleAPICalled":
            return f"console.{about['type']}: {[part.get('value') for part in about['args']]}"
        case "Runtime.exceptionThrown":
            return f"exception: {about['exceptionDetails']}"
        case "Log.entryAdded":
            return f"log: {about['entry']['level']}: {about['entry']['text']}"
        case "Page.javascriptDialogOpening":
            return f"dialog: {about['message']}"
        case "Audits.issueAdded":
            return f"issue: {about['issue']['code']}: {about['issue']['details']}"
        case "Network.requestWillBeSent":
            asked = about["request"]["url"]
            return "" if asked == url or asked.startswith("data:image/png;base64,") else f"request: {asked[:200]}"
        case "Page.windowOpen" | "Page.downloadWillBegin" | "Page.frameAttached":
            return f"{event['method']}: {about}"
    return ""
