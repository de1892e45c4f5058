"""Logging, set up once: structlog and the standard library's, as lines on stderr.

Log text holds ids, never a caller's data: tracebacks are plain, without local variables.
"""

from __future__ import annotations

import logging
import sys
from enum import StrEnum
from typing import Annotated, Any

import structlog
import typer


class LogForm(StrEnum):
    """How log lines look."""

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"


class LogLevel(StrEnum):
    """From which weight on lines are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


Form = Annotated[
    LogForm,
    typer.Option(
        "--log",
        envvar="HOTLINE_LOG",
        help="Log lines on stderr: for people, or JSON; auto is people on a terminal.",
    ),
]
Level = Annotated[
    LogLevel, typer.Option("--log-level", envvar="HOTLINE_LOG_LEVEL", help="Least weight logged.")
]


def set_up(form: LogForm = LogForm.AUTO, level: LogLevel = LogLevel.INFO) -> None:
    """Sends all logging of this process to stderr in one form."""
    as_json = form is LogForm.JSON or (form is LogForm.AUTO and not sys.stderr.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=as_json),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    if as_json:
        last: list[Any] = [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    else:
        last = [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                exception_formatter=structlog.dev.plain_traceback,
                pad_event_to=0,
            )
        ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn.access", "uvicorn.error", "alembic", "asyncio", "aiosqlite"):
        logging.getLogger(name).setLevel(logging.WARNING)
