"""A stranger's program, two runs of it that differ in several things, and hybrids that are really run."""

import json
import sys

import runaudit
from runaudit.store import Store
from runaudit.store.catalogue import load, run_ids
from runaudit.untangle.moves import seed_in_file
from runaudit.untangle.plan import Plan
from runaudit.untangle.told import answers_on

ASK = ("untangle", "the old way", "the new way", "--metric", "val/acc", "--direction", "higher")


def test_a_plan_names_each_factor_with_how_it_is_moved_and_runs_nothing(repo, trained, cli, monkeypatch, capfd):
    trained("the old way", 1, lr="0.1")
    (repo / "loss.py").write_text("def gain():\n    return 1.0 + 0.0\n")
    monkeypatch.setenv("BOOST", "0")
    trained("the new way", 1, lr="0.3", data="data/v2")
    before = run_ids(Store.open(repo / ".runaudit"))
    monkeypatch.delenv("BOOST")
    capfd.readouterr()

    assert cli(*ASK, "--dry-run", "--json") == 0

    answer = json.loads(capfd.readouterr().out)
    assert answer["verdict"] == "planned" and answer["runs"] == []
    assert {one["factor"]: one["how"] for one in answer["plan"]["factors"]} == {
        "config.args.lr": "the command says --lr 0.3",
        "code.loss.py": "loss.py as B sealed it",
        "data.train": "the command says --data data/v2",
        "env.variables.BOOST": "BOOST=0",
    }
    assert answer["plan"]["immovable"] == []
    assert run_ids(Store.open(repo / ".runaudit")) == before
    # The two ends and six mixes of a half of the sixteen.
    assert len(answer["plan"]["cells"]) == 8


def test_files_that_do_not_import_without_each_other_are_one_unit_and_the_mix_that_runs_is_known(
    repo, trained, cli, capfd
):
    trained("the old way", 1, lr="0.1")
    (repo / "loss.py").write_text("def gain():\n    return 1.0\n\ndef focal():\n    return 0.0\n")
    (repo / "train.py").write_text((repo / "train.py").read_text().replace("import gain", "import focal, gain"))
    trained("the new way", 1, lr="0.3")
    capfd.readouterr()

    assert cli(*ASK, "--dry-run", "--json") == 0

    units = json.loads(capfd.readouterr().out)["plan"]["units"]
    (pair,) = [unit for unit in units if len(unit["factors"]) == 2]
    assert set(pair["factors"]) == {"code.loss.py", "code.train.py"}
    assert "code.train.py at B's level does not import alone (ImportError: loss has no focal)" in pair["why"]


def test_the_factor_that_moved_the_metric_is_named_and_no_run_is_run_twice(repo, trained, cli, capfd, monkeypatch):
    # The order of the cells follows from the plan's id, and that from the time of the runs: another seed would fall to
    # each cell each time, and an interval of 95 % misses once in twenty.
    monkeypatch.setattr(Plan, "id", f"sha256:{'1' * 64}")
    trained("the old way", 1, 2, 3, lr="0.1")
    (repo / "loss.py").write_text("def gain():\n    return 2.0 / 2.0\n")
    trained("the new way", 1, 2, 3, lr="0.3")
    capfd.readouterr()

    assert cli(*ASK, "--budget", "40", "--json") == 0

    answer = json.loads(capfd.readouterr().out)
    assert (answer["verdict"], answer["culprits"], answer["unresolved"]) == ("attributed", ["config.args.lr"], [])
    effects = {one["factor"]: one for one in answer["effects"]}
    assert effects["config.args.lr"]["ci"][0] <= 2.0 <= effects["config.args.lr"]["ci"][1]
    assert effects["code.loss.py"]["ci"][0] <= 0.0 <= effects["code.loss.py"]["ci"][1]
    # Every cell of the two factors was run, so that the shares are no estimate.
    assert all(one["share_is_exact"] for one in answer["effects"])
    store = Store.open(repo / ".runaudit")
    runs = [load(store, run_id) for run_id in answer["runs"]]
    marks = [run.manifest.section("origin")["untangle"] for run in runs]
    assert {mark["id"] for mark in marks} == {answer["plan"]["id"]}
    seeds = [run.manifest.seed for run in runs]
    assert len(set(seeds)) == len(seeds) and not {1, 2, 3} & set(seeds)
    assert not list(repo.glob("run-*"))
    # What was run to answer the question is no draw that the user launched: the arm is what it was, under its name.
    assert (runaudit.open_store().cohort("the old way").n, runaudit.open_store().cohort("the new way").n) == (3, 3)
    assert {group.label for group in runaudit.open_store().cohorts() if group.n > 3} == {"the old way", "the new way"}
    count = len(run_ids(store))
    capfd.readouterr()
    assert cli("list") == 0
    made = len(answer["ends"]["a"])
    assert f"(n = {made + 3}); {made} of them made by untangle" in " ".join(capfd.readouterr().out.split())

    # The page tells it from the sealed runs alone, and so does the Markdown of a pull request.
    assert cli("report", "the old way", "the new way", *ASK[3:], "-o", "page.html") == 0
    page = (repo / "page.html").read_text()
    assert "Which change did it" in page and "config.args.lr moved val/acc." in page
    assert "The effects</a>" in page and "A claim would need" not in page
    # No line of the page says that nobody can tell what the section tells.
    assert "; their effects cannot be told apart" not in page and "hybrids of them did" in page
    assert "hybrids of the two told which did it" in page and "of these runs alone is confounded" in page
    capfd.readouterr()
    assert cli("report", "the new way", "the old way", *ASK[3:], "--format", "md", "-o", "other.html") == 0
    assert "**B to A, which change did it**: attributed: config.args.lr moved val/acc." in capfd.readouterr().out
    bench = runaudit.open_store()
    arms = [[run.id for run in bench.cohort(word).runs if run.label == word] for word in ASK[1:3]]
    (told,) = answers_on(bench, arms)
    assert told.to_json()["effects"] == answer["effects"] and told.to_json()["reason"] == answer["reason"]

    assert cli(*ASK, "--budget", "40", "--json") == 0
    assert json.loads(capfd.readouterr().out)["runs"] == answer["runs"]
    assert len(run_ids(Store.open(repo / ".runaudit"))) == count


