"""A detector over more stations that goes on with all that the smaller one knew: networks grow while they are watched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from analysis.detect import Detector, Ints
from analysis.detect_state import owners

#: Arrays whose entries are indices of stations, one row per station.
_POINTING = frozenset({"neighbours", "twin", "choir"})
#: Lists of indices of stations, as long as they happen to be.
_LISTS = frozenset({"pool", "unchosen", "unplaced"})
#: Arrays that are not by station at all.
_WHOLE = frozenset({"gaps"})


def extended(detector: Detector, stations: Sequence[dict[str, Any]]) -> Detector:
    """The detector with `stations` added at the end of its list; those it has already are left as they are.

    A station that joins has no past; it is judged once it has one. Deterministic: the same two lists give the same bytes.
    """
    known = {str(row["id"]) for row in detector.given}
    new = Detector([*detector.given, *(row for row in stations if str(row["id"]) not in known)], detector.gates)
    # Inside, stations stand in order of id: where each old one stands now.
    place = _places(detector, new)
    for (old_owner, name), (new_owner, _) in zip(owners(detector), owners(new), strict=True):
        setattr(new_owner, name, _moved(name, getattr(old_owner, name), getattr(new_owner, name), place))
    new.now, new.chosen_at = detector.now, detector.chosen_at
    new.alerts.open = [
        replace(alert, stations=sorted(place[alert.stations].tolist())) for alert in detector.alerts.open
    ]
    return new


def _places(old: Detector, new: Detector) -> Ints:
    at = {str(new.given[number]["id"]): inside for inside, number in enumerate(new.order.tolist())}
    return np.array([at[str(old.given[number]["id"])] for number in old.order.tolist()], dtype=np.int64)


def _moved(name: str, old: Any, fresh: Any, place: Ints) -> Any:
    if name in _WHOLE:
        return old.copy()
    if name in _LISTS:
        held = place[old]
        if name != "unplaced":
            return held
        joined = np.setdiff1d(fresh, place)
        return np.concatenate([held, joined])
    fresh[place] = np.where(old >= 0, place[old], old) if name in _POINTING else old
    return fresh
