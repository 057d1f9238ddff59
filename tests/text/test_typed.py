"""What is printed to be typed is, typed, what was meant."""

import subprocess

import pytest

from runaudit.text.terminal import printable
from runaudit.text.typed import typed_word, typed_words

ODD = ["a b", "it's", "\x1b[31mred", "a\nb", "\u202eevil\u200b", "b\\s'\x07", "\udcff.bin", "t\tb", "é ü", ""]


@pytest.mark.parametrize("word", ODD)
def test_a_shell_reads_back_the_word_that_was_meant_and_a_terminal_shows_it_as_it_stands(word):
    typed = typed_word(word)
    assert printable(typed, keep="") == typed
    done = subprocess.run(["bash", "-c", f"printf %s {typed}"], capture_output=True, check=True)
    assert done.stdout == word.encode("utf-8", "surrogateescape")


def test_a_plain_command_is_quoted_as_ever():
    assert typed_words(["run", "a b", "x"]) == "run 'a b' x"
