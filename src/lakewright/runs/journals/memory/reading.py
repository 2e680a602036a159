"""What anybody may ask of the journal in memory. See `journal.Reading`."""

from collections.abc import Sequence

from lakewright.runs import rules
from lakewright.runs.journals.memory.state import State
from lakewright.runs.outbox import Event
from lakewright.runs.records import (
    Attempt,
    Run,
    RunStatus,
    RunUpload,
    Step,
    Upload,
    UploadStatus,
)


class Reading:
    """See `journal.Reading`."""

    def __init__(self, state: State) -> None:
        self._state = state

    def upload(self, upload_id: str) -> Upload:
        if upload_id not in self._state.uploads:
            raise rules.missing_upload(upload_id)
        return self._state.uploads[upload_id]

    def uploads(
        self,
        *,
        source: str | None = None,
        statuses: Sequence[UploadStatus] = (),
        limit: int | None = None,
    ) -> tuple[Upload, ...]:
        with self._state.lock:
            found = [
                upload
                for upload in reversed(self._state.uploads.values())
                if (source is None or upload.source == source)
                and (not statuses or upload.status in statuses)
            ]
        return tuple(found[:limit])

    def run(self, run_id: str) -> Run:
        with self._state.lock:
            return self._state.find_run(run_id)

    def runs(
        self, *, statuses: Sequence[RunStatus] = (), limit: int | None = None
    ) -> tuple[Run, ...]:
        with self._state.lock:
            found = [
                self._state.find_run(run.run_id)
                for run in reversed(self._state.runs.values())
                if not statuses or run.status in statuses
            ]
        return tuple(found[:limit])

    def run_uploads(self, run_id: str) -> tuple[RunUpload, ...]:
        with self._state.lock:
            return tuple(self._state.run_uploads.get(run_id, {}).values())

    def steps(self, run_id: str) -> tuple[Step, ...]:
        with self._state.lock:
            return self._state.steps_of(self._state.find_run(run_id))

    def attempts(self, run_id: str) -> tuple[Attempt, ...]:
        with self._state.lock:
            return tuple(found for found in self._state.attempts if found.run_id == run_id)

    def events(self, *, after: int = 0, limit: int = 1000) -> tuple[Event, ...]:
        with self._state.lock:
            found = [event for event in self._state.events.values() if event.sequence > after]
        return tuple(found[:limit])
