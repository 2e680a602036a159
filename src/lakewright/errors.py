"""The tree of errors, and the one shape in which every mistake reaches a person.

An error says what failed, where, why, and what to do about it. It knows no terminal, no HTTP and
no foreign library: adapters translate what they catch and chain the cause. Whether a step may be
tried again is decided by the type alone.

    LakewrightError
    ├── UsageError              the command makes no sense as given              exit 2
    ├── ProjectInvalid          the project's files hold mistakes (all of them)  exit 2
    ├── SqlRefused              a query is outside portable SQL                  exit 2
    ├── NotFound                the named thing does not exist                   exit 5
    ├── Conflict                the world moved, or someone else holds it        exit 6
    │   ├── CommitConflict      a table moved under a publish (transient)
    │   ├── PublishedInPart     the same, after other tables of it had been published
    │   └── RunLost             another process has taken the run over
    ├── RunFailed               a run ended without publishing all it should     exit 1
    │   ├── FileUnreadable      a file as a whole cannot be read as its format
    │   ├── ContractBroken      a file differs from its contract and may not
    │   ├── FileSuspect         a file may have been misread, and its source refuses such
    │   ├── TooManyBadRecords   more records were refused than the source allows
    │   ├── CountsDiffer        records in are not rows plus quarantined records
    │   ├── ModelUnfit          a model does not fit the columns that files have brought
    │   └── CheckFailed         a staged table does not meet its checks
    ├── RunCancelled            somebody ended a run; it may be taken up again   exit 1
    ├── FetchFailed             a place does not answer, or refuses (transient)  exit 1
    ├── StorageFailed           the machine refuses to read or write a file      exit 1
    └── StepInterrupted         a step's process died or overran (transient)     exit 1
        ├── StepCrashed
        └── StepTimedOut

    Besides: JournalUnavailable, its server does not answer now (transient)      exit 1
    and CatalogUnavailable, the same of the catalog's (transient)                exit 1
    and CommitUnknown, a commit that may have been made or not (transient)       exit 1
    and InternalError, a mistake of ours that surfaced in a child process   exit 70
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where something stands in a text file. Lines and columns count from 1; 0 means unknown."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """`file:line:column`, without the parts that are unknown."""
        parts = [self.file, *(str(number) for number in (self.line, self.column) if number)]
        return ":".join(parts)


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One mistake, ready to be shown: what is wrong, where, why, and the way out."""

    code: str
    what: str
    where: Place | None = None
    why: str = ""
    hint: str = ""
    excerpt: str = ""
    """The source line and, below it, a line with a caret under the offending text."""


class LakewrightError(Exception):
    """Whatever Lakewright refuses or fails at. Everything else that escapes is a bug of ours."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1
    is_transient: ClassVar[bool] = False

    def __init__(
        self,
        what: str,
        *,
        where: Place | None = None,
        why: str = "",
        hint: str = "",
        problems: Sequence[Problem] = (),
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.why = why
        self.hint = hint
        self.problems = tuple(problems)

    @classmethod
    def of(cls, problem: Problem) -> Self:
        """The error that a problem with this class's code stands for."""
        return cls(problem.what, where=problem.where, why=problem.why, hint=problem.hint)

    def as_problems(self) -> tuple[Problem, ...]:
        """Every mistake that this error carries; at least one."""
        own = Problem(
            code=self.code, what=self.what, where=self.where, why=self.why, hint=self.hint
        )
        return self.problems or (own,)

    def __str__(self) -> str:
        """The message for a log line: what, where and why on one line, the hint on its own."""
        head = f"{self.where}: {self.what}" if self.where else self.what
        text = f"{head}: {self.why}" if self.why else head
        return f"{text}\nhint: {self.hint}" if self.hint else text


class UsageError(LakewrightError):
    """The command makes no sense as it was given."""

    code = "usage"
    exit_code = 2


