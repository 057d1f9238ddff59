"""A label map is one choice, told once, however many labels there are."""

import pytest

from runaudit.diff import compare
from runaudit.settings import Settings
from runaudit.study.study import study


def model(*labels, as_text=False, **changed):
    back = {label: number for number, label in enumerate(labels)}
    forth = {str(number): label for number, label in enumerate(labels)}
    if as_text:
        return {"id2label": str(dict(enumerate(labels))), "label2id": str(back), **changed}
    return {"id2label": forth, "label2id": back, **changed}


def factors(make_run, first, second, *, lr=0.1):
    runs = [make_run(config={"lr": 0.1, "model": first}), make_run(config={"lr": lr, "model": second})]
    compared, many = compare(*runs, settings=Settings()), study(runs, settings=Settings())
    assert len(many.model.columns) == len(compared.factors)
    return [row.factor for row in compared.factors]


@pytest.mark.parametrize("as_text", [False, True], ids=["tables", "texts of MLflow's"])
def test_another_label_map_is_one_factor(make_run, as_text):
    many = [f"L{n}" for n in range(95)]
    first, second = model("a", "b", as_text=as_text), model(*many, as_text=as_text)
    assert factors(make_run, first, second) == ["config.model.id2label"]


def test_another_order_of_the_labels_is_a_factor(make_run):
    assert factors(make_run, model("a", "b"), model("b", "a")) == ["config.model.id2label"]
    assert factors(make_run, model("a", "b"), model("b", "a"), lr=0.2) == ["config.lr", "config.model.id2label"]


def test_a_map_that_its_inverse_contradicts_is_compared_as_it_stands(make_run):
    other = model("a", "b", label2id={"a": 1, "b": 0})
    assert factors(make_run, model("a", "b"), other) == ["config.model.id2label", "config.model.label2id"]


def test_numbers_that_are_none_in_a_row_stay_a_table(make_run):
    first = {"id2label": {"1": "a", "2": "b"}, "label2id": {"a": 1, "b": 2}}
    second = {"id2label": {"1": "a", "2": "c"}, "label2id": {"a": 1, "c": 2}}
    assert len(factors(make_run, first, second)) > 1
