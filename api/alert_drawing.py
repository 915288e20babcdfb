"""A picture of an alert: readings of its stations, what they were measured against, rain, and the moments of its life. Pure; SVG out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from domain.readings import FloatArray, IntArray

WIDTH, PANEL, TOP, LEFT, RIGHT, FOOT = 960, 190, 92, 66, 58, 46
_INK, _FAINT, _LINE, _RAIN, _BASE, _GATE = "#1b1f24", "#6a737d", "#1f5fa8", "#7fb2d9", "#3d7a3d", "#b3541e"
_KINDS = {
    "resolved": "#3d7a3d",
    "cancelled": "#6a737d",
    "stale": "#8a6d00",
    "firing": "#b00020",
    "unverified": "#b3541e",
}


@dataclass(frozen=True, slots=True)
class Panel:
    """One series: its name, readings (epoch seconds, values), which of them the alert stands on, its median and the level that
    had to be passed (both as values, None: none), and rain (epoch seconds, mm/h).
    """

    name: str
    end_s: IntArray
    value: FloatArray
    evidence: frozenset[int]
    median: float | None
    gate: float | None
    rain_s: IntArray
    rain_mm_h: FloatArray


@dataclass(frozen=True, slots=True)
class Picture:
    """The whole picture over [from_s, to_s]; `marks` are moments with what happened; `more` series are not drawn."""

    title: str
    sentence: str
    unit: str
    from_s: int
    to_s: int
    marks: Sequence[tuple[int, str]]
    panels: Sequence[Panel]
    more: int
    exercise: bool


def draw(picture: Picture) -> bytes:
    """The picture as SVG."""
    height = TOP + PANEL * max(1, len(picture.panels)) + FOOT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" role="img">',
        f'<g font-family="system-ui, Noto Sans CJK JP, sans-serif" font-size="12" fill="{_INK}">',
        f"<title>{escape(picture.title)}</title><desc>{escape(picture.sentence)}</desc>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        *_head(picture),
    ]
    for number, panel in enumerate(picture.panels):
        parts += _panel(picture, panel, TOP + number * PANEL)
    parts += _foot(picture, height)
    return "\n".join([*parts, "</g>", "</svg>\n"]).encode()


def _head(picture: Picture) -> list[str]:
    title = ("EXERCISE: " if picture.exercise else "") + picture.title
    lines = _wrapped(picture.sentence, 150)[:3]
    return [
        f'<text x="16" y="24" font-size="16" font-weight="600">{escape(title)}</text>',
        *(
            f'<text x="16" y="{44 + 15 * number}" fill="{_FAINT}">{escape(line)}</text>'
            for number, line in enumerate(lines)
        ),
    ]


def _wrapped(text: str, most: int) -> list[str]:
    """Lines of about `most` half-width columns; a CJK character takes two."""
    lines, line, width = [], "", 0
    for word in text.replace("。", "。 ").split(" "):
        wide = sum(2 if ord(letter) > 0x2E7F else 1 for letter in word) + 1
        if line and width + wide > most:
            lines.append(line)
            line, width = "", 0
        line, width = f"{line} {word}".strip(), width + wide
    return [*lines, line] if line else lines


def _x(picture: Picture, at_s: float) -> float:
    share = (at_s - picture.from_s) / max(picture.to_s - picture.from_s, 1)
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _panel(picture: Picture, panel: Panel, top: int) -> list[str]:
    low, high = _range(panel)
    bottom, tall = top + PANEL - 34, PANEL - 62

    def y(value: float) -> float:
        return bottom - (value - low) / (high - low) * tall

    parts = [f'<text x="{LEFT}" y="{top + 16}" font-weight="600">{escape(panel.name)}</text>']
    for tick in _ticks(low, high):
        parts.append(f'<path d="M{LEFT} {y(tick):.1f}H{WIDTH - RIGHT}" stroke="#e1e4e8"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end" fill="{_FAINT}">{tick:g}</text>')
    parts += _rain(picture, panel, bottom, tall)
    for level, colour, name in ((panel.median, _BASE, "median"), (panel.gate, _GATE, "gate")):
        if level is not None:
            parts.append(f'<path d="M{LEFT} {y(level):.1f}H{WIDTH - RIGHT}" stroke="{colour}" stroke-dasharray="5 4"/>')
            down = 8 if level == panel.median else 0
            parts.append(f'<text x="{WIDTH - RIGHT + 6}" y="{y(level) + down:.1f}" fill="{colour}">{name}</text>')
    parts += _marks(picture, top, bottom)
    parts.append(_path(picture, panel, y))
    for end_s, value in zip(panel.end_s.tolist(), panel.value.tolist(), strict=True):
        at, up = _x(picture, end_s), y(value)
        parts.append(f'<circle cx="{at:.1f}" cy="{up:.1f}" r="2.2" fill="{_LINE}"/>')
        if end_s in panel.evidence:
            parts.append(
                f'<circle cx="{at:.1f}" cy="{up:.1f}" r="5.5" fill="none" stroke="{_GATE}" stroke-width="1.6"/>'
            )
    return parts + _hours(picture, bottom)


def _range(panel: Panel) -> tuple[float, float]:
    known = [*panel.value.tolist(), *(level for level in (panel.median, panel.gate) if level is not None)] or [0.0, 1.0]
    low, high = min(known), max(known)
    room = max((high - low) * 0.08, 2.0)
    return max(0.0, low - room) if low >= 0 else low - room, high + room


def _ticks(low: float, high: float) -> list[float]:
    step = 10.0 ** np.floor(np.log10(max(high - low, 1e-9) / 3))
    step *= next((factor for factor in (1, 2, 5) if (high - low) / (step * factor) <= 5), 10)
    return [float(tick) for tick in np.arange(np.ceil(low / step) * step, high, step)]


def _path(picture: Picture, panel: Panel, y: object) -> str:
    """A line that is broken where readings are missing: no reading is drawn where none was."""
    if len(panel.end_s) < 2:
        return ""
    gaps = np.diff(panel.end_s)
    longest = 2.5 * max(float(np.median(gaps)), 600.0)
    steps = []
    for number, (end_s, value) in enumerate(zip(panel.end_s.tolist(), panel.value.tolist(), strict=True)):
        pen = "M" if number == 0 or gaps[number - 1] > longest else "L"
        steps.append(f"{pen}{_x(picture, end_s):.1f} {y(value):.1f}")  # type: ignore[operator]
    return f'<path d="{"".join(steps)}" fill="none" stroke="{_LINE}" stroke-width="1.3"/>'


def _rain(picture: Picture, panel: Panel, bottom: int, tall: int) -> list[str]:
    if not len(panel.rain_s) or float(panel.rain_mm_h.max()) <= 0:
        return []
    most = max(float(panel.rain_mm_h.max()), 10.0)
    bars = [
        f'<rect x="{_x(picture, end_s) - 2:.1f}" y="{bottom - rate / most * tall * 0.45:.1f}" width="4" '
        f'height="{rate / most * tall * 0.45:.1f}" fill="{_RAIN}"/>'
        for end_s, rate in zip(panel.rain_s.tolist(), panel.rain_mm_h.tolist(), strict=True)
        if rate > 0
    ]
    note = f'<text x="{WIDTH - RIGHT - 4}" y="{bottom - 4}" text-anchor="end" fill="#3a7ab0">rain, up to {float(panel.rain_mm_h.max()):g} mm/h</text>'
    return [*bars, note]


def _marks(picture: Picture, top: int, bottom: int) -> list[str]:
    parts, last_x, row = [], -1e9, 0
    for at_s, kind in picture.marks:
        at, colour = _x(picture, at_s), _KINDS.get(kind, _FAINT)
        row = (row + 1) % 3 if at - last_x < 64 else 0
        last_x = at
        parts.append(f'<path d="M{at:.1f} {top + 24}V{bottom}" stroke="{colour}" stroke-width="1.2"/>')
        parts.append(
            f'<text x="{at + 3:.1f}" y="{top + 30 + 12 * row}" font-size="10" fill="{colour}">{escape(kind)}</text>'
        )
    return parts


def _hours(picture: Picture, bottom: int) -> list[str]:
    span = picture.to_s - picture.from_s
    step = next((hours * 3600 for hours in (1, 2, 3, 6, 12, 24, 48, 96) if span / (hours * 3600) <= 10), 7 * 86_400)
    parts = [f'<path d="M{LEFT} {bottom}H{WIDTH - RIGHT}" stroke="{_FAINT}"/>']
    for at_s in range(-(-picture.from_s // step) * step, picture.to_s + 1, step):
        text = dt.datetime.fromtimestamp(at_s, dt.UTC).strftime("%d %H:%M" if span > 86_400 else "%H:%M")
        parts.append(f'<path d="M{_x(picture, at_s):.1f} {bottom}v4" stroke="{_FAINT}"/>')
        parts.append(
            f'<text x="{_x(picture, at_s):.1f}" y="{bottom + 17}" text-anchor="middle" fill="{_FAINT}">{text}</text>'
        )
    return parts


def _foot(picture: Picture, height: int) -> list[str]:
    day = dt.datetime.fromtimestamp(picture.from_s, dt.UTC).strftime("%Y-%m-%d")
    more = f" {picture.more} more series are not drawn." if picture.more else ""
    text = f"{picture.unit}; times in UTC from {day}. Rings: readings that the alert stands on. A broken line: no reading there.{more}"
    return [
        f'<text x="16" y="{height - 24}" fill="{_FAINT}">{escape(text)}</text>',
        f'<text x="16" y="{height - 8}" fill="{_FAINT}">Not an official declaration. Follow local authorities.</text>',
    ]
