"""Where jobs run is a choice among what is there; each GPU belongs to one job at a time."""

import json
import subprocess
import sys
import threading
from importlib.util import find_spec
from pathlib import Path

import pytest

from runaudit.campaign.executors import Local, executor_of
from runaudit.campaign.job import Told
from runaudit.capture import environment
from runaudit.errors import UsageError

TWO = (("GPU-aa", "H200"), ("GPU-bb", "H200"))


def test_no_device_is_given_to_two_jobs_at_once(monkeypatch):
    at_once, seen, lock = set(), [], threading.Lock()
    both = threading.Barrier(2)

    def carry_out(order, more):
        word = more["CUDA_VISIBLE_DEVICES"]
        with lock:
            assert word not in at_once
            at_once.add(word)
            seen.append(word)
        both.wait(60)
        with lock:
            at_once.remove(word)
        return Told()

    monkeypatch.setattr("runaudit.campaign.executors.carry_out", carry_out)
    local = Local.of(2, TWO)
    threads = [threading.Thread(target=local.run, args=(None,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == ["GPU-aa"] * 3 + ["GPU-bb"] * 3
    assert local.at_once == 2 and dict(local.environ) == {"CUDA_VISIBLE_DEVICES": "GPU-aa"}


def test_gpus_of_two_models_are_no_places_for_the_seeds_of_one_arm():
    with pytest.raises(UsageError, match=r"of several models \(A100 and H200\)"):
        Local.of(2, (*TWO, ("GPU-cc", "A100")))
    assert Local.of(1, (*TWO, ("GPU-cc", "A100"))).environ == {}


@pytest.mark.parametrize(
    ("setting", "found"),
    [
        (None, (("GPU-aa", "H200"), ("GPU-bb", "A100"))),
        ("1", (("1", "A100"),)),
        ("1,0", (("1", "A100"), ("0", "H200"))),
        ("GPU-aa", (("GPU-aa", "H200"),)),
        ("0,7", (("0", "H200"),)),
        ("", ()),
        ("-1", ()),
    ],
)
def test_the_devices_are_those_that_the_variable_leaves(monkeypatch, setting, found):
    rows = [["0", "H200", "570", "GPU-aa"], ["1", "A100", "570", "GPU-bb"]]
    monkeypatch.setattr(environment, "_has_nvidia", lambda: True)
    monkeypatch.setattr(environment, "_smi", lambda: rows)
    assert environment.devices({} if setting is None else {"CUDA_VISIBLE_DEVICES": setting}) == found


def test_an_executor_that_there_is_not_is_refused(tmp_path):
    with pytest.raises(UsageError, match="closest: 'local'"):
        executor_of("locla", jobs=1, options={}, folder=tmp_path)


@pytest.mark.parametrize("name", ["ray", "submitit"])
def test_an_executor_that_is_not_installed_says_how_it_is(tmp_path, monkeypatch, name):
    monkeypatch.setattr("runaudit.campaign.executors.find_spec", lambda word: None)
    with pytest.raises(UsageError) as refused:
        executor_of(name, jobs=1, options={}, folder=tmp_path)
    assert f"pip install 'runaudit[{name}]'" in str(refused.value)


@pytest.mark.parametrize("name", ["ray", "submitit"])
def test_a_campaign_runs_on_a_cluster_as_it_does_here(repo, written, name):
    if find_spec(name) is None:
        pytest.skip(f"{name} is not installed: pip install 'runaudit[{name}]'")
    options = {"ray": "[ray]\nnum_cpus = 2\n", "submitit": '[submitit]\ncluster = "local"\ntimeout_min = 5\n'}
    # In a process of its own: a cluster's threads outlive the call, and the tests that come after see them.
    done = subprocess.run(
        [sys.executable, "-m", "runaudit", "campaign", written(seeds="0", more=options[name]), "--jobs", "2",
         "--executor", name, "--json"],
        cwd=repo, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["verdict"] == "completed" and told["next"].endswith("'fast rate' --vs 'slow rate'")
    judged = subprocess.run([sys.executable, "-m", "runaudit", "diff", "slow rate", "fast rate", "--json"],
                            cwd=repo, capture_output=True, text=True, check=False)  # fmt: skip
    assert [row["factor"] for row in json.loads(judged.stdout)["factors"]] == ["config.args.lr"]
    assert [path.suffix for path in Path(repo, ".runaudit", "cache").glob("campaign-*")] == [".lock"]
