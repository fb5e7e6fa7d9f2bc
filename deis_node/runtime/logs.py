"""Logging for every process: structlog through the standard library, so that the lines of
libraries get the same shape as ours.

An event is constant lower-case words, facts are its keys; what is bound to contextvars comes
along. Secrets (config values, tokens, passwords) are never logged: no key hides them here.
"""

import logging
import sys
from dataclasses import dataclass

import structlog
from structlog.typing import Processor

from deis_node.runtime.settings import setting

_QUIET = ("aiohttp.access", "asyncio", "asyncssh")
"""Loggers of libraries that tell at `info` what only their own developers need."""


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What a process logs of itself."""

    level: str = setting("info", "Lowest level that is written: debug, info, warning, error.")
    json: bool = setting(True, "Whether lines are JSON objects.")


def configure(*, json: bool, level: str = "info") -> None:
    """Set logging up, once per process: JSON lines on a server, plain columns on a terminal.

    `level` is debug, info, warning or error; ValueError for another word. Lines go to standard
    error.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ValueError(f"{level!r} is not a log level")
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(json=json),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))


def _renderers(*, json: bool) -> list[Processor]:
    if json:
        return [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ]
    plain = structlog.dev.plain_traceback  # the pretty one prints local variables: secrets
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
