"""Logs in the form that the host understands: go-hclog's JSON, one object a line on standard error."""

from __future__ import annotations

import json
import logging
import os
from bisect import bisect_right
from datetime import datetime, timezone

_LEVELS = (
    (logging.ERROR, "error"),
    (logging.WARNING, "warn"),
    (logging.INFO, "info"),
    (logging.DEBUG, "debug"),
)
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_MOST_BYTES = 64 << 10  # of a line; the host throws away what a longer one has beyond


class HostHandler(logging.Handler):
    """Writes each record with one call, so that lines of several threads do not mix.

    Every field is a string: some hosts end when one is not. What is given as `extra` becomes fields too.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record."""
        try:
            os.write(2, self.line(record))
        except Exception:
            self.handleError(record)

    def line(self, record: logging.LogRecord) -> bytes:
        """The record as JSON, at most 64 KiB of it.

        Each field in its turn may fill half of the room that is left, so that one that is long leaves some to
        those behind it. A text keeps its start, and a traceback its end, where the exception is.
        """
        pieces: list[str] = []
        room = _MOST_BYTES - len("{}\n")
        for key, value in self.fields(record).items():
            name = f"{json.dumps(key)}:"
            if (most := room // 2 - len(name) - len(",")) < len('""'):
                continue
            text = _cut(value, most, keep_end=key == "traceback")
            pieces.append(name + text)
            room -= len(name) + len(text) + len(",")
        return f"{{{','.join(pieces)}}}\n".encode()

    def fields(self, record: logging.LogRecord) -> dict[str, str]:
        """The line's fields, the ones that matter most first."""
        level = next((name for least, name in _LEVELS if record.levelno >= least), "trace")
        when = datetime.fromtimestamp(record.created, timezone.utc)
        fields = {
            "@level": level,
            "@timestamp": when.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "@module": record.name,
            "@message": record.getMessage(),
        }
        if record.exc_info:
            fields["traceback"] = logging.Formatter().formatException(record.exc_info)
        extra = {key: str(value) for key, value in vars(record).items() if key not in _STANDARD}
        return fields | {key: value for key, value in extra.items() if key not in fields}


def _cut(text: str, most: int, *, keep_end: bool) -> str:
    """The text in JSON, as much of its start, or of its end, as `most` characters hold; those are ASCII."""

    def written(length: int) -> str:
        return json.dumps(text[len(text) - length :] if keep_end else text[:length])

    longest = min(len(text), most)
    if len(whole := written(longest)) <= most:
        return whole
    return written(bisect_right(range(longest), most, key=lambda length: len(written(length))) - 1)


def to_host() -> None:
    """Send everything that the program logs, from INFO on, to the host."""
    logging.basicConfig(level=logging.INFO, handlers=[HostHandler()], force=True)
