"""From one photograph to a burst: rigid motion, optics, detector, noise, and what may get in the way.

Order of events: the scene is blurred by the optics (Gaussian PSF) and by the detector's square (scale x scale
box) once, and every frame samples that smooth image at the centres of its own pixels with a cubic spline. An
isotropic PSF commutes with a rigid motion. The square does not, but at 0.15 degrees its corners move 0.004
high-res pixels; `tests/trainer/data/test_simulate.py` bounds the difference. The spline is exact in practice,
because the image it samples has lost its high frequencies to the optics already: the simulator adds no blur.

Each burst draws from its own generator, seeded by (seed, name), so that adding a scene changes no other.
"""

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from runaudit.errors import ConfigError
from trainer.data.scenes import Burst, Doubles, Mask, rotation

LEVELS = 65535  # a frame is stored in 16 bits, and simulated as it will be read back


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorConfig:
    """The camera in numbers: lengths in pixels of the grid named, angles in degrees, values in [0, 1].

    psf_spread, noise_spread: each burst draws its own PSF and noise, up to this share more or less than what is named.
    altitude_spread: each burst draws its own altitude about `altitude_m`, and the PSF grows with it: the optics blur an
    angle, which is the longer on the ground the higher they are. Scene and scale stay as they are.
    """

    scale: int = 3
    frames: int = 9
    max_shift_lr_px: float = 1.5
    max_rotation_deg: float = 0.15
    psf_sigma_hr_px: float = 1.0
    noise_sigma: float = 0.01
    psf_spread: float = 0.0
    noise_spread: float = 0.0
    max_gain: float = 0.0
    max_offset: float = 0.0
    occluded_share: float = 0.0
    altitude_m: float | None = None
    altitude_spread: float = 0.0

    def __post_init__(self) -> None:
        if self.scale < 1 or self.frames < 1:
            raise ConfigError(
                f"simulator: scale {self.scale} and frames {self.frames} must be at least 1",
                remedy="correct the data section of the config",
            )
        numbers = {
            "max_shift_lr_px": self.max_shift_lr_px,
            "max_rotation_deg": self.max_rotation_deg,
            "psf_sigma_hr_px": self.psf_sigma_hr_px,
            "noise_sigma": self.noise_sigma,
            "psf_spread": self.psf_spread,
            "noise_spread": self.noise_spread,
            "max_gain": self.max_gain,
            "max_offset": self.max_offset,
            "occluded_share": self.occluded_share,
            "altitude_spread": self.altitude_spread,
        }
        for name, value in numbers.items():
            if not 0 <= value < float("inf"):
                raise ConfigError(f"simulator: {name} is {value}", remedy="give it a number of at least 0")
        if self.altitude_spread and (self.altitude_m is None or self.altitude_spread == 1):
            raise ConfigError(
                "simulator: altitude_spread needs an altitude_m, and a share below 1", remedy="name both, or neither"
            )
        for name in ("occluded_share", "psf_spread", "noise_spread", "altitude_spread"):
            if (share := getattr(self, name)) > 1:
                raise ConfigError(f"simulator: {name} is {share}", remedy="give a share between 0 and 1")


def generator(seed: int, name: str) -> np.random.Generator:
    """The stream of one burst: depends on the seed and the name, on nothing else."""
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, key])))


def spline_scene(image: Doubles, config: SimulatorConfig) -> Doubles:
    """Cubic-spline coefficients of the scene as optics and detector see it. (H, W) -> (H, W)."""
    from scipy import ndimage

    seen = ndimage.gaussian_filter(image, config.psf_sigma_hr_px, mode="mirror", truncate=5.0)
    if config.scale > 1:
        seen = ndimage.uniform_filter(seen, config.scale, mode="mirror")
    return np.asarray(ndimage.spline_filter(seen, order=3, mode="mirror"), dtype=np.float64)


def drawn_optics(config: SimulatorConfig, rng: np.random.Generator) -> SimulatorConfig:
    """The camera of one burst. Where nothing is spread nothing is drawn, and a burst keeps its bits."""
    psf, noise, altitude = config.psf_sigma_hr_px, config.noise_sigma, config.altitude_m
    if config.psf_spread:
        psf *= 1.0 + config.psf_spread * float(rng.uniform(-1.0, 1.0))
    if config.noise_spread:
        noise *= 1.0 + config.noise_spread * float(rng.uniform(-1.0, 1.0))
    if config.altitude_spread and altitude is not None:
        rise = 1.0 + config.altitude_spread * float(rng.uniform(-1.0, 1.0))
        psf, altitude = psf * rise, altitude * rise
    return replace(
        config, psf_sigma_hr_px=psf, noise_sigma=noise, altitude_m=altitude,
        psf_spread=0.0, noise_spread=0.0, altitude_spread=0.0,
    )  # fmt: skip


