"""A small slice of bench/chaos.py: failing receivers, a killed sender, rotated secrets; on both engines, with two senders on the second."""

from __future__ import annotations

import socket

import pytest

from bench.chaos import Plan, run, told


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(("engine", "senders", "kills"), [("sqlite", 1, 2), ("postgresql", 2, 1)])
async def test_nothing_is_lost_overtaken_or_altered(request, engine, senders, kills) -> None:
    url = request.getfixturevalue("sqlite_copy" if engine == "sqlite" else "postgres_copy")
    plan = Plan(180, 9, kills, senders, rate=0.08, port=free_port(), patience_s=120.0)
    outcome = await run(url, plan)
    figures = told(outcome, plan)
    assert outcome.sound, figures
    assert len(outcome.to_recover) == plan.kills, figures
    assert outcome.failures, "some receivers must have misbehaved"
