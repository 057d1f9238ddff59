"""Ctrl-C ends a command with 130, whatever a library makes of it that is loaded just then."""

import signal

import pytest

from runaudit.cli import app
from runaudit.errors import StoppedError


def _loading(**_):
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        raise ImportError("initialization failed") from None


def test_ctrl_c_while_a_library_is_loaded_is_no_fault(monkeypatch, capsys):
    monkeypatch.setattr(app, "app", _loading)
    with pytest.raises(SystemExit) as ended:
        app.main(["list"])

    assert ended.value.code == 130
    assert "unexpected failure" not in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_was_under_way_says_how_far_it_came_and_how_to_go_on(monkeypatch, capsys):
    def stopped(**_):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt as error:
            raise StoppedError("stopped after 3 of 9 runs", remedy="the same command goes on") from error

    monkeypatch.setattr(app, "app", stopped)
    with pytest.raises(SystemExit) as ended:
        app.main(["verify"])

    assert ended.value.code == 130
    assert "stopped after 3 of 9 runs; the same command goes on" in capsys.readouterr().err


def test_a_failure_of_its_own_is_one(monkeypatch, capsys):
    def broken(**_):
        raise ImportError("initialization failed")

    monkeypatch.setattr(app, "app", broken)
    with pytest.raises(SystemExit) as ended:
        app.main(["list"])

    assert ended.value.code == 70