def test_what_cannot_be_asked_is_said_in_one_line(repo, trained, cli, capfd):
    trained("the old way", 1, lr="0.1")
    trained("the new way", 1, lr="0.3")
    capfd.readouterr()
    for words, code, said in (
        (("untangle", "the old way", "--metric", "val/acc"), 2, "takes two runs or cohorts, 1 given"),
        (ASK[:3], 2, "no metric is named"),
        (ASK[:5], 2, "only config.args.lr can be moved"),
        ((*ASK, "--budget", "many"), 2, "'many' is no budget"),
    ):
        found = cli(*words)
        told = capfd.readouterr().err
        assert said in told and told.count("\n") == 1, (words, told)
        assert found in {code, 3}


def test_a_seed_and_a_dataset_are_moved_in_the_config_file_that_names_them_and_what_is_written_elsewhere_is_told_first(
    repo, cli, capfd, tmp_path
):
    (repo / "train.py").write_text(
        "import pathlib, random\nimport runaudit, yaml\nfrom loss import gain\nc = yaml.safe_load(open('conf.yaml'))\n"
        f"pathlib.Path({str(tmp_path / 'elsewhere.txt')!r}).write_text('x')\n"
        "draw = random.Random(c['run']['seed']).gauss(0, 0.01)\n"
        "runaudit.log(1, {'val/acc': c['lr'] + gain() + float(open(c['root']).read()) + draw})\n"
    )
    ends = (("the old way", 0.1, 5, "data/v1"), ("the new way", 0.3, 6, "data/v2"))
    for label, lr, seed, data in ends:
        (repo / "conf.yaml").write_text(f"lr: {lr}\nroot: {data}\nrun: {{seed: {seed}, name: 5}}\n")
        words = [x for code in ("RA103", "RA104") for x in ("--waive", f"{code}=sealed")]
        words += ["--label", label, "--seed", str(seed), "--config", "conf.yaml", "--data", f"train={data}"]
        assert cli("run", *words, "--", sys.executable, "train.py") == 0
        (repo / "loss.py").write_text("def gain():\n    return 1.5\n")
    capfd.readouterr()

    assert cli(*ASK, "--dry-run") == 0

    told = capfd.readouterr().out
    assert "config.lr: conf.yaml says lr: 0.3" in told and "loss.py as B sealed it" in told
    assert "data.train: conf.yaml says root: data/v2" in told
    assert f"note: the program writes {tmp_path / 'elsewhere.txt'} by a path of its own" in told
    run = runaudit.open_store().run("the old way")
    (repo / "conf.yaml").write_text("lr: 0.1\nroot: data/v1\nrun: {seed: 5, name: 5}\n")
    assert seed_in_file(run, repo, 7).leaf == ("conf.yaml", ((("run", "seed"), 7),))
