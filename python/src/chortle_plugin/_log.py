"""Logs in the form that the host understands: go-hclog's JSON, one object a line on standard error."""

from __future__ import annotations

import json
import logging
import os
from datetime import datetime, timezone

_LEVELS = (
    (logging.ERROR, "error"),
    (logging.WARNING, "warn"),
    (logging.INFO, "info"),
    (logging.DEBUG, "debug"),
)
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_LONGEST = 16 << 10  # characters of one field; the host reads lines in blocks of 64 KiB


class HostHandler(logging.Handler):
    """Writes each record with one call, so that lines of several threads do not mix.

    Every field is a string: some hosts end when one is not. What is given as `extra` becomes fields too.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record."""
        try:
            os.write(2, (json.dumps(self.fields(record)) + "\n").encode())
        except Exception:
            self.handleError(record)

    def fields(self, record: logging.LogRecord) -> dict[str, str]:
        """The line's fields."""
        level = next((name for least, name in _LEVELS if record.levelno >= least), "trace")
        when = datetime.fromtimestamp(record.created, timezone.utc)
        fields = {
            "@level": level,
            "@message": record.getMessage()[:_LONGEST],
            "@module": record.name,
            "@timestamp": when.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }
        if record.exc_info:
            fields["traceback"] = logging.Formatter().formatException(record.exc_info)[-_LONGEST:]
        extra = {key: str(value)[:_LONGEST] for key, value in vars(record).items() if key not in _STANDARD}
        return extra | fields


def to_host() -> None:
    """Send everything that the program logs, from INFO on, to the host."""
    logging.basicConfig(level=logging.INFO, handlers=[HostHandler()], force=True)
