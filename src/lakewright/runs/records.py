"""The values of the journal: uploads, runs, steps and attempts, and what is said of them.

An upload, known by (source, sha256):

    accept ──▶ accepted ──published──▶ loaded | suspect ──removed by a run──▶ removed
                 ▲    ╲                   │      ▲                               │
                 │     ╲ refused          │      └── again: replaced, or, if the │
                 │      ▼                 │          new attempt fails, as it was│
                 └── failed               └── the same bytes: already loaded     │
                 └───────────────────── delivered again ─────────────────────────┘

A run, in rounds (a retry after a partial publish starts the next round):

    queued ──claim──▶ running ──finish──▶ succeeded | failed ──retry──▶ queued
      ▲                │    ╲
      └── lock refused ┘     ╲── its owner dies: claimed by a survivor, with a higher fence

A step, by its name within the round:

    pending ──start──▶ running ──end──▶ succeeded | failed | skipped
       ▲                  │
       └── interrupted ───┘   (each start is an attempt, kept with its error)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from lakewright.plan import codec
from lakewright.project import source

Json: TypeAlias = codec.Json
"""What JSON can say. Integers beyond 2^53 and decimals cross as text."""

FormatOverride: TypeAlias = source.FormatOverride


class UploadStatus(StrEnum):
    """Where an upload stands; the state machine is drawn above."""

    ACCEPTED = "accepted"
    LOADED = "loaded"
    SUSPECT = "suspect"
    """Loaded, but the file may have been misread: never shown as plain success."""
    FAILED = "failed"
    REMOVED = "removed"

    @property
    def is_in_bronze(self) -> bool:
        """Whether the upload's records are in its bronze table."""
        return self in (UploadStatus.LOADED, UploadStatus.SUSPECT)


class RunStatus(StrEnum):
    """Where a run stands; the state machine is drawn above."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """Something failed. What passed and depends on nothing that failed may be published."""

    @property
    def is_finished(self) -> bool:
        """Whether nothing more happens unless somebody retries it."""
        return self in (RunStatus.SUCCEEDED, RunStatus.FAILED)


class StepStatus(StrEnum):
    """Where a step or one attempt at it stands; the state machine is drawn above."""

    PENDING = "pending"
    """Of an attempt: it was interrupted, and the step waits for the next one."""
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"

    @property
    def is_finished(self) -> bool:
        """Whether the step has come to its end."""
        return self in (StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.SKIPPED)


class Priority(StrEnum):
    """Of runs that could begin, those of a higher priority do first."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """How it compares; 0: normal."""
        return _RANKS[self]

    @classmethod
    def of_rank(cls, rank: int) -> "Priority":
        """The priority of a rank."""
        return next(priority for priority, found in _RANKS.items() if found == rank)


_RANKS = {Priority.LOW: -1, Priority.NORMAL: 0, Priority.HIGH: 1}


class RequestKind(StrEnum):
    """What a run is for."""

    UPLOAD = "upload"
    MODELS = "models"
    """Payload: `models` (names; empty: all) and `is_full`."""
    REMOVE = "remove"
    """Take the run's uploads out of their source's tables."""
    REPLAY = "replay"
    """Read the run's uploads again and replace their rows."""
    REBUILD = "rebuild"
    """Make the source's bronze table again from every raw upload that it holds."""
    ROLLBACK = "rollback"
    """Payload: `table`, `snapshot_id` and `is_alone` (what depends on the table stays as it is)."""
    UPKEEP = "upkeep"
    """Compact and tidy tables. Payload: `tables` and `is_quick` (it takes about a second)."""
    FETCH = "fetch"
    """Payload: `location`. Upload the files there that are new; the run's `source` has them."""


