"""What the simulated publishers answer, each in the format of a real one, quirks included. All names say that it is an exercise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from xml.sax.saxutils import escape

import numpy as np

from radcommons.rehearsal.world import HOUR_S, STEP_S, Posts, World, posts_in
from specs.region import Geography

JST = timezone(timedelta(hours=9))
TAIPEI = timezone(timedelta(hours=8))
#: Plants' codes as the publisher of the real format uses them; the places themselves are known to the feed's own table.
KHNP_PLANTS = {"WS": "2200", "KR": "2100", "YK": "2300", "UJ": "2400", "SU": "2800"}
HONG_KONG = ("PC", "TM", "KO", "YNF", "TMT", "STK", "KT", "SWH", "KP", "TBT", "CD", "GFS")
_LAG_S = 480


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes on the wire."""

    body: bytes
    content_type: str
    status: int = 200


@dataclass(frozen=True, slots=True)
class Publishers:
    """The simulated publishers of one world; `dies_s` is when the one in Hong Kong stops making sense."""

    world: World
    japan: Posts
    taiwan: Posts
    dies_s: float

    @classmethod
    def of(cls, world: World, geography: Geography, dies_s: float) -> Publishers:
        """Publishers with invented posts in the regions of `geography`."""
        japan = posts_in(geography, "JP-", 5, crowded=("JP-43", "JP-44", "JP-45", "JP-07", "JP-18"))
        return cls(world, japan, posts_in(geography, "TW-", 2, seed=8), dies_s)

    def answer(self, host: str, path: str, query: Mapping[str, str], now_s: float) -> Reply:
        """The answer of `host` to a request at `now_s`; 404 for strangers."""
        match host:
            case "www.ramis.nra.go.jp":
                return self._ramis(query.get("data_type", ""), now_s)
            case "data.khnp.co.kr":
                return self._khnp(query.get("genName", ""), now_s)
            case "www.nusc.gov.tw":
                return self._taiwan(now_s)
            case "www.monitororbs.jp":
                return self._orbs(path, now_s)
            case "www.jma.go.jp":
                return self._quakes(now_s)
            case "www.hko.gov.hk":
                return self._hong_kong(now_s)
        return Reply(b"no such publisher", "text/plain", 404)

    def _ramis(self, kind: str, now_s: float) -> Reply:
        end_s = (now_s - _LAG_S) // STEP_S * STEP_S
        rows: list[dict[str, object]] = []
        if kind == "1":
            values = self.world.dose_nsv_h(self.japan, end_s)
            rain = self.world.rain_mm_h(self.japan.latitude_deg, self.japan.longitude_deg, end_s) / 6
            rows = [self._ramis_row(i, float(values[i]), float(rain[i]), end_s) for i in range(len(self.japan) - 3)]
        elif kind == "0":
            # three posts are out of order all the time: listed as missing, and missing indeed
            rows = [self._ramis_row(i, None, None, None) for i in range(len(self.japan) - 3, len(self.japan))]
        text = json.dumps({"data": rows, "count": len(rows), "offset": 0, "limit": 0}, ensure_ascii=False)
        return Reply(text.encode(), "application/json")

    def _ramis_row(self, i: int, dose: float | None, rain: float | None, end_s: float | None) -> dict[str, object]:
        posts, code = self.japan, f"{self.japan.regions[i][-2:]}11{i:04d}"
        stamp = None if end_s is None else datetime.fromtimestamp(end_s, JST).isoformat()
        return {
            "id": f"{code}600", "obs_station_unique_code": code, "owner_code": code[:2], "device_kbn": "11", "device_no": code[4:],
            "meas_time": 600, "pref_code": code[:2], "display_name": f"演習{posts.keys[i]}", "display_name_roman": f"EXERCISE {posts.keys[i]}",
            "air_dose_rate": None if dose is None else round(dose / 1000, 4), "precipitation": None if rain is None else round(rain, 1),
            "counting_rate": None, "dust_beta_conc": None, "wind_direction_name": None, "wind_speed": None, "solar_amount": None,
            "meas_datetime": stamp, "update_datetime": stamp, "latitude": float(posts.latitude_deg[i]), "longitude": float(posts.longitude_deg[i]),
            "missing_status": "2" if dose is None else "0", "meas_range_low_limit": 0.001, "meas_range_high_limit": 100000,
        }  # fmt: skip

    def _khnp(self, plant: str, now_s: float) -> Reply:
        end_s = (now_s - 240) // 300 * 300
        stamp = datetime.fromtimestamp(end_s, JST).strftime("%Y-%m-%d %H:%M")
        draw = np.random.default_rng((self.world.seed, int(end_s)))
        items = []
        for number in range(1, 11) if plant in KHNP_PLANTS else ():
            value = 0.100 + 0.003 * number + float(draw.normal(0, 0.001))
            name = f"{KHNP_PLANTS[plant]}-MS{number:03d}_STD.C"
            items.append(_item(expl=f"ERMS-훈련 {number}(MS-{number})", name=name, time=stamp, value=f"{value:.3f}"))
        head = "<header><resultCode>00</resultCode><resultMsg>NORMAL SERVICE.</resultMsg></header>"
        text = f'<?xml version="1.0" encoding="UTF-8"?><response>{head}<body><items>{"".join(items)}</items></body></response>'
        return Reply(text.encode(), "application/xml")

    def _taiwan(self, now_s: float) -> Reply:
        end_s = (now_s - 600) // 300 * 300
        posts = self.taiwan
        values = self.world.dose_nsv_h(posts, end_s) / 1000
        stamp = datetime.fromtimestamp(end_s, TAIPEI).strftime("%Y-%m-%d %H:%M")
        lines = ["監測站,監測站(英文),監測值(微西弗/時),時間,GPS經度,GPS緯度"]
        lines += [
            f"演習{key},EXERCISE {key},{values[i]:.3f},{stamp},{posts.longitude_deg[i]:.5f},{posts.latitude_deg[i]:.5f}"
            for i, key in enumerate(posts.keys)
        ]
        return Reply(b"\xef\xbb\xbf" + "\n".join(lines).encode(), "text/csv")

    def _orbs(self, path: str, now_s: float) -> Reply:
        if not path.rsplit("/", 1)[-1].startswith("Seawater_10_"):
            return Reply(b"", "text/plain", 404)
        newest = datetime.fromtimestamp(now_s, JST) - timedelta(days=2)
        draw = np.random.default_rng((self.world.seed, sum(path.encode())))
        rows = []
        for week in range(30):
            day = newest - timedelta(days=7 * week)
            caesium = f"{draw.uniform(0.002, 0.01):.4f}," if week % 3 else ",0.0021"
            tritium = ",0.34" if week % 2 else "-,-"
            rows.append(f"{day.year}/{day.month}/{day.day} 7:05,,0.0012,{caesium},{tritium}")
        head = [
            f"File Creation Date,{newest:%Y-%m-%d}", "Sampling Location,EXERCISE", "", "Sea surface to a depth of 0.5 m,,,,,,",
            ",Cs-134,,Cs-137,,H-3,", "Date and time of Sampling,Dt,ND,Dt,ND,Dt,ND",
        ]  # fmt: skip
        return Reply(b"\xef\xbb\xbf" + "\r\n".join([*head, *rows, ""]).encode(), "text/csv")

    def _quakes(self, now_s: float) -> Reply:
        newest = int((now_s - self.world.start_s) // (2 * HOUR_S))
        return Reply(
            json.dumps([self._quake(number) for number in range(newest, -1, -1)], ensure_ascii=False).encode(),
            "application/json",
        )

    def _quake(self, number: int) -> dict[str, object]:
        origin = datetime.fromtimestamp(self.world.start_s + number * 2 * HOUR_S, JST)
        reported = origin + timedelta(minutes=3)
        event = origin.strftime("%Y%m%d%H%M%S")
        draw = np.random.default_rng((self.world.seed, number))
        magnitude, latitude, longitude = draw.uniform(2, 5), draw.uniform(31, 42), draw.uniform(138, 143)
        return {
            "ctt": reported.strftime("%Y%m%d%H%M%S"), "eid": event, "rdt": reported.isoformat(), "ttl": "震源・震度情報", "ift": "発表",
            "ser": "1", "at": origin.isoformat(), "anm": "演習海域", "acd": "999", "cod": f"+{latitude:.1f}+{longitude:.1f}-10000/",
            "mag": f"{magnitude:.1f}", "maxi": "1", "int": [], "json": f"{event}.json", "en_ttl": "Earthquake and Seismic Intensity Information",
            "en_anm": "EXERCISE",
        }  # fmt: skip

    def _hong_kong(self, now_s: float) -> Reply:
        if now_s > self.dies_s:
            # it dies as real ones do: first errors, then a friendly page with status 200
            dead = now_s - self.dies_s > HOUR_S
            return Reply(
                b"<!DOCTYPE html><html><body>Service is under maintenance.</body></html>",
                "text/html",
                200 if dead else 503,
            )
        newest = datetime.fromtimestamp((now_s - 900) // HOUR_S * HOUR_S, TAIPEI)
        hours = [newest - timedelta(hours=back) for back in range(24, -1, -1)]
        lines = [f"Observation from {hours[0]:%Y%m%d%H} to {newest:%Y%m%d%H}", " "]
        for number, code in enumerate(HONG_KONG):
            values = [self._hong_kong_value(number, hour) for hour in hours]
            lines += [f"{code:>3}" + "".join(f"{value:8.2f}" for value in values), " "]
        return Reply("\n".join(lines).encode(), "text/plain")

    def _hong_kong_value(self, number: int, hour: datetime) -> float:
        draw = np.random.default_rng((self.world.seed, number, int(hour.timestamp())))
        return float(0.08 + 0.005 * number + draw.normal(0, 0.004))


def _item(**tags: str) -> str:
    return "<item>" + "".join(f"<{tag}>{escape(text)}</{tag}>" for tag, text in tags.items()) + "</item>"
