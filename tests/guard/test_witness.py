"""`runaudit verify --sign`, `--key`, `--anchor`, `--check-anchor`."""

import json

import pytest
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from runaudit.store import Store
from tests.store.test_signature import reseal


@pytest.fixture
def keys(tmp_path):
    key = Ed25519PrivateKey.generate()
    (tmp_path / "k").write_bytes(key.private_bytes(form.Encoding.PEM, form.PrivateFormat.OpenSSH, form.NoEncryption()))
    public = key.public_key().public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH)
    (tmp_path / "k.pub").write_bytes(public)
    return str(tmp_path / "k"), str(tmp_path / "k.pub")


def test_a_store_is_signed_once_it_is_sound_and_the_signature_is_checked(repo, cli, options, command, keys, capfd):
    assert cli("run", *options, *command) == 0
    assert cli("verify", "--key", keys[1]) == 4
    assert cli("verify", "--sign", keys[0]) == 0
    capfd.readouterr()

    assert cli("verify", "--key", keys[1], "--json") == 0

    answer = json.loads(capfd.readouterr().out)
    assert answer["problems"] == []
    assert answer["notes"][0] == "signed up to line 2 of 2 of the log"


def test_a_damaged_store_is_not_signed(repo, cli, options, command, keys):
    assert cli("run", *options, *command) == 0
    log = repo / ".runaudit" / "log.jsonl"
    log.write_bytes(log.read_bytes().replace(b'"seq":2', b'"seq":3'))

    assert cli("verify", "--sign", keys[0]) == 4
    assert not (repo / ".runaudit" / "signatures").exists()


def test_an_anchor_shows_that_the_end_of_the_log_was_cut_off(repo, cli, options, command, capfd):
    assert cli("run", *options, *command) == 0
    assert cli("verify", "--anchor") == 0
    assert cli("verify", "--check-anchor") == 0
    log = repo / ".runaudit" / "log.jsonl"
    log.write_bytes(log.read_bytes().splitlines(keepends=True)[0])
    assert cli("verify") == 4
    reseal(Store(repo / ".runaudit"))
    assert cli("verify") == 0  # nothing inside the store can show it
    capfd.readouterr()

    assert cli("verify", "--check-anchor") == 4
    assert "its end was cut off" in capfd.readouterr().out


def test_what_is_not_promised_is_said(repo, cli, options, command, capfd):
    assert cli("run", *options, *command) == 0
    capfd.readouterr()

    assert cli("verify", "--json") == 0

    assert "a cut at the end of the log cannot be seen" in json.loads(capfd.readouterr().out)["notes"][-1]


def test_what_an_anchor_in_a_file_vouches_for_need_not_be_read_again(repo, cli, options, command, capfd):
    """A word behind --anchor that is no path is a RUN, as it always was."""
    assert cli("run", *options, *command) == 0
    assert cli("verify", "--anchor", "../anchors.txt") == 0
    assert cli("verify", "--check-anchor", "../anchors.txt", "@last") == 0
    capfd.readouterr()

    assert cli("verify", "--since", "../anchors.txt", "--json") == 0

    answer = json.loads(capfd.readouterr().out)
    assert answer["runs"] == 0
    assert any("not read again: 1 run of which all was sealed up to line 2" in note for note in answer["notes"])
    assert any("extends the one that ../anchors.txt anchored at line 2" in note for note in answer["notes"])
    assert not any("cannot be seen" in note for note in answer["notes"])
    assert cli("verify", "--anchor", ".runaudit/anchors.txt") == 2


def test_a_run_is_not_signed_where_another_of_its_store_is_damaged(repo, cli, options, command, keys, capfd):
    assert cli("run", *options, *command) == 0
    assert cli("run", *options, "--waive", "RA205=again", *command) == 0
    store = Store(repo / ".runaudit")
    path = store.object_path(store.entries()[1].digest)
    path.chmod(0o644)
    path.write_bytes(b"changed")

    assert cli("verify", "@last", "--sign", keys[0]) == 4
    assert cli("verify", "@last", "--anchor") == 4
    assert "does not match its digest" in capfd.readouterr().out
    assert not (repo / ".runaudit" / "signatures").exists()
