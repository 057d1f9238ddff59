"""Stages compare their parents: what differs there is the cause, and a checkpoint's digest only follows it."""

from dataclasses import replace
from itertools import combinations

import pytest

from runaudit.diff import Verdict, compare, compare_cohorts
from runaudit.errors import RecordError
from runaudit.factors.cohort import cohorts
from runaudit.factors.factor import SEED_ROLES
from runaudit.factors.lineage import linked
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.settings import Settings
from runaudit.store.catalogue import load
from runaudit.store.store import Store
from runaudit.study.table import table_of
from tests.diff.samples import both, digest, drop, put, run
from tests.diff.seen import captured, read, seen

LR = put("config/optimizer/lr", 5e-4)


def weights(number):
    return digest(f"{number:x}")


def child(parent, checkpoint, *changes, kind="checkpoint"):
    """A run that began with a checkpoint of `parent`."""
    start = {"kind": kind, "checkpoint": checkpoint, "parent": parent.id}
    return replace(run(both(put("init", start), put("config/stage", "sr"), *changes)), parent=parent)


def kept(parent, *rows):
    """`parent` with the checkpoints that its outcome lists: (digest, step, kind)."""
    listed = [{"path": "c", "digest": d, "size": 1, "step": step, "kind": kind} for d, step, kind in rows]
    body = {**parent.outcome.to_json(), "checkpoints": listed}
    return replace(parent, outcome=Outcome.of({k: v for k, v in body.items() if k != "schema"}))


def judged(a, b):
    return compare(a, b, settings=Settings())


def names(found):
    return [factor.factor for factor in found.factors]


def test_stages_of_parents_that_differ_in_their_seed_are_replicates():
    a, b = (child(run(put("seed", seed)), weights(seed), put("seed", seed)) for seed in (1, 2))

    found = judged(a, b)

    assert (found.verdict, names(found)) == (Verdict.REPLICATE, ["init.parent.seed", "seed"])
    assert {"init.checkpoint", "init.parent"} <= {row.factor for row in found.derived}


def test_the_parent_that_changed_is_the_factor():
    found = judged(child(run(), weights(1)), child(run(LR), weights(2)))

    assert (found.verdict, names(found)) == (Verdict.SINGLE_FACTOR, ["init.parent.config.optimizer.lr"])


def test_a_change_in_the_stage_and_another_in_its_parent_are_confounded():
    found = judged(child(run(), weights(1)), child(run(LR), weights(2), put("config/epochs", 60)))

    assert found.verdict is Verdict.CONFOUNDED
    assert names(found) == ["config.epochs", "init.parent.config.optimizer.lr"]


def test_one_container_through_all_stages_is_one_choice_and_one_rate_in_both_is_two():
    torch = put("env/torch", "2.7.0")

    assert names(judged(child(run(), weights(1)), child(run(torch), weights(2), torch))) == ["env.torch"]
    assert judged(child(run(), weights(1)), child(run(LR), weights(2), LR)).verdict is Verdict.CONFOUNDED


def test_grandparents_count():
    a, b = (child(child(run(change), weights(1 + i)), weights(3 + i)) for i, change in enumerate((both(), LR)))

    assert names(judged(a, b)) == ["init.parent.init.parent.config.optimizer.lr"]


def test_equal_weights_are_equal_whatever_made_them():
    found = judged(child(run(), weights(1)), child(run(LR), weights(1)))

    assert (found.verdict, names(found)) == (Verdict.IDENTICAL, [])


def test_another_checkpoint_of_one_parent_is_a_factor():
    parent = kept(run(), (weights(1), 100, "stage"), (weights(2), 400, "last"))

    found = judged(child(parent, weights(1)), child(parent, weights(2)))

    assert (found.verdict, names(found)) == (Verdict.SINGLE_FACTOR, ["init.checkpoint"])


def test_the_seed_of_the_parent_does_not_excuse_another_checkpoint():
    a = child(kept(run(), (weights(1), 100, "best")), weights(1))
    b = child(kept(run(put("seed", 2)), (weights(2), 400, "last")), weights(2))

    assert judged(a, b).verdict is Verdict.CONFOUNDED


def test_a_parent_that_was_repeated_and_gave_other_weights_is_a_replicate():
    a, b = (child(kept(run(put("runtime/pid", i)), (weights(i), 400, "last")), weights(i)) for i in (1, 2))

    found = judged(a, b)

    assert (found.verdict, names(found)) == (Verdict.REPLICATE, ["init.checkpoint"])


def test_a_gap_in_a_parent_is_a_gap():
    found = judged(child(run(drop("env")), weights(1)), child(run(LR), weights(2)))

    assert (found.verdict, found.conditional) == (Verdict.PROVENANCE_INCOMPLETE, Verdict.SINGLE_FACTOR)
    assert "init.parent.env" in [row.factor for row in found.missing]


def test_a_damaged_parent_is_an_integrity_failure():
    parent = replace(run(LR), fault="its outcome does not match its digest")

    assert judged(child(run(), weights(1)), child(parent, weights(2))).verdict is Verdict.INTEGRITY_FAILURE


