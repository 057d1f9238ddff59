"""The commands that mend what the guard found in the code, ready to be pasted."""

from runaudit.guard.facts import Code
from runaudit.records.filenames import on_disk
from runaudit.text.typed import typed_word, typed_words

SHOWN = 5
"""Paths named in a message; the evidence holds all of them."""


def shown(paths: tuple[str, ...]) -> str:
    """The first paths of a list, and how many more there are."""
    rest = len(paths) - SHOWN
    return ", ".join(paths[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def git_add_commit(paths: tuple[str, ...], message: str) -> str:
    """The command that commits exactly these paths."""
    return f"git add -- {typed_words(map(on_disk, paths))} && git commit -m {typed_word(message)}"


def commit_without_secrets(code: Code, paths: tuple[str, ...], message: str) -> str:
    """The command that commits these paths, once no secret is in them: what was committed once stays in the history."""
    found = tuple(path for path in paths if path in code.secretive)
    command = git_add_commit(paths, message)
    if not found:
        return command
    return f"a secret is in {shown(found)}: have it read from the environment or from an ignored file, then: {command}"


def git_ignore_files(root: str, paths: tuple[str, ...]) -> str:
    """The command that makes git ignore these files and no others."""
    lines = " ".join(typed_word(f"/{on_disk(path)}") for path in paths)
    return f"printf '%s\\n' {lines} >> {typed_word(f'{root}/.gitignore')}"


def git_config(root: str) -> str:
    """The file in which the repository of a folder says what git runs for it."""
    return typed_word(f"{root}/.git/config")


def add_all(code: Code) -> str:
    """The command that commits everything but the files that are there to keep secrets."""
    ignored = f"{git_ignore_files(code.root, code.keepers)} && " if code.keepers else ""
    return f"{ignored}git add -A && git commit -m 'start'"


def git_ignore(root: str, paths: tuple[str, ...]) -> str:
    """The command that makes git ignore outputs: their folder where they have one, else each by its path."""
    places = dict.fromkeys(f"/{path.partition('/')[0]}/" if "/" in path else f"/{path}" for path in paths)
    lines = " ".join(typed_word(place) for place in places)
    return f"printf '%s\\n' {lines} >> {typed_word(f'{root}/.gitignore')}"
