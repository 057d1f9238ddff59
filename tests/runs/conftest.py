"""What the tests of words that name runs have in common."""

import pytest

from runaudit.runs.names import Names
from runaudit.settings import Settings


@pytest.fixture
def names(store):
    def find(word, **more):
        with Names(store, Settings()) as all_names:
            return all_names.find(word, **more)

    return find
