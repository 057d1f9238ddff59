# ruff: noqa: E501  (a table reads best a row a line)
"""A study of two runs says of them what a comparison says, whatever the pair."""

import json

import pytest

from runaudit.diff import compare, compare_cohorts
from runaudit.errors import RecordError
from runaudit.factors.cohort import cohort_of
from runaudit.factors.levels import levels
from runaudit.records.filenames import tree_fault
from runaudit.settings import FactorSettings, Settings
from runaudit.study.answer import answer
from runaudit.study.leaves import leaves_among
from runaudit.study.study import study
from tests.diff.samples import both, digest, put, run
from tests.diff.test_evidence import ROWS
from tests.diff.test_pairs import CONFOUNDED, INCOMPARABLE, INCOMPLETE, REPLICATE, SINGLE, THREADS

PAIRS = [(f"{row[0]} {row[1]}", row[2], row[3], {}) for row in ROWS]
PAIRS += [
    (pair.name, pair.before, pair.after, pair.policy)
    for pair in (*SINGLE, *REPLICATE, *CONFOUNDED, *INCOMPARABLE, *INCOMPLETE, *THREADS)
]


@pytest.mark.parametrize(("name", "before", "after", "policy"), PAIRS, ids=[row[0] for row in PAIRS])
def test_a_study_agrees_with_the_comparison(name, before, after, policy):
    rules = Settings(factors=FactorSettings(**policy))
    a, b = run(before), run(after)
    if a.id == b.id or not (a.finished and b.finished):
        return  # one run, or one without a result: nothing to study

    said, found = compare(a, b, settings=rules), study([a, b], settings=rules)

    clean = str(said.conditional or said.verdict)
    if not found.pairs:
        assert clean in ("identical", "replicate")
        return
    assert (found.pairs[0].conditional or found.pairs[0].verdict) == clean, (found.pairs[0].factors, said.reason)
    assert found.pairs[0].verdict == str(said.verdict), said.reason


A, B = "<redacted:hmac-0011223344556677{}>", "<redacted:hmac-8899aabbccddeeff{}>"
SECRETS = [
    lambda mark: put("config/hf", mark),
    lambda mark: put("config/a", {"b": {"url": f"https://{mark}@host"}}),
    lambda mark: put("code/files", {"a.py": f"K = '{mark}'\n"}),
    lambda mark: put("code/files", {"run.sh": f"K={mark}\n"}),
    lambda mark: put("code/files", {"a.py": f"# a note\nK = '{mark}'\n"}),
]


@pytest.mark.parametrize("order", range(6))
@pytest.mark.parametrize("place", range(len(SECRETS)))
def test_what_one_record_proves_of_a_secret_is_proven_of_it_in_every_run_of_a_study(place, order):
    marks = [A.format(":proven"), A.format(":masked"), B.format(":proven")]
    runs = [run(both(SECRETS[place](mark), put("seed", (seed + order) % 6)))
            for seed, mark in enumerate((*marks, *marks))]  # fmt: skip

    assert not study(runs, settings=Settings()).table.columns


@pytest.mark.parametrize("place", range(len(SECRETS)))
def test_a_secret_that_no_record_proves_is_a_factor_of_a_study(place):
    marks = [A.format(":masked"), A.format(""), B.format(":masked")]
    runs = [run(both(SECRETS[place](mark), put("seed", seed))) for seed, mark in enumerate(marks)]

    (column,) = study(runs, settings=Settings()).table.columns

    assert len(column.levels) == 2


ODD = [
    ".hidden",
    "a.b",
    "",
    "ключ",
    "[0]",
    "it's",
    'say "x"',
    "a b",
    "..",
    ".",
    "x[1].y",
    "\\",
    "a\nb",
    "/etc/x",
    "-",
    "*",
    "0",
    "a]b",
    "['q']",
]
KEYS = [("config", lambda key, value: {key: value}), ("config", lambda key, value: {"t": {key: {"u": value}}}),
        ("config", lambda key, value: {"rows": [{"name": key, "x": value}]}), ("hyper", lambda key, value: {key: value}),
        ("env/packages", lambda key, value: {key: str(value)}), ("env/variables", lambda key, value: {key: str(value)}),
        ("data", lambda key, value: {key or "d": {"digest": digest(str(value)), key: value}}),
        ("code/files", lambda key, value: {key: f"x = {value}\n"}), ("code/files", lambda key, value: {key + ".py": f"x = {value}\n"}),
        ("eval", lambda key, value: {key: value}), ("init", lambda key, value: {"kind": "random", key: value})]  # fmt: skip


