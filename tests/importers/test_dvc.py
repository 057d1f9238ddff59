"""DVC: the lock is what ran, digests are what was read, and an experiment is a commit on another one."""

import hashlib
import json
import os
import shutil
import subprocess
import textwrap

import pytest

from runaudit.diff import compare
from runaudit.diff.result import Verdict
from runaudit.factors.cohort import cohorts
from runaudit.importers.pipeline import command_of
from runaudit.settings import Settings
from tests.importers.reading import runs_in

MAIN = "print('train')\n"
PIPELINE = """\
stages:
  prep:
    cmd: cp raw.csv prep.csv
  train:
    cmd: python src/train.py
    metrics:
    - metrics.json:
        cache: false
plots:
- dvclive/plots/metrics:
    x: step
"""


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def lock(*, seed=3, lr=0.1, main=MAIN, metrics='{"acc": 0.5}', prepared="p", cmd="python src/train.py"):
    return textwrap.dedent(f"""\
        schema: '2.0'
        stages:
          prep:
            cmd: cp raw.csv prep.csv
            deps:
            - path: raw.csv
              md5: {md5("raw")}
            outs:
            - path: prep.csv
              md5: {md5("p")}
          train:
            cmd: {cmd}
            deps:
            - path: prep.csv
              md5: {md5(prepared)}
            - path: src/train.py
              md5: {md5(main)}
            params:
              params.yaml:
                seed: {seed}
                train.lr: {lr}
            outs:
            - path: metrics.json
              md5: {md5(metrics)}
        """)


def lay(base, *, main=MAIN, seed=3, lr=0.1, metrics='{"acc": 0.5}', params=None, **more):
    texts = {
        "dvc.yaml": PIPELINE,
        "dvc.lock": lock(seed=seed, lr=lr, main=main, metrics=metrics, **more),
        "params.yaml": params or f"seed: {seed}\ntrain: {{lr: {lr}}}\n",
        "metrics.json": metrics,
        "src/train.py": main,
        "dvclive/metrics.json": '{"train": {"loss": 0.2}, "step": 1}',
        "dvclive/plots/metrics/train/loss.tsv": "step\ttrain/loss\n0\t0.4\n1\t0.2\n",
    }
    for name, text in texts.items():
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_text(text)
    return base


def only(path):
    runs, skipped = runs_in(path, "dvc")
    assert not skipped
    (one,) = runs
    return one.run


def test_the_lock_says_what_ran(tmp_path):
    run = only(lay(tmp_path))

    assert run.manifest.section("config")["train"] == {"lr": 0.1}
    assert run.manifest.body["seed"] == 3
    assert run.manifest.section("data")["raw.csv"]["digest"] == f"md5:{md5('raw')}"
    assert list(run.manifest.section("data")) == ["raw.csv"], "what another stage made is no input"
    code = run.manifest.section("code")
    assert code["sources"] == {"src/train.py": f"md5:{md5(MAIN)}"}
    assert code["stages"] == {"prep": "cp", "train": "src/train.py"}
    assert "code.commit" in run.manifest.section("unknown")
    assert run.metrics == {"acc": 0.5, "train/loss": 0.2}
    assert run.trajectory.series["train/loss"] == ((0, 0.4), (1, 0.2))
    assert run.status == "completed"


def test_where_the_settings_were_edited_since_the_lock_has_the_word_and_it_is_told(tmp_path):
    run = only(lay(tmp_path, params="seed: 3\ntrain: {lr: 0.9}\nmodel: big\n"))

    assert run.manifest.section("config")["train"] == {"lr": 0.1}
    assert "train.lr is 0.9, was 0.1" in run.manifest.section("origin")["note"]
    assert run.manifest.section("origin")["params_not_tracked"] == ("model",)


def test_a_metrics_file_that_is_not_what_the_run_made_is_left_out(tmp_path):
    base = lay(tmp_path)
    (base / "metrics.json").write_text('{"acc": 0.99}')

    run = only(base)

    assert "acc" not in run.metrics
    assert "metrics.json is not what the run made" in run.manifest.section("origin")["note"]


def test_a_pipeline_that_broke_off_between_two_stages_has_no_known_end(tmp_path):
    run = only(lay(tmp_path, prepared="an older p"))

    assert run.outcome is None
    assert "train ran on another prep.csv" in run.manifest.section("origin")["note"]


@pytest.mark.parametrize(
    ("change", "factor"),
    [
        ({"main": "print('test')\n"}, "code.sources['src/train.py']"),
        ({"cmd": "python src/other.py"}, "code.stages.train"),
        ({"lr": 0.2}, "config.train.lr"),
    ],
)
def test_a_change_of_code_command_or_setting_is_one_factor(tmp_path, change, factor):
    a, b = only(lay(tmp_path / "a")), only(lay(tmp_path / "b", **change))

    found = compare(a, b, settings=Settings())

    assert [row.factor for row in found.factors] == [factor]
    assert found.conditional is Verdict.SINGLE_FACTOR


