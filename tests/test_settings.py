"""A policy is understood whole or refused: a misspelt key must not turn into a wrong verdict."""

import os

import pytest

from runaudit.errors import ConfigError
from runaudit.settings import load_settings, parse_settings, read_settings


def write(tmp_path, text, name="runaudit.toml"):
    (tmp_path / name).write_text(text)
    return tmp_path / name


def test_a_policy_is_read_from_beside_the_store(tmp_path):
    write(tmp_path, '[factors]\nnuisance = ["config.out"]\n[factors.derived]\n"config.n" = "config.a*2"\n')
    settings = load_settings(tmp_path / ".runaudit")
    assert settings.factors.nuisance == ("config.out",)
    assert settings.factors.derived["config.n"] == "config.a*2"


def test_pyproject_counts_only_when_it_speaks_of_runaudit(tmp_path):
    write(tmp_path, "[project]\nname = 'x'\n", "pyproject.toml")
    assert load_settings(tmp_path / ".runaudit").source is None
    write(tmp_path, "[tool.runaudit.guard]\nrequire = ['label']\n", "pyproject.toml")
    assert load_settings(tmp_path / ".runaudit").guard.require == ("label",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[factors]\nnuisanse = []\n", "did you mean 'nuisance'"),
        ("[factors]\nnuisance = 'config.out'\n", "not a list of strings"),
        ("[factors.derived]\na = 3\n", "not a table of strings"),
        ("[factors.aliases]\na = 'b'\nb = 'a'\n", "circle"),
        ("[guard]\nmax_file_mb = -1\n", "positive number"),
        ("[guard]\nrequire = ['nosuch']\n", "unknown section 'nosuch'; known are label, seed"),
        ("[guard]\nrequire = ['sede']\n", "did you mean 'seed'"),
        ("[guard]\nrequire = ['evl.metric']\n", "did you mean 'eval'"),
        ("[stats]\nalpha = 0.9\n", "outside"),
        ("[stats]\npaired = 1\n", "true or false"),
        ("[stats]\nbest_of = 0\n", "best of"),
        ("factors = 3\n", "not a table"),
        ("[factors\n", "not TOML"),
    ],
)
def test_what_is_not_understood_is_refused_in_one_line(tmp_path, text, words):
    with pytest.raises(ConfigError) as caught:
        read_settings(write(tmp_path, text))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value).strip()


def test_a_named_policy_that_is_missing_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path / ".runaudit", named=tmp_path / "none.toml")


@pytest.mark.parametrize("name", ["runaudit.toml", "pyproject.toml"])
@pytest.mark.parametrize("put", [lambda p: p.symlink_to("nowhere"), lambda p: p.mkdir(), os.mkfifo,
                                 lambda p: p.symlink_to("/dev/zero")])  # fmt: skip
def test_a_policy_that_is_found_and_cannot_be_read_is_refused_like_one_that_is_named(tmp_path, put, name):
    put(tmp_path / name)

    for named in (None, tmp_path / name):
        with pytest.raises(ConfigError, match=f"the policy .*{name} cannot be read"):
            load_settings(tmp_path / ".runaudit", named=named)


def test_rules_are_switched_off_and_tuned(tmp_path):
    found = parse_settings({"rules": {"off": ["plateau"], "RA403": {"sigma": 6}}}).rules

    assert (found.off, found.limits["RA403"]["sigma"]) == (("plateau",), 6.0)


@pytest.mark.parametrize("rules", [{"RA403": 6}, {"RA403": {"sigma": "six"}}, {"off": "plateau"}])
def test_a_table_of_rules_that_is_none_is_refused(rules):
    with pytest.raises(ConfigError, match="rules"):
        parse_settings({"rules": rules})
