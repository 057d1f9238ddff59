"""Where the random generators stand, as digests: what shows that a seed acted, and that nothing reseeded behind it.

Only generators of libraries that the program has loaded are looked at, and looking draws nothing from them.
"""

import hashlib
import sys
from typing import Any

from runaudit.records.canonical import canonical_bytes
from runaudit.records.digest import digest_bytes


def rng_digests() -> dict[str, str]:
    """Digest of the state of each global generator: `python`, and `numpy`, `torch`, `cuda:0`… where loaded."""
    found: dict[str, str] = {}
    if (random := sys.modules.get("random")) is not None:
        version, words, gauss = random.getstate()
        found["python"] = _digest(f"{version} {gauss!r}".encode() + b"".join(w.to_bytes(4, "big") for w in words))
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None and "numpy.random" in sys.modules:
        name, keys, position, has_gauss, cached = numpy.random.get_state()
        found["numpy"] = _digest(f"{name} {position} {has_gauss} {cached!r}".encode() + keys.tobytes())
    torch: Any = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "get_rng_state"):
        found["torch"] = _digest(torch.get_rng_state().numpy().tobytes())
        # A CUDA context that does not exist yet must not be made just to be looked at.
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            for index, state in enumerate(torch.cuda.get_rng_state_all()):
                found[f"cuda:{index}"] = _digest(state.numpy().tobytes())
    return found


def _digest(state: bytes) -> str:
    return f"sha256:{hashlib.sha256(state).hexdigest()}"


def reseeded(before: dict[str, str], after: dict[str, str]) -> tuple[str, ...]:
    """The generators that moved between two looks. One that was only loaded in between has not moved."""
    return tuple(sorted(name for name in before if name in after and before[name] != after[name]))


def proof(value: Any) -> str:
    """One digest of what proves a seed: a digest as it is, bytes by content, anything else by canonical form."""
    if isinstance(value, str) and value.startswith("sha256:"):
        return value
    if isinstance(value, bytes):
        return str(digest_bytes(value))
    return str(digest_bytes(canonical_bytes(value)))
