"""Two config files that are equal to YAML 1.1 alone, or to YAML 1.2 alone, are not known to be one config."""

from dataclasses import replace

import pytest

from runaudit.diff import compare
from runaudit.factors.identity import identity_of
from runaudit.records.manifest import Manifest
from runaudit.records.yamlfile import parse_yaml
from runaudit.settings import FactorSettings, Settings
from tests.study.samples import WHOLE, run

TWO_WAYS = [
    ("010", "8"), ("-017", "-15"), ("yes", "true"), ("on", "true"), ("yes", "on"), ("No", "false"), ("off", "false"),
    ("1_000", "1000"), ("1_0.5", "10.5"), ("1:30", "90"), ("1:30.5", "90.5"), ("0b11", "3"),
    ("2020-01-01", '"2020-01-01"'), ("[1, {w: 010}]", "[1, {w: 8}]"),
    ("1e-3", "0.001"), ("1.0e-3", "1e-3"), ("1", "1.0"), ("[2, 3]", "[2.0, 3]"), ("1e3", "1000"),
]  # fmt: skip
ONE_WAY = [
    ("1.0e-3", "0.001"), ("1e-3", "1e-3 # the same"), ("1.50", "1.5"), ("true", "True"),
    ("null", "~"), ("null", ""), ('"yes"', "'yes'"),
    ('"010"', "'010'"), ("0x10", "16"), ("010", "0010"), ("yes", "yes # on"), ("+8", "8"), (".5", "0.5"),
    (".inf", ".Inf"), ("adam", '"adam"'), ("[1, 2]", "[ 1,2 ]"), ("!!str 010", '"010"'), ("1_000", "1_000  "),
]  # fmt: skip


def read_from(text, path="c.yaml", lr=0.1):
    """A run whose config was read from a file beside its program, which is given it by name."""
    config = {**parse_yaml(text.encode(), where=path), "lr": lr}
    code = {**WHOLE["code"], "files": {"train.py": "x = 1\n", path: text}}
    made = run(config, code=code, label="one")
    launch = {"argv": ["python", "train.py", path], "config_files": [path]}
    return replace(made, manifest=Manifest.of({**made.manifest.to_json(), "launch": launch}))


def judged(a, b):
    found = compare(a, b, settings=Settings())
    return str(found.verdict), [row.factor for row in found.treatments]


@pytest.mark.parametrize(("one", "other"), [*TWO_WAYS, *[pair[::-1] for pair in TWO_WAYS]])
@pytest.mark.parametrize("path", ["c.yaml", "d.yml"])
def test_what_is_equal_to_one_schema_alone_is_a_factor_also_beside_another(one, other, path):
    a, b = read_from(f"w: {one}\n"), read_from(f"w: {other}\n", path)

    assert judged(a, b)[1] == list(dict.fromkeys(["code.c.yaml", f"code.{path}"]))
    assert judged(a, read_from(f"w: {other}\n", path, lr=0.2))[0] == "confounded"
    assert not identity_of(a, FactorSettings()).matches(identity_of(b, FactorSettings()))


@pytest.mark.parametrize(("one", "other"), [*ONE_WAY, *[pair[::-1] for pair in ONE_WAY]])
@pytest.mark.parametrize("path", ["c.yaml", "d.yml"])
def test_what_is_equal_to_both_is_the_config_and_no_factor(one, other, path):
    a, b = read_from(f"w: {one}\nb: 010\n"), read_from(f"w: {other}\nb: 010\n", path)

    assert judged(a, b) == ("identical", [])
    assert judged(a, read_from(f"w: {other}\nb: 010\n", path, lr=0.2)) == ("single_factor", ["config.lr"])
    assert identity_of(a, FactorSettings()).matches(identity_of(b, FactorSettings()))


@pytest.mark.parametrize(("path", "form"), [("c.json", '{"w": %s, "b": 2}'), ("c.toml", "w = %s\nb = 2\n")])
def test_a_whole_number_and_a_real_one_are_two_in_other_files_too(path, form):
    sides = []
    for value, lr in (("1", 0.1), ("1.0", 0.2)):
        made = run({"w": 1, "b": 2, "lr": lr}, label="one",
                   code={**WHOLE["code"], "files": {"train.py": "x = 1\n", path: form % value}})  # fmt: skip
        launch = {"argv": ["python", "train.py", path], "config_files": [path]}
        sides.append(replace(made, manifest=Manifest.of({**made.manifest.to_json(), "launch": launch})))

    verdict, factors = judged(*sides)
    assert (verdict, sorted(factors)) == ("confounded", [f"code.{path}", "config.lr"])


def test_a_setting_that_differs_to_both_is_one_factor_however_it_is_written():
    assert judged(read_from("w: 010\n"), read_from("w: 20\n")) == ("single_factor", ["config.w"])
    assert judged(read_from("w: yes\n"), read_from("w: no\n")) == ("single_factor", ["config.w"])


def test_a_word_that_names_another_file_beside_it_is_the_factor():
    files = {"train.py": "x = 1\n", "c.yaml": "w: 010\n", "d.yaml": "w: 8\n", "e.yaml": "w: 8 # eight\n"}
    sides = {}
    for path in ("c.yaml", "d.yaml", "e.yaml"):
        made = run({"w": 8}, code={**WHOLE["code"], "files": files}, label="one")
        launch = {"argv": ["python", "train.py", path], "config_files": [path]}
        body = {**made.manifest.to_json(), "launch": launch, "origin": {"kind": "captured"}}
        sides[path] = replace(made, manifest=Manifest.of(body))

    assert judged(sides["c.yaml"], sides["d.yaml"])[1] == ["config.args.positional.1"]
    assert judged(sides["d.yaml"], sides["e.yaml"])[1] == []


def test_a_name_counts_like_a_value_and_the_reason_is_told():
    assert judged(read_from("010: 1\n"), read_from("8: 1\n"))[1] == ["code.c.yaml"]
    (told,) = compare(read_from("w: 010\n"), read_from("w: 8\n"), settings=Settings()).treatments
    assert "w is '010' and '8', equal to one reader and not to another" in told.summary
