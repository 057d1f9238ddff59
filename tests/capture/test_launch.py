"""Laws of a launch: a draft holds every input, no secret is in a stored byte, a launch counts once it is sealed."""

import json
import os
from pathlib import Path

import pytest

from runaudit.capture.draft import ABSENT, LaunchRequest, amended, draft_manifest, open_store, seal
from runaudit.errors import CaptureError
from runaudit.records.manifest import Unknown
from runaudit.store.catalogue import run_ids
from runaudit.store.store import Store
from runaudit.store.verify import verify
from tests.capture.conftest import Repo

SECRETS = {
    "environment": "tr0ub4dor&3x", "argv": "0123456789abcdef0123456789abcdef01234567", "remote": "h4nter22secret",
    "config": "q7Wz9KpL2mX4", "patch": "ghp_x9Y8z7W6v5U4t3S2r1Q0p9O8n7M6l5K4j3I2", "untracked": "p4ssw0rd-of-db",
}  # fmt: skip


def request(repo: Repo, **more: object) -> LaunchRequest:
    given = {"label": "a", "seed": 1, "config": {"lr": 0.1}, "root": repo.root, "argv": ("train.py",), "siblings": ()}
    return LaunchRequest(**{**given, **more})  # type: ignore[arg-type]


def test_a_draft_holds_every_section(repo: Repo, store: Store) -> None:
    repo.write("data/a.bin", b"1")
    draft = draft_manifest(
        request(
            repo,
            data={"train": repo.root / "data"},
            init="random",
            evaluation={"metric": "psnr"},
            intent=("config.lr",),
        ),
        store,
        environ={},
        now=0.0,
    )
    body = draft.to_json()

    assert (body["label"], body["seed"], body["config"]) == ("a", 1, {"lr": 0.1})
    assert body["init"] == {"kind": "random", "checkpoint": None, "parent": None}
    assert body["data"]["train"]["files"] == 1
    assert body["launch"]["started"] == "1970-01-01T00:00:00.000000Z"
    assert {"python", "packages", "torch", "cuda", "gpu"} <= set(body["env"])
    assert draft.intent == ("config.lr",)


def test_what_was_not_given_is_unknown_and_none_is_known(repo: Repo, store: Store) -> None:
    bare = draft_manifest(LaunchRequest(root=repo.root, siblings=()), store, environ={})
    none = draft_manifest(request(repo, seed=None), store, environ={})

    assert isinstance(bare.seed, Unknown)
    assert not bare.has("config")
    assert none.seed is None
    assert not ABSENT


def test_a_draft_counts_no_launch_and_a_seal_counts_one(repo: Repo, store: Store) -> None:
    draft = draft_manifest(request(repo), store, environ={})
    assert run_ids(store) == ()

    seal(store, amended(draft, waivers=[{"rule": "x", "reason": "y"}]), environ={})

    assert len(run_ids(store)) == 1
    assert verify(store).problems == ()


def test_two_launches_of_one_design_are_two_runs(repo: Repo, store: Store) -> None:
    ids = {draft_manifest(request(repo), store, environ={}, now=0.0).id for _ in range(2)}

    assert len(ids) == 2


def test_no_secret_is_in_any_stored_byte(repo: Repo, store: Store) -> None:
    """One in each place where researchers leave them; every file of the store is read."""
    repo.git("remote", "add", "origin", f"https://me:{SECRETS['remote']}@example.org/x.git")
    repo.write("model.py", f"WIDTH = 4\nTOKEN = '{SECRETS['patch']}'\nconnect('{SECRETS['environment']}')\n")
    repo.write("settings.yaml", f"db:\n  password: '{SECRETS['untracked']}'\n")
    draft = draft_manifest(
        request(
            repo,
            label=f"with {SECRETS['environment']}",
            config={"wandb": {"api_key": SECRETS["config"]}, "cmd": f"login {SECRETS['config']}"},
            argv=("train.py", "--api-key", SECRETS["argv"]),
            extra={"note": f"used {SECRETS['patch']}"},
        ),
        store,
        environ={"DB_PASSWORD": SECRETS["environment"], "TORCH_X": SECRETS["environment"]},
    )

    seal(store, draft, environ={})

    stored = b"".join(path.read_bytes() for path in store.root.rglob("*") if path.is_file())
    assert [place for place, secret in SECRETS.items() if secret.encode() in stored] == []
    assert draft.section("code")["files"]["model.py"]["redacted"] is True
    assert b"WIDTH = 4" in stored


