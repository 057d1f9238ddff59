"""Laws of redaction: a secret is in no stored byte, equal secrets stay equal, what is no secret stays as it was."""

import base64
import hashlib
import hmac
import os
import re
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runaudit.capture.redact import Redactor, is_random, is_secret, redaction_key, without_user
from runaudit.capture.styles import Style
from runaudit.errors import CaptureError
from runaudit.store.store import Store

KEY = b"k" * 32
HF = "hf_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3f"
GH = "ghp_" + "x9Y8z7W6v5U4t3S2r1Q0p9O8n7M6l5K4j3I2"
AWS = "AKIA" + "IOSFODNN7EXAMPLE"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlLXZhbHVl"
WANDB = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize("secret", [HF, GH, AWS, JWT])
@pytest.mark.parametrize("around", ["{}", "x = '{}'", "run --key {} now", "https://h/p?q={}&r=1", "+    f({})\n"])
def test_a_published_shape_is_found_wherever_it_stands(redactor: Redactor, secret: str, around: str) -> None:
    clean = redactor.text(around.format(secret))

    assert secret not in clean
    assert redactor.mark(secret) in clean or "<redacted:hmac-" in clean


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WANDB_API_KEY", WANDB), ("password", "hunter2"), ("db.passwd", "x"), ("aws_secret_access_key", "abc"),
        ("HF_TOKEN", "abcd1234"), ("client-secret", "q"), ("openai_api_key", "q1"), ("Authorization", "Bearer a1b2c3"),
        ("Session.key", 'b"92a3e0ba-6d4a-4f43-a7d5-5f6a5bcd2b5f"'), ("api.key", "Zk3a9x0Q1p"),
        ("server.key", "92a3e0ba-6d4a-4f43-a7d5-5f6a5bcd2b5f"),
    ],
)  # fmt: skip
def test_a_value_under_a_telling_name_is_a_secret(name: str, value: str) -> None:
    assert is_secret(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tokenizer", "bert-base-uncased"), ("max_tokens", "4096"), ("pooling.token", "cls"), ("num_keys", "8"),
        ("author", "Ada"), ("key_dim", "64"), ("monkey", "banana1234"), ("password", ""), ("keyboard", "a1b2c3d4"),
        ("sort.key", "92a3e0ba-6d4a-4f43-a7d5-5f6a5bcd2b5f"), ("session.key", "loss"), ("user.key", "/k/a1b2c3d4.pem"),
    ],
)  # fmt: skip
def test_the_fields_own_words_are_no_secrets(name: str, value: str) -> None:
    assert not is_secret(name, value)


def test_a_config_keeps_everything_but_its_secrets(redactor: Redactor) -> None:
    config = {"lr": 1e-3, "model": {"tokenizer": "bpe", "n_tokens": 7}, "wandb": {"api_key": WANDB, "project": "p"},
              "db": {"password": 12345}, "ok": True, "none": None, "digest": "sha256:" + "ab" * 32}  # fmt: skip

    clean = redactor.tree(config)

    assert WANDB not in str(clean)
    assert clean["db"]["password"] == redactor.mark("12345")
    assert clean == {**config, "wandb": {"api_key": redactor.mark(WANDB), "project": "p"}, "db": clean["db"]}


def test_equal_secrets_stay_equal_and_different_ones_differ() -> None:
    a, b, other_store = Redactor(KEY), Redactor(KEY), Redactor(b"q" * 32)

    assert a.tree({"token": GH}) == b.tree({"token": GH})
    assert a.tree({"token": GH}) != a.tree({"token": GH[:-1] + "Z"})
    assert a.tree({"token": GH}) != other_store.tree({"token": GH})


def test_a_secret_of_the_environment_is_found_bare_in_a_patch(redactor: Redactor) -> None:
    redactor.prime({"DB_PASSWORD": "tr0ub4dor&3"}, [])

    clean, changed = redactor.patch(b"+connect('tr0ub4dor&3')\n context\n")

    assert changed
    assert b"tr0ub4dor" not in clean
    assert clean.count(b"\n") == 2


