"""Whether the key of a store is still the one under which its launches were sealed.

Equal secrets have equal marks under one key alone. With another key, one that was flipped or made anew after it was
lost, a secret of before and the same one of after no longer compare equal, and nobody would see why. So every launch
seals which key it had: a keyed digest of a constant, of which nothing of the key can be told.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from typing import Any

from runaudit.errors import IntegrityError
from runaudit.store.kept import KEY_FILE, read_kept
from runaudit.store.store import Store

_CONSTANT = b"runaudit: the key of a store"
_SEALED = b'"marking":{"by":'
UNLIKE = "under another key, equal secrets of before and after do not compare equal"


def mark_of(key: bytes) -> str:
    """What tells a key from any other."""
    return hmac.new(key, _CONSTANT, hashlib.sha256).hexdigest()[:32]


def sealed_mark(store: Store, key: bytes) -> dict[str, str]:
    """What a launch seals of the key: its mark, and the store that it is the key of. A record may come to another."""
    return {"by": mark_of(key), "store": store.identity}


def key_fault(store: Store) -> str | None:
    """What is wrong with the key, by the newest launch that seals which one it was; None where nothing is, or no launch
    says. Raises IntegrityError where the log, or what lies in the key's place, is damaged."""
    try:
        key = read_kept(store.root / KEY_FILE)
    except FileNotFoundError:
        return f"is missing: {UNLIKE}" if next(_marks(store), None) else None
    sealed = next(_marks(store), None)
    same = sealed is None or (len(key) == 32 and hmac.compare_digest(sealed, mark_of(key)))
    return None if same else f"is not the key under which the store's launches were sealed: {UNLIKE}"


def _marks(store: Store) -> Iterator[str]:
    """Which key the launches of this very store had, the newest first."""
    for entry in store.newest_first('"kind":"manifest"'):
        try:
            raw = store.read(entry.digest) if entry.kind == "manifest" else b""
        except IntegrityError:
            continue
        found: Any = json.loads(raw)["launch"].get("marking") if _SEALED in raw else None
        if isinstance(found, Mapping) and found.get("store") == store.identity != "":
            yield str(found.get("by"))
