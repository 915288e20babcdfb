"""Every event of every alert of a store as a CAP message, held to the OASIS schema and to our own reader.

python -m bench.cap SCHEMA.xsd DATABASE_URL...
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from pathlib import Path

from lxml import etree

from alerting.cap import read
from alerting.cap_alert import Voice
from alerting.cap_model import CapMessage
from alerting.voicing import Spoken
from specs.loading import load_config
from store import alerts
from store.engine import Store, open_store

CONFIG = Path(__file__).parents[1] / "config"
#: Renewals of a message that is still open are looked at too.
LATER_S = 20 * 3600


async def walk(store: Store, spoken: Spoken, schema: etree.XMLSchema, seen: Counter[str]) -> list[str]:
    """What is wrong, in words; counts messages by kind of event and state."""
    wrong: list[str] = []
    for alert in await alerts.alerts(store, limit=100_000):
        events = await alerts.events(store, alert.uid)
        for count, event in enumerate(events, 1):
            for as_of_s in (None, event.at_s + LATER_S):
                body = spoken.cap(events[:count], {}, as_of_s)
                if body is None:
                    seen["nothing to publish"] += 1
                    continue
                seen[f"{event.kind} -> {event.state.value}{' (exercise)' if event.exercise else ''}"] += 1
                if not schema.validate(etree.fromstring(body)):
                    wrong.append(f"{event.uid}: {schema.error_log.last_error}")
                elif not isinstance(read(body), CapMessage):
                    wrong.append(f"{event.uid}: our own reader refuses it: {read(body)}")
    return wrong


async def main(schema_path: str, urls: list[str]) -> int:
    """Print the counts; the number of messages that are not valid."""
    schema = etree.XMLSchema(etree.parse(schema_path))
    spoken = Spoken(Voice("radcommons.example.org", "https://radcommons.example.org"), load_config(CONFIG))
    seen: Counter[str] = Counter()
    wrong: list[str] = []
    for url in urls:
        store = await open_store(url)
        wrong += await walk(store, spoken, schema, seen)
        await store.close()
    for kind, count in sorted(seen.items()):
        print(f"  {kind:<40} {count:>6}")
    print(f"{sum(seen.values())} messages, {len(wrong)} not valid")
    for one in wrong[:20]:
        print(f"  {one}")
    return len(wrong)


if __name__ == "__main__":
    sys.exit(1 if asyncio.run(main(sys.argv[1], sys.argv[2:])) else 0)
