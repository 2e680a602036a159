"""What others see of the work, connected: metrics, traces, lineage events. See `sight`.

Each costs nothing where it is not asked for: its libraries are imported once it is.
"""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from lakewright import errors, settings
from lakewright.runs.journal import Reading
from lakewright.runs.progress import Progress
from lakewright.wiring.folder import environment_of, name_of
from lakewright.wiring.lakehouse import Lakehouse, open_lakehouse

if TYPE_CHECKING:
    from lakewright.sight.openlineage import Surroundings
    from lakewright.sight.sender import Sender

Trace: TypeAlias = Callable[[Progress, Reading], Progress]
"""Has the runs traced of which a progress is told, by what a journal says of them."""

_TRACED_BY = (
    "OTEL_TRACES_EXPORTER",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
)
"""Whoever sets one of these wants traces."""


@contextmanager
def serving_metrics(
    folder: Path | None, port: int, configured: settings.Settings | None = None
) -> Iterator[int]:
    """Answer Prometheus on this port of the loopback; 0: on any free one. Gives the port.

    Raises:
        UsageError: the port cannot be had.
        NotFound: there is no project.
    """
    from lakewright.sight import metrics, prometheus

    with open_lakehouse(folder, configured) as house:
        gauge = metrics.Gauge(house.journal, house.lake, lambda: datetime.now(UTC))
        with prometheus.serving(gauge.gather, port) as found:
            yield found


@contextmanager
def tracing(variables: Mapping[str, str] | None = None) -> Iterator[Trace]:
    """Trace runs as OpenTelemetry's standard variables say; they are this process's by default.

    Raises:
        UsageError: they want traces, and what makes them is not installed, or not known.
    """
    given = os.environ if variables is None else variables
    is_off = given.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if is_off or given.get("OTEL_TRACES_EXPORTER") == "none" or not any(map(given.get, _TRACED_BY)):
        yield lambda progress, _: progress
        return
    try:
        from lakewright.sight import traces
    except ImportError as cause:
        raise errors.UsageError(
            "OTEL_* variables ask for traces, and what makes them is not installed",
            why=str(cause),
            hint="install it with `pip install 'lakewright[otel]'`, or set OTEL_SDK_DISABLED=true",
        ) from cause
    with traces.opened(given) as tracer:
        yield lambda progress, reading: traces.Traced(tracer, reading, progress)


@contextmanager
def sending_lineage(
    folder: Path | None, configured: settings.Settings | None = None
) -> Iterator[None]:
    """Send lineage events for as long as the context lasts, if the project says where.

    Raises:
        UsageError: what it says is no place that we know.
        NotFound: there is no project.
    """
    with open_lakehouse(folder, configured) as house:
        sender = _sender(house)
        if sender is None:
            yield
            return
        stopping = threading.Event()
        thread = threading.Thread(target=sender.serve, args=(stopping,), name="lineage")
        thread.start()
        try:
            yield
        finally:
            stopping.set()
            thread.join()


@contextmanager
def lineage_after(house: Lakehouse) -> Iterator[None]:
    """Once what happens in the context is over, send what lineage events wait.

    Where a worker stays, they are left to it. A receiver that cannot be reached gets them from
    the next who sends.

    Raises:
        UsageError: the project says to send them where nothing can be sent.
    """
    sender = _sender(house)
    yield
    if sender is not None and not house.is_served():
        from lakewright.sight.sender import OutOfReach

        with suppress(OutOfReach, errors.LakewrightError):
            sender.send()


def _sender(house: Lakehouse) -> "Sender | None":
    environment = environment_of(house.folder, house.settings.environment)
    url = house.settings.openlineage_url or environment.lineage
    if not url:
        return None
    from lakewright.sight import sender

    target = sender.receiver(url, os.environ.get("OPENLINEAGE_API_KEY"))
    return sender.Sender(house.journal, target, lambda: _surroundings(house))


def _surroundings(house: Lakehouse) -> "Surroundings":
    """What is known of the tables; of a project that does not load, only what is there of them."""
    from lakewright.plan import lineage
    from lakewright.sight import openlineage

    schemas = {name: table.schema for name, table in house.lake.observe().items()}
    found = lineage.Lineage(tables={}, columns={})
    with suppress(errors.ProjectInvalid):
        found = lineage.lineage(house.project().models, house.source_schemas(house.project()))
    return openlineage.Surroundings(
        namespace=openlineage.namespace(name_of(house.folder), house.settings.environment),
        schemas=schemas,
        lineage=found,
    )
