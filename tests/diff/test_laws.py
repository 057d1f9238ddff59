"""Laws that hold for any two records, whatever they contain."""

import copy
import math

from hypothesis import given, settings
from hypothesis import strategies as st

from runaudit.diff import Verdict, compare
from runaudit.factors.factor import SEED_ROLES, ChangeClass
from runaudit.factors.identity import identity_of
from runaudit.factors.levels import levels
from runaudit.factors.tree import differences
from runaudit.records.canonical import canonical_equal
from runaudit.records.manifest import DESIGN_SECTIONS
from runaudit.records.record_file import record_of, run_of
from runaudit.settings import FactorSettings, Settings
from tests.diff.samples import digest, record

POLICY = Settings()
law = settings(max_examples=30, deadline=None)
keys = st.text(
    st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=("Cs",)), min_size=1, max_size=4
)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.floats(allow_nan=True), st.sampled_from(["a", "1", "1e-4", ""])
)
trees = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(keys, inner, max_size=3),
        st.lists(st.fixed_dictionaries({"name": keys, "x": scalars}), max_size=2),
    ),
    max_leaves=8,
)
configs = st.dictionaries(
    st.sampled_from(["lr", "model", "a.b", "seed", "scheduler", "batch_size", "x"]), trees, max_size=4
)
sources = st.sampled_from(["x = 1\n", "x = 1  # why\n", "x = 2\n", "def f(:\n", '"""Doc."""\nx = 1\n'])


@st.composite
def records(draw):
    """A whole record with some of its sections drawn anew, and some leaves dropped."""
    plain = record()
    plain["config"] = draw(configs)
    plain["seed"] = draw(st.sampled_from([1, 2, None]))
    plain["code"]["files"]["src/train.py"] = draw(sources)
    plain["data"]["train"]["digest"] = digest(draw(st.sampled_from("ab")))
    plain["data"]["test"]["digest"] = digest(draw(st.sampled_from("aab")))
    plain["env"]["torch"] = draw(st.sampled_from(["2.6.0", "2.7.0"]))
    plain["eval"]["crop_border"] = draw(st.sampled_from([9, 9, 3]))
    plain["runtime"]["status"] = draw(st.sampled_from(["completed"] * 3 + ["crashed"]))
    for path in draw(st.lists(st.sampled_from(["seed", "env", "init", "eval", "data"]), max_size=1)):
        plain.pop(path)
    return plain


def shuffled(value):
    if isinstance(value, dict):
        return {key: shuffled(value[key]) for key in reversed(value)}
    return value


def pair(a, b):
    return compare(run_of(a, where="a"), run_of(b, where="b"), settings=POLICY)


def design_digest(run):
    return identity_of(run, FactorSettings()).digest


@law
@given(records(), records())
def test_the_verdict_is_symmetric(a, b):
    there, back = pair(a, b), pair(b, a)

    assert (there.verdict, there.conditional) == (back.verdict, back.conditional)
    assert {(m.factor, {"a": "b", "b": "a"}.get(m.side, m.side)) for m in there.missing} == {
        (m.factor, m.side) for m in back.missing
    }


@law
@given(records(), records())
def test_key_order_changes_nothing(a, b):
    assert pair(a, b).to_json() == pair(shuffled(a), shuffled(b)).to_json()


@law
@given(records())
def test_a_run_is_identical_to_itself_or_lacks_provenance(a):
    found = pair(a, copy.deepcopy(a))

    assert not (found.factors or found.derived or found.nuisance or found.cosmetic)
    if a["runtime"]["status"] == "completed":
        assert found.verdict is (Verdict.PROVENANCE_INCOMPLETE if found.missing else Verdict.IDENTICAL)
        assert found.conditional in (None, Verdict.IDENTICAL)


