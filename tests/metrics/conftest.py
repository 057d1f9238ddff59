"""A store beside the command, and the command itself."""

import pytest

from runaudit.cli.app import main
from runaudit.store.store import Store


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty store in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RUNAUDIT_STORE", raising=False)
    return Store.create(tmp_path / ".runaudit")


@pytest.fixture
def runaudit(capsys):
    """Call a command: exit code, stdout, stderr."""

    def call(*words):
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    return call
