"""Laws of reading YAML: a number is a number, a key stands once, and a small file stays small."""

import pytest

from runaudit.capture.config import config_file
from runaudit.errors import ConfigError, RecordError
from runaudit.factors.config_source import settings_in
from runaudit.records.yamlevents import read_as_text
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
        (levels("a0: &a0 [x,x,x,x,x,x,x,x,x]", "[{}]"), "unfolds into more than 100000 values"),
        (levels("a0: &a0 {x: 1, y: 2, z: 3}", "{{<<: [{}]}}"), "unfolds into more than 100000 values"),
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


# ── what would take long, is refused at once ─────────────────────────────────────────────────────────────────────


MIB = 1 << 20
LONG = {
    "numbers": "a: [" + "1," * (3 * MIB) + "1]",
    "keys": "".join(f"k{i}: 1\n" for i in range(400_000)),
    "anchors": "".join(f"k{i}: &a{i} 1\n" for i in range(200_000)),
    "one wide table merged often": "a: &a {" + ",".join(f"k{i}: 1" for i in range(5000)) + "}\n"
    + "".join(f"b{i}: {{<<: *a}}\n" for i in range(900)),
    "merged into each other": "a0: &a0 {x: 1}\n"
    + "".join(f"a{i}: &a{i} {{<<: *a{i - 1}, k{i}: 1}}\n" for i in range(1, 999)),
    "merged with itself": "a: &a {<<: *a}\n",
    "depth of lists": "a: " + "[" * 10_000 + "]" * 10_000,
    "depth of tables": "a: " + "{a: " * 10_000 + "}" * 10_000,
    "depth by columns": "".join(" " * i + "a:\n" for i in range(3000)),
    "depth by dashes": "a:\n" + "- " * 10_000 + "1\n",
    "base sixty": "a: 1" + ":1" * (3 * MIB) + "\n",
    "digits": "a: " + "9" * (5 * MIB) + "\n",
    "hexadecimal": "a: 0x" + "f" * 6000 + "\n",
    "binary": "a: 0b" + "1" * (5 * MIB) + "\n",
    "documents": "---\n" * MIB,
    "directives": "".join(f"%TAG !a{i}! x\n" for i in range(100_000)) + "---\na: 1\n",
    "a long text": "a: '" + "x" * (9 * MIB) + "'\n",
    "comments": "#\n" * (5 * MIB),
}  # fmt: skip


@pytest.mark.parametrize("name", LONG)
def test_what_would_take_long_is_refused_before_it_is_built(name, monkeypatch):
    """No clock is asked: nothing is built, so what it costs is a look at the beginning."""
    built = []
    monkeypatch.setattr("yaml.constructor.SafeConstructor.construct_document", lambda *given: built.append(given))

    with pytest.raises(RecordError, match="here") as refusal:
        read(LONG[name])

    assert not built
    assert "\n" not in str(refusal.value) and len(str(refusal.value)) < 200


@pytest.mark.parametrize(
    "text",
    ["a: !!bool x", "a: !!timestamp x", f"a: !!int '{'1:' * 6000}1'", "a: !!int ''", "a: !!float x", "a: 2026-99-99",
     "a: !!int '9'\nb: !!binary é", "? [a, b]\n: 1", "%YAML 9.9\n---\na: 1"],
)  # fmt: skip
def test_a_value_that_is_not_what_its_tag_says_is_one_line(text):
    with pytest.raises(RecordError) as refusal:
        read(text)

    assert "\n" not in str(refusal.value)


def test_the_values_of_yaml_are_those_of_the_standard_loader():
    import yaml

    text = "a: no\nb: 0777\nc: 1:30\nd: 2026-01-02\ne: [yes, on, ~, .inf, 0x1f, 1_000, 0b11, 1.5e+3]\n"
    text += "f: 12e03_1\ng: 0o17\n"
    wanted = yaml.safe_load(text)

    assert read(text) == {**wanted, "d": "2026-01-02"}


@pytest.mark.parametrize("text", ["1e-4", "1E5", "1.0e4", "-2e+3", "1_0e-4", ".5e3"])
def test_a_number_that_yaml_reads_as_text_is_told_with_its_line(text):
    import yaml

    assert isinstance(yaml.safe_load(text), str)
    assert read_as_text(f"x: 1\ny:\n  - {text}\n".encode()) == ((3, text),)


@pytest.mark.parametrize("text", ["1.0e-4", "'1e-4'", "1e-4x", "0.1", "1.e+3", "!!str 1e-4", "a: ["])
def test_what_every_reader_reads_alike_is_not_told(text):
    assert read_as_text(f"y: {text}\n".encode()) == ()
