"""Masked values of two stores beside each other: each store masks under a key of its own, so that the marks of one
secret differ from store to store, and tell nothing of whether it is one.

A launch seals which key it had (`store.keymark`). Of a value that differs in such marks alone nobody knows whether it
differs: it is a gap, neither a factor nor excused. Of a file the commit may know: where both trees were clean at one
commit and the texts differ in marks alone, the file is the commit's.
"""

from collections.abc import Sequence
from dataclasses import replace

from runaudit.factors.documents import text_of
from runaudit.factors.factor import Change, ChangeClass
from runaudit.factors.levels import Levels
from runaudit.factors.marks import BEGINS, holds_marks, without_marks
from runaudit.factors.pair import Pair
from runaudit.records.canonical import JSON, canonical_bytes

APART = "masked, under the key of another store each: whether it is the same cannot be told"
COMMITTED = "the file of one commit in two clean trees; each store masks under its own key"


def masked_apart(found: Sequence[Change], pair: Pair) -> Sequence[Change]:
    """These changes, those that may be marks of two keys alone no factors any more."""
    if not _keys_differ(pair.a, pair.b):
        return found
    return [_unmasked(change, pair) if change.kind is ChangeClass.FACTOR else change for change in found]


def _keys_differ(a: Levels, b: Levels) -> bool:
    keys = [(of.run.manifest.section("launch").get("marking") or {}).get("by") for of in (a, b)]
    return None not in keys and keys[0] != keys[1]


def _unmasked(change: Change, pair: Pair) -> Change:
    if change.section != "code":
        is_apart = holds_marks(change.before) and _only_marks_differ(change.before, change.after)
        return replace(change, kind=ChangeClass.NUISANCE, why=APART) if is_apart else change
    texts = [text_of(of.run, str(digest)) for of, digest in ((pair.a, change.before), (pair.b, change.after))]
    if None in texts or BEGINS not in str(texts[0]) or not _only_marks_differ(*texts):
        return change
    why = COMMITTED if _is_one_clean_commit(pair.a, pair.b) else APART
    return replace(change, kind=ChangeClass.NUISANCE, why=why)


def _only_marks_differ(before: JSON, after: JSON) -> bool:
    return without_marks(canonical_bytes(before)) == without_marks(canonical_bytes(after))


def _is_one_clean_commit(a: Levels, b: Levels) -> bool:
    """Whether both launches saw one commit and no edit. What came into the tree beside it is in no commit, and is
    recorded as an edit."""
    codes = [of.run.manifest.section("code") for of in (a, b)]
    commit = codes[0].get("commit")
    return isinstance(commit, str) and all(
        code.get("commit") == commit and code.get("dirty") is False and not code.get("patch") for code in codes
    )
