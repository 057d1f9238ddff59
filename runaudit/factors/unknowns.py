"""What a record only seems to say: a placeholder where nobody knew, a null where a digest belongs, a tree of few files.

A word like `unknown` is equal to itself, so two records that say it would agree on what neither knows. Such leaves are
taken out before anything is compared, and told as gaps.
"""

import re
from collections.abc import Container, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from runaudit.factors.builtin import WEIGHT_SUFFIXES
from runaudit.records.canonical import JSON, MAPPINGS
from runaudit.records.run import Run
from runaudit.records.sections import OfSection

Keys = tuple[str, ...]
_NONE: Mapping[str, Any] = MappingProxyType({})

SAID_OF_NONE = ("config", "data", "env", "init", "eval")
"""Sections of which a foreign record may say null: known to be none."""
NO_COMMIT = "the files in the record may not be all, and no commit says what the others were"


def is_whole(run: Run) -> bool:
    """Whether the files in a record are all there were: runaudit took them, it watched the run, or the record says that
    there is no commit beside them. Files beside a commit are those that somebody thought of."""
    origin = run.manifest.section("origin")
    given = origin.get("from")
    makers = (origin.get("kind", "captured"), given.get("kind") if isinstance(given, Mapping) else None)
    if "captured" in makers:
        return True
    code = run.manifest.section("code")
    return run.observed.get("level") == "full" or (code.get("commit", "") is None and not code.get("patch"))


def known_sections(body: Mapping[str, JSON], run: Run) -> dict[str, Any]:
    """The sections of a manifest without what nobody knew, and null where a foreign record says that there is none."""
    found: dict[str, Any] = dict(body)
    for keys, _ in placeholders(body):
        found = _without(found, keys)
    for name in run.manifest.section("origin").get("known_none") or ():
        if name in SAID_OF_NONE:
            found.setdefault(str(name), None)
    code = found.get("code")
    if isinstance(code, MAPPINGS) and code.get("dirty") is False:
        found["code"] = _clean(code)
    init = found.get("init")
    if isinstance(init, MAPPINGS) and init.get("kind") == "random":
        found["init"] = _random(init)
    return found


def placeholders(body: Mapping[str, JSON]) -> Iterator[tuple[Keys, str]]:
    """Every leaf that stands for what nobody knew, with the reason that a gap gives."""
    seed = body.get("seed")
    if isinstance(seed, str) and is_placeholder(seed):
        yield ("seed",), _reason(seed)
    yield from _in_data(_table(body, "data"))
    yield from _in_env(_table(body, "env"))
    for section, within in _IN.items():
        yield from within(_table(body, section))


def _of_digests(section: str, digests: Container[str], table: Mapping[str, Any]) -> Iterator[tuple[Keys, str]]:
    for key, value in table.items():
        if key in digests:
            free = (
                value is None
                and (section == "code" or table.get("kind", "random") == "random")
                and key != "code_digest"
            )
            named = is_revision(value) if section == "code" else is_digest(value)
            if not free and (not named or (section == "init" and is_place(str(value)))):
                yield (section, key), _reason(value)
        elif isinstance(value, str) and is_placeholder(value) and (value.strip() or section == "eval"):
            yield (section, key), _reason(value)


def _of_data(data: Mapping[str, Any]) -> Iterator[tuple[Keys, str]]:
    for name, entry in data.items():
        for key, value in entry.items() if isinstance(entry, MAPPINGS) else ():
            if (key == "digest" and (not is_digest(value) or is_place(value))) or (
                key != "digest" and isinstance(value, str) and value.strip() and is_placeholder(value)
            ):
                yield ("data", name, key), _reason(value)


def _of_env(env: Mapping[str, Any]) -> Iterator[tuple[Keys, str]]:
    for key, value in env.items():
        if isinstance(value, str) and is_placeholder(value):
            yield ("env", key), _reason(value)
        elif isinstance(value, MAPPINGS) and key != "variables":
            for inner, text in value.items():
                if isinstance(text, str) and text.strip() and is_placeholder(text):
                    yield ("env", key, inner), _reason(text)


