"""One design identity: cohorts, studies, repetitions and the list agree on who is with whom, and so do the runs."""

import json
from itertools import permutations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from runaudit.cli.app import main
from runaudit.factors.cohort import cohorts
from runaudit.factors.identity import identity_of
from runaudit.launch.rerun import replicates
from runaudit.records.record_file import run_of
from runaudit.settings import FactorSettings, Settings
from runaudit.store import Store
from runaudit.store.catalogue import load, run_ids
from runaudit.study.table import table_of
from tests.diff.samples import both, drop, put
from tests.diff.samples import run as recorded
from tests.diff.test_labelled import RUNS, labelled, record_of_folder
from tests.study.test_agreement import PAIRS, SECRETS, A, B
from tests.study.test_observed import BLIND, IDLE, SEEDS, USED
from tests.study.test_observed import run as captured

POLICY = FactorSettings()


def groups(runs, policy=POLICY):
    return {frozenset(one.id for one in cohort.runs) for cohort in cohorts(runs, settings=Settings(factors=policy))}


def cells(runs, policy=POLICY):
    table = table_of(runs, Settings(factors=policy))
    return {frozenset(table.runs[row].id for row in cell.rows) for cell in table.cells}


def in_order(runs):
    return sorted({one.id: one for one in runs}.values(), key=lambda one: one.id)


@pytest.mark.parametrize(
    ("name", "before", "after", "policy"),
    PAIRS,
    ids=[row[0] for row in PAIRS],
)
def test_the_cells_of_a_study_are_the_cohorts(name, before, after, policy):
    runs = in_order([recorded(before), recorded(after)])

    assert cells(runs, FactorSettings(**policy)) == groups(runs, FactorSettings(**policy))


PATCH = "diff --git a/a.py b/a.py\nindex 1..2 100644\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-x\n+K = '{}'\n"
PLACES = [
    *SECRETS,
    lambda mark: both(drop("code/files"), put("code/patch", PATCH.format(mark)), put("code/dirty", True)),
]


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("place", range(len(PLACES)))
def test_one_secret_parts_no_cohort_and_one_that_may_be_another_does(place, order):
    """It was proven in one record and masked in another. Which of two masked ones it was may have chosen something."""
    marks = [A.format(":proven"), A.format(":masked"), B.format(":masked")]
    runs = [recorded(both(PLACES[place](mark), put("seed", seed))) for seed, mark in enumerate(marks)]

    assert groups([runs[at] for at in order]) == {frozenset(one.id for one in runs[:2]), frozenset({runs[2].id})}


def test_the_cells_of_a_study_of_all_these_runs_are_their_cohorts():
    runs = in_order([recorded(side) for _, *sides, policy in PAIRS if not policy for side in sides])
    runs = [one for one in runs if b"<redacted:" not in one.manifest.raw]  # a cohort is found pair by pair

    assert len(runs) > 300
    assert cells(runs) == groups(runs)


some = st.lists(st.sampled_from(USED + IDLE + SEEDS), max_size=3, unique=True)
any_at_all = st.lists(st.sampled_from(USED + IDLE + SEEDS + BLIND), max_size=3, unique=True)


@given(st.lists(any_at_all, min_size=2, max_size=5))
@settings(max_examples=100, deadline=None)
def test_the_cells_of_a_study_are_the_cohorts_whatever_was_observed(lists):
    runs = in_order([captured(*changes) for changes in lists])
    assume(len(runs) > 1)

    assert cells(runs) == groups(runs)


@given(any_at_all, any_at_all)
@settings(max_examples=100, deadline=None)
def test_one_design_is_reflexive_and_symmetric(left, right):
    a, b = (identity_of(captured(*changes), POLICY) for changes in (left, right))

    assert a.matches(a) and b.matches(b)
    assert a.matches(b) == b.matches(a)


@given(some, some, some)
@settings(max_examples=100, deadline=None)
def test_one_design_is_transitive_where_all_was_observed(first, second, third):
    sides = [identity_of(captured(*changes), POLICY) for changes in (first, second, third)]

    for a, b, c in permutations(sides):
        assert a.matches(c) or not (a.matches(b) and b.matches(c))


DECLARED = {
    "seed": [put("seed", 2), put("seed", 3), drop("seed")],
    "config": [put("config/optimizer/lr", 1), put("config/optimizer/lr", 2), drop("config")],
    "env": [drop("env/torch"), put("env/torch", "2.7.0"), put("env/packages", {"numpy": "1"}), drop("env")],
    "code": [drop("code")],
    "data": [put("data/train/tiles", 1), drop("data/train/digest"), drop("data")],
    "eval": [put("eval/crop_border", 4), drop("eval/protocol"), drop("eval")],
    "init": [drop("init")],
}
declared = st.fixed_dictionaries({name: st.none() | st.sampled_from(rows) for name, rows in DECLARED.items()}).map(
    lambda found: [change for change in found.values() if change is not None]
)


