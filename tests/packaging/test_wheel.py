"""What a user installs holds what the page needs."""

import importlib.util
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from runaudit.errors import UsageError
from runaudit.report.assets import templates_folder
from runaudit.report.views.page import SECTIONS

ROOT = Path(__file__).parents[2]

needs_build = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("build", "hatchling")),
    reason="the wheel is built with `build` and `hatchling`, which are not installed",
)


@needs_build
def test_the_wheel_ships_every_template_and_every_module(tmp_path):
    """Built from a copy of what git would hand out, so that nothing lying about can help."""
    source = tmp_path / "source"
    source.mkdir()
    for name in ("runaudit", "trainer", "templates"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "LICENSE", "README.md"):
        (source / name).write_bytes((ROOT / name).read_bytes() if (ROOT / name).exists() else b"runaudit\n")

    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path / "out")]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = (tmp_path / "out").glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    templates = {f"runaudit/templates/{path.name}" for path in (ROOT / "templates").iterdir()}
    assert templates == {name for name in names if name.startswith("runaudit/templates/")}
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "runaudit").rglob("*.py")}
    assert modules <= names


def test_the_templates_of_a_wheel_come_before_those_of_a_checkout(tmp_path):
    package = tmp_path / "runaudit"
    for folder in (package / "templates", tmp_path / "templates"):
        folder.mkdir(parents=True)
        (folder / "page.html.j2").write_text("x")

    assert templates_folder(package) == package / "templates"

    shutil.rmtree(package / "templates")
    assert templates_folder(package) == tmp_path / "templates"


def test_an_installation_without_templates_says_what_to_do(tmp_path):
    with pytest.raises(UsageError) as caught:
        templates_folder(tmp_path)

    assert caught.value.remedy == "install runaudit again"


def test_every_template_is_used():
    """A partial that no page includes is a section that vanished."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in templates_folder().glob("*.j2")}

    # The page, what a notebook shows of an answer, and the picture beside a page.
    named = {"page.html.j2", "notebook.html.j2", "picture.svg.j2"}
    for name in texts.keys() - named - {f"_{section}.html.j2" for section in SECTIONS}:
        assert any(f'"{name}"' in text for text in texts.values()), name
