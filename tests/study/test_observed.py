"""Diff, cohorts and study say one thing of runs that were observed: three views of one design cannot disagree."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from runaudit.diff import compare, compare_cohorts
from runaudit.errors import NothingToJudgeError
from runaudit.factors.cohort import cohort_of, cohorts
from runaudit.settings import Settings
from runaudit.study.answer import judged
from runaudit.study.pairs import Judged, pairs_of
from runaudit.study.study import study
from runaudit.study.table import table_of
from tests.diff.seen import TREE, captured, read, seen

CLEAN = ("identical", "replicate")


def fresh():
    return {"argv": ["python", "train.py", "--lr", "0.1"], "seed": 1, "tree": dict(TREE), "rows": [], "observed": {},
            "level": "full", "code": ["train.py", "net.py"], "packages": {"numpy": "2", "tqdm": "1"}, "variables": {},
            "config": {"lr": 0.1}}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """A change to what a run used, told by its name where a test fails."""

    name: str
    make: Callable[[dict[str, Any]], object] = field(repr=False, compare=False)

    def __call__(self, plain):
        self.make(plain)


def row(path, content, role="data", **more):
    return Step(f"read {path} {content!r}", lambda plain: plain["rows"].append(read(path, content, role, **more)))


def tree(path, text):
    return Step(f"{path} is {text!r}", lambda plain: plain["tree"].__setitem__(path, text))


def table(name, key, value):
    return Step(f"{name} {key} {value}", lambda plain: plain["observed"].setdefault(name, {}).__setitem__(key, value))


def words(*more):
    return Step(f"words {more}", lambda plain: plain["argv"].extend(more))


def put(name, value):
    return Step(f"{name} is {value}", lambda plain: plain.__setitem__(name, value))


USED = (
    row("/d/x.csv", "1"), row("/d/x.csv", "2"), row("/d/y.csv", "3"), row("/w/a.pt", "4", "weights"),
    row("/w/a.pt", "5", "weights"), row("local.py", "B = 1\n", "code"), row("local.py", "B = 2\n", "code"),
    tree("net.py", "W = 2\n"), tree("train.py", "import json, net, sys\n"), table("looked_up", "EPOCHS", "1"),
    table("looked_up", "EPOCHS", "2"), table("looked_up", "EPOCHS", None), table("imported", "numpy", "2"),
    table("imported", "numpy", "3"), words("--epochs", "3"), words("--epochs", "4"), words("extra"),
    put("config", {"lr": 0.5}), row("/etc/x", "1", by="library"), row("/etc/x", "2", by="library"),
)  # fmt: skip
IDLE = (
    tree("plot.py", "print(2)\n"), tree("README.md", "# Other\n"), tree("new.ipynb", "{}\n"),
    tree("conf.yaml", "a: 1\n"),
    put("packages", {"numpy": "2", "tqdm": "9"}), put("variables", {"EDITOR": "vi"}),
    tree("net.py", "# why\nW = 1\n"), row("/out/m.pt", "1", "data", declared="data.out"),
)  # fmt: skip
SEEDS = (put("seed", 2), put("seed", 3))
BLIND = (put("level", "partial"), put("level", "none"), put("level", None))


def run(*changes):
    plain = fresh()
    for change in changes:
        change(plain)
    observed = None
    if plain["level"] is not None:
        known = {"looked_up": {}, "imported": {}, **copy.deepcopy(plain["observed"])}
        rows = {one["path"]: one for one in plain["rows"]}.values()
        observed = seen(*rows, level=plain["level"], tree=plain["tree"], code=plain["code"], **known)
    env = {"python": "3.11.7", "torch": None, "gpu": None, "packages": plain["packages"],
           "variables": plain["variables"], "determinism": {}}  # fmt: skip
    return captured(observed, argv=plain["argv"], seed=plain["seed"], tree=plain["tree"], env=env,
                    config=plain["config"], init={"kind": "random"})  # fmt: skip


def said(a, b):
    return compare(a, b, settings=Settings())


def pair_of(a, b):
    found = table_of([a, b], Settings())
    return found, pairs_of(found)[0]


some = st.lists(st.sampled_from(USED + IDLE + SEEDS), max_size=5, unique=True)
any_at_all = st.lists(st.sampled_from(USED + IDLE + SEEDS + BLIND), max_size=5, unique=True)
BY_NAME = {step.name: step for step in USED + IDLE + SEEDS + BLIND}


@given(any_at_all, any_at_all)
@example([BY_NAME["read local.py 'B = 1\\n'"]], [BY_NAME["net.py is '# why\\nW = 1\\n'"], BY_NAME["level is partial"]])
@settings(max_examples=120, deadline=None)
def test_a_study_of_two_runs_says_what_their_comparison_says(left, right):
    a, b = run(*left), run(*right)
    assume(a.id != b.id)
    answer = compare_cohorts(cohort_of([a]), cohort_of([b]), settings=Settings())

    try:
        found = judged(study([a, b], settings=Settings()))
    except NothingToJudgeError:
        assert answer.verdict == "incomparable"
        return

    assert found.verdict == {"single_factor": "estimable"}.get(answer.verdict, answer.verdict)
    assert found.conditional == {"single_factor": "estimable"}.get(answer.conditional, answer.conditional)


@given(some, some)
@settings(max_examples=100, deadline=None)
def test_a_pair_of_the_study_names_the_factors_of_the_comparison(left, right):
    a, b = run(*left), run(*right)
    assume(a.id != b.id)
    table, pairs = pair_of(a, b)
    answer = said(table.runs[0], table.runs[1])

    if not pairs:
        assert answer.verdict in CLEAN
        return
    assert pairs[0].verdict == answer.verdict
    assert set(pairs[0].factors) == {row.factor for row in answer.treatments}


@given(any_at_all, any_at_all)
@settings(max_examples=120, deadline=None)
def test_two_runs_are_one_cohort_exactly_where_a_comparison_finds_nothing_but_seeds(left, right):
    a, b = run(*left), run(*right)
    assume(a.id != b.id)

    one = len(cohorts([a, b])) == 1

    assert one == (not said(a, b).treatments)


def by_comparison(a, b):
    found = compare_cohorts(cohort_of(a), cohort_of(b), settings=Settings())
    return Judged(factors=tuple(f.factor for f in found.treatments), verdict=str(found.verdict), conditional=None)


@given(st.lists(some, min_size=3, max_size=5))
@settings(max_examples=60, deadline=None)
def test_every_pair_that_a_study_of_several_lists_is_that_of_a_comparison(lists):
    runs = [run(*changes) for changes in lists]
    assume(len({one.id for one in runs}) == len(runs))
    table = table_of(runs, Settings())

    for pair in pairs_of(table, by_comparison)[0]:
        a, b = ([table.runs[i] for i in table.cells[place].rows] for place in (pair.a, pair.b))
        if len(a) == len(b) == 1:
            assert pair.verdict == said(a[0], b[0]).verdict


@given(some, st.sampled_from(USED))
@settings(max_examples=100, deadline=None)
def test_a_change_to_a_used_thing_is_never_clean(shared, change):
    a, b = run(*shared), run(*shared, change)
    unlike = a.outcome.section("observed") != b.outcome.section("observed") or a.manifest.body != b.manifest.body
    assume(unlike)

    assert said(a, b).verdict not in CLEAN


@given(some, st.lists(st.sampled_from(IDLE), min_size=1, unique=True))
@settings(max_examples=100, deadline=None)
def test_a_change_to_an_unused_thing_is_never_a_factor(shared, changes):
    shared = [change for change in shared if change not in (USED[7], USED[12], USED[13])]
    a, b = run(*shared), run(*shared, *changes)

    assert said(a, b).treatments == ()


@given(some, some, st.sampled_from(BLIND))
@settings(max_examples=100, deadline=None)
def test_that_a_run_was_not_observed_excuses_nothing(left, right, blind):
    """What is clean without having looked is clean with having looked, never the other way round."""
    a, b = run(*left), run(*right)
    known = {row.factor for row in said(a, b).treatments}
    found = said(run(*left, blind), b)

    told = {row.factor for row in found.treatments} | {row.factor for row in found.missing}
    if known:
        assert found.verdict not in CLEAN or not told
        assert told
