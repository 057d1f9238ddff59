"""No text makes redaction fail: bytes that are no UTF-8, lone surrogates, whatever stands beside a secret."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runaudit.capture.redact import Redactor
from runaudit.voice.gate import Gate

KEY = b"k" * 32
ANY = st.text(st.characters(exclude_categories=()), max_size=40)
"""Lone surrogates and all."""
AROUND = st.sampled_from(
    ("{}", 'password = "{}"', "https://bob:{}@h/x", "--api-key={}", "Authorization: Bearer {}", "API_KEY={}\n",
     '"token": "{}"')
)  # fmt: skip
NAMES = st.sampled_from(
    ("", "a.py", "a.json", "a.yaml", ".env", "a.sh", "a.ipynb", "a.xml", "a.toml", "a.md", "Dockerfile")
)


@given(ANY, AROUND, NAMES)
def test_no_text_is_refused_wherever_it_stands(text: str, around: str, name: str) -> None:
    told = around.replace("{}", text)
    redactor = Redactor(KEY)
    redactor.prime({"DB_PASSWORD": told}, [told, "--password", text], {"password": text, text: told})
    redactor.learn([text, f"1{text}2345678"])
    redactor.recall(redactor.mark(text).encode())

    for clean in (redactor.text(told), redactor.said(told), redactor.plainly(told)):
        assert clean.count("\n") <= told.count("\n")
    redactor.sealable({"password": text, "argv": [told, text], "notes": [told], text: {"token": told}})
    redactor.leaks({text: told})
    redactor.data(told.encode("utf-8", "surrogatepass"), name)
    redactor.data(told.encode("utf-16", "surrogatepass"), name)
    Gate({"MY_TOKEN": text}, [told, text]).text(told)


@given(st.binary(max_size=60), AROUND, NAMES)
def test_no_bytes_are_refused_and_those_around_a_secret_stay(data: bytes, around: str, name: str) -> None:
    told = b"\xff\xe4 = 1\n" + around.encode().replace(b"{}", data) + b"\n\xfe\xe4 = 2\n"
    redactor = Redactor(KEY)

    clean, _ = redactor.data(told, name)
    redactor.patch(b"diff --git a/x b/" + name.encode() + b"\n" + told)

    assert clean.startswith(b"\xff\xe4 = 1\n") and clean.endswith(b"\n\xfe\xe4 = 2\n")


@pytest.mark.parametrize("secret", ["p\udce4ss-99887", "päss-99887", "p\ud800ss-99887", "пароль-99887"])
def test_a_secret_beyond_ascii_is_known_in_each_of_its_writings(secret: str) -> None:
    redactor = Redactor(KEY)
    redactor.learn([secret])
    raw = secret.encode("utf-8", "surrogatepass" if "\ud800" in secret else "surrogateescape")
    written = [
        secret, json.dumps(secret), ascii(secret), secret.encode("utf-8", "backslashreplace").decode(),
        raw.decode("utf-8", "replace"), raw.decode("utf-8", "backslashreplace"), base64.b64encode(b"u:" + raw).decode(),
    ]  # fmt: skip

    for text in written:
        assert "99887" not in redactor.text(f"tried {text} twice"), text
    assert b"99887" not in redactor.data(b"x = f('" + raw + b"')\n\xff")[0]


def test_a_secret_of_latin_1_is_replaced_in_a_source_of_latin_1() -> None:
    redactor = Redactor(KEY)

    clean, redacted = redactor.data('# größe\nurl = "https://bob:päss-12345@host"\n'.encode("latin-1"), "notes.py")

    assert redacted and b"ss-12345" not in clean
    assert clean.startswith('# größe\nurl = "https://bob:'.encode("latin-1"))
