"""Laws of the seed proof: equal seeds and code give equal digests, other seeds others, and a reseed shows."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import runaudit
from runaudit.capture.rng import reseeded
from runaudit.errors import UsageError
from runaudit.integrations.torch import rng_digests, seed_everything, weights_digest

CHECKOUT = Path(runaudit.__file__).parent.parent


def net() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))


def test_equal_seeds_give_equal_states_and_weights() -> None:
    first = (seed_everything(7), weights_digest(net()), rng_digests())
    second = (seed_everything(7), weights_digest(net()), rng_digests())
    other = (seed_everything(8), weights_digest(net()), rng_digests())

    assert first == second
    assert all(a != b for a, b in zip(first, other, strict=True))


def test_the_digests_are_those_of_another_process() -> None:
    code = (
        "import torch, numpy; from runaudit.integrations.torch import *; d = seed_everything(7);"
        "print(d['python'], d['numpy'], d['torch'], weights_digest(torch.nn.Linear(3, 4)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)

    import numpy  # noqa: F401 - loaded, so that its generator is seeded here too

    here = seed_everything(7)
    linear = weights_digest(torch.nn.Linear(3, 4))
    assert done.stdout.split() == [here["python"], here["numpy"], here["torch"], str(linear)]


def test_looking_draws_nothing() -> None:
    model = net()
    seed_everything(1)
    expected = torch.rand(4)
    seed_everything(1)

    before = rng_digests()
    weights_digest(model)

    assert reseeded(before, rng_digests()) == ()
    assert torch.equal(torch.rand(4), expected)


def test_a_reseed_behind_the_programs_back_shows() -> None:
    seed_everything(1)
    before = rng_digests()
    torch.manual_seed(1337)

    assert reseeded(before, rng_digests()) == ("torch",)


def test_a_hash_derived_seed_differs_between_processes() -> None:
    """`hash("x")` is salted in every process: the same declared experiment gets another stream each time."""
    code = (
        "import random; from runaudit.capture.rng import rng_digests;"
        "random.seed(hash('experiment')); print(rng_digests()['python'])"
    )
    seen = set()
    for salt in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True,
            env={"PYTHONHASHSEED": salt},
        )  # fmt: skip
        seen.add(done.stdout)

    assert len(seen) == 2


def test_a_moved_buffer_is_another_digest_and_so_is_a_name_a_type_or_a_shape() -> None:
    torch.manual_seed(0)
    model = net()
    before = weights_digest(model)
    model[1].running_mean += 1  # type: ignore[index, operator]
    moved = weights_digest(model)
    assert moved != before

    zeros = [torch.nn.ParameterDict({name: torch.zeros(shape, dtype=kind)}) for name, shape, kind in [
        ("a", (2, 3), torch.float32), ("b", (2, 3), torch.float32), ("a", (3, 2), torch.float32),
        ("a", (2, 3), torch.float64), ("a", (2, 3), torch.bfloat16), ("a", (6,), torch.float32),
    ]]  # fmt: skip
    assert len({weights_digest(module) for module in zeros}) == 6


def test_a_view_has_the_digest_of_its_elements() -> None:
    """A transposed parameter lies in memory in another order; what counts is what it means."""
    base = torch.arange(6.0).reshape(2, 3)

    assert weights_digest(torch.nn.ParameterDict({"w": base.t()})) == weights_digest(
        torch.nn.ParameterDict({"w": base.t().contiguous()})
    )


def test_scalars_and_empty_tensors_have_digests() -> None:
    module = torch.nn.Module()
    module.register_buffer("scalar", torch.tensor(3))
    module.register_buffer("empty", torch.empty(0, 4))
    module.register_buffer("hidden", torch.zeros(1), persistent=False)

    assert weights_digest(module) == weights_digest(module)


@pytest.mark.parametrize("seed", [-1, 2**63, True, 1.0, "1"])
def test_what_is_no_seed_is_refused(seed: int) -> None:
    with pytest.raises(UsageError, match="is not a seed"):
        seed_everything(seed)
