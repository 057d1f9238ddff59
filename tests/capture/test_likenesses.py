# ruff: noqa: E501  (a table reads best a row a line)
"""What only looks like a secret: names that begin like keys stay, and what is replaced without proof stays a choice."""

import base64
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runaudit.capture.redact import Redactor
from runaudit.factors.marks import without_secrets
from tests.capture.made_up import HEX, UPPER, URLSAFE, WORDS, draw, secrets
from tests.capture.test_leaks import KEY, PLACES

BEGINNINGS = (
    "sk-",
    "sk-proj-",
    "sk-ant-",
    "glpat-",
    "glsa_",
    "pypi-",
    "xoxb-",
    "hf_",
    "npm_",
    "gsk_",
    "pcsk_",
    "hvs.",
    "whsec_",
    "123456789:AA",
    "ghp_",
    "dckr_pat_",
    "r8_",
    "pplx-",
    "wandb_v1_",
    "lin_api_",
    "AKIA",
    "SG.",
    "AIza",
    "ya29.",
    "GOCSPX-",
    "github_pat_",
)


def names(count: int = 1000) -> list[str]:
    """Names of models and data sets that begin as a provider's keys do."""
    rng = random.Random(5)
    made = []
    for number in range(count):
        words = rng.sample(WORDS, rng.randrange(3, 7))
        style = rng.choice(("-", "_"))
        name = style.join([*words, rng.choice(("v1", "50", "2024-06-01", "4k", "x2", "large"))])
        made.append(BEGINNINGS[number % len(BEGINNINGS)] + (name if number % 3 else "".join(w.title() for w in words)))
    return made


def test_a_name_that_begins_like_a_key_is_kept() -> None:
    lost = []
    for name in names():
        kept = Redactor(KEY).tree({"model": name}) == {"model": name}
        kept = kept and Redactor(KEY).data(f'M = "{name}"\n'.encode(), "a.py") == (f'M = "{name}"\n'.encode(), False)
        lost += [] if kept and Redactor(KEY).argv(["t.py", "--model", name]) == ["t.py", "--model", name] else [name]

    assert len(lost) <= len(names()) // 100, lost


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model", "sk-learn-random-forest-classifier-v1"), ("model", "sk-resnet-50-imagenet21k-a1-in1k"), ("m", "xoxb-experiment"),
        ("head", "sk-proj-ection-head-512-gelu-pre-norm"), ("m", "sk-ant-colony-optimised-schedule-v2"), ("m", "glsa_model_with_global_local_attention_v2"),
        ("m", "123456789:AAnalysis_of_variance_of_the_residuals"), ("sid", "SK" + HEX * 2), ("m", "glpat-like-tokenizer-name-abc"),
        ("d", "pypi-package-index-crawl-2024-06-01-with-readmes-and-metadata"), ("cid", "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPbdG"),
        ("digest", "OWIxZjBjN2RlMmE4NGQzNWI2ZjdjODA5MWEyZTNkNGY="), ("url", "https://{user}:{pw}@h/x"), ("url", "https://{c.user}:{c.get(0)}@h"),
        ("apikey", "x"), ("license_key", "a"), ("secrets", "b"),
    ],
)  # fmt: skip
def test_what_is_no_secret_is_kept(name: str, value: str) -> None:
    assert Redactor(KEY).tree({name: value}) == {name: value}
    assert Redactor(KEY).tree({"deep": {name: [value]}}) == {"deep": {name: [value]}}
    assert Redactor(KEY).leaks({name: value}) == []


@given(
    st.sampled_from(BEGINNINGS),
    st.text(alphabet=URLSAFE + ".~+/=:{}@ '\"", max_size=60),
    st.sampled_from(["m", "api_key", "notes"]),
)
def test_the_last_look_asks_for_no_more_than_was_replaced(begin: str, rest: str, name: str) -> None:
    """Else a launch is refused for a value that nobody would have replaced."""
    redactor = Redactor(KEY)

    assert redactor.leaks(redactor.sealable({name: begin + rest, "argv": ["t.py", f"--{name}", begin + rest]})) == []


@pytest.mark.parametrize("place", PLACES)
def test_a_rotated_secret_leaves_the_same_text(place: str) -> None:
    first, second = secrets(seed=100, count=150), secrets(seed=200, count=150)
    left = []
    for one, other in zip(first, second, strict=True):
        if set("#:") & set(one.value + other.value):
            continue  # A comment begins in some places, a user ends in others: what is left of the value counts.
        texts = [_text(PLACES[place](Redactor(KEY), secret)) for secret in (one, other)]
        left += [one.kind] if without_secrets(texts[0]) != without_secrets(texts[1]) else []

    # A key of 20 letters looks like words once in 300; base64 may begin with a slash, as a path does.
    assert len(left) <= 3, left


def _text(found: object) -> str:
    if isinstance(found, tuple):
        return found[0].decode("utf-16" if found[0][:2] == b"\xff\xfe" else "utf-8")
    return json.dumps(found)