_clean = OfSection(lambda code: {"patch": None, **code})
_random = OfSection(lambda init: {"checkpoint": None, "parent": None, **init})
_in_data = OfSection(lambda data: tuple(_of_data(data)))
_in_env = OfSection(lambda env: tuple(_of_env(env)))
_IN = {
    "eval": OfSection(lambda table: tuple(_of_digests("eval", ("code_digest", "digest"), table))),
    "init": OfSection(lambda table: tuple(_of_digests("init", ("checkpoint",), table))),
    "code": OfSection(lambda table: tuple(_of_digests("code", ("commit",), table))),
}


def _reason(value: object) -> str:
    return "the record has no digest of it" if value is None else f"the record says {str(value)[:40]!r} in its place"


def _table(body: Mapping[str, JSON], name: str) -> Mapping[str, Any]:
    value = body.get(name)
    return value if value is not None and isinstance(value, MAPPINGS) else _NONE


def _without(tree: Mapping[str, Any], keys: Keys) -> dict[str, Any]:
    if len(keys) == 1:
        return {key: value for key, value in tree.items() if key != keys[0]}
    return {key: _without(value, keys[1:]) if key == keys[0] else value for key, value in tree.items()}


def no_sections(run: Run) -> frozenset[str]:
    """The sections of which a foreign record says that there was none."""
    return frozenset(map(str, run.manifest.section("origin").get("known_none") or ()))


# ── words that stand where nobody knew ───────────────────────────────────────────────────────────────────────────


def is_revision(value: object) -> bool:
    """Whether a commit names a state of the code: a hash of git or Mercurial, whole or its beginning, also behind a tag
    (`v1.2-3-g4f2a9c1`), or a number of Subversion. `HEAD` and `main` are another state tomorrow."""
    return is_digest(value) and _REVISION.search(str(value)) is not None


_REVISION = re.compile(r"(?:^|[^0-9A-Za-z]|-g)(?:[0-9a-fA-F]{7,64}|r?[0-9]+)\+?$")


def is_digest(value: object) -> bool:
    """Whether a value says what content there was, rather than that nobody knew."""
    return isinstance(value, str) and bool(value.strip()) and not is_placeholder(value, digest=True)


_NOBODY_KNEW = frozenset({"", "unknown", "unkown", "n/a", "n.a.", "?", "??", "???", "tbd", "todo", "unavailable",
                          "undefined", "missing", "not recorded", "not available", "not known", "not set",
                          "<unknown>"})  # fmt: skip
_NO_DIGEST = _NOBODY_KNEW | frozenset(
    {"none", "null", "nil", "nan", "na", "-", "--", "false", "0", "pending", "x", "xxx"}
)
_ALGORITHM = re.compile(r"(?:sha\d+|sha\d?[-_]\d+|md5|blake\w*|xxh\w*|crc\w*|etag|git)[:=]", re.I)


_ZEROS = re.compile(r"0{7,}")
"""No content has such a digest, and no tree such a commit: git itself writes zeros where there is none."""


@lru_cache(maxsize=65536)
def is_placeholder(value: str, *, digest: bool = False) -> bool:
    """Whether a text stands where nobody knew the value. A digest has more such words: `none` may be an answer."""
    text = value.strip().lower()
    if digest:
        text = _ALGORITHM.sub("", text, count=1).strip()
        return text in _NO_DIGEST or text.strip("<>()[]") in _NO_DIGEST or bool(_ZEROS.fullmatch(text))
    return text in _NOBODY_KNEW


def is_place(value: str) -> bool:
    """Whether a text that should be a digest says where something lay instead."""
    return value.startswith(
        ("/", "./", "../", "~", "s3:", "gs:", "http:", "https:", "file:")
    ) or value.lower().endswith(WEIGHT_SUFFIXES)
