"""Do the alignment's own loss and the image's loss pull the alignment the same way?

Where a stage trains the alignment on images, the cosine between the two gradients tells it: near 1 both agree, near -1
what betters the image worsens the registration. It is measured beside the step, on a copy, so that no bit of the
training depends on it; that costs a copy of the network, two forward and two backward passes.
"""

import copy

import torch
from torch import Tensor

from trainer.build import Normalised
from trainer.config import TrainConfig
from trainer.losses import alignment_loss, reconstruction_loss
from trainer.ranks import Ranks
from trainer.samples import Batch
from trainer.seeding import restore_rng, rng_state
from trainer.stages import Stage

SERIES = "gradient_conflict/cosine"


def measures(stage: Stage) -> bool:
    """Does a stage train the alignment for the sake of the image?"""
    return stage.loss == "reconstruction" and "alignment" in stage.trains


def gradient_cosine(model: Normalised, batch: Batch, config: TrainConfig, *, warm: bool, ranks: Ranks) -> float | None:
    """The cosine between the gradients of both losses over the alignment's parameters, in fp32, of all ranks' batches.

    None where one of them is zero or not finite: there is no angle then.
    """
    kept = rng_state()
    try:
        copied = copy.deepcopy(model)
        registered, _ = copied.register(batch.lr)
        alignment = alignment_loss(registered, copied.inward(batch.lr[:, :1]), batch.clear_lr)
        own = _gradient(copied, alignment)
        predicted = copied.reconstruct(copied.features(batch.lr, batch.altitude))
        terms = reconstruction_loss(predicted, batch.hr, batch.clear_hr, config=config.loss, warm=warm)
        image = _gradient(copied, torch.stack(list(terms.values())).sum())
    finally:
        restore_rng(*kept)
    a, b = ranks.mean(own), ranks.mean(image)
    product, lengths = float(a @ b), float(a.norm()) * float(b.norm())
    return product / lengths if 0 < lengths < float("inf") and abs(product) < float("inf") else None


def _gradient(model: Normalised, loss: Tensor) -> Tensor:
    """The gradient over the alignment's parameters as one vector, in double precision."""
    parameters = [p for p in model.block("alignment").parameters() if p.requires_grad]
    grads = torch.autograd.grad(loss, parameters, allow_unused=True)
    parts = [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, grads, strict=True)]
    return torch.cat([part.flatten() for part in parts]).double()
