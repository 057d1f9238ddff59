"""A key that is not the one under which a store's launches were sealed is told, before equal secrets look unequal."""

import pytest

import runaudit
from runaudit.store import Store
from runaudit.store.keymark import key_fault
from runaudit.store.verify import verify


def launched(root, seed):
    with runaudit.record(f"seed {seed}", seed=seed, config={"lr": 0.1}, store=root) as run:
        run.finish("completed")


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    launched(tmp_path / ".runaudit", 1)
    return Store.open(tmp_path / ".runaudit")


def flipped(path):
    raw = path.read_bytes()
    path.write_bytes(bytes([raw[0] ^ 1]) + raw[1:])


SPOILT = {
    "flipped": flipped,
    "cut": lambda path: path.write_bytes(path.read_bytes()[:31]),
    "missing": lambda path: path.unlink(),
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_spoilt_key_is_a_problem_of_the_store(store, how):
    assert verify(store).problems == ()
    SPOILT[how](store.root / "redaction.key")

    (problem,) = verify(store).problems

    assert problem.file == "redaction.key" and "do not compare equal" in problem.problem


@pytest.mark.parametrize("how", ["flipped", "missing"])
def test_a_launch_under_another_key_says_so_and_from_then_on_that_is_the_key(store, how, caplog):
    SPOILT[how](store.root / "redaction.key")

    launched(store.root, 2)
    launched(store.root, 3)

    (said,) = [record.message for record in caplog.records if "redaction.key" in record.message]
    assert said.startswith("runaudit: redaction.key is not the key under which the store's launches were sealed")
    assert verify(store).problems == ()


def test_of_a_store_whose_launches_do_not_say_nothing_is_told(store, make_run, seal_run, tmp_path):
    older = Store.create(tmp_path / "older")
    seal_run(older, make_run())
    (older.root / "redaction.key").write_bytes(bytes(32))

    assert key_fault(older) is None


def test_what_another_store_sealed_of_its_key_is_none_of_this_one_s(store, tmp_path, runaudit):
    assert runaudit("export", "seed 1", "-o", "one.bundle")[0] == 0
    assert runaudit("import", "one.bundle", "--store", "other")[0] == 0

    assert runaudit("verify", "--store", "other")[0] == 0


def test_the_mark_tells_nothing_of_the_key(store):
    key = (store.root / "redaction.key").read_bytes()
    raw = store.read(store.entries()[0].digest)
    assert key.hex().encode() not in raw and b'"marking":{"by":' in raw