CHOICES = [
    ("pwd", "/data/imagenet-clean", "/data/imagenet-noisy"), ("bearer", "left", "right"), ("signature", "serving_default_v1", "predict_images_v2"),
    ("secret", "imagenet21k_a1", "imagenet1k_a1"), ("session_token", "resnet50d-imagenet21k", "resnet50d-imagenet1k"), ("token", "cls2mean", "mean2cls4"),
    ("storage_key", HEX * 2, HEX[::-1] * 2), ("model_key", "9f" * 12, "8e" * 12), ("cookie", "vit_b16_224x224", "vit_l16_224x224"),
    ("connection_string", "Server=h;Database=Clean1;Pwd=Xy9zQw3e", "Server=h;Database=Noisy1;Pwd=Xy9zQw3e"), ("api_key", "/data/key1b2c.txt", "/data/key2c3d.txt"),
    ("password", "correct horse battery 1x9", "correct horse battery 2x9"), ("auth", "basic-v1b", "digest-v2b"), ("id_token", "start2end", "end2start"),
    ("url", f"https://h/get?key={HEX * 2}", f"https://h/get?key={HEX[::-1] * 2}"), ("x", "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG6hJ", "zB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG6hJ"),
]  # fmt: skip


PASSWORDS = [
    ("password", "swordfish", "winterfell"), ("db_pass", "summerland", "hunter2"), ("passphrase", "opensesame", "abracadabra"),
    ("smtp-password", "hunter2", "hunter29z"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "before", "after"), PASSWORDS)
def test_a_password_that_is_a_word_is_a_secret_and_a_rotated_one_the_same(name: str, before: str, after: str) -> None:
    for make in (
        lambda value: Redactor(KEY).tree({name: value}),
        lambda value: Redactor(KEY).tree({"env": {"variables": {name.upper(): value}}}),
        lambda value: Redactor(KEY).argv(["t.py", f"--{name}", value]),
        lambda value: Redactor(KEY).argv(["t.py", f"--{name}={value}"]),
        lambda value: Redactor(KEY).data(f"{name}: {value}\n".encode(), "a.yaml")[0].decode(),
        lambda value: Redactor(KEY).data(f"db: {{host: h, {name}: {value}}}\n".encode(), "a.yaml")[0].decode(),
    ):
        assert before not in str(make(before))
        assert without_secrets(make(before)) == without_secrets(make(after))


@pytest.mark.parametrize("value", ["3", "1e-3", "true", "/data/clean"])
def test_what_even_a_password_is_called_may_be_a_choice(value: str) -> None:
    assert without_secrets(Redactor(KEY).tree({"db_pass": value})) != "<redacted>"
    assert without_secrets(Redactor(KEY).tree({"db_pass": value})) != without_secrets(
        Redactor(KEY).tree({"db_pass": "9"})
    )


@pytest.mark.parametrize(("name", "before", "after"), CHOICES)
def test_what_may_be_a_choice_is_told_apart(name: str, before: str, after: str) -> None:
    """Whether it is replaced or not: only what is a secret beyond doubt is the same whichever it is."""
    for make in (
        lambda value: Redactor(KEY).tree({name: value}),
        lambda value: Redactor(KEY).argv(["t.py", f"--{name}", value]),
        lambda value: Redactor(KEY).argv(["t.py", f"{name}={value}"]),
        lambda value: Redactor(KEY).text(f'{name} = "{value}"'),
        lambda value: Redactor(KEY).data(f"{name}: {value}\n".encode(), "a.yaml")[0].decode(),
        lambda value: Redactor(KEY).data(f"{name.upper()}={value}\n".encode(), ".env")[0].decode(),
    ):
        assert without_secrets(make(before)) != without_secrets(make(after))


@pytest.mark.parametrize("words", [("--backend", "http", "-a"), ("--format", "zip", "-P")])
def test_a_word_that_is_a_commands_name_makes_no_password_of_the_next(words: tuple[str, ...]) -> None:
    before, after = (
        Redactor(KEY).argv(["python", "t.py", *words, arch]) for arch in ("resnet50d_v1b", "resnet101d_v1b")
    )

    assert without_secrets(before) != without_secrets(after)


def test_what_stands_beside_a_secret_in_base64_counts() -> None:
    def said(key: str, lr: float) -> str:
        return str(
            without_secrets(
                Redactor(KEY).text(base64.b64encode(json.dumps({"api_key": key, "lr": lr}).encode()).decode())
            )
        )

    one, other = (draw(random.Random(seed), URLSAFE, 30) for seed in (1, 2))
    assert said(one, 0.1) == said(other, 0.1) != said(other, 0.2)
    assert one not in said(one, 0.1)


def test_capitals_alone_are_an_aws_id_and_a_word_is_none() -> None:
    word = "AKIA" + "EXPERIMENTBASE01"

    assert Redactor(KEY).text(word) == word
    assert ":proven>" in Redactor(KEY).text("AKIA" + draw(random.Random(3), UPPER, 16))