def test_a_folder_of_sources_is_code_and_one_of_data_is_data(tmp_path):
    base = lay(tmp_path)
    (base / "images").mkdir()
    (base / "images" / "a.png").write_bytes(b"x")
    before = "    - path: src/train.py"
    rows = "".join(f"    - path: {name}\n      md5: {'a' * 32}.dir\n" for name in ("src", "images"))
    (base / "dvc.lock").write_text((base / "dvc.lock").read_text().replace(before, rows + before))

    run = only(base)

    assert set(run.manifest.section("data")) == {"raw.csv", "images"}
    assert set(run.manifest.section("code")["sources"]) == {"src", "src/train.py"}


# ── experiments ──────────────────────────────────────────────────────────────────────────────────────────────────


def git(base, *words):
    who = ("-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", str(base), *who, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path):
    """A repository with one commit, to which experiments are added as DVC keeps them."""
    base = tmp_path / "repo"
    base.mkdir()
    git(base, "init", "-q")
    lay(base)
    git(base, "add", "-A")
    git(base, "commit", "-qm", "base")
    head = git(base, "rev-parse", "HEAD")

    def experiment(name, **change):
        lay(base, **change)
        git(base, "add", "-A")
        made = git(base, "commit-tree", "-p", head, "-m", f"dvc: commit experiment {name}", git(base, "write-tree"))
        git(base, "update-ref", f"refs/exps/{head[:2]}/{head[2:]}/{name}", made)
        git(base, "reset", "-q", "--hard", head)
        return made

    return base, head, experiment


def test_each_experiment_is_a_run_on_its_base(repository):
    base, head, experiment = repository
    made = experiment("fast", lr=0.2, metrics='{"acc": 0.7}')
    git(base, "update-ref", "refs/exps/exec/EXEC_HEAD", head)
    git(base, "pack-refs", "--all")

    runs, skipped = runs_in(base, "dvc")
    found = {one.run.label: one.run for one in runs}

    assert not skipped
    assert set(found) == {"repo", "fast"}
    fast = found["fast"].manifest
    assert (fast.section("code")["commit"], fast.section("code")["dirty"]) == (head, False)
    assert fast.section("origin")["run"] == made
    assert found["fast"].metrics["acc"] == 0.7


def test_experiments_of_two_seeds_are_replicates_and_changed_code_is_a_factor(repository):
    base, _, experiment = repository
    experiment("one", seed=1)
    experiment("two", seed=2)
    experiment("code", seed=2, main="print('test')\n")
    found = {one.run.label: one.run for one in runs_in(base, "dvc")[0]}

    assert compare(found["one"], found["two"], settings=Settings()).conditional is Verdict.REPLICATE
    changed = compare(found["two"], found["code"], settings=Settings())
    assert len(changed.factors) == 1
    assert changed.conditional is Verdict.SINGLE_FACTOR
    # The work tree is of no known commit: that is a gap, and no change.
    assert [row.factor for row in compare(found["two"], found["repo"], settings=Settings()).factors] == ["seed"]


def test_an_experiment_that_lies_in_the_work_tree_as_well_is_one_run(repository):
    base, _, experiment = repository
    experiment("fast", lr=0.2)
    lay(base, lr=0.2)

    runs, skipped = runs_in(base, "dvc")

    assert [one.run.label for one in runs] == ["fast"]
    assert "that of the experiment fast" in skipped[0].reason


def test_a_work_tree_that_is_damaged_costs_no_experiment(repository):
    base, _, experiment = repository
    experiment("fast", lr=0.2)
    (base / "dvc.lock").write_text("{")

    runs, skipped = runs_in(base, "dvc")

    assert [one.run.label for one in runs] == ["fast"]
    assert [one.broken for one in skipped] == [True]


def test_no_program_that_a_repository_names_is_started(repository, tmp_path):
    base, _, experiment = repository
    experiment("fast", lr=0.2)
    proof = tmp_path / "proof"
    for name in ("core.fsmonitor", "core.sshCommand", "diff.external", "diff.x.textconv", "core.pager"):
        git(base, "config", name, f"touch {proof}")
    (base / ".git" / "info" / "attributes").write_text("* diff=x\n")

    runs, _ = runs_in(base, "dvc")

    assert {one.run.label for one in runs} == {"repo", "fast"}
    assert not proof.exists()


@pytest.mark.parametrize("part", [".git", ".git/objects", ".git/refs", "alternates"])
def test_a_repository_that_lies_elsewhere_is_not_followed(repository, tmp_path, part):
    base, _, experiment = repository
    experiment("fast", lr=0.2)
    if part == "alternates":
        (base / ".git" / "objects" / "info" / "alternates").write_text(str(tmp_path))
    else:
        shutil.move(base / part, tmp_path / "elsewhere")
        os.symlink(tmp_path / "elsewhere", base / part)

    runs, _ = runs_in(base, "dvc")

    assert [one.run.label for one in runs] == ["repo"]


