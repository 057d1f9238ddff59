"""The picture of a page that a README shows: its top, as a browser draws it.

What imports it has the checkout in its path.
"""

import base64
from pathlib import Path

from runaudit.system.browser import browsing

WIDTH, HEIGHT = 1120, 640


def top_of(page: Path) -> bytes:
    """What a reader sees first, as a PNG. Raises BrowserError."""
    with browsing() as browser:
        tab = browser.open_tab()
        browser.ask("Emulation.setDeviceMetricsOverride", tab, width=WIDTH, height=HEIGHT, deviceScaleFactor=1,
                    mobile=False)  # fmt: skip
        frame = browser.ask("Page.getFrameTree", tab)["frameTree"]["frame"]["id"]
        browser.ask("Page.setDocumentContent", tab, frameId=frame, html=page.read_text(encoding="utf-8"))
        return base64.b64decode(browser.ask("Page.captureScreenshot", tab, format="png")["data"])
