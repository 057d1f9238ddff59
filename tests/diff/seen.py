"""Captured runs that were observed, made by hand: what a program read, looked up, imported and was called with."""

from collections.abc import Mapping, Sequence
from typing import Any

from runaudit.records.digest import digest_bytes
from runaudit.records.manifest import Manifest
from runaudit.records.outcome import Outcome
from runaudit.records.run import Run

TOP = "/home/u/work"
MAIN = "import json, net\n"
NET = "W = 1\n"
TREE: Mapping[str, str] = {"train.py": MAIN, "net.py": NET, "plot.py": "print(1)\n", "README.md": "# Words\n",
                           "requirements.txt": "numpy\n", "go.sh": "echo 1\n"}  # fmt: skip
CODE = ("train.py", "net.py")


def sha(text: str) -> str:
    return str(digest_bytes(text.encode()))


def read(path: str, content: str = "1", role: str = "data", **more: Any) -> dict[str, Any]:
    return {"path": path, "digest": sha(content), "size": len(content), "role": role, **more}


def seen(
    *rows: Mapping[str, Any],
    level: str = "full",
    tree: Mapping[str, str] = TREE,
    code: Sequence[str] = CODE,
    **more: Any,
) -> dict[str, Any]:
    """An `observed` section; the code that ran is in it."""
    return {
        "level": level,
        "reason": None if level == "full" else "a child was not seen",
        "read": [*(read(path, tree[path], "code") for path in code if path in tree), *rows],
        "written": [],
        "looked_up": {},
        "imported": {},
        "seeded": [],
        "python": "3.11.7",
        "cwd": TOP,
        **more,
    }


def captured(
    observed: Mapping[str, Any] | None = None,
    *,
    argv: Sequence[str] = ("python", "train.py"),
    seed: Any = 1,
    tree: Mapping[str, str] = TREE,
    label: str = "arm",
    status: str = "completed",
    outcome: Mapping[str, Any] | None = None,
    **sections: Any,
) -> Run:
    """A run that `runaudit run` recorded. `...` as a section leaves it out."""
    blobs = {sha(text): text.encode() for text in tree.values()}
    body: dict[str, Any] = {
        "label": label,
        "seed": seed,
        "code": {"vcs": "git", "commit": "a" * 40, "dirty": False, "patch": None, "untracked": [],
                 "files": {path: {"digest": sha(text), "size": len(text)} for path, text in tree.items()}},
        "env": {"python": "3.11.7", "torch": None, "cuda": None, "cudnn": None, "gpu": None,
                "packages": {"numpy": "2.0.1", "pandas": "2.2.0"}, "variables": {}},
        "launch": {"argv": list(argv), "cwd": TOP, "started": "2026-03-04T05:06:07Z"},
        "origin": {"kind": "captured"},
        **sections,
    }  # fmt: skip
    manifest = Manifest.of({name: value for name, value in body.items() if value is not ...})
    sealed = {"manifest": str(manifest.digest), "status": status, "metrics": {}, **(outcome or {})}
    if observed is not None:
        sealed["observed"] = dict(observed)
    return Run(manifest=manifest, outcome=Outcome.of(sealed), blobs=blobs)


def changed_tree(path: str, text: str) -> dict[str, str]:
    return {**TREE, path: text}
