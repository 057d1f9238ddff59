"""Secrets handed over in passing, in scripts, recipes and notes, are read nowhere; what only looks like them stays."""

import json
import random
import shlex

import pytest

from runaudit.capture.redact import Redactor

KEY = b"k" * 32
HANDED = (
    "echo {} | docker login -u bob --password-stdin", "printf '%s' {} | podman login -u bob --password-stdin",
    "echo '{}' | sudo -S mount /dev/x", "echo {} | gpg --batch --passphrase-fd 0 -d x.gpg", "echo {} | kinit bob@X",
    "echo 'bob:{}' | chpasswd", "chpasswd <<< 'bob:{}'", "cryptsetup open /dev/x y <<< {}",
    "docker login -u bob -p {} reg.example.com", "openssl enc -k {} -in a", "openssl rsa -passin pass:{} -in k",
    "sshpass -p {} ssh h", "mysql -u root -p{} db", "curl -u bob:{} https://example.com/a", "redis-cli -a {} ping",
    "htpasswd -bc f bob {}", "unzip -P {} data.zip", "7z x -p{} data.7z", "gpg --passphrase {} -d x.gpg",
    "ssh-keygen -t ed25519 -N {} -f k", "twine upload -p {} dist/x", "smbclient //h/s -U bob%{}", "ldapsearch -w {}",
    "vault kv put secret/x password={}", "kubectl create secret generic s --from-literal=password={}",
    "PGPASSWORD={} psql -h x", "psql 'host=x user=bob password={} dbname=d'", "mc alias set s3 https://x bob {}",
    "rclone config create r webdav user bob pass {}", "keytool -storepass {} -list", "xfreerdp /u:bob /p:{} /v:h",
    "# the password of bob is {}", "# password for the server: {}", "# bob's passphrase = {}", "# Passwort: {}",
    "# mot de passe : {}",
)  # fmt: skip
CALLED = (
    "t = jwt.encode(claims(x), '{}', algorithm='HS256')", 'jwt.decode(t, key="{}")', "hmac.new(b'{}', body, 'sha256')",
)  # fmt: skip
SPOKEN = ("login: bob / {}", "the password is {}", "login failed for user bob with password {}", "401 for key {}")
INNOCENT = (
    "echo done | tee log.txt", "echo y | sudo apt-get install x", "docker run -p 8080:80 x1",
    "password is required", "password hashing: sha256", "pw: patch width 16", "login as root / admin",
    "token 128 of 32k",
    "401 for key key_padding_mask", "wandb login && python train.py --run-name transformer_large_v2_seed3",
    "curl -u $USER:$PASSWORD https://example.com", "openssl enc -k $KEY1 -in a", "sshpass -p \"$PASS1\" ssh h",
    "redis-cli -a ${REDIS_PW2} ping", "echo $TOKEN1 | docker login --password-stdin", "use key frames every 12 steps",
    "jwt.encode(claims, key1, 'HS256')",
    "jwt.encode({'aud': 'x', 'v2': 'resnet50a'}, key1)", "hmac.new(key1, body2, 'sha256')",
)  # fmt: skip


def chosen(rng: random.Random) -> str:
    """A password as people choose it: two words and a number."""
    words = ["Falcon", "Tulip", "Harbor", "Winter", "Copper", "Marble", "Saturn", "Pepper"]
    return (
        f"{rng.choice(words)}{rng.choice(words).lower()}{rng.randrange(100, 99999)}{rng.choice(['!', 'x', '_q', ''])}"
    )


def readings(line: str) -> list[str]:
    """The line in each place where it can stand."""
    files = {"a.sh": line, "Makefile": f"all:\n\t@{line}", "a.log": line, "a.py": f"# {line}", "a.yaml": f"cmd: {line}"}
    texts = [Redactor(KEY).data(f"{text}\n".encode(), name)[0].decode() for name, text in files.items()]
    patch = f"diff --git a/run.sh b/run.sh\n--- a/run.sh\n+++ b/run.sh\n@@ -1 +1,2 @@\n x\n+{line}\n"
    texts += [Redactor(KEY).patch(patch.encode())[0].decode(), str(Redactor(KEY).argv(["bash", "-c", line]))]
    if not {"#", "|", "<<<"} & set(line.split()):
        texts.append(str(Redactor(KEY).argv(shlex.split(line))))
    return [*texts, str(Redactor(KEY).sealable({"label": line, "notes": [line], "config": {"x": line}, "error": line}))]


@pytest.mark.parametrize("line", HANDED)
def test_what_is_handed_to_a_program_or_told_in_a_sentence_is_read_nowhere(line: str) -> None:
    secret = chosen(random.Random(line))
    assert [text for text in readings(line.format(secret)) if secret in text] == []


@pytest.mark.parametrize("line", SPOKEN)
def test_what_a_note_or_an_error_says_is_sealed_without_its_secret(line: str) -> None:
    secret = "vEnePzxqBiXr6nbVDFnQpb0cXBiF21ShJmVhvcV0" if "key" in line else chosen(random.Random(line))
    said = line.format(secret)
    sealed = Redactor(KEY).sealable({"notes": [said], "error": said, "origin": {"name": said}})
    assert secret not in str(sealed)


@pytest.mark.parametrize("line", INNOCENT)
def test_what_only_looks_like_it_stays(line: str) -> None:
    assert [text for text in readings(line) if "<redacted:" in text] == []


def test_what_was_replaced_once_is_not_taken_for_a_secret_again() -> None:
    words = [
        "wandb",
        "login",
        "-p",
        "Falcontulip19178",
        "unzip",
        "-P",
        "Marblewinter40779",
        "--api-key",
        "q8Zk2mVb7TxW",
    ]
    clean = Redactor(KEY).argv(words)
    assert len([word for word in clean if "<redacted:" in word]) == 3
    assert Redactor(KEY).sealable({"launch": {"argv": clean}}) == {"launch": {"argv": clean}}


@pytest.mark.parametrize("line", CALLED)
def test_a_key_that_code_signs_with_is_read_nowhere(line: str) -> None:
    secret = chosen(random.Random(line))
    cell = json.dumps({"cells": [{"cell_type": "code", "source": [line.format(secret)]}]})
    patch = f"diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1 +1,2 @@\n x\n+{line.format(secret)}\n"
    texts = [Redactor(KEY).data(text.encode(), name)[0].decode()
             for name, text in (("a.py", f"{line.format(secret)}\n"), ("a.ipynb", cell))]  # fmt: skip
    assert not any(secret in text for text in (*texts, Redactor(KEY).patch(patch.encode())[0].decode()))
