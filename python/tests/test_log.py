from __future__ import annotations

import json
import logging

from hypothesis import given
from hypothesis import strategies as st

from chortle_plugin._log import HostHandler

ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers()) | st.binary()


@given(st.text(), st.integers(0, 60), st.dictionaries(st.text(), ANYTHING), st.floats(0, 4e9))
def test_every_field_is_a_string(message: str, level: int, extra: dict[str, object], created: float) -> None:
    record = logging.makeLogRecord({"msg": message, "levelno": level, "name": "module", "created": created} | extra)
    record.msg, record.args, record.levelno, record.created = message, (), level, created
    record.exc_info = None
    fields = json.loads(json.dumps(HostHandler().fields(record)))
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


def test_long_fields_are_cut() -> None:
    record = logging.makeLogRecord({"msg": "x" * 100_000, "levelno": logging.INFO, "name": "m"})
    assert len(json.dumps(HostHandler().fields(record))) < 32 << 10
