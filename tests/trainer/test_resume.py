"""What a run continues from is what its parent sealed, and fits, or the launch is not counted."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import runaudit
from runaudit.errors import ConfigError, IntegrityError, UsageError
from runaudit.records.digest import Digest
from trainer.checkpoint import Checkpoint, encoded, load, write
from trainer.config import TrainConfig
from trainer.resolved import resolve
from trainer.resume import find, put_weights, require_same_run
from trainer.stages import plan

FACTS = {"config": {"optim": {"lr": 0.1}}, "seed": 3, "data": "sha256:d", "progress": {"step": 2, "best": None}}
Make = Callable[..., Any]


def made(number: float) -> bytes:
    return encoded(Checkpoint(weights={"a": torch.full((3,), number)}, state={}, facts=FACTS))


def parent_run(store: Path, *, sealed: bool = True, init: Any = "random") -> tuple[str, Path]:
    """A run that kept a last checkpoint; its id and that file."""
    run = runaudit.record("a parent", seed=1, config={"lr": 0.1}, init=init, store=store)
    path = run.run_dir / "checkpoints" / "last.safetensors"
    write(path, made(1))
    run.checkpoint(path, step=2, kind="last")
    if sealed:
        run.finish("killed")
    return run.id, path


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / ".runaudit"


def test_a_run_and_its_file_name_the_same_parent(store: Path) -> None:
    run, path = parent_run(store)

    for word in (run[:12], "a parent", "@last", str(path)):
        found = find(word, store)
        assert (found.run, found.remark) == (run, "")
        assert found.digest == str(runaudit.digest_file(path))
        assert found.init() == {"kind": "resume", "checkpoint": found.digest, "parent": run}


def test_a_checkpoint_of_no_run_is_known_by_its_digest_alone(store: Path, tmp_path: Path) -> None:
    write(tmp_path / "copy.safetensors", made(1))

    assert find(str(tmp_path / "copy.safetensors"), store).init()["kind"] == "checkpoint"


@pytest.mark.parametrize("by", ["id", "path"])
def test_one_changed_byte_of_a_parent_is_refused_and_told_with_file_and_run(store: Path, by: str) -> None:
    run, path = parent_run(store)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))

    with pytest.raises(
        IntegrityError, match=rf"checkpoints/last\.safetensors of run {run[:12]} does not match"
    ) as told:
        find(run if by == "id" else str(path), store)

    assert told.value.exit_code == 4


def test_other_weights_that_carry_a_digest_of_their_own_are_refused(store: Path) -> None:
    """What the file says of itself, whoever writes the file can say."""
    run, path = parent_run(store)
    write(path, made(2))
    assert load(path).facts == FACTS

    with pytest.raises(IntegrityError, match=r"last\.safetensors of run .* does not match the digest it was sealed"):
        find(run, store)


def test_a_file_that_was_put_beside_what_a_run_sealed_is_refused(store: Path) -> None:
    _, path = parent_run(store)
    write(path.with_name("better.safetensors"), made(2))

    with pytest.raises(IntegrityError, match="is not what that run sealed"):
        find(str(path.with_name("better.safetensors")), store)


def test_a_parent_whose_record_is_damaged_is_refused(store: Path) -> None:
    run, _ = parent_run(store)
    bench = runaudit.open_store(store)
    outcome = bench.run(run).outcome
    assert outcome is not None
    file = bench.store.object_path(Digest.parse(str(outcome.digest)))
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-1] + b" ")

    with pytest.raises(IntegrityError, match=f"run {run[:12]}, to which"):
        find(run, store)


def test_of_a_parent_that_sealed_nothing_that_is_said(store: Path) -> None:
    run, path = parent_run(store, sealed=False)

    assert f"run {run[:12]} has sealed no outcome" in find(run, store).remark

    path.write_bytes(path.read_bytes()[:-1] + b"\1")
    with pytest.raises(IntegrityError, match="does not match its digest"):
        find(run, store)


def test_a_run_without_a_checkpoint_names_the_one_it_continued(store: Path) -> None:
    above, path = parent_run(store)
    init = {"kind": "resume", "checkpoint": str(runaudit.digest_file(path)), "parent": above}
    run, own = parent_run(store, init=init, sealed=False)
    own.unlink()

    with pytest.raises(UsageError, match=f"run {run[:12]} left no last checkpoint; .*--resume {above[:12]}"):
        find(run, store)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"config": {"optim": {"lr": 0.2}}}, r"config\.optim\.lr was 0\.1 and is 0\.2"),
        ({"seed": 4}, "the seed was 3 and is 4"),
        ({"data": "sha256:e"}, "tiles are not those"),
    ],
)
def test_resuming_another_run_is_refused(change: dict[str, Any], words: str) -> None:
    wanted: dict[str, Any] = {key: FACTS[key] for key in ("config", "seed", "data")} | change

    with pytest.raises(ConfigError, match=words):
        require_same_run(Checkpoint(weights={}, state={}, facts=FACTS), **wanted)


def test_a_setting_that_did_not_exist_then_may_have_its_default_now() -> None:
    """A checkpoint of an older trainer goes on, unless the new setting is used."""
    tree = resolve(TrainConfig())
    old = {**tree, "optim": {k: v for k, v in tree["optim"].items() if k != "spike_factor"}}
    kept = Checkpoint(weights={}, state={}, facts={**FACTS, "config": old})
    given = {key: FACTS[key] for key in ("seed", "data")}

    require_same_run(kept, config=tree, **given)
    with pytest.raises(ConfigError, match=r"config\.optim\.spike_factor was 0\.0 and is 8\.0"):
        require_same_run(kept, config={**tree, "optim": {**tree["optim"], "spike_factor": 8.0}}, **given)


@pytest.mark.parametrize(
    ("progress", "words"),
    [({"stage_at": 7}, "stage 8, which this config has not"), ({"step": 900}, "step 900 of stage"), ({}, "")],
)
def test_a_stage_that_the_config_has_not_is_refused(
    tiny_config: Make, run_context: Make, progress: dict[str, int], words: str
) -> None:
    work, last = stopped(tiny_config, run_context)
    facts = {**last.facts, "progress": {**last.facts["progress"], **progress}}
    given = {"config": work.config, "seed": 0, "data": work.data_digest, "stages": plan(work.config)}

    if words:
        with pytest.raises(ConfigError, match=words):
            put_weights(replace(last, facts=facts), work.model, **given)
    else:
        put_weights(replace(last, facts=facts), work.model, **given)


def stopped(tiny_config: Make, run_context: Make) -> tuple[Any, Checkpoint]:
    from trainer.loop import run_stages

    steps = iter(range(1, 100))
    work = run_context(tiny_config(), stop=lambda: int(next(steps) == 6))
    run_stages(work, plan(work.config))
    return work, load(work.folder / "last.safetensors")


def test_weights_of_another_network_are_refused(tiny_config: Make, run_context: Make) -> None:
    work, last = stopped(tiny_config, run_context)
    name = next(iter(last.weights))
    given = {"config": work.config, "seed": 0, "data": work.data_digest, "stages": plan(work.config)}

    for broken in ({**last.weights, name: torch.zeros(99)}, {**last.weights, "more": torch.zeros(1)}):
        with pytest.raises(ConfigError, match="not those of the configured network"):
            put_weights(replace(last, weights=broken), work.model, **given)


def test_a_last_checkpoint_that_was_sealed_and_is_gone_is_damage(store: Path) -> None:
    run, path = parent_run(store)
    sealed = str(runaudit.digest_file(path))
    path.unlink()

    with pytest.raises(IntegrityError, match=f"was sealed with {sealed[:19]}… and is missing"):
        find(run[:12], store)
