"""A sign of life after a second, on a terminal alone, and wiped before anything else is printed."""

import io

import pytest

from runaudit.cli import common
from runaudit.records.digest import digest_bytes, digest_file
from runaudit.system import progress
from runaudit.system.progress import shown_on, work


class Clock:
    """A clock that a test moves; by so much by itself, each time it is looked at."""

    def __init__(self, tick=0.0):
        self.now, self.tick = 100.0, tick

    def __call__(self):
        self.now += self.tick
        return self.now


def test_nothing_is_shown_within_the_first_second_or_where_nobody_looks():
    clock, stream = Clock(), io.StringIO()
    with work("hashing", 10) as advance:
        advance(1)
    with shown_on(stream, clock=clock), work("hashing", 10) as advance:
        clock.now += 0.9
        advance(1)
    with work("hashing", 10) as advance:
        clock.now += 9
        advance(1)
    assert stream.getvalue() == ""


def test_what_takes_longer_is_shown_now_and_then_and_the_line_is_wiped():
    clock, stream = Clock(), io.StringIO()
    with shown_on(stream, clock=clock):
        with work("reading", 300, "runs") as advance:
            clock.now += 1.5
            for _ in range(100):
                advance(1)
            clock.now += 0.2
            advance(100)
        assert stream.getvalue().count("reading  ") == 2
        assert "reading  200 of 300 runs" in stream.getvalue()
        assert stream.getvalue().endswith("\r\x1b[K")
    assert stream.getvalue().count("\r\x1b[K") == 1


def test_what_takes_minutes_says_how_long_the_rest_takes():
    clock, stream = Clock(), io.StringIO()
    with shown_on(stream, clock=clock), work("hashing again", 100_000, "runs") as advance:
        for _ in range(3):
            clock.now += 10
            advance(1000)
        clock.now += 970
        advance(96_000)
    told = stream.getvalue()
    assert "3,000 of 100,000 runs, about 16 min left" in told
    assert "99,000 of 100,000 runs\x1b" in told


def test_a_large_file_tells_how_far_it_is_and_keeps_its_digest(tmp_path, monkeypatch):
    file = tmp_path / "weights"
    file.write_bytes(b"w" * 3_000_000)
    monkeypatch.setattr("runaudit.system.progress.LARGE", 1)
    clock, stream = Clock(tick=0.9), io.StringIO()
    with shown_on(stream, clock=clock):
        assert digest_file(file) == digest_bytes(b"w" * 3_000_000)
    assert "hashing  3.0 of 3.0 MB" in stream.getvalue()


def test_what_a_command_did_before_is_no_time_of_the_work(tmp_path):
    """`run` waits for hours, and what it then seals in a moment is no long work; pieces that follow one another are."""
    clock, stream = Clock(), io.StringIO()
    with shown_on(stream, clock=clock):
        clock.now += 3600
        with work("sealing", 10) as advance:
            advance(10)
        assert stream.getvalue() == ""
        for _ in range(4):
            clock.now += 0.4
            with work("reading", 10, "runs") as advance:
                advance(10)
    assert "reading  10 of 10 runs" in stream.getvalue()


@pytest.mark.parametrize(
    ("terminal", "options", "environ", "watched"),
    [(True, {}, {}, True), (False, {}, {}, False), (True, {"quiet": True}, {}, False),
     (True, {"json": True}, {}, False), (True, {}, {"CI": "true"}, False)],
)  # fmt: skip
def test_only_who_sits_before_a_terminal_and_waits_is_shown_it(
    tmp_path, monkeypatch, terminal, options, environ, watched
):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("CI", raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    stream = io.StringIO()
    stream.isatty = lambda: terminal
    monkeypatch.setattr("sys.stderr", stream)
    seen = []

    @common.command()
    def command(context: common.Context):
        """Look who looks."""
        seen.append(progress._line is not None)

    shared = {name: default for name, (_, default) in common.SHARED.items() if name not in ("exit_zero", "assume")}
    command(**(shared | options))

    assert seen == [watched] and progress._line is None
