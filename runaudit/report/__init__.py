"""How judgements are shown: one self-contained page that needs neither a network nor its own script.

`page_view` says everything in words and numbers, `render_page` sets it, `write_page` puts it in its place.
"""

from runaudit.report.html import check_place, render_page, write_page
from runaudit.report.inputs import ArmInput, ComparisonInput
from runaudit.report.panels import Panel, read_panels
from runaudit.report.views.page import PageView, page_view

__all__ = [
    "ArmInput",
    "ComparisonInput",
    "PageView",
    "Panel",
    "check_place",
    "page_view",
    "read_panels",
    "render_page",
    "write_page",
]
