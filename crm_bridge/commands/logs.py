"""Logging, set up once: structlog and the standard library's, as lines on stderr.

Log text holds ids, never a caller's data: tracebacks name the kind of an exception and where it was
raised, without local variables and without its words, which may quote what it choked on. What is
expected to fail says its words in fields (`what`, `where`, `mend`).
"""

from __future__ import annotations

import logging
import sys
import traceback
from enum import StrEnum
from typing import Annotated, Any, Final, TextIO

import structlog
import typer

_DEEPEST: Final = 3
"""Groups within groups of exceptions that are still told."""


_OTHERS: Final = (
    "uvicorn.access", "uvicorn.error", "alembic", "asyncio", "aiosqlite", "asyncpg", "sqlalchemy",
    "httpx", "httpcore", "aiosmtplib", "authlib", "panoramisk", "weasyprint", "fontTools",
)  # fmt: skip
"""Libraries that are heard from WARNING on at any level: below it httpx, say, writes each address
it asks, and the number of a caller whom a CRM is asked for stands in it."""


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
            structlog.processors.ExceptionRenderer(wordless),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    else:
        last = [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                exception_formatter=_print_wordless,
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
    for name in _OTHERS:
        logging.getLogger(name).setLevel(logging.WARNING)


def wordless(exc_info: Any) -> str:
    """A traceback as text: frames and kinds of exceptions, none of their words."""
    return "".join(_lines(traceback.TracebackException(*exc_info, compact=True)))


def _lines(told: traceback.TracebackException, depth: int = 0) -> list[str]:
    before = told.__cause__ or (None if told.__suppress_context__ else told.__context__)
    lines = [*_lines(before, depth), "…and then:\n"] if before is not None else []
    lines.append("Traceback (most recent call last):\n")
    lines += told.stack.format()
    kind = told.exc_type
    lines.append(f"{'Exception' if kind is None else kind.__qualname__}\n")
    for inner in told.exceptions or () if depth < _DEEPEST else ():
        lines += _lines(inner, depth + 1)
    return lines


def _print_wordless(out: TextIO, exc_info: Any) -> None:
    out.write("\n" + wordless(exc_info))
