"""What the one who waits for a run may be told while it goes on."""

from typing import Protocol

from lakewright.runs.records import Json, Run, StepStatus


class Progress(Protocol):
    """Told by the worker, on its thread; what it raises breaks the run off."""

    def run_started(self, run: Run) -> None:
        """A run was claimed; it may have begun before, under another owner."""

    def step_started(self, run: Run, step: str, total: int | None) -> None:
        """An attempt begins. `total`: how many records there are to load, if known."""

    def step_progressed(self, run: Run, step: str, done: int) -> None:
        """So many units are done: bytes of the upload that is landed, or records of a table."""

    def step_ended(self, run: Run, step: str, status: StepStatus, error: Json) -> None:
        """An attempt ended; `pending` means that another one follows."""

    def run_ended(self, run: Run) -> None:
        """A run has finished."""


class Silent:
    """Tells nobody."""

    def run_started(self, run: Run) -> None:
        """See `Progress`."""

    def step_started(self, run: Run, step: str, total: int | None) -> None:
        """See `Progress`."""

    def step_progressed(self, run: Run, step: str, done: int) -> None:
        """See `Progress`."""

    def step_ended(self, run: Run, step: str, status: StepStatus, error: Json) -> None:
        """See `Progress`."""

    def run_ended(self, run: Run) -> None:
        """See `Progress`."""
