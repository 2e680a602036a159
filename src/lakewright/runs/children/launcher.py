"""The parent's side of a warm child process: start it, ask it, watch it, end it.

The child is resident: libraries are loaded once and serve many requests. It is started without
waiting, so that its imports overlap with what the parent does. A child that dies, overruns its time
or holds too much memory is ended, and the next request starts another.

    (none) ──start──▶ warming up ──▶ idle ──call──▶ busy ──answer──▶ idle
       ▲                                             │
       └──── died, too slow, too big, call broken off ┘
"""

import errno
import json
import os
import select
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self, cast

from lakewright import errors
from lakewright.plan import codec
from lakewright.runs import failure
from lakewright.runs.children import child
from lakewright.runs.records import Json, Spent

WATCH_SECONDS = 0.1
"""How often time, memory and the caller's wishes are looked at while a request is under way."""

_ANSWER_BYTES_MAX = 256 * 2**20
"""An answer is a summary; whoever sends more is out of control."""

_TUNING = {
    "MALLOC_TRIM_THRESHOLD_": str(1 << 27),
    "MALLOC_MMAP_THRESHOLD_": str(1 << 25),
    "OPENBLAS_NUM_THREADS": "1",
    "PYDANTIC_DISABLE_PLUGINS": "__all__",
}
"""glibc otherwise gives memory back to the system whenever an array of a mebibyte is freed, and has
it cleared for the next one: reading a file in blocks takes up to 1.8 times as long. numpy's linear
algebra, which nothing here uses, starts threads that spin at first, waiting for work. pydantic
looks through all that is installed for plugins, none of which we have."""

