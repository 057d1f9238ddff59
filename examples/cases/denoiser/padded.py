"""The pictures as the notes' loader hands them on: three channels of zeros beside the one that says something.

python padded.py data      after: python images.py data
"""

import sys
from pathlib import Path

import numpy as np

folder = Path(sys.argv[1])
(folder / "padded").mkdir(exist_ok=True)
for name in ("train", "val"):
    one = np.load(folder / f"{name}.npy")[:, None]
    zeros = np.zeros((len(one), 3, *one.shape[2:]), one.dtype)
    np.save(folder / "padded" / f"{name}.npy", np.concatenate([one, zeros], axis=1))
