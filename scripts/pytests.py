#!/usr/bin/env python3
"""Runs the Python tests and fails where one was skipped while CHORTLE_TEST_REQUIRE is set.

usage: pytests.py ARGUMENTS OF PYTEST...       from .venv, at the top of the checkout

A test that wants real sound may be skipped where nobody named a folder of it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

SOUND = "CHORTLE_TEST_AUDIO"
PYTHON = Path(__file__).resolve().parent.parent / "python"


class Skips:
    """Collects the tests that were skipped and must run, for pytest calls this for each report."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        optional = SOUND in str(report.longrepr) and not os.environ.get(SOUND)
        if report.skipped and not optional and not hasattr(report, "wasxfail"):
            self.names.append(report.nodeid)


def main(arguments: list[str]) -> int:
    skips = Skips()
    code = pytest.main(["-rs", f"--rootdir={PYTHON}", "-c", str(PYTHON / "pyproject.toml"), *arguments], [skips])
    if not code and skips.names and os.environ.get("CHORTLE_TEST_REQUIRE"):
        print(f"pytest: skipped, but must run: {', '.join(skips.names)}", file=sys.stderr)
        return 1
    return int(code)


if __name__ == "__main__":
    sys.exit(main([str(PYTHON / "tests"), *sys.argv[1:]]))
