"""Writes docs/reference/metrics.md from the metrics that the code knows; see reference.py."""

from lakewright.sight import metrics, tally

_INTRODUCTION = """\
`lakewright worker --metrics-port 9100` answers Prometheus at `http://127.0.0.1:9100/metrics`, on
the loopback alone: what sources and tables are called is not for everybody. Put a server with
authentication in front to let others ask.

**Counters and the histogram** are counted from the journal's events, and what was counted is kept
in the journal: a restart resets nothing, and files loaded by a command, or by another worker,
count too. They begin with the oldest event that the journal held when metrics were first asked
for. Every worker of a project tells the same numbers: scrape one of them, or take `max`, not
`sum`, of several. `lakewright events unsubscribe lakewright-metrics` forgets them, and lets `runs
prune` delete events that nobody has counted.

**Gauges** say how things stand at the moment of asking, for the whole project;
`lakewright_build_info` is the worker's own. `process_*` and `python_*` are this process's alone,
and begin anew with it; the child processes that do the heavy work are not in them.
"""


NOTE = (
    "<!-- Written by tools/reference.py: change the code, then run `python tools/reference.py`. -->"
)


def page() -> str:
    """The whole page."""
    lines = [
        f"| `{each.name}` | {each.kind} | {' '.join(f'`{label}`' for label in each.labels)} |"
        f" {each.help} |"
        for each in metrics.METRICS
    ]
    bounds = ", ".join(f"{bound:g}" for bound in tally.GOLD_SECONDS)
    parts = [
        "# Metrics",
        NOTE,
        _INTRODUCTION,
        "\n".join(["| metric | kind | labels | meaning |", "| --- | --- | --- | --- |", *lines]),
        f"The histogram's bounds in seconds: {bounds}.",
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"
