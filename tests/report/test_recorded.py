"""In a notebook as on the page: a verdict that rests on a condition says so in its badge, never a clean one."""

from runaudit.diff import compare
from runaudit.judge.cohorts import design_of
from runaudit.report.notebook import fragment
from runaudit.settings import Settings
from runaudit.stats.judge import judge
from runaudit.stats.values import ArmValues
from runaudit.study.study import study
from runaudit.study.text import StudyAnswer
from tests.diff.test_foreign import BARE, LR, foreign, stated

GIVEN = stated("data", "env", "eval", "init")


def numbers(settings):
    """Two arms whose values tell them apart, on the design of two foreign runs."""
    design = design_of(compare(foreign(BARE), foreign(BARE, LR), settings=settings))
    arms = [
        ArmValues(label=name, seeds=(1, 2, 3), values=(at, at + 0.1, at + 0.2)) for name, at in (("b", 31), ("a", 30))
    ]
    return judge(arms, metric="psnr", direction=None, design=design)


def badges(answer):
    html = fragment(answer)
    assert "badge good" not in html
    return html


def test_a_comparison_names_its_condition():
    plain, given = (compare(foreign(BARE), foreign(BARE, LR), settings=settings) for settings in (Settings(), GIVEN))

    assert '<span class="badge doubt">single factor on what W&amp;B recorded</span>' in badges(plain)
    assert "Never recorded by W&amp;B: data, env.cudnn, env.determinism, eval, init." in badges(plain)
    assert '<span class="badge doubt">single factor, assuming data, env, eval and init</span>' in badges(given)
    assert "Assumed, not recorded: data, env, eval and init (--assume)." in badges(given)


def test_numbers_name_their_condition():
    assert '<span class="badge doubt">improved on what W&amp;B recorded</span>' in badges(numbers(Settings()))
    given = badges(numbers(GIVEN))
    assert (
        '<span class="badge doubt">improved on what W&amp;B recorded, assuming data, env, eval and init</span>' in given
    )
    assert '<span class="badge doubt">improved, as assumed</span>' in given


def test_a_study_names_its_condition():
    found = study([foreign(BARE), foreign(BARE, LR)], settings=GIVEN)

    assert "estimable on what W&amp;B recorded, assuming data, env, eval and init" in badges(StudyAnswer(study=found))
