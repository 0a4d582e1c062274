#!/usr/bin/env python3
"""Writes the tables of docs/benchmarks.md and README.md, and the charts, from the figures of the bench.

usage: charts.py        writes docs/bench-*.svg and the tables of the sections that were measured

The figures are build/bench.json's, and are kept as docs/bench.json. The charts are SVG that suits light and
dark pages. The words of a page are its own: of it, only what
stands between the comments <!-- NAME --> and <!-- end --> is written anew.
"""

from __future__ import annotations

import html
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tables

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "build" / "bench.json"
PAGES = (ROOT / "docs" / "benchmarks.md", ROOT / "README.md")
MB = 1_000_000
WIDTH, NAMES, BAR, GAP, TOP, RIGHT = 760, 190, 22, 12, 44, 150
STYLE = """<style>
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 15px }
.faint { fill: #6e7781 }
.ours { fill: #d97706 } .theirs { fill: #8c959f } .line { stroke: #cf222e; stroke-dasharray: 4 3 }
@media (prefers-color-scheme: dark) { text { fill: #d0d7de } .faint { fill: #8b949e } .theirs { fill: #6e7681 } }
</style>"""


@dataclass(frozen=True)
class Bar:
    """One bar: whose it is, how long, and what stands at its end."""

    name: str
    value: float
    label: str
    ours: bool


def bars(title: str, rows: list[Bar], limit: tuple[float, str] | None = None) -> str:
    """A chart of horizontal bars from zero; a limit is a dashed line with its words."""
    most = max([bar.value for bar in rows] + ([limit[0]] if limit else []))
    scale = (WIDTH - NAMES - RIGHT) / most
    height = TOP + len(rows) * (BAR + GAP) + (22 if limit else 0)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
        f' role="img" aria-label="{html.escape(title)}">',
        STYLE,
        f'<text class="title" x="0" y="20">{html.escape(title)}</text>',
    ]
    for number, bar in enumerate(rows):
        y = TOP + number * (BAR + GAP)
        length = max(bar.value * scale, 1)
        kind = "ours" if bar.ours else "theirs"
        out.append(f'<text x="{NAMES - 10}" y="{y + 16}" text-anchor="end">{html.escape(bar.name)}</text>')
        out.append(f'<rect class="{kind}" x="{NAMES}" y="{y}" width="{length:.1f}" height="{BAR}" rx="3"/>')
        out.append(f'<text x="{NAMES + length + 8:.1f}" y="{y + 16}">{html.escape(bar.label)}</text>')
    if limit:
        x = NAMES + limit[0] * scale
        out.append(f'<line class="line" x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{height - 20}"/>')
        words = html.escape(limit[1])
        out.append(f'<text class="faint" x="{x:.1f}" y="{height - 6}" text-anchor="middle">{words}</text>')
    return "\n".join([*out, "</svg>", ""])


def charts(results: dict[str, Any]) -> dict[str, str]:
    """The charts by file name, of the sections that are there."""
    made: dict[str, str] = {}
    if hour := results.get("hour"):
        rows = sorted(hour["medians"].items(), key=lambda item: float(item[1]["wall_s"]))
        for file, title, key, scale, unit in (
            ("bench-wall.svg", "Seconds for an hour of Ogg Opus", "wall_s", 1, "s"),
            ("bench-cpu.svg", "Seconds of processor time for that hour", "cpu_s", 1, "s"),
            ("bench-memory.svg", "Peak memory of the process tree for that hour", "peak_pss_bytes", MB, "MB"),
        ):
            drawn = [
                Bar(name, row[key] / scale, f"{row[key] / scale:.1f} {unit}", name == "chortle") for name, row in rows
            ]
            made[file] = bars(title, drawn)
    if stages := results.get("stages"):
        drawn = [Bar(name, value, f"{value:.2f} s", True) for name, value in stages["cpu_s"].items()]
        made["bench-stages.svg"] = bars("Processor time of each stage for an hour", drawn)
    if lengths := results.get("lengths"):
        drawn = [
            Bar(f"{hours} h", row["peak_pss_bytes"] / MB, f"{row['peak_pss_bytes'] / MB:.1f} MB", True)
            for hours, row in lengths["hours"].items()
        ]
        made["bench-lengths.svg"] = bars("Peak memory by length of the recording", drawn, (64, "at most 64 MB"))
    if users := results.get("users"):
        drawn = []
        for number, memory in enumerate(users["users"], 1):
            after = memory["after_bytes"] / MB
            drawn.append(Bar(f"after user {number}", after, f"{after:.1f} MB", True))
        made["bench-users.svg"] = bars("What the orchestrator holds after each of twenty users", drawn)
    return made


def fill(page: str, written: dict[str, str]) -> str:
    """The page with its tables written anew; those that were not measured stay as they are."""

    def table(found: re.Match[str]) -> str:
        name = found.group(1)
        return f"<!-- {name} -->\n{written[name]}\n<!-- end -->" if name in written else found.group(0)

    return re.sub(r"<!-- ([a-z]+) -->\n.*?<!-- end -->", table, page, flags=re.DOTALL)


def main() -> int:
    if not RESULTS.exists():
        print(f"charts: there is no {RESULTS.relative_to(ROOT)}: run make bench first", file=sys.stderr)
        return 1
    results = json.loads(RESULTS.read_text())
    for name, content in charts(results).items():
        (ROOT / "docs" / name).write_text(content)
        print(f"docs/{name}")
    for page in PAGES:
        page.write_text(fill(page.read_text(), tables.written(results)))
    (ROOT / "docs" / "bench.json").write_text(json.dumps(results, indent=1) + "\n")
    print("docs/benchmarks.md, README.md and docs/bench.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
