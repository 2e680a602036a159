"""What loading has found out about sound models, so that only what has changed is read anew. Pure:
who keeps it, and where, is not known here.

    a file's path and text, the types of the variables      its model
    that, and the columns of every table that it needs      what its query returns

Only what holds no mistake is remembered: whatever is wrong is looked at anew, and told in full.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from lakewright.project.model import Model
from lakewright.sql import types
from lakewright.sql.query import Resolved

Found: TypeAlias = Model | Resolved


class Memory:
    """What was found out, by key; what a load did not ask for is forgotten with it."""

    def __init__(self, kept: Mapping[str, Found] | None = None) -> None:
        """Remember what is kept already."""
        self._kept = kept or {}
        self._asked: dict[str, Found] = {}
        self.is_changed = False
        """Whether the last load found out anything that was not known."""

    def begin(self) -> None:
        """Begin a load."""
        if self._asked:
            self._kept, self._asked = self._asked, {}
        self.is_changed = False

    @property
    def found(self) -> Mapping[str, Found]:
        """All that the last load has asked for or found out."""
        return self._asked

    def model(self, key: str) -> Model | None:
        """The model in a file of this key, if it is known."""
        found = self._recall(key)
        return found if isinstance(found, Model) else None

    def resolved(self, key: str) -> Resolved | None:
        """What a query of this key returns, if it is known."""
        found = self._recall(key)
        return found if isinstance(found, Resolved) else None

    def _recall(self, key: str) -> Found | None:
        found = self._asked.get(key)
        if found is None and (found := self._kept.get(key)) is not None:
            self._asked[key] = found
        return found

    def learn(self, key: str, found: Found) -> None:
        """Remember something."""
        self._asked[key] = found
        self.is_changed = True


def file_key(path: str, text: str, variables: Iterable[str] = ()) -> str:
    """What a file's model depends on: `variables` are those of the project with their types."""
    return hashlib.sha256("\0".join([path, text, *variables]).encode()).hexdigest()


def fit_key(file: str, tables: Mapping[str, str]) -> str:
    """What a fitted model depends on beside its file: the columns of the tables that it needs."""
    words = "\0".join(f"{name}\0{columns}" for name, columns in sorted(tables.items()))
    return hashlib.sha256(f"{file}\0{words}".encode()).hexdigest()


def columns_key(schema: types.Schema | None) -> str:
    """A table's columns in a few letters; None: they are not known."""
    if schema is None:
        return "?"
    text = "\0".join(f"{each.name} {each.type} {each.is_required}" for each in schema.fields)
    return hashlib.sha256(text.encode()).hexdigest()
