"""`lakewright worker`: stay, and carry out whatever is queued."""

import json
import logging
import signal
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from types import FrameType
from typing import Annotated

from cyclopts import Parameter

from lakewright import settings, wiring
from lakewright.cli import output
from lakewright.cli.app import Common
from lakewright.runs.records import Json, Run, RunStatus, StepStatus
from lakewright.runs.workers.resident import Resident

_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "taskName"}
"""What every log record has; the rest are fields that whoever logged has given."""


class _Lines(logging.Formatter):
    """One line a record: for people, or, as JSON, for machines."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        fields = {name: value for name, value in vars(record).items() if name not in _PLAIN}
        if record.threadName != "MainThread":
            fields = {"thread": record.threadName, **fields}
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        trace = self.formatException(record.exc_info) if record.exc_info else ""
        if self._as_json:
            found = {"at": at, "level": record.levelname.lower(), "message": record.getMessage()}
            traced = {"trace": trace} if trace else {}
            return json.dumps({**found, **fields, **traced}, ensure_ascii=False, default=str)
        told = " ".join(f"{name}={value}" for name, value in fields.items())
        text = f"{at} {record.levelname.lower():7} {record.getMessage()} {told}".rstrip()
        return "\n".join(output.printable(line) for line in [text, *trace.splitlines()])


class _Logged:
    """Implements `runs.progress.Progress`: what lanes do, as log records."""

    def __init__(self) -> None:
        self._log = logging.getLogger("lakewright.worker")

    def run_started(self, run: Run) -> None:
        """See `runs.progress.Progress`."""
        self._log.info("run started", extra=_facts(run))

    def step_started(self, run: Run, step: str, total: int | None) -> None:
        """See `runs.progress.Progress`."""
        self._log.debug("step started", extra={**_facts(run), "step": step, "total": total})

    def step_progressed(self, run: Run, step: str, done: int) -> None:
        """See `runs.progress.Progress`."""

    def step_ended(self, run: Run, step: str, status: StepStatus, error: Json) -> None:
        """See `runs.progress.Progress`."""
        level = logging.DEBUG if status is StepStatus.SUCCEEDED else logging.WARNING
        facts = {**_facts(run), "step": step, "status": status.value, "error": error}
        self._log.log(level, "step ended", extra=facts)

    def run_ended(self, run: Run) -> None:
        """See `runs.progress.Progress`."""
        level = logging.INFO if run.status is RunStatus.SUCCEEDED else logging.ERROR
        facts = {**_facts(run), "status": run.status.value, "error": run.error}
        self._log.log(level, "run ended", extra=facts)


def _facts(run: Run) -> dict[str, Json]:
    return {"run": run.run_id, "kind": run.request.kind.value, "source": run.request.source}


def worker(
    *,
    lanes: Annotated[int | None, Parameter(show_default=False)] = None,
    metrics_port: Annotated[int | None, Parameter(show_default=False)] = None,
    verbose: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    common: Common = Common(),
) -> int:
    """Stay, and carry out whatever is queued, until Ctrl-C or SIGTERM; commands leave it the work.

    Several workers may serve one project; when one dies, the others take over what it had begun.

    Parameters
    ----------
    lanes
        How many runs go on side by side, on different tables. By default one for each core.
    metrics_port
        Answer Prometheus on this port of the loopback; 0: on any free one, which is told.
    verbose
        Tell of every step too.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines(as_json=common.json))
    logger = logging.getLogger("lakewright")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG if verbose else logging.INFO)
    configured = settings.read()
    with ExitStack() as around:
        around.callback(logger.removeHandler, handler)
        trace = around.enter_context(wiring.tracing())
        resident = wiring.open_resident(
            common.project, _Logged(), configured, lanes=lanes, trace=trace
        )
        around.enter_context(wiring.sending_lineage(common.project, configured))
        if metrics_port is not None:
            metrics = wiring.serving_metrics(common.project, metrics_port, configured)
            logger.info("metrics ready", extra={"port": around.enter_context(metrics)})
        _serve(resident, configured.worker_grace_seconds)
    return 0


def _serve(resident: Resident, grace_seconds: float) -> None:
    """Work until a signal, and longer for as long as the grace lasts."""
    logger = logging.getLogger("lakewright")
    asked = 0

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        nonlocal asked
        asked += 1
        # Whoever asks twice is in a hurry.
        left_seconds = grace_seconds if asked == 1 else 0
        name = signal.Signals(number).name
        logger.info("stopping", extra={"signal": name, "grace_seconds": left_seconds})
        resident.stop(left_seconds)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        resident.serve()
        logger.info("stopped")
    finally:
        for number, handled in before.items():
            signal.signal(number, handled)
