"""What surrounds a hybrid is what its user set, whoever looks on."""

from runaudit.untangle.running import _variables
from tests.untangle.test_answer import asked


class Observed(dict):
    """The environment of a process that is looked at: a copy has the observer's folder, a question is the user's."""

    def get(self, name, default=None):
        return "/mine" if name == "PYTHONPATH" else super().get(name, default)


def test_no_hybrid_inherits_the_observer_of_the_process_that_starts_it():
    environ = Observed(PYTHONPATH="/tmp/observer:/mine", HOME="/home")

    assert _variables(environ, asked(recorded=1.0), ()) == {"PYTHONPATH": "/mine", "HOME": "/home"}
