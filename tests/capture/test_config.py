"""Laws of the config tree: every way of writing one config gives one tree; what has no canonical form is refused."""

import argparse
import enum
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runaudit.capture.config import config_file, merge, plain, plain_config
from runaudit.errors import CanonicalError, ConfigError
from runaudit.records.canonical import canonical_bytes


class Loss(enum.Enum):
    L1 = "l1"


@dataclass(frozen=True)
class Model:
    width: int = 4
    taps: tuple[int, ...] = (1, 2)


@dataclass(frozen=True)
class Config:
    lr: float = 1e-3
    loss: Loss = Loss.L1
    model: Model = field(default_factory=Model)
    out: Path = Path("runs/a")


TREE = {"lr": 1e-3, "loss": "l1", "model": {"width": 4, "taps": [1, 2]}, "out": "runs/a"}


@pytest.mark.parametrize(
    "source",
    [
        Config(),
        TREE,
        OrderedDict(reversed(TREE.items())),
        argparse.Namespace(lr=1e-3, loss=Loss.L1, model={"width": 4, "taps": [1, 2]}, out=Path("runs/a")),
    ],
)
def test_one_config_is_one_tree(source: Any) -> None:
    assert canonical_bytes(plain_config(source)) == canonical_bytes(TREE)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("c.toml", 'lr = 1e-3\nloss = "l1"\nout = "runs/a"\n[model]\nwidth = 4\ntaps = [1, 2]\n'),
        ("c.json", '{"out": "runs/a", "lr": 0.001, "loss": "l1", "model": {"taps": [1, 2], "width": 4}}'),
        ("c.yaml", "lr: 0.001\nloss: l1\nout: runs/a\nmodel: {width: 4, taps: [1, 2]}\n"),
    ],
)
def test_one_config_in_any_file_is_one_tree(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)

    assert canonical_bytes(plain_config(tmp_path / name)) == canonical_bytes(TREE)


def test_later_files_win_leaf_by_leaf(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("lr = 1.0\n[model]\nwidth = 4\ndepth = 2\n")
    (tmp_path / "b.toml").write_text("[model]\nwidth = 8\n")

    assert plain_config([tmp_path / "a.toml", tmp_path / "b.toml"]) == {"lr": 1.0, "model": {"width": 8, "depth": 2}}


def test_numbers_as_keys_become_their_text() -> None:
    assert plain({0: "cat", 1.5: "dog"}, where="config") == {"0": "cat", "1.5": "dog"}


def test_numpy_and_torch_scalars_are_their_values() -> None:
    import numpy as np
    import torch

    found = plain_config({"a": np.float64(0.5), "b": np.int64(3), "c": torch.float16, "d": torch.device("cpu")})

    assert found == {"a": 0.5, "b": 3, "c": "torch.float16", "d": "cpu"}


def test_a_set_is_a_sorted_list() -> None:
    assert plain({"b", "a", "c"}, where="config") == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ({"a": {"f": len}}, "config.a.f"), ({"a": [1, object()]}, r"config.a\[1\]"), ({"a": b"x"}, "config.a"),
        ({"a": {True: 1}}, "config.a"), ({None: 1}, "config"), ({"a": 1 + 2j}, "config.a"), ({1: 1, "1": 2}, "config"),
    ],
)  # fmt: skip
def test_what_has_no_canonical_form_is_refused_with_its_path(config: Any, path: str) -> None:
    with pytest.raises(CanonicalError, match=path):
        plain_config(config)


def test_a_config_that_holds_itself_is_refused() -> None:
    config: dict[str, Any] = {}
    config["self"] = config

    with pytest.raises(CanonicalError, match="nested deeper"):
        plain_config(config)


def test_an_array_is_no_config() -> None:
    import numpy as np

    with pytest.raises(CanonicalError, match=r"config\.w is an object of the type ndarray"):
        plain_config({"w": np.zeros(3)})


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("c.toml", "lr = ", "not TOML"), ("c.json", '{"a": 1, "a": 2}', "twice"), ("c.yaml", "a: [", "not YAML"),
        ("c.json", "[1]", "not a table"), ("c.xml", "<a/>", "no kind of config"),
        ("c.yaml", "a: !!python/object/apply:os.system ['true']", "not YAML"),
    ],
)  # fmt: skip
def test_a_broken_file_is_one_clear_line(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)

    with pytest.raises((ConfigError, Exception), match=message) as refusal:
        config_file(tmp_path / name)
    assert "\n" not in str(refusal.value)


def test_a_yaml_bomb_is_refused_before_it_unfolds(tmp_path: Path) -> None:
    """Nine levels of nine aliases: 387 million leaves from 500 bytes."""
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    (tmp_path / "bomb.yaml").write_text("\n".join(lines))

    with pytest.raises(ConfigError, match="unfolds"):
        config_file(tmp_path / "bomb.yaml")


def test_a_missing_file_is_told_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml cannot be read: No such file"):
        config_file(tmp_path / "none.toml")


TREES = st.dictionaries(
    st.text(max_size=3),
    st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)


@given(TREES)
def test_a_plain_tree_is_left_as_it_is(tree: dict[str, Any]) -> None:
    assert plain_config(tree) == tree


@given(TREES, TREES, TREES)
def test_merging_is_associative_on_tables_and_idempotent(a: Any, b: Any, c: Any) -> None:
    assert merge(a, a) == a
    assert merge(merge(a, {}), b) == merge(a, b)
    assert merge({}, c) == c
