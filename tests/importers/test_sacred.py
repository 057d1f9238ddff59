"""Folders of Sacred's FileStorageObserver: what was imported is code, and nothing that a value names is made."""

import hashlib
import json
import os
import shutil
from itertools import combinations
from pathlib import Path

import pytest

from runaudit.diff import compare
from runaudit.diff.result import Verdict
from runaudit.errors import RecordError
from runaudit.factors.cohort import cohorts
from runaudit.factors.gaps import gaps
from runaudit.factors.levels import levels
from runaudit.judge.many import compared_by
from runaudit.settings import FactorSettings, Settings
from runaudit.study.answer import answer, judged
from runaudit.study.study import study
from runaudit.study.text import text_lines
from tests.importers.reading import real_runs, runs_in

MAIN = "print('train')\n"


@pytest.fixture
def observer(tmp_path):
    """Writes runs as FileStorageObserver does, below one folder."""

    def make(name="1", *, config=None, sources=None, kept=True, metrics=None, **entry):
        base = tmp_path / "runs"
        texts = {"main.py": MAIN} if sources is None else sources
        rows = []
        (base / name).mkdir(parents=True)
        (base / "_sources").mkdir(exist_ok=True)
        for path, text in texts.items():
            stem, suffix = os.path.splitext(os.path.basename(path))
            stored = f"_sources/{stem}_{hashlib.md5(text.encode()).hexdigest()}{suffix}"
            rows.append([path, stored])
            if kept:
                (base / stored).write_text(text)
        experiment = {"name": "toy", "base_dir": "/w", "mainfile": "main.py", "sources": rows, "repositories": [],
                      "dependencies": ["numpy==1.26.0", "sacred==0.8.7"]}  # fmt: skip
        found = {
            "command": "main", "status": "COMPLETED", "start_time": "2026-01-31T12:00:00.500000",
            "stop_time": "2026-01-31T12:00:10.500000", "heartbeat": "2026-01-31T12:00:10", "resources": [],
            "host": {"hostname": "ada", "os": ["Linux", "Linux-6.8"], "python_version": "3.11.7", "ENV": {}},
            "meta": {"options": {"UPDATE": ["lr=0.1"], "--debug": True, "with": True}},
        }  # fmt: skip
        found |= entry
        found["experiment"] = experiment | entry.get("experiment", {})
        (base / name / "run.json").write_text(json.dumps(found))
        (base / name / "config.json").write_text(json.dumps({"lr": 0.1, "seed": 7} if config is None else config))
        (base / name / "metrics.json").write_text(json.dumps(metrics or {}))
        return base / name

    return make


def only(path):
    runs, skipped = runs_in(path, "sacred")
    assert not skipped
    (one,) = runs
    return one.run


def test_a_run_says_its_seed_its_command_and_its_sources(observer):
    logged = {"loss": {"steps": [0, 10], "values": [0.5, float("nan")], "timestamps": ["t", "t"]}}
    run = only(observer(metrics=logged, result={"score": 0.4}).parent)

    code = run.manifest.section("code")
    assert run.manifest.body["seed"] == 7
    assert run.manifest.section("config")["args"] == {"positional": {"1": "main"}}
    assert code["program"] == "main.py"
    assert run.blobs[code["files"]["main.py"]["digest"]] == MAIN.encode()
    assert run.status == "completed"
    assert run.outcome.body["duration_s"] == 10
    assert run.trajectory.series["loss"][0] == (0, 0.5)
    assert run.metrics["result.score"] == 0.4
    assert run.manifest.section("origin")["settings"] == {"--debug": True}


def with_info(place, **info):
    (place / "info.json").write_text(json.dumps(info))
    return only(place)


@pytest.mark.parametrize("more", [(), (32000,)], ids=["as long", "one ahead, as where it was killed between the two"])
def test_the_clock_of_a_list_gives_its_steps_and_is_no_measure(observer, more):
    tensor = {"py/reduce": [{"py/function": "torch._utils._rebuild_tensor_v2"}]}
    clock = [200, {"py/object": "numpy.int64", "value": 10200}, 10200, *more]
    run = with_info(
        observer(), loss=[3.0, 2.0, 1.0], loss_T=clock, norm=[tensor, tensor], norm_T=[200, 400], plain=[5.0]
    )

    assert dict(run.trajectory.series) == {
        "info.loss": ((200, 3.0), (10200, 2.0), (10200, 1.0)), "info.plain": ((0, 5.0),),
    }  # fmt: skip
    assert not [name for name in run.metrics if name.endswith("_T")]