class ProjectInvalid(LakewrightError):
    """The project's files hold mistakes; `problems` lists every one of them."""

    code = "project-invalid"
    exit_code = 2


class SqlRefused(LakewrightError):
    """A query is outside portable SQL, or does not fit the tables that it reads."""

    code = "sql-refused"
    exit_code = 2


class NotFound(LakewrightError):
    """The named thing does not exist; the hint lists where it was looked for."""

    code = "not-found"
    exit_code = 5


class Conflict(LakewrightError):
    """The request does not fit the present state, or someone else holds what it needs."""

    code = "conflict"
    exit_code = 6


class CommitConflict(Conflict):
    """A table moved between staging and publishing: stage again on the new base."""

    code = "commit-conflict"
    is_transient = True


class PublishedInPart(Conflict):
    """A catalog that publishes one table at a time has refused a later one; build that again."""

    code = "published-in-part"


class RunLost(Conflict):
    """Another process has taken the run over; what its former owner writes is refused."""

    code = "run-lost"


class RunFailed(LakewrightError):
    """A run ended without publishing all that it should have."""

    code = "run-failed"


class FileUnreadable(RunFailed):
    """A file as a whole cannot be read as the format that it should have."""

    code = "file-unreadable"


class ContractBroken(RunFailed):
    """A file differs from its source's contract in a way that the contract does not allow."""

    code = "contract-broken"


class FileSuspect(RunFailed):
    """A file may have been misread, and its source refuses suspect files."""

    code = "file-suspect"


class TooManyBadRecords(RunFailed):
    """More records were refused than the source's limit allows."""

    code = "too-many-bad-records"


class CountsDiffer(RunFailed):
    """Records in are not rows plus quarantined records; nothing was published."""

    code = "counts-differ"


class ModelUnfit(RunFailed):
    """A model does not fit the columns that files have brought; its table stays as it was."""

    code = "model-unfit"


class CheckFailed(RunFailed):
    """A staged table does not meet an error-level check; it stays as it was."""

    code = "check-failed"


class FetchFailed(LakewrightError):
    """A place from which files are fetched does not answer, or refuses; it may answer later."""

    code = "fetch-failed"
    is_transient = True


class StorageFailed(LakewrightError):
    """The machine refuses to read or write a file: no room, no permission, or damage."""

    code = "storage-failed"


class StepInterrupted(LakewrightError):
    """A step's process ended before the step did; the step may be tried again."""

    code = "step-interrupted"
    is_transient = True


class RunCancelled(LakewrightError):
    """Somebody ended a run before it was published; it may be taken up again."""

    code = "run-cancelled"
    is_transient = True


class StepCrashed(StepInterrupted):
    """A step's process died."""

    code = "step-crashed"


class StepTimedOut(StepInterrupted):
    """A step ran longer than its limit and was ended."""

    code = "step-timed-out"


class JournalUnavailable(LakewrightError):
    """The journal's server does not answer, or the connection was lost; ask again later."""

    code = "journal-unavailable"
    is_transient = True


class CatalogUnavailable(LakewrightError):
    """The catalog's server does not answer; ask again later."""

    code = "catalog-unavailable"
    is_transient = True


class CommitUnknown(LakewrightError):
    """The catalog did not tell whether it made a commit; the next attempt looks for it."""

    code = "commit-unknown"
    is_transient = True


class InternalError(LakewrightError):
    """A mistake of ours surfaced in a child process; `why` holds the end of its traceback."""

    code = "internal"
    exit_code = 70


def kinds(
    kind: type[LakewrightError] = LakewrightError,
) -> Mapping[str, type[LakewrightError]]:
    """This class of errors and all below it, by code, each after its parent."""
    found = {kind.code: kind}
    for child in kind.__subclasses__():
        found.update(kinds(child))
    return found


def of_code(code: str) -> type[LakewrightError]:
    """The class of errors with this code; `LakewrightError` itself for a code that is unknown."""
    return kinds().get(code, LakewrightError)
