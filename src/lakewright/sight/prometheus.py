"""Answer Prometheus. The only door to prometheus_client."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    start_http_server,
)
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.registry import Collector

from lakewright import errors
from lakewright.sight.metrics import Gathered, Histogram, Kind

HOST = "127.0.0.1"
"""What tables are called is not for everybody on the network: who wants it there puts a server with
authentication in front."""


@contextmanager
def serving(gather: Callable[[], Gathered], port: int) -> Iterator[int]:
    """Answer on this port of the loopback for as long as the context lasts; 0: on any free one.

    Gives the port.

    Raises:
        UsageError: the port is taken, or is not ours to take.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(gather))
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    try:
        server, thread = start_http_server(port, addr=HOST, registry=registry)
    except (OSError, OverflowError) as cause:
        raise errors.UsageError(
            f"metrics cannot be told on port {port}",
            why=str(cause),
            hint="name a free port between 1024 and 65535 with --metrics-port",
        ) from cause
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Collector(Collector):
    """What was gathered, in prometheus_client's words."""

    def __init__(self, gather: Callable[[], Gathered]) -> None:
        self._gather = gather

    def collect(
        self,
    ) -> Iterator[CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily]:
        for metric, found in self._gather().items():
            if isinstance(found, Histogram):
                histogram = HistogramMetricFamily(metric.name, metric.help)
                histogram.add_metric([], list(found.buckets), found.total)
                yield histogram
                continue
            is_counter = metric.kind is Kind.COUNTER
            family = CounterMetricFamily if is_counter else GaugeMetricFamily
            told = family(metric.name, metric.help, labels=metric.labels)
            for sample in found:
                told.add_metric(sample.labels, sample.value)
            yield told