def test_a_clock_among_the_metrics_of_sacred_is_one_too(observer):
    logged = {"loss": {"steps": [0, 1], "values": [0.5, 0.25]}, "loss_T": {"steps": [0, 1], "values": [1000, 2000]}}

    assert dict(only(observer(metrics=logged)).trajectory.series) == {"loss": ((1000, 0.5), (2000, 0.25))}


@pytest.mark.parametrize(
    "clock", [[0.5, 1.5, 2.5], [3, 2, 1], [-1, 0, 1], [1, 2], [1, 2, 3, 4, 5]],
    ids=["no whole numbers", "falls", "before the beginning", "shorter", "much longer"],
)  # fmt: skip
def test_what_is_only_called_like_a_clock_is_a_measure(observer, clock):
    run = with_info(observer(), loss=[3.0, 2.0, 1.0], loss_T=clock, alone_T=[1, 2])

    assert [step for step, _ in run.trajectory.series["info.loss"]] == [0, 1, 2]
    assert {"info.loss_T", "info.alone_T"} <= run.trajectory.series.keys()


def test_two_trainings_of_one_length_are_that_whatever_the_number_of_their_rows(observer):
    """One logged every 9 901 steps and the other every 10 000, both up to 2 000 000: neither broke off."""
    entry = {"config": {"t_max": 2_000_000, "lr": 0.1, "seed": 7}, "status": "RUNNING", "stop_time": None}
    a, b = (with_info(observer(str(every), **entry), acc=[0.5] * len(clock), acc_T=clock)
            for every in (9_901, 10_000) if (clock := [*range(every, 2_005_000, every)]))  # fmt: skip

    assert compare(a, b, settings=Settings()).conditional is Verdict.IDENTICAL


def test_a_copy_of_a_run_is_the_same_run_and_the_same_number_elsewhere_is_not(observer, tmp_path):
    place = observer()
    shutil.copytree(place, tmp_path / "copy" / "1")
    other = observer("2", start_time="2026-02-01T00:00:00")

    source, copy, second = (
        only(path).manifest.section("origin")["source"] for path in (place, tmp_path / "copy", other)
    )

    assert source == copy != second


def test_without_a_repository_the_commit_is_unknown(observer):
    run = only(observer())

    assert "commit" not in run.manifest.section("code")
    assert run.manifest.section("unknown")["code.commit"] == "Sacred found no repository"


def test_a_repository_says_commit_and_dirt_and_no_token(observer):
    rows = [{"url": "https://me:token@github.com/a/b", "commit": "c" * 40, "dirty": True}]
    code = only(observer(experiment={"repositories": rows})).manifest.section("code")

    assert (code["commit"], code["dirty"], code["remote"]) == ("c" * 40, True, "https://github.com/a/b")


@pytest.mark.parametrize("kept", [True, False], ids=["with its sources", "without them"])
def test_a_commit_that_is_on_record_is_no_gap_wherever_it_is_asked_for(observer, kept):
    clean = repositories(("/p", "c", False))
    a, b = (
        only(observer(n, kept=kept, config={"lr": lr, "seed": 7}, experiment=clean)) for n, lr in (("1", 1), ("2", 2))
    )

    answer = compare(a, b, settings=Settings())
    shown = levels(a, Settings().factors)

    assert "code.commit" not in a.manifest.section("unknown")
    assert [path for path in gaps(shown, Settings().factors) if path.startswith("code")] == []
    assert [row.factor for row in answer.missing if row.factor.startswith("code")] == []
    assert [row.factor for row in answer.factors] == ["config.lr"]


def repositories(*rows):
    return {"repositories": [{"url": url, "commit": commit * 40, "dirty": dirty} for url, commit, dirty in rows]}


