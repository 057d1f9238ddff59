"""What becomes a column of a study, and what does not: the rules of a comparison, over many runs."""

import random

from runaudit.factors.factor import Role
from runaudit.settings import FactorSettings, Settings
from runaudit.study.leaf import UNKNOWN
from runaudit.study.table import table_of
from tests.study.samples import WHOLE, run, runs

BASE = {"lr": 0.1, "act": "relu", "batch_size": 8, "grad_accum": 2}


def columns(found, **policy):
    table = table_of(found, Settings(factors=FactorSettings(**policy)))
    return {column.factor: column for column in table.columns}


def env(**changes):
    return {**WHOLE["env"], **changes}


def code(text, path="train.py", **more):
    return {"commit": "a" * 40, "dirty": False, "patch": None, "files": {path: text}, **more}


def test_equal_numbers_are_one_level_and_truth_is_not_one():
    found = columns([run({**BASE, "lr": value}) for value in (1, 1.0, True, "1")])

    assert found["config.lr"].levels == (True, 1, "1")
    assert sorted(found["config.lr"].codes) == [0, 1, 1, 2]


def test_levels_are_in_the_order_of_their_size():
    assert columns([run({**BASE, "lr": v}) for v in (0.3, 1e-4, None, 2)])["config.lr"].levels == (None, 1e-4, 0.3, 2)


def test_seeds_are_replicates_and_no_columns():
    found = [run({**BASE, "split": {"seed": n}}, seed=n) for n in (1, 2)]
    table = table_of(found, Settings())

    assert table.columns == ()
    assert table.reseeded(0, 1)
    assert len(table.cells) == 1


def test_a_declared_nuisance_and_what_follows_its_rule_are_no_columns():
    rows = [{**BASE, "lr": lr, "twice": 2 * lr, "tag": str(lr)} for lr in (0.1, 0.2)]

    found = columns([run(r) for r in rows], nuisance=("config.tag",), derived={"config.twice": "2 * config.lr"})

    assert list(found) == ["config.lr"]


def test_a_leaf_that_breaks_its_rule_in_one_run_is_a_column_of_two_levels():
    rows = [{**BASE, "lr": 0.1, "twice": 0.2}, {**BASE, "lr": 0.2, "twice": 0.4}, {**BASE, "lr": 0.3, "twice": 9}]

    found = columns([run(row) for row in rows], derived={"config.twice": "2 * config.lr"})

    assert len(found["config.twice"].levels) == 2
    assert sorted(found["config.twice"].codes) == [0, 1, 1] or sorted(found["config.twice"].codes) == [0, 0, 1]


def test_an_alias_is_its_leaf():
    found = columns([run({"lr": 0.1}), run({"learning_rate": 0.1})], aliases={"config.learning_rate": "config.lr"})

    assert found == {}


def test_comments_make_no_level_and_programs_do():
    texts = ("x = 1\n", "x = 1  # the same\n", "x = 2\n")

    found = columns([run(BASE, code=code(text)) for text in texts])

    assert list(found) == ["code.train.py"]
    assert sorted(found["code.train.py"].codes) in ([0, 0, 1], [0, 1, 1])


def test_a_file_that_no_run_loaded_is_no_column():
    idle = [run(BASE, code=code(text), outcome_code={"loaded": ["main.py"]}) for text in ("x = 1\n", "x = 2\n")]

    assert columns(idle) == {}


def test_where_trees_are_unknown_the_commit_stands_for_them():
    found = columns([run(BASE, code={"commit": letter * 40, "dirty": False, "patch": None}) for letter in "ab"])

    assert list(found) == ["code.commit"]


def test_the_facts_of_a_data_set_are_one_column():
    data = [
        {"train": {"path": "/d", "digest": "sha256:" + letter * 64, "tiles": n}} for letter, n in (("a", 1), ("b", 2))
    ]

    assert list(columns([run(BASE, data=entry) for entry in data])) == ["data.train"]


def test_a_new_container_is_one_column_and_a_part_that_varies_alone_is_its_own():
    old, new = env(), env(torch="2.7.0", cuda="12.8", cudnn="9.5")

    assert list(columns([run(BASE, env=old), run(BASE, env=new)])) == ["env.software"]

    partly = columns([run(BASE, env=old), run(BASE, env=new), run(BASE, env=env(torch="2.7.0"))])
    assert list(partly) == ["env.software", "env.torch"]


def test_an_effective_batch_split_otherwise_is_one_column():
    rows = [BASE, {**BASE, "batch_size": 4, "grad_accum": 4}]

    assert list(columns([run(row) for row in rows])) == ["config.effective_batch_decomposition"]


