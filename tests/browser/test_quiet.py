"""A page asks for nothing, runs nothing but its own script, and complains of nothing."""

import pytest

from tests.browser.forms import FORMS


@pytest.mark.parametrize("form", FORMS)
def test_a_page_is_quiet(opened, form):
    assert opened(form).told() == []