class Answer(StrEnum):
    """What accepting a delivery came to."""

    QUEUED = "queued"
    """The upload is new, failed before, or is to be loaded again: a run will load it."""
    PENDING = "pending"
    """The same bytes are already waiting in, or being loaded by, an unfinished run."""
    ALREADY_LOADED = "already_loaded"


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One file as it was received: its bytes are in the raw store and synced."""

    source: str
    sha256: str
    file_name: str
    size_bytes: int
    media_type: str | None = None
    delivered_by: str = ""
    is_again: bool = False
    """Whether the file is to be loaded, replacing its rows, even if it is loaded."""
    priority: Priority = Priority.NORMAL
    """A run that loads several files has the highest of theirs."""
    format: FormatOverride | None = None
    """None: nothing is said now, so what holds for a loaded file goes on to hold."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """One delivered content of one source."""

    upload_id: str
    source: str
    sha256: str
    file_name: str
    size_bytes: int
    media_type: str | None
    delivered_by: str
    accepted_at: datetime
    status: UploadStatus
    run_id: str
    """The run that loaded it; until one has, the last that tried or is to try."""
    records: int | None = None
    rows: int | None = None
    quarantined: int | None = None
    snapshot_id: int | None = None
    """Bronze's snapshot that its load made."""
    suspicions: tuple[str, ...] = ()
    error: Json = None
    format: FormatOverride = field(default_factory=dict)
    """How its rows were read, and are whenever its file is read again; before its first load, how
    they are to be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What somebody asks a run to do."""

    kind: RequestKind
    payload: Json = None
    source: str | None = None
    upload_ids: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    """What the run is known to change; its plan may add to them."""
    priority: Priority = Priority.NORMAL
    """Runs on one table are carried out in the order of their queueing all the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """The execution of one request."""

    run_id: str
    sequence: int
    """Runs on the same table are carried out in this order."""
    request: Request
    status: RunStatus
    round: int
    """1, and one more for each retry that follows a partial publish."""
    queued_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    owner_id: str | None = None
    """Who carries it out, or did last."""
    fence: int = 0
    result: Json = None
    error: Json = None
    cancel_asked_at: datetime | None = None
    """When somebody wanted it to end while it ran."""

    @property
    def token(self) -> str:
        """What marks this round's commits in the catalog."""
        return self.run_id if self.round == 1 else f"{self.run_id}.{self.round}"


@dataclass(frozen=True, kw_only=True, slots=True)
class RunUpload:
    """One upload's part in one run."""

    run_id: str
    upload_id: str
    is_again: bool
    """Whether rows that bronze already holds of it are to be replaced."""
    status: UploadStatus
    """What this run made of it; `accepted` while the run goes on."""
    error: Json = None
    format: FormatOverride | None = None
    """What this run reads the file with, and the upload's from its success on. None: the
    upload's, as it stands when the run is carried out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One step of a run's present round."""

    run_id: str
    name: str
    status: StepStatus
    attempts: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    done: int | None = None
    """Units of work that the present or last attempt had done when it was last looked at."""
    total: int | None = None
    """Of how many; None: nobody knows."""
    result: Json = None
    error: Json = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """What an operation took in the child process."""

    milliseconds: int
    cpu_milliseconds: int
    """Processor time of all its threads."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One try at a step."""

    run_id: str
    round: int
    step: str
    number: int
    fence: int
    status: StepStatus
    started_at: datetime
    finished_at: datetime | None = None
    error: Json = None
    """Of an attempt whose owner died: null, with the status `pending`."""
    spent: Spent | None = None
    """What it took the child process; None: no child came to the end of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """The acknowledgement of a delivery."""

    answer: Answer
    upload: Upload
    run_id: str
    """The run that loads it, or that has loaded it."""
    format: FormatOverride
    """What that run reads the file with, or has."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """A run in the hands of one owner. Whoever holds a higher fence has taken it over."""

    run_id: str
    owner_id: str
    fence: int
    token: str
    """`Run.token`."""
    previous_owner_id: str | None = None
    """Who had the run last; None: nobody yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """How an attempt at a step ended. `pending`: it was interrupted and is to be tried again."""

    status: StepStatus
    result: Json = None
    error: Json = None
    ready: Mapping[str, Json] = field(default_factory=dict)
    """Uploads whose raw data the step made ready, each with what the event is to say."""
    spent: Spent | None = None
    """What the attempt took the child."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadOutcome:
    """What a run made of one upload."""

    upload_id: str
    status: UploadStatus
    """`loaded`, `suspect`, `failed` or `removed`."""
    records: int | None = None
    rows: int | None = None
    quarantined: int | None = None
    snapshot_id: int | None = None
    suspicions: tuple[str, ...] = ()
    error: Json = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a run ended."""

    status: RunStatus
    uploads: tuple[UploadOutcome, ...] = ()
    """An upload of the run that is not named here failed with the run's error."""
    result: Json = None
    error: Json = None


IsAlive: TypeAlias = Callable[[str], bool]
"""Whether the owner with this id still holds its lock."""