@law
@given(records(), records())
def test_every_changed_leaf_is_in_exactly_one_class(a, b):
    found = pair(a, b)
    left, right = (levels(run_of(side, where="record"), FactorSettings()) for side in (a, b))

    listed = [
        *(member.path for factor in found.factors for member in factor.members),
        *(row.factor for row in found.derived),
        *(change.path for change in (*found.nuisance, *found.cosmetic)),
    ]
    assert len(listed) == len(set(listed))
    for section in ("config", "data", "env", "init", "eval", "seed"):
        if section in left.tree and section in right.tree:
            for path, _, _ in differences(left.tree[section], right.tree[section], section):
                assert path in listed


@law
@given(records(), records())
def test_the_design_digests_agree_where_the_diff_is_empty_and_only_where_no_factor_but_a_seed_differs(a, b):
    left, right = run_of(a, where="a"), run_of(b, where="b")
    found = pair(a, b)
    design = [
        path
        for path in (
            *(member.path for factor in found.factors for member in factor.members),
            *(row.factor for row in found.derived),
            *(change.path for change in (*found.nuisance, *found.cosmetic)),
        )
        if path.split(".")[0].split("[")[0] in DESIGN_SECTIONS
    ]
    one_sided = [row for row in found.missing if row.side != "both"]

    agree = design_digest(left) == design_digest(right)
    assert agree or design or one_sided
    assert not agree or all(factor.role in SEED_ROLES for factor in found.factors)


@law
@given(records(), records(), st.sampled_from([("output_dir", "out/7"), ("run_name", "another"), ("hostname", "ada"),
       ("timestamp", "2025-11-01T00:00:00Z"), ("wandb_project", "p")]))  # fmt: skip
def test_adding_a_nuisance_never_changes_the_verdict(a, b, leaf):
    """What the record shows to be the run's own name, place, start or host."""
    before = pair(a, b)
    changed = copy.deepcopy(b)
    changed.setdefault("config", {})[leaf[0]] = leaf[1]
    changed["label"] = "another"
    changed["runtime"]["hostname"] = "elsewhere"

    after = pair(a, changed)

    assert (after.verdict, after.conditional) == (before.verdict, before.conditional)


@law
@given(records(), records(), st.sampled_from([("zz", 1), ("yy", "relu"), ("ww", None), ("vv", {"a": 1})]))
def test_adding_a_factor_never_moves_the_verdict_towards_clean(a, b, leaf):
    before = pair(a, b)
    changed = copy.deepcopy(b)
    changed.setdefault("config", {})[leaf[0]] = leaf[1]

    after = pair(a, changed)

    assert after.verdict.rank <= before.verdict.rank
    assert (after.conditional or after.verdict).rank <= (before.conditional or before.verdict).rank


@law
@given(records(), records(), st.sampled_from(["seed", "env", "eval", "init", "data", "code"]))
def test_removing_a_section_never_gives_a_clean_verdict(a, b, section):
    changed = copy.deepcopy(b)
    changed.pop(section, None)
    if section == "seed":
        changed["config"].pop("seed", None)

    assert pair(a, changed).verdict.rank <= Verdict.PROVENANCE_INCOMPLETE.rank


@law
@given(trees, trees)
def test_the_walk_finds_nothing_exactly_where_the_canonical_forms_agree(a, b):
    assert (not list(differences(a, b, "x"))) == canonical_equal(a, b)
    assert not list(differences(a, copy.deepcopy(a), "x"))


@law
@given(records())
def test_a_record_survives_the_way_out_and_in(a):
    """`show --json` gives a record that, read again, is the same design."""
    run = run_of(a, where="a")

    again = run_of(record_of(run), where="again")

    assert design_digest(again) == design_digest(run)
    assert again.status == run.status
    found = compare(run, again, settings=POLICY)
    assert {ChangeClass.NUISANCE} >= {change.kind for change in found.nuisance}
    assert not found.factors and not found.cosmetic


def test_nan_is_equal_to_itself_and_to_nothing_else():
    assert not list(differences({"x": math.nan}, {"x": float("nan")}, "c"))
    assert [path for path, _, _ in differences({"x": math.nan}, {"x": 0.0}, "c")] == ["c.x"]