_LAST_WORDS_BYTES_MAX = 2000
_END_SECONDS = 5.0
_CHUNK_BYTES = 2**16


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a child may use."""

    memory_max_bytes: int
    """Resident memory that is not backed by a file; a child that holds more is ended."""
    open_files_max: int = 8192
    """Enough for every file of a large table at once."""
    is_offline: bool = True
    """Whether the child leaves the network where the system permits it."""


_START_HINT = "see that the Python that runs Lakewright may be started, or install Lakewright anew"
_START_HINTS = {
    **dict.fromkeys((errno.EAGAIN, errno.ENOMEM), "free memory or processes, then retry the run"),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "allow more open files, then retry the run"),
}
"""What to do about an error of the system that keeps a process from being started."""


def _nothing(_: int = 0) -> None:
    pass


_WITHHELD = (
    "PGPASSWORD",
    "PGPASSFILE",
    "OPENLINEAGE_API_KEY",
    "LAKEWRIGHT_CATALOG_TOKEN",
    "LAKEWRIGHT_CATALOG_CREDENTIAL",
)
"""What a child is not told: it opens no journal, and sends nothing."""


class Launcher:
    """One warm child at a time, for one thread. Close it, or use it as a context.

    The thread that starts the child must outlive it: Linux ends a child with the thread that made
    it.
    """

    def __init__(
        self,
        command: Sequence[str],
        limits: Limits,
        variables: Mapping[str, str] | None = None,
        reply: Callable[[Json], Json] | None = None,
    ) -> None:
        """`variables`: what the child's environment holds beside this process's own. `reply`:
        answers what an operation asks; it is called on another thread, one question at a time."""
        self._reply = reply or _no_reply
        self._command = tuple(command)
        self._limits = limits
        self._variables = variables or {}
        self._child: _Child | None = None
        self._asked = 0
        self.spent: Spent | None = None
        """What the last operation took the child; None: it did not come to its end."""

    def start(self) -> None:
        """Start the child, if there is none, and return at once."""
        if self._child is None or self._child.process.poll() is not None:
            self.end()
            self._child = _Child(self._command, self._limits, self._variables)

    def call(
        self,
        operation: str,
        payload: Json,
        *,
        timeout_seconds: float,
        on_progress: Callable[[int], None] = _nothing,
        on_wait: Callable[[], None] = _nothing,
    ) -> Json:
        """Have the child carry out an operation.

        `on_wait` is called several times a second; what it raises breaks the call off.

        Raises:
            StepCrashed: the child died, or was ended for holding too much memory.
            StepTimedOut: the child took too long and was ended.
            LakewrightError: what the operation itself raised.
        """
        self.spent = None
        self.start()
        running = cast("_Child", self._child)
        self._asked += 1
        request: Mapping[str, Json] = {
            "id": self._asked,
            "operation": operation,
            "payload": payload,
            "cpu_seconds_max": int(timeout_seconds * (os.cpu_count() or 1)) + 60,
        }
        call = _Call(running, operation, self._limits, time.monotonic() + timeout_seconds)
        try:
            message = call.answer(
                request, on_progress=on_progress, on_wait=on_wait, reply=self._reply
            )
        except BaseException:
            self.end()
            raise
        self.spent = codec.decode(Spent, message["spent"])
        if "error" in message:
            raise failure.from_json(message["error"])
        return message.get("result")

    def end(self) -> None:
        """End the child, if there is one, whatever it is doing."""
        if self._child is not None:
            self._child.end()
            self._child = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()


class _Child:
    """A process, the pipes to it, and what it printed."""

    def __init__(
        self, command: Sequence[str], limits: Limits, variables: Mapping[str, str]
    ) -> None:
        with ExitStack() as opened:
            try:
                self._start(opened, command, limits, variables)
            except OSError as cause:
                raise errors.RunFailed(
                    "the child process that reads files and runs SQL could not be started",
                    why=str(cause),
                    hint=_START_HINTS.get(cause.errno or 0, _START_HINT),
                ) from cause

    def _start(
        self,
        opened: ExitStack,
        command: Sequence[str],
        limits: Limits,
        variables: Mapping[str, str],
    ) -> None:
        """Start the process. `opened` closes what was opened for it, unless all went well."""
        printed: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `end`
        self.printed = opened.enter_context(printed)
        theirs_in, self.requests = _pipe(opened)
        self.answers, theirs_out = _pipe(opened)
        line = child.Line(
            requests=theirs_in,
            answers=theirs_out,
            parent=os.getpid(),
            open_files_max=limits.open_files_max,
            is_offline=limits.is_offline,
        )
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self.printed,
            stderr=self.printed,
            pass_fds=(theirs_in, theirs_out),
            start_new_session=True,
            env={
                **_TUNING,
                **{name: os.environ[name] for name in os.environ if name not in _WITHHELD},
                **variables,
                child.VARIABLE: codec.to_json(line),
            },
        )
        # From here on `end` lets go of it.
        opened.pop_all()
        self._close(theirs_in, theirs_out)
        os.set_blocking(self.requests, False)
        os.set_blocking(self.answers, False)

    def held_bytes(self) -> int:
        """Resident memory that no file backs; 0 where the system does not tell."""
        with suppress(OSError, ValueError, IndexError):
            fields = Path(f"/proc/{self.process.pid}/statm").read_text("ascii").split()
            return (int(fields[1]) - int(fields[2])) * os.sysconf("SC_PAGE_SIZE")
        return 0

    def last_words(self) -> str:
        """The end of what the child printed."""
        size = self.printed.seek(0, os.SEEK_END)
        self.printed.seek(max(0, size - _LAST_WORDS_BYTES_MAX))
        return self.printed.read().decode("utf-8", "replace").strip()

    def end(self) -> None:
        """Kill the process and whatever it started; let go of everything."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._close(self.requests, self.answers)
        self.printed.close()

    @staticmethod
    def _close(*descriptors: int) -> None:
        for descriptor in descriptors:
            os.close(descriptor)


def _pipe(opened: ExitStack) -> tuple[int, int]:
    ends = os.pipe()
    for descriptor in ends:
        opened.callback(os.close, descriptor)
    return ends


def _no_reply(question: Json) -> Json:
    raise errors.InternalError(
        "a child process asked its parent, which has no answers", why=str(question)[:200]
    )


class _Question:
    """What the child asks, answered on a thread of its own, so that the call stays watched."""

    def __init__(self, reply: Callable[[Json], Json], question: Json) -> None:
        self._found: Json = None
        self._error: BaseException | None = None
        self._is_answered = threading.Event()
        threading.Thread(target=self._work, args=(reply, question), daemon=True).start()

    def _work(self, reply: Callable[[Json], Json], question: Json) -> None:
        try:
            self._found = reply(question)
        except BaseException as error:  # noqa: BLE001 - it is raised where the call is
            self._error = error
        self._is_answered.set()

    def wait(self, seconds: float) -> bytes:
        """The reply as the child reads it; nothing: there is none yet."""
        if not self._is_answered.wait(seconds):
            return b""
        if self._error is not None:
            raise self._error
        return child.REPLY + json.dumps(self._found, separators=(",", ":")).encode() + b"}\n"