@pytest.mark.parametrize(
    "argv",
    [
        ["train.py", "--api-key", WANDB], ["train.py", f"--api-key={WANDB}"], ["train.py", f"wandb.api_key={WANDB}"],
        ["curl", f"https://me:{WANDB}@example.org/x"], ["env", f"WANDB_API_KEY={WANDB}", "python"],
    ],
)  # fmt: skip
def test_a_command_line_gives_no_secret_away(redactor: Redactor, argv: list[str]) -> None:
    clean = redactor.argv(argv)

    assert len(clean) == len(argv)
    assert WANDB not in " ".join(clean)


def test_code_that_only_names_a_secret_is_left_as_it_is(redactor: Redactor) -> None:
    code = (
        "password = os.environ['DB_PASSWORD']\napi_key: str | None = None\nTOKEN = load_token(path)\n"
        'API_KEY = "WANDB_API_KEY"\ntoken = tokens[0]\nsecret = get("secret")\nself.num_heads = 8\n'
        "model = StableDiffusionXLImg2ImgPipeline('StableDiffusionXLImg2ImgPipelineForTraining')\n"
        "commit = '9fceb02d0ae598e95dc970b74767f19372d61af8'\n"
    )

    assert redactor.text(code) == code


@pytest.mark.parametrize(
    "line", ["password = 'hunter2'", 'api_key = "q7Wz9KpL2m"', "api_key: q7Wz9KpL2m", "TOKEN=a1b2c3d4e5"]
)
def test_code_and_yaml_that_give_a_secret_are_cleaned(redactor: Redactor, line: str) -> None:
    value = line.split("=" if "=" in line else ":")[1].strip(" '\"")

    assert value not in redactor.text(line)


def test_a_binary_block_of_a_patch_survives_byte_for_byte(redactor: Redactor) -> None:
    """Base85 looks like key material; a redacted block could not be applied."""
    block = b"GIT binary patch\nliteral 20\nbcmV+y0O9}uKx1oz&zS0QeF*e0AKWzPk;aO\n\nliteral 0\nHcmV?d00001\n\n"

    clean, _ = redactor.patch(b"diff --git a/x b/x\n" + block + b"diff --git a/y b/y\n+password = 'hunter2'\n")

    assert block in clean
    assert b"hunter2" not in clean


def test_a_private_key_is_one_secret(redactor: Redactor) -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEowIBAAKCAQEA7b\n" * 8 + "-----END RSA PRIVATE KEY-----"

    assert redactor.text(f"a\n{key}\nb") == f"a\n{redactor.mark(key)}\nb"


@given(st.binary(min_size=30, max_size=60))
def test_base64_of_random_bytes_is_mostly_seen_and_digests_never_are(data: bytes) -> None:
    """Hexadecimal is what a training record is full of."""
    assert not is_random(data.hex())


def test_nearly_all_random_base64_of_40_characters_is_seen() -> None:
    """40 draws of 64 symbols: expected sample entropy 4.83 bits, sd 0.10; 4.2 is six deviations below."""
    seen = [is_random(base64.b64encode(os.urandom(30)).decode()) for _ in range(300)]

    assert sum(seen) >= 270


@given(st.text(alphabet="abcdefghij_ ./=:'\"\n{}[]()0123", max_size=80))
def test_redacting_twice_is_redacting_once(text: str) -> None:
    once = Redactor(KEY).text(text)

    assert Redactor(KEY).text(once) == once


@given(st.text(max_size=200))
def test_the_number_of_lines_is_kept(text: str) -> None:
    """A patch whose lines were counted anew would not apply."""
    assert Redactor(KEY).text(text).count("\n") == text.count("\n")


def test_bytes_that_are_no_text_pass_unchanged(redactor: Redactor) -> None:
    data = bytes(range(256))

    assert redactor.data(data) == (data, False)


def test_the_key_is_made_once_for_the_owner_alone(store: Store) -> None:
    key = redaction_key(store.root)

    assert len(key) == 32
    assert redaction_key(store.root) == key
    assert stat.S_IMODE((store.root / "redaction.key").stat().st_mode) == 0o600


def test_a_damaged_key_is_refused(store: Store) -> None:
    (store.root / "redaction.key").write_bytes(b"short")

    with pytest.raises(CaptureError, match="not a key of 32 bytes"):
        redaction_key(store.root)


