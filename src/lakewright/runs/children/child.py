"""Inside the child process: take requests from the parent, one at a time, and answer them.

Here user bytes are parsed and user SQL runs, so this process may be killed at any moment and holds
nothing that matters: no journal, no credential, and where the system permits, no network. It ends
itself when its parent is gone, even in the middle of a request.

The protocol, JSON lines over two pipes that nothing else writes to:

    parent: {"id", "operation", "payload", "cpu_seconds_max"}
    child:  {"id", "progress"} ...   then   {"id", "result", "spent"}  or  {"id", "error", "spent"}

In between it may ask what it may not find out itself, and waits: {"id", "question"}; the parent
answers {"reply"}.
"""

import gc
import importlib
import json
import os
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

from lakewright import errors
from lakewright.plan import codec
from lakewright.runs import failure
from lakewright.runs.children import confinement
from lakewright.runs.records import Json, Spent

VARIABLE = "LAKEWRIGHT_CHILD"
"""The environment variable by which a parent tells its child how to reach it."""

REPLY = b'{"reply":'
"""How a line begins that is a reply and no request."""

PROGRESS_SECONDS = 0.1
"""Progress is told at most this often."""

Report: TypeAlias = Callable[[int], None]
"""Tells the number of bytes, records or other units of work done so far."""

Operation: TypeAlias = Callable[[Json, Report], Json]


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """How the parent can be reached, and what this process may use."""

    requests: int
    """File descriptor to read requests from."""
    answers: int
    """File descriptor to write answers to."""
    parent: int
    """Process id."""
    open_files_max: int
    is_offline: bool
    """Whether to leave the network, if the system permits it."""


class Door:
    """By which operations ask the parent, while they are carried out. One question at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._replies: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._line: Line | None = None
        self._number: Json = None

    def open(self, line: Line, number: Json) -> None:
        """Let questions belong to a request."""
        self._line, self._number = line, number

    def pass_on(self, reply: bytes) -> None:
        """Give a reply to whoever waits for it."""
        self._replies.put(reply)

    def ask(self, question: Json) -> Json:
        """Ask the parent, and wait for what it says.

        Raises:
            InternalError: nothing was requested, so nobody listens.
        """
        with self._lock:
            if self._line is None:
                raise errors.InternalError(
                    "a child process asked its parent", why="no operation was under way"
                )
            _send(self._line, {"id": self._number, "question": question})
            found: Mapping[str, Json] = json.loads(self._replies.get())
            return found["reply"]


def serve(
    load: Callable[[], Mapping[str, Operation]],
    later: Sequence[str] = (),
    door: Door | None = None,
) -> None:
    """Answer requests until the parent goes away; does not return.

    Args:
        load: imports what is heavy and gives the operations. It runs once the limits are set, while
            the parent may already be sending. If it fails, its error answers every request.
        later: modules that operations will import; while nothing is asked, they are imported ahead.
        door: by which operations ask the parent.
    """
    door = door or Door()
    line = codec.from_json(Line, os.environ.pop(VARIABLE))
    confinement.confine(
        parent=line.parent, open_files_max=line.open_files_max, is_offline=line.is_offline
    )
    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    listened = (line.requests, requests, door)
    threading.Thread(target=_listen, args=listened, daemon=True).start()
    gc.disable()  # What is loaded stays: to look through it again and again costs a tenth.
    try:
        operations = load()
    except Exception as error:  # noqa: BLE001 - it is reported to whoever asks
        refusal: Exception = error

        def refuse(payload: Json, report: Report) -> Json:  # noqa: ARG001
            raise refusal

        operations = _Refusing(refuse)
    gc.freeze()
    gc.enable()
    ahead = list(later)
    while True:
        while ahead and requests.empty():
            importlib.import_module(ahead.pop(0))
        _answer(line, requests.get(), operations, door)


class _Refusing(dict[str, Operation]):
    """Operations that all end with one error."""

    def __init__(self, refuse: Operation) -> None:
        super().__init__()
        self._refuse = refuse

    def __missing__(self, name: str) -> Operation:
        return self._refuse


def _listen(descriptor: int, requests: "queue.SimpleQueue[bytes]", door: Door) -> None:
    """Pass requests on; end the process, busy or not, when the parent closes its end."""
    with os.fdopen(descriptor, "rb") as stream:
        for request in stream:
            if request.startswith(REPLY):
                door.pass_on(request)
            else:
                requests.put(request)
    os._exit(0)


def _answer(line: Line, text: bytes, operations: Mapping[str, Operation], door: Door) -> None:
    request = cast("Mapping[str, Json]", json.loads(text))
    number, name = request["id"], str(request["operation"])
    door.open(line, number)
    confinement.limit_cpu(cast("int", request["cpu_seconds_max"]))
    told_at = 0.0
    began_at, cpu_at = time.monotonic(), time.process_time()

    def report(done: int) -> None:
        nonlocal told_at
        now = time.monotonic()
        if now - told_at >= PROGRESS_SECONDS:
            told_at = now
            _send(line, {"id": number, "progress": done})

    try:
        operation = _find(operations, name)
        answer: Mapping[str, Json] = {"id": number, "result": operation(request["payload"], report)}
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent is told
        found = failure.of_exception(error, f"`{name}`")
        answer = {"id": number, "error": failure.to_json(found)}
    spent = Spent(
        milliseconds=round((time.monotonic() - began_at) * 1000),
        cpu_milliseconds=round((time.process_time() - cpu_at) * 1000),
    )
    _send(line, {**answer, "spent": codec.encode(spent)})


def _find(operations: Mapping[str, Operation], name: str) -> Operation:
    try:
        return operations[name]
    except KeyError:
        raise errors.InternalError(
            f"a child process was asked for {name!r}, which it does not know",
            why=f"it knows {', '.join(sorted(operations))}",
        ) from None


def _send(line: Line, message: Json) -> None:
    data = json.dumps(message, separators=(",", ":")).encode() + b"\n"
    try:
        while data:
            data = data[os.write(line.answers, data) :]
    except BrokenPipeError:
        os._exit(0)
