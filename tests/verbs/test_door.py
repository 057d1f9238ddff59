"""The door for Python: the answers of the command line, asked with words or runs, shown where nobody prints them."""

import builtins
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import runaudit
from runaudit.cli.app import main
from runaudit.errors import UsageError
from runaudit.store.store import EmptyStoreError, Store
from tests.cli.recorded import sealed
from tests.diff.samples import digest, put

ROOT = Path(__file__).parents[2]
SLOW, FAST = (0.40, 0.41, 0.42), (0.30, 0.31, 0.32)
HOSTILE = "<img src=x onerror=alert(1)>\x1b[31m"


def cohort(store, label, values, *changes):
    return [
        sealed(store, put("seed", seed), put("label", label), *changes, metrics={"val/error": value})
        for seed, value in enumerate(values, start=1)
    ]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A store in the current folder: two arms of three seeds, one factor apart."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RUNAUDIT_STORE", raising=False)
    store = Store.create(tmp_path / ".runaudit")
    cohort(store, "slow", SLOW)
    cohort(store, "fast", FAST, put("config/optimizer/lr", 5e-4))
    return store


@pytest.fixture
def command(capsys):
    def call(*words):
        with pytest.raises(SystemExit):
            main([*words, "--json"])
        return json.loads(capsys.readouterr().out)

    return call


def test_a_data_frame_gets_the_settings_beside_the_results(here):
    sealed(here, put("label", "more"), put("config/warmup", 3), metrics={"val/error": 0.5})
    rows = runaudit.open_store(here.root).table()

    assert len({tuple(row) for row in rows}) == 1, "every row has the same keys"
    assert [row["config.optimizer.lr"] for row in rows] == [1e-3] * 3 + [5e-4] * 3 + [1e-3]
    assert [row["config.warmup"] for row in rows] == [None] * 6 + [3]
    assert [row["val/error"] for row in rows] == [*SLOW, *FAST, 0.5]


EXAMPLES = """
import doctest, inspect, json, runaudit

runner, failed, bare = doctest.DocTestRunner(), {}, []
public = {name: getattr(runaudit, name) for name in runaudit.__all__ if inspect.isfunction(getattr(runaudit, name))}
methods = {name: getattr(runaudit.Bench, name) for name in ("run", "runs", "cohort", "cohorts")}
for name, function in sorted((public | methods).items(), key=lambda item: item[1].__module__ in RECORDING):
    tests = [test for test in doctest.DocTestFinder().find(function, name, globs={}) if test.examples]
    bare += [] if tests else [name]
    failed |= {name: 1 for test in tests if runner.run(test).failed}
print(json.dumps({"failed": list(failed), "bare": bare, "public": list(public)}))
"""


