"""How a line of the log is made. Imports structlog, and is itself imported with the first line."""

from __future__ import annotations

import logging
import re
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from syncd.log.redaction import KNOWN

# Control characters of a CRM's text could move the cursor or change a terminal's colours.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def logger() -> Any:
    """Syncd's structlog logger, which writes through the standard library's."""
    if not structlog.is_configured():
        structlog.configure(
            processors=[
                structlog.stdlib.filter_by_level,
                *SHARED,
                structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
            ],
            logger_factory=structlog.stdlib.LoggerFactory(),
            wrapper_class=structlog.stdlib.BoundLogger,
            cache_logger_on_first_use=False,
        )
    return structlog.stdlib.get_logger("syncd")


def formatter(*, terminal: bool) -> logging.Formatter:
    """Makes the text of a line: for a person's terminal, or JSON."""
    rendering: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if terminal:
        plain = structlog.dev.plain_traceback
        rendering += [
            _without_control,
            structlog.dev.ConsoleRenderer(colors=True, exception_formatter=plain),
        ]
    else:
        rendering.append(structlog.processors.JSONRenderer())
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=SHARED, processors=rendering)


def _redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """The last processor before the renderer: nothing gets past it."""
    return {
        key: value if key.startswith("_") else KNOWN.value(value, key)
        for key, value in event.items()
    }


def _without_control(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {
        key: _CONTROL.sub("\N{REPLACEMENT CHARACTER}", value) if isinstance(value, str) else value
        for key, value in event.items()
    }


# What every line goes through, syncd's own and the libraries'. `format_exc_info` shows no local
# variables, other than structlog's richer tracebacks.
SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    _redact,
]
