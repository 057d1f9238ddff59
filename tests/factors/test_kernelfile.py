"""What a notebook's parser logs of the kernel that ran it is bookkeeping, by the form of file and program."""

import pytest

from tests.importers.test_draft import changed, run_of

FILE = "/root/.local/share/jupyter/runtime/kernel-{0}{0}{0}{0}-{0}.json"


@pytest.mark.parametrize(
    ("program", "config", "is_a_setting"),
    [
        ("probe.ipynb", {"f": FILE}, False),
        (None, {"fff": FILE}, False),
        ("train.py", {"f": FILE}, True),
        ("probe.ipynb", {"f": "/root/runtime/kernel-{0}{0}{0}{0}.json"}, True),
        ("probe.ipynb", {"filter": {"path": FILE}}, True),
    ],
    ids=["a notebook", "no program is named", "a script", "a file of the user's", "a table about something"],
)
def test_a_connection_file_in_the_config_of_a_notebook_counts_for_nothing(program, config, is_a_setting):
    def logged(place):
        return {
            key: {inner: text.format(place) for inner, text in value.items()}
            if isinstance(value, dict)
            else value.format(place)
            for key, value in config.items()
        }

    a, b = (run_of(run=f"r{n}", program=program, config={"seed": 1, **logged(f"a{n}")}) for n in (1, 2))

    assert bool(changed(a, b)) is is_a_setting
    assert not is_a_setting or changed(a, b) == {
        f"config.{key}" + (".path" if isinstance(value, dict) else "") for key, value in config.items()
    }


def test_a_connection_file_that_one_notebook_logs_and_another_does_not_is_no_factor():
    a, b = (run_of(run=f"r{n}", program="probe.ipynb", config={"seed": 1, **own})
            for n, own in enumerate([{"f": FILE.format("a1")}, {}]))  # fmt: skip

    assert not changed(a, b)