def test_a_finished_record_tells_where_a_secret_is_left(redactor: Redactor) -> None:
    redactor.learn(["s3cr3t-value"])

    assert redactor.leaks({"config": {"a": ["x", "my s3cr3t-value"]}, "label": GH}) == ["config.a[1]", "label"]


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("https://me:pw@example.org:8080/a.git", "https://example.org:8080/a.git"),
        ("https://ghp_x@example.org/a.git?token=1#f", "https://example.org/a.git"),
        ("git@example.org:team/a.git", "example.org:team/a.git"),
        ("ssh://git@example.org/a.git", "ssh://example.org/a.git"),
        ("/srv/git/a.git", "/srv/git/a.git"),
        ("file:///srv/a b.git", "file:///srv/a b.git"),
    ],
)
def test_a_remote_loses_its_user(url: str, clean: str) -> None:
    assert without_user(url) == clean


def test_a_folder_or_a_file_that_exists_is_no_secret(redactor: Redactor, tmp_path: Path) -> None:
    """Shells export PWD and OLDPWD; a credentials variable names a file. Their paths stand everywhere."""
    here = str(tmp_path / "Project 7")
    Path(here).mkdir()
    redactor.prime({"PWD": here, "OLDPWD": here + "/gone", "GOOGLE_APPLICATION_CREDENTIALS": here}, [])

    assert redactor.text(f"cwd {here} {here}/gone") == f"cwd {here} {here}/gone"


def test_a_memory_of_clean_contents_does_not_hide_a_secret_that_is_known_now(tmp_path: Path) -> None:
    first = Redactor(KEY, memory=tmp_path)
    assert first.data(b"connect('blue horse 7')") == (b"connect('blue horse 7')", False)
    first.remember()

    second = Redactor(KEY, memory=tmp_path)
    assert second.data(b"connect('blue horse 7')") == (b"connect('blue horse 7')", False)
    second.learn(["blue horse 7"])

    clean, changed = second.data(b"connect('blue horse 7')")
    assert changed
    assert b"blue horse" not in clean


def test_nobody_without_the_key_can_have_a_content_taken_for_clean(tmp_path: Path) -> None:
    data = b"password = 'hunter2'"
    first = Redactor(KEY, memory=tmp_path)
    first.data(b"x = 1")
    first.remember()
    (memory,) = tmp_path.iterdir()
    digests = [hashlib.sha256(data + style.value.encode()).digest() for style in Style]
    memory.write_bytes(b"".join(digests))

    assert Redactor(KEY, memory=tmp_path).data(data)[1]
    other = Redactor(bytes(32), memory=tmp_path)
    memory.unlink()
    other.data(b"y = 1")
    other._newly_clean += [hmac.digest(bytes(32), digest, "sha256") for digest in digests]
    other.remember()
    assert Redactor(KEY, memory=tmp_path).data(data)[1]


def test_a_damaged_memory_is_no_memory(tmp_path: Path) -> None:
    first = Redactor(KEY, memory=tmp_path)
    first.data(b"x = 1")
    first.remember()
    (memory,) = tmp_path.iterdir()
    memory.write_bytes(memory.read_bytes() + b"torn")

    clean, changed = Redactor(KEY, memory=tmp_path).data(b"password = 'hunter2'")
    assert changed
    assert b"hunter2" not in clean


def test_two_writers_of_the_key_agree(tmp_path: Path, store: Store) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: redaction_key(store.root), range(16)))

    assert len(keys) == 1


HEX32, HEX64 = "9b1f0c7de2a84d35b6f7c8091a2e3d4f", "3f" * 16 + "c7" * 16


