"""What a burst gives without training, computed once: ten runs on one dataset share one back-projection."""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from runaudit.system.files import remember
from trainer.classical import IBP_ITERATIONS, IBP_STEP, back_projection, bicubic
from trainer.data.scenes import Burst, Doubles
from trainer.metrics import BORDER_HR_PX, psnr, ssim
from trainer.registration import register, registration_error_px

PEAK = 1.0  # images are fractions of the declared range, so the peak is 1
VERSION = 1  # in the cache's key; raise it when bicubic, registration or back-projection change


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
    """PSNR in dB at peak 1, SSIM, and the estimated motion's error in low-res pixels where it is known."""

    bicubic_psnr: float
    bicubic_ssim: float
    ibp_psnr: float
    ibp_ssim: float
    registration_error_px: float | None


def baseline_of(burst: Burst, protocol: Protocol, *, cache: Path | None = None) -> Baseline:
    """Bicubic of the reference, and back-projection with estimated motion.

    cache: a folder; the key is a digest of the pixels, masks and motion of the burst and of every setting,
    so a stale entry cannot be met, and a damaged one is computed again.
    """
    path = None if cache is None else cache / f"baseline-{_key(burst, protocol)}.json"
    kept = None if path is None else _kept(path)
    if kept is not None:
        return kept
    baseline = _computed(burst, protocol)
    if path is not None:
        remember(path, json.dumps(asdict(baseline)).encode())
    return baseline


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
        ibp_psnr=psnr(projected, burst.hr, **arguments),
        ibp_ssim=ssim(projected, burst.hr, **arguments),
        registration_error_px=error,
    )


def _key(burst: Burst, protocol: Protocol) -> str:
    settings = asdict(protocol) | {"version": VERSION, "step": IBP_STEP, "scale": burst.scale}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for array in (burst.lr, burst.hr, burst.clear_lr, burst.clear_hr, burst.motion):
        if array is not None:
            digest.update(f"{array.dtype}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:32]


def _kept(path: Path) -> Baseline | None:
    try:
        numbers = json.loads(path.read_text(encoding="utf-8"))
        names = {field.name for field in fields(Baseline)}
        if set(numbers) != names or not all(isinstance(v, float | None) for v in numbers.values()):
            return None
        return Baseline(**numbers)
    except (OSError, ValueError, TypeError):
        return None
