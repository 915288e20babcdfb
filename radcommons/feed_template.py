"""The file that `radcommons feed new` writes: every part that a feed needs, with what is to be found out before it runs."""

from __future__ import annotations

TEMPLATE = """\
# yaml-language-server: $schema=../schema/feed.json
id: {id}
source: {source}          # an id of sources.yaml; add the publisher there first
title: {{en: {title}}}
status: unverified          # verified once a real answer was compared with this file
enabled: false              # true once `radcommons feed plan {id}` says that nothing speaks against it
rights:
  redistribute: internal    # yes, ask, internal (no licence found) or no; never guess yes
  licence: not seen
  verdict: terms not looked for yet
schedule:
  every_s: 900              # how often to ask; a volunteer service never more often than every 900 s
  lag_s: 900                # usual age of the newest reading at receipt
  late_after_s: 7200
  silent_after_s: 86400
expect:                     # what makes a wrong edit visible: fill in all three
  stations: 1               # how many report
  # bbox: [120.0, 20.0, 150.0, 46.0]     # west, south, east, north
  # ranges: {{air_dose_rate_as_published: [10.0, 1.0e7]}}     # in the quantity's unit (nSv/h)
notes:
  - What stands where nothing was measured, what is a test, what may mislead?
forms:
  - id: rows
    request: {{url: "{url}"}}
    decode: {{format: {format}{decode}}}
    station: {{key: CODE, names: {{en: NAME}}, position: {{latitude: LAT, longitude: LON}}}}
    time: {{column: TIME, format: "%Y-%m-%d %H:%M", zone: Asia/Tokyo}}
    measures:
      - {{column: VALUE, quantity: air_dose_rate_as_published, unit: uSv/h}}
"""


#: What a format cannot be read without; the words in capitals are to be filled in.
_NEEDED = {
    "html_table": "has: [HEADING]", "xlsx": "has: [HEADING]", "html_items": "item: CLASS, columns: {CODE: CLASS}", "xml_items": "items: LIST/ITEM",
    "netcdf": "rows: VARIABLE", "lines": r"pattern: '(?P<CODE>\S+) (?P<TIME>\S+) (?P<VALUE>\S+)'", "json_suffix": "suffix: SUFFIX",
    "fixed_width": "columns: {CODE: [1, 5], TIME: [7, 22], VALUE: [24, 30]}", "side_by_side": "opener: HEADING",
    "wide_text": "sentence: 'From {first}', time_format: '%Y%m%d%H', step_s: 3600",
}  # fmt: skip


def new_file(feed_id: str, source: str, url: str, form: str) -> str:
    """The text of a new feed's file; `form` is its `decode.format`."""
    needed = f", {_NEEDED[form]}" if form in _NEEDED else ""
    return TEMPLATE.format(id=feed_id, source=source, title=feed_id, url=url, format=form, decode=needed)
