"""The generated pages of `docs/reference/`: written from the code, compared with it by a test, never edited by hand.

`python -m radcommons.reference` writes them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any

from domain import analytes, flags, media, quantities, reasons, states, units
from radcommons.markdown import HEAD, table
from radcommons.reference_api import api
from specs import schema
from specs.feed import FeedSpec
from specs.loading import load_config

FOLDER = Path(__file__).parents[1] / "docs" / "reference"


def vocabulary() -> str:
    """Quantities, media, units, analytes, QC flags, reasons and states."""
    parts = [
        "# Vocabulary\n",
        "## Quantities\n",
        "Values of different quantities are never merged, averaged or converted into each other.\n",
        table(
            ("id", "compared in", "meaning", "source", "ja", "ko", "zh"),
            ((f"`{q.id}`", f"`{q.unit}`", q.meaning, q.source, *q.names[1:]) for q in quantities.TABLE),
        ),
        "## Media\n",
        "The filter `medium` takes a medium or a compartment (air, land, sea).\n",
        table(
            ("id", "compartments", "en", "ja", "ko", "zh"),
            ((f"`{m.id}`", ", ".join(m.compartments), *m.names) for m in media.TABLE),
        ),
        "## Units\n",
        "UCUM codes. A unit converts only inside its dimension, by the exact factor to the dimension's base.\n",
        table(
            ("UCUM", "dimension", "factor", "spellings read"),
            ((f"`{u.ucum}`", u.dimension, str(u.factor), ", ".join(u.spellings)) for u in units.TABLE),
        ),
        "## Analytes\n",
        table(
            ("nuclide", "half-life (s)"),
            ((name, f"{seconds:.6g}") for name, seconds in sorted(analytes.HALF_LIFE_S.items())),
        ),
        (
            f"Sums of their own kind: {', '.join(f'`{name}`' for name in sorted(analytes.SUMS))}. "
            f"Chemical forms: {', '.join(f'`{name}`' for name in sorted(analytes.FORMS))}.\n"
        ),
        "## QC flags\n",
        table(
            ("code", "bit", "meaning", "kept out of summaries"),
            (
                (f"`{flag.name.lower()}`", str(int(flag)), text, "yes" if flag & flags.UNFIT else "")
                for flag, text in flags.MEANINGS.items()
                if flag.name
            ),
        ),
        "## Reasons\n",
        *(_codes(title, kind) for title, kind in _REASONS),
        "## States\n",
        *(_codes(title, kind) for title, kind in _STATES),
    ]
    return HEAD + "\n".join(parts)


_REASONS = (
    ("Refused", reasons.Refusal),
    ("Read, but no value", reasons.Ignored),
    ("Cannot be told, or left out", reasons.Untold),
)
_STATES = (
    ("Feed", states.FeedState),
    ("Freshness of a series", states.Freshness),
    ("Region", states.RegionState),
    ("Alert", states.AlertState),
    ("Censoring", states.Censoring),
    ("Kind of a value", states.Kind),
    ("Redistribution", states.Redistribute),
)


def _codes(title: str, kind: type[StrEnum]) -> str:
    return f"**{title}**: {', '.join(f'`{member.value}`' for member in kind)}\n"


def feeds() -> str:
    """Every key that a feed file may hold."""
    return f"{HEAD}# Keys of a feed file\n\nHow they are used: [feeds.md](../feeds.md).\n\n{schema.reference()}"


def feeds_read() -> str:
    """Every feed: whether its form was seen in a payload or only read about, its rights and rhythm, and what came of the payloads at hand."""
    config = load_config(FOLDER.parents[1] / "config")
    counts = json.loads((FOLDER / "counts.json").read_text(encoding="utf-8"))
    seen = sum(feed.status == "verified" for feed in config.feeds)
    heads = (
        "feed",
        "form",
        "on",
        "every (min)",
        "stations",
        "passed on",
        "formats",
        "payloads",
        "rows read",
        "values",
        "refused",
        "no value",
        "stated by its card",
    )
    return (
        f"{HEAD}# Feeds and what was read of them\n\n"
        f"{len(config.feeds)} feeds; the form of {seen} was seen in real payloads, that of the others only read about: they are off, and their files "
        "name the doubt. Counts are those of all real payloads at hand (`python -m bench.counts` writes them to counts.json); "
        "a feed without counts has a payload of our own making only. The last column is what its card or PROVENANCE states of the same payloads; "
        "`=` where we count the same.\n\n" + table(heads, (_row(feed, counts.get(feed.id)) for feed in config.feeds))
    )


def _row(feed: FeedSpec, counts: dict[str, Any] | None) -> tuple[str, ...]:
    formats = ", ".join(dict.fromkeys(form.decode.format for form in feed.forms))
    told = ("-",) * 6
    if counts is not None:
        refused, ignored = (_pairs(counts[name]) for name in ("refused", "ignored"))
        told = (
            str(counts["answers"]),
            f"{counts['read']:,}",
            f"{counts['values']:,}",
            refused,
            ignored,
            _stated(counts),
        )
    return (
        f"`{feed.id}`",
        "seen" if feed.status == "verified" else "read about",
        "yes" if feed.enabled else "",
        f"{feed.schedule.every_s / 60:g}",
        str(feed.expect.stations or "-"),
        str(feed.rights.redistribute),
        formats,
        *told,
    )


def _stated(counts: dict[str, Any]) -> str:
    return f"{'=' if counts['same'] else 'not'} {counts['stated']}" if "stated" in counts else ""


def _pairs(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "none"


PAGES: dict[str, Callable[[], str]] = {
    "api.md": api,
    "vocabulary.md": vocabulary,
    "feeds.md": feeds,
    "feeds-read.md": feeds_read,
}


def main() -> None:
    """Write every page."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
