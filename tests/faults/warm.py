"""Processes of the product that need no time to start: forks of one that has loaded every library.

A command takes a second to start, and its child two more, before either does anything. This process
loads what they load, once; a fork of it then is a command, or a child: it runs the same `main` with
the same arguments, and is killed and traced as any other process.

    this process ──fork──▶ a command ──fork──▶ spare, spare ...
                                               each waits to become a child of the command

A command that needs more children than it has spares starts the others as it always does. This
process itself opens nothing, so that its forks share nothing with one another.
"""

import ctypes
import fcntl
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NoReturn, cast

import lakewright
from lakewright.cli import __main__ as command_line
from lakewright.runs.records import Json
from lakewright.wiring import child

_MESSAGE_BYTES_MAX = 2**17
_HIGH_DESCRIPTOR = 500
"""Above every descriptor that a command has by then."""

_LATER = ("numpy.ma", "pyarrow.dataset", "pyiceberg.io.pyarrow", "sqlalchemy.dialects.sqlite")
"""What libraries import only when they are used."""

_LOOK_SECONDS = 0.005
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER, _PR_SET_PTRACER = 1, 36, 0x59616D61  # linux/prctl.h


def load() -> None:
    """Import all that commands and their children import, and be told of every process that ends
    under this one."""
    sys.meta_path.insert(0, child.WithoutPandas())
    for module in pkgutil.walk_packages(lakewright.__path__, "lakewright."):
        if not module.name.endswith("__main__"):
            with suppress(ModuleNotFoundError):  # A library that is installed only if it is wanted.
                importlib.import_module(module.name)
    for name in _LATER:
        importlib.import_module(name)
    _tell_system(_PR_SET_CHILD_SUBREAPER, 1)


