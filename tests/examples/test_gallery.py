"""The page that leads to all others: it links what was made, and says of the rest how it is made."""

import importlib.util
import shlex
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

GALLERY = Path(__file__).parents[2] / "examples" / "gallery"


@pytest.fixture
def gallery(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(GALLERY), *sys.path])
    spec = importlib.util.spec_from_file_location("gallery_make", GALLERY / "make.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)  # A dataclass looks its module up.
    spec.loader.exec_module(module)
    return module


def test_every_case_study_is_linked_where_it_is_made_and_says_how_where_it_is_not(gallery, tmp_path):
    out, cases = tmp_path / "out", tmp_path / "cases"
    out.mkdir()
    (cases / "collapse").mkdir(parents=True)
    (cases / "collapse" / "collapse.html").write_text("a page")
    (out / "own.html").write_text("another")
    text = gallery.written_index(out, {"A <title>": out / "own.html"}, cases).read_text(encoding="utf-8")

    assert "href='own.html'>A &lt;title&gt;<" in text and "href='../cases/collapse/collapse.html'" in text
    rest = set(gallery.case_studies()) - {"collapse"}
    assert rest >= {"staged", "divergence", "autoencoder", "denoiser", "foreign"}
    assert all(f"make.py {name}</code> makes it" in text for name in rest)
    assert text.count("href=") == 2


def test_a_command_of_the_gallery_is_printed_as_it_is_typed(gallery, tmp_path, monkeypatch, capsys):
    """Of `$ runaudit report one letter three letters` a shell makes four arms."""
    monkeypatch.setattr(gallery.subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=0))

    gallery.runaudit(tmp_path, "report", "one letter", "three letters", "--title", "A walker: is it so?")

    (line,) = capsys.readouterr().out.splitlines()
    assert shlex.split(line) == ["$", "runaudit", "report", "one letter", "three letters", "--title",
                                 "A walker: is it so?"]  # fmt: skip
