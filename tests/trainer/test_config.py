"""Arms differ in one leaf; what follows from it follows by declared rules; what is wrong is told in one
line.
"""

import itertools
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from runaudit.errors import ConfigError
from trainer.build import build_model, parameter_count
from trainer.config import TrainConfig, settled
from trainer.configfile import build, config_files, known_keys, load_config, parse_override
from trainer.resolved import DERIVED_RULES, resolve

ARMS = Path(__file__).parents[2] / "examples" / "piunet_stages"


def leaves(tree: Any, path: str = "config") -> dict[str, Any]:
    if isinstance(tree, Mapping):
        return {k: v for key, item in tree.items() for k, v in leaves(item, f"{path}.{key}").items()}
    return {path: tree}


def changed(a: TrainConfig, b: TrainConfig) -> set[str]:
    before, after = leaves(resolve(a)), leaves(resolve(b))
    assert before.keys() == after.keys()
    return {key for key in before if before[key] != after[key]}


def namespace(tree: Any) -> Any:
    if isinstance(tree, Mapping):
        return SimpleNamespace(**{key: namespace(item) for key, item in tree.items()})
    return tree


def arm(name: str) -> TrainConfig:
    return load_config(ARMS / f"{name}.toml")


@pytest.mark.parametrize("path", sorted(ARMS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_example_is_a_config_that_builds(path: Path) -> None:
    config = load_config(path)

    assert parameter_count(build_model(config.model)) > 0


def test_the_paper_example_is_the_published_network() -> None:
    config = load_config(ARMS / "piunet_paper.toml")

    assert parameter_count(build_model(config.model)) == 828_355
    assert (config.model.alignment.tern.identity_start, config.model.alignment.tern.unit_gain) == (
        False,
        False,
    )


def test_staging_is_one_choice_and_its_consequences_are_declared() -> None:
    moved = changed(arm("tern_end_to_end"), arm("tern_staged"))

    assert moved - DERIVED_RULES.keys() == {"config.staging"}
    assert moved & DERIVED_RULES.keys()


def test_the_alignment_is_one_choice() -> None:
    assert changed(arm("tern_staged"), arm("flow_staged")) == {"config.model.alignment.kind"}


def test_the_control_is_one_choice() -> None:
    assert changed(arm("flow_staged"), arm("control_nine_copies")) == {"config.data.frames_mode"}


@pytest.mark.parametrize(
    ("staging", "kind", "steps"),
    list(itertools.product(("staged", "end_to_end"), ("tern", "flow"), (0, 7))),
)
def test_declared_rules_reproduce_every_derived_leaf(staging: str, kind: str, steps: int) -> None:
    config = build(
        {
            "staging": staging,
            "model": {"alignment": {"kind": kind}},
            "budget": {"align_steps": 3, "sr_steps": 5, "finetune_steps": steps, "end_to_end_steps": 11},
        },
        "test",
    )
    tree = resolve(config)

    for path, rule in DERIVED_RULES.items():
        value = eval(rule, {"__builtins__": {}}, {"config": namespace(tree)})
        assert leaves(tree)[path] == value


def test_only_derived_leaves_are_not_settings() -> None:
    settings = {f"config.{key}" for key in known_keys(TrainConfig)}

    assert leaves(resolve(TrainConfig())).keys() - settings == DERIVED_RULES.keys() - settings


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"optim": {"bacth": 8}}, "unknown key optim.bacth; the nearest known key is optim.batch"),
        ({"lr": 1e-3}, "unknown key lr; the nearest known key is stages."),
        ({"optim": {"batch": "8"}}, "optim.batch is '8'; give a whole number"),
        ({"optim": {"batch": 0}}, "optim.batch is 0; give a number at least 1"),
        ({"optim": {"batch": True}}, "optim.batch is True; give a whole number"),
        ({"grad_clip": float("nan")}, "grad_clip is nan; give a number above 0"),
        ({"data": {"fraction": 1.5}}, "data.fraction is 1.5; give a number above 0 and at most 1"),
        ({"staging": "stagd"}, "did you mean 'staged'?"),
        ({"optim": 3}, "optim is 3, not a section"),
        ({"loss": {"kind": "laplace"}}, "loss.kind cannot be used"),
        ({"budget": {"align_steps": 0, "sr_steps": 0}}, "give the staged stages steps"),
        ({"stages": {"sr": {"trains": ["heads"]}}}, "did you mean 'head'?"),
        ({"stages": {"sr": {"steps": 5}}}, "unknown key stages.sr.steps"),
        ({"model": {"topology": "paper"}}, "model.topology cannot be used with the rest; set model.anchor"),
        ({"model": {"anchor": "token"}}, "model.anchor cannot be used"),
        (
            {"model": {"fusion": {"activation": "gelu"}}},
            "model.fusion.activation cannot be used",
        ),
        (
            {"model": {"head": {"kind": "fft", "pooling": "global"}}},
            "pooling cannot be used with the rest; set it to",
        ),
        (
            {"model": {"head": {"kind": "fft", "activation": "gelu"}}},
            '"leaky_relu", or model.head.kind = "residual"',
        ),
        ({"model": {"head": {"normalisation": "group", "groups": 5}}}, "let the groups divide the channels"),
        ({"model": {"head": {"pooling": "local", "window": 33}}}, "the side of the training tile, data.tile = 32"),
        (
            {"model": {"topology": "paper", "head": {"normalisation": "batch"}}, "staging": "end_to_end"},
            'model.head.normalisation cannot be used with the rest; set it to "none", or model.topology = "aligned"',
        ),
        ({"loss": {"fft_weight": 1.0, "shift_border": 3}}, "set loss.fft_weight = 0 or loss.shift_border = 0"),
        ({"budget": {"sr_steps": 0}}, 'eval.checkpoint cannot be used with the rest; set eval.checkpoint = "last"'),
    ],
)
def test_a_wrong_config_is_one_clear_line(tree: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build(tree, "arm.toml")

    assert str(caught.value).startswith("arm.toml: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_section_that_is_half_given_keeps_its_own_defaults() -> None:
    """The alignment stage trains the alignment, also where only its learning rate is given."""
    config = build({"stages": {"alignment": {"lr": 1e-3}}}, "test")

    assert config.stages.alignment.trains == ("alignment",)
    assert config.stages.alignment.loss == "alignment"


def test_overrides_win_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text('staging = "staged"\n[optim]\nbatch = 4\naccumulate = 2\n')
    (tmp_path / "arm.toml").write_text('extends = "base.toml"\n[optim]\nbatch = 6\n')

    config = load_config(tmp_path / "arm.toml", ["staging=end_to_end", "optim.warmup_fraction=.5"])

    assert (config.optim.batch, config.optim.accumulate) == (6, 2)
    assert (config.staging, config.optim.warmup_fraction) == ("end_to_end", 0.5)


@pytest.mark.parametrize("text", ["novalue", "=3"])
def test_an_override_needs_key_and_value(text: str) -> None:
    with pytest.raises(ConfigError, match=r"section\.key=value"):
        parse_override(text)


def test_a_file_cannot_extend_itself(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('extends = "b.toml"\n')
    (tmp_path / "b.toml").write_text('extends = "a.toml"\n')

    with pytest.raises(ConfigError, match="extends itself"):
        load_config(tmp_path / "a.toml")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: cannot read the config"):
        load_config(tmp_path / "none.toml")


def test_auto_is_settled_before_anything_is_sealed() -> None:
    here, there = settled(TrainConfig(), gpu=False), settled(TrainConfig(), gpu=True)

    assert (here.device, here.amp.dtype) == ("cpu", "off")
    assert (there.device, there.amp.dtype) == ("cuda", "auto"), "measured there: see test_rehearsal"


def test_a_missing_gpu_is_said_beforehand() -> None:
    with pytest.raises(ConfigError, match="no CUDA device"):
        settled(build({"device": "cuda"}, "test"), gpu=False)


def test_the_files_a_config_was_read_from_are_known() -> None:
    """A change of one of them is a change of the config, so the record must know which they were."""
    names = [path.name for path in config_files(ARMS / "tern_staged.toml")]
    assert names == ["tern_staged.toml", "base.toml"]
