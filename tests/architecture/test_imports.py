"""The house: imports run downwards, rooms of one floor do not know each other, every heavy library has one home."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.architecture.parsed import nodes

ROOT = Path(__file__).parents[2]

RUNAUDIT_FLOORS = [
    {"errors", "text"},
    {"metrics", "system"},
    {"stats", "settings"},
    {"records"},
    {"store", "factors", "rules", "importers", "observe", "claims"},
    {"capture", "diff", "study", "health"},
    {"voice"},
    {"runs"},
    {"judge", "record", "remote"},
    {"guard"},
    {"launch"},
    {"campaign"},
    {"untangle"},
    {"report"},
    {"integrations"},
    {"cli", "verbs"},
]
HOMES = {
    "torch": {"runaudit/integrations/torch.py"},
    "wandb": {
        "runaudit/integrations/wandb.py",
        "runaudit/system/wandb_account.py",
    },
    "lightning": {"runaudit/integrations/lightning.py"},
    "pytorch_lightning": {"runaudit/integrations/lightning.py"},
    "transformers": {"runaudit/integrations/huggingface.py"},
    "hydra": {"runaudit/integrations/hydra.py"},
    "omegaconf": {"runaudit/integrations/hydra.py"},
    "tensorboard": set(),
    "matplotlib": {"runaudit/report/figures.py"},
    "jinja2": {"runaudit/report/html.py"},
    "fsspec": {"runaudit/remote/fsplace.py"},
    "yaml": {"runaudit/records/yamlevents.py", "runaudit/records/yamlfile.py"},
    "deepdiff": {"runaudit/diff/lists.py"},
    "ray": {"runaudit/campaign/executors.py"},
    "submitit": {"runaudit/campaign/executors.py"},
    "trainer": set(),
    "statsmodels": set(),
    "skimage": set(),
}
ROOMS_OF = {"scipy": {"runaudit/stats"}}
"""Libraries of a room: the mathematics lives there, and nowhere else."""
TRAINER_HEAVY = {"wandb", "deepdiff", "jinja2", "typer", "scipy.stats", "statsmodels"}


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@cache
def imports(path: Path) -> frozenset[str]:
    """Every module imported at any depth of the file, `from a import b` as both `a` and `a.b`."""
    return frozenset(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(dotted: str) -> str | None:
    parts = dotted.split(".")
    return parts[1] if parts[0] == "runaudit" and len(parts) > 1 else None


def floor_of(name: str) -> int:
    return next(number for number, rooms in enumerate(RUNAUDIT_FLOORS) if name in rooms)


def known_rooms() -> set[str]:
    return set().union(*RUNAUDIT_FLOORS)


@pytest.mark.parametrize("path", modules("runaudit"), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_run_downwards(path):
    relative = path.relative_to(ROOT / "runaudit")
    mine = relative.parts[0].removesuffix(".py")
    if mine in ("__init__", "__main__"):
        return
    for dotted in imports(path):
        other = room(dotted)
        if other in known_rooms() and other != mine:
            assert floor_of(other) < floor_of(mine), f"{relative} ({mine}) may not import {dotted}"


def test_every_room_has_a_floor():
    names = {p.name.removesuffix(".py") for p in (ROOT / "runaudit").iterdir() if p.suffix == ".py" or p.is_dir()}
    assert names - {"__init__", "__main__", "__pycache__", "py.typed", "templates"} <= known_rooms()


@pytest.mark.parametrize("library", HOMES)
def test_every_heavy_library_has_one_home(library):
    found = {
        str(path.relative_to(ROOT))
        for path in modules("runaudit")
        if any(name == library or name.startswith(library + ".") for name in imports(path))
    }
    assert found <= HOMES[library]


@pytest.mark.parametrize("library", ROOMS_OF)
def test_a_library_of_a_room_stays_in_it(library):
    found = {
        str(path.relative_to(ROOT).parent)
        for path in modules("runaudit")
        if any(name == library or name.startswith(library + ".") for name in imports(path))
    }
    assert found <= ROOMS_OF[library]


def test_the_trainer_judges_by_the_one_measure_of_a_library():
    """scikit-image is heavy and its definitions differ between versions: one module of the trainer speaks to it."""
    found = {
        str(p.relative_to(ROOT)) for p in modules("trainer") if any(n.split(".")[0] == "skimage" for n in imports(p))
    }
    assert found <= {"trainer/metrics.py"}


@pytest.mark.parametrize("package", ["runaudit", "trainer"])
def test_no_private_name_is_imported(package):
    """`_x` is its module's own: who needs it elsewhere gives it a name, or asks for less."""
    found = [
        f"{path.relative_to(ROOT)}: {dotted}"
        for path in modules(package)
        for dotted in imports(path)
        if dotted.split(".")[0] == package
        and any(part.startswith("_") and not part.startswith("__") for part in dotted.split("."))
    ]
    assert found == []


def test_the_trainer_reaches_runaudit_and_never_the_other_way():
    """`HOMES["trainer"]` is empty for runaudit; the trainer may use runaudit's public face, its errors and its
    way to replace a file: one idea has one home."""
    allowed = (
        "runaudit",
        "runaudit.errors",
        "runaudit.system.files",
        "runaudit.integrations.torch",
        "runaudit.integrations.wandb",
    )
    for path in modules("trainer"):
        for dotted in imports(path):
            if dotted.split(".")[0] == "runaudit":
                assert any(dotted == name or dotted.rpartition(".")[0] == name for name in allowed), (path, dotted)


@pytest.mark.parametrize("args", [["--help"], ["--version"]])
def test_the_command_line_starts_without_heavy_libraries(args):
    code = (
        "import sys, runaudit.cli.app as a\n"
        f"try: a.main({args!r})\n"
        "except SystemExit: pass\n"
        "heavy = {'torch','wandb','matplotlib','scipy','deepdiff','numpy','jinja2','pydantic','statsmodels'}\n"
        "print('LOADED', sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert "LOADED []" in done.stdout


def test_importing_runaudit_in_a_trainer_loads_nothing_heavy():
    code = (
        "import sys, runaudit\n"
        "heavy = {'torch','wandb','matplotlib','scipy','deepdiff','numpy','typer','pydantic','rich'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


def test_no_function_outgrows_the_house():
    """What does not fit on one screen is more than one thing: 55 lines is the limit."""
    long = {
        f"{path.relative_to(ROOT)}:{node.name}": lines
        for package in ("runaudit", "trainer")
        for path in modules(package)
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > 55
    }
    assert long == {}


def test_no_file_outgrows_the_house():
    """A file that one person cannot hold in the head hides what it does: 400 lines is the limit."""
    long = {
        str(path.relative_to(ROOT)): lines
        for package in ("runaudit", "trainer")
        for path in modules(package)
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert long == {}


def test_every_exception_from_a_rule_has_its_reason_beside_it():
    bare = {
        f"{path.relative_to(ROOT)}:{number}"
        for package in ("runaudit", "trainer")
        for path in modules(package)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if "# noqa" in line and not re.search(r"# noqa: [A-Z0-9, ]+  \(\S.*\)$", line)
    }
    assert bare == set()


def test_the_command_line_is_a_thin_shell():
    """It reads options, asks one room, tells the answer and ends with its code: whoever needs more adds it below."""
    files = modules("runaudit/cli")
    rooms = {(path.name, other) for path in files for name in imports(path) if (other := room(name)) is not None}
    judges = {"capture", "factors", "health", "metrics", "observe", "record", "records"}

    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files) <= 1_600
    assert {(file, other) for file, other in rooms if other in judges} == set()
    assert [path.name for path in files if "numpy" in imports(path)] == []
