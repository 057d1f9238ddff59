"""What only a real shell does to a launch."""

from runaudit.store import Store
from runaudit.store.catalogue import load, run_ids


def test_the_folder_a_shell_stands_in_is_no_password(repo, cli, options, command, monkeypatch):
    """Shells export PWD and OLDPWD, whose names end like a password's."""
    monkeypatch.setenv("PWD", str(repo))
    monkeypatch.setenv("OLDPWD", str(repo.parent))

    assert cli("run", *options, *command) == 0

    store = Store.open(repo / ".runaudit")
    assert load(store, run_ids(store)[-1]).manifest.section("launch")["cwd"] == str(repo)