@pytest.mark.parametrize("key", ODD)
@pytest.mark.parametrize("place", range(len(KEYS)))
def test_no_key_is_too_odd_to_be_studied(place, key):
    """Six runs, three a level, as a study of seeds has them; the answer is whole, and agrees on every pair it lists."""
    where, make = KEYS[place]
    if where == "code/files" and tree_fault(dict.fromkeys(make(key, 1), False)):
        with pytest.raises(RecordError, match="name each file by its path within the work tree"):
            run(put(where, make(key, 1)))
        return
    runs = [run(both(put(where, make(key, value)), put("seed", seed))) for value in (1, 2) for seed in (1, 2, 3)]

    found = study(runs, settings=Settings())

    assert answer(found)
    said = compare_cohorts(*(cohort_of(half) for half in (runs[:3], runs[3:])), settings=Settings())
    names = sorted(column.factor for column in found.table.columns)
    assert names == sorted(factor.factor for factor in said.factors)
    assert [str(pair.verdict) for pair in found.pairs] == [str(said.verdict)] * len(found.pairs)


def test_two_tables_that_changed_together_are_aliased():
    stages = [[{"name": "align", "lr": lr}, {"name": "fuse", "lr": lr}] for lr in (1, 2)]
    runs = [run(both(put("config/stages", rows), put("seed", seed))) for rows in stages for seed in (1, 2, 3)]

    found = study(runs, settings=Settings())

    assert found.alias_sets == (("config.stages[align].lr", "config.stages[fuse].lr"),)


@pytest.mark.parametrize(
    ("first", "second", "factors"),
    [
        ([{"name": "a", "lr": 1}, {"name": "b", "lr": 1}], [{"name": "a", "lr": 2}, {"name": "b", "lr": 1}], ["config.stages[a].lr"]),
        ([{"name": "a", "lr": 1}], [{"name": "a", "lr": 1}, {"name": "b", "lr": 1}], ["config.stages"]),
        ([{"name": "a", "lr": 1}, {"name": "b", "lr": 1}], [{"name": "b", "lr": 1}, {"name": "a", "lr": 1}], ["config.stages"]),
        ([{"name": "a", "lr": 1}], [{"lr": 1}], ["config.stages"]),
        ([{"name": "a", "lr": 1}], [1, 2], ["config.stages"]),
        ([{"name": "a", "lr": 1, "w": 1}], [{"name": "a", "lr": 2, "w": 2}], ["config.stages[a].lr", "config.stages[a].w"]),
    ],
)  # fmt: skip
def test_named_tables_are_the_factors_that_a_comparison_finds(first, second, factors):
    a, b = run(put("config/stages", first)), run(put("config/stages", second))

    found, said = study([a, b], settings=Settings()), compare(a, b, settings=Settings())

    assert [column.factor for column in found.table.columns] == factors
    assert [factor.factor for factor in said.factors] == factors
    assert "\\u0000" not in json.dumps(answer(found)) + json.dumps(said.to_json())


RULES = FactorSettings()


def scripted(program, **files):
    """The record of a tracker that names the script and, it may be, what of the code it saw."""
    known = {"files": {name.replace("_py", ".py"): text for name, text in files.items()}} if files else {}
    code = {"commit": "c" * 40, "program": program, **known}
    return run(put("code", code))


@pytest.mark.parametrize(
    ("first", "second", "factors"),
    [
        # Two scripts of one commit, of which nothing else is known.
        (scripted("exp/a/train.py"), scripted("exp/b/train.py"), ["code.program"]),
        # Two that both records hold: it is the other one that ran.
        (scripted("a.py", a_py="x = 1", b_py="x = 2"), scripted("b.py", a_py="x = 1", b_py="x = 2"), ["code.program"]),
        # One that was renamed, or edited besides: its file says it.
        (scripted("a.py", a_py="x = 1"), scripted("b.py", b_py="x = 1"), ["code.a.py"]),
        # The same script, of which another file was edited.
        (scripted("a.py", a_py="x = 1", c_py="y = 1"), scripted("a.py", a_py="x = 1", c_py="y = 2"), ["code.c.py"]),
    ],
)
def test_the_script_that_ran_is_a_factor_of_a_study_as_of_a_comparison(first, second, factors):
    compared, found = compare(first, second, settings=Settings()), study([first, second], settings=Settings())

    assert len(compared.treatments) == len(factors)
    assert [column.factor for column in found.model.columns] == factors


def test_three_scripts_of_which_two_share_a_file_are_told_apart_by_name():
    """The files part the first from the others, and only the name parts those."""
    runs = [scripted("a.py", a_py="x = 1"), scripted("b.py", b_py="x = 1", c_py="x = 2"),
            scripted("c.py", b_py="x = 1", c_py="x = 2")]  # fmt: skip

    assert "code.program" in [leaf.path for leaf in leaves_among([levels(r, RULES) for r in runs], RULES).varying]


def test_options_that_only_one_command_line_has_are_chosen_one_by_one():
    """`t.py` against `t.py --momentum 0.9 --wd 0.1`: a table of settings may come as one thing, options never do."""
    plain, longer = run(), run(put("config/args", {"momentum": 0.9, "wd": 0.1}))

    compared = compare(plain, longer, settings=Settings())

    assert [factor.factor for factor in compared.treatments] == ["config.args.momentum", "config.args.wd"]
    assert study([plain, longer], settings=Settings()).pairs[0].verdict == str(compared.verdict) == "confounded"
