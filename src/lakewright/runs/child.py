"""Inside the child process: take requests from the parent, one at a time, and answer them.

Here user bytes are parsed and user SQL runs, so this process may be killed at any moment and holds
nothing that matters: no journal, no credential, and where the system permits, no network. It ends
itself when its parent is gone, even in the middle of a request.

The protocol, JSON lines over two pipes that nothing else writes to:

    parent: {"id", "operation", "payload", "cpu_seconds_max"}
    child:  {"id", "progress"} ...   then   {"id", "result"}  or  {"id", "error"}
"""

import ctypes
import json
import os
import queue
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, cast

from lakewright import errors
from lakewright.plan import codec
from lakewright.runs import failure
from lakewright.runs.journal import Json

VARIABLE = "LAKEWRIGHT_CHILD"
"""The environment variable by which a parent tells its child how to reach it."""

PROGRESS_SECONDS = 0.1
"""Progress is told at most this often."""

Report: TypeAlias = Callable[[int], None]
"""Tells the number of records, or other units of work, done so far."""

Operation: TypeAlias = Callable[[Json, Report], Json]

_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000


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


def serve(load: Callable[[], Mapping[str, Operation]]) -> None:
    """Answer requests until the parent goes away; does not return.

    `load` imports what is heavy and gives the operations. It runs once the limits are set, while
    the parent may already be sending. If it fails, its error answers every request.
    """
    line = codec.from_json(Line, os.environ.pop(VARIABLE))
    _confine(line)
    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(line.requests, requests), daemon=True).start()
    try:
        operations = load()
    except Exception as error:  # noqa: BLE001 - it is reported to whoever asks
        refusal: Exception = error

        def refuse(payload: Json, report: Report) -> Json:  # noqa: ARG001
            raise refusal

        operations = _Refusing(refuse)
    while True:
        _answer(line, requests.get(), operations)


class _Refusing(dict[str, Operation]):
    """Operations that all end with one error."""

    def __init__(self, refuse: Operation) -> None:
        super().__init__()
        self._refuse = refuse

    def __missing__(self, name: str) -> Operation:
        return self._refuse


def _listen(descriptor: int, requests: "queue.SimpleQueue[bytes]") -> None:
    """Pass requests on; end the process, busy or not, when the parent closes its end."""
    with os.fdopen(descriptor, "rb") as stream:
        for request in stream:
            requests.put(request)
    os._exit(0)


def _answer(line: Line, text: bytes, operations: Mapping[str, Operation]) -> None:
    request = cast("Mapping[str, Json]", json.loads(text))
    number, name = request["id"], str(request["operation"])
    _limit_cpu(cast("int", request["cpu_seconds_max"]))
    told_at = 0.0

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
    _send(line, answer)


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


def _confine(line: Line) -> None:
    """Set the limits of this process; what the system does not offer is left out.

    Memory is watched by the parent: a limit on address space would hit an engine that reserves
    far more than it uses.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    most = line.open_files_max
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard)
    )
    if not sys.platform.startswith("linux"):
        return
    if line.is_offline:
        _leave_network()
    # When memory runs out, the system is to end this process rather than the journal's.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", "ascii")
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != line.parent:  # It died before we asked to be told.
        os._exit(0)


def _leave_network() -> None:
    """Move to a network namespace of our own, which has no interface that is up.

    Without privileges that takes a user namespace too, in which we stay who we are. Where neither
    is permitted, the process goes on: that nothing is downloaded does not rest on this.
    """
    user, group = os.geteuid(), os.getegid()
    unshare = ctypes.CDLL(None).unshare
    if unshare(_CLONE_NEWNET) == 0 or unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        return
    with suppress(OSError):
        for name, text in (
            ("uid_map", f"{user} {user} 1"),
            ("setgroups", "deny"),
            ("gid_map", f"{group} {group} 1"),
        ):
            Path("/proc/self", name).write_text(text, "ascii")


def _limit_cpu(seconds_max: int) -> None:
    """Let the next request use so much processor time; a backstop to the parent's clock."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + seconds_max
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    limit = soft if hard == resource.RLIM_INFINITY else min(soft, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (limit, hard))
