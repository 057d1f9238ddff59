"""What the simulated dataset costs on one core, and whether its bytes are the same each time.

python examples/bench/data_bench.py
"""

import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # runs from a bare checkout too

from runaudit.records.digest import FileEntry, digest_file, digest_tree
from trainer.data import PRESETS, make_dataset, read_dataset, train_tiles


def tree(root: Path) -> str:
    """The digest of everything in a folder."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return str(
        digest_tree(
            FileEntry(path=str(p.relative_to(root)), size=p.stat().st_size, digest=digest_file(p)) for p in files
        )
    )


def main() -> None:
    """Make the default dataset twice and read it once."""
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        digests = []
        for name in ("first", "second"):
            began = time.process_time()
            root = make_dataset(Path(folder) / name, PRESETS["default"], 0)
            print(f"made in {time.process_time() - began:.1f} s of CPU")
            digests.append(tree(root))
        began = time.process_time()
        dataset = read_dataset(root)
        tiles = train_tiles(dataset)
        print(f"read and cut into {len(tiles.ids)} tiles in {time.process_time() - began:.1f} s of CPU")
        sizes = ", ".join(f"{b.name} {b.hr.shape[0]}x{b.hr.shape[1]}" for b in dataset.test)
        print(f"test sequences: {sizes}")
        print("the same bytes both times" if digests[0] == digests[1] else "THE BYTES DIFFER")


if __name__ == "__main__":
    main()