def test_a_repository_that_sacred_names_once_for_each_file_is_one(observer):
    a, b = (only(observer(n, kept=False, sources={}, experiment=repositories(("/p", c, False), ("/p", c, False))))
            for n, c in (("1", "c"), ("2", "d")))  # fmt: skip
    mixed = only(observer("3", experiment=repositories(("/p", "c", False), ("/p", "c", True)))).manifest
    two = only(
        observer("4", experiment=repositories(("/p", "c", False), ("/q", "d", True), ("/q", "d", True)))
    ).manifest

    assert [row.factor for row in compare(a, b, settings=Settings()).factors] == ["code.commit"]
    assert mixed.section("code")["dirty"] is True
    assert two.section("code")["repositories"] == {"/q": f"{'d' * 40}+"}


SCRIPTS = ({"main.py": MAIN, "core.py": "x = 1\n"}, {"other.py": "print('t')\n", "core2.py": "x = 1\n"})


def two_scripts(observer, clean=(False, False), commits=("c", "c")):
    for n, (sources, dirty, commit) in enumerate(zip(SCRIPTS, clean, commits, strict=True), 1):
        told = {**repositories(("/p", commit, dirty)), "mainfile": next(iter(sources))}
        base = observer(str(n), sources=sources, experiment=told).parent
    return [one.run for one in runs_in(base, "sacred")[0]]


def test_another_script_of_one_clean_tree_is_one_factor_and_what_it_loads_follows(observer):
    found = compare(*two_scripts(observer), settings=Settings())

    assert [row.factor for row in found.factors] == ["code.program"]
    assert {row.follows for row in found.derived} == {"code.program"} and len(found.derived) == 4
    assert not [note for note in found.notes if "uncommitted" in note]


def test_a_study_of_two_scripts_of_one_clean_tree_varies_the_script(observer):
    found = study(two_scripts(observer), settings=Settings())

    assert [column.factor for column in found.model.columns] == ["code.program"]


@pytest.mark.parametrize(
    ("clean", "commits"), [((False, True), ("c", "c")), ((False, None), ("c", "c")), ((False, False), ("c", "d"))]
)
def test_another_script_of_a_tree_that_may_have_been_edited_brings_its_files_along(observer, clean, commits):
    found = compare(*two_scripts(observer, clean, commits), settings=Settings())

    assert len([row for row in found.factors if row.factor.endswith(".py")]) > 1


@pytest.mark.parametrize(
    ("word", "status"),
    [("COMPLETED", "completed"), ("FAILED", "crashed"), ("INTERRUPTED", "killed"), ("TIMEOUT", "killed")],
)
def test_how_a_run_ended_is_what_sacred_says(observer, word, status):
    assert only(observer(status=word)).status == status


@pytest.mark.parametrize("word", ["RUNNING", "QUEUED", "SOLVED"])
def test_a_run_that_nobody_closed_has_no_known_end(observer, word):
    run = only(observer(status=word, stop_time=None, result={"score": 1.0}))

    assert run.outcome is None
    assert run.metrics["result.score"] == 1.0


def test_a_changed_source_is_a_factor_by_its_digest_where_its_text_is_gone(observer):
    a = only(observer("1", kept=False, result=0.5))
    b = only(observer("2", kept=False, sources={"main.py": "print('test')\n"}, result=0.6))

    found = compare(a, b, settings=Settings())

    assert [row.factor for row in found.factors] == ["code.sources['main.py']"]
    assert found.conditional is Verdict.SINGLE_FACTOR


def test_a_changed_source_counts_once_where_its_text_is_there(observer):
    observer("1")
    base = observer("2", sources={"main.py": "print('test')\n"}).parent
    runs, _ = runs_in(base, "sacred")

    found = compare(runs[0].run, runs[1].run, settings=Settings())

    assert [row.factor for row in found.factors] == ["code.main.py"]


def test_a_comment_in_a_source_changes_no_design(observer):
    observer("1")
    base = observer("2", sources={"main.py": f"# a comment\n{MAIN}"}).parent
    runs, _ = runs_in(base, "sacred")

    assert compare(runs[0].run, runs[1].run, settings=Settings()).conditional is Verdict.IDENTICAL


def test_a_run_named_by_itself_reads_nothing_beside_its_folder(observer):
    place = observer()
    runs, _ = runs_in(place, "sacred")

    assert "files" not in runs[0].run.manifest.section("code")
    assert compare(runs[0].run, only(place.parent), settings=Settings()).conditional is Verdict.IDENTICAL


