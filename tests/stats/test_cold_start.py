"""The statistics libraries take most of a second to load; only a test that needs them may pay for it."""

import subprocess
import sys


def test_importing_the_judge_loads_no_statistics_library():
    code = (
        "import sys, runaudit.stats.judge, runaudit.stats.table, runaudit.stats.words; "
        "print([name for name in ('scipy', 'statsmodels', 'pandas', 'matplotlib') if name in sys.modules])"
    )

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert loaded.strip() == "[]"
