"""Whether runs fail more often on one side: a run that diverges is an outcome, and survivors are no fair sample."""

Pair = tuple[int, int]


def failing_p(failed: Pair, runs: Pair) -> float:
    """Fisher's exact two-sided p for unequal shares of failed runs; 1.0 where none or all failed or a side is empty."""
    if _says_nothing(failed, runs):
        return 1.0
    from scipy.stats import fisher_exact

    return float(fisher_exact(_table(failed, runs)).pvalue)


def boschloo_p(failed: Pair, runs: Pair) -> float:
    """Boschloo's exact p of the same: never less powerful than Fisher's, and slow beyond some dozens of runs."""
    if _says_nothing(failed, runs):
        return 1.0
    from scipy.stats import boschloo_exact

    return float(boschloo_exact(_table(failed, runs), n=32).pvalue)


def _table(failed: Pair, runs: Pair) -> list[list[int]]:
    return [list(failed), [runs[0] - failed[0], runs[1] - failed[1]]]


def _says_nothing(failed: Pair, runs: Pair) -> bool:
    return 0 in (*runs, sum(failed), sum(runs) - sum(failed))
