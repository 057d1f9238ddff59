"""A checkpoint is whole or refused, whatever dies while it is written, and contains nothing that could be executed."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from runaudit.errors import IntegrityError, UsageError
from tests.trainer.faults import Killed, full_at, killed_at
from trainer import saving as saving_module
from trainer.checkpoint import COPIES, Checkpoint, bytes_needed, encoded, files_of, load, require_room, write
from trainer.loop import run_stages
from trainer.stages import plan

FACTS = {"config": {"optim": {"lr": 0.1}}, "seed": 3, "data": "sha256:d", "progress": {"step": 2, "best": 0.5}}
WEIGHTS = {"a": torch.arange(6.0).view(2, 3), "n": torch.tensor(3)}


def made(number: float) -> Checkpoint:
    return Checkpoint(weights={"a": torch.full((3,), number)}, state={"m": torch.ones(2)}, facts=FACTS)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "last.safetensors"
    write(path, encoded(Checkpoint(weights=WEIGHTS, state={"m": torch.ones(2)}, facts=FACTS, best=encoded(made(7)))))
    return path


def test_what_was_saved_comes_back(saved: Path) -> None:
    back = load(saved)

    assert set(back.weights) == {"a", "n"}
    assert torch.equal(back.weights["a"], torch.arange(6.0).view(2, 3))
    assert int(back.weights["n"]) == 3
    assert torch.equal(back.state["m"], torch.ones(2))
    assert (back.facts, back.best) == (FACTS, encoded(made(7)))
    assert encoded(back) == saved.read_bytes()


def test_the_weights_are_read_without_the_trainer_under_their_own_names(saved: Path) -> None:
    found = load_file(saved)

    assert torch.equal(found["a"], WEIGHTS["a"])
    assert {name for name in found if not name.startswith("state/") and name != "best"} == {"a", "n"}


def test_equal_checkpoints_are_equal_files(saved: Path) -> None:
    turned = {"n": WEIGHTS["n"], "a": WEIGHTS["a"].t().contiguous().t()}

    assert encoded(replace(load(saved), weights=turned)) == saved.read_bytes()


def test_a_checkpoint_is_one_file_and_no_pickle(saved: Path) -> None:
    """Pickles begin with protocol byte 0x80 or are zip archives; safetensors begin with a length and a JSON header."""
    assert [file.name for file in saved.parent.iterdir()] == ["last.safetensors"]
    data = saved.read_bytes()
    assert not data.startswith((b"\x80", b"PK"))
    json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])


def test_any_changed_byte_is_found_and_the_file_named(tmp_path: Path) -> None:
    path = tmp_path / "last.safetensors"
    whole = encoded(Checkpoint(weights={"a": torch.zeros(1)}, state={}, facts={"seed": 3}))
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(IntegrityError, match=r"last\.safetensors"):
            load(path)
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(IntegrityError):
            load(path)


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"best\.safetensors: cannot be read \(No such file"):
        load(tmp_path / "best.safetensors")


def two_saves(folder: Path, number: float) -> None:
    """What the loop does at a validation that found the best so far."""
    best = encoded(made(number))
    write(folder / "best.safetensors", best)
    write(folder / "last.safetensors", encoded(replace(made(number + 0.5), best=best)))


def value(path: Path) -> float:
    return float(load(path).weights["a"][0])


def test_a_kill_at_any_file_operation_leaves_best_and_last_loadable(tmp_path: Path) -> None:
    seen = set()
    for at in count(1):
        folder = tmp_path / str(at)
        two_saves(folder, 1)
        with pytest.MonkeyPatch.context() as patch:
            killed_at(patch, at)
            try:
                two_saves(folder, 2)
            except Killed:
                pass
            else:
                break
        found = value(folder / "best.safetensors"), value(folder / "last.safetensors")
        assert found in {(1.0, 1.5), (2.0, 1.5), (2.0, 2.5)}
        seen.add(found)
    assert at > 20
    assert len(seen) == 3  # deaths before, between and after the two are all among them


def test_a_full_disk_at_any_file_operation_is_said_and_keeps_a_whole_checkpoint(tmp_path: Path) -> None:
    told = []
    for at in count(1):
        folder = tmp_path / str(at)
        two_saves(folder, 1)
        with pytest.MonkeyPatch.context() as patch:
            disk = full_at(patch, at)
            try:
                write(folder / "last.safetensors", encoded(made(2)))
            except UsageError as error:
                told.append(str(error))
        assert value(folder / "last.safetensors") in (1.5, 2.0)
        assert not list(folder.glob(".*"))
        if disk.asked < at:
            break
    assert len(told) > 6
    assert all("last.safetensors: the checkpoint could not be written (No space left on device)" in t for t in told)
    assert all("the earlier one is kept; free some space" in line for line in told)


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def three_files(folder: Path, name: str, weights: dict[str, Any]) -> Path:
    """A checkpoint as the trainer wrote it before it was one file."""
    path = folder / f"{name}.safetensors"
    save_file(weights, path)
    save_file({"m": torch.ones(2)}, path.with_suffix(".state.safetensors"))
    names = (path, path.with_suffix(".state.safetensors"))
    body = {"format": "trainer.checkpoint/1", "files": {p.name: digest(p.read_bytes()) for p in names}, "facts": FACTS}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    path.with_suffix(".json").write_text(json.dumps(body | {"digest": digest(text.encode())}))
    return path


def test_checkpoints_of_three_files_can_still_be_read(tmp_path: Path) -> None:
    three_files(tmp_path, "best", {"a": torch.zeros(1)})
    last = three_files(tmp_path, "last", {"a": torch.ones(1)})

    back = load(last)

    assert (float(back.weights["a"]), back.facts) == (1.0, FACTS)
    (tmp_path / "x").mkdir()
    write(tmp_path / "x" / "best.safetensors", back.best)
    assert value(tmp_path / "x" / "best.safetensors") == 0.0
    assert len(files_of(last)) == 3


@pytest.mark.parametrize("name", ["last.safetensors", "last.state.safetensors", "last.json"])
def test_a_changed_byte_of_three_files_is_found_and_the_file_named(tmp_path: Path, name: str) -> None:
    three_files(tmp_path, "best", {"a": torch.zeros(1)})
    last = three_files(tmp_path, "last", {"a": torch.ones(1)})
    path = tmp_path / name
    data = bytearray(path.read_bytes())
    data[data.index(b'"seed": 3') + 8 if name.endswith("json") else -1] ^= 1
    path.write_bytes(bytes(data))

    with pytest.raises(IntegrityError, match=name.replace(".", r"\.")):
        load(last)


def test_three_files_of_two_moments_do_not_pass_for_one_checkpoint(tmp_path: Path) -> None:
    best, last = (three_files(tmp_path, name, {"a": torch.full((1,), n)}) for name, n in (("best", 0.0), ("last", 1.0)))
    shutil.copy(best, last)

    with pytest.raises(IntegrityError):
        load(last)


def test_a_disk_too_small_for_the_checkpoints_is_found_before_the_first_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1,000 fp32 numbers with two moments each are 12,000 bytes, and five of them lie there at the fullest moment."""
    weights, free = {"layer.weight": torch.zeros(10, 100)}, [60_000]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free[0]))

    require_room(tmp_path / "not" / "yet" / "there", weights)
    free[0] = 59_999
    with pytest.raises(UsageError, match=re.escape(f"{tmp_path}: 0 MB are free on its disk, the checkpoints need")):
        require_room(tmp_path / "not" / "yet" / "there", weights)


def test_what_a_run_needs_at_its_fullest_is_what_it_is_asked_for(
    tiny_config: Callable[..., Any], run_context: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every file of the folder and the one that is written beside them. Of this small network config, names and state
    of the generators are 26 kB a checkpoint."""
    work = run_context(tiny_config(loop={"val_every": 1, "save_every": 1}))
    fullest, real = [0], saving_module.write

    def counting(path: Path, file: bytes) -> None:
        lying = sum(other.stat().st_size for other in work.folder.glob("*")) if work.folder.is_dir() else 0
        fullest[0] = max(fullest[0], lying + len(file))
        real(path, file)

    monkeypatch.setattr(saving_module, "write", counting)
    run_stages(work, plan(work.config))

    needed, texts = bytes_needed(work.model.state_dict()), COPIES * 30_000
    assert needed <= fullest[0] <= needed + texts
