"""No remedy of the guard puts a secret into git or runs what a stranger's repository names; a refusal keeps nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import runaudit
from runaudit.capture.telling import keeps_secrets
from runaudit.errors import GuardRefusedError
from runaudit.store import Store
from runaudit.store.catalogue import run_ids
from runaudit.store.verify import verify

KEEPERS = (
    ".env", "a/.env.local", "x.pem", "id_rsa", "id_ed25519", "credentials.json", "aws/credentials",
    "secrets.yaml", "service-account.json", "my_secrets.toml", ".netrc", "kaggle.json", "prod.tfvars", "k.p12",
)  # fmt: skip
OTHERS = (".env.example", "id_rsa.pub", "tokenizer.json", "special_tokens_map.json", "secretary.json", "config.yaml",
          "key.py", "secrets.py", "environment.yml", "credentials/model.py", "keys.json", "passwords.py")  # fmt: skip


@pytest.mark.parametrize("name", KEEPERS)
def test_a_file_that_is_there_to_keep_secrets_is_known_by_its_name(name):
    assert keeps_secrets(name)


@pytest.mark.parametrize("name", OTHERS)
def test_a_file_that_only_sounds_like_it_is_none(name):
    assert not keeps_secrets(name)


@pytest.fixture
def findings(cli, options, capfd):
    """What the guard finds, by rule."""

    def ask(*more: str) -> list[dict]:
        capfd.readouterr()
        cli("guard", "--json", *options, *more, "--", sys.executable, "train.py")
        return json.loads(capfd.readouterr().out)["findings"]

    return ask


def typed(remedy: str, folder: Path) -> None:
    subprocess.run(["sh", "-c", remedy], cwd=folder, check=True, capture_output=True)


def test_a_keeper_of_secrets_is_ignored_and_never_added(repo, git, findings):
    (repo / "credentials.json").write_text("{}")
    (repo / "in").mkdir()
    (repo / "in" / "secrets.yaml").write_text("a: 1\n")
    (repo / "new.py").write_text("N = 1\n")

    found = {tuple(one["evidence"]["files"]): one["remedy"] for one in findings() if one["code"] == "RA104"}

    assert set(found) == {("new.py",), ("credentials.json", "in/secrets.yaml")}
    for remedy in found.values():
        typed(remedy, repo)
    assert "RA104" not in [one["code"] for one in findings() if one["severity"] == "error"]
    assert set(git(repo, "ls-files").split()) >= {"new.py"}
    assert "credentials" not in git(repo, "ls-files") and "secrets" not in git(repo, "ls-files")


@pytest.mark.parametrize("is_tracked", [False, True])
def test_code_with_a_secret_in_it_is_to_be_cleaned_before_it_is_committed(repo, git, findings, is_tracked):
    if is_tracked:
        (repo / "conn.py").write_text("password = None\n")
        git(repo, "add", "-A")
        git(repo, "commit", "-qm", "x")
    (repo / "conn.py").write_text('password = "tr0ub4dor-and-3"\n')

    (remedy,) = [
        one["remedy"] for one in findings() if one["code"] in ("RA103", "RA104") and one["severity"] == "error"
    ]

    assert remedy.startswith("a secret is in conn.py: have it read from the environment")


@pytest.mark.parametrize("is_repository", [False, True])
def test_the_first_commit_leaves_out_what_keeps_secrets(tmp_path, git, cli, monkeypatch, capfd, is_repository):
    root = tmp_path / "new folder"
    (root / "deep").mkdir(parents=True)
    for name in ("train.py", ".env", "deep/id_rsa", "deep/model.py"):
        (root / name).write_text("N = 1\n")
    if is_repository:
        git(tmp_path, "init", "-q", str(root))
    for name, value in (
        ("AUTHOR_NAME", "t"),
        ("AUTHOR_EMAIL", "t@t"),
        ("COMMITTER_NAME", "t"),
        ("COMMITTER_EMAIL", "t@t"),
    ):
        monkeypatch.setenv(f"GIT_{name}", value)
    monkeypatch.chdir(root)

    cli("guard", "--json", "--", sys.executable, "train.py")
    found = json.loads(capfd.readouterr().out)["findings"]
    typed(next(one["remedy"] for one in found if one["code"] in ("RA101", "RA102")), root)

    assert set(git(root, "ls-files").split()) == {".gitignore", "train.py", "deep/model.py"}


def test_what_to_do_about_a_filtered_file_runs_no_filter(repo, git, findings, cli, options):
    (repo / ".gitattributes").write_text("*.dat filter=x\n")
    (repo / "a.dat").write_text("as stored\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "x")
    git(repo, "config", "filter.x.clean", "touch RAN; cat")
    (repo / "a.dat").write_text("smudged\n")

    (remedy,) = [one["remedy"] for one in findings() if one["code"] == "RA103"]
    call = remedy.partition("they are as committed: ")[2]
    done = subprocess.run(["sh", "-c", call.replace("runaudit ", f"{sys.executable} -m runaudit ", 1)], cwd=repo,
                          capture_output=True, text=True, check=False)  # fmt: skip

    assert done.returncode == 0, done
    assert not (repo / "RAN").exists() and "git status" not in remedy and ".git/config" in remedy


def contents(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in (root / "objects").rglob("*") if path.is_file()}


def test_of_a_refused_launch_nothing_is_kept(repo, cli, options, git):
    assert cli("run", *options, "--", sys.executable, "train.py") == 0
    before = contents(repo / ".runaudit")
    (repo / "helper.py").write_text("def score(step, seed):\n    return 99\n")
    (repo / "new.py").write_text("SEEN = 1\n")

    assert cli("run", *options[:-1], "another try", "--", sys.executable, "train.py") == 5
    assert cli("guard", *options[:-1], "another try", "--", sys.executable, "train.py") == 5
    with pytest.raises(GuardRefusedError):
        runaudit.guarded_record("another try", seed=2, config={"lr": 1})

    assert contents(repo / ".runaudit") == before
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "x")
    assert cli("run", *options[:-1], "another try", "--", sys.executable, "train.py") == 0
    store = Store.open(repo / ".runaudit")
    assert len(run_ids(store)) == 2 and contents(store.root) > before
    assert verify(store).problems == () and not [one for one in verify(store).remarks if "no line" in one]
