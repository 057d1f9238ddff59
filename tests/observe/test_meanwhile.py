"""A thread of the program, or of a tracker, may import while a run is sealed: what is loaded then is looked at as it
stood at one moment."""

import sys

import pytest

from runaudit.capture.loaded import loaded_modules
from runaudit.observe import here


class Growing(dict):
    """The modules of a process in which another thread imports: whoever walks over them meets one more, and a copy is
    made at one moment."""

    def __init__(self, modules):
        super().__init__(modules)
        self.then = dict(modules)

    def copy(self):
        return self.then

    def _walked(self):
        raise RuntimeError("dictionary changed size during iteration")

    items = values = keys = __iter__ = _walked


@pytest.mark.parametrize("look", [lambda place: here._loaded(), lambda place: loaded_modules(place)])
def test_what_is_loaded_is_told_while_another_thread_imports(look, monkeypatch, tmp_path):
    expected = look(tmp_path)
    monkeypatch.setattr(sys, "modules", Growing(sys.modules))

    assert look(tmp_path) == expected