def test_every_public_function_has_an_example_that_runs(here, tmp_path):
    """In a work tree with data, in a process of their own: some of them record, and one observes its process."""
    recording = ("runaudit.launch.python", "runaudit.record.recorder", "runaudit.observe.here")
    (tmp_path / "data").mkdir()
    for name, text in (("train", "1\n2\n3\n"), ("test", "4\n")):
        (tmp_path / "data" / f"{name}.csv").write_text(text)
    (tmp_path / "examples.py").write_text(f"RECORDING = {recording!r}\n{EXAMPLES}")
    (tmp_path / ".gitignore").write_text(".runaudit/\n__pycache__/\n")
    for words in (["init", "-q"], ["add", "-A"], ["-c", "user.name=u", "-c", "user.email=u@x", "commit", "-qm", "a"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    environ = {key: value for key, value in os.environ.items() if not key.startswith("RUNAUDIT_")}

    done = subprocess.run([sys.executable, "examples.py"], cwd=tmp_path, capture_output=True, text=True,
                          env=environ | {"PYTHONPATH": str(ROOT)})  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert (found["failed"], found["bare"]) == ([], []), done.stdout
    assert {"open_store", "compare", "judge", "study", "verify", "record", "guard", "observe"} <= set(found["public"])


def test_what_completes_behind_the_name_is_what_is_offered():
    assert {name for name in dir(runaudit) if not name.startswith("__")} <= {*runaudit.__all__} <= {*dir(runaudit)}


def test_what_a_public_function_raises_is_public(here):
    """Who is told what to expect must be able to catch it without knowing in which room it lives."""
    told = {
        name
        for public in runaudit.__all__
        for name in re.findall(r"\b[A-Z]\w+Error\b|\bStopped\w+\b", getattr(runaudit, public).__doc__ or "")
        if not hasattr(builtins, name)
    }

    assert {"UsageError", "EmptyStoreError", "StoppedByRule"} <= told <= set(runaudit.__all__)
    with pytest.raises(runaudit.UsageError):
        runaudit.compare("slow", "nobody")
    with pytest.raises(runaudit.NothingToJudgeError, match=re.escape(f"name the one in it: {here.root}")):
        runaudit.open_store(here.root.parent)


def test_the_answers_are_those_of_the_command_line(here, command):
    assert runaudit.compare("slow", "fast").to_json() == command("diff", "slow", "fast")
    assert runaudit.study().to_json() == command("study")
    rehashed = command("verify")  # which also says what nobody can see without a witness
    assert runaudit.verify().to_json() | {"notes": []} == rehashed | {"notes": []}
    asked = ("--metric", "val/error", "--direction", "lower")
    answer = runaudit.judge("fast", "slow", metric="val/error", direction="lower")
    assert answer.to_json() == command("stats", "fast", "--vs", "slow", *asked)


def test_runs_and_cohorts_stand_where_words_would(here):
    store = runaudit.open_store()
    slow, fast = store.cohorts()
    by_word = runaudit.compare("slow", "fast").to_json()

    for a, b in ((slow, fast), (slow.runs, list(fast.runs)), ("slow", fast)):
        assert runaudit.compare(a, b, store=store).to_json()["verdict"] == by_word["verdict"]
    one = runaudit.compare(slow.runs[0], fast.runs[0].id[:8])
    assert (one.a.id, one.b.id) == (slow.runs[0].id, fast.runs[0].id)
    assert runaudit.judge(fast, slow, metric="val/error", direction="lower").verdict == "improved"
    assert len(runaudit.study(slow, fast.runs[0]).study.table.runs) == 4
    assert runaudit.verify(slow).found.runs == 3
    ids = [run.id[:12] for run in slow.runs]
    assert runaudit.judge(["fast"], ids, metric="val/error", direction="lower").verdict == "improved"
    for nothing in (1, None, object()):
        with pytest.raises(UsageError, match="names no runs"):
            runaudit.compare(nothing, nothing)
    empty: list[str] = []
    asked = (lambda: runaudit.compare(empty, slow), lambda: runaudit.judge(slow, empty, metric="val/error"),
             lambda: runaudit.study(empty), lambda: runaudit.health(empty), lambda: runaudit.verify(empty))  # fmt: skip
    for ask in asked:
        with pytest.raises(UsageError, match="an empty list names no runs"):
            ask()


def test_whether_its_curves_came_with_a_run_changes_no_answer(here):
    """`runs()` and `cohorts()` leave the curves in the store; who needs them reads them there."""
    store = runaudit.open_store()
    with runaudit.record("long", seed=0, config={"lr": 0.1}) as run:
        for step in range(20):
            run.log(step, {"val/error": 1.0 / (step + 1)})
        (going,) = (one for one in store.runs() if one.label == "long")
        assert (going.status, runaudit.health(going).verdict) == ("running", "passed")
        run.finish("completed")
    (bare,) = (one for one in store.runs() if one.label == "long")

    assert not bare.trajectory.series
    assert runaudit.health(bare).to_json() == runaudit.health("long").to_json()
    assert runaudit.health(store.cohorts()[-1]).verdict == "passed"


def test_a_control_that_only_the_series_hold_forbids_the_comparison_whoever_asks(tmp_path, monkeypatch, capsys):
    """A record file need not repeat the ends of its series among its metrics."""
    monkeypatch.chdir(tmp_path)
    for lr, control in ((1, 20.0), (2, 21.0)):
        for seed in (1, 2, 3):
            record = {"schema": "runaudit.record/1", "label": f"lr{lr}", "seed": seed, "config": {"lr": lr},
                      "runtime": {"status": "completed"}, "metrics": {"val/acc": lr + seed / 10},
                      "series": {"full_frame/psnr_bicubic/x": [[0, control]]}}  # fmt: skip
            (tmp_path / f"{lr}{seed}.json").write_text(json.dumps(record))
    with pytest.raises(SystemExit):
        main(["import", "record", *sorted(map(str, tmp_path.glob("*.json"))), "--store", ".runaudit"])
    capsys.readouterr()
    one, two = runaudit.open_store().cohorts()

    for a, b in (("lr1", "lr2"), (one, two), (one.runs[0], two.runs[0])):
        assert str(runaudit.compare(a, b).verdict) == "incomparable"
    assert "bicubic PSNR moved" in runaudit.judge("lr1", "lr2", metric="val/acc").reason
    assert runaudit.study().verdict == "incomparable"


def test_the_store_is_found_as_the_commands_find_it(here, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)

    with pytest.raises(EmptyStoreError):
        runaudit.open_store()
    for place in (here.root, str(here.root)):
        assert len(runaudit.open_store(place).runs()) == 6
    assert str(runaudit.compare("slow", "fast", store=here).verdict) == "single_factor"
    monkeypatch.setenv("RUNAUDIT_STORE", str(here.root))
    assert len(runaudit.open_store().runs()) == 6


def test_the_policy_beside_the_store_holds_in_python_too(here, tmp_path):
    (tmp_path / "runaudit.toml").write_text('[factors]\nnuisance = ["config.optimizer.lr"]\n')

    assert "single_factor" not in str(runaudit.compare("slow", "fast").verdict)


def test_a_look_from_python_is_a_look(here):
    ask = {"metric": "val/error", "direction": "lower"}
    assert runaudit.judge("fast", "slow", **ask).looks == 1
    cohort(here, "fast", (*FAST, 0.33), put("config/optimizer/lr", 5e-4))

    assert runaudit.judge("fast", "slow", **ask).looks == 2


def test_a_seed_that_was_proven_to_act_stays_so_when_its_run_is_repeated(here):
    def proven(seed):
        return put("seed_proof", {"init": digest(str(seed)), "first_batch": digest(str(seed))})

    for label, values in (("low", SLOW), ("high", FAST)):
        for seed, value in enumerate(values, start=1):
            sealed(here, put("seed", seed), put("label", label), put("config/optimizer/lr", len(label)), proven(seed),
                   metrics={"val/error": value})  # fmt: skip
    ask = {"metric": "val/error", "direction": "lower"}
    before = runaudit.judge("high", "low", **ask)
    sealed(here, put("seed", 1), put("label", "again"), put("config/optimizer/lr", 4), proven(1),
           metrics={"val/error": FAST[0]})  # fmt: skip
    after = runaudit.judge(["high", "again"], "low", **ask)

    assert "1 seed ran more than once" in str(after.notes) and "proof" not in str(before.notes)
    assert "proof" not in str(after.notes)


def test_a_single_arm_and_an_unknown_word_are_refused(here):
    with pytest.raises(UsageError, match="two arms"):
        runaudit.judge("slow", metric="val/error")
    with pytest.raises(UsageError):
        runaudit.compare("slow", "nobody")
    with pytest.raises(UsageError):
        runaudit.open_store().run("slow")


class Tags(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.names, self.open = set(), []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def answers():
    yield runaudit.compare("slow", "fast")
    yield runaudit.judge("fast", "slow", metric="val/error", direction="lower")
    yield runaudit.study()
    yield runaudit.verify()
    yield runaudit.health("slow")


def test_every_kind_of_answer_is_asked_for_here_and_speaks_in_every_format(here):
    kinds = {getattr(runaudit, name) for name in runaudit.__all__ if name.endswith(("Answer", "Comparison"))}

    assert {type(answer) for answer in answers()} == kinds
    for answer in answers():
        assert list(answer.text_lines()) and list(answer.markdown_lines()) and answer.to_json()["schema"]


def test_an_answer_shows_itself_in_a_notebook_and_in_one_line(here):
    for answer in answers():
        html = answer._repr_html_()

        assert Tags(html.replace("<br>", "")).names >= {"div", "p"}
        assert 'class="badge ' in html and "<script" not in html
        assert str(answer) == answer.headline
        assert repr(answer) == f"<{type(answer).__name__} {answer.headline}>" and "\n" not in repr(answer)
    shown = runaudit.compare("slow", "fast")._repr_html_()
    assert "config.optimizer.lr" in shown and "Before" in shown
    assert "<svg" in runaudit.judge("fast", "slow", metric="val/error", direction="lower")._repr_html_()


def test_a_run_a_cohort_and_a_store_show_themselves_in_one_line_and_in_a_notebook(here):
    """A run prints every file and package that it read, a cohort all of its runs: nobody reads that at a prompt."""
    store = runaudit.open_store()
    cohort, run = store.cohorts()[0], store.runs()[0]

    assert repr(cohort) == f"<Cohort {cohort.id} slow: 3 runs, seeds 1, 2, 3, effective n 3>"
    assert repr(run) == f"<Run {run.short} slow, seed 1: completed>"
    assert repr(store) == f"<Store {store.store.root}>"
    for one in (run, cohort):
        html = one._repr_html_()
        assert Tags(html.replace("<br>", "")).names >= {"div", "p", "pre"}
        assert '<span class="badge good">completed</span>' in html and "val/error" in html
    assert all(other.short in cohort._repr_html_() for other in cohort.runs)


@pytest.mark.parametrize("verb", ["open_store", "study", "health", "verify"])
def test_where_there_is_no_store_a_program_is_told_what_a_program_calls(tmp_path, monkeypatch, verb):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RUNAUDIT_STORE", raising=False)
    with pytest.raises(EmptyStoreError) as told:
        getattr(runaudit, verb)()
    assert "runaudit.open_store(path)" in str(told.value) and "--" not in str(told.value)


def test_no_name_is_markup_or_a_command_where_an_answer_shows_itself(here):
    cohort(here, HOSTILE, FAST, put("config/optimizer/lr", HOSTILE), put(f"config/{HOSTILE[:4]}", HOSTILE))
    store = runaudit.open_store()
    bad = store.cohorts()[-1]

    for answer in (
        runaudit.compare("slow", bad),
        runaudit.judge(bad, "slow", metric="val/error", direction="lower"),
        runaudit.study(),
        bad,
        bad.runs[0],
    ):
        html = answer._repr_html_()
        assert "<img" not in html and "\x1b" not in html
        assert "\x1b" not in repr(answer) + str(answer)


def test_an_answer_without_a_drawer_is_its_one_line():
    """The rooms below the door hold answers too; they do not load the page to do so."""
    code = (
        "import sys; from runaudit.diff import Comparison, Side, Verdict\n"
        "side = Side(id='a', label='a')\n"
        "found = Comparison(a=side, b=side, verdict=Verdict.IDENTICAL, conditional=None, reason='nothing differs')\n"
        "print(found._repr_html_(), found, 'runaudit.report' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "None identical: nothing differs False\n"


def test_a_verb_stays_a_verb_when_its_room_is_loaded():
    code = (
        "import runaudit.judge.cohorts, runaudit.study.study, runaudit.guard, runaudit\n"
        "from runaudit import compare, judge, open_store, study, verify\n"
        "print(*(callable(getattr(runaudit, name)) for name in ('judge', 'study', 'compare', 'verify', 'guard')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.split() == ["True"] * 5


def test_the_example_of_the_readme_runs(here, capsys):
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("## From Python\n")[2]
    (block,) = re.findall(r"^```python\n(.*?)^```", section.partition("\n## ")[0], flags=re.MULTILINE | re.DOTALL)

    exec(compile(block, "README", "exec"), {})

    out = capsys.readouterr().out
    assert "slow 3 3" in out and "single_factor" in out and "improved" in out
