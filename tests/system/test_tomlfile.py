"""Laws of reading TOML: what is no config is refused in a line, and soon."""

import pytest

from runaudit.errors import ConfigError, RecordError
from runaudit.settings import read_settings
from runaudit.system.tomlfile import parse_toml


@pytest.mark.parametrize(
    "text",
    ["a = " + "[" * 10_000 + "]" * 10_000, "a = " + "{a = " * 10_000 + "1" + "}" * 10_000,
     ".".join("a" * 100_000) + " = 1", " . ".join(['"a"'] * 60) + " = 1", "[" + ".".join("a" * 20_000) + "]",
     "a = " + "9" * 9000, "a = [" + "1," * (1 << 20) + "]",
     "a = 1\na = 2", "[a]\nb = 1\n[a]\nc = 1", "a = {b = 1, b = 2}", "a.b = 1\n[a]\nb = 2", "a = \xff"],
    ids=["lists", "tables", "dots", "quoted dots", "header", "digits", "long", "twice", "table twice", "inline twice",
         "dotted twice", "bytes"],
)  # fmt: skip
def test_what_is_no_config_is_one_line(text, tmp_path):
    raw = text.encode("latin-1")
    with pytest.raises(RecordError, match="here") as refusal:
        parse_toml(raw, where="here")
    assert "\n" not in str(refusal.value)

    (tmp_path / "runaudit.toml").write_bytes(raw)
    with pytest.raises(ConfigError):
        read_settings(tmp_path / "runaudit.toml")


def test_a_text_with_many_dots_is_no_long_key():
    names = ", ".join(f'"a{i}.png"' for i in range(200))

    assert len(parse_toml(f"a = [{names}]\nb = '{'. ' * 300}'\n".encode(), where="here")["a"]) == 200
