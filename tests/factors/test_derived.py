"""The language of derived rules: arithmetic over dotted paths, and nothing that could do anything else."""

import pytest

from runaudit.errors import ConfigError
from runaudit.factors.derived import MAX_RULE_CHARS, check_rule, evaluate, in_a_circle, parsed, references
from runaudit.factors.path import lookup

TREE = {
    "config": {"batch": 8, "accum": 2, "staging": "staged", "a.b": 3, "lr": 0.1, "on": True, "list": [4, 5],
               "stages": {"\0sr": {"steps": 450}}},
    "data": {"train": {"tiles": 675}},
}  # fmt: skip


def value(rule):
    return evaluate(parsed(rule, "x"), lambda path: lookup(TREE, path))


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("floor(data.train.tiles/(config.batch*config.accum))", 42),  # 675 / 16 = 42.19
        ("ceil(data.train.tiles/16)", 43),
        ("config.batch if config.staging == 'staged' else 0", 8),
        ("config.batch if config.staging == 'end_to_end' else 0", 0),
        ("config['a.b'] + 1", 4),
        ("config.list[1]", 5),
        ("config.stages[sr].steps", 450),
        ("max(1, config.batch // 3)", 2),
        ("min(config.batch, config.accum)", 2),
        ("round(config.lr * 3, 3)", 0.3),
        ("-config.batch % 3", 1),
        ("2 ** 10", 1024),
        ("1 < config.accum < 8", True),
        ("config.batch > 4 and config.accum > 4", False),
        ("not config.on or 7", 7),
    ],
)
def test_a_rule_computes(rule, expected):
    assert value(rule) == expected


@pytest.mark.parametrize(
    "rule",
    [
        "__import__('os').system('true')",
        "open('/etc/passwd')",
        "config.batch.__class__()",
        "(lambda: 1)()",
        "[x for x in (1, 2)]",
        "{1: 2}",
        "f'{config.batch}'",
        "config.batch @ 2",
        "config.batch & 1",
        "config.batch << 4000",
        "abs(config.batch)",
        "min(*config.list)",
        "max(config.batch, key=1)",
        "config.a in config.b",
        "(x := 1)",
        "config[config.batch + 1]",
        "1 +",
        "",
        "b'x'",
        "1j",
        "1" + "+1" * MAX_RULE_CHARS,
    ],
)
def test_what_is_not_arithmetic_is_refused_in_one_line(rule):
    with pytest.raises(ConfigError) as refused:
        parsed(rule, "config.x")
    assert "config.x" in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "rule",
    ["9 ** 9 ** 9", "10 ** 60 ** 2", "1 / 0", "config.absent + 1", "config.staging * 3", "config.on + 1",
     "(0 - 8) ** 0.5",
     "floor(1e308 * 10)",
     "1e300 * 1e300 * 10", " * ".join(["10**64"] * 6)],
)  # fmt: skip
def test_a_rule_that_cannot_be_computed_is_broken_and_says_so(rule):
    found = check_rule("config.x", rule, 1, lambda path: lookup(TREE, path))

    assert not found.holds and "rule" in found.why


def test_the_last_bits_of_a_float_break_no_rule():
    """0.1 * 3 is 0.30000000000000004."""
    assert check_rule("config.x", "config.lr * 3", 0.3, lambda path: lookup(TREE, path)).holds
    assert not check_rule("config.x", "config.lr * 3", 0.3001, lambda path: lookup(TREE, path)).holds


def test_true_does_not_satisfy_a_rule_that_gives_one():
    assert not check_rule("config.x", "config.accum - 1", True, lambda path: lookup(TREE, path)).holds


def test_circles_are_found_at_any_length():
    rules = {"config.a": "config.b + 1", "config.b": "config.c", "config.c": "config.a - 1", "config.d": "config.a"}

    assert all(in_a_circle(name, rules) for name in ("config.a", "config.b", "config.c"))
    assert not in_a_circle("config.d", rules)


def test_a_rule_says_what_it_reads():
    assert references("config.x if config['a.b'] > 2 else floor(data.train.tiles)", "y") == {
        "config.x", "config['a.b']", "data.train.tiles"
    }  # fmt: skip
