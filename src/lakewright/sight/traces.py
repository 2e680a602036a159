"""A finished run as an OpenTelemetry trace. The only door to opentelemetry.

    run ──▶ one span for each attempt at a step ──▶ what the child process did of it
     ╰ link ▶ the acknowledgement of each upload: a trace of its own

Spans are made from the journal when the run has ended, so that they tell of every attempt, those of
owners that died included. Ids are made from the run's: a trace that is exported twice is the same.
"""

import hashlib
import logging
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from opentelemetry.context import Context
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
    SimpleSpanProcessor,
    SpanExporter,
)
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from lakewright import errors, version
from lakewright.runs import failure
from lakewright.runs.journal import Reading
from lakewright.runs.progress import Progress
from lakewright.runs.records import Attempt, Json, Run, Step, StepStatus, Upload

LINKS_MAX = 100
"""Uploads that one trace is linked with; OpenTelemetry keeps 128 links of a span."""

TIMEOUT_SECONDS = 2.0
"""How long a collector is tried to be reached, unless the standard variables say: a command ends
when its spans are gone, and nobody wants to wait for one that is down."""

_TIMEOUTS = ("OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT")

_Facts = Mapping[str, str | int | float | bool]


class Tracer:
    """Makes traces of runs. May be shared by threads."""

    def __init__(self, exporter: SpanExporter, *, is_immediate: bool = False) -> None:
        """`is_immediate`: spans are exported before the call returns that makes them."""
        self._ids = _Ids()
        named = Resource({"service.name": "lakewright", "service.version": version.VERSION})
        # OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME say more, or otherwise.
        resource = named.merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=resource, id_generator=self._ids)
        processor = SimpleSpanProcessor if is_immediate else BatchSpanProcessor
        self._provider.add_span_processor(processor(exporter))
        self._tracer = self._provider.get_tracer("lakewright", version.VERSION)
        self._lock = threading.Lock()

    def close(self) -> None:
        """Export what waits."""
        self._provider.shutdown()

    def trace(self, run: Run, reading: Reading) -> None:
        """Tell of the present round of a run that has ended."""
        steps = {step.name: step for step in reading.steps(run.run_id)}
        attempts = [each for each in reading.attempts(run.run_id) if each.round == run.round]
        uploads = [reading.upload(each) for each in run.request.upload_ids[:LINKS_MAX]]
        with self._lock:
            for upload in uploads if run.round == 1 else ():
                self._accepted(upload)
            root = self._run(run, attempts, uploads)
            for attempt in attempts:
                self._attempt(attempt, steps.get(attempt.step), run, root)

    def _span(self, one: "_Span") -> SpanContext:
        """Where the span stands, and whether it is sampled: what is below it is if it is."""
        context = Context()
        if one.parent is not None:
            context = set_span_in_context(NonRecordingSpan(one.parent), context)
        self._ids.following = (one.place.trace_id, one.place.span_id)
        span = self._tracer.start_span(
            one.name,
            context=context,
            kind=one.kind,
            attributes=one.facts,
            links=[Link(place) for place in one.links],
            start_time=_nanoseconds(one.began_at),
        )
        if one.error:
            span.set_status(Status(StatusCode.ERROR, one.error))
        span.end(_nanoseconds(one.ended_at))
        return span.get_span_context()

    def _accepted(self, upload: Upload) -> None:
        facts: _Facts = {
            "lakewright.upload": upload.upload_id,
            "lakewright.source": upload.source,
            "lakewright.file": upload.file_name,
            "lakewright.size_bytes": upload.size_bytes,
        }
        self._span(
            _Span(
                name=f"accept {upload.source}",
                place=_acceptance(upload),
                began_at=upload.accepted_at,
                ended_at=upload.accepted_at,
                facts=facts,
                kind=SpanKind.PRODUCER,
            )
        )

    def _run(self, run: Run, attempts: list[Attempt], uploads: list[Upload]) -> SpanContext:
        place = _place(run.token, run.token)
        first = min((each.started_at for each in attempts), default=run.queued_at)
        began_at = run.started_at or first if run.round == 1 else first
        facts: dict[str, str | int | float | bool] = {
            "lakewright.run": run.run_id,
            "lakewright.round": run.round,
            "lakewright.kind": run.request.kind.value,
            "lakewright.status": run.status.value,
            "lakewright.waited_seconds": (began_at - run.queued_at).total_seconds(),
            "lakewright.uploads": len(run.request.upload_ids),
            "lakewright.records": sum(upload.records or 0 for upload in uploads),
        }
        if run.request.source is not None:
            facts["lakewright.source"] = run.request.source
        error = None if run.error is None else failure.from_json(run.error)
        return self._span(
            _Span(
                name=f"{run.request.kind} {run.request.source or ''}".strip(),
                place=place,
                began_at=began_at,
                ended_at=run.finished_at or began_at,
                facts={**facts, **_error_facts(error)},
                error="" if error is None else error.what,
                links=tuple(_acceptance(upload) for upload in uploads),
                kind=SpanKind.CONSUMER,
            )
        )

    def _attempt(self, attempt: Attempt, step: Step | None, run: Run, root: SpanContext) -> None:
        place = _place(run.token, f"{attempt.step} {attempt.number}")
        ended_at = attempt.finished_at or run.finished_at or attempt.started_at
        error = None if attempt.error is None else failure.from_json(attempt.error)
        is_left = attempt.status is StepStatus.PENDING and error is None
        facts = {
            "lakewright.step": attempt.step,
            "lakewright.attempt": attempt.number,
            "lakewright.status": attempt.status.value,
            **_subject(attempt.step),
            **(_records(step) if attempt.status is StepStatus.SUCCEEDED else {}),
            **_error_facts(error),
        }
        left = "its process died" if is_left else ""
        above = self._span(
            _Span(
                name=attempt.step.partition(":")[0],
                place=place,
                parent=root,
                began_at=attempt.started_at,
                ended_at=ended_at,
                facts=facts,
                error=left if error is None else error.what,
            )
        )
        if attempt.spent is not None:
            took = timedelta(milliseconds=attempt.spent.milliseconds)
            self._span(
                _Span(
                    name="child process",
                    place=_place(run.token, f"{attempt.step} {attempt.number} child"),
                    parent=above,
                    # It answers when it is done: what went before was the way to it.
                    began_at=max(ended_at - took, attempt.started_at),
                    ended_at=ended_at,
                    facts={"lakewright.cpu_seconds": attempt.spent.cpu_milliseconds / 1000},
                )
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Span:
    """One span, before OpenTelemetry has it."""

    name: str
    place: SpanContext
    parent: SpanContext | None = None
    began_at: datetime
    ended_at: datetime
    facts: _Facts
    error: str = ""
    links: tuple[SpanContext, ...] = ()
    kind: SpanKind = SpanKind.INTERNAL


class _Ids(RandomIdGenerator):
    """Gives the ids that were made for the following span."""

    def __init__(self) -> None:
        self.following = (0, 0)

    def generate_trace_id(self) -> int:
        return self.following[0]

    def generate_span_id(self) -> int:
        return self.following[1]


def _place(trace: str, span: str) -> SpanContext:
    return SpanContext(
        trace_id=_number(f"lakewright {trace}", 16),
        span_id=_number(f"lakewright {trace} {span}", 8),
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )


def _acceptance(upload: Upload) -> SpanContext:
    return _place(f"{upload.upload_id} {upload.accepted_at.isoformat()}", "accept")


def _number(text: str, size_bytes: int) -> int:
    """A number other than 0, which is no id."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:size_bytes], "big") or 1


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 10**9 + moment.microsecond * 1000


def _error_facts(error: errors.LakewrightError | None) -> _Facts:
    return {} if error is None else {"error.type": error.code}


def _subject(step: str) -> _Facts:
    kind, _, subject = step.partition(":")
    match kind:
        case "land":
            return {"lakewright.upload": subject.partition(".")[0]}
        case "bronze":
            return {"lakewright.table": f"bronze.{subject}"}
        case _:
            return {"lakewright.table": subject} if subject else {}


def _records(step: Step | None) -> _Facts:
    """How many records a step read, or put into a table and into quarantine."""
    result = step.result if step is not None else None
    facts = cast("Mapping[str, Json]", result if isinstance(result, Mapping) else {})
    if "records" in facts:
        return {"lakewright.records": cast("int", facts["records"])}
    uploads = facts.get("uploads")
    if not isinstance(uploads, list):
        return {}
    counts = cast("list[Mapping[str, int | None]]", uploads)
    return {
        f"lakewright.{name}": sum(each.get(name) or 0 for each in counts)
        for name in ("records", "rows", "quarantined")
    }


class Traced:
    """Implements `runs.progress.Progress`: tells another, and traces every run that ends."""

    def __init__(self, tracer: Tracer, reading: Reading, told: Progress) -> None:
        self._tracer = tracer
        self._reading = reading
        self._told = told
        self.run_started = told.run_started
        self.step_started = told.step_started
        self.step_progressed = told.step_progressed
        self.step_ended = told.step_ended

    def run_ended(self, run: Run) -> None:
        """See `runs.progress.Progress`."""
        self._told.run_ended(run)
        # The run has ended well without its trace.
        with suppress(errors.LakewrightError):
            self._tracer.trace(run, self._reading)


@contextmanager
def opened(variables: Mapping[str, str]) -> Iterator[Tracer]:
    """What makes traces, as the standard variables say.

    Raises:
        UsageError: they ask for an exporter that we do not have.
    """
    tracer = Tracer(_exporter(variables))
    try:
        yield tracer
    finally:
        tracer.close()


def _exporter(variables: Mapping[str, str]) -> SpanExporter:
    name = variables.get("OTEL_TRACES_EXPORTER", "otlp")
    if name == "console":
        return ConsoleSpanExporter(out=sys.stderr)
    if name != "otlp":
        raise errors.UsageError(
            f"traces cannot be exported to {name!r}",
            why="OTEL_TRACES_EXPORTER knows otlp, console and none here",
            hint="set it to one of these, or unset it",
        )
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    # It tells of each try; that all have failed is enough.
    logging.getLogger("opentelemetry.exporter.otlp").setLevel(logging.ERROR)
    is_said = any(variables.get(name) for name in _TIMEOUTS)
    return OTLPSpanExporter(timeout=None if is_said else TIMEOUT_SECONDS)
