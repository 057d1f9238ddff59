"""How a file is read for secrets: what the same words mean depends on the file.

In code an unquoted value is a name, in settings it is the value itself, in a shell it may be computed, in notes it
stands in a sentence, and in a table it stands below its name.
"""

from enum import Enum
from pathlib import PurePosixPath


class Style(Enum):
    """How a text is read: `prose` and code alike give a secret only where it is quoted or cannot be a word."""

    PROSE = "prose"
    DATA = "data"
    SHELL = "shell"
    NOTES = "notes"
    TABLE = "table"
    NOTEBOOK = "notebook"


_DATA = frozenset(
    {".yaml", ".yml", ".json", ".toml", ".ini", ".cfg", ".conf", ".env", ".properties", ".netrc", ".pypirc", ".npmrc",
     ".tfvars", ".credentials", ".secret", ".secrets", ".jsonl", ".hocon", ".plist", ".pgpass"}
)  # fmt: skip
_SHELL = frozenset(
    {".sh", ".bash", ".zsh", ".fish", ".ksh", ".csh", ".tcsh", ".bat", ".cmd", ".ps1", ".mk", ".dockerfile", ".sbatch"}
)  # fmt: skip
_SHELL_NAMES = (".env", "dockerfile", "containerfile", "makefile", "gnumakefile", ".bashrc", ".profile", ".zshrc")
_DATA_NAMES = (".env", ".netrc", ".npmrc", ".pypirc", ".pgpass", "credentials", "config")
_NOTES = frozenset({".md", ".txt", ".rst", ".org", ".log", ".markdown", ".adoc"})


def style_of(name: str) -> Style:
    """How a file of this name is read."""
    path = PurePosixPath(name.lower())
    if path.suffix in _DATA or path.name in _DATA_NAMES:
        return Style.DATA
    if path.suffix in _SHELL or path.name.startswith(_SHELL_NAMES):
        return Style.SHELL
    if path.suffix in (".csv", ".tsv"):
        return Style.TABLE
    if path.suffix == ".ipynb":
        return Style.NOTEBOOK
    return Style.NOTES if path.suffix in _NOTES else Style.PROSE
