"""Logs: one JSON object a line, to a stream that somebody collects.

They say what happened to which id; what people ask and what documents say is not logged.
"""

import logging
import sys
from typing import TextIO

import structlog

# They log each request with its URL, or each retry of a pool that we report ourselves; those that
# ask models also what is asked, and the tokens of a session.
QUIET = (
    *("httpx", "httpcore", "asyncio"),
    *("any_llm", "anthropic", "botocore", "google_genai", "urllib3"),
)


def log_to(stream: TextIO | None, *, level: str) -> None:
    """Write the logs of this process, our own and the libraries', to `stream`; None: stderr."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
            foreign_pre_chain=shared,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
