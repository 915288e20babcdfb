"""What the cells of one laboratory result say: a value, a limit that was not reached, or which kind of nothing."""

from __future__ import annotations

from dataclasses import dataclass

from collector.harmonise_values import number
from domain.reasons import Refusal
from domain.states import Censoring
from specs.samples import SampleMap

#: Distinct sets of cells remembered before starting again.
_MEMORY = 50_000


class RowRefused(Exception):
    """One row cannot be read, with the reason from the closed list."""

    def __init__(self, reason: Refusal, detail: str) -> None:
        self.reason, self.detail = reason, detail
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a result's cells say; `limit` and `uncertainty` are in the unit of the value."""

    value: float | None = None
    limit: float | None = None
    censoring: Censoring = Censoring.NONE
    text: str = ""
    limit_text: str = ""
    uncertainty: float | None = None


class Findings:
    """Reads the cells of one sample map, each distinct set of them once."""

    def __init__(self, spec: SampleMap) -> None:
        self._spec = spec
        self._known: dict[tuple[str, str, str, str], Finding] = {}
        self._kinds = {} if spec.constraint is None else {
            text: censoring
            for texts, censoring in (
                (spec.constraint.measured, Censoring.NONE), (spec.constraint.below, Censoring.BELOW),
                (spec.constraint.not_detected, Censoring.NOT_DETECTED), (spec.constraint.derived, Censoring.DERIVED),
            )
            for text in texts
        }  # fmt: skip

    def read(self, detected: str, limit: str, uncertainty: str, kind: str) -> Finding:
        """The meaning of a result's cells, remembered; raises RowRefused."""
        cells = (detected, limit, uncertainty, kind)
        found = self._known.get(cells)
        if found is None:
            if len(self._known) >= _MEMORY:
                self._known.clear()
            found = self._known[cells] = self._read(*cells)
        return found

    def _read(self, detected: str, limit: str, uncertainty: str, kind: str) -> Finding:
        nothing = {"", *self._spec.not_measured}
        has_value, has_limit = detected not in nothing, limit not in nothing
        if self._spec.constraint is not None and (has_value or kind):
            return self._constrained(detected, limit if has_limit else "", uncertainty, kind)
        if not has_value and has_limit and not self._spec.limit_alone:
            return Finding(None, self._limit(limit), Censoring.NOT_REPORTED, detected, limit)
        if not has_value and not has_limit:
            marked = detected in self._spec.not_measured or limit in self._spec.not_measured
            censoring = Censoring.NOT_MEASURED if marked else Censoring.NOT_REPORTED
            return Finding(censoring=censoring, text=detected, limit_text=limit)
        if not has_value or detected in self._spec.not_detected:
            return self._limited(detected if has_value else limit, limit if has_limit else "")
        mark = next((mark for mark in self._spec.below if detected.startswith(mark)), "")
        if mark:
            return Finding(None, self._number(detected.removeprefix(mark)), Censoring.BELOW, detected, detected)
        return self._measured(detected, limit if has_limit else "", uncertainty, Censoring.NONE)

    def _constrained(self, detected: str, limit: str, uncertainty: str, kind: str) -> Finding:
        """The number means what another column says that it means."""
        censoring = self._kinds.get(kind)
        if censoring is None:
            raise RowRefused(
                Refusal.NOT_A_RECORD, f"the feed file does not say what {kind!r} means for the number {detected!r}"
            )
        if censoring is Censoring.NOT_DETECTED:
            return Finding(None, self._limit(limit) if limit else None, censoring, detected, limit)
        if not detected:
            return Finding(censoring=Censoring.NOT_REPORTED, text=detected, limit_text=limit)
        if censoring is Censoring.BELOW:
            return Finding(None, self._number(detected), censoring, detected, detected)
        return self._measured(detected, limit, uncertainty, censoring)

    def _limited(self, text: str, limit: str) -> Finding:
        """Nothing was detected: with its limit as far as that is a number, else with the text alone."""
        known = self._limit(limit) if limit else None
        return Finding(None, known, Censoring.NOT_DETECTED if known is None else Censoring.BELOW, text, limit)

    def _measured(self, detected: str, limit: str, uncertainty: str, censoring: Censoring) -> Finding:
        value, plus_minus, spread = detected.partition("±")
        spread = spread if plus_minus else uncertainty
        known = None if spread in {"", *self._spec.not_measured} else self._number(spread)
        return Finding(self._number(value), self._limit(limit) if limit else None, censoring, detected, limit, known)

    def _limit(self, text: str) -> float | None:
        plain = text
        for mark in (*self._spec.about, *self._spec.below):
            plain = plain.removeprefix(mark).strip()
        if any(span in plain for span in self._spec.spans):
            return None
        return self._number(plain)

    def _number(self, text: str) -> float:
        found = number(text.replace(",", ".") if self._spec.decimal_comma and "." not in text else text)
        if isinstance(found.outcome, Refusal):
            raise RowRefused(found.outcome, f"{text!r} is no number")
        return found.value