def test_a_source_that_was_changed_after_the_run_is_told_and_left_out(observer):
    base = observer().parent
    (stored,) = (base / "_sources").iterdir()
    stored.write_text("print('other')\n")

    run = only(base)

    assert "files" not in run.manifest.section("code")
    assert "was changed after the run" in run.manifest.section("origin")["note"]


def test_no_path_of_a_record_leads_out_of_the_folder(observer, tmp_path):
    text = "secret\n"
    digest = hashlib.md5(text.encode()).hexdigest()
    (tmp_path / f"key_{digest}.py").write_text(text)
    base = observer(experiment={"sources": [["key.py", f"../key_{digest}.py"]]}).parent
    (base / "_sources" / f"link_{digest}.py").symlink_to(tmp_path / f"key_{digest}.py")

    assert "files" not in only(base).manifest.section("code")
    observer("2", experiment={"sources": [["key.py", f"_sources/link_{digest}.py"]]})
    (gone,) = runs_in(base, "sacred")[1]
    assert "leads out of" in gone.reason


def test_nothing_that_a_pickled_value_names_is_made(observer, tmp_path):
    proof = tmp_path / "proof"
    evil = {"py/reduce": [{"py/function": "os.system"}, {"py/tuple": [f"touch {proof}"]}]}
    numpy = {"py/object": "numpy.float64", "dtype": "float64", "value": 0.5}
    run = only(observer(config={"evil": evil, "lr": numpy, "layers": {"py/tuple": [1, {"py/set": [3, 2]}]}}))

    config = run.manifest.section("config")
    assert not proof.exists()
    assert config["evil"]["py/reduce"][0] == {"py/function": "os.system"}
    assert (config["lr"], config["layers"]) == (0.5, (1, (2, 3)))


def test_an_opened_resource_is_data_and_other_data_is_unknown(observer):
    run = only(observer(resources=[["/w/data/train.csv", "runs/_resources/train_" + "a" * 32 + ".csv"]]))

    assert run.manifest.section("data")["data/train.csv"]["digest"] == f"md5:{'a' * 32}"
    assert "data.others" in run.manifest.section("unknown")


