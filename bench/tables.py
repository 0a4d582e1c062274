"""The tables of docs/benchmarks.md, in Markdown, from the figures of the bench."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from typing import Any

MB = 1_000_000
Figures = dict[str, Any]


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table whose first column is words, and the others figures."""
    names = list(head)
    lines = [names, ["---", *["---:"] * (len(names) - 1)], *[list(row) for row in rows]]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def seen(row: Figures) -> list[str]:
    return [f"{row['wall_s']:.2f}", f"{row['cpu_s']:.2f}", f"{row['peak_pss_bytes'] / MB:.1f}"]


def between(values: Figures) -> str:
    return f"{values['median']:.2f} ({values['least']:.2f}-{values['most']:.2f})"


def machine(results: Figures) -> str:
    section = results.get("hour") or next(iter(results.values()))
    about = section["machine"]
    loads = [of["machine"]["load"] for of in results.values() if "load" in of.get("machine", {})]
    load = f" Its load was {min(loads):.0f} to {max(loads):.0f} meanwhile, the bench's own included." if loads else ""
    return (
        f"{about['cores']} cores of an {about['cpu']}, {about['memory_gib']:.0f} GiB of memory, {about['go']}, "
        f"Python {about['python']}; {section['measured_at'][:10]}.{load}"
    )


def hour(section: Figures) -> str:
    rows = []
    for name, row in sorted(section["medians"].items(), key=lambda item: float(item[1]["wall_s"])):
        compared = section["ratios"].get(name)
        ratios = [between(compared[key]) for key in compared] if compared else ["", "", ""]
        rows.append([name, *seen(row), *ratios])
    rows.append(["the old system (its own word, two users)", "", "", "2380", "", "", ""])
    return table(
        ["", "wall s", "CPU s", "peak MB", "our wall / theirs", "our CPU / theirs", "our memory / theirs"], rows
    )


def stages(section: Figures) -> str:
    total = sum(section["cpu_s"].values())
    rows = [[name, f"{value:.3f}", f"{100 * value / total:.1f} %"] for name, value in section["cpu_s"].items()]
    told = [table(["stage", "CPU s an hour", "share"], [*rows, ["all", f"{total:.2f}", ""]])]
    told.append(
        f"The floor, decoding and the network over the cores, is **{section['floor_wall_s']:.2f} s** for an hour. "
        f"The whole model with its own front end would take {section['whole_model_cpu_s']:.2f} s instead of "
        f"{section['cpu_s']['front end'] + section['cpu_s']['network']:.2f} s."
    )
    decoders = [[name, f"{value:.2f}"] for name, value in section["decoders_cpu_s"].items()]
    told.append(table(["decoder", "CPU s an hour"], decoders))
    return "\n\n".join(told)


def transport(section: Figures) -> str:
    rows = []
    for name, value in section["transport_ms"].items():
        samples, unanswered, encoding, floor = name.split("/")
        given = [word.split("=")[-1] for word in (samples, unanswered, encoding, floor)]
        rows.append([given[0], given[1], given[2].removeprefix("PCM_ENCODING_"), given[3], f"{value:.0f}"])
    return table(["samples a chunk", "unanswered", "encoding", "score floor", "CPU ms an hour"], rows)


def lengths(section: Figures) -> str:
    rows = [[f"{hours} h", *seen(row), f"{row['cpu_s'] / int(hours):.2f}"] for hours, row in section["hours"].items()]
    return table(["", "wall s", "CPU s", "peak MB", "CPU s an hour"], rows)


def named(section: Figures) -> str:
    return table(["", "wall s", "CPU s", "peak MB"], [[name, *seen(row)] for name, row in section["medians"].items()])


def quiet(section: Figures) -> str:
    rows = [[name, *seen(row), str(section["laughs"][name])] for name, row in section["medians"].items()]
    told = table(["", "wall s", "CPU s", "peak MB", "laughs"], rows)
    wall, cpu = between(section["ratios"]["wall_s"]), between(section["ratios"]["cpu_s"])
    return f"{told}\n\nQuiet against busy: wall {wall}, CPU {cpu}."


def users(section: Figures) -> str:
    memory = section["users"]
    kept = max(user["after_bytes"] - user["before_bytes"] for user in memory) / MB
    grown = (memory[-1]["after_bytes"] - memory[0]["before_bytes"]) / MB
    seconds = sorted(section["seconds"])
    return (
        f"Twenty users with three minutes of sound each: peak {section['peak_pss_bytes'] / MB:.1f} MB; a user takes "
        f"{seconds[len(seconds) // 2]:.2f} s ({seconds[0]:.2f}-{seconds[-1]:.2f}); at most {kept:.1f} MB "
        f"are kept after a user, and {grown:.1f} MB after all twenty."
    )


def spawn(section: Figures) -> str:
    return (
        f"A further user with one second of sound costs {section['milliseconds']['median']:.0f} ms "
        f"({section['milliseconds']['least']:.0f}-{section['milliseconds']['most']:.0f}) all told, "
        f"{section['cpu_milliseconds']['median']:.0f} ms of them on a processor: "
        f"starting, checking and killing its model among them."
    )


def start(section: Figures) -> str:
    size = section["bytes"]
    return (
        f"`orchestrator` has {size['orchestrator'] / MB:.1f} MB, `inferd` {size['inferd'] / MB:.1f} MB. "
        f"`orchestrator version` takes {section['version']['median']:.0f} ms from start to end."
    )


def plugin(section: Figures) -> str:
    rounds = section["rounds"]

    def spread(name: str, form: str) -> list[str]:
        values = rounds[name]
        return [format(value, form) for value in (statistics.median(values), min(values), max(values))]

    return table(
        ["", "median", "least", "most"],
        [
            ["Python's YAMNet, an hour, wall s", *spread("bridged_s", ".2f")],
            ["its own loop without any bridge, wall s", *spread("loop_s", ".2f")],
            ["the one by the other, round by round", *spread("ratio", ".2f")],
            ["cold start, s", *spread("cold_start_s", ".2f")],
            ["the bridge alone, times real time on one core", *spread("bridge_times_real_time", ",.0f")],
        ],
    )


def limit(section: Figures) -> str:
    rows = []
    for size, row in section["groups"].items():
        rows.append([f"{size} MB", *([*seen(row), str(row["laughs"])] if row else ["did not end well", "", "", ""])])
    return table(["group", "wall s", "CPU s", "peak MB", f"laughs of {section['laughs']}"], rows)


def targets(results: Figures) -> str:
    rows = []
    for section in results.values():
        for target in section.get("targets", []):
            met = "yes" if target["met"] else "**no**"
            rows.append([target["what"], f"{target['value']:.3g} {target['unit']}", f"{target['limit']:g}", met])
    return table(["target", "measured", "at most", "met"], rows)


TABLES: dict[str, Callable[[Figures], str]] = {
    "hour": hour,
    "stages": stages,
    "lengths": lengths,
    "stores": named,
    "interpreters": named,
    "quiet": quiet,
    "users": users,
    "spawn": spawn,
    "start": start,
    "plugin": plugin,
    "limit": limit,
}


def written(results: Figures) -> dict[str, str]:
    """The tables by the names that the page gives them, of the sections that were measured."""
    made = {name: tell(results[name]) for name, tell in TABLES.items() if name in results}
    if "stages" in results:
        made["transport"] = transport(results["stages"])
    return {**made, "machine": machine(results), "targets": targets(results)}
