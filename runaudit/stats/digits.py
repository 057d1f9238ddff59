"""How many digits of a number are worth printing: two of its spread, no more."""

import math


def decimals(spread: float | None) -> int | None:
    """Decimals that show two significant digits of `spread`; None where a spread does not help."""
    if spread is None or not math.isfinite(spread) or spread <= 0:
        return None
    places = 1 - math.floor(math.log10(spread))
    return places if -6 <= places <= 9 else None


WITHIN_ROUNDING = 14
"""Digits of a mean that a double holds beyond doubt."""
MOST_PLACES = 6
"""Decimals beyond which a small number is written in powers of ten."""


def show(value: float | None, places: int | None = None) -> str:
    """A number with that many decimals, or with four significant digits; a dash for what does not exist."""
    if value is None:
        return "–"
    if places is not None and places > MOST_PLACES and 0 < abs(value) < 0.1 ** (MOST_PLACES - 2):
        digits = places + math.floor(math.log10(abs(value))) + 1  # 0.00000562 is miscounted, 5.62e-06 is not.
        return f"{value:.{digits - 1}e}" if digits > 0 else show(0.0, places)
    text = f"{value:.4g}" if places is None else f"{value:.{max(0, places)}f}"
    # A rounded -0.00 reads like a finding.
    return text.lstrip("-") if text.startswith("-") and not text.strip("-0.") else text


def show_spread(mean: float, sd: float | None) -> str:
    """`30.12 ± 0.15`: a mean with the spread behind it, both to the digits that the spread is worth."""
    if sd is None:
        return f"{mean:.5g}"
    if (places := decimals(sd)) is not None:
        return f"{show(mean, places)} ± {show(sd, places)}"
    if mean and 0 < sd < math.inf:  # Beyond the range of decimals: as many digits as reach down to the spread's second.
        reach = math.floor(math.log10(abs(mean))) - math.floor(math.log10(sd)) + 2
        # A spread below the last bits of the mean is what adding up made of equal values: no digit of it is worth one.
        return f"{mean:.{max(reach, 1) if reach <= WITHIN_ROUNDING else 5}g} ± {sd:.2g}"
    return f"{mean:.5g} ± {sd:.2g}"


def show_p(p: float | None) -> str:
    """A p value as a reader takes it in, with its sign of comparison: never 0."""
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"= {bare_p(p)}"


def bare_p(p: float) -> str:
    """A p value without the sign, for sentences that bring their own words."""
    return "0.001" if p < 0.001 else f"{p:.3f}" if p < 0.0995 else f"{p:.2f}"


def percent(share: float) -> str:
    """95 % and 97.5 %, without a tail of zeros."""
    return f"{100 * share:.3g} %"
