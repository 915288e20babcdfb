"""`python -m bench.alarms table|ours|speed|drift|listing`: the published performance of the alerts.

table    section 7 of the alerting card: our detector beside the plain rules and section 6, same events, same scorer
ours     our rows only: whole span, July and August apart, and gates set on one half reported on the other
speed    time per step, state size, save and restore time, at the size of the real network
listing  every alert of the clean replay, one a line
drift    the small fixed slice of our own simulator that CI watches

`--write FILE` (with table or ours) keeps our figures with their data span, as the API serves them.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from analysis.detect import Detector
from bench.alarms import card, measured, mixes, plain, ramis, run, score, simulate
from bench.alarms.rounds import Rounds, drawn, span

SPLIT_MIN = 29_758_500.0  # 2026-07-31 15:00 UTC, midnight of 1 August in Japan


def main() -> int:
    """Parse the verb and run it."""
    wanted = _arguments()
    if wanted.verb == "drift":
        for name, value in simulate.drift_figures().items():
            print(f"{name}: {value}")
        return 0
    shared = ramis.shared_folder()
    if shared is None:
        print("no open data: set RADCOMMONS_SHARED", file=sys.stderr)
        return 2
    verbs: dict[str, Callable[[ramis.Replay, argparse.Namespace], None]] = {
        "table": _table,
        "ours": _ours,
        "speed": _speed,
        "listing": _listing,
    }
    verbs[wanted.verb](ramis.load(shared), wanted)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.alarms", description=__doc__)
    parser.add_argument("verb", choices=["table", "ours", "speed", "drift", "listing"])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--per-round", type=int, default=240)
    parser.add_argument("--mix", choices=sorted(mixes.MIXES), default="card")
    parser.add_argument("--write", type=Path)
    return parser.parse_args()


def _table(replay: ramis.Replay, wanted: argparse.Namespace) -> None:
    rounds = _drawn(replay, wanted)
    print(score.header())
    _plain_rows(replay, rounds)
    _card_rows(replay, rounds)
    _our_rows(replay, rounds, wanted)


def _ours(replay: ramis.Replay, wanted: argparse.Namespace) -> None:
    rounds = _drawn(replay, wanted)
    print(score.header())
    _our_rows(replay, rounds, wanted)


def _drawn(replay: ramis.Replay, wanted: argparse.Namespace) -> Rounds:
    rounds = drawn(replay, mixes.MIXES[wanted.mix], wanted.seed, wanted.rounds, wanted.per_round)
    print(f"mix {wanted.mix}, seed {wanted.seed}:", mixes.describe([event for events, _ in rounds for event in events]))
    return rounds


def _plain_rows(replay: ramis.Replay, rounds: Rounds) -> None:
    """The clean replay teaches every rule once: an event of hours hardly moves a mean of weeks."""
    clean = plain.past(replay)
    for name, rule in plain.rules().items():
        figures = score.Figures(name)
        score.false_alarms(figures, replay, plain.listed(rule(clean)), *span(replay))
        for events, part in rounds:
            score.detection(figures, part, plain.listed(rule(clean.seeing(part.value))), events)
        print(score.row(figures), flush=True)


def _card_rows(replay: ramis.Replay, rounds: Rounds) -> None:
    known = card.model(replay)
    clean = card.channels(known, replay)
    seen = [card.channels(known, part) for _, part in rounds]
    for name, field in (("strict", "strict"), ("all channels", "everything"), ("spatial only", "spatial")):
        figures = score.Figures(f"section 6, {name}")
        score.false_alarms(figures, replay, plain.listed(getattr(clean, field)), *span(replay))
        for (events, part), found in zip(rounds, seen, strict=True):
            score.detection(figures, part, plain.listed(getattr(found, field)), events)
        print(score.row(figures), flush=True)


def _our_rows(replay: ramis.Replay, rounds: Rounds, wanted: argparse.Namespace) -> None:
    """Ours, its corroborated part, each half apart, then the gates scaled on one half and reported on the other."""
    begin, end = span(replay)
    spans = {
        "**ours, all published**": (begin, end),
        "ours, July (18..31)": (begin, SPLIT_MIN),
        "ours, August (1..19)": (SPLIT_MIN, end),
    }
    rows = {name: score.Figures(name) for name in spans}
    firing = score.Figures("**ours, `firing` only**")
    clean = run.watch(replay)
    seen = [run.watch(part) for _, part in rounds]
    score.false_alarms(firing, replay, clean.firing, begin, end)
    for name, (first, last) in spans.items():
        score.false_alarms(rows[name], replay, clean.listed, first, last)
        for (events, part), watched in zip(rounds, seen, strict=True):
            score.detection(rows[name], part, watched.listed, [e for e in events if first <= e.onset_min < last])
    for (events, part), watched in zip(rounds, seen, strict=True):
        score.detection(firing, part, watched.firing, events)
    for figures in [*rows.values(), firing]:
        print(score.row(figures))
    calm = sum(len(watched.false_calm) for watched in [clean, *seen])
    whole = rows["**ours, all published**"]
    print(f"false calm: {calm}; bounds (95 %, Poisson) on FA: all {score.bounds(whole)}, firing {score.bounds(firing)}")
    for line in score.breakdown(whole):
        print(line)
    _cross_tuned(replay, rounds, clean, seen)
    if wanted.write:
        measured.write(wanted.write, replay, measured.Found(whole, firing, calm, wanted.mix, wanted.seed))


def _cross_tuned(replay: ramis.Replay, rounds: Rounds, clean: run.Run, seen: list[run.Run]) -> None:
    """Scale all gates so that one half has at most 0.9 false alarms per prefecture-year; report the other half."""
    begin, end = span(replay)
    halves = {"July": (begin, SPLIT_MIN), "August": (SPLIT_MIN, end)}
    print(score.header())
    for tuned, reported in (("July", "August"), ("August", "July")):
        scale = next(step / 100 for step in range(60, 300, 2) if _rate(replay, clean, step / 100, halves[tuned]) <= 0.9)
        figures = score.Figures(f"gates x {scale:.2f} set on {tuned}, figures of {reported}")
        first, last = halves[reported]
        score.false_alarms(figures, replay, clean.score >= scale, first, last)
        for (events, part), watched in zip(rounds, seen, strict=True):
            score.detection(figures, part, watched.score >= scale, [e for e in events if first <= e.onset_min < last])
        print(score.row(figures))


def _rate(replay: ramis.Replay, clean: run.Run, scale: float, halves: tuple[float, float]) -> float:
    figures = score.Figures("")
    score.false_alarms(figures, replay, clean.score >= scale, *halves)
    return figures.false_pref_year


def _listing(replay: ramis.Replay, wanted: argparse.Namespace) -> None:
    del wanted
    for key, alert in run.watch(replay).alerts.items():
        when = np.datetime64("1970-01-01T00:00") + np.timedelta64(int(replay.now_min[alert["begin"]]), "m")
        polls = alert["end"] - alert["begin"] + 1
        print(
            when, "UTC", key, "area", alert["area"], "+".join(alert["levels"]), f"{polls} polls", alert["stations"][:5]
        )


def _speed(replay: ramis.Replay, wanted: argparse.Namespace) -> None:
    del wanted
    watched = run.watch(replay)
    step = np.array(watched.step_ms)
    detector = watched.detector
    assert detector is not None
    begun = time.perf_counter()
    saved = detector.save()
    wrote = time.perf_counter()
    again = Detector.restore(saved)
    restored = time.perf_counter()
    print(f"stations {replay.value.shape[1]}, steps {len(step)}")
    print(f"step ms: median {np.median(step):.0f}, 99 % {np.quantile(step, 0.99):.0f}, max {step.max():.0f}")
    print(
        f"state {len(saved) / 1e6:.1f} MB, save {1000 * (wrote - begun):.0f} ms, restore {1000 * (restored - wrote):.0f} ms"
    )
    print(f"same bytes again: {again.save() == saved}")


if __name__ == "__main__":
    raise SystemExit(main())
