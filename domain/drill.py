"""Drills: an invented rise of invented stations, marked as an exercise in every row, that goes the way of a real one."""

from __future__ import annotations

#: The feed that invented readings come by. No operator's file can take this id: ids of feeds begin with a country or a network.
DRILL_FEED = "radcommons-drill"
