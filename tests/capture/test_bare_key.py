"""What a config masks under `key` is masked in the source that gives it, too: whichever is read first, two records of
one file say the same, and the value stands readable in neither."""

import pytest

from runaudit.capture.redact import Redactor

DRAWN = "Zx81kQpLm0aTrewq77Bn"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("t.py", 'config={"lr": lr, "key": "%s"}'),
        ("t.py", "key = '%s'"),
        ("t.py", 'open_box(key="%s")'),
        ("c.yaml", "key: %s"),
        ("c.json", '{"a": 1, "key": "%s"}'),
    ],
)
def test_a_drawn_value_under_key_is_masked_in_text_as_in_config(name, line):
    redactor = Redactor(b"k" * 32)
    clean, redacted = redactor.data((line % DRAWN).encode(), name)

    assert redacted and DRAWN not in clean.decode()
    assert redactor.tree({"key": DRAWN})["key"] in clean.decode()


@pytest.mark.parametrize(
    "line",
    ["sorted(runs, key=lambda run: run.seed2)", 'key="val_psnr_2"', f'monkey = "{DRAWN}"',
     'key = "layer4conv2weight"', 'key = "5f3a9c"', "key: 0123456789abcdef0123456789abcdef"],
)  # fmt: skip
def test_what_is_called_key_and_is_none_stays(line):
    assert Redactor(b"k" * 32).data(line.encode(), "t.py") == (line.encode(), False)
