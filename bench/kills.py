"""Kills by the hundred: `python -m bench.kills [--kills 105] [--postgres ADMIN_URL]`; exit status 1 when anything is lost, twice or unsound."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time

from bench.killing import Ledger, engines, kill_all


async def main() -> int:
    """All engines, and a table of counts; 1 when anything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=105, help="for each engine")
    parser.add_argument("--postgres", default="", help="a server where databases may be made")
    asked, ledger, began = parser.parse_args(), Ledger(), time.monotonic()
    with engines(asked.postgres) as found:
        for databases in found:
            await kill_all(databases, asked.kills, ledger)
    for where, count in ledger.kills.items():
        print(f"{where:24} {count:4} kills")
    total = sum(ledger.kills.values())
    print(f"{total} kills in {time.monotonic() - began:.0f} s, {len(ledger.findings)} findings")
    return 1 if ledger.findings else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
