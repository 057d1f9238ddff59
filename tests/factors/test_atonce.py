"""Runs that wrote one file are told where they ran at once, and only there."""

import pytest

from runaudit.factors.atonce import collisions, mixed_up
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.records.run import Run


def run(name: str, began: int, ended: int | None, *written: str, back: tuple[str, ...] = ()) -> Run:
    def at(second: int) -> str:
        return f"2026-01-01T00:00:{second:02}.000000Z"

    manifest = Manifest.of({"label": name, "launch": {"started": at(began), "top": "/work", "cwd": "/work"}})
    rows = [{"path": path, "read_back": path in back} for path in written]
    body = {"manifest": str(manifest.digest), "status": "completed", "ended": at(ended or 0),
            "observed": {"level": "full", "written": rows}}  # fmt: skip
    return Run(manifest=manifest, outcome=Outcome.of(body) if ended else None)


@pytest.mark.parametrize(
    ("a", "b", "paths"),
    [
        ((1, 5, "out.pt", "log"), (2, 6, "out.pt", "log"), ("/work/log", "/work/out.pt")),
        ((1, 5, "out.pt"), (5, 9, "out.pt"), None),
        ((1, 5, "out/0.pt"), (2, 6, "out/1.pt"), None),
        ((1, 5, "/work/a"), (2, 6, "a"), ("/work/a",)),
        ((1, 5, "m/__pycache__/x.pyc", "/dev/null"), (2, 6, "m/__pycache__/x.pyc", "/dev/null"), None),
    ],
)
def test_one_file_of_two_runs_at_once_is_told(a, b, paths):
    found = collisions([run("b", *b), run("a", *a)])
    assert [one.paths for one in found] == ([] if paths is None else [paths])


def test_a_long_run_collides_with_a_later_one_though_a_short_one_ended_between():
    long, short, late = run("long", 1, 9, "x"), run("short", 2, 3, "x"), run("late", 5, 6, "x")
    assert [(one.a.label, one.b.label) for one in collisions([late, short, long])] == [
        ("long", "short"), ("long", "late"),
    ]  # fmt: skip


def test_a_file_that_a_run_read_back_while_another_wrote_it_is_mixed_up_and_one_that_was_only_written_is_not():
    reader, other = run("reader", 1, 5, "best.pt", "log", back=("best.pt",)), run("other", 2, 6, "best.pt", "log")
    for runs in ([reader, other], [other, reader]):
        ((path, pair),) = mixed_up(runs).items()
        assert path == "/work/best.pt" and [one.label for one in pair] == ["reader", "other"]
    assert mixed_up([reader, run("later", 5, 9, "best.pt")]) == {}
    assert mixed_up([reader, run("elsewhere", 2, 6, "mine/best.pt")]) == {}
