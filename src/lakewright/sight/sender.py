"""Send OpenLineage events to a file or an HTTP endpoint: each at least once, never in a run's way.

A subscriber to the journal's events, with its own position: what could not be sent stays behind the
position and is sent again, by whoever comes next. A receiver that refuses an event as such gets
the next one; else one bad event would keep all others for ever.

    waiting ──sent──▶ acknowledged
       ▲   ╲ refused (4xx) ──▶ acknowledged, and said in the log
       ╰─ out of reach: after a pause that doubles, up to a minute
"""

import json
import logging
import os
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Protocol, cast
from urllib.parse import urlsplit, urlunsplit

from lakewright import errors
from lakewright.runs import failure
from lakewright.runs.journal import Journal
from lakewright.runs.outbox import Event
from lakewright.runs.records import Json, Run, RunStatus
from lakewright.sight import openlineage

SUBSCRIBER = "lakewright-openlineage"

TIMEOUT_SECONDS = 5.0
"""For one event; a receiver that takes longer is taken for one that is out of reach."""

PAUSE_SECONDS_MAX = 60.0

LOOK_SECONDS = 1.0
"""How often the journal is looked at for new events."""

_PATH = "/api/v1/lineage"
"""Where receivers listen, by OpenLineage's own clients."""

_PASSING = frozenset({401, 403, 404, 408, 425, 429})
"""Refusals that are not about the event: they end when somebody mends the receiver."""

_log = logging.getLogger(__name__)


class OutOfReach(Exception):
    """The receiver took nothing; it may later."""


class Refused(Exception):
    """The receiver does not want this event."""


class Receiver(Protocol):
    """Where events go."""

    def send(self, event: Mapping[str, Json]) -> None:
        """Hand an event over.

        Raises:
            OutOfReach: it may be taken later.
            Refused: it never will.
        """


