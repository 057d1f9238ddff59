"""What counts of a design is what every leaf stands for, whichever leaves are asked one by one and which are not."""

from hypothesis import given
from hypothesis import strategies as st

from runaudit.factors import builtin
from runaudit.factors.arguments import ROOT
from runaudit.factors.classes import JUDGED_IN_PAIRS, beyond_key, design_key, standing
from runaudit.factors.factor import ABSENT, ChangeClass, Role
from runaudit.factors.identity import identity_of
from runaudit.factors.levels import NOT_DESIGN, PREFIXES, levels
from runaudit.factors.path import steps
from runaudit.factors.tree import leaves_of, same
from runaudit.factors.words import names_a_seed
from runaudit.records.canonical import canonical_bytes
from runaudit.records.digest import digest_bytes
from runaudit.settings import FactorSettings
from tests.diff.samples import both, put, record
from tests.diff.samples import run as recorded
from tests.study.test_agreement import PAIRS

NAMES = sorted(
    {"lr", "width", "seed", "eval", "dir", "args", "metric", "crop_border", "train", "tiles", "device", "a b"}
    | set().union(*(sorted(names)[:4] for names in (
        builtin.PLACE_KEYS, builtin.NAMING_KEYS, builtin.SHORT_NAMING_KEYS, builtin.TIME_KEYS, builtin.HOST_KEYS,
        builtin.TRACKER_KEYS, builtin.EVALUATION_KEYS, builtin.NOT_EVALUATION, builtin.RUN_TABLES,
        builtin.DEVICE_KEYS)))
)  # fmt: skip
VALUES = st.sampled_from([0, 1, 3, 0.5, True, None, "gelu", "cuda:1", "data/train", "testing GeLU", "psnr", "out/1"])
CONFIGS = st.recursive(
    st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6),
    lambda inner: st.dictionaries(st.sampled_from(NAMES), VALUES | inner, max_size=4),
    max_leaves=12,
)
PACKAGES = st.dictionaries(
    st.sampled_from(["torch", "numpy", "runaudit", "a.b", "scikit_learn", "hf-token", "wandb_key", "hostname"]),
    st.sampled_from(["1.0", "2.6.0", "<redacted:k:proven>", "<redacted:k>", 3]),
)  # fmt: skip
POLICIES = st.sampled_from([
    FactorSettings(),
    FactorSettings(nuisance=("config.width", "env.packages.numpy")),
    FactorSettings(aliases={"config.lr": "config.width"}),
    FactorSettings(derived={"config.lr": "config.width * 2", "data.train.tiles": "config.width",
                            "env.packages.numpy": "config.width"}),
])  # fmt: skip


def one_by_one(of, settings):
    """The design's part of the key, of leaves that are each asked what they stand for."""
    counted = {}
    for section, tree in of.tree.items():
        for path, value in () if section in (*NOT_DESIGN, *JUDGED_IN_PAIRS) else leaves_of(tree, section):
            number = isinstance(value, int | float) and steps(path)[2:3] != ("positional",) and not names_a_seed(path)
            stands = standing(path, value, of, settings)
            if (section != ROOT or number) and _counts(stands):
                counted[path] = value if stands.value is ABSENT else stands.value
    return digest_bytes(canonical_bytes(counted)).hex


def beyond_one_by_one(of, settings):
    counted = {}
    for section in (ROOT, *JUDGED_IN_PAIRS):
        for path, value in leaves_of(of.tree.get(section, {}), PREFIXES.get(section, section)):
            stands = standing(path, value, of, settings)
            if _counts(stands) and not (section == ROOT and same(value, of.at("seed"))):
                counted[path] = value if stands.value is ABSENT else stands.value
    return counted


def _counts(stands):
    return stands.kind is ChangeClass.FACTOR and stands.role not in (Role.SEED, Role.STOCHASTIC)


def holds(run, settings):
    of = identity_of(run, settings)
    assert design_key(of.of, of.own_policy) == one_by_one(of.of, of.own_policy)
    assert beyond_key(of.of, of.own_policy) == beyond_one_by_one(of.of, of.own_policy)


@given(st.lists(st.tuples(CONFIGS, PACKAGES, st.integers(0, 3)), min_size=1, max_size=3), POLICIES)
def test_what_counts_of_a_config_is_what_each_of_its_leaves_stands_for(designs, settings):
    for config, packages, seed in designs:
        env = {**record()["env"], "packages": packages, "numpy": "1.0"}
        holds(recorded(both(put("config", config), put("env", env), put("seed", seed))), settings)


def test_what_counts_of_one_run_is_what_each_leaf_stands_for_whatever_is_declared():
    for _, *sides, policy in PAIRS:
        for side in sides:
            holds(recorded(side), FactorSettings(**policy))


def test_a_policy_that_renames_or_sorts_changes_no_tree_of_another():
    run = recorded(put("config", {"lr": 1, "sets": ["b", "a"], "width": 2}))
    plain = levels(run, FactorSettings()).tree
    other = levels(run, FactorSettings(aliases={"config.lr": "config.rate"}, unordered=("config.sets",))).tree
    assert other["config"] == {"rate": 1, "sets": ["a", "b"], "width": 2}
    assert plain["config"] == levels(run, FactorSettings()).tree["config"] == {"lr": 1, "sets": ["b", "a"], "width": 2}
