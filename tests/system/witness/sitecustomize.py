"""Writes down what a Python process does to the disk, in order, if the environment says so.

Python imports this module at its start where this folder is on PYTHONPATH. Each line of the file
that WITNESS names is a JSON array: what was done, and to what.
"""

import json
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any


class _Witness:
    def __init__(self, path: str) -> None:
        self.log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, *what: str) -> None:
        os.write(self.log, json.dumps(what).encode() + b"\n")

    def see(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_CREAT:
            self.write("create", _path(arguments[0]))
        elif event == "os.mkdir":
            made = _path(arguments[0])
            self.write("create", made)
        elif event in ("os.rename", "os.link"):
            self.write("name", _path(arguments[0]), _path(arguments[1]))


def _path(given: Any) -> str:
    return str(given) if isinstance(given, int) else str(Path(os.fsdecode(given)).absolute())


def _watch(witness: _Witness) -> None:
    sync, connect = os.fsync, sqlite3.connect

    def fsync(descriptor: int) -> None:
        sync(descriptor)
        witness.write("sync", str(Path(f"/proc/self/fd/{descriptor}").readlink()))

    class Connection(sqlite3.Connection):
        def execute(self, statement: str, *rest: Any) -> sqlite3.Cursor:
            if statement.split(None, 1)[0].upper() in ("INSERT", "UPDATE", "REPLACE"):
                witness.write("say", statement, repr(rest))
            return super().execute(statement, *rest)

    def connected(*arguments: Any, **settings: Any) -> sqlite3.Connection:
        settings.setdefault("factory", Connection)
        found: sqlite3.Connection = connect(*arguments, **settings)
        return found

    os.fsync = fsync  # type: ignore[assignment]
    sqlite3.connect = connected  # type: ignore[assignment]
    sys.addaudithook(witness.see)


if "WITNESS" in os.environ:
    _watch(_Witness(os.environ["WITNESS"]))
