#!/usr/bin/env python3
"""Runs a command in a terminal of its own and writes the screen that it leaves as an SVG picture.

usage: terminal_svg.py [--columns 100] [--rows 60] [--title WORDS] PICTURE.svg -- COMMAND...

The terminal understands what a program needs that prints colours and a progress line: carriage return, line
feed, backspace, tab, colours and weights (SGR), cursor moves and erasing. The picture has as many rows as the
screen ended with. Exit code: the command's.
"""

from __future__ import annotations

import argparse
import codecs
import fcntl
import html
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

PALETTE = ("#3b4252", "#bf616a", "#8fbc7a", "#d8a657", "#6c9fd0", "#b48ead", "#6cb6b0", "#d8dee9")
BRIGHT = ("#6b7488", "#e07a83", "#a9d18e", "#ebcb8b", "#88c0f0", "#c9a6d4", "#8fd3cd", "#ffffff")
INK, PAPER, BAR = "#d8dee9", "#1b1f27", "#262b35"
CELL, LINE, SIZE, MARGIN, HEAD = 8.43, 18, 14, 16, 34  # px; the font's advance is 0.602 of its size
FONT = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"
SEQUENCE = re.compile(r"\x1b(?:\[([0-9;?]*)([A-Za-z])|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][A-Z0-9]|[=>78])")
PARTIAL = re.compile(r"\x1b(?:\[[0-9;?]*|\][^\x07\x1b]*\x1b?|[()])?$")


@dataclass(frozen=True)
class Style:
    """How a cell looks."""

    colour: str = INK
    bold: bool = False
    faint: bool = False
    inverse: bool = False


PLAIN = Style()


