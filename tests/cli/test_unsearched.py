"""To say what went wrong never fails, and never says what could not be searched for secrets."""

from runaudit.voice import saying
from runaudit.voice.gate import Gate


def test_a_message_that_cannot_be_searched_is_not_shown_and_that_is_said(monkeypatch, capsys):
    def fails(self: Gate, text: str) -> str:
        raise UnicodeError(text)

    monkeypatch.setattr(Gate, "text", fails)
    saying.hint("runaudit: password=hunter2hunter2 is no path")

    said = capsys.readouterr().err
    assert said.startswith("runaudit: ") and "UnicodeError" in said and "hunter2" not in said
