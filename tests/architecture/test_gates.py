"""One gate: what a person reads, and what the store keeps of texts, leaves through a few known places.

A secret is kept back where something is said or sealed, not wherever somebody thought of it. So no module prints by
itself, no template marks a text as safe, and who writes records is listed here with where their texts were cleaned.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.parsed import nodes
from tests.architecture.test_imports import ROOT, modules

SAYS = {
    "runaudit/voice/streams.py": "the gate's own place",
    "runaudit/voice/saying.py": "`say` and `hint`, which pass the gate",
    "runaudit/cli/start.py": "a full disk behind stdout, in our own words",
    "runaudit/system/locks.py": "who holds a lock: a program's name without its options",
    "runaudit/system/progress.py": "amounts",
}
"""Modules that write to a standard stream, and what they say."""
WRITES = {
    "runaudit/capture/draft.py": "`sealable`, and the last look of `seal`",
    "runaudit/record/outcome.py": "`sealable`, and names by `record.leftovers`",
    "runaudit/store": "bytes cleaned before, by `capture.foreign`, `runs.remarks`, `runs.forgetting`, `runs.intake`",
    "runaudit/remote": "bytes of another store, by its digests; its words by `capture.redact`",
    "runaudit/judge": "a look at a comparison: a metric's name, as the records have it",
}
"""Rooms and modules that put something into the store, and where its texts were cleaned."""
PUTS = frozenset({"put", "seal_manifest", "seal_outcome", "write_once", "append_all", "tell_repair"})


def calls(path: Path) -> Iterator[ast.Call]:
    yield from (node for node in nodes(path) if isinstance(node, ast.Call))


def called(call: ast.Call) -> str:
    return ast.unparse(call.func)


def says(call: ast.Call) -> bool:
    """Whether a call writes to a standard stream."""
    name = called(call)
    return name in ("print", "typer.echo", "typer.secho", "traceback.print_exc") or name.startswith(
        ("sys.stdout.write", "sys.stderr.write", "stream.write", "self._stream.write")
    )


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def observers(path: Path) -> bool:
    """The hook runs within the audited program; what it notes is cleaned when it is sealed."""
    return named(path).startswith("runaudit/observe/")


def test_what_is_said_passes_the_gate() -> None:
    found = {named(path) for path in modules("runaudit") if not observers(path) and any(map(says, calls(path)))}

    assert found <= SAYS.keys(), found - SAYS.keys()


def test_stdout_and_stderr_have_one_writer_each() -> None:
    found = {named(path) for path in modules("runaudit") if any(called(one) == "streams.write" for one in calls(path))}
    assert found == {"runaudit/voice/saying.py", "runaudit/cli/start.py"}
    saying = ast.parse((ROOT / "runaudit" / "voice" / "saying.py").read_text(encoding="utf-8"))
    writers = {
        function.name: {called(one) for one in ast.walk(function) if isinstance(one, ast.Call)}
        for function in saying.body
        if isinstance(function, ast.FunctionDef)
    }
    unclean = {"streams.write", "sys.stderr.write", "_write"}
    assert {name for name, made in writers.items() if made & unclean} == {
        "say", "say_at_foot", "_write", "say_json_text", "hint",
    }  # fmt: skip
    assert all("streams.gate" in writers[name] for name in ("say", "say_at_foot", "say_json", "say_json_text", "hint"))


def test_no_template_calls_a_text_safe() -> None:
    for path in sorted((ROOT / "templates").glob("*.j2")):
        assert "safe" not in [word.strip(" |}") for word in path.read_text(encoding="utf-8").split()], path
    marked = {named(path) for path in modules("runaudit") if any(called(one) == "Markup" for one in calls(path))}
    assert marked == {"runaudit/report/html.py"}


def test_whoever_writes_to_the_store_is_known_to_have_cleaned_it() -> None:
    found = {
        named(path)
        for path in modules("runaudit")
        if not observers(path)
        for one in calls(path)
        if isinstance(one.func, ast.Attribute) and one.func.attr in PUTS and "store" in ast.unparse(one.func.value)
    }

    unknown = {name for name in found if not name.startswith(tuple(WRITES))}
    assert not unknown, f"say in WRITES where their texts are cleaned: {unknown}"