class FileReceiver:
    """A file that gets a line for each event."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, event: Mapping[str, Json]) -> None:
        """Append a line, on disk when this returns."""
        line = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise OutOfReach(str(error)) from error


class HttpReceiver:
    """An endpoint that takes one event with each POST."""

    def __init__(self, url: str, key: str | None = None) -> None:
        """`key` is sent as a bearer token."""
        parts = urlsplit(url)
        path = parts.path if parts.path not in ("", "/") else _PATH
        self._url = urlunsplit(parts._replace(path=path))
        self._headers = {"Content-Type": "application/json"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._opener = urllib.request.build_opener(_Straight)

    def send(self, event: Mapping[str, Json]) -> None:
        """Post an event."""
        body = json.dumps(event).encode()
        request = urllib.request.Request(self._url, body, self._headers, method="POST")  # noqa: S310 - the scheme was checked
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS):
                return
        except urllib.error.HTTPError as error:
            with error:
                if 400 <= error.code < 500 and error.code not in _PASSING:
                    raise Refused(f"{error.code} {error.reason}") from error
                raise OutOfReach(f"{error.code} {error.reason}") from error
        except (OSError, ValueError) as error:
            raise OutOfReach(str(error)) from error


class _Straight(urllib.request.HTTPRedirectHandler):
    """Goes nowhere else: a redirected POST would become a GET, and the event would be lost."""

    def redirect_request(self, *_: object) -> None:
        return None


def receiver(url: str, key: str | None = None) -> Receiver:
    """Where this URL leads.

    Raises:
        UsageError: it leads nowhere that we know.
    """
    parts = urlsplit(url)
    if parts.scheme in ("http", "https") and parts.hostname:
        return HttpReceiver(url, key)
    if parts.scheme == "file" and parts.path and not parts.netloc:
        return FileReceiver(Path(parts.path))
    raise errors.UsageError(
        "lineage events cannot be sent to where `lineage` says",
        why="it is no URL of a file or an HTTP endpoint",
        hint="write file:///PATH.jsonl, http://HOST:PORT or https://HOST",
    )


class Sender:
    """Sends what has happened and was not sent."""

    def __init__(
        self, journal: Journal, target: Receiver, around: Callable[[], openlineage.Surroundings]
    ) -> None:
        """`around` tells of the tables as they are now; it may fail as a project may be broken."""
        self._journal = journal
        self._target = target
        self._around = around
        self._begun: set[str] = set()
        """The rounds of runs whose start was told while they went on."""
        journal.outbox.subscribe(SUBSCRIBER, datetime.now(UTC), is_from_now=True)

    def send(self) -> int:
        """Send all that waits; how many events of the journal that was.

        Raises:
            OutOfReach: the receiver takes nothing now.
            LakewrightError: the journal or the project cannot be read.
        """
        count = 0
        around = cache(self._around)
        while events := self._journal.outbox.read(SUBSCRIBER):
            for event in events:
                if event.kind == "run-finished":
                    self._tell(event, around)
                self._journal.outbox.acknowledge(SUBSCRIBER, event.sequence)
                count += 1
        return count

    def send_starts(self) -> None:
        """Tell of runs that have begun and go on: soon, though it is told again with their end.

        Raises:
            OutOfReach: the receiver takes nothing now.
            LakewrightError: the journal or the project cannot be read.
        """
        for run in self._journal.reading.runs(statuses=(RunStatus.RUNNING,)):
            began = _began(self._journal, run, run.round)
            if run.token not in self._begun and began is not None:
                self._hand_over(openlineage.started(run, self._around(), began))
                self._begun.add(run.token)

    def serve(self, stopping: threading.Event) -> None:
        """Send until told to stop, whatever fails meanwhile."""
        troubles = 0
        while not stopping.is_set():
            try:
                self.send_starts()
                self.send()
                troubles = 0
            except (OutOfReach, errors.LakewrightError) as error:
                troubles += 1
                if troubles == 1:
                    facts = {"why": str(error)}
                    _log.warning("lineage events wait: the receiver cannot be reached", extra=facts)
            pause_seconds = min(LOOK_SECONDS * 2.0 ** min(troubles, 10), PAUSE_SECONDS_MAX)
            stopping.wait(pause_seconds if troubles else LOOK_SECONDS)
        if not troubles:
            with suppress(OutOfReach, errors.LakewrightError):
                self.send()

    def _tell(self, event: Event, around: Callable[[], openlineage.Surroundings]) -> None:
        try:
            story = self._story(event)
        except errors.NotFound as gone:
            _log.warning("a run was forgotten before its lineage was sent: %s", gone)
            return
        for told in openlineage.events(story, around()):
            self._hand_over(told)

    def _hand_over(self, event: Mapping[str, Json]) -> None:
        try:
            self._target.send(event)
        except Refused as refusal:
            run = cast("Mapping[str, Json]", event["run"])
            facts = {"lineage_run": run["runId"], "why": str(refusal)}
            _log.warning("a lineage event was refused, and is not sent again", extra=facts)

    def _story(self, event: Event) -> openlineage.Story:
        facts = cast("Mapping[str, Json]", event.payload)
        run = self._journal.reading.run(str(facts["run_id"]))
        number = cast("int", facts["round"])
        statuses = cast("Mapping[str, str]", facts["uploads"])
        loaded = [name for name, status in statuses.items() if status in ("loaded", "suspect")]
        tables = cast("Mapping[str, Json]", facts.get("tables", {}))
        message = ""
        if run.error is not None and run.round == number:
            message = failure.from_json(run.error).what
        return openlineage.Story(
            run=run,
            round=number,
            status=RunStatus(str(facts["status"])),
            started_at=_began(self._journal, run, number) or event.at,
            ended_at=event.at,
            uploads=tuple(self._journal.reading.upload(each) for each in loaded),
            tables=tables,
            message=message or "the run failed",
        )


def _began(journal: Journal, run: Run, number: int) -> datetime | None:
    """When a round of a run began; a later one does with its first attempt at a step."""
    if number == 1:
        return run.started_at
    attempts = journal.reading.attempts(run.run_id)
    return min((each.started_at for each in attempts if each.round == number), default=None)
