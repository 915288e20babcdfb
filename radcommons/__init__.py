"""The thin top room: the command, the settings, and the wiring of the three programs."""

__version__ = "0.1.0"
