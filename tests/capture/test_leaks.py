# ruff: noqa: E501  (a table reads best a row a line)
"""300 secrets of 30 kinds, in every place a secret can stand: none can be read afterwards. 1,000 innocent values: kept.

Each secret stands in one place alone, before a redactor that knows nothing yet, so that no place is saved by another.
"""

import base64
import hashlib
import json
import re
import subprocess
import zlib
from collections import Counter
from collections.abc import Callable
from urllib.parse import quote, unquote

import pytest

from runaudit.capture.redact import Redactor
from tests.capture.made_up import Secret, innocents, secrets

KEY = b"k" * 32


def option(secret: Secret) -> str:
    return "--" + secret.name.lower().replace("_", "-")


def url(secret: Secret) -> str:
    return f"postgresql://train:{quote(secret.value, safe='')}@db.example.org:5432/runs"


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def patch(secret: Secret) -> bytes:
    line = f"{secret.name} = {json.dumps(secret.value)}"
    return (
        f"diff --git a/train.py b/train.py\n--- a/train.py\n+++ b/train.py\n@@ -1 +1,2 @@\n x = 1\n+{line}\n".encode()
    )


def git_block(data: bytes) -> bytes:
    """`data` as git writes it into a binary patch."""
    raw = zlib.compress(data)
    lines = []
    for start in range(0, len(raw), 52):
        part = raw[start : start + 52]
        size = len(part)
        letter = chr(size + 64) if size <= 26 else chr(size + 70)
        lines.append(letter.encode() + base64.b85encode(part + b"\0" * (-size % 4)))
    return b"GIT binary patch\nliteral %d\n" % len(data) + b"\n".join(lines) + b"\n\nliteral 0\nHcmV?d00001\n\n"


PLACES: dict[str, Callable[[Redactor, Secret], object]] = {
    "an option's next word": lambda r, s: r.argv(["train.py", option(s), s.value, "--lr", "1"]),
    "an option with its value": lambda r, s: r.argv(["train.py", f"{option(s)}={s.value}"]),
    "a header in one word": lambda r, s: r.argv(["curl", f"--header=Authorization: Bearer {s.value}"]),
    "a variable before a command": lambda r, s: r.argv(["env", f"{s.name}={s.value}", "python", "train.py"]),
    "a password of a command": lambda r, s: r.argv(["sshpass", "-p", s.value, "scp", "a", "b:"]),
    "a leaf of the config": lambda r, s: r.tree({"tracker": {s.name.lower(): s.value}, "lr": 1}),
    "a config as a tracker keeps it": lambda r, s: r.tree({s.name.lower(): {"desc": None, "value": s.value}}),
    "a list of names and values": lambda r, s: r.tree({"env": [{"name": s.name, "value": s.value}]}),
    "an address in the config": lambda r, s: r.tree({"storage": url(s)}),
    "a query of an address": lambda r, s: r.tree({"data": f"https://h.example.org/x?v=1&api_key={quote(s.value, safe='')}"}),
    "a file of settings": lambda r, s: r.data(f"lr: 1\n{s.name.lower()}: {json.dumps(s.value)}\nx: 2\n".encode(), "a.yaml"),
    "a file of variables": lambda r, s: r.data(f"A=1\n{s.name}={json.dumps(s.value)[1:-1]}\n".encode(), ".env"),
    "a shell script": lambda r, s: r.data(f"set -e\nexport {s.name}='{s.value}'\npython train.py\n".encode(), "go.sh"),
    "a json file": lambda r, s: r.data(json.dumps({"a": 1, s.name: s.value}, indent=1).encode(), "a.json"),
    "a netrc": lambda r, s: r.data(f"machine api.wandb.ai\n  login user\n  password {json.dumps(s.value)[1:-1]}\n".encode(), ".netrc"),
    "code that sets a variable": lambda r, s: r.data(f'os.environ["{s.name}"] = {json.dumps(s.value)}\n'.encode(), "a.py"),
    "code that assigns": lambda r, s: r.data(f"{s.name.lower()} = {json.dumps(s.value)}\n".encode(), "a.py"),
    "a cell of a notebook": lambda r, s: r.data(json.dumps({"source": [f"{s.name} = {json.dumps(s.value)}\n"]}).encode(), "a.ipynb"),
    "a patch": lambda r, s: r.patch(patch(s)),
    "a binary patch": lambda r, s: r.patch(b"diff --git a/x b/x\n" + git_block(f"{s.name}={json.dumps(s.value)}\n".encode() + b"\0" * 9)),
    "text of two bytes a letter": lambda r, s: r.data(f'{s.name}={json.dumps(s.value)}\r\n'.encode("utf-16"), "a.env"),
    "an exception": lambda r, s: r.text(f"PermissionError: 401 for {s.name}={json.dumps(s.value)} at login"),
    "a header that was printed": lambda r, s: r.text(f"> Authorization: Bearer {s.value}\n< 401 Unauthorized"),
    "a note": lambda r, s: r.text(f"started with {option(s)}={s.value} on the new node"),
    "a label": lambda r, s: r.text(f"baseline {s.name}={s.value}"),
    "base64 of an assignment": lambda r, s: r.tree({"blob": b64(f"{s.name}={s.value}")}),
    "base64 of a json": lambda r, s: r.tree({"blob": b64(json.dumps({s.name: s.value}))}),
    "base64 of base64": lambda r, s: r.text(f"payload {b64(b64(f'{s.name}={s.value}'))} sent"),
    "base64 of an address": lambda r, s: r.tree({"x": b64(url(s))}),
    "an encoded query": lambda r, s: r.text("GET /cb?state=" + quote(f"{s.name}={s.value}", safe="")),
}  # fmt: skip