@given(declared, declared, declared)
@settings(max_examples=150, deadline=None)
def test_one_design_is_transitive_whatever_is_declared(first, second, third):
    sides = [identity_of(recorded(both(*changes)), POLICY) for changes in (first, second, third)]

    for a, b, c in permutations(sides):
        assert a.matches(c) or not (a.matches(b) and b.matches(c))


@given(st.lists(declared, min_size=2, max_size=6))
@settings(max_examples=100, deadline=None)
def test_the_cells_of_a_study_are_the_cohorts_whatever_is_declared(lists):
    runs = in_order([recorded(both(*changes)) for changes in lists])
    assume(len(runs) > 1)

    assert cells(runs) == groups(runs)


@pytest.mark.parametrize("gone", ["config", "env/torch", "code", "data", "eval/protocol", "init"])
def test_what_one_record_does_not_say_is_another_design(gone):
    known, other = recorded(put("seed", 1)), recorded(both(put("seed", 2), drop(gone)))

    assert not identity_of(known, POLICY).matches(identity_of(other, POLICY))


def test_a_run_that_was_killed_before_it_was_observed_stays_in_its_cohort():
    read = next(step for step in USED if step.name.startswith("read /d/x.csv"))
    unwatched = next(step for step in BLIND if step.name == "level is None")

    assert len(groups([captured(read), captured(SEEDS[0], unwatched)])) == 1


def test_another_patch_text_is_another_design_and_a_rotated_secret_is_none():
    patch = "diff --git a/x.py b/x.py\n--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-KEY = 1\n+KEY = '{}'\n"
    code = {"commit": "a" * 40, "dirty": True}
    sides = [recorded(put("code", {**code, "patch": patch.format(word)}))
             for word in ("<redacted:aa11:proven>", "<redacted:bb22:proven>", "<redacted:cc33:masked>")]  # fmt: skip
    first, rotated, other = (identity_of(side, POLICY) for side in sides)

    assert first.run.id != rotated.run.id
    assert first.matches(rotated) and not first.matches(other)


@pytest.mark.parametrize("policy", [FactorSettings(), FactorSettings(nuisance=("config.optimizer.lr",))])
def test_an_identity_holds_for_its_policy_alone(policy):
    a, b = recorded(put("seed", 1)), recorded(both(put("seed", 2), put("config/optimizer/lr", 1)))
    sides = [identity_of(side, policy) for side in (a, b)]

    assert sides[0].matches(sides[1]) == bool(policy.nuisance)
    assert (sides[0].key == sides[1].key) == bool(policy.nuisance)


def shared():
    found = {row[side] for row in labelled() for side in "ab"}
    return [record_of_folder(RUNS / name) for name in sorted(found)]


@pytest.mark.skipif(not labelled(), reason="the labelled runs are not there")
def test_the_cells_of_a_study_of_other_peoples_runs_are_their_cohorts():
    runs = in_order([run_of(record, where="shared") for record in shared()])

    assert len(runs) > 10
    assert cells(runs) == groups(runs)


def plain(lr, seed):
    return {"label": f"lr {lr} seed {seed}", "seed": seed, "config": {"lr": lr},
            "data": {"d": {"digest": "sha256:" + "a" * 64}}, "init": {"kind": "random"},
            "env": {"python": "3.11", "torch": "2", "gpu": None, "packages": {}},
            "code": {"commit": "a" * 40, "dirty": False}, "runtime": {"status": "completed"},
            "metrics": {"psnr": 30 + lr + seed / 7}}  # fmt: skip


def test_the_list_and_a_repetition_agree_with_the_cohorts(tmp_path, capsys):
    """Through a store: what `list` groups, and what a repetition of a run is judged by."""

    def call(*words):
        with pytest.raises(SystemExit) as ended:
            main([*words, "--store", str(tmp_path / "store")])
        assert ended.value.code == 0
        return capsys.readouterr().out

    records = [plain(lr, seed) for lr in (0.1, 0.2) for seed in (1, 2, 3)]
    records.append({name: value for name, value in plain(0.1, 4).items() if name != "env"})
    (tmp_path / "runs.json").write_text(json.dumps(records))
    call("import", "record", str(tmp_path / "runs.json"), "-q")
    store = Store.open(tmp_path / "store")
    runs = [load(store, run_id) for run_id in run_ids(store)]

    for _ in range(2):  # The second time the index is there.
        listed = json.loads(call("list", "--json"))
        assert {frozenset(row["id"] for row in group["runs"]) for group in listed["cohorts"]} == groups(runs)
    assert sorted(map(len, groups(runs))) == [1, 3, 3]
    for one in runs:
        assert frozenset(other.id for other in replicates(store, one, Settings())) in groups(runs)
