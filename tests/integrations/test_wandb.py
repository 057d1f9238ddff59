"""Laws of the mirror: the W&B run names its manifest and holds its files; without W&B nothing is lost."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runaudit.errors import UsageError
from runaudit.integrations.wandb import WandbSink
from runaudit.record.recorder import record
from runaudit.store.catalogue import load
from runaudit.store.store import Store
from runaudit.store.verify import verify

BLOCK = 32_768


def transactions(path: Path) -> Iterator[Any]:
    """The records of an offline `.wandb` file, in W&B's own message type.

    The file is a LevelDB log: a 7-byte header `:W&B` + magic + version, then blocks of 32 KiB holding fragments of
    (crc32c 4, length 2, type 1, data); type 1 is a whole record, 2-3-4 first, middle and last.
    """
    from wandb.proto import wandb_internal_pb2

    raw = path.read_bytes()
    assert raw[:4] == b":W&B"
    at, parts = 7, b""
    while at + 7 <= len(raw):
        if BLOCK - at % BLOCK < 7:
            at += BLOCK - at % BLOCK
            continue
        length, kind = int.from_bytes(raw[at + 4 : at + 6], "little"), raw[at + 6]
        parts += raw[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            message = wandb_internal_pb2.Record()
            message.ParseFromString(parts)
            yield message
            parts = b""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "project"
    made.mkdir()
    (made / "train.py").write_text("A = 1\n")
    for name in ("WANDB_MODE", "WANDB_API_KEY", "RUNAUDIT_RUN", "RANK"):
        monkeypatch.delenv(name, raising=False)
    for name in ("WANDB_CACHE_DIR", "WANDB_DATA_DIR", "WANDB_CONFIG_DIR", "WANDB_ARTIFACT_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    return made


def run(folder: Path, sink: WandbSink) -> Any:
    config = {"lr": 0.1, "wandb": {"api_key": "q7Wz9KpL2mX4"}}
    with record(
        "staged vs end to end", seed=3, config=config, root=folder, sinks=[sink], environ={}, siblings=(),
        argv=("train.py",),
    ) as recorder:  # fmt: skip
        for step in range(5):
            recorder.log(step, {"train/loss": 1.0 / (step + 1)})
        (recorder.run_dir / "best.safetensors").write_bytes(b"weights")
        recorder.checkpoint(recorder.run_dir / "best.safetensors", step=4, kind="best")
    return load(Store.open(folder / ".runaudit"), recorder.id)


@pytest.mark.filterwarnings("ignore")
def test_an_offline_run_read_back_names_its_manifest_and_holds_its_files(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["train.py", "--api-key", "given-in-argv-7"])
    done = run(folder, WandbSink(project="p", mode="offline", folder=tmp_path))

    assert done.outcome.body["notes"] == ()
    (file,) = tmp_path.glob("wandb/offline-run-*/*.wandb")
    records = list(transactions(file))
    config = {item.key: json.loads(item.value_json) for r in records for item in r.run.config.update}
    assert config["lr"] == 0.1
    assert config["runaudit"]["manifest"] == str(done.manifest.digest)
    assert config["runaudit"]["label"] == "staged vs end to end"
    assert next(r.run.display_name for r in records if r.run.display_name) == "staged vs end to end"
    steps = [
        {(i.key or i.nested_key[0]): i.value_json for i in r.history.item} for r in records if r.HasField("history")
    ]
    assert [json.loads(step["train/loss"]) for step in steps] == [1.0 / (step + 1) for step in range(5)]
    artifacts = {r.request.log_artifact.artifact.type or r.artifact.type for r in records if _artifact(r)}
    assert artifacts == {"runaudit-manifest", "model"}
    assert b"q7Wz9KpL2mX4" not in file.read_bytes()
    kept = b"".join(path.read_bytes() for path in (tmp_path / "wandb").rglob("*") if path.is_file())
    assert b"given-in-argv-7" not in kept


def _artifact(message: Any) -> bool:
    return bool(message.HasField("artifact") or message.request.HasField("log_artifact"))


@pytest.mark.filterwarnings("ignore")
def test_w_and_b_switched_off_leaves_the_record_as_it_is(folder: Path, tmp_path: Path) -> None:
    done = run(folder, WandbSink(project="p", mode="disabled", folder=tmp_path))

    assert done.status == "completed"
    assert done.outcome.body["notes"] == ()


def test_absent_w_and_b_costs_neither_run_nor_step(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)

    done = run(folder, WandbSink(project="p"))

    assert done.status == "completed"
    assert len(done.trajectory.series["train/loss"]) == 5
    assert "wandb did not mirror everything (wandb is not installed" in done.outcome.body["notes"][0]
    assert verify(Store.open(folder / ".runaudit")).problems == ()


def test_an_unreachable_service_costs_neither_run_nor_step(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Online without a key or a network: W&B raises, whatever it raises is told and the run goes on."""
    import wandb

    def refuse(**_: Any) -> Any:
        raise wandb.errors.CommError("timed out")

    monkeypatch.setattr(wandb, "init", refuse)

    done = run(folder, WandbSink(project="p", mode="online"))

    assert done.status == "completed"
    assert "CommError: timed out" in done.outcome.body["notes"][0]


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(UsageError, match="not a mode"):
        WandbSink(mode="sometimes")  # type: ignore[arg-type]
