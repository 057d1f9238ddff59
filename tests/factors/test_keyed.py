"""Marks of two stores tell nothing of whether what they mask is one: it is a gap, unless a commit knows."""

from dataclasses import replace

import pytest

from runaudit.diff import compare
from runaudit.factors.identity import identity_of
from runaudit.records.digest import digest_bytes
from runaudit.records.manifest import Manifest
from runaudit.settings import Settings


def kept(make_run, *, code: str, kind: str = "masked", store: str = "one", dirty: bool = False, text: str = "lr = 1"):
    """A run of one store with a masked value in its config and its source."""
    mark = f"<redacted:hmac-{code}:{kind}>"
    source = f'{text}\nconfig = {{"lr": 1, "key": "{mark}"}}\n'.encode()
    patch = {"digest": str(digest_bytes(b"a patch")), "size": 7} if dirty else None
    files = {"train.py": {"digest": str(digest_bytes(source)), "size": len(source)}}
    run = make_run(
        config={"lr": 1, "key": mark},
        code={"vcs": "git", "commit": "a" * 40, "dirty": dirty, "patch": patch, "untracked": [], "files": files},
    )
    body = {key: value for key, value in run.manifest.to_json().items() if key != "schema"}
    body["launch"] = {**body.get("launch", {}), "marking": {"by": store * 8, "store": store}}
    return replace(run, manifest=Manifest.of(body), blobs={str(digest_bytes(source)): source})


@pytest.mark.parametrize(
    ("change", "factors", "missing"),
    [
        ({"code": "b" * 16}, ["config.key", "code.train.py"], set()),
        ({"code": "b" * 16, "store": "two"}, [], {"config.key"}),
        ({"code": "b" * 16, "store": "two", "dirty": True}, [], {"config.key", "code.train.py"}),
        ({"code": "b" * 16, "store": "two", "text": "lr = 2"}, ["code.train.py"], {"config.key"}),
        ({"code": "b" * 16, "store": "two", "kind": "proven"}, [], set()),
        ({"code": "a" * 16, "store": "two"}, [], set()),
    ],
    ids=["one store, another value", "two stores", "an edited tree", "the file was edited", "a secret beyond doubt",
         "one key in two stores"],
)  # fmt: skip
def test_a_mark_of_another_key_is_no_factor_and_excuses_nothing(make_run, change, factors, missing):
    kind = change.get("kind", "masked")
    a, b = kept(make_run, code="a" * 16, kind=kind), kept(make_run, **change)

    found = compare(a, b, settings=Settings())

    assert [row.factor for row in found.factors] == factors
    assert {row.factor for row in found.missing} >= missing
    assert ("config.key" in {row.factor for row in found.missing}) is ("config.key" in missing)


def test_runs_whose_masked_choice_may_differ_are_not_pooled(make_run):
    a, b = (identity_of(kept(make_run, code=code * 16, store=store), Settings().factors)
            for code, store in (("a", "one"), ("b", "two")))  # fmt: skip

    assert not a.matches(b)