def test_a_declared_group_is_one_column():
    rows = [{**BASE, "warmup": w, "decay": w / 10} for w in (1, 2, 3)]

    found = columns([run(row) for row in rows], groups={"config.curve": ("config.warmup", "config.decay")})

    assert list(found) == ["config.curve"]
    assert found["config.curve"].levels[0] == {"config.decay": 0.1, "config.warmup": 1}


def test_a_table_that_some_runs_lack_is_one_column():
    rows = [BASE, {**BASE, "aug": {"flip": True, "p": 0.5}}, {**BASE, "aug": {"flip": True, "p": 0.7}}]

    found = columns([run(row) for row in rows])

    assert list(found) == ["config.aug"]
    assert len(found["config.aug"].levels) == 3


def test_the_evaluation_bears_its_role():
    found = columns([run(BASE, eval={**WHOLE["eval"], "crop_border": border}) for border in (0, 9)])

    assert found["eval.crop_border"].role is Role.EVALUATION


def test_what_is_unknown_in_one_run_is_a_gap_and_no_level_of_a_column_that_never_varied():
    partial = {key: value for key, value in WHOLE["env"].items() if key != "torch"}
    table = table_of([run(BASE), run(BASE, env=partial)], Settings())

    assert table.columns == ()
    assert {path: len(rows) for path, (rows, _) in table.missing.items()} == {"env.torch": 1}


def test_what_varies_and_is_unknown_in_one_run_has_a_level_for_it():
    partial = {key: value for key, value in WHOLE["env"].items() if key != "gpu_count"}
    found = columns([run(BASE, env=env(gpu_count=1)), run(BASE, env=env(gpu_count=2)), run(BASE, env=partial)])

    assert found["env.gpu_count"].levels == (1, 2, UNKNOWN)


def test_what_never_varied_is_named_once():
    table = table_of(runs([BASE, {**BASE, "lr": 0.2}]), Settings())

    assert {"seed", "code", "config.act", "env.packages", "data.train", "eval.protocol"} <= set(table.never_varied)
    assert "config.lr" not in table.never_varied


def test_what_varied_in_one_package_is_not_said_to_have_never_varied():
    """`env.variables` stood among what never varied, above the variable that did."""
    found = [run(BASE, env=env(packages={"numpy": "2.0.1", "torch": version})) for version in ("2.5.0", "2.6.0")]
    table = table_of(found, Settings())

    assert [column.factor for column in table.columns] == ["env.packages.torch"]
    assert "env.packages" not in table.never_varied


def test_the_order_of_runs_changes_nothing():
    found = [run({**BASE, "lr": lr, "act": act}, seed=seed) for lr in (1, 2) for act in "ab" for seed in (1, 2)]
    shuffled = random.Random(1).sample(found, len(found))

    one, other = table_of(found, Settings()), table_of(shuffled, Settings())

    assert one == other
    assert [r.id for r in one.runs] == [r.id for r in other.runs]


def test_a_run_named_twice_counts_once():
    assert len(table_of([run(BASE), run(BASE)], Settings()).runs) == 1


def test_an_empty_table_has_the_keys_of_others_as_absent():
    found = columns([run({}), run({"lr": 1, "opt": {}}), run({"lr": 1, "opt": {"beta": 1}})])

    assert list(found) == ["config.lr", "config.opt"]
    assert [repr(level) for level in found["config.lr"].levels] == ["absent", "1"]
    assert len(found["config.opt"].levels) == 3


def test_what_follows_from_a_nuisance_alone_is_a_factor():
    rows = [{"tag": tag, "twice": 2 * tag} for tag in (1, 2)]

    found = columns([run(row) for row in rows], nuisance=("config.tag",), derived={"config.twice": "2 * config.tag"})

    assert list(found) == ["config.twice"]


def test_rules_that_every_run_sealed_hold():
    rows = [{"lr": lr, "twice": 2 * lr} for lr in (0.1, 0.2)]
    sealed = {"derived": {"config.twice": "2 * config.lr"}}

    assert list(columns([run(row, policy=sealed) for row in rows])) == ["config.lr"]
    assert list(columns([run(row, policy=sealed) if i else run(row) for i, row in enumerate(rows)])) == [
        "config.lr",
        "config.twice",
    ]


def test_what_follows_from_the_seed_is_no_factor():
    rows = [({"seed": seed, "data_seed": seed + 1, "lr": seed}, seed) for seed in (1, 2)]

    found = columns([run(row, seed=seed) for row, seed in rows], derived={"config.data_seed": "config.seed + 1"})

    assert list(found) == ["config.lr"]
