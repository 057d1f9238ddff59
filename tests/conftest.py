"""Small real objects for every test: runs that were never trained, but could have been.

All numbers are drawn from a seeded generator, so a golden file made today is the one made tomorrow.
"""

import math
import os
import random
import signal
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from runaudit.records.digest import digest_bytes
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.records.run import Run
from runaudit.records.trajectory import Event, Trajectory, write_lines
from runaudit.store import Store

# A busy machine makes nothing wrong that is right: no example is timed.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A suite that a shell began in the background ignores Ctrl-C, and so would every process of a test about it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

GOLDEN = Path(__file__).parent / "golden"
SEQUENCES = ("astronaut", "camera", "ihc")
BICUBIC = {"astronaut": 26.48, "camera": 26.91, "ihc": 28.26}
STAGES = (("alignment", 0), ("super_resolution", 100), ("fine_tuning", 820))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="Rewrite the files under tests/golden.")


LONGEST = ("test_problems.py", "test_warmstart.py", "test_main.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of half a minute come first: at the end they left one of two workers idle for minutes."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.fixture(autouse=True, scope="session")
def the_disk_is_not_waited_for():
    """No test cuts the power, and half of the suite's time went into waiting for the disk. What is no open file is an
    error as before; the tests that count these calls put their own in this one's place."""

    def fsync(file):
        os.fstat(file if isinstance(file, int) else file.fileno())

    patch = pytest.MonkeyPatch()
    patch.setattr(os, "fsync", fsync)
    yield
    patch.undo()


@pytest.fixture(autouse=True, scope="session")
def nothing_of_the_user_is_touched(tmp_path_factory):
    """The key of whoever runs the suite stays unmade, and unread."""
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
    yield
    patch.undo()


@pytest.fixture(autouse=True, scope="session")
def nothing_lies_around(tmp_path_factory):
    """A run that is recorded in the suite's own process takes in the code around it: 1,200 files of this project, read
    for secrets anew for each store, four seconds a test, for nothing that the test asks."""
    before = os.getcwd()
    os.chdir(tmp_path_factory.mktemp("nothing_around"))
    yield
    os.chdir(before)


@pytest.fixture(autouse=True, scope="module")
def what_other_modules_read_is_forgotten():
    """A process that records itself is observed until it ends, and each of its runs tells all that the process had
    read. A worker of the suite reads for thousands of tests: a run that took 0.3 s took 20 s an hour later."""
    yield
    here, hook = (sys.modules.get(f"runaudit.observe.{name}") for name in ("here", "hook"))
    if here is None or hook is None or here._folder is None or hook.log is None:
        return
    before = list(here._folder.rglob("*.log"))
    hook.read_once.clear()
    hook.wrote_once.clear()
    hook.log.part = 0
    hook.log.renew()
    hook.on_folders.__defaults__[0][0] = ()
    hook.on_folders()
    for file in before:
        file.unlink(missing_ok=True)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty store in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RUNAUDIT_STORE", raising=False)
    return Store.create(tmp_path / ".runaudit")


@pytest.fixture
def runaudit(capsys):
    """Call a command: exit code, stdout, stderr."""
    from runaudit.cli.app import main

    def call(*words):
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    return call


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """`golden(name, text)` holds a text against tests/golden/<name>, or rewrites it with --update-golden."""

    def check(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"{path} does not exist; run pytest --update-golden once and look at it"
        assert text == path.read_text(encoding="utf-8")

    return check


def png(side: int = 24, seed: int = 0) -> bytes:
    """A grey 8-bit PNG of `side` by `side` pixels."""
    rng = random.Random(seed)
    rows = b"".join(b"\0" + bytes(rng.randrange(256) for _ in range(side)) for _ in range(side))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def _manifest(**changes: Any) -> Manifest:
    seed = changes.get("seed", 0)
    body: dict[str, Any] = {
        "label": "staged, flow alignment",
        "seed": 0,
        "config": {
            "optimizer": {"name": "adamw", "lr": 0.002, "weight_decay": 0.0001},
            "batch_size": 8,
            "schedule": "staged",
            "alignment": "flow",
            "amp": {"dtype": "off"},
        },
        "code": {"commit": "4f" * 20, "branch": "main", "dirty": False, "patch": None, "files": {}},
        "data": {
            "train": {"path": "data/train", "digest": f"sha256:{'a1' * 32}", "tiles": 675, "frames": 9},
            "test": {"path": "data/test", "digest": f"sha256:{'b2' * 32}", "frames": 9},
        },
        "env": {"python": "3.11.9", "torch": "2.13.0", "cuda": None, "gpu": None, "gpu_count": 0},
        "init": {"kind": "random", "checkpoint": None, "parent": None},
        "eval": {"metric": "psnr", "protocol": "full_frame", "crop_border": 9, "data_range": 1.0, "channel": "luma"},
        "seed_proof": {
            "init": str(digest_bytes(f"init {seed}".encode())),
            "first_batch": str(digest_bytes(f"batch {seed}".encode())),
        },
        "launch": {"started": "2026-03-04T05:06:07Z", "hostname": "bench", "pid": 4711, "argv": ["train"]},
        "origin": {"kind": "captured"},
    }
    return Manifest.of({name: value for name, value in (body | changes).items() if value is not ...})


def _trajectory(
    seed: int = 0,
    steps: int = 900,
    *,
    floor: float = 0.02,
    stages: tuple[tuple[str, int], ...] = STAGES,
    amp: bool = False,
    **series: tuple[tuple[int, float], ...],
) -> Trajectory:
    """A loss that falls within every stage, a validation curve every 50 steps, and a loss scale where AMP is on."""
    rng = random.Random(seed)
    starts = [start for _, start in stages] or [0]
    loss, scale, skipped, scales, skips = [], 65536.0, 0, [], []
    for step in range(steps):
        into = step - max(start for start in starts if start <= step)
        value = (floor + 0.12 * math.exp(-into / 70)) * math.exp(rng.gauss(0, 0.16))
        loss.append((step, value))
        if amp and (step in (2, 3, 5) or rng.random() < 0.004):
            scale, skipped = scale / 2, skipped + 1
        scales.append((step, scale))
        skips.append((step, float(skipped)))
    val = tuple((s, 31.0 - 4.2 * math.exp(-s / 160) + rng.gauss(0, 0.05)) for s in range(50, steps + 1, 50))
    own: dict[str, Any] = {"train/loss": tuple(loss), "train/lr": ((0, 0.0002), (steps, 0.0)), "val/psnr": val}
    if amp:
        own |= {"amp/scale": tuple(scales), "amp/skipped": tuple(skips)}
    return Trajectory(
        series=own | series,
        events=tuple(Event(step=start, kind="stage", detail={"stage": name}) for name, start in stages),
    )


def _metrics(seed: int = 0, *, gains: tuple[float, float, float] = (4.3, 2.9, 3.5)) -> dict[str, float]:
    rng = random.Random(seed + 1000)
    found: dict[str, float] = {}
    for name, gain in zip(SEQUENCES, gains, strict=True):
        base = BICUBIC[name]
        found |= {
            f"full_frame/psnr/{name}": base + gain + rng.gauss(0, 0.04),
            f"full_frame/psnr_bicubic/{name}": base,
            f"full_frame/psnr_ibp/{name}": base + 2.5,
            f"full_frame/psnr_single_frame/{name}": base + 1.4,
            f"full_frame/ssim/{name}": 0.88 + rng.gauss(0, 0.002),
            f"full_frame/registration_error_px/{name}": 0.06 + abs(rng.gauss(0, 0.01)),
        }
    return found


def _run(
    *,
    status: str | None = "completed",
    metrics: Any = None,
    trajectory: Any = None,
    outcome: Any = None,
    **changes: Any,
) -> Run:
    """A run; `status=None` leaves it without an outcome. Other names change sections of the manifest."""
    seed = changes.get("seed", 0)
    manifest = _manifest(**changes)
    number = seed if isinstance(seed, int) else 0
    found = _trajectory(number) if trajectory is None else trajectory
    sealed = None
    if status:
        raw = write_lines(found)
        sealed = Outcome.of(
            {
                "manifest": str(manifest.digest),
                "status": status,
                "error": None if status == "completed" else "RuntimeError: the loss is not finite",
                "ended": "2026-03-04T05:07:31Z",
                "duration_s": 84.2,
                "steps_done": found.last_step() or 0,
                "metrics": {} if status in ("crashed", "killed") else _metrics(number) if metrics is None else metrics,
                "trajectory": {"digest": str(digest_bytes(raw)), "size": len(raw)},
                "checkpoints": [
                    {
                        "path": "last.safetensors",
                        "digest": str(digest_bytes(f"weights {seed}".encode())),
                        "size": 750_000,
                        "step": found.last_step() or 0,
                        "kind": "last",
                    }
                ],
                "artifacts": [],
                **(outcome or {}),
            }
        )
    return Run(manifest=manifest, outcome=sealed, trajectory=found)


def _seal(store: Store, run: Run, images: dict[str, bytes] | None = None, sources: tuple[bytes, ...] = ()) -> Run:
    """Put a run and its images (path in its folder -> bytes) into a store; returns it as the store reads it back."""
    from runaudit.store.catalogue import load

    store.seal_manifest(run.manifest, time="2026-03-04T05:06:07Z")
    for source in sources:
        store.put(source)
    folder = store.run_dir(run.id)
    folder.mkdir(parents=True)
    (folder / "last.safetensors").write_bytes(f"weights {run.manifest.body.get('seed', 0)}".encode())
    if run.outcome:
        store.put(write_lines(run.trajectory))
        artifacts = []
        for path, data in (images or {}).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
            artifacts.append({"path": path, "digest": str(digest_bytes(data)), "size": len(data), "kind": "panel"})
        body = {key: value for key, value in run.outcome.to_json().items() if key != "schema"}
        store.seal_outcome(Outcome.of(body | {"artifacts": artifacts}), time="2026-03-04T05:07:31Z")
    return load(store, run.id)


@pytest.fixture
def make_png() -> Callable[..., bytes]:
    return png


@pytest.fixture
def make_manifest() -> Callable[..., Manifest]:
    return _manifest


@pytest.fixture
def make_trajectory() -> Callable[..., Trajectory]:
    return _trajectory


@pytest.fixture
def make_metrics() -> Callable[..., dict[str, float]]:
    return _metrics


@pytest.fixture
def make_run() -> Callable[..., Run]:
    return _run


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "store")


@pytest.fixture
def seal_run() -> Callable[..., Run]:
    return _seal
