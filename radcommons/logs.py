"""Logs of a process: one line per event on stderr, as text for people or JSON for machines. Never the values of variables."""

from __future__ import annotations

import logging
import sys

import structlog


def configure_logs(form: str = "text") -> None:
    """Set up structlog and the standard library's logging; `form` is `text` or `json`.

    Tracebacks are kept, without local variables: a secret may be among them.
    """
    text = form != "json"
    last = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([last] if text else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    # the scheduler's events are counted and logged by our own listener
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