def test_equal_secrets_give_one_design_and_another_secret_another(repo: Repo, store: Store) -> None:
    def config(key: str) -> object:
        draft = draft_manifest(request(repo, config={"api_key": key}), store, environ={})
        return draft.section("config")["api_key"]

    assert config("q7Wz9KpL2mX4") == config("q7Wz9KpL2mX4") != config("q7Wz9KpL2mX5")


def test_the_last_look_refuses_a_secret_that_came_in_late(repo: Repo, store: Store) -> None:
    for late, where in (
        ({"note": SECRETS["environment"]}, r"config\.note"),
        ({SECRETS["environment"]: 1}, "a name in"),
    ):
        draft = amended(draft_manifest(request(repo), store, environ={}), config=late)

        with pytest.raises(CaptureError, match=where) as refusal:
            seal(store, draft, environ={"DB_PASSWORD": SECRETS["environment"]})

        assert SECRETS["environment"] not in str(refusal.value)
        assert run_ids(store) == ()


def test_what_the_guard_adds_is_sealed_without_its_secrets(repo: Repo, store: Store) -> None:
    given = [{"rule": "RA103", "reason": f"the key {SECRETS['environment']} is old"}]

    sealed = seal(
        store,
        amended(draft_manifest(request(repo), store, environ={}), waivers=given),
        environ={"DB_PASSWORD": SECRETS["environment"]},
    )

    assert sealed.waivers[0]["reason"].startswith("the key <redacted:hmac-")


def test_a_hostile_label_is_kept_as_text(repo: Repo, store: Store) -> None:
    label = "<script>alert(1)</script> \x1b[31m ../../etc {{7*7}}"

    manifest = seal(store, draft_manifest(request(repo, label=label), store, environ={}), environ={})

    assert manifest.label == label
    assert sorted(p.name for p in store.run_dir(manifest.id).parent.iterdir()) == [manifest.id]


def test_the_stores_folder_never_makes_the_tree_unclean(repo: Repo) -> None:
    inside = open_store(repo.root / ".runaudit")

    for _ in range(2):
        draft = draft_manifest(request(repo), inside, environ={})
        seal(inside, draft, environ={})
        assert draft.section("code")["dirty"] is False
    assert repo.git("status", "--porcelain") == ""


def test_a_clock_that_runs_backwards_gives_no_negative_duration(repo: Repo, store: Store) -> None:
    from runaudit.record.outcome import seal_outcome

    manifest = seal(store, draft_manifest(request(repo), store, environ={}, now=1e9), environ={}, now=1e9)

    outcome = seal_outcome(store, manifest, status="completed", now=1e9 - 3600)

    assert outcome.body["duration_s"] is None
    assert verify(store).problems == ()


@pytest.mark.parametrize("init", [{"kind": "warm"}, "fresh"])
def test_an_unknown_init_is_refused(repo: Repo, store: Store, init: object) -> None:
    with pytest.raises(CaptureError, match=r"init\.kind"):
        draft_manifest(request(repo, init=init), store, environ={})


def test_a_manifest_is_json_that_any_tool_reads(repo: Repo, store: Store) -> None:
    manifest = seal(store, draft_manifest(request(repo, seed=2**63), store, environ={}), environ={})

    raw = store.object_path(manifest.digest).read_bytes()
    assert json.loads(raw)["seed"] == {"$int": str(2**63)}
    assert os.stat(store.object_path(manifest.digest)).st_mode & 0o777 == 0o444


def test_the_siblings_of_a_launch_are_found(
    repo: Repo, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sib").mkdir()
    (tmp_path / "sib" / "ops.py").write_text("A = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path / "sib"))

    code = draft_manifest(request(repo, siblings=None), store, environ={}).section("code")

    assert "ops.py" in code["siblings"]["sib"]["files"]


def test_a_secret_that_the_last_file_gives_away_is_gone_from_the_first(repo: Repo, store: Store) -> None:
    repo.write("a.py", "connect('tr0ub4dor-x9')\n")
    repo.write("z.yaml", "db_password: tr0ub4dor-x9\n")
    repo.commit()

    draft_manifest(request(repo), store, environ={})

    stored = b"".join(path.read_bytes() for path in store.root.rglob("*") if path.is_file())
    assert b"tr0ub4dor-x9" not in stored and b"connect('<redacted:hmac-" in stored


def test_a_waiver_that_quotes_a_secret_is_sealed_without_it(repo: Repo, store: Store) -> None:
    draft = amended(
        draft_manifest(request(repo), store, environ={}), waivers=[{"rule": "RA103", "reason": "DB_PASS=tr0ub4dor-x9"}]
    )

    sealed = seal(store, draft, environ={})

    assert sealed.waivers[0]["reason"].startswith("DB_PASS=<redacted:hmac-") and run_ids(store) == (sealed.id,)
