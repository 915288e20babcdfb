"""The table of twins: only what a person confirmed counts, and chains of pairs lead to one id."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs.problems import ConfigError
from specs.twins import FILE, Twin, load_twins, one_station


def table(folder: Path, text: str) -> Path:
    (folder / FILE).write_text(text, encoding="utf-8")
    return folder


def test_no_table_is_no_twins(tmp_path: Path) -> None:
    assert load_twins(tmp_path) == ()


def test_only_confirmed_pairs_count(tmp_path: Path) -> None:
    text = """\
twins:
  - {first: "a:1", second: "b:1", status: confirmed, by: Kim, on: 2026-11-01, distance_m: 12, correlation: 0.99, hours: 168}
  - {first: "a:2", second: "b:2"}
  - {first: "a:3", second: "b:3", status: refused, why: two posts on one mast}
"""
    assert dict(one_station(load_twins(table(tmp_path, text)))) == {"a:1": "a:1", "b:1": "a:1"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{first: "a", second: "a"}', "its own twin"),
        ('{first: "a", second: "b"}\n  - {first: "b", second: "a"}', "stand there twice"),
        ('{first: "a", second: "b", status: confirmed}', "who confirmed it and when"),
        ('{first: "a", second: "b", status: sure}', "twins.0.status"),
        ('{first: "a", secnd: "b"}', "unknown key (did you mean `second`?)"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_twins(table(tmp_path, f"twins:\n  - {line}\n"))
    assert said in str(caught.value)


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)).filter(lambda pair: pair[0] != pair[1]), max_size=12))
def test_chains_of_pairs_are_one_instrument(pairs: list[tuple[int, int]]) -> None:
    leads = one_station(tuple(Twin(first=str(a), second=str(b), status="confirmed") for a, b in pairs))
    assert all(leads[str(a)] == leads[str(b)] for a, b in pairs)
    assert all(leads[root] == root for root in leads.values())
    assert set(leads) == {str(one) for pair in pairs for one in pair}
