"""Quantiles of laboratory results of which many lie below their limit: nothing is put in their place.

Kaplan-Meier for left-censored data, by flipping (D. R. Helsel, Statistics for Censored Environmental Data Using Minitab and R,
2nd ed., Wiley 2012, ch. 6): the share below a detected value x is multiplied, from the largest down, by 1 - d/n with d detections
at x and n results that are, or may be, at most x.
"""

from __future__ import annotations

import numpy as np

from domain.readings import FloatArray

#: Shares are products of fractions; equal ones may differ in the last bit.
_TINY = 1e-12


def kaplan_meier(detected: FloatArray, limits: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Distinct detected values (ascending) and the share of results at or below each; `limits` are those of results below them."""
    values = np.unique(detected)
    if not len(values):
        return values, values
    at = np.searchsorted(np.sort(detected), values, side="right") - np.searchsorted(
        np.sort(detected), values, side="left"
    )
    at_most = np.searchsorted(np.sort(detected), values, side="right") + np.searchsorted(
        np.sort(limits), values, side="right"
    )
    falls = 1.0 - at / at_most
    share = np.concatenate((np.cumprod(falls[::-1])[::-1][1:], [1.0]))
    return values, share


def censored_quantiles(detected: FloatArray, limits: FloatArray, q: tuple[float, ...]) -> tuple[float | None, ...]:
    """Quantiles of results of which `len(limits)` lie below their limit; None where the answer lies below the lowest detected value."""
    values, share = kaplan_meier(detected, limits)
    if not len(values):
        return tuple(None for _ in q)
    below = _below_all(values, share, detected, limits)
    last = len(values) - 1
    return tuple(
        None if one <= below + _TINY else float(values[min(int(np.searchsorted(share, one - _TINY)), last)])
        for one in q
    )


def _below_all(values: FloatArray, share: FloatArray, detected: FloatArray, limits: FloatArray) -> float:
    """The share of results that lies below the smallest detected value; less than nothing when none does."""
    at = int((detected == values[0]).sum())
    at_most = at + int((limits <= values[0]).sum())
    return float(share[0] * (1.0 - at / at_most)) if at_most > at else -1.0
