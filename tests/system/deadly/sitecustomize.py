"""Kills a Python process just before its n-th change of the disk, if the environment says so.

Python imports this module at its start where this folder is on PYTHONPATH. What counts is what may
leave a trace: files opened to be written, renamed, linked, removed; folders made or removed; syncs;
statements of SQLite. One process dies, and only once, so that whoever takes over may live.

    DEADLY_ROLE    parent, or child: the process that reads files and runs SQL
    DEADLY_AT      the number of the fatal change, from 1; 0: only count
    DEADLY_COUNT   a file to which a byte is added for each change
    DEADLY_DONE    a file that is made by whoever dies; if it is there, nobody does
    DEADLY_FOLDER  only changes in this folder count
"""

import os
import signal
import sqlite3
import sys
from typing import Any

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_CHANGES = ("os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "os.truncate")


class _Fate:
    def __init__(self) -> None:
        self.fatal = int(os.environ["DEADLY_AT"])
        self.folder = os.environ["DEADLY_FOLDER"]
        self.done = os.environ["DEADLY_DONE"]
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self.log = os.open(os.environ["DEADLY_COUNT"], flags, 0o600)
        self.changes = 0

    def change(self) -> None:
        self.changes += 1
        os.write(self.log, b".")
        if self.changes == self.fatal:
            try:
                os.close(os.open(self.done, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return
            os.kill(os.getpid(), signal.SIGKILL)

    def see(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & _WRITING and self.is_ours(path):
                self.change()
        elif event in _CHANGES and self.is_ours(arguments[0]):
            self.change()

    def is_ours(self, path: object) -> bool:
        is_path = isinstance(path, (str, bytes, os.PathLike))
        return (
            is_path
            and os.fsdecode(path).startswith(self.folder)  # type: ignore[arg-type]
            and os.fsdecode(path) != self.done  # type: ignore[arg-type]
        )


def _watch(fate: _Fate) -> None:
    sync = os.fsync

    def fsync(descriptor: int) -> None:
        fate.change()
        sync(descriptor)

    class Connection(sqlite3.Connection):
        def execute(self, *arguments: Any) -> sqlite3.Cursor:
            fate.change()
            return super().execute(*arguments)

        def commit(self) -> None:
            fate.change()
            super().commit()

    connect = sqlite3.connect

    def connected(*arguments: Any, **settings: Any) -> sqlite3.Connection:
        settings.setdefault("factory", Connection)
        found: sqlite3.Connection = connect(*arguments, **settings)
        return found

    os.fsync = fsync  # type: ignore[assignment]
    sqlite3.connect = connected  # type: ignore[assignment]
    sys.addaudithook(fate.see)


if "DEADLY_ROLE" in os.environ:
    _role = "child" if "LAKEWRIGHT_CHILD" in os.environ else "parent"
    if _role == os.environ["DEADLY_ROLE"]:
        _watch(_Fate())
