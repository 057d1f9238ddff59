"""`python -m trainer campaign` is `runaudit campaign`, options and exit code included."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [(("gone.toml", "--jobs", "2"), 2, "there is no campaign file gone.toml"), (("--help",), 0, "--resume")],
)
def test_the_words_of_a_campaign_are_handed_on_as_they_are(tmp_path, monkeypatch, words, code, told):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    done = subprocess.run([sys.executable, "-m", "trainer", "campaign", *words], cwd=tmp_path, capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert done.returncode == code and told in done.stdout + done.stderr
