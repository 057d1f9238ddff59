"""`runaudit run`: ask the guard, seal the launch, run the command in its place, seal the outcome."""

from runaudit.cli import common
from runaudit.cli.common import Context
from runaudit.cli.launching import describes_launch
from runaudit.launch.asked import Asked
from runaudit.launch.launching import launch


@describes_launch
def run(around: Context, asked: Asked) -> None:
    """Guard, seal the manifest, run CMD with the run's folder in $RUNAUDIT_RUN, seal the outcome.

    CMD's exit code is passed on, and 128 + N where signal N ended it; signals sent to this process reach CMD. Exit 5:
    the guard refused and nothing was started.
    """
    around.finish(launch(asked, around.store_root, around.settings, manner=around, cwd=common.here()))
