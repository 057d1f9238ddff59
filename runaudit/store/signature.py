"""A signature over the head of the log, so that a rewriting of the whole history shows to whoever holds the key.

The envelope is DSSE (payload type inside what is signed), the payload an in-toto statement whose subjects are the head
of the log and every manifest it counts, so other tools of that family can read it. The algorithm is Ed25519; keys are
PEM or OpenSSH files (`ssh-keygen -t ed25519`), kept outside the store.

What a signature does not promise: whoever can remove the newest lines of the log can remove their signature with them.
Only a witness outside the store (`store.anchor`) shows that. Neither
says that what was recorded is true.

Sources: DSSE v1.0.2 (secure-systems-lab/dsse, protocol.md), in-toto Statement v1.
"""

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runaudit.errors import NothingToJudgeError, UsageError
from runaudit.records.canonical import canonical_bytes
from runaudit.records.digest import digest_bytes
from runaudit.store.end import GENESIS, chains_of
from runaudit.store.line import LogEntry
from runaudit.store.rehash import Problem
from runaudit.store.store import Store
from runaudit.store.verify import SIGNATURES
from runaudit.system.files import read_ordinary

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://runaudit.dev/log-head/v1"
NOT_PROMISED = (
    "Without a signature or an anchor, a rewriting of the whole history and a cut at the end of the log cannot be "
    "seen where the sealed end (log.end) was rewritten with them. A signature shows the rewriting; only an anchor "
    "outside the store shows the cut."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """How many lines the log had at one moment, and the digest of the last."""

    seq: int
    chain: str


def head_of(entries: tuple[LogEntry, ...]) -> Head:
    """The head of the log as it stands."""
    return Head(seq=len(entries), chain=entries[-1].chain if entries else GENESIS)


def signature_dir(store: Store) -> Path:
    """Where the envelopes lie: one file a signed head and key."""
    return store.root / SIGNATURES


# ── signing ──────────────────────────────────────────────────────────────────────────────────────────────────────


def sign(store: Store, key: Path, *, time: str) -> Path:
    """Sign the present head of the log with the private key in `key`. Returns the envelope's file.

    Raises UsageError for a key that is not Ed25519 or lies inside the store, NothingToJudgeError for an empty log.
    """
    if key.resolve().is_relative_to(store.root.resolve()):
        raise UsageError(f"the key {key} lies inside the store it should protect", remedy="keep it somewhere else")
    entries = store.entries()
    if not entries:
        raise NothingToJudgeError("the log is empty, so there is nothing to sign", remedy="record a run first")
    private = private_key(key)
    payload = canonical_bytes(statement(entries, time=time))
    keyid = key_id(private.public_key())
    envelope = {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": keyid, "sig": base64.b64encode(private.sign(pae(PAYLOAD_TYPE, payload))).decode()}],
    }
    raw = canonical_bytes(envelope)
    # Whoever has no key can still see whether the file is the one that was written.
    path = signature_dir(store) / f"{len(entries):08d}-{keyid[7:19]}-{digest_bytes(raw).hex[:12]}.dsse.json"
    with store.explained("write a signature to"):  # the same care as for objects: whole or absent, never replaced
        store.write_once(path, raw)
    return path


def statement(entries: tuple[LogEntry, ...], *, time: str) -> dict[str, Any]:
    """The in-toto statement: subjects are the head of the log and every manifest it counts."""
    head = head_of(entries)
    runs = [e.digest.hex for e in entries if e.kind == "manifest"]
    return {
        "_type": STATEMENT_TYPE,
        "subject": [
            {"name": "log.jsonl", "digest": {"sha256": head.chain.removeprefix("sha256:")}},
            *({"name": f"manifest/{run}", "digest": {"sha256": run}} for run in dict.fromkeys(runs)),
        ],
        "predicateType": PREDICATE_TYPE,
        "predicate": {"seq": head.seq, "head": head.chain, "signed": time},
    }


def pae(payload_type: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: `DSSEv1 <len> <type> <len> <payload>`."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


# ── checking ─────────────────────────────────────────────────────────────────────────────────────────────────────


def check_signature(store: Store, key: Path) -> tuple[Problem, ...]:
    """What is wrong with the store's signatures by the public key in `key`; empty when every one of them holds.

    A store without any signature by this key is a problem, never a pass. `signed_until` says how far they reach.
    """
    public = public_key(key)
    chains = chains_of(store.log_bytes())
    own = list(_envelopes_by(store, key_id(public)))
    if not own:
        return (_problem("signatures", f"holds no signature by the key {key_id(public)[:19]}…"),)
    return tuple(_problem(path.name, fault) for path, body in own if (fault := _fault(body, public, chains)))


def signed_until(store: Store, key: Path) -> Head:
    """The newest head signed by this key whose signature holds; seq 0 when there is none."""
    public, chains = public_key(key), chains_of(store.log_bytes())
    heads = [_head(body) for _, body in _envelopes_by(store, key_id(public)) if _fault(body, public, chains) is None]
    return max(heads, key=lambda head: head.seq, default=Head(seq=0, chain=GENESIS))


def _envelopes_by(store: Store, keyid: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    # The file's name is claimed by whoever wrote it; only the key id inside says whose signature it is. A file that
    # bears the key's name but cannot be read is handed on, so that a damaged signature is not an absent one.
    for path in sorted(signature_dir(store).glob("*.dsse.json")):
        try:
            body = json.loads(read_ordinary(path))
            keyids = [one["keyid"] for one in body["signatures"]]
        except (OSError, ValueError, KeyError, TypeError):
            body, keyids = {}, []
        if keyid in keyids or keyid[7:19] in path.name:
            yield path, body


def _fault(body: dict[str, Any], public: "Ed25519PublicKey", chains: Sequence[str]) -> str | None:
    from cryptography.exceptions import InvalidSignature

    try:
        payload = base64.b64decode(body["payload"], validate=True)
        signature = base64.b64decode(body["signatures"][0]["sig"], validate=True)
        public.verify(signature, pae(str(body["payloadType"]), payload))
        if body["payloadType"] != PAYLOAD_TYPE:
            return "is signed, but is not an in-toto statement"
        head = _head(body)
    except (KeyError, IndexError, TypeError, ValueError, binascii.Error):
        return "is not a whole DSSE envelope"
    except InvalidSignature:
        return "does not match its signature: it was changed after signing, or signed with another key"
    return head_fault(head, chains)


def _head(body: dict[str, Any]) -> Head:
    predicate = json.loads(base64.b64decode(body["payload"]))["predicate"]
    return Head(seq=int(predicate["seq"]), chain=str(predicate["head"]))


def head_fault(head: Head, chains: Sequence[str]) -> str | None:
    """How the log, given by the digests of its lines, contradicts a head that was witnessed earlier, or None."""
    if head.seq > len(chains):
        return f"witnesses {head.seq} lines of the log, which now has {len(chains)}: its end was cut off"
    if head.seq < 1 or chains[head.seq - 1] != head.chain:
        return f"witnesses another line {head.seq} than the log now has: the history was rewritten"
    return None


def _problem(file: str, text: str) -> Problem:
    return Problem(run=None, file=file if file == "signatures" else f"signatures/{file}", problem=text)


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def key_id(public: "Ed25519PublicKey") -> str:
    """The key's id: the digest of its 32 raw bytes."""
    return str(digest_bytes(public.public_bytes_raw()))


def private_key(path: Path) -> "Ed25519PrivateKey":
    """The Ed25519 private key in a PEM or OpenSSH file. Raises UsageError for anything else."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

    raw = _key_bytes(path)
    load: Callable[..., Any] = load_ssh_private_key if b"OPENSSH" in raw else load_pem_private_key
    try:
        key = load(raw, password=None)
    except TypeError as error:
        raise UsageError(f"the key {path} is encrypted", remedy="use a signing key without a passphrase") from error
    except ValueError as error:
        raise UsageError(f"{path} is not a private key", remedy="make one with `ssh-keygen -t ed25519`") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"the key {path} is not an Ed25519 key", remedy="make one with `ssh-keygen -t ed25519`")
    return key


def public_key(path: Path) -> "Ed25519PublicKey":
    """The Ed25519 public key in a PEM or OpenSSH file. Raises UsageError for anything else."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key, load_ssh_public_key

    raw = _key_bytes(path)
    load: Callable[..., Any] = load_ssh_public_key if raw.startswith(b"ssh-") else load_pem_public_key
    try:
        key = load(raw)
    except ValueError as error:
        raise UsageError(f"{path} is not a public key", remedy="give the .pub file of the signing key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(f"the key {path} is not an Ed25519 key", remedy="give the .pub file of an ed25519 key")
    return key


def _key_bytes(path: Path) -> bytes:
    try:
        return read_ordinary(path.expanduser())
    except OSError as error:
        raise UsageError(f"the key {path} cannot be read: {error.strerror}", remedy="check its path") from error
