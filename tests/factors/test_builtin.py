"""What is known by name alone, both ways: what the record confirms is excused, what it does not is a factor."""

import pytest

from runaudit.diff import compare
from runaudit.settings import Settings
from tests.diff.samples import both, drop, put, run

BENCHMARK = put("env/determinism", {"cudnn_benchmark": True})
FOREIGN = put("code", {"commit": "a" * 40, "dirty": False})


def factors(path, before, after, *also):
    sides = [run(both(*also, put(path, value))) for value in (before, after)]
    return [change.factor for change in compare(*sides, settings=Settings()).treatments]


@pytest.mark.parametrize("name", ["LANG", "LC_ALL", "LC_CTYPE"])
@pytest.mark.parametrize(
    ("before", "after", "counts"),
    [("C", "POSIX", False), ("POSIX", "C", False), ("C", "C.UTF-8", True), ("C.UTF-8", "POSIX", True), ("C", "", True)],
)
def test_c_and_posix_are_one_locale_and_no_other_is_it(name, before, after, counts):
    """POSIX.1-2017, 7.2. What an empty variable means depends on the others: it is another choice."""
    found = factors("env/variables", {name: before}, {name: after})

    assert found == ([f"env.variables.{name}"] if counts else [])


@pytest.mark.parametrize(("also", "counts"), [((), False), ((drop("env/gpu"),), True)])
def test_how_a_gpu_is_asked_for_is_no_input_where_it_is_known_which_there_was(also, counts):
    """Lightning sets it while it runs: a record that was sealed before has none."""
    found = factors("env/variables", {}, {"PYTORCH_NVML_BASED_CUDA_CHECK": "1"}, *also)

    assert bool(found) is counts


@pytest.mark.parametrize("name", ["PYTORCH_CUDA_ALLOC_CONF", "CUDA_LAUNCH_BLOCKING"])
@pytest.mark.parametrize(
    ("also", "counts"),
    [
        ((), False),  # the record says that cuDNN tried no kernels
        ((BENCHMARK,), True),
        ((drop("env/determinism"),), True),
        ((BENCHMARK, put("env/gpu", None)), False),  # there was no GPU
    ],
)
def test_how_memory_is_cut_matters_where_kernels_are_chosen_by_it(name, also, counts):
    found = factors("env/variables", {name: "1"}, {name: "2"}, *also)

    assert found == ([f"env.variables.{name}"] if counts else [])


@pytest.mark.parametrize(
    ("path", "before", "after", "counts"),
    [
        ("code/branch", "main", "side", False),
        ("code/remote", "git@a:x", "git@b:x", False),
        ("code/untracked", [], ["extra.py"], True),
        ("code/omitted", [], ["big.py"], True),
    ],
)
def test_a_place_of_the_code_is_excused_and_a_file_that_nobody_kept_is_not(path, before, after, counts):
    assert factors(path, before, after, FOREIGN) == ([path.replace("/", ".")] if counts else [])


@pytest.mark.parametrize(
    ("path", "before", "after", "counts"),
    [
        ("config/hostname", "ada", "bob", False),
        ("config/run", {"pid": 1}, {"pid": 2}, False),
        ("config/slurm_job_id", "811", "812", False),
        ("config/slurm_array_task_id", 1, 2, True),
        ("config/model/hostname", "ada", "bob", True),
        ("config/output_dir", "o/1", "o/2", False),
        ("config/output_dir", "/data", "/other", True),  # the data of the record lies there
        ("config/model/output_dir", "o/1", "o/2", True),
        ("config/wandb_project", "a", "b", False),
        ("config/model/wandb_project", "a", "b", True),
        ("config/run_name", "a", "b", True),  # neither is what the record calls the run
        ("config/timestamp", "2020", "2021", True),
        ("env/hostname", "ada", "bob", False),
        ("env/variables", {"OMP_NUM_THREADS": "1"}, {"OMP_NUM_THREADS": "2"}, False),  # on the GPU
    ],
)
def test_a_name_excuses_only_where_it_can_say_nothing_else(path, before, after, counts):
    assert bool(factors(path, before, after)) == counts
