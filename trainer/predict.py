"""A trained network as evaluation sees it: one burst in, one image out, and how well it registered the frames."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from trainer.amp import Precision
from trainer.build import Normalised
from trainer.config import TrainConfig
from trainer.data.registration import registration_error_px
from trainer.data.scenes import Burst
from trainer.models.piunet import Features
from trainer.samples import augmented_features, frames_as, turned_back

MARGIN_LR_PX = 3  # the partner of an outer pixel may lie outside the frame


class Predictor:
    """(B, T, h, w) -> (B, 1, H, W), in evaluation mode, with the evaluation's precision and the run's kind of frames.

    altitude_m: of the bursts that it sees, where a film asks for it. With `eval.self_ensemble` the merged burst is
    restored in all eight orientations and the mean is taken.
    """

    def __init__(self, model: Normalised, config: TrainConfig, *, altitude_m: float | None = None) -> None:
        self.model, self.config, self.altitude_m = model.eval(), config, altitude_m
        self.precision = Precision(replace(config.amp, dtype=config.eval.precision), config.device)

    def __call__(self, lr: Tensor) -> Tensor:
        """The image, in data units, fp32."""
        lr = frames_as(lr, self.config.data.frames_mode)
        altitude = None if self.altitude_m is None else lr.new_full((len(lr),), self.altitude_m)
        with torch.no_grad(), self.precision.autocast():
            return self.reconstructed(self.model.features(lr, altitude))

    def reconstructed(self, features: Features) -> Tensor:
        """The image of a merged burst: of one view, or the mean of all eight."""
        if not self.config.eval.self_ensemble:
            return self.model.reconstruct(features).mean.float()
        count = len(features.frames)
        views = [
            turned_back(self.model.reconstruct(augmented_features(features, [turn] * count)).mean.float(), turn)
            for turn in range(8)
        ]
        return torch.stack(views).mean(0)

    def registration_error(self, burst: Burst) -> float | None:
        """Mean end-point error of the alignment in low-res pixels; None where the true motion is unknown.

        A learned kernel's shift is its centroid. Zero motion scores the mean length of the true motion.
        """
        if burst.motion is None:
            return None
        lr = torch.from_numpy(np.ascontiguousarray(burst.lr))[None].to(self.config.device)
        with torch.no_grad(), self.precision.autocast():
            _, shift = self.model.register(lr)
        flow = shift[0].flip(1).double().cpu().numpy()  # (x, y) -> (y, x)
        _, h, w = burst.lr.shape
        return registration_error_px(flow, burst.motion, shape=(h, w), margin=MARGIN_LR_PX)