class _Call:
    """One request under way."""

    def __init__(self, running: _Child, operation: str, limits: Limits, deadline: float) -> None:
        self._child = running
        self._operation = operation
        self._limits = limits
        self._deadline = deadline
        self._received = bytearray()
        self._watched_at = 0.0

    def answer(
        self,
        request: Mapping[str, Json],
        *,
        on_progress: Callable[[int], None],
        on_wait: Callable[[], None],
        reply: Callable[[Json], Json],
    ) -> Mapping[str, Json]:
        """Send the request and wait for its result or error."""
        unsent = json.dumps(request, separators=(",", ":")).encode() + b"\n"
        poll = select.poll()
        poll.register(self._child.answers, select.POLLIN)
        poll.register(self._child.requests, select.POLLOUT)
        asked: _Question | None = None
        while True:
            if asked is not None:
                # The child waits, and has nothing else to say.
                unsent = asked.wait(WATCH_SECONDS)
                self._watch(on_wait)
                if not unsent:
                    continue
                asked = None
                poll.register(self._child.requests, select.POLLOUT)
            ready = dict(poll.poll(WATCH_SECONDS * 1000))
            if self._child.requests in ready:
                unsent = self._send(unsent)
                if not unsent:
                    poll.unregister(self._child.requests)
            if self._child.answers in ready:
                self._receive()
            for message in self._messages():
                if message["id"] != request["id"]:
                    continue
                if "question" in message:
                    asked = _Question(reply, message["question"])
                elif "progress" in message:
                    on_progress(cast("int", message["progress"]))
                else:
                    return message
            self._watch(on_wait)

    def _send(self, data: bytes) -> bytes:
        try:
            return data[os.write(self._child.requests, data[:_CHUNK_BYTES]) :]
        except BlockingIOError:
            return data
        except BrokenPipeError:
            raise self._crashed() from None

    def _receive(self) -> None:
        data = os.read(self._child.answers, _CHUNK_BYTES)
        if not data:
            raise self._crashed()
        self._received += data
        if len(self._received) > _ANSWER_BYTES_MAX:
            raise errors.StepCrashed(
                f"the child process that did `{self._operation}` was ended",
                why=f"its answer had more than {_ANSWER_BYTES_MAX} bytes",
            )

    def _messages(self) -> list[Mapping[str, Json]]:
        end = self._received.rfind(b"\n") + 1
        lines = bytes(self._received[:end]).splitlines()
        del self._received[:end]
        return [json.loads(line) for line in lines]

    def _watch(self, on_wait: Callable[[], None]) -> None:
        now = time.monotonic()
        if now - self._watched_at < WATCH_SECONDS:
            return
        self._watched_at = now
        on_wait()
        if now > self._deadline:
            raise errors.StepTimedOut(
                f"`{self._operation}` took too long and was ended",
                why="it ran into its time limit",
                hint="set LAKEWRIGHT_STEP_TIMEOUT_SECONDS to a larger number of seconds",
            )
        held = self._child.held_bytes()
        if held > self._limits.memory_max_bytes:
            raise errors.StepCrashed(
                f"the child process that did `{self._operation}` was ended",
                why=f"it held {held} bytes of memory; {self._limits.memory_max_bytes} are allowed",
                hint="lower the environment's `memory_limit`, or raise"
                " LAKEWRIGHT_CHILD_MEMORY_MAX_BYTES",
            )

    def _crashed(self) -> errors.StepCrashed:
        """What to say of a child whose pipe has closed."""
        try:
            code = self._child.process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            how = "it closed its pipes"
        else:
            how = f"signal {_signal_name(-code)} ended it" if code < 0 else f"it exited with {code}"
        words = self._child.last_words()
        return errors.StepCrashed(
            f"the child process that did `{self._operation}` died",
            why=f"{how}; it last said: {words}" if words else how,
            hint="the raw files are safe; if it happens again, the file or query may be at fault",
        )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