def test_resumed_is_not_fresh_and_not_a_new_stage():
    parent = run()

    assert (
        judged(run(put("config/stage", "sr")), child(parent, weights(1), kind="resume")).verdict
        is not Verdict.IDENTICAL
    )
    assert names(judged(child(parent, weights(1)), child(parent, weights(1), kind="resume"))) == ["init.kind"]


def test_seeds_that_began_from_their_own_first_stage_are_one_cohort():
    arms = [
        [child(run(both(change, put("seed", s))), weights(4 * i + s), put("seed", s)) for s in (1, 2, 3)]
        for i, change in enumerate((both(), LR))
    ]

    found = cohorts([one for arm in arms for one in arm])

    assert [(group.n, group.effective_n) for group in found] == [(3, 3), (3, 3)]
    pair = compare_cohorts(*found, settings=Settings())
    assert (pair.verdict, names(pair)) == (Verdict.SINGLE_FACTOR, ["init.parent.config.optimizer.lr"])


def test_a_second_stage_of_one_seed_from_three_parents_is_three_draws():
    found = cohorts([child(run(put("seed", s)), weights(s)) for s in (1, 2, 3)])

    assert [(group.n, group.effective_n) for group in found] == [(3, 3)]


def test_a_remark_in_the_parents_code_makes_no_other_cohort():
    remark = put("code/files/README.md", "# Another\n")

    assert len(cohorts([child(run(), weights(1)), child(run(both(remark, put("seed", 2))), weights(2))])) == 1


def test_without_the_parent_the_digest_is_what_counts():
    orphans = [replace(child(run(put("seed", s)), weights(s)), parent=None) for s in (1, 2)]

    assert len(cohorts(orphans)) == 2
    assert names(judged(*orphans)) == ["init.checkpoint"]


def test_the_store_gives_a_run_its_line(tmp_path):
    store = Store.create(tmp_path / "store")
    parent = sealed(store, {"seed": 1, "init": {"kind": "random"}})
    stage = sealed(store, {"seed": 1, "init": {"kind": "checkpoint", "checkpoint": weights(1), "parent": parent}})
    last = sealed(store, {"seed": 1, "init": {"kind": "resume", "checkpoint": weights(2), "parent": stage}})

    line = load(store, last)

    assert (line.parent.id, line.parent.parent.id, line.parent.parent.parent) == (stage, parent, None)
    assert load(store, last, generations=1).parent.parent is None


def sealed(store, sections):
    manifest = Manifest.of({"label": "x", "origin": {"kind": "captured"}, **sections})
    store.seal_manifest(manifest, time="2025-11-01T00:00:00Z")
    return manifest.id


def test_records_name_their_parents_by_label_and_a_circle_is_refused():
    base = run(put("label", "stage one"))
    stage = run(both(put("init", {"kind": "checkpoint", "checkpoint": weights(1), "parent": "stage one"})))
    assert linked([base, stage])[1].parent.label == "stage one"

    circle = [
        run(both(put("label", one), put("init", {"kind": "resume", "checkpoint": weights(1), "parent": other})))
        for one, other in (("left", "right"), ("right", "left"))
    ]
    with pytest.raises(RecordError, match="descends from itself"):
        linked(circle)


def going_on(seed, *, lr="0.1", out=None, epochs="3"):
    """A watched run of this seed that goes on from a watched one."""
    rows = [read(f"/w/part{seed}.csv", str(seed), declared="data.train")]
    words = ["python", "train.py", "--lr", lr, "--seed", str(seed), "--out", out or f"runs/{seed}"]
    before = captured(seen(*rows), argv=words, seed=seed, init={"kind": "random"})
    init = {"kind": "resume", "checkpoint": weights(seed), "parent": before.id}
    words = ["python", "train.py", "--epochs", epochs, "--seed", str(seed)]
    after = captured(seen(), argv=words, seed=seed, init=init)
    return replace(after, parent=before)


@pytest.mark.parametrize(
    "runs",
    [
        [going_on(seed, out="runs") for seed in (1, 2, 3)],
        [going_on(seed) for seed in (1, 2, 3)],
        [going_on(1), going_on(2), going_on(3, lr="0.5"), going_on(4, lr="0.5")],
        [going_on(1, out="a"), going_on(2, out="a"), going_on(3, out="b"), going_on(4, out="a", epochs="4")],
    ],
)
def test_resumed_seeds_are_of_one_cohort_exactly_where_a_comparison_calls_them_replicates(runs):
    home = {run.id: group.id for group in cohorts(runs) for run in group.runs}

    for a, b in combinations(runs, 2):
        is_replicate = not any(factor.role not in SEED_ROLES for factor in judged(a, b).factors)
        assert (home[a.id] == home[b.id]) == is_replicate, names(judged(a, b))
    assert {frozenset(one.id for one in group.runs) for group in cohorts(runs)} == {
        frozenset(table.runs[row].id for row in cell.rows)
        for table in [table_of(runs, Settings())]
        for cell in table.cells
    }
