"""Every address trick of the table against every room that opens connections for others: what arrives where. `python -m bench.ssrf`.

Nothing leaves this machine: a connection is led to a listener on the public or on the forbidden side, by where it would have gone.
The same table and listeners stand behind tests/alerting/test_ssrf_table.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

import pytest

from tests.alerting.ssrf_table import HOSTS, REDIRECTS, ROOMS, bare, redirecting, two_sides


async def walk() -> int:
    """Print the table; the number of connections of our rooms that reached the forbidden side."""
    reached = 0
    print(f"{len(set(HOSTS))} targets, {len(REDIRECTS)} redirects, and a name that changes its mind")
    print(f"{'client':<14} {'asked':>6} {'public side':>12} {'forbidden side':>15}")
    for name, room in {"bare client": bare, **ROOMS}.items():
        with pytest.MonkeyPatch.context() as patch:
            async with two_sides(patch) as sides, room() as go:
                targets = [f"http://{host}/" for host in HOSTS]
                targets += [redirecting(one) for one in REDIRECTS] + ["http://rebind.example/"] * 3
                for target in targets:
                    with contextlib.suppress(AssertionError):  # what a target answers is not asked here
                        await go(target)
                arrived = await sides.forbidden()
                print(f"{name:<14} {len(targets):>6} {sides.arrived[0]:>12} {arrived:>15}")
                reached += arrived if name in ROOMS else 0
    return reached


if __name__ == "__main__":
    found = asyncio.run(walk())
    print(f"connections of ours to a forbidden address: {found}")
    sys.exit(1 if found else 0)
