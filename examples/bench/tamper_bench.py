"""One bit flipped in any file of a store: `verify` finds it, or it is plainly harmless, and why.

    python examples/bench/tamper_bench.py [--flips 10000] [--seed 0]

The store holds launches, outcomes, series, checkpoints, notes, a look and a signature. Each flip takes a kind of file
first, then a file of it, a byte and a bit, so that a small file is hit as often as a large one. A flip that `verify`
does not find, in a file that is not on the list, ends the program with 1. 10,000 flips take a minute.
"""

import argparse
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from runaudit.errors import RunauditError
from runaudit.records.digest import digest_bytes
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.records.trajectory import line_of
from runaudit.store.peeks import looks_at
from runaudit.store.remarks import add_note, set_archived
from runaudit.store.signature import sign
from runaudit.store.store import Store
from runaudit.store.verify import verify

TIME = "2026-01-01T00:00:00Z"
HARMLESS = {
    "cache": "derived from records, made again, and never trusted by verify",
    "live": "what a run in progress writes; what counted of it was sealed into an object when it ended",
    "tmp": "half-written files, which no reader looks at",
    "aside": "what a repair took out of its place",
    "redaction.key": "equal secrets of later runs would be called changed: a false alarm, never a false equality",
}
"""First part of a path -> why a change there changes no record and no answer about one."""


def filled(root: Path, runs: int = 3) -> Store:
    """A store with every kind of file."""
    store = Store.create(root)
    for seed in range(runs):
        source = store.put(f"print({seed})\n".encode())
        code = {"commit": None, "dirty": True, "files": {"train.py": {"digest": str(source), "size": 9}}}
        launch = Manifest.of({"label": "a", "seed": seed, "config": {"lr": 0.1}, "code": code})
        store.seal_manifest(launch, time=TIME)
        for folder in (store.run_dir(launch.id), store.live_dir(launch.id)):
            folder.mkdir(parents=True)
        (store.run_dir(launch.id) / "best.pt").write_bytes(b"weights")
        (store.live_dir(launch.id) / "series.jsonl").write_bytes(line_of(0, {"train/loss": 1.0}))
        series = store.put(line_of(0, {"train/loss": 1.0 + seed}))
        kept = {"path": "best.pt", "digest": str(digest_bytes(b"weights")), "size": 7, "kind": "best"}
        body = {"manifest": str(launch.digest), "status": "completed", "metrics": {"val/psnr": 30.0 + seed},
                "trajectory": {"digest": str(series), "size": 1}, "checkpoints": [kept]}  # fmt: skip
        store.seal_outcome(Outcome.of(body), time=TIME)
        add_note(store, launch.id, "a note", time=TIME)
    set_archived(store, launch.id, True, time=TIME)
    looks_at(store, "val/psnr", {"a": [launch.id]}, seal_at=TIME)
    sign(store, new_key(root.parent / "signing.pem"), time=TIME)
    (root / "cache" / "list.sqlite").write_bytes(b"derived")
    (root / "redaction.key").write_bytes(bytes(range(32)))
    return store


def new_key(path: Path) -> Path:
    """A signing key, outside of the store."""
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(pem)
    return path


def kind_of(path: Path, root: Path) -> str:
    """The first part of a path within the store."""
    return path.relative_to(root).parts[0]


def flipped(store: Store, flips: int, seed: int) -> tuple[Counter[str], Counter[str], list[str]]:
    """(found by kind, harmless by kind, what slipped through) of so many single flips, each put back."""
    rng = random.Random(seed)
    by_kind: dict[str, list[Path]] = {}
    for path in sorted(path for path in store.root.rglob("*") if path.is_file() and path.stat().st_size):
        by_kind.setdefault(kind_of(path, store.root), []).append(path)
        path.chmod(0o644)
    found: Counter[str] = Counter()
    harmless: Counter[str] = Counter()
    missed = []
    for _ in range(flips):
        kind = rng.choice(sorted(by_kind))
        path = rng.choice(by_kind[kind])
        before = path.read_bytes()
        raw = bytearray(before)
        place, bit = rng.randrange(len(raw)), rng.randrange(8)
        raw[place] ^= 1 << bit
        path.write_bytes(bytes(raw))
        if told(store.root):
            found[kind] += 1
        elif kind in HARMLESS:
            harmless[kind] += 1
        else:
            missed.append(f"bit {bit} of byte {place} of {path.relative_to(store.root)}")
        path.write_bytes(before)
    return found, harmless, missed


def told(root: Path) -> bool:
    """Whether verify finds something, or the store is refused."""
    try:
        return bool(verify(Store.open(root)).problems)
    except RunauditError:
        return True


def main() -> None:
    """Flip, count and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flips", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = filled(Path(folder) / "store")
        assert not verify(store).problems
        found, harmless, missed = flipped(store, given.flips, given.seed)
        assert not verify(store).problems
    for kind in sorted(found | harmless):
        why = f"; {harmless[kind]} harmless: {HARMLESS[kind]}" if harmless[kind] else ""
        print(f"{kind:16s} {found[kind]:6d} found{why}")
    print(f"{given.flips} flips: {found.total()} found, {harmless.total()} harmless, {len(missed)} missed")
    for one in missed[:20]:
        print(f"missed: {one}")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