def draw_motion(config: SimulatorConfig, rng: np.random.Generator) -> Doubles:
    """(T, 3): dy, dx in low-res pixels and theta in degrees, uniform; the reference stays at zero."""
    limits = np.array([config.max_shift_lr_px, config.max_shift_lr_px, config.max_rotation_deg])
    motion: Doubles = rng.uniform(-1.0, 1.0, size=(config.frames, 3)) * limits
    motion[0] = 0.0
    return motion


def look(
    coefficients: Doubles,
    motion: Doubles,
    *,
    corner: tuple[int, int],
    shape: tuple[int, int],
    scale: int,
) -> Doubles:
    """(T, h, w): noiseless frames of the window whose top-left high-res pixel is `corner`.

    shape: (h, w) of the low-res window. Around the photograph the scene is continued by reflection.
    """
    from scipy import ndimage

    size = np.array(shape)
    # Low-res pixel i is centred on high-res index scale*i + (scale-1)/2, counted from the corner.
    centre = np.array(corner) + (scale * size - 1) / 2
    frames = np.empty((len(motion), *shape))
    for k, (dy, dx, theta) in enumerate(motion):
        matrix = scale * rotation(float(theta))
        offset = centre + scale * np.array([dy, dx]) - matrix @ ((size - 1) / 2)
        ndimage.affine_transform(
            coefficients,
            matrix,
            offset,
            output_shape=shape,
            output=frames[k],
            order=3,
            mode="mirror",
            prefilter=False,
        )
    return frames


def occlude(frames: Doubles, config: SimulatorConfig, rng: np.random.Generator) -> tuple[Doubles, Mask]:
    """Bright discs over a share of the supporting frames, and where the scene is still seen.

    The reference stays clear: without it a burst has no geometry to be judged in.
    """
    clear = np.ones(frames.shape, dtype=bool)
    occluded = frames.copy()
    count = round(config.occluded_share * (len(frames) - 1))
    for k in 1 + rng.permutation(len(frames) - 1)[:count]:
        h, w = frames.shape[1:]
        y, x = np.ogrid[:h, :w]
        for _ in range(int(rng.integers(1, 4))):
            cy, cx = rng.uniform(0, h), rng.uniform(0, w)
            radius = rng.uniform(0.05, 0.15) * min(h, w)
            disc = (y - cy) ** 2 + (x - cx) ** 2 <= radius**2
            occluded[k][disc] = rng.uniform(0.8, 1.0)
            clear[k] &= ~disc
    return occluded, clear


def quantised(values: Doubles) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Rounded to the 16-bit levels of the file, as float32 in [0, 1]."""
    counts = np.rint(np.clip(values, 0.0, 1.0) * LEVELS)
    # The reader divides the same integers by the same number in float32: what is made equals what is read.
    return counts.astype(np.float32) / np.float32(LEVELS)


def simulate_burst(
    image: Doubles,
    config: SimulatorConfig,
    *,
    name: str,
    corner: tuple[int, int],
    shape: tuple[int, int],
    coefficients: Doubles,
    rng: np.random.Generator,
) -> Burst:
    """A burst of the window of `image` that starts at `corner` and is `shape` (h, w) low-res pixels large.

    image: (H, W) in [0, 1]; coefficients: `spline_scene(image, config)`, shared by the bursts of a scene.
    """
    motion = draw_motion(config, rng)
    frames = look(coefficients, motion, corner=corner, shape=shape, scale=config.scale)
    gain = 1.0 + config.max_gain * rng.uniform(-1.0, 1.0, size=(config.frames, 1, 1))
    offset = config.max_offset * rng.uniform(-1.0, 1.0, size=(config.frames, 1, 1))
    gain[0], offset[0] = 1.0, 0.0  # the reference sets the brightness
    frames, clear = occlude(frames * gain + offset, config, rng)
    frames = frames + config.noise_sigma * rng.standard_normal(frames.shape)
    (top, left), (h, w), s = corner, shape, config.scale
    truth = image[top : top + s * h, left : left + s * w]
    return Burst(
        name=name,
        lr=quantised(frames),
        hr=quantised(truth),
        clear_lr=clear,
        clear_hr=np.ones(truth.shape, dtype=bool),
        scale=s,
        motion=motion,
        altitude_m=config.altitude_m,
        data_range=float(LEVELS),
    )
