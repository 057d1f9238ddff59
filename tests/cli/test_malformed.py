"""What is broken is refused in one line with exit 2 or 4, whatever it is, and nothing of it is imported."""

import json

import pytest

from runaudit.cli.app import main
from runaudit.factors.tree import same
from runaudit.store.store import Store
from tests.diff.samples import record


def deep(depth):
    return '{"config": ' + '{"a": ' * depth + "1" + "}" * (depth + 1)


BROKEN = {
    "a key written twice": '{"seed": 1, "seed": 2}',
    "nested too deeply": deep(20_000),
    "a list nested too deeply": '{"config": {"a": ' + "[" * 5000 + "]" * 5000 + "}}",
    "a lone surrogate": '{"label": "\\ud800"}',
    "a lone surrogate in a key": '{"config": {"\\udfff": 1}}',
    "a half of a file": '{"config": {"lr": 1e-3',
    "bytes that are no text": b"\xff\xfe\x00",
    "a number of ten thousand digits": '{"config": {"x": ' + "9" * 10_000 + "}}",
    "no object": "[1, 2]",
}


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RUNAUDIT_STORE", raising=False)

    def call(*words):
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        return ended.value.code, capsys.readouterr().err

    return call


def one_line(err):
    return len(err.strip().splitlines()) == 1 and err.startswith("runaudit: ") and "unexpected" not in err


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_record_is_one_line_and_imports_nothing(call, tmp_path, name):
    store = Store.create(tmp_path / ".runaudit")
    content = BROKEN[name]
    (tmp_path / "bad.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    (tmp_path / "good.json").write_text(json.dumps(record()))

    for words in (
        ("diff", "good.json", "bad.json"),
        ("show", "bad.json"),
        ("import", "record", "good.json", "bad.json"),
    ):
        code, err = call(*words)
        assert code in (2, 4) and one_line(err), (words, code, err)
    assert not store.entries()


def test_a_file_of_200_megabytes_is_refused_unread(call, tmp_path):
    with (tmp_path / "big.json").open("wb") as file:
        file.truncate(200 << 20)

    code, err = call("diff", "big.json", "big.json")

    assert code == 2 and one_line(err) and "200 MiB" in err


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("[factors.aliases]\n'config.a' = 'config.b'\n'config.b' = 'config.a'\n", "circle"),
        (
            "[factors.derived]\n'config.a' = 'config.b'\n'config.b' = 'config.c'\n'config.c' = 'config.a/2'\n",
            "circle",
        ),
        ("[factors.derived]\n'config.x' = '__import__(\"os\").getpid()'\n", "config.x"),
        ("[factors.derived]\n'config.x' = 'lambda: 1'\n", "config.x"),
        ("[factors.derived]\n'config.x' = '" + "(" * 500 + "1" + ")" * 500 + "'\n", "config.x"),
        ("[factors]\nnuisance = 'config.x'\n", "nuisance"),
        ("[factors]\nnuisanc = ['config.x']\n", "nuisanc"),
        ("[factors\n", "TOML"),
    ],
)
def test_a_policy_that_cannot_be_understood_is_one_line(call, tmp_path, policy, words):
    (tmp_path / "runaudit.toml").write_text(policy)
    for name in ("a", "b"):
        (tmp_path / f"{name}.json").write_text(json.dumps(record()))

    code, err = call("diff", "a.json", "b.json")

    assert code == 2 and one_line(err) and words in err, (code, err)


def test_a_rule_without_end_explains_nothing(call, tmp_path):
    """9 to the 9 to the 9 to the 9 has more digits than a machine holds."""
    (tmp_path / "runaudit.toml").write_text("[factors.derived]\n'config.epochs' = '9**9**9**9'\n")
    for name, epochs in (("a", 30), ("b", 60)):
        plain = record()
        plain["config"]["epochs"] = epochs
        (tmp_path / f"{name}.json").write_text(json.dumps(plain))

    code, err = call("diff", "a.json", "b.json")

    assert (code, err) == (0, "")


def test_records_that_descend_from_each_other_are_one_line(call, tmp_path):
    rows = [record() | {"label": a, "init": {"kind": "resume", "checkpoint": "sha256:" + "a" * 64, "parent": b}}
            for a, b in (("left", "right"), ("right", "left"))]  # fmt: skip
    (tmp_path / "circle.json").write_text(json.dumps(rows))
    (tmp_path / "a.json").write_text(json.dumps(record()))

    code, err = call("diff", "circle.json", "a.json")

    assert code in (2, 4) and one_line(err) and "descends from itself" in err


BEYOND_A_FLOAT = 10**400
HUGE = {
    "config": {"config": {"lr": BEYOND_A_FLOAT}},
    "seed": {"seed": BEYOND_A_FLOAT},
    "seeds in tables": {"config": {"model": {"seed": BEYOND_A_FLOAT}, "net": {"seed": 1}, "started": BEYOND_A_FLOAT}},
    "batches": {"config": {"batch_size": BEYOND_A_FLOAT, "train": {"batch_size": BEYOND_A_FLOAT}}},
    "metrics": {"metrics": {"full_frame/psnr": BEYOND_A_FLOAT}},
    "series": {"series": {"loss": [[0, BEYOND_A_FLOAT], [1, 0.5]]}},
}


@pytest.mark.parametrize("place", HUGE)
def test_an_integer_beyond_every_float_is_no_failure(call, tmp_path, place):
    (tmp_path / "a.json").write_text(json.dumps(record()))
    (tmp_path / "b.json").write_text(json.dumps({**record(), **HUGE[place]}))

    for words in (
        ("diff", "a.json", "b.json"),
        ("diff", "b.json", "b.json", "--json"),
        ("study", "a.json", "b.json"),
        ("show", "b.json"),
        ("stats", "a.json", "--vs", "b.json", "--metric", "full_frame/psnr"),
        ("report", "a.json", "b.json", "--output", "page.html"),
        ("import", "record", "a.json", "b.json"),
        ("list",),
    ):
        code, err = call(*words)
        assert code in (0, 1, 2, 3) and "unexpected" not in err, (words, code, err)


def test_integers_are_compared_as_integers():
    assert same(BEYOND_A_FLOAT, 10**400) and not same(BEYOND_A_FLOAT, BEYOND_A_FLOAT + 1)
    assert not same(2**53 + 1, 2**53 + 2) and not same(BEYOND_A_FLOAT, float("inf"))
    assert same(float("nan"), float("nan")) and same(1, 1.0)
