"""Several processes train one network: the same steps as one process, the same end for all, one that speaks."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from runaudit.errors import ConfigError, IntegrityError, UsageError
from tests.trainer.processes import together
from trainer import checkpoint as checkpoints
from trainer.config import TrainConfig, settled
from trainer.configfile import build
from trainer.context import RunContext
from trainer.loop import run_stages
from trainer.models.normalisation import SharedBatchNorm, share_statistics
from trainer.ranks import ALONE, AnotherRankError, Ranks, joined, size_of
from trainer.stages import plan, weights_digest

Make = Callable[..., Any]
GIVEN_UP = 100


def context(make: Make, config: TrainConfig, ranks: Ranks, **changes: Any) -> RunContext:
    work: RunContext = make(config, ranks=ranks, **changes)
    if ranks.size > 1:
        share_statistics(work.model, total=ranks.total, ranks=ranks.size)
    return work


def told(work: RunContext) -> dict[str, Any]:
    """What can be said of a run across processes."""
    names = ("train/loss", "train/grad_norm", "val/l1", "train/bad_batches")
    return {name: work.run.series(name) for name in names} | {"weights": weights_digest(work.model)}  # type: ignore[attr-defined]


def trained(make: Make, config: TrainConfig, ranks: Ranks, **changes: Any) -> dict[str, Any]:
    work = context(make, config, ranks, **changes)
    run_stages(work, plan(config))
    return told(work)


@pytest.mark.parametrize(("kind", "tolerance"), [("flow", 1e-5), ("tern", 1e-2)])
def test_two_ranks_train_as_one_process_of_twice_the_batch(
    tiny_config: Make, run_context: Make, tmp_path: Path, kind: str, tolerance: float
) -> None:
    """TERN normalises by batch: with each rank's own statistics its first step would be another one. Later ones part by
    what Adam makes of gradients that are rounding (a convolution's bias before a normalisation)."""
    shared = tiny_config(model={"alignment": {"kind": kind}}, optim={"accumulate": 2})
    whole = tiny_config(model={"alignment": {"kind": kind}}, optim={"accumulate": 2, "batch": 6})

    first, second = together(tmp_path, lambda ranks: trained(run_context, shared, ranks))
    alone = trained(run_context, whole, ALONE, folder="alone")

    assert first == second
    for name in ("train/loss", "train/grad_norm"):
        assert first[name][1] == pytest.approx(alone[name][1], rel=1e-5)
    for name in ("train/loss", "val/l1"):
        assert first[name] == pytest.approx(alone[name], rel=tolerance)


def test_ranks_resume_to_the_bit_and_a_signal_to_one_of_them_ends_all(
    tiny_config: Make, run_context: Make, tmp_path: Path
) -> None:
    """Signalled in the frozen stage, which has moments of its own to restore."""
    config = tiny_config(model={"alignment": {"kind": "tern"}})

    def halves(ranks: Ranks) -> dict[str, Any]:
        steps = iter(range(1, GIVEN_UP))
        half = context(
            run_context, config, ranks, folder="half",
            stop=lambda: signal.SIGTERM if next(steps) == 6 and ranks.rank == 1 else 0,
        )  # fmt: skip
        status, progress, by, _ = run_stages(half, plan(config))
        assert (status, progress.done, by) == ("killed", 6, signal.SIGTERM)
        rest = context(run_context, config, ranks, folder="half")
        run_stages(rest, plan(config), checkpoints.load(half.folder / "last.safetensors"))
        return told(rest)

    whole, same = together(tmp_path, lambda ranks: trained(run_context, config, ranks, folder="whole"))
    resumed = together(tmp_path, halves)

    assert whole == same
    assert resumed[0]["weights"] == resumed[1]["weights"] == whole["weights"]
    assert resumed[0]["train/loss"] == {s: v for s, v in whole["train/loss"].items() if s > 6}


def test_a_bad_batch_of_one_rank_costs_the_step_for_all(
    tiny_config: Make, run_context: Make, tiny_samples: Make, tmp_path: Path
) -> None:
    config = tiny_config(staging="end_to_end", optim={"batch": 1}, loop={"max_skipped_share": 1.0})
    samples = tiny_samples()
    samples.lr[:2, 0, 0, 0] = float("nan")

    first, second = together(tmp_path, lambda ranks: trained(run_context, config, ranks, samples=samples))

    assert first == second
    assert 0 < max(first["train/bad_batches"].values()) < 6


def test_a_rank_that_dies_ends_the_others_by_one_error(tiny_config: Make, run_context: Make, tmp_path: Path) -> None:
    config = tiny_config()

    def work(ranks: Ranks) -> Any:
        steps = iter(range(1, GIVEN_UP))
        return trained(
            run_context, config, ranks, stop=lambda: os._exit(9) if ranks.rank == 1 and next(steps) == 3 else 0
        )

    survivor, dead = together(tmp_path, work)

    assert dead is None
    assert type(survivor) is AnotherRankError
    assert "another rank ended before its time" in str(survivor)
    assert survivor.exit_code == 1


def test_what_one_rank_refuses_is_refused_by_all_and_said_by_the_first(tmp_path: Path) -> None:
    def refusing(*those: int) -> Callable[[Ranks], None]:
        def work(ranks: Ranks) -> None:
            with ranks.agreed():
                if ranks.rank in those:
                    raise UsageError(f"no disk on {ranks.rank}", remedy="mount it")

        return work

    first, second = together(tmp_path, refusing(1))
    assert [type(first), type(second)] == [AnotherRankError, AnotherRankError]
    assert (str(first), first.exit_code) == ("rank 1: no disk on 1; mount it", UsageError.exit_code)

    first, second = together(tmp_path, refusing(0, 1))
    assert [type(first), type(second)] == [UsageError, AnotherRankError]
    assert together(tmp_path, refusing()) == [None, None]


def test_weights_that_part_between_ranks_are_an_error_and_no_result(tmp_path: Path) -> None:
    first, _ = together(tmp_path, lambda ranks: ranks.require_equal(str(ranks.rank), what="the weights"))

    assert type(first) is IntegrityError
    assert "the weights of rank 1 are not those of rank 0" in str(first)


def test_a_gradient_that_no_loss_reached_stays_absent() -> None:
    used, unused = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    used.grad = torch.ones(2)

    ALONE.average_gradients([used, unused])

    assert unused.grad is None


def test_shared_normalisation_of_one_process_is_that_of_torch() -> None:
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(2, 3, 1), nn.BatchNorm2d(3))
    nn.init.uniform_(plain[1].weight)
    shared = nn.Sequential(nn.Conv2d(2, 3, 1), nn.BatchNorm2d(3))
    shared.load_state_dict(plain.state_dict())
    share_statistics(shared, total=ALONE.total, ranks=1)
    assert type(shared[1]) is SharedBatchNorm

    for _ in range(2):
        x = 3 + torch.randn(4, 2, 5, 5)
        weight = torch.randn(4, 3, 5, 5)
        for net in (plain, shared):
            net.zero_grad()
            (net(x) * weight).sum().backward()
        for one, other in zip(plain.parameters(), shared.parameters(), strict=True):
            torch.testing.assert_close(one.grad, other.grad, atol=1e-4, rtol=1e-4)
    assert list(plain.state_dict()) == list(shared.state_dict())
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(value, shared.state_dict()[name])
    torch.testing.assert_close(plain.eval()(x), shared.eval()(x))


def test_the_launcher_says_how_many_there_are_and_the_config_keeps_it() -> None:
    assert (size_of({}), size_of({"WORLD_SIZE": "4"})) == (1, 4)
    assert settled(TrainConfig(), gpu=False, ranks=4).optim.world_size == 4
    with pytest.raises(ConfigError, match=r"optim\.world_size is 8, but the launcher started 2"):
        settled(build({"optim": {"world_size": 8}}, "test"), gpu=False, ranks=2)
    with pytest.raises(ConfigError, match="MASTER_ADDR is not set"), joined({"WORLD_SIZE": "2", "RANK": "0"}):
        pass
