"""`python -m bench.alarms table|split|speed|drift|listing`: the published performance of the alerts.

table    section 7 of the alerting card: our detector beside the plain rules, same events, same scorer
split    July and August apart: false alarms and detection of each half
speed    time per step, state size, save and restore time, at the size of the real network
listing  every alert of the clean replay, one a line
drift    the small fixed slice of our own simulator that CI watches
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

import numpy as np

from analysis.detect import Detector
from bench.alarms import inject, plain, ramis, run, score, simulate

WARM_UP_MIN = 10 * 1440.0
SPLIT_MIN = 29_758_500.0  # 2026-07-31 15:00 UTC, midnight of 1 August in Japan


def main() -> int:
    """Parse the verb and run it."""
    parser = argparse.ArgumentParser(prog="python -m bench.alarms", description=__doc__)
    parser.add_argument("verb", choices=["table", "split", "speed", "drift", "listing"])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--per-round", type=int, default=120)
    wanted = parser.parse_args()
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
        "split": _split,
        "speed": _speed,
        "listing": _listing,
    }
    verbs[wanted.verb](ramis.load(shared), wanted)
    return 0


def _span(replay: ramis.Replay) -> tuple[float, float]:
    return float(replay.now_min[0]) + WARM_UP_MIN, float(replay.now_min[-1])


def _table(replay: ramis.Replay, wanted: argparse.Namespace) -> None:
    begin, end = _span(replay)
    rounds = inject.draw(replay, wanted.seed, wanted.rounds, wanted.per_round, begin, end - 720)
    filled = [inject.apply(replay, events, wanted.seed * 1000 + place) for place, events in enumerate(rounds)]
    print(inject.describe([event for events in rounds for event in events]))
    print(score.header())
    clean_past = plain.past(replay)
    pasts = [plain.past(part) for part in filled]
    for name, rule in plain.rules().items():
        figures = score.Figures(name)
        score.false_alarms(figures, replay, plain.listed(rule(clean_past)), begin, end)
        for part, events, known in zip(filled, rounds, pasts, strict=True):
            score.detection(figures, part, plain.listed(rule(known)), events)
        print(score.row(figures), flush=True)
    del pasts, clean_past
    ours, firing = score.Figures("**ours, all published**"), score.Figures("**ours, `firing` only**")
    clean = run.watch(replay)
    score.false_alarms(ours, replay, clean.listed, begin, end)
    score.false_alarms(firing, replay, clean.firing, begin, end)
    calm = len(clean.false_calm)
    for part, events in zip(filled, rounds, strict=True):
        seen = run.watch(part)
        score.detection(ours, part, seen.listed, events)
        score.detection(firing, part, seen.firing, events)
        calm += len(seen.false_calm)
    print(score.row(ours))
    print(score.row(firing))
    print(f"false calm: {calm}")
    for line in score.breakdown(ours):
        print(line)


def _split(replay: ramis.Replay, wanted: argparse.Namespace) -> None:
    """Each half on its own. A detector tuned on one half is honest only in the other's row."""
    begin, end = _span(replay)
    clean = run.watch(replay)
    print(score.header())
    for name, first, last in (("July (18..31)", begin, SPLIT_MIN), ("August (1..19)", SPLIT_MIN, end)):
        figures = score.Figures(name)
        score.false_alarms(figures, replay, clean.listed, first, last)
        rounds = inject.draw(replay, wanted.seed + 1, max(1, wanted.rounds // 2), wanted.per_round, first, last - 720)
        for place, events in enumerate(rounds):
            part = inject.apply(replay, events, wanted.seed * 1000 + 500 + place)
            score.detection(figures, part, run.watch(part).listed, events)
        print(score.row(figures), flush=True)


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
