"""Whether values lie below zero, asked of their signs alone, so that no outlier decides, and alike ones count once.

Neighbouring values of a series are alike: of n of them with lag-one correlation r only n (1 - r) / (1 + r) count as
independent, and the test is made of so many.
"""

from dataclasses import dataclass
from math import comb
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy import ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class SignTest:
    """p: one-sided, of a median that is not below zero. below: how many values are. independent: how many count."""

    p: float
    below: int
    independent: int


def sign_test_below_zero(values: "ndarray") -> SignTest:
    """The sign test of finite values (n,) in the order in which they were taken. Raises ValueError without any.

    >>> import numpy as np
    >>> sign_test_below_zero(np.array([-0.2, -0.4, -0.1, -0.3, 0.1, -0.5, -0.1, -0.4])).below
    7
    """
    import numpy as np

    if not len(values):
        raise ValueError("no value has no sign")
    below = int((values < 0).sum())
    apart = values - values.mean()
    power = float(np.square(apart).sum())
    r = float((apart[1:] * apart[:-1]).sum()) / power if power > 0 else 1.0  # one value again and again is one
    independent = max(1, int(len(values) * (1 - r) / (1 + r))) if r > 0 else len(values)
    reached = int(below / len(values) * independent)
    p = sum(comb(independent, k) for k in range(reached, independent + 1)) / 2**independent
    return SignTest(p=p, below=below, independent=independent)