def _tell_system(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, ctypes.c_ulong(value), 0, 0, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Process:
    """A fork that waits for the word to begin."""

    pid: int
    spares: Sequence[int]
    line: socket.socket

    def go(self) -> None:
        """Let it begin."""
        self.line.sendall(b"go")

    def answer(self, seconds_max: float) -> Json:
        """What it said of itself before its end; None: nothing.

        Raises:
            TimeoutError: it goes on still.
        """
        self.line.settimeout(seconds_max)
        with suppress(ConnectionError):
            if said := self.line.recv(_MESSAGE_BYTES_MAX):
                answer: Json = json.loads(said)
                return answer
        return None

    def wait(self, seconds_max: float) -> int:
        """Wait for its end; its exit code, negative for a signal.

        Raises:
            TimeoutError: it goes on still.
        """
        descriptor = os.pidfd_open(self.pid)
        try:
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            if not poll.poll(seconds_max * 1000):
                raise TimeoutError
        finally:
            os.close(descriptor)
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status)

    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def end(self) -> None:
        """Kill it, if it lives, and let go of it."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.line.close()


def reap(seconds_max: float) -> None:
    """Wait until no process is left under this one.

    Raises:
        TimeoutError: one goes on still.
    """
    ends_at = time.monotonic() + seconds_max
    with suppress(ChildProcessError):
        while time.monotonic() < ends_at:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(_LOOK_SECONDS)
        raise TimeoutError


def command(*words: str, printed: Path, variables: Mapping[str, str], spares: int) -> Process:
    """A command that waits for the word to begin. What it prints on stderr goes to a file."""

    def run(_: socket.socket) -> None:
        os.environ.update(variables)
        sys.argv = ["lakewright", *words]
        command_line.main()

    return _start(run, printed, spares)


def ask(task: Callable[[], Json], *, printed: Path, spares: int, seconds_max: float) -> Json:
    """What a task answers that is done in a process of its own.

    Raises:
        TimeoutError: it takes longer.
    """

    def run(line: socket.socket) -> None:
        line.sendall(json.dumps(task()).encode())

    process = _start(run, printed, spares)
    try:
        process.go()
        answer = process.answer(seconds_max)
    finally:
        process.end()
    reap(seconds_max)
    return answer


def _start(run: Callable[[socket.socket], None], printed: Path, spares: int) -> Process:
    sys.stdout.flush()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if not pid:
        _be(run, ours, theirs, printed, spares)
    theirs.close()
    told = ours.recv(_MESSAGE_BYTES_MAX)
    return Process(pid=pid, spares=json.loads(told), line=ours)


def _be(
    run: Callable[[socket.socket], None],
    theirs: socket.socket,
    line: socket.socket,
    printed: Path,
    spares: int,
) -> NoReturn:
    """What a fork does. It never returns into what this process was doing."""
    code = 1
    try:
        theirs.close()
        os.setsid()
        _tell_system(_PR_SET_PDEATHSIG, signal.SIGKILL)
        _tell_system(_PR_SET_PTRACER, -1)
        with printed.open("wb") as file, Path(os.devnull).open("r+b") as nothing:
            for descriptor, target in enumerate((nothing, nothing, file)):
                os.dup2(target.fileno(), descriptor)
        nursery = _Nursery([_Spare.fork() for _ in range(spares)])
        line.sendall(json.dumps([spare.pid for spare in nursery.spares]).encode())
        if line.recv(_MESSAGE_BYTES_MAX):
            subprocess.Popen = nursery.popen  # type: ignore[assignment,misc]
            run(line)
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(bool(ended.code))
    except BaseException:  # noqa: BLE001 - as an interpreter ends
        traceback.print_exc()
    finally:
        for thread in threading.enumerate():
            if thread is not threading.current_thread() and not thread.daemon:
                thread.join()
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Spare:
    """A fork of a command, made before the command began: it has nothing of it."""

    pid: int
    line: socket.socket

    @classmethod
    def fork(cls) -> "_Spare":
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
        if not pid:
            ours.close()
            cls._be(theirs)
        theirs.close()
        return cls(pid=pid, line=ours)

    @classmethod
    def _be(cls, line: socket.socket) -> NoReturn:
        try:
            _tell_system(_PR_SET_PDEATHSIG, signal.SIGKILL)
            _tell_system(_PR_SET_PTRACER, -1)
            os.setsid()  # Now, as whoever is given a child may end its group at once.
            cls._become(line)
        except BaseException:  # noqa: BLE001 - as an interpreter ends
            traceback.print_exc()
        finally:
            os._exit(1)

    @staticmethod
    def _become(line: socket.socket) -> None:
        text, received, _, _ = socket.recv_fds(line, _MESSAGE_BYTES_MAX, 8)
        if not text:
            return
        told = json.loads(text)
        line.close()
        high = [fcntl.fcntl(each, fcntl.F_DUPFD, _HIGH_DESCRIPTOR) for each in received]
        for source, target in zip(high, told["descriptors"], strict=True):
            os.dup2(source, target)
        for each in high:
            os.close(each)
        os.environ.clear()
        os.environ.update(told["env"])
        sys.argv = told["words"]
        child.main(sys.argv[1:])


class _Nursery:
    """Gives a command its children, as `subprocess.Popen` would."""

    def __init__(self, spares: Sequence[_Spare]) -> None:
        self.spares = list(spares)
        self._popen = subprocess.Popen

    def popen(self, words: Sequence[str], **options: object) -> "subprocess.Popen[bytes] | _Child":
        """Have a spare become the process that is asked for; without one, start it."""
        if not self.spares or child.__name__ not in words:
            return cast("subprocess.Popen[bytes]", self._popen(words, **options))  # type: ignore[call-overload]
        spare = self.spares.pop(0)
        passed = cast("Sequence[int]", options["pass_fds"])
        printed = cast("IO[bytes]", options["stdout"]).fileno()
        told = {
            "words": list(words[words.index(child.__name__) :]),
            "env": options["env"],
            "descriptors": [*passed, 1, 2],
        }
        socket.send_fds(spare.line, [json.dumps(told).encode()], [*passed, printed, printed])
        spare.line.close()
        return _Child(pid=spare.pid)


@dataclass(kw_only=True, slots=True)
class _Child:
    """What a launcher asks of `subprocess.Popen`."""

    pid: int
    returncode: int | None = field(default=None)

    def poll(self) -> int | None:
        """Its exit code, if it has ended."""
        if self.returncode is None:
            found, status = os.waitpid(self.pid, os.WNOHANG)
            if found:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended."""
        ends_at = time.monotonic() + (float("inf") if timeout is None else timeout)
        while (code := self.poll()) is None:
            if time.monotonic() > ends_at:
                raise subprocess.TimeoutExpired(child.__name__, timeout or 0)
            time.sleep(_LOOK_SECONDS)
        return code
