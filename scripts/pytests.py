#!/usr/bin/env python3
"""Runs the Python tests and fails where one was skipped while CHORTLE_TEST_REQUIRE is set.

usage: pytests.py ARGUMENTS OF PYTEST...       from .venv, at the top of the checkout
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

PYTHON = Path(__file__).resolve().parent.parent / "python"


class Skips:
    """Counts the tests that were skipped, for pytest calls this for each report."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
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
