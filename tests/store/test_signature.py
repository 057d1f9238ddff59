import base64
import json
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from runaudit.errors import NothingToJudgeError, UsageError
from runaudit.records.manifest import Manifest
from runaudit.store import Store
from runaudit.store.anchor import NAMED, UNNAMED, AnchorFile, GitNotes, anchor, check_anchor
from runaudit.store.end import Ends, start_of, write_end
from runaudit.store.signature import check_signature, head_of, pae, sign, signed_until
from runaudit.store.witness import place_of, witnessed

TIME = "2026-11-21T00:00:00Z"


def reseal(store):
    """Seal the end of the log as it lies there: what whoever can write the log can do as well."""
    write_end(store.root, start_of(store.log_bytes(), store=store.identity), over=Ends())


@pytest.fixture
def store(tmp_path):
    store = Store.create(tmp_path / "store")
    for seed in (1, 2, 3):
        store.seal_manifest(Manifest.of({"seed": seed}), time=TIME)
    return store


@pytest.fixture(params=["pem", "openssh"])
def keys(request, tmp_path):
    key = Ed25519PrivateKey.generate()
    private, public = tmp_path / "key", tmp_path / "key.pub"
    if request.param == "pem":
        private.write_bytes(key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()))
        public.write_bytes(key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo))
    else:
        private.write_bytes(key.private_bytes(form.Encoding.PEM, form.PrivateFormat.OpenSSH, form.NoEncryption()))
        public.write_bytes(key.public_key().public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH))
    return private, public


def test_the_encoding_that_is_signed_is_the_one_dsse_publishes():
    """The example of the DSSE specification, protocol.md."""
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_a_signed_store_holds_and_says_how_far(store, keys):
    path = sign(store, keys[0], time=TIME)

    assert check_signature(store, keys[1]) == ()
    assert signed_until(store, keys[1]).seq == 3
    statement = json.loads(base64.b64decode(json.loads(path.read_bytes())["payload"]))
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert [s["digest"]["sha256"] for s in statement["subject"][1:]] == [e.digest.hex for e in store.entries()]


def test_launches_after_the_signature_do_not_harm_it(store, keys):
    sign(store, keys[0], time=TIME)
    store.seal_manifest(Manifest.of({"seed": 4}), time=TIME)

    assert check_signature(store, keys[1]) == ()
    assert signed_until(store, keys[1]).seq == 3


def test_a_history_that_was_rewritten_with_a_whole_chain_shows(store, keys):
    sign(store, keys[0], time=TIME)
    store.log_path.unlink()
    (store.root / "log.end").unlink()
    for seed in (1, 9, 3):
        store.seal_manifest(Manifest.of({"seed": seed}), time=TIME)

    (problem,) = check_signature(store, keys[1])

    assert "the history was rewritten" in problem.problem


def test_a_cut_below_the_signed_head_shows(store, keys):
    sign(store, keys[0], time=TIME)
    lines = store.log_path.read_bytes().splitlines(keepends=True)
    store.log_path.write_bytes(b"".join(lines[:2]))
    reseal(store)

    (problem,) = check_signature(store, keys[1])

    assert "its end was cut off" in problem.problem


def test_every_bit_of_the_payload_and_of_the_signature_counts(store, keys):
    path = sign(store, keys[0], time=TIME)
    whole = json.loads(path.read_bytes())
    path.chmod(0o644)

    def damaged(text: str, place: int) -> str:
        raw = bytearray(base64.b64decode(text))
        raw[place] ^= 1
        return base64.b64encode(bytes(raw)).decode()

    for place in range(0, len(base64.b64decode(whole["payload"])), 7):
        path.write_text(json.dumps({**whole, "payload": damaged(whole["payload"], place)}))
        assert len(check_signature(store, keys[1])) == 1
    for place in range(64):
        one = {**whole["signatures"][0], "sig": damaged(whole["signatures"][0]["sig"], place)}
        path.write_text(json.dumps({**whole, "signatures": [one]}))
        assert len(check_signature(store, keys[1])) == 1


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"not json", b'{"signatures": [], "payload": "", "payloadType": ""}']
)
def test_a_damaged_envelope_is_a_problem_and_not_an_absent_one(content, store, keys):
    path = sign(store, keys[0], time=TIME)
    path.chmod(0o644)
    path.write_bytes(content)

    (problem,) = check_signature(store, keys[1])

    assert problem.file == f"signatures/{path.name}"


def test_no_signature_by_this_key_is_a_problem(store, keys, tmp_path):
    other = tmp_path / "other.pub"
    public = Ed25519PrivateKey.generate().public_key()
    other.write_bytes(public.public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo))
    sign(store, keys[0], time=TIME)

    (problem,) = check_signature(store, other)

    assert "no signature by the key" in problem.problem


