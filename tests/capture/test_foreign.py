# ruff: noqa: E501  (a table reads best a row a line)
"""A secret of an imported run reaches neither the store nor an answer, whichever place it stood in."""

import json

import pytest

from runaudit.capture.foreign import Cleaning, Remembering, without_secrets
from runaudit.capture.redact import Redactor
from runaudit.records.record_file import record_of, run_of
from runaudit.store.store import Store

SECRET = "verysecret7value"
HF = "hf_abcdefghijklmnopqrst1"
PATCH = f"diff --git a/x.py b/x.py\n--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-x\n+API_KEY = '{SECRET}'\n"
PLACES = {
    "a key of the config": {"config": {"wandb_api_key": SECRET}},
    "a token in words alone": {"config": {"hf_token": "onlywordsandnodigit", "x": f"--api-key {SECRET}"}},
    "a key deep in the config": {"config": {"a": [{"login": {"password": SECRET}}]}},
    "a command line as text": {"config": {"args": f"--lr 1 --hf_token {HF}"}},
    "a command line as text, with an equals sign": {"config": {"cmd": f"train.py --api-key={SECRET} --lr 1"}},
    "a command line as words": {"config": {"args": ["--hf_token", HF, "--lr", 1]}},
    "a command line in prose": {"notes": f"started with --hf-token {HF}"},
    "the launch": {"runtime": {"argv": ["train.py", "--password", SECRET]}},
    "a variable": {"env": {"variables": {"WANDB_API_KEY": SECRET}}},
    "variables as words": {"env": {"set": [f"WANDB_API_KEY={SECRET}"]}},
    "a source file": {"code": {"files": {"x.py": f"API_KEY = '{SECRET}'\n"}}},
    "a source file that says it bare": {"config": {"api_key": SECRET}, "code": {"files": {"x.py": f"login({SECRET!r})\n"}}},
    "a patch": {"code": {"commit": "a" * 40, "dirty": True, "patch": PATCH}},
    "an address": {"data": {"train": {"url": f"https://me:{SECRET}@host/x", "digest": "sha256:" + "a" * 64}}},
    "the label": {"label": f"run {SECRET}", "config": {"api_key": SECRET}},
    "an error of the outcome": {"runtime": {"status": "crashed", "error": f"denied: api_key={SECRET}"}},
    "an event": {"events": [{"step": 1, "kind": "login", "api_key": SECRET}]},
    "a section of its own": {"tracker": {"client_secret": SECRET}},
}  # fmt: skip


@pytest.fixture
def store(tmp_path):
    return Store.create(tmp_path / "store")


@pytest.mark.parametrize("place", PLACES)
def test_a_secret_is_gone(store, place):
    (run,) = without_secrets([run_of(PLACES[place], where="x")], store)

    said = json.dumps(record_of(run)) + json.dumps(run.manifest.to_json())
    kept = b"".join(run.blobs.values()).decode()
    assert all(secret not in said + kept for secret in (SECRET, HF, "onlywords"))
    assert "<redacted:hmac-" in said + kept
    assert all(str(blob) for blob in run.blobs)


def test_what_is_no_secret_stays_as_it_was(store):
    plain = {"label": "a", "seed": 1, "config": {"lr": 0.1, "tokenizer": "bpe-32000", "args": "--lr 0.1 --token_dim 64"},
             "code": {"files": {"x.py": "def login(password, token):\n    '''--password PASSWORD'''\n    return token\n"}},
             "metrics": {"secret_rate": 3}, "runtime": {"status": "completed"}}  # fmt: skip
    run = run_of(plain, where="x")

    (clean,) = without_secrets([run], store)

    assert (clean.manifest.id, clean.outcome, dict(clean.blobs)) == (run.manifest.id, run.outcome, dict(run.blobs))


def test_a_secret_of_one_run_is_gone_from_the_others_of_the_call(store):
    named, bare = (
        run_of({"config": {"api_key": SECRET}}, where="x"),
        run_of({"notes": f"used {SECRET} there"}, where="y"),
    )

    for order in ([named, bare], [bare, named]):
        assert SECRET not in json.dumps([run.manifest.to_json() for run in without_secrets(order, store)])


def test_one_record_comes_out_the_same_each_time(store):
    ids = {without_secrets([run_of(PLACES["a patch"], where="x")], store)[0].id for _ in range(3)}

    assert len(ids) == 1


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("--password PASSWORD", "--password PASSWORD"),
        ("give --token TOKEN to log in", "give --token TOKEN to log in"),
        ("--token $HF_TOKEN", "--token $HF_TOKEN"),
        ("--token_dim 64000000", "--token_dim 64000000"),
    ],
)
def test_an_option_that_only_names_a_secret_stays(text, left):
    assert Redactor(b"k" * 32).text(text) == left


def test_a_text_that_was_clean_is_read_again_once_a_secret_is_known(store):
    """What is remembered of a short text holds for the secrets that were known then."""
    cleaning = Cleaning(store)
    bare, named = (
        run_of({"notes": f"used {SECRET} there"}, where="x"),
        run_of({"config": {"api_key": SECRET}}, where="y"),
    )
    plain = run_of({"notes": "used nothing there"}, where="z")

    cleaning.runs([plain])
    cleaning.runs([named])
    said = json.dumps([run.manifest.to_json() for run in cleaning.runs([bare, plain])])

    assert SECRET not in said
    assert "used nothing there" in said


def test_remembering_changes_no_answer(store):
    """The same texts, once with the memory and once without, in either order of the secret and its quotation."""
    texts = [f"run with {SECRET}", "plain words", f"--api-key {SECRET}", f"run with {SECRET}", "plain words"]
    remembering, forgetful = Remembering(b"k" * 32), Redactor(b"k" * 32)

    assert [remembering.said(text) for text in texts * 2] == [forgetful.said(text) for text in texts * 2]
