"""A call that a remedy repeats does what the user's call did, once it is typed."""

import subprocess

from runaudit.guard.invocation import Invocation


def test_what_was_taken_out_of_a_call_is_put_in_by_who_types_it():
    call = Invocation(program=("runaudit", "run"), options=("--label", "a b"),
                      command=("python", "t.py", "--password=<redacted>", "<redacted>", "x y"))  # fmt: skip

    text = call.plus("--seed", "6")

    assert "<redacted>" not in text and text.endswith("(with what is not shown here in $SECRET)")
    typed = text.partition("  (")[0].replace("runaudit run", 'printf "%s\\n"', 1)
    said = subprocess.run(["bash", "-c", typed], env={"SECRET": "it's a $ecret", "PATH": "/usr/bin:/bin"}, check=True,
                          capture_output=True, text=True).stdout.splitlines()  # fmt: skip
    put = ["--password=it's a $ecret", "it's a $ecret"]
    assert said == ["--label", "a b", "--seed", "6", "--", "python", "t.py", *put, "x y"]


def test_a_call_without_a_secret_is_typed_as_it_was():
    call = Invocation(program=("runaudit", "run"), command=("python", "t.py", "x y"))

    assert call.plus() == "runaudit run -- python t.py 'x y'"
