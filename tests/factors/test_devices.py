"""Where a run computed, and which of its ranks tells of it, is no choice; how many there were is one."""

import pytest

from runaudit.diff import Verdict, compare
from runaudit.settings import Settings
from tests.diff.samples import both, put, put_config, run


def verdict(a, b, *more):
    def made(side):
        return run(both(*(put_config(path, value) for path, value in side.items()), *more))

    found = compare(made(a), made(b), settings=Settings())
    return found.verdict, [factor.factor for factor in found.factors]


@pytest.mark.parametrize(("a", "b"), [
    ({"gpu_ids": [0]}, {"gpu_ids": [1]}), ({"gpu_ids": "0,1"}, {"gpu_ids": "2, 3"}), ({"gpu_id": 0}, {"gpu_id": 3}),
    ({"trainer/devices": [0, 1]}, {"trainer/devices": [2, 3]}), ({"local_rank": 0}, {"local_rank": 1}),
    ({"args/local-rank": "0"}, {"args/local-rank": "1"}),
])  # fmt: skip
def test_which_of_several_equal_devices_or_ranks_it_was_is_no_factor(a, b):
    assert verdict(a, b) == (Verdict.IDENTICAL, [])


@pytest.mark.parametrize(("a", "b"), [
    ({"gpu_ids": [0]}, {"gpu_ids": [0, 1]}), ({"gpu_ids": [0]}, {"gpu_ids": []}), ({"gpu_id": 0}, {"gpu_id": -1}),
    ({"gpus": "1"}, {"gpus": "2"}), ({"devices": 1}, {"devices": 2}), ({"devices": "auto"}, {"devices": 1}),
    ({"local_rank": -1}, {"local_rank": 0}), ({"rank": 4}, {"rank": 8}),
])  # fmt: skip
def test_how_many_there_were_and_what_may_be_a_number_of_another_kind_is_a_factor(a, b):
    (key,) = a
    assert verdict(a, b) == (Verdict.SINGLE_FACTOR, [f"config.{key}"])


def test_on_devices_of_two_kinds_which_one_it_was_is_a_factor():
    mixed = put("env/gpu", ["A100", "T4"])

    assert verdict({"gpu_ids": [0]}, {"gpu_ids": [1]}, mixed)[0] is Verdict.SINGLE_FACTOR


def test_more_devices_with_less_on_each_are_one_batch_where_their_number_is_known():
    one, other = {"batch_size": 8, "devices": 4}, {"batch_size": 16, "devices": 2}

    assert verdict(one, other) == (Verdict.SINGLE_FACTOR, ["config.effective_batch_decomposition"])
    assert verdict(one | {"devices": "auto"}, other)[0] is Verdict.CONFOUNDED


@pytest.mark.parametrize(("table", "a", "b", "is_own"), [
    ("logger", 0, 1, True), ("logger", "version_0", "version_1", True), ("logger", 4, 5, False), ("model", 0, 1, False),
    ("trainer/logger/init_args", 0, 1, True),
])  # fmt: skip
def test_the_number_of_a_loggers_folder_is_no_setting_where_the_run_lies_in_it(table, a, b, is_own):
    own = [put("origin", {"kind": "lightning", "run": f"logs/version_{at}"}) for at in (0, 1)]
    runs = [run(both(put_config(f"{table}/version", value), told)) for value, told in zip((a, b), own, strict=True)]

    found = compare(*runs, settings=Settings())

    assert [factor.factor for factor in found.factors] == (
        [] if is_own else [f"config.{table.replace('/', '.')}.version"]
    )
