"""The port through which a journal uses a database, whichever it is.

A statement is asked for by its name in `statements`; its values are given by name. Times cross as
ISO 8601 in UTC, JSON as text. A database may give times back as such, and rows as it likes, as
long as their cells are found by the names of their columns.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol, TypeAlias

from lakewright.runs.journal import Listener

Value: TypeAlias = str | int | None
"""What a statement is given. A truth value is a whole number."""

Cell: TypeAlias = str | int | datetime | None
"""What a column of an answer holds."""


class Row(Protocol):
    """One row of an answer."""

    def __getitem__(self, column: str, /) -> Cell:
        """What a column holds."""


class Transaction(Protocol):
    """Statements that take effect together, or not at all."""

    def first(self, statement: str, **values: Value) -> Row | None:
        """The first row of the answer."""

    def every(self, statement: str, **values: Value) -> Sequence[Row]:
        """All rows of the answer."""

    def change(self, statement: str, **values: Value) -> int:
        """Write; how many rows were written."""

    def change_each(self, statement: str, values: Sequence[Mapping[str, Value]]) -> None:
        """Write once for each of these values, in their order."""

    def wake(self) -> None:
        """Have those who listen look for a run, once the transaction has come to its end."""

    def hold(self, name: str) -> None:
        """Have others that hold the same name wait until this transaction has ended."""


class Database(Protocol):
    """Where a journal lies."""

    def reading(self) -> AbstractContextManager[Transaction]:
        """Look, and write nothing; two looks may see two states."""

    def writing(self, *, is_synced: bool) -> AbstractContextManager[Transaction]:
        """One transaction. `is_synced`: it, and all before it, is on disk when it has ended."""

    def settle(self) -> None:
        """Have on disk what was looked at until now."""

    def listen(self) -> Listener:
        """See `journal.Journal`."""

    def close(self) -> None:
        """Close the connection; a journal that is closed answers nothing."""