def layers(text: str, depth: int = 2) -> list[str]:
    """A text, and what its runs of base64 and percent signs say, two deep."""
    found = [text]
    if depth:
        inner = [unquote(text)] if "%" in text else []
        for run in re.findall(r"[A-Za-z0-9+/_-]{8,}", text):
            body = run.replace("-", "+").replace("_", "/")
            inner.append(
                base64.b64decode(body[: len(body) - (len(body) % 4 == 1)] + "=" * (-len(body) % 4)).decode("latin-1")
            )
        found += [deeper for one in inner for deeper in layers(one, depth - 1)]
    return found


def readable(found: object, secret: Secret) -> bool:
    """Whether whoever has `found` can read the secret: as it is, or a writing or two away."""
    if isinstance(found, tuple):
        data = found[0]
        if b"GIT binary patch" in data:
            return True
        text = data.decode("utf-16" if data[:2] == b"\xff\xfe" else "utf-8")
    else:
        text = json.dumps(found, ensure_ascii=False)
    lines = [line for line in secret.value.splitlines() if not line.startswith("-----")]
    return any(line in layer or json.dumps(line)[1:-1] in layer for layer in layers(text) for line in lines)


class Blind(Redactor):
    """A redactor that sees nothing."""

    def text(self, text, style=None):
        return text

    def data(self, data, name=""):
        return data, False

    def patch(self, data):
        return data, False

    def tree(self, value, *, name=""):
        return value

    def argv(self, argv):
        return list(argv)


@pytest.mark.parametrize("place", PLACES)
def test_without_redaction_each_could_be_read(place: str) -> None:
    """Else this file would prove nothing."""
    assert all(readable(PLACES[place](Blind(KEY), secret), secret) for secret in secrets())


@pytest.mark.parametrize("place", PLACES)
def test_no_secret_can_be_read(place: str) -> None:
    found = [secret.kind for secret in secrets() if readable(PLACES[place](Redactor(KEY), secret), secret)]

    assert not Counter(found)


def test_what_is_known_is_found_bare_and_in_every_writing() -> None:
    left = []
    for secret in secrets():
        redactor = Redactor(KEY)
        redactor.prime({secret.name: secret.value}, [])
        raw = secret.value
        texts = [
            f"tried {raw} twice",
            f"x {b64('user:' + raw)} y",
            f"x {b64(b64(raw))} y",
            f"GET /{quote(raw, safe='')}",
        ]
        left += [(secret.kind, i) for i, text in enumerate(texts) if readable(redactor.text(text), secret)]

    assert not Counter(left)


def test_innocent_values_are_kept() -> None:
    lost = []
    for name, value in innocents():
        texts = (f"{name}: {value}\n", f'{name} = "{value}"\n')
        kept = Redactor(KEY).tree({name: value}) == {name: value}
        kept = kept and Redactor(KEY).data(texts[0].encode(), "a.yaml") == (texts[0].encode(), False)
        kept = kept and Redactor(KEY).data(texts[1].encode(), "a.py") == (texts[1].encode(), False)
        kept = kept and Redactor(KEY).argv(["train.py", f"--{name}", value]) == ["train.py", f"--{name}", value]
        lost += [] if kept else [(name, value)]

    assert len(lost) <= len(innocents()) // 100, lost


def test_git_reads_our_binary_patch(tmp_path) -> None:
    """Else the test above would look for secrets where no git puts them."""
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    blob = hashlib.sha1(b"blob %d\0" % (16 * 9) + b"DB_PASS=nothing\0" * 9).hexdigest().encode()
    index = b"index " + b"0" * 40 + b".." + blob
    head = b"diff --git a/x b/x\nnew file mode 100644\n" + index + b"\n"
    data = b"DB_PASS=nothing\0" * 9
    subprocess.run(["git", "apply", "-"], input=head + git_block(data), cwd=tmp_path, check=True)

    assert (tmp_path / "x").read_bytes() == data
