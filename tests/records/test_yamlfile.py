"""Laws of reading YAML: a number is a number, a key stands once, and a small file stays small."""

import pytest

from runaudit.capture.config import config_file
from runaudit.errors import ConfigError, RecordError
from runaudit.factors.source import settings_in
from runaudit.records.yamlfile import parse_yaml


def read(text, **more):
    return parse_yaml(text.encode(), where="here", **more)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-05", 1e-05),
        ("'1e-05'", "1e-05"),
        ("1E5", 1e5),
        ("-1.5e+3", -1500.0),
        ("1.5e3", 1500.0),
        (".5e3", 500.0),
        ("1e-0x", "1e-0x"),
        ("e5", "e5"),
        ("12", 12),
        ("1e", "1e"),
        (".inf", float("inf")),
    ],
)
def test_a_number_in_yaml_is_what_a_json_writer_meant(text, value):
    found = parse_yaml(f"x: {text}\n".encode(), where="here")["x"]

    assert found == value
    assert type(found) is type(value)


def test_every_reader_reads_the_same(tmp_path):
    text = "lr: 1e-05\nwhen: 2026-01-02\nsteps: {1: a, 0.5: b}\nname: '1e-05'\n"
    (tmp_path / "c.yaml").write_text(text)

    found = read(text)

    assert found == {"lr": 1e-05, "when": "2026-01-02", "steps": {"1": "a", "0.5": "b"}, "name": "1e-05"}
    assert config_file(tmp_path / "c.yaml") == found
    assert settings_in("c.yaml", text) == found


def test_a_key_keeps_the_text_that_it_is_written_with():
    """Factors are named by their keys: `1e-3` was `1e-3` in every record so far."""
    assert read("{1e-3: slow, 1E5: fast}") == {"1e-3": "slow", "1E5": "fast"}


@pytest.mark.parametrize("text", ["a: 1\nb: 2\na: 1\n", "x: {a: 1, 'a': 2}", "a: 1\n? a\n: 2\n"])
def test_a_key_that_stands_twice_is_refused_with_its_line(text, tmp_path):
    with pytest.raises(RecordError, match=r"here is not YAML at line \d: the key 'a' occurs twice"):
        read(text)

    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(ConfigError, match="'a' occurs twice"):
        config_file(tmp_path / "c.yaml")


def test_a_merged_key_may_be_written_over():
    text = "top:\n  inner: &b\n    <<: {x: 2, y: 3}\n    x: 1\nc:\n  <<: *b\n  y: 4\n"

    assert read(text) == {"top": {"inner": {"x": 1, "y": 3}}, "c": {"x": 1, "y": 4}}


@pytest.mark.parametrize("text", ["{true: 1}", "{null: 1}", "{.nan: 1}", "{? [1] : 1}", "{1: a, '1': b}"])
def test_a_key_that_is_no_name_is_refused(text):
    with pytest.raises(RecordError) as refusal:
        read(text)

    assert "\n" not in str(refusal.value)


def levels(first, line):
    return "\n".join([first, *(f"a{i}: &a{i} {line.format(','.join([f'*a{i - 1}'] * 9))}" for i in range(1, 9))])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (levels("a0: &a0 [x,x,x,x,x,x,x,x,x]", "[{}]"), "unfolds into more than 1000000 values"),
        (levels("a0: &a0 {x: 1, y: 2, z: 3}", "{{<<: [{}]}}"), "merges unfold"),
        ("a: &a [1]\nb: [" + ",".join(["*a"] * 2000) + "]", "more than 1000 aliases"),
        ("a: &a [*a]", "nested|aliases"),
        ("[" * 5000 + "]" * 5000, "nested"),
    ],
    ids=["values", "merges", "aliases", "itself", "depth"],
)
def test_a_small_file_that_grows_large_is_refused_with_one_line(text, message):
    with pytest.raises(RecordError, match=message) as refusal:
        read(text)

    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("text", ["a: !!python/object/apply:os.system ['true']", "a: !!binary aGk=", "a: [", "\ta: 1"])
def test_what_is_no_plain_data_is_refused(text):
    with pytest.raises(RecordError, match="here"):
        read(text)
