"""Stores of two machines and a remote between them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from runaudit.records.digest import digest_bytes
from runaudit.remote.address import address_of
from runaudit.remote.answer import PullAnswer, PushAnswer
from runaudit.remote.place import open_place
from runaudit.remote.pull import pull
from runaudit.remote.push import push
from runaudit.settings import Settings
from runaudit.store.store import Store
from tests.store.test_store import end, launch

WHEN = "2026-01-02T00:00:00Z"
LATER = "2026-01-03T00:00:00Z"


def a_run(store: Store, seed: int, label: str = "a run", weights: bytes | None = None, **sections) -> str:
    """A sealed run with a checkpoint; returns its id."""
    manifest = launch(store, seed=seed, label=label, **sections)
    weights = f"weights {seed}".encode() if weights is None else weights
    (store.run_dir(manifest.id) / "checkpoints").mkdir(parents=True)
    (store.run_dir(manifest.id) / "checkpoints" / "best.pt").write_bytes(weights)
    entry = {"path": "checkpoints/best.pt", "digest": str(digest_bytes(weights)), "size": len(weights), "kind": "best"}
    end(store, manifest, checkpoints=[entry])
    return manifest.id


@pytest.fixture
def one(tmp_path) -> Store:
    """The store of a machine, with two runs."""
    store = Store.create(tmp_path / "one" / ".runaudit")
    for seed in range(2):
        a_run(store, seed)
    return store


@pytest.fixture
def other(tmp_path) -> Store:
    """The store of another machine, with a run of its own."""
    store = Store.create(tmp_path / "other" / ".runaudit")
    a_run(store, 7, "of the other")
    return store


@pytest.fixture
def remote(tmp_path) -> Path:
    return tmp_path / "remote"


@pytest.fixture
def sent(remote) -> Callable[..., PushAnswer]:
    """`sent(store, words…)`: pushed to the remote."""

    def send(store: Store, *words: str, to: object = remote, time: str = WHEN) -> PushAnswer:
        return push(store, Settings(), open_place(address_of(str(to), {})), words, time=time)

    return send


@pytest.fixture
def fetched(remote) -> Callable[..., PullAnswer]:
    """`fetched(store, words…)`: pulled from the remote."""

    def fetch(store: Store, *words: str, of: object = remote, time: str = WHEN) -> PullAnswer:
        return pull(store, lambda: Store.create(store.root), open_place(address_of(str(of), {})), words, time=time)

    return fetch


def kept(root: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