def test_signing_twice_changes_nothing(store, keys):
    assert sign(store, keys[0], time=TIME) == sign(store, keys[0], time=TIME)


def test_a_key_inside_the_store_is_refused(store, keys):
    inside = store.root / "key"
    inside.write_bytes(keys[0].read_bytes())

    with pytest.raises(UsageError, match="inside the store"):
        sign(store, inside, time=TIME)


def test_an_empty_log_cannot_be_signed_or_anchored(tmp_path, keys):
    empty = Store.create(tmp_path / "empty")

    with pytest.raises(NothingToJudgeError):
        sign(empty, keys[0], time=TIME)
    with pytest.raises(NothingToJudgeError):
        anchor(empty, GitNotes(lambda words: ""), time=TIME)


@pytest.mark.parametrize("content", [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n"])
def test_what_is_no_key_is_one_clear_line(content, store, tmp_path):
    (tmp_path / "bad").write_bytes(content)

    with pytest.raises(UsageError, match="is not a private key"):
        sign(store, tmp_path / "bad", time=TIME)
    with pytest.raises(UsageError, match="is not a public key"):
        check_signature(store, tmp_path / "bad")


def test_an_anchor_in_git_shows_a_cut_that_a_signature_cannot(store, tmp_path):
    def git(words: list[str]) -> str:
        base = ["git", "-C", str(tmp_path / "repo"), "-c", "user.email=a@b.c", "-c", "user.name=n"]
        return subprocess.run([*base, *words], capture_output=True, text=True, check=True).stdout

    (tmp_path / "repo").mkdir()
    git(["init", "-q"])
    git(["commit", "-q", "--allow-empty", "-m", "start"])

    notes = GitNotes(git)
    assert [p.problem for p in check_anchor(store, notes)[0]] == ["holds no anchor of this log"]
    assert anchor(store, notes, time=TIME).seq == 3
    assert check_anchor(store, notes) == ((), head_of(store.entries()))

    store.log_path.write_bytes(b"".join(store.log_path.read_bytes().splitlines(keepends=True)[:1]))
    reseal(store)
    assert "its end was cut off" in check_anchor(store, notes)[0][0].problem


def test_anchors_of_two_stores_in_one_place_do_not_accuse_each_other(store, tmp_path):
    other, place = Store.create(tmp_path / "other"), AnchorFile(tmp_path / "anchors")
    other.seal_manifest(Manifest.of({"seed": 7}), time=TIME)
    anchor(store, place, time=TIME)
    assert "but 1 anchor of other stores" in check_anchor(other, place)[0][0].problem

    anchor(other, place, time=TIME)

    assert check_anchor(store, place)[0] == check_anchor(other, place)[0] == ()
    assert [line.split()[:3] for line in place.lines()] == [
        [NAMED, store.identity, "3"],
        [NAMED, other.identity, "1"],
    ]


def test_a_log_that_grew_extends_its_anchor_and_a_rewritten_one_does_not(store, tmp_path):
    place = AnchorFile(tmp_path / "anchors")
    head = anchor(store, place, time=TIME)
    store.seal_manifest(Manifest.of({"seed": 4}), time=TIME)
    assert check_anchor(store, place) == ((), head)

    lines = store.log_path.read_bytes().splitlines(keepends=True)
    store.log_path.write_bytes(b"".join([lines[0], lines[1], lines[3]]))
    reseal(store)

    assert "the history was rewritten" in check_anchor(store, place)[0][0].problem


def test_an_anchor_that_names_no_store_is_held_against_it_and_says_so(store, tmp_path):
    path = tmp_path / "anchors"
    path.write_text(f"{UNNAMED} 3 {head_of(store.entries()).chain}\n")
    assert check_anchor(store, AnchorFile(path)) == ((), head_of(store.entries()))
    path.write_text(f"{UNNAMED} 2 sha256:{'0' * 64}\n")
    assert "does not say of which store" in check_anchor(store, AnchorFile(path))[0][0].problem


def test_a_file_of_something_else_is_never_written_over(store, tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(UsageError, match="something else than anchors"):
        anchor(store, AnchorFile(tmp_path / "thesis.tex"), time=TIME)
    assert (tmp_path / "thesis.tex").read_text() == "x"


def test_what_was_verified_up_to_a_line_is_left_out_on_the_word_of_who_says_so(store):
    asked = {"key": None, "check": (), "places": place_of}

    said = witnessed(store, since="line:2", **asked)

    assert said.until == 2
    assert "on your word" in said.remarks[0]
    with pytest.raises(UsageError, match="the log has 3 lines, not 4"):
        witnessed(store, since="line:4", **asked)