class Screen:
    """A terminal of endless height: nothing scrolls away."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.cells: list[dict[int, tuple[str, Style]]] = [{}]
        self.row = self.column = 0
        self.style = PLAIN
        self.pending = ""

    def feed(self, text: str) -> None:
        text, self.pending = self.pending + text, ""
        at = 0
        while at < len(text):
            if text[at] != "\x1b":
                self.put(text[at])
                at += 1
            elif found := SEQUENCE.match(text, at):
                if found[2]:
                    self.control(found[2], [int(n or 0) for n in found[1].lstrip("?").split(";")])
                at = found.end()
            elif PARTIAL.match(text, at):
                self.pending = text[at:]
                return
            else:
                at += 1

    def put(self, character: str) -> None:
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self.move(self.row + 1)
        elif character == "\b":
            self.column = max(0, self.column - 1)
        elif character == "\t":
            self.column = min(self.columns - 1, self.column // 8 * 8 + 8)
        elif character >= " ":
            width = 2 if unicodedata.east_asian_width(character) in "WF" else 1
            if self.column + width > self.columns:
                self.column = 0
                self.move(self.row + 1)
            self.cells[self.row][self.column] = (character, self.style)
            self.column += width

    def move(self, row: int) -> None:
        self.row = max(0, row)
        while len(self.cells) <= self.row:
            self.cells.append({})

    def control(self, letter: str, numbers: list[int]) -> None:
        count = max(1, numbers[0])
        if letter == "m":
            self.paint(numbers)
        elif letter == "A":
            self.move(self.row - count)
        elif letter == "B":
            self.move(self.row + count)
        elif letter == "C":
            self.column = min(self.columns - 1, self.column + count)
        elif letter == "D":
            self.column = max(0, self.column - count)
        elif letter == "G":
            self.column = min(self.columns, count) - 1
        elif letter == "K":
            keep = {0: range(self.column), 1: range(self.column + 1, self.columns), 2: range(0)}[numbers[0]]
            line = self.cells[self.row]
            self.cells[self.row] = {column: line[column] for column in line if column in keep}
        elif letter == "J" and numbers[0] == 0:
            del self.cells[self.row + 1 :]
            self.control("K", [0])

    def paint(self, numbers: list[int]) -> None:
        todo = iter(numbers)
        for n in todo:
            if n == 0:
                self.style = PLAIN
            elif n == 1:
                self.style = replace(self.style, bold=True)
            elif n == 2:
                self.style = replace(self.style, faint=True)
            elif n == 22:
                self.style = replace(self.style, bold=False, faint=False)
            elif n in (7, 27):
                self.style = replace(self.style, inverse=n == 7)
            elif 30 <= n <= 37:
                self.style = replace(self.style, colour=PALETTE[n - 30])
            elif 90 <= n <= 97:
                self.style = replace(self.style, colour=BRIGHT[n - 90])
            elif n == 39:
                self.style = replace(self.style, colour=INK)
            elif n in (38, 48):
                colour = extended(next(todo, 0), todo)
                if n == 38:
                    self.style = replace(self.style, colour=colour)

    def lines(self) -> list[dict[int, tuple[str, Style]]]:
        """The rows down to the last that shows something."""
        shown = [{c: cell for c, cell in line.items() if cell[0] != " " or cell[1].inverse} for line in self.cells]
        while shown and not shown[-1]:
            shown.pop()
        return shown


def extended(kind: int, take: Iterator[int]) -> str:
    """A colour of the 256 (kind 5) or of all (kind 2)."""
    if kind == 2:
        return "#{:02x}{:02x}{:02x}".format(*(next(take, 0) for _ in range(3)))
    n = next(take, 7)
    if n < 16:
        return (PALETTE + BRIGHT)[n]
    if n >= 232:
        return "#{0:02x}{0:02x}{0:02x}".format(8 + 10 * (n - 232))
    steps = (0, 95, 135, 175, 215, 255)
    return f"#{steps[(n - 16) // 36]:02x}{steps[(n - 16) // 6 % 6]:02x}{steps[(n - 16) % 6]:02x}"


def picture(screen: Screen, title: str) -> str:
    """The SVG: a text element for each run of cells in one style."""
    lines = screen.lines()
    width = round(2 * MARGIN + screen.columns * CELL)
    height = HEAD + MARGIN + len(lines) * LINE + MARGIN // 2
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        f' role="img" aria-label="{html.escape(title)}">',
        f"<style>text{{font:{SIZE}px {FONT};white-space:pre}}</style>",
        f'<rect width="{width}" height="{height}" rx="9" fill="{PAPER}"/>',
        f'<path d="M0 {HEAD}V9a9 9 0 0 1 9-9H{width - 9}a9 9 0 0 1 9 9V{HEAD}z" fill="{BAR}"/>',
        f'<text x="{width / 2:g}" y="22" text-anchor="middle" fill="{BRIGHT[0]}">{html.escape(title)}</text>',
    ]
    out += [f'<circle cx="{20 + 20 * n}" cy="17" r="6" fill="{PALETTE[c]}"/>' for n, c in enumerate((1, 3, 2))]
    for row, line in enumerate(lines):
        y = HEAD + MARGIN + row * LINE + 6
        for column, text, style in runs(line):
            x, ink = MARGIN + column * CELL, style.colour
            if style.inverse:
                out.append(f'<rect x="{x:.1f}" y="{y - 14}" width="{len(text) * CELL:.1f}" height="18" fill="{ink}"/>')
                ink = PAPER
            extra = ' font-weight="bold"' * style.bold + ' opacity=".65"' * style.faint
            out.append(
                f'<text x="{x:.1f}" y="{y}" textLength="{len(text) * CELL:.1f}" fill="{ink}"{extra}>'
                f"{html.escape(text)}</text>"
            )
    return "\n".join([*out, "</svg>", ""])


def runs(line: dict[int, tuple[str, Style]]) -> list[tuple[int, str, Style]]:
    """Neighbouring cells of one style together; one blank between two of them is bridged."""
    found: list[tuple[int, str, Style]] = []
    for column in sorted(line):
        character, style = line[column]
        if found:
            start, text, last = found[-1]
            gap = column - start - len(text)
            if style == last and 0 <= gap <= 1:
                found[-1] = (start, text + " " * gap + character, style)
                continue
        found.append((column, character, style))
    return found


def record(command: list[str], screen: Screen, rows: int) -> int:
    """Runs the command under a pty until it ends; its screen is fed as it writes."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", rows, screen.columns, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(screen.columns), "LINES": str(rows)}
    environment.pop("NO_COLOR", None)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    with subprocess.Popen(command, stdin=its, stdout=its, stderr=its, env=environment, start_new_session=True) as child:
        os.close(its)
        while True:
            try:
                content = os.read(ours, 65536)
            except OSError:  # Linux says EIO when the last writer is gone
                break
            if not content:
                break
            screen.feed(decoder.decode(content))
    os.close(ours)
    return child.returncode


def main() -> int:
    if "--" not in sys.argv:
        print(__doc__, file=sys.stderr)
        return 2
    split = sys.argv.index("--")
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--rows", type=int, default=60)
    parser.add_argument("--title", default="")
    options = parser.parse_args(sys.argv[1:split])
    command = sys.argv[split + 1 :]
    screen = Screen(options.columns)
    code = record(command, screen, options.rows)
    options.picture.write_text(picture(screen, options.title or " ".join(command)))
    return code


if __name__ == "__main__":
    sys.exit(main())
