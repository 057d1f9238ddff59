"""Where the templates are: inside the package when it was installed from a wheel, beside it in a checkout.

In an editable install the wheel's copy is a stale twin in site-packages while the package itself lies in the checkout,
so the folder is looked for next to this package's own files and nowhere else.
"""

from pathlib import Path

from runaudit.errors import UsageError

_PACKAGE = Path(__file__).resolve().parent.parent


def asset(name: str) -> str:
    """The text of a file that lies beside the templates: the stylesheet, the script."""
    return (templates_folder() / name).read_text(encoding="utf-8")


def templates_folder(package: Path = _PACKAGE) -> Path:
    """The folder that holds `page.html.j2`. Raises UsageError where the installation lacks it."""
    for folder in (package / "templates", package.parent / "templates"):
        if (folder / "page.html.j2").is_file():
            return folder
    raise UsageError(
        f"the page's templates are missing beside {package}",
        remedy="install runaudit again",
    )
