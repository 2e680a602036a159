"""Every metric of Lakewright, and where its value comes from.

Names follow Prometheus' conventions. What can be counted is counted from the journal's events, so
that it means the same in every worker; the rest is how things stand at the moment of asking.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import accumulate

from lakewright import errors, version
from lakewright.lake import upkeep
from lakewright.lake.tables import HistoryEntry, Lake
from lakewright.runs.journal import Journal
from lakewright.runs.records import RunStatus
from lakewright.sight import tally

_PREFIX = "lakewright_"


class Kind(StrEnum):
    """How a metric behaves."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """One metric."""

    name: str
    """As it is asked for; a counter ends with `_total`."""
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """What one metric says, for one set of labels."""

    labels: tuple[str, ...]
    value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Histogram:
    """How many values are at most so large, for rising bounds; their number and their sum."""

    buckets: tuple[tuple[str, int], ...]
    total: float


def _counter(name: str, text: str, *labels: str) -> Metric:
    return Metric(name=f"{_PREFIX}{name}_total", kind=Kind.COUNTER, help=text, labels=labels)


def _gauge(name: str, text: str, *labels: str) -> Metric:
    return Metric(name=f"{_PREFIX}{name}", kind=Kind.GAUGE, help=text, labels=labels)


_COUNTED: Mapping[str, Metric] = {
    "uploads_accepted": _counter("uploads_accepted", "Files that were acknowledged.", "source"),
    "uploads_finished": _counter(
        "uploads_finished",
        "Outcomes of files: `loaded`, `suspect`, `failed` or `removed`.",
        "source",
        "status",
    ),
    "runs": _counter(
        "runs_finished", "Runs that ended, `succeeded` or `failed`.", "kind", "status"
    ),
    "step_attempts": _counter(
        "step_attempts",
        "Attempts at steps, by kind and outcome; `interrupted` and `conflict` are tried again.",
        "step",
        "status",
    ),
    "records": _counter("records_received", "Records in files that were loaded.", "source"),
    "rows": _counter("records_loaded", "Of these, records that became rows of bronze.", "source"),
    "quarantined": _counter("records_quarantined", "Of these, records in quarantine.", "source"),
    "commit_conflicts": _counter(
        "commit_conflicts", "Publishes and steps that met a table which others had changed."
    ),
}

GOLD = Metric(
    name=f"{_PREFIX}upload_to_gold_seconds",
    kind=Kind.HISTOGRAM,
    help="From a file's acknowledgement to the commit of all tables made from it.",
)

_UP = _gauge("journal_up", "1 if the journal and the lake could be read for this answer, else 0.")
_BUILD = _gauge("build_info", "1; its label tells the version of this worker.", "version")
_QUEUED = _gauge("runs_queued", "Runs that wait.")
_RUNNING = _gauge("runs_running", "Runs that are being carried out, by any worker or command.")
_OLDEST = _gauge("oldest_queued_run_age_seconds", "How long the first run waits; 0: none does.")
_PAUSED = _gauge("sources_paused", "Sources whose runs wait until somebody resumes them.")
_ROWS = _gauge("table_rows", "Rows of the table.", "table")
_FILES = _gauge("table_files", "Data files of the table.", "table")
_SMALL = _gauge(
    "table_small_files", f"Data files of fewer than {upkeep.SMALL_ROWS:,} rows.", "table"
)
_BYTES = _gauge("table_size_bytes", "Size of the table's data files.", "table")
_SNAPSHOTS = _gauge("table_snapshots", "Snapshots that the table keeps.", "table")
_FRESH = _gauge(
    "table_updated_timestamp_seconds",
    "When the table's rows last changed, in seconds since 1970; `time() - ..` is its age.",
    "table",
)

METRICS: tuple[Metric, ...] = (
    *_COUNTED.values(),
    GOLD,
    _QUEUED,
    _RUNNING,
    _OLDEST,
    _PAUSED,
    _ROWS,
    _FILES,
    _SMALL,
    _BYTES,
    _SNAPSHOTS,
    _FRESH,
    _UP,
    _BUILD,
)
"""Every metric, in the order in which they are told."""

Gathered = Mapping[Metric, Sequence[Sample] | Histogram]


class Gauge:
    """Looks at a journal and a lake, and says what every metric is now."""

    def __init__(self, journal: Journal, lake: Lake, clock: Callable[[], datetime]) -> None:
        self._journal = journal
        self._lake = lake
        self._clock = clock
        self._small: dict[str, tuple[int, int]] = {}
        """For each table, the snapshot that was looked at and its small files."""

    def gather(self) -> Gathered:
        """Every metric; those alone that need neither if the journal or the lake is not there."""
        build = {_BUILD: [Sample(labels=(version.VERSION,), value=1)]}
        try:
            found = {**self._counted(), **self._queue(), **self._tables()}
        except errors.LakewrightError:
            return {_UP: [Sample(labels=(), value=0)], **build}
        return {**found, _UP: [Sample(labels=(), value=1)], **build}

    def _counted(self) -> Gathered:
        counts = tally.catch_up(self._journal.outbox, self._journal.reading, self._clock())
        found: dict[Metric, Sequence[Sample] | Histogram] = {
            metric: [Sample(labels=labels, value=value) for labels, value in counts.of(name)]
            for name, metric in _COUNTED.items()
        }
        if not found[_COUNTED["commit_conflicts"]]:
            found[_COUNTED["commit_conflicts"]] = [Sample(labels=(), value=0)]
        found[GOLD] = _histogram(counts)
        return found

    def _queue(self) -> Gathered:
        now = self._clock()
        runs = self._journal.reading.runs(statuses=(RunStatus.QUEUED, RunStatus.RUNNING))
        queued = [run for run in runs if run.status is RunStatus.QUEUED]
        ages = [(now - run.queued_at).total_seconds() for run in queued]
        numbers = {
            _QUEUED: len(queued),
            _RUNNING: len(runs) - len(queued),
            _OLDEST: max([0.0, *ages]),
            _PAUSED: len(self._journal.control.pauses()),
        }
        return {name: [Sample(labels=(), value=value)] for name, value in numbers.items()}

    def _tables(self) -> Gathered:
        found: dict[Metric, list[Sample]] = {}
        for table in self._lake.tables():
            history = self._lake.history(table)
            for metric, value in self._table(table, history):
                found.setdefault(metric, []).append(Sample(labels=(table,), value=value))
        return found

    def _table(self, table: str, history: Sequence[HistoryEntry]) -> Iterator[tuple[Metric, float]]:
        yield _SNAPSHOTS, len(history)
        line = [entry for entry in history if entry.is_ancestor]
        changed = next((each for each in line if each.operation != "replace"), None)
        if changed is not None:
            yield _FRESH, changed.made_at.timestamp()
        current = next((entry for entry in history if entry.is_current), None)
        if current is None:
            return
        for metric, value in (
            (_ROWS, current.rows),
            (_FILES, current.files),
            (_BYTES, current.size_bytes),
        ):
            if value is not None:
                yield metric, value
        yield _SMALL, self._small_files(table, current.snapshot_id)

    def _small_files(self, table: str, snapshot_id: int) -> int:
        """Listing files costs more than all the rest, so it is done once for each snapshot."""
        known = self._small.get(table)
        if known is None or known[0] != snapshot_id:
            files = self._lake.file_set(table, snapshot_id).files
            small = sum(file.rows < upkeep.SMALL_ROWS for file in files)
            known = self._small[table] = (snapshot_id, small)
        return known[1]


def _histogram(counts: tally.Tally) -> Histogram:
    found = {labels[0]: count for labels, count in counts.of("gold_seconds")}
    bounds = [*(f"{bound:g}" for bound in tally.GOLD_SECONDS), "+Inf"]
    summed = accumulate(found.get(bound, 0) for bound in bounds)
    total = sum(count for _, count in counts.of("gold_milliseconds")) / 1000
    return Histogram(buckets=tuple(zip(bounds, summed, strict=True)), total=total)