def test_an_option_that_the_program_added_is_a_setting(observer):
    run = only(observer(meta={"options": {"--half": True, "--beat-interval": "2", "--fold": "3", "--pdb": False}}))

    assert run.manifest.section("config")["args"] == {"half": True, "fold": 3, "positional": {"1": "main"}}
    assert run.manifest.section("origin")["settings"] == {"--beat-interval": "2"}


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"status": 1}', "\0" * 40, '{"a": ' * 5000])
def test_what_is_no_run_of_sacred_ends_in_one_line(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    (tmp_path / "config.json").write_text("{}")
    try:
        runs, skipped = runs_in(tmp_path, "sacred")
    except RecordError as error:
        assert "\n" not in error.message
    else:
        assert runs == () and len(skipped) == 1


DEBATE = "sacred_debate/amplification_experiments"


@pytest.mark.parametrize(
    ("a", "b", "factors"),
    [
        ("1", "2", {"config.rollouts", "seed"}),
        ("2", "3", {"code.sources['amplify_judge_with_debate.py']", "seed"}),
        ("5", "6", {"config.judge_path", "seed"}),
    ],
)
def test_real_pairs_differ_in_what_their_labels_say(a, b, factors):
    base: Path = real_runs(DEBATE)
    left, right = only(base / a), only(base / b)

    found = compare(left, right, settings=Settings())

    assert {row.factor for row in found.factors} == factors
    assert "code.commit" in {row.factor for row in found.missing}
    assert left.status == right.status == "killed"  # Ctrl-C ended all of them before one number was logged.
    assert found.verdict is Verdict.CONFOUNDED


# ── the commit, and the files of it ──────────────────────────────────────────────────────────────────────────────

FILES = {
    "c": {"main.py": "1", "net.py": "1"},
    "d": {"main.py": "2", "net.py": "2"},
    "e": {"main.py": "3", "net.py": "2"},
}


def of_commit(observer, name, commit, *, kept=False, dirty=False, sources=None, **config):
    told = {"repositories": repositories((None, commit, dirty))["repositories"] if commit else []}
    return only(
        observer(name, kept=kept, sources=sources or FILES[commit], config={"seed": 7, **config}, experiment=told)
    )


def said(runs):
    found = study(runs, settings=Settings())
    rows = answer(found)["suggestions"]
    return found, [column.factor for column in found.table.columns], [row["reason"] for row in rows]


@pytest.mark.parametrize("kept", [(False, False, False), (True, False, True)], ids=["no copy", "some copies"])
def test_a_commit_and_its_files_are_one_choice(observer, kept):
    rows = zip(("1", "2", "3"), ("c", "d", "e"), kept, (0.1, 0.2, 0.3), strict=True)
    runs = [of_commit(observer, name, commit, kept=is_kept, lr=lr) for name, commit, is_kept, lr in rows]

    found, columns, reasons = said(runs)
    text = "\n".join(text_lines(found, judged(found), everything=True))

    assert [row.factor for row in compare(runs[0], runs[1], settings=Settings()).factors] == [
        "config.lr",
        "code.commit",
    ]
    assert columns == ["code.commit", "config.lr"]
    assert "as its rule says" not in text and "md5:" not in text
    assert all(
        "config.lr = " in step or step.startswith("runs of commit") for r in reasons for step in r.split("; ")[1:]
    )


def test_files_without_a_commit_count_each_by_itself(observer):
    runs = [of_commit(observer, str(n), "", kept=n == 1, sources=FILES[c]) for n, c in enumerate("cd", 1)]
    files = ["code.sources['main.py']", "code.sources['net.py']"]

    found, columns, reasons = said(runs)

    assert [row.factor for row in compare(*runs, settings=Settings()).factors] == files
    assert columns == files
    assert [len(column.levels) for column in found.table.columns] == [2, 2]
    assert "trees that have the one without the others, and none is on record" in reasons[0]


def test_what_was_edited_beside_a_commit_is_a_choice_of_its_own(observer):
    edited = {**FILES["c"], "net.py": "9"}
    a, b, c, d = (
        of_commit(observer, "1", "c", x=1),
        of_commit(observer, "2", "c", dirty=True, sources=edited, x=1),
        of_commit(observer, "3", "d", x=1),
        of_commit(observer, "4", "d", x=1, y=2),
    )

    found, columns, _ = said([a, b, c, d])

    assert [row.factor for row in compare(a, b, settings=Settings()).factors] == ["code.sources['net.py']"]
    assert [row.factor for row in compare(a, c, settings=Settings()).factors] == ["code.commit"]
    assert columns == ["code.commit", "code.sources['net.py']", "config.y"]
    assert {pair.factors for pair in found.pairs} >= {("code.sources['net.py']",), ("code.commit",), ("config.y",)}


def test_of_a_commit_that_a_policy_excuses_the_files_are_columns(observer):
    runs = [of_commit(observer, str(n), c) for n, c in enumerate("cd", 1)]
    rules = Settings(factors=FactorSettings(nuisance=("code.commit",)))

    assert [column.factor for column in study(runs, settings=rules).table.columns] == [
        "code.sources['main.py']",
        "code.sources['net.py']",
    ]


def test_runs_of_which_nobody_knows_the_commit_are_apart_by_their_files(observer):
    runs = [of_commit(observer, "1", "c"), of_commit(observer, "2", "d"),
            *(of_commit(observer, str(n), "", sources=FILES[c]) for n, c in enumerate("cde", 3))]  # fmt: skip
    found = study(runs, settings=Settings(), judge=compared_by(Settings()))
    cells = {frozenset(found.table.runs[row].id for row in cell.rows) for cell in found.table.cells}
    told = {frozenset(found.table.runs[found.table.cells[at].rows[0]].id for at in (one.a, one.b)): one
            for one in found.pairs}  # fmt: skip

    assert cells == {frozenset(run.id for run in cohort.runs) for cohort in cohorts(runs)}
    for a, b in combinations(runs, 2):
        said = compare(a, b, settings=Settings())
        pair = told[frozenset((a.id, b.id))]
        assert (pair.factors, pair.conditional) == (tuple(row.factor for row in said.factors), str(said.conditional))
