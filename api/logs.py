"""Structured logs: one JSON object a line, with the ids that were bound to the context.

Secrets never get here: nothing logs headers, bodies or settings.
"""

import logging
import sys

import structlog
from structlog.typing import FilteringBoundLogger

from api.settings import LogFormat


def configure(*, form: LogFormat, level: str) -> None:
    """Set up structlog and send the standard library's records the same way."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if form is LogFormat.JSON
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            # The other formatters show local variables, and those may be secrets.
            exception_formatter=structlog.dev.plain_traceback,
        )
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
    # They tell whole addresses, and whoever is told of events may have a key in theirs; at their
    # most talkative they tell headers.
    for client in ("httpx", "httpcore", "urllib3", "boto3", "botocore"):
        logging.getLogger(client).setLevel(logging.WARNING)
    # A ring that is cut short is no error; what became of the judging is said by ourselves.
    for bell in ("arq.worker", "arq.jobs", "arq.connections"):
        logging.getLogger(bell).setLevel(logging.CRITICAL)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True


def logger(name: str) -> FilteringBoundLogger:
    """Return a logger; events are named `thing.happened`."""
    bound: FilteringBoundLogger = structlog.get_logger(name)
    return bound