# ── DVCLive, commands, what is none of it ────────────────────────────────────────────────────────────────────────


def test_a_folder_of_dvclive_alone_is_a_run(tmp_path):
    base = lay(tmp_path / "job")
    (base / "dvclive" / "params.yaml").write_text("lr: 0.3\nseed: 4\n")
    shutil.move(base / "dvclive", tmp_path / "dvclive")
    shutil.rmtree(base)

    run = only(tmp_path)

    assert (run.manifest.section("config")["lr"], run.manifest.body["seed"]) == (0.3, 4)
    assert run.metrics == {"train/loss": 0.2}
    assert run.outcome is None


@pytest.mark.parametrize(
    ("cmd", "program", "argv"),
    [
        ("python -u src/train.py --lr 0.1", "src/train.py", ["--lr", "0.1"]),
        ("python3.11 -m pkg.train x", "-m pkg.train", ["x"]),
        ("./run.sh a", "./run.sh", ["a"]),
        ("A=1 python t.py", "A=1 python t.py", []),
        ("python t.py > log", "t.py", []),
        ("python t.py 1 > a.txt 2>&1", "t.py", ["1"]),
        ("python t.py | tee -a log", "t.py", []),
        ("python t.py < log", "python t.py < log", []),
        ('python t.py --if "a > b"', 'python t.py --if "a > b"', []),
        (["python a.py", "python b.py"], "python a.py && python b.py", []),
        ("python 'unclosed", "python 'unclosed", []),
        (None, None, []),
    ],
)
def test_a_command_is_a_program_and_its_words(cmd, program, argv):
    found = command_of(cmd)

    assert (found.program, list(found.argv)) == (program, argv)


@pytest.mark.parametrize("text", ["", "[]", "{", "stages: 3", "a: &a [*a]", "stages: {train: 3}", "\0"])
def test_a_lock_of_something_else_ends_in_one_line(tmp_path, text):
    lay(tmp_path / "good")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "dvc.lock").write_text(text)

    runs, skipped = runs_in(tmp_path, "dvc")

    assert [one.run.label for one in runs] == ["good"]
    assert len(skipped) == 1 and "\n" not in skipped[0].reason


def test_no_path_of_a_pipeline_leads_out_of_the_folder(tmp_path):
    (tmp_path / "secret.json").write_text('{"key": 1}')
    base = lay(tmp_path / "repo")
    (base / "dvc.yaml").write_text("metrics: [../secret.json, /etc/passwd.json]\n")

    assert "key" not in only(base).metrics


def folder_digest(files):
    rows = [{"md5": md5(text), "relpath": name} for name, text in sorted(files.items())]
    return f"{hashlib.md5(json.dumps(rows, sort_keys=True).encode()).hexdigest()}.dir"


def with_sources(base, files, *, hashed=None):
    """A pipeline of one stage that depends on a folder of sources. hashed: what lay in it when DVC hashed it."""
    for name, text in files.items():
        place = base / "src" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    stage = {"cmd": "python src/train.py", "deps": [{"path": "src", "md5": folder_digest(hashed or files)}],
             "params": {"params.yaml": {"lr": 0.1}}}  # fmt: skip
    (base / "dvc.lock").write_text(json.dumps({"schema": "2.0", "stages": {"train": stage}}))
    ((found,), _) = runs_in(base, "dvc")
    return found.run


BYTECODE = "__pycache__/util.cpython-310.pyc"


@pytest.mark.parametrize(
    ("a", "b", "factors"),
    [
        ({BYTECODE: "1"}, {BYTECODE: "2"}, []),
        ({BYTECODE: "1"}, {}, []),
        ({"util.pyc": "1"}, {"util.pyc": "2"}, ["code.sources.src"]),
        ({BYTECODE: "1", "util.py": "x = 1"}, {BYTECODE: "2", "util.py": "x = 2"}, ["code.sources.src"]),
    ],
)
def test_what_python_compiled_of_the_sources_is_no_source(tmp_path, a, b, factors):
    main = {"train.py": MAIN}
    runs = [with_sources(tmp_path / name, {**main, **files}) for name, files in (("a", a), ("b", b))]

    assert [one.factor for one in compare(*runs, settings=Settings()).factors] == factors
    assert len(cohorts(runs)) == (2 if factors else 1)


def test_a_folder_that_is_not_the_one_that_was_hashed_tells_nothing(tmp_path):
    main = {"train.py": MAIN}
    runs = [with_sources(tmp_path / str(n), {**main, BYTECODE: "later"}, hashed={**main, BYTECODE: str(n)})
            for n in range(2)]  # fmt: skip

    assert [one.factor for one in compare(*runs, settings=Settings()).factors] == ["code.sources.src"]
