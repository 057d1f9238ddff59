"""A moving average of the weights that a stage trains: what is validated, kept as the best and handed on.

The average is taken after each step that was taken. It begins with the stage, so its memory grows with what there is to
remember: after n steps it forgets no slower than (1 + n) / (10 + n), else a short stage would end as the average of its
beginning. Running statistics are averaged as the weights are; counters are taken as they stand.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor

from trainer.build import Normalised

AVERAGE, RAW = "ema.", "raw."
"""Under which names a checkpoint holds the one that its weights are not."""


class Ema:
    """The average of all tensors of the blocks that a stage trains; the others do not move."""

    def __init__(self, model: Normalised, trains: tuple[str, ...], decay: float) -> None:
        prefixes = tuple(f"net.{name}." for name in trains)
        self.decay = decay
        self._now = {name: t for name, t in model.state_dict().items() if name.startswith(prefixes)}
        self.average = {name: tensor.detach().clone() for name, tensor in self._now.items()}

    def update(self, taken: int) -> None:
        """Take in the weights as they are now. taken: how many steps the stage has taken, this one included."""
        decay = min(self.decay, (1 + taken) / (10 + taken))
        with torch.no_grad():
            for name, tensor in self.average.items():
                now = self._now[name]
                if tensor.is_floating_point():
                    tensor.lerp_(now, 1 - decay)
                else:
                    tensor.copy_(now)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The network is the average; afterwards it is, to the bit, what it was."""
        kept = {name: tensor.detach().clone() for name, tensor in self._now.items()}
        self.hand_on()
        try:
            yield
        finally:
            self._put(kept)

    def hand_on(self) -> None:
        """Make the network the average."""
        self._put(self.average)

    def _put(self, tensors: Mapping[str, Tensor]) -> None:
        with torch.no_grad():
            for name, tensor in self._now.items():
                tensor.copy_(tensors[name])

    def stored(self, *, as_weights: bool) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """What a checkpoint holds of both: tensors that take the place of weights, and tensors of its state.

        as_weights: are its weights the average, and the trained ones its state, or the other way round?
        """
        if as_weights:
            return dict(self.average), {RAW + name: tensor for name, tensor in self._now.items()}
        return {}, {AVERAGE + name: tensor for name, tensor in self.average.items()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a checkpoint whose weights are in the network: both are what they were when it was written.

        Where it holds no average, as before a restart that asks for one, the average begins with its weights.
        """
        for name in self.average:
            if RAW + name in state:
                self.average[name].copy_(self._now[name].detach())
                with torch.no_grad():
                    self._now[name].copy_(state[RAW + name])
            elif AVERAGE + name in state:
                self.average[name].copy_(state[AVERAGE + name])
