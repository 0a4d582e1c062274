from __future__ import annotations

import json
import logging
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chortle_plugin._log import HostHandler

ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers()) | st.binary()


@given(st.text(), st.integers(0, 60), st.dictionaries(st.text(), ANYTHING), st.floats(0, 4e9))
def test_every_field_is_a_string(message: str, level: int, extra: dict[str, object], created: float) -> None:
    record = logging.makeLogRecord({"msg": message, "levelno": level, "name": "module", "created": created} | extra)
    record.msg, record.args, record.levelno, record.created = message, (), level, created
    record.exc_info = None
    fields = json.loads(HostHandler().line(record))
    assert {"@level", "@message", "@module", "@timestamp"} <= fields.keys()
    assert all(isinstance(value, str) for value in fields.values())
    assert fields["@level"] in {"trace", "debug", "info", "warn", "error"}


def test_extra_never_hides_the_message() -> None:
    record = logging.makeLogRecord(
        {"msg": "right", "levelno": logging.INFO, "name": "m", "@message": "wrong", "pid": 7}
    )
    fields = HostHandler().fields(record)
    assert fields["@message"] == "right"
    assert fields["pid"] == "7"


LONG = {
    "a message": {"msg": "☃" * 100_000},
    "a message of control characters": {"msg": "\n" * 100_000},
    "a message beyond the first plane": {"msg": "😀" * 100_000},
    "a name": {"name": "é" * 100_000},
    "an extra": {"more": "☃" * 100_000},
    "the name of an extra": {"é" * 100_000: "more"},
    "many extras": {f"key {i}": "☃" * 1000 for i in range(1000)},
    "many": {"msg": "m" * 100_000, "name": "n" * 100_000, "more": "☃" * 100_000},
}


@pytest.mark.parametrize("case", LONG)
def test_a_line_is_never_longer_than_the_host_reads(case: str) -> None:
    record = logging.makeLogRecord({"msg": "short", "levelno": logging.INFO, "name": "m"} | LONG[case])
    line = HostHandler().line(record)
    fields = json.loads(line)
    assert len(line) <= 64 << 10
    assert line.endswith(b"}\n")
    assert fields["@level"] == "info"
    assert record.msg.startswith(fields["@message"])
    assert fields["@message"]


def test_a_long_traceback_keeps_the_exception() -> None:
    try:
        raise ValueError("☃" * 100_000 + " is why")
    except ValueError:
        record = logging.LogRecord("m", logging.ERROR, "", 0, "x" * 100_000, (), sys.exc_info())
    line = HostHandler().line(record)
    fields = json.loads(line)
    assert len(line) <= 64 << 10
    assert fields["traceback"].endswith("☃ is why")
    assert len(fields["@message"]) > 16 << 10


def test_what_fits_is_kept_whole() -> None:
    record = logging.makeLogRecord({"msg": "☃" * 5000, "levelno": logging.INFO, "name": "m", "more": "é" * 1000})
    fields = json.loads(HostHandler().line(record))
    assert (fields["@message"], fields["more"]) == ("☃" * 5000, "é" * 1000)
