#!/usr/bin/env python3
"""Runs `go test` and shows what a person wants: each package's closing line, and all of a failed test's output.

usage: gotest.py ARGUMENTS OF GO TEST...

Where CHORTLE_TEST_REQUIRE is set, a skipped test is a failed run, unless scripts/allowed-skips.txt names it
with its reason, or it wants real sound and nobody named a folder of it, or a browser, an S3 server, mosquitto or
rclone and there is none. Exit code: that of go test, or 1 for a skip.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

ALLOWED = Path(__file__).resolve().parent / "allowed-skips.txt"
BROWSERS = ("CHORTLE_TEST_CHROMIUM", "CHORTLE_TEST_FIREFOX")  # no set-up can bring one without root
SERVERS = ("CHORTLE_TEST_S3", "CHORTLE_TEST_MOSQUITTO", "CHORTLE_TEST_RCLONE")  # set to 1, they require one
SOUND = "CHORTLE_TEST_AUDIO"  # what it names is other people's, and no set-up can bring it
MODULE = "github.com/chortle-audio/chortle/"


def main(arguments: list[str]) -> int:
    command = ["go", "test", "-json", "-timeout=40m", *arguments]
    said: dict[tuple[str, str], list[str]] = defaultdict(list)
    ended = {"pass": 0, "fail": 0, "skip": 0}
    skips: list[tuple[str, str]] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as go:
        assert go.stdout is not None
        for line in go.stdout:
            try:
                event = json.loads(line)
            except ValueError:
                print(line, end="")
                continue
            package, test, action = event.get("Package", ""), event.get("Test", ""), event["Action"]
            if action in ("output", "build-output"):
                shown = event.get("Output", "")
                if action == "build-output" or (not test and shown.startswith(("ok ", "FAIL\t", "---", "panic"))):
                    print(shown, end="", flush=True)
                elif not shown.startswith("=== "):
                    said[package, test].append(shown)
            elif action in ended:
                output = said.pop((package, test), [])
                if action == "fail":
                    print(*output, sep="", end="", flush=True)
                if test:
                    ended[action] += 1
                if test and action == "skip":
                    skips.append((f"{package.removeprefix(MODULE)} {test}", reason(output)))
    print(f"go test: {ended['pass']} passed, {ended['fail']} failed, {ended['skip']} skipped")
    return go.returncode or judge(skips)


def reason(output: list[str]) -> str:
    """Why a test was skipped: what it said, without the lines that only frame it."""
    words = [line.strip() for line in output if not line.lstrip().startswith("--- ")]
    return " ".join(words) or "it gave no reason"


def judge(skips: list[tuple[str, str]]) -> int:
    """Prints every skip; 1 where one is not allowed."""
    required = bool(os.environ.get("CHORTLE_TEST_REQUIRE"))
    lines = [line.partition("#") for line in ALLOWED.read_text().splitlines()]
    allowed = {name.strip(): why.strip() for name, _, why in lines if name.strip()}
    wrong = 0
    for name, why in skips:
        if name in allowed:
            print(f"skipped, as allowed: {name}: {allowed[name]}")
        elif excused(why):
            print(f"skipped: {name}: {why}")
        else:
            wrong += 1
            print(f"skipped: {name}: {why}")
    if wrong and required:
        print(f"go test: {wrong} tests were skipped that must run; see scripts/allowed-skips.txt", file=sys.stderr)
        return 1
    return 0


def excused(why: str) -> bool:
    """Whether a test was skipped for what no set-up can bring, and nobody said that it is there."""
    sound = SOUND in why and not os.environ.get(SOUND)
    browser = any(name in why for name in BROWSERS) and not os.environ.get("CHORTLE_TEST_BROWSERS")
    server = any(name in why and not os.environ.get(name) for name in SERVERS)
    return sound or browser or server


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
