"""The catalog as a server that speaks Iceberg's REST protocol.

The server keeps the pointers and writes the metadata files; manifests and data files are ours. A
commit is one request with all that its table must be (requirements) and all that is done to it
(updates); of several tables, one request for all of them where the server offers it. Otherwise they
are published one after the other, upstream first, and an attempt that was broken off is finished by
the next one.

An answer is taken for what it says and no more: 409 is a conflict, another refusal a refusal, and
everything that leaves open whether the commit was made (5xx, a lost connection, silence) is
`CommitUnknown`. Whoever publishes looks for its tokens then. Nothing is sent again from here.

Refuses tables that do not lie in the environment's storage, as its caller sees to.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import quote, unquote

from lakewright import errors
from lakewright.lake import drafts, durable, metadata, rest_messages
from lakewright.lake.catalog import Change
from lakewright.lake.metadata import Document, SchemaJson, SpecJson
from lakewright.lake.rest_transport import Answer, Request, Transport
from lakewright.project import layers

LAYERS = sorted((layers.BRONZE, layers.GOLD, layers.QUARANTINE, layers.SILVER))
"""The namespaces that are ours, in order; a server may hold many others."""

COMMIT_MANY = "POST /v1/{prefix}/transactions/commit"
"""How a server lists that it commits several tables at once."""

_NO_COLUMNS: SchemaJson = {"type": "struct", "schema-id": 0, "fields": []}
_NO_PARTS: SpecJson = {"spec-id": 0, "fields": []}
"""What every new table has on a server, and no other catalog of ours."""

_SEPARATOR = "%1F"
"""Between the levels of a namespace, unless the server says otherwise."""
_PAGES_MAX = 10_000
_OK, _MOVED_BOUND = 200, 300
_NOT_MODIFIED, _NOT_FOUND, _CONFLICT, _TOO_MANY, _FAILED = 304, 404, 409, 429, 500


@dataclass(frozen=True, kw_only=True, slots=True)
class _Config:
    """What the server says of itself."""

    prefix: str
    separator: str
    may_commit_many: bool


class RestCatalog:
    """The tables below one namespace of a server. May be used by several threads."""

    def __init__(
        self, transport: Transport, url: str, warehouse: str = "", namespace: Sequence[str] = ()
    ) -> None:
        """`warehouse`: which of the server's; `namespace`: in which the layers' are."""
        self._transport = transport
        self._url = url
        self._warehouse = warehouse
        self._namespace = tuple(namespace)
        self._configured: _Config | None = None
        self._made: set[tuple[str, ...]] = set()
        self._seen: dict[str, tuple[str, str]] = {}
        """Entity tag and pointer of each table, as the server told them last."""

    @property
    def place(self) -> str:
        """The server's URL, with the namespace."""
        return " ".join([self._url, ".".join(self._namespace)]).strip()

    @property
    def is_in_folder(self) -> bool:
        """It is a server, wherever the tables are."""
        return False

    def pointers(self) -> Mapping[str, str]:
        """The metadata file of every table of the layers; one question for each.

        Raises:
            CatalogUnavailable: the server does not answer.
        """
        names = [f"{layer}.{name}" for layer in LAYERS for name in sorted(self._names(layer))]
        found = {table: self.pointer(table) for table in names}
        return {table: pointer for table, pointer in found.items() if pointer is not None}

    def pointer(self, table: str) -> str | None:
        """The metadata file of one table; None: there is no such table, or it is still blank.

        Raises:
            CatalogUnavailable: the server does not answer.
        """
        etag, known = self._seen.get(table, ("", ""))
        answer = self._read(
            Request(
                method="GET", path=self._table_path(table), query={"snapshots": "refs"}, etag=etag
            )
        )
        if answer.status == _NOT_MODIFIED:
            return known
        if answer.status == _NOT_FOUND:
            return None
        found = self._parsed(answer)
        if _is_blank(cast("Document", found["metadata"])):
            return None
        pointer = str(found["metadata-location"])
        if answer.etag:
            self._seen[table] = (answer.etag, pointer)
        return pointer

    def blank(self, table: Document) -> Document:
        """With the layout without columns, and the one without partitions, that servers make."""
        layout = (metadata.AddSchema(_NO_COLUMNS, 0), metadata.AddSpec(_NO_PARTS))
        return metadata.apply(table, layout)

    def commit(self, changes: Sequence[Change], written: Sequence[Path], root: Path) -> None:
        """Sync the files, then ask for all changes at once, where the server offers it.

        Raises:
            CommitConflict: a table is not as its change says.
            CommitUnknown: there is no telling which changes were made.
            CatalogUnavailable: the server does not answer; nothing has changed.
            OSError: the disk refuses.
        """
        durable.sync_all(written, root)
        if len(changes) > 1 and self._config().may_commit_many:
            path = self._path("transactions/commit")
            self._post(path, {"table-changes": [self._message(one) for one in changes]}, changes)
        else:
            self._commit_in_order(changes)
        # The server has written the metadata: what it left to the system is synced now. A failure
        # cannot undo the commit, and must not be told as if it did.
        with suppress(errors.LakewrightError, OSError):
            pointers = [self.pointer(one.table) for one in changes]
            durable.sync_all([Path(metadata.local_path(one)) for one in pointers if one], root)

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def _message(self, change: Change) -> rest_messages.Message:
        layer, _, name = change.table.partition(".")
        before = change.before or self._made_blank(change)
        return {
            "identifier": {"namespace": [*self._namespace, layer], "name": name},
            "requirements": rest_messages.requirements(before),
            "updates": rest_messages.updates(change, before),
        }

    def _made_blank(self, change: Change) -> Document:
        """Make the table of a change, with no column and no snapshot, and say how it is.

        A server would give new ids to columns that a table is made with, and the files that are
        staged for it have theirs. Few servers make a table and fill others at once. One that an
        earlier attempt has made is used.
        """
        layer, _, name = change.table.partition(".")
        for depth in range(1, len(self._namespace) + 2):
            self._make_namespace((*self._namespace, layer)[:depth])
        body = {
            "name": name,
            "location": f"file://{quote(change.after['location'])}",
            "schema": _NO_COLUMNS,
            "properties": {**drafts.PROPERTIES, "format-version": str(metadata.FORMAT_VERSION)},
        }
        self._make(f"{self._namespace_path(layer)}/tables", body)
        answer = self._read(Request(method="GET", path=self._table_path(change.table)))
        if answer.status == _NOT_FOUND:
            raise _conflict(change.table, "the table is gone as soon as it was made")
        found = cast("Document", self._parsed(answer)["metadata"])
        location = metadata.local_path(found["location"])
        if not _is_blank(found):
            raise _conflict(change.table, "somebody else has made the table")
        if unquote(location).rstrip("/") != change.after["location"]:
            raise errors.LakewrightError(
                f"the catalog {self.place} has made the table {change.table} elsewhere",
                why=f"at {found['location']}, not at {change.after['location']}",
                hint="let the server's warehouse accept locations in the environment's `storage`",
            )
        return found

    def _commit_in_order(self, changes: Sequence[Change]) -> None:
        for number, one in enumerate(changes):
            try:
                self._post(self._table_path(one.table), self._message(one), [one])
            except errors.CatalogUnavailable as error:
                if not number:
                    raise
                raise errors.CommitUnknown(error.what, why=error.why, hint=error.hint) from error

    def _post(self, path: str, body: Mapping[str, object], changes: Sequence[Change]) -> None:
        """Ask for a commit, once."""
        answer = self._transport.send(Request(method="POST", path=path, body=_dump(body)))
        tables = ", ".join(one.table for one in changes)
        if _OK <= answer.status < _MOVED_BOUND:
            return
        if answer.status in (_CONFLICT, _NOT_FOUND):
            raise _conflict(tables, _said(answer))
        if answer.status >= _FAILED or (not answer.status and answer.is_sent):
            raise errors.CommitUnknown(
                f"the catalog {self.place} does not say whether it has made the commit to {tables}",
                why=_said(answer),
                hint="try again: it is looked up before anything is done",
            )
        self._refuse(answer)

    def _names(self, layer: str) -> Iterator[str]:
        """The tables of a layer, page by page."""
        token = ""
        for _ in range(_PAGES_MAX):
            query = {"pageToken": token} if token else {}
            answer = self._read(
                Request(method="GET", path=f"{self._namespace_path(layer)}/tables", query=query)
            )
            if answer.status == _NOT_FOUND:
                return
            page = self._parsed(answer)
            for one in cast("Sequence[Mapping[str, str]]", page.get("identifiers") or ()):
                yield one["name"]
            token = str(page.get("next-page-token") or "")
            if not token:
                return

    def _make_namespace(self, levels: tuple[str, ...]) -> None:
        if levels not in self._made:
            self._make(self._path("namespaces"), {"namespace": levels, "properties": {}})
            self._made.add(levels)

    def _make(self, path: str, body: Mapping[str, object]) -> None:
        """Ask for something to be made that may be there already; asking again does no harm."""
        answer = self._transport.send(Request(method="POST", path=path, body=_dump(body)))
        if not _OK <= answer.status < _MOVED_BOUND and answer.status != _CONFLICT:
            self._refuse(answer)

    def _read(self, request: Request) -> Answer:
        answer = self._transport.send(request)
        if answer.status in (_NOT_MODIFIED, _NOT_FOUND) or _OK <= answer.status < _MOVED_BOUND:
            return answer
        self._refuse(answer)
        return answer

    def _refuse(self, answer: Answer) -> None:
        """Say why there is no answer, or not the one that is needed."""
        if not answer.status or answer.status >= _FAILED or answer.status == _TOO_MANY:
            raise errors.CatalogUnavailable(
                f"the catalog {self.place} does not answer",
                why=_said(answer),
                hint="see that its server runs and can be reached, and try again",
            )
        raise errors.LakewrightError(
            f"the catalog {self.place} refuses",
            why=_said(answer),
            hint="see its `catalog` in lakewright.yaml, and LAKEWRIGHT_CATALOG_TOKEN or"
            " LAKEWRIGHT_CATALOG_CREDENTIAL",
        )

    def _parsed(self, answer: Answer) -> Mapping[str, object]:
        try:
            found: object = json.loads(answer.body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise errors.LakewrightError(
                f"what answers at {self.place} is no Iceberg catalog",
                why=f"it said {answer.body[:100]!r}",
                hint="see the `uri` of the `catalog` in lakewright.yaml",
            )
        return found

    def _config(self) -> _Config:
        if self._configured is None:
            query = {"warehouse": self._warehouse} if self._warehouse else {}
            answer = self._read(Request(method="GET", path="v1/config", query=query))
            if answer.status == _NOT_FOUND:
                self._refuse(answer)
            said = self._parsed(answer)
            known = {**_texts(said.get("defaults")), **_texts(said.get("overrides"))}
            endpoints = said.get("endpoints")
            self._configured = _Config(
                prefix=known.get("prefix", ""),
                separator=unquote(known.get("namespace-separator", _SEPARATOR)),
                may_commit_many=isinstance(endpoints, list) and COMMIT_MANY in endpoints,
            )
        return self._configured

    def _path(self, end: str) -> str:
        prefix = self._config().prefix
        return f"v1/{quote(prefix, safe='/%')}/{end}" if prefix else f"v1/{end}"

    def _namespace_path(self, layer: str) -> str:
        name = self._config().separator.join((*self._namespace, layer))
        return self._path(f"namespaces/{quote(name, safe='')}")

    def _table_path(self, table: str) -> str:
        layer, _, name = table.partition(".")
        return f"{self._namespace_path(layer)}/tables/{quote(name, safe='')}"


def _is_blank(document: Document) -> bool:
    """Whether a table was made for a commit that has not come."""
    return metadata.current_snapshot(document) is None and not any(
        one["fields"] for one in document["schemas"]
    )


def _conflict(tables: str, why: str) -> errors.CommitConflict:
    return errors.CommitConflict(
        f"the catalog refuses the commit to {tables}",
        why=why,
        hint="run it again: it will start from the table's present state",
    )


def _dump(body: Mapping[str, object]) -> str:
    return json.dumps(body, separators=(",", ":"))


def _texts(found: object) -> Mapping[str, str]:
    return (
        {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}
    )


def _said(answer: Answer) -> str:
    """The server's reason, at most some lines of it, or why there is none."""
    if not answer.status:
        return answer.why
    try:
        said = json.loads(answer.body)["error"]["message"]
    except (ValueError, KeyError, TypeError):
        said = answer.body
    text = " ".join(str(said).split())[:500]
    return f"it answered {answer.status}: {text}" if text else f"it answered {answer.status}"
