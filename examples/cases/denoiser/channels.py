"""The pictures three times over: one channel, three more of zeros, three more copies of the first.

    python channels.py data      after: python images.py data
"""

import sys
from pathlib import Path

import numpy as np

folder = Path(sys.argv[1])
for name in ("train", "val"):
    one = np.load(folder / f"{name}.npy")[:, None]
    zeros = np.concatenate([one, np.zeros((len(one), 3, *one.shape[2:]), one.dtype)], axis=1)
    for kind, pictures in (("one", one), ("zeros", zeros), ("copies", np.repeat(one, 4, axis=1))):
        (folder / kind).mkdir(exist_ok=True)
        np.save(folder / kind / f"{name}.npy", pictures)
    (folder / f"{name}.npy").unlink()