@pytest.mark.parametrize(
    "text",
    [
        f"curl -H 'Authorization: Bearer {HEX32}' https://example.org",
        f'headers = {{"Authorization": "Bearer {HEX32}"}}',
        f"post to https://hooks.slack.com/services/T0AB1CD2E/B0AB1CD2E/{HEX32[:24]} at the end",
        f"https://b.example.org/k?X-Amz-Credential={HEX32}&X-Amz-Signature={HEX64}",
        f"https://h/x?sig={HEX32}",
        f"https://h/x?a=1&signature={HEX64}",
        f"https://h/x?access_token={HEX32}",
        f"see https://h/x?api_key={HEX32}.",
        f"wandb.login(key='{WANDB}')",
        f'wandb.login("{WANDB}")',
        f"wandb.login(relogin=True, key='{WANDB}')",
        f"export WANDB_API_KEY={WANDB}; python train.py",
        f"os.environ['WANDB_API_KEY'] = '{WANDB}'",
        f'os.environ.setdefault("COMET_API_KEY", "{HEX32}")',
        f"comet_ml.init(api_key={HEX32!r})",
    ],
)
def test_a_secret_that_looks_like_a_digest_is_known_by_its_place(text: str) -> None:
    clean = Redactor(KEY).text(text)

    assert not any(secret in clean for secret in (HEX32[:24], HEX64, WANDB))
    assert Redactor(KEY).text(clean) == clean


@pytest.mark.parametrize(
    "text",
    [
        f"sha256:{HEX64}", f"commit = '{WANDB}'", "sorted(rows, key=lambda row: row[1])", "sorted(rows, key=len)",
        f"checkpoints/{HEX32}.pt", f"https://h/ckpt/{HEX64}.pt?rev={WANDB}&v=2", f"DIGEST_KEY={HEX64}",
        "bearer authentication2", "login('user')", "wandb.login(host='https://wandb.example.org')",
        "d['WANDB_API_KEY'] = load_key2(path)", "EOS_TOKEN = 'endoftext50256'", "https://h/x?max_token=4096",
    ],
)  # fmt: skip
def test_a_digest_a_commit_and_the_words_of_code_are_no_secrets(redactor: Redactor, text: str) -> None:
    assert redactor.text(text) == text


@pytest.mark.parametrize("name", ["credentials", "secrets", "aws_credentials"])
def test_every_text_of_a_table_of_secrets_is_one(redactor: Redactor, name: str) -> None:
    clean = redactor.tree({name: {"x": HEX32, "deep": {"y": ["blue"], "n": 3}}, "digest": HEX64})

    assert HEX32 not in str(clean) and "blue" not in str(clean)
    assert clean["digest"] == HEX64 and clean[name]["deep"]["n"] == 3
    assert HEX32 not in " ".join(redactor.argv([f"config.{name}.x={HEX32}"]))


@pytest.mark.parametrize("quotes", ['"""', "'''", '"', "'"])
def test_a_value_is_a_secret_in_whatever_quotes_it_stands(quotes: str) -> None:
    secret = "".join(("Vq8Zt3", "Lm2Rk9", "Xw5Yc7"))  # put together here, so that no file holds it

    kept, _ = Redactor(b"k" * 32).data(f"SIGNING_SECRET = {quotes}{secret}{quotes}\n".encode())

    assert secret.encode() not in kept
    assert kept.startswith(f"SIGNING_SECRET = {quotes}<redacted".encode()) and kept.endswith(f"{quotes}\n".encode())


def test_what_a_person_says_is_read_as_the_command_that_it_quotes() -> None:
    """`password=horse1` in a sentence is a password; in code it may be a variable."""
    redactor = Redactor(b"k" * 32)
    for text in (
        "tried password=horse1 on h",
        "with --api-key hunter2 it went",
        "DB_PASS=opensesame",
        "a --password swordfish",
    ):
        assert not {"horse1", "hunter2", "opensesame", "swordfish"} & set(re.split(r"[ =]", redactor.said(text))), text
        assert redactor.tree({"label": text, "notes": [text]}) == {
            "label": redactor.said(text),
            "notes": [redactor.said(text)],
        }
    for text in (
        "lr=0.1, token=cls, key=val/psnr",
        "password is required",
        "no secret: none",
        "the auth head  of\n two lines",
    ):
        assert redactor.said(text) == text


@pytest.mark.parametrize("unit", ["\\", '\\"', "\\n", "-----BEGIN PRIVATE KEY-----", "key='", "(", "a:b@"])
@pytest.mark.parametrize("before", ["password = '", '{"token": "', ""])
def test_a_long_row_of_one_sign_is_read_once(redactor: Redactor, before: str, unit: str) -> None:
    """A pattern that tries each place of a row again takes minutes for what is read in a moment."""
    text = before + unit * (30_000 // len(unit))

    assert redactor.text(text).startswith(before[:8])
