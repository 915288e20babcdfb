"""What to write instead: errors of operator files in words that help at night."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from specs.near import nearest

#: What people call our formats elsewhere.
_FORMATS = {
    "csv": "delimited", "tsv": "delimited", "text": "lines", "json": "json_rows", "geojson": "json_rows", "arcgis": "json_rows", "ndjson": "json_lines",
    "jsonl": "json_lines", "xml": "xml_items", "gml": "gml_multipoint", "html": "html_table", "excel": "xlsx", "nc": "netcdf", "regex": "lines",
    "fixed": "fixed_width", "key_value": "blocks",
}  # fmt: skip
#: What people call our keys elsewhere.
_KEYS = {
    "lat": "latitude", "lon": "longitude", "lng": "longitude", "long": "longitude", "tz": "zone", "timezone": "zone", "type": "format", "path": "rows",
    "sep": "delimiter", "separator": "delimiter", "uom": "unit", "nodata": "missing", "na": "missing", "interval": "every_s", "station_id": "key", "id": "key",
    "pattern": "format", "regex": "pattern", "columns": "column", "field": "column", "value": "column", "name": "names", "tag": "items", "skip": "skip_lines",
}  # fmt: skip
_VALUES = {
    "begin": "start", "dd": "degrees", "decimal": "degrees", "dm": "degrees_minutes", "shift_jis": "cp932", "sjis": "cp932", "euckr": "cp949", "gbk": "gb18030",
    "jp": "ja", "kr": "ko", "cn": "zh", "lonlat": "lon_lat", "latlon": "lat_lon",
}  # fmt: skip


def unknown_key(key: str, known: Collection[str], value: Any) -> str:
    """For a key that may not stand where it stands."""
    if value is None and key not in known and (" " in key or not nearest(key, known)):
        return f"`{key}` has no value. A comma inside {{ }} ends a text: put the whole text before it in quotes"
    other = _KEYS.get(key)
    hint = f" (did you mean `{other}`?)" if other in known else nearest(key, known)
    told = "" if hint or not known else f"; here may stand {', '.join(sorted(known))}"
    return f"unknown key{hint}{told}"


def no_choice(value: Any, expected: str) -> str:
    """For a word that is none of a closed list; `expected` is the list as pydantic tells it."""
    known = [word for word in expected.replace(" or ", ", ").replace("'", "").split(", ") if word]
    text = str(value)
    other = {**_VALUES, **_FORMATS}.get(text.lower())
    lower = {word.lower(): word for word in known}
    hint = f" (did you mean `{other}`?)" if other in known else nearest(text.lower(), lower)
    return f"`{text}` is none of the words that may stand here{hint}: {', '.join(known)}"


def wrong_shape(kind: str, value: Any) -> str | None:
    """For a value of another shape than the key takes; None for an error that needs no help."""
    if kind in {"tuple_type", "list_type"}:
        return f"must be a list: write `[{value}]`, or a line that begins with `- ` for each" if _plain(value) else "must be a list: begin each entry with `- `"  # fmt: skip
    if kind in {"dict_type", "model_type", "model_attributes_type"}:
        return "must be a map of keys to values, as `{en: some text}`"
    if kind == "string_type" and isinstance(value, bool | int | float):
        return f'must be text: put it in quotes, `"{value}"`'
    if kind in {"int_parsing", "int_type", "float_parsing", "float_type"}:
        return f"must be a number, not `{value}` (lengths of time are in seconds, so a quarter of an hour is 900)"
    if kind == "string_pattern_mismatch":
        return f"`{value}` has letters that may not stand here: small letters, digits and single hyphens, as `jp-lab-gamma`"
    return None


def _plain(value: Any) -> bool:
    return isinstance(value, str | int | float)
