"""Laws of an integration whose library is not there: one line says what to install."""

import importlib
import sys
from typing import Any

import pytest

from runaudit.errors import UsageError
from tests.integrations import stand_ins


@pytest.mark.parametrize(
    ("ours", "modules", "said"),
    [
        ("lightning", ("lightning", "lightning.pytorch", "pytorch_lightning"),
         "Lightning is not installed here; run 'pip install lightning'"),
        ("huggingface", ("transformers",), "Transformers is not installed here; run 'pip install transformers'"),
        ("hydra", ("hydra", "omegaconf"), "Hydra is not installed here; run 'pip install hydra-core'"),
    ],
)  # fmt: skip
def test_one_line_says_what_to_install(monkeypatch: Any, ours: str, modules: tuple[str, ...], said: str) -> None:
    for name in modules:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, f"runaudit.integrations.{ours}", raising=False)
    with pytest.raises(UsageError) as missing:
        importlib.import_module(f"runaudit.integrations.{ours}")

    assert str(missing.value) == said
    assert isinstance(missing.value, ImportError)


def test_a_library_that_lacks_what_it_needs_is_not_told_to_be_missing(monkeypatch: Any) -> None:
    for name, module in stand_ins.lightning().items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setitem(sys.modules, "lightning_utilities.core.rank_zero", None)
    monkeypatch.delitem(sys.modules, "runaudit.integrations.lightning", raising=False)
    with pytest.raises(
        UsageError, match=r"Lightning cannot be imported: .*; install what provides lightning_utilities"
    ):
        importlib.import_module("runaudit.integrations.lightning")
