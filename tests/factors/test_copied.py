"""Settings that a program logged twice are one choice where the record shows the copy, and else two."""

import pytest

from runaudit.settings import Settings
from runaudit.study.answer import answer
from runaudit.study.study import study
from tests.importers.test_draft import changed, run_of

SETTINGS = {"depth": 3, "act": "relu", "drop": 0.1, "model": {"width": 64, "heads": 4}}
CKPT = "outputs/encoder/2026-05-2{}/epoch=38.ckpt"


def pair(make):
    """Two runs with the settings that `make` gives for a rate of each."""
    return [run_of(run=f"r{lr}", config={"seed": 1, **make(lr)}) for lr in (0.1, 0.2)]


def copy(lr, /, name="config", **other):
    settings = {**SETTINGS, "lr": lr}
    return {**settings, name: {**settings, **other}}


@pytest.mark.parametrize("name", ["config", "cfg", "hparams", "Settings"])
def test_a_whole_copy_of_the_settings_follows_them(name):
    assert changed(*pair(lambda lr: copy(lr, name))) == {"config.lr"}


def test_a_setting_that_one_run_alone_has_is_one_in_the_copy_too():
    runs = [run_of(run=f"r{extra}", config={**SETTINGS, **extra, "config": {**SETTINGS, **extra}})
            for extra in ({}, {"clip": 1.0})]  # fmt: skip

    assert changed(*runs) == {"config.clip"}


def test_a_copy_within_a_table_follows_the_table():
    assert changed(*pair(lambda lr: {"trainer": copy(lr)})) == {"config.trainer.lr"}


def test_the_word_that_set_what_was_logged_twice_is_one_choice_with_it():
    runs = [run_of(run=f"r{lr}", config=copy(lr), argv=["--lr", str(lr)]) for lr in (0.25, 0.5)]

    assert changed(*runs) == {"config.lr"}


@pytest.mark.parametrize(
    ("make", "factors"),
    [
        (lambda lr: copy(lr, "decoder"), {"config.lr", "config.decoder.lr"}),  # two networks
        (lambda lr: copy(lr, act="gelu"), {"config.lr", "config.config.lr"}),  # it says otherwise
        (lambda lr: copy(lr, drop=lr), {"config.lr", "config.config.lr", "config.config.drop"}),
        (lambda lr: copy(lr, **{f"own{n}": n for n in range(9)}), {"config.lr", "config.config.lr"}),
        (lambda lr: {"lr": lr, "a": 1, "config": {"lr": lr, "a": 1}}, {"config.lr", "config.config.lr"}),
        (lambda lr: copy(0.1, lr=lr), {"config.config.lr"}),  # it moved by itself
        (lambda lr: {"opt": "adamw-fused" if lr == 0.1 else "sgd-nesterov",
                     "net": {"opt": "adamw-fused" if lr == 0.1 else "sgd-nesterov"}}, {"config.opt", "config.net.opt"}),
    ],
)  # fmt: skip
def test_what_only_may_be_a_copy_is_a_factor(make, factors):
    assert changed(*pair(make)) == factors


def test_one_file_under_one_name_in_a_table_and_outside_of_it_is_one_choice():
    ckpt = {0.1: CKPT.format(6), 0.2: CKPT.format(7)}

    assert changed(*pair(lambda lr: {"enc": ckpt[lr], "model": {"nn": {"enc": ckpt[lr]}}})) == {"config.enc"}
    both = {"config.model.enc", "config.other.enc"}
    assert changed(*pair(lambda lr: {"other": {"enc": ckpt[lr]}, "model": {"enc": ckpt[lr]}})) == both
    both = {"config.enc", "config.model.old"}
    assert changed(*pair(lambda lr: {"enc": ckpt[lr], "model": {"old": ckpt[lr]}})) == both


def test_a_study_counts_what_was_logged_twice_once():
    runs = [run_of(run=f"r{lr}{seed}", config={**copy(lr), "seed": seed}) for lr in (0.1, 0.2, 0.4) for seed in (1, 2)]

    found = answer(study(runs, settings=Settings()))
    assert [row["factor"] for row in found["factors"]] == ["config.lr"] and not found["alias_sets"]
