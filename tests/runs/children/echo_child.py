"""A child process for tests: small operations that do what misbehaving steps do."""

import ctypes
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from lakewright import errors
from lakewright.runs.children import child
from lakewright.runs.records import Json

LATER = ("colorsys", "tabnanny")


DOOR = child.Door()


def echo(payload: Json, report: child.Report) -> Json:
    return payload


def count(payload: Json, report: child.Report) -> Json:
    for number in range(cast("int", payload)):
        report(number + 1)
        time.sleep(0.03)
    return payload


def refuse(payload: Json, report: child.Report) -> Json:
    where = errors.Place(file="a.csv", line=3)
    raise errors.FileUnreadable(
        "a.csv cannot be read",
        where=where,
        why="it is empty",
        hint="deliver it again",
        problems=[errors.Problem(code="file-unreadable", what="empty", where=where)],
    )


def blunder(payload: Json, report: child.Report) -> Json:
    raise KeyError("mistake")


def no_room(payload: Json, report: child.Report) -> Json:
    raise OSError(28, "No space left on device")


def kill(payload: Json, report: child.Report) -> Json:
    sys.stderr.write("something native broke\n")
    sys.stderr.flush()
    os.kill(os.getpid(), signal.Signals[str(payload)])
    time.sleep(60)
    return None


def leave(payload: Json, report: child.Report) -> Json:
    os._exit(cast("int", payload))


def sleep(payload: Json, report: child.Report) -> Json:
    time.sleep(cast("float", payload))
    return None


def hog(payload: Json, report: child.Report) -> Json:
    held = []
    for _ in range(cast("int", payload)):
        held.append(bytearray(os.urandom(1)) * 2**20)
        time.sleep(0.002)
    return len(held)


def chatter(payload: Json, report: child.Report) -> Json:
    sys.stdout.write('{"id": 1, "result": "forged"}\n')
    sys.stdout.flush()
    ctypes.CDLL(None).puts(b"native noise")
    return os.getpid()


def is_online(payload: Json, report: child.Report) -> Json:
    try:
        with socket.create_connection(("127.0.0.1", cast("int", payload)), timeout=1):
            return True
    except OSError:
        return False


def call(payload: Json, report: child.Report) -> Json:
    """The error of a system call, given by its number and arguments; 0: none."""
    ctypes.set_errno(0)
    numbers = cast("list[int]", payload)
    ctypes.CDLL(None, use_errno=True).syscall(*map(ctypes.c_long, numbers))
    return ctypes.get_errno()


def owns_new_files(payload: Json, report: child.Report) -> Json:
    path = Path(str(payload))
    path.write_text("x", "ascii")
    return path.stat().st_uid == os.geteuid()


def is_imported(payload: Json, report: child.Report) -> Json:
    return str(payload) in sys.modules


def ask(payload: Json, report: child.Report) -> Json:
    """Ask the parent each of these, and tell its answers."""
    return [DOOR.ask(question) for question in cast("list[Json]", payload)]


def load() -> Mapping[str, child.Operation]:
    if "BROKEN_PROJECT" in os.environ:
        raise errors.ProjectInvalid("the project is broken", hint="mend it")
    return {
        found.__name__: found
        for found in (
            echo, count, refuse, blunder, no_room, kill, leave, sleep, hog, chatter, is_online,
            owns_new_files, call, is_imported, ask,
        )
    }  # fmt: skip


if __name__ == "__main__":
    child.serve(load, LATER, DOOR)
