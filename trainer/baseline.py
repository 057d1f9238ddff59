"""What a burst gives without training, computed once: ten runs on one dataset share one back-projection.

What was computed before is believed only where everything it was made from is the same to the byte (pixels, masks,
motion, settings, code, the libraries that compute) and where the `Shelf` vouches for the bytes it hands out.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from typing import Protocol as Shape

import numpy as np

from runaudit import digest_files
from trainer.classical import IBP_ITERATIONS, IBP_STEP, back_projection, bicubic, median_of_aligned
from trainer.data.registration import register, registration_error_px
from trainer.data.scenes import Burst, Doubles
from trainer.metrics import BORDER_HR_PX, cpsnr, psnr, ssim

PEAK = 1.0  # images are fractions of the declared range, so the peak is 1
SCHEMA = "trainer.baseline/3"
CODE = ("baseline.py", "classical.py", "metrics.py", "data/registration.py", "data/scenes.py")
LIBRARIES = ("numpy", "scipy", "scikit-image")


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """How every image is compared, and what back-projection is told about the optics."""

    border_hr_px: int = BORDER_HR_PX
    psf_sigma_hr_px: float = 1.0
    ibp_iterations: int = IBP_ITERATIONS

    def arguments(self, burst: Burst) -> dict[str, Any]:
        """Keyword arguments of the metrics: peak, border, and the mask where something is masked."""
        clear = None if burst.clear_hr.all() else burst.clear_hr
        return {"data_range": PEAK, "border": self.border_hr_px, "clear": clear}


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """PSNR in dB at peak 1, SSIM, cPSNR; the PSNR of the registered frames' median; and the estimated motion's error in
    low-res pixels where it is known."""

    bicubic_psnr: float
    bicubic_ssim: float
    bicubic_cpsnr: float
    ibp_psnr: float
    ibp_ssim: float
    median_psnr: float
    registration_error_px: float | None


class Shelf(Shape):
    """Where baselines are kept between runs. It answers for it that the bytes are those that were kept."""

    def find(self, key: str) -> bytes | None:
        """What was kept under a key."""

    def keep(self, key: str, data: bytes) -> None:
        """Keep what was found or computed."""


def baseline_of(burst: Burst, protocol: Protocol, *, shelf: Shelf | None = None) -> Baseline:
    """Bicubic of the reference, back-projection with estimated motion, the median of the frames so registered.

    shelf: where it may be kept; the key is a digest of all it is made from, so none of other inputs is ever met.
    """
    source = made_from(burst, protocol)
    key = hashlib.sha256(json.dumps(source, sort_keys=True).encode()).hexdigest()
    kept = None if shelf is None else shelf.find(key)
    baseline = None if kept is None else _read(kept, source)
    if baseline is None:
        baseline = _computed(burst, protocol)
        kept = _written(burst.name, source, baseline)
    if shelf is not None and kept is not None:
        shelf.keep(key, kept)
    return baseline


def made_from(burst: Burst, protocol: Protocol) -> dict[str, Any]:
    """Everything that a baseline follows from, in plain JSON."""
    pixels = hashlib.sha256()
    for array in (burst.lr, burst.hr, burst.clear_lr, burst.clear_hr, burst.motion):
        pixels.update(b"none" if array is None else f"{array.dtype}{array.shape}".encode())
        pixels.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
    settings = asdict(protocol) | {"step": IBP_STEP, "scale": burst.scale}
    return {"burst": f"sha256:{pixels.hexdigest()}", "settings": settings, **_makers()}


@cache
def _makers() -> dict[str, Any]:
    """The code and the libraries that compute."""
    here = Path(__file__).parent
    return {
        "code": str(digest_files([here / name for name in CODE])),
        "libraries": {name: _version(name) for name in LIBRARIES},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def clipped(image: Doubles) -> Doubles:
    """To the range a stored image has: the same for every method, before any metric."""
    return np.clip(image, 0.0, PEAK)


def _computed(burst: Burst, protocol: Protocol) -> Baseline:
    arguments = protocol.arguments(burst)
    found = register(burst)
    plain = clipped(bicubic(burst.lr[0], burst.scale))
    projected = clipped(
        back_projection(
            burst,
            psf_sigma_hr_px=protocol.psf_sigma_hr_px,
            found=found,
            iterations=protocol.ibp_iterations,
        )
    )
    _, h, w = burst.lr.shape
    error = None
    if burst.motion is not None:
        error = registration_error_px(found.motion, burst.motion, shape=(h, w))
    return Baseline(
        bicubic_psnr=psnr(plain, burst.hr, **arguments),
        bicubic_ssim=ssim(plain, burst.hr, **arguments),
        bicubic_cpsnr=cpsnr(plain, burst.hr, **arguments).db,
        ibp_psnr=psnr(projected, burst.hr, **arguments),
        ibp_ssim=ssim(projected, burst.hr, **arguments),
        median_psnr=psnr(clipped(median_of_aligned(burst, found)), burst.hr, **arguments),
        registration_error_px=error,
    )


def _written(name: str, source: dict[str, Any], baseline: Baseline) -> bytes:
    told = {"schema": SCHEMA, "sequence": name, "made_from": source, "baseline": asdict(baseline)}
    return (json.dumps(told, indent=1, sort_keys=True) + "\n").encode()


def _read(data: bytes, source: dict[str, Any]) -> Baseline | None:
    """The baseline, if these bytes say that it was made from this; else it is computed again."""
    try:
        told = json.loads(data)
        numbers = told["baseline"]
        names = {field.name for field in fields(Baseline)}
        if told["made_from"] != source or set(numbers) != names:
            return None
        return Baseline(**numbers) if all(isinstance(v, float | None) for v in numbers.values()) else None
    except (ValueError, TypeError, KeyError):
        return None
