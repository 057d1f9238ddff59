"""A checkpoint is whole or refused, and contains nothing that could be executed."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from runaudit.errors import ConfigError, IntegrityError, UsageError
from trainer.checkpoint import Checkpoint, load, require_same_run, save

FACTS = {"config": {"optim": {"lr": 0.1}}, "seed": 3, "data": "sha256:d", "progress": {"step": 2}}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    weights = {
        "a": torch.arange(6.0).view(2, 3).to(memory_format=torch.contiguous_format),
        "n": torch.tensor(3),
    }
    save(tmp_path / "last.safetensors", Checkpoint(weights=weights, state={"m": torch.ones(2)}, facts=FACTS))
    return tmp_path / "last.safetensors"


def test_what_was_saved_comes_back(saved: Path) -> None:
    back = load(saved)

    assert torch.equal(back.weights["a"], torch.arange(6.0).view(2, 3))
    assert int(back.weights["n"]) == 3
    assert torch.equal(back.state["m"], torch.ones(2))
    assert back.facts == FACTS


def test_no_file_is_a_pickle(saved: Path) -> None:
    """Pickles begin with protocol byte 0x80 or are zip archives; safetensors begin with a length and a
    JSON header.
    """
    for file in saved.parent.iterdir():
        data = file.read_bytes()
        assert not data.startswith((b"\x80", b"PK"))
        if file.suffix == ".safetensors":
            length = int.from_bytes(data[:8], "little")
            json.loads(data[8 : 8 + length])
        else:
            json.loads(data)


@pytest.mark.parametrize("name", ["last.safetensors", "last.state.safetensors", "last.json"])
def test_a_changed_byte_is_found_and_the_file_named(saved: Path, name: str) -> None:
    path = saved.parent / name
    data = bytearray(path.read_bytes())
    at = data.index(b'"seed":3') + 7 if name.endswith("json") else len(data) - 1
    data[at] ^= 1
    path.write_bytes(bytes(data))

    with pytest.raises(IntegrityError, match=name.replace(".", r"\.")):
        load(saved)


def test_a_missing_part_is_named(saved: Path) -> None:
    saved.with_suffix(".json").unlink()

    with pytest.raises(UsageError, match=r"last\.json: no such file"):
        load(saved)


def test_a_failed_write_leaves_the_old_checkpoint(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("trainer.checkpoint.save_file", full)
    with pytest.raises(UsageError, match="No space left"):
        save(saved, Checkpoint(weights={"a": torch.zeros(1)}, state={}, facts=FACTS))

    assert load(saved).facts == FACTS
    assert not list(saved.parent.glob("*.part"))


def test_files_of_two_moments_do_not_pass_for_one_checkpoint(saved: Path, tmp_path: Path) -> None:
    """A crash between the three writes leaves new weights beside the old JSON."""
    other = tmp_path / "other" / "last.safetensors"
    save(other, Checkpoint(weights={"a": torch.zeros(1)}, state={}, facts=FACTS))
    shutil.copy(other, saved)

    with pytest.raises(IntegrityError):
        load(saved)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"config": {"optim": {"lr": 0.2}}}, "config.optim.lr was 0.1 and is 0.2"),
        ({"seed": 4}, "the seed was 3 and is 4"),
        ({"data": "sha256:e"}, "tiles are not those"),
    ],
)
def test_resuming_another_run_is_refused(saved: Path, change: dict[str, Any], words: str) -> None:
    wanted: dict[str, Any] = {key: FACTS[key] for key in ("config", "seed", "data")} | change
    check: Callable[..., None] = require_same_run

    with pytest.raises(ConfigError, match=words):
        check(load(saved), **wanted)
