"""What is particular to a catalog that is a server: its answers get lost, and it makes tables."""

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, repeat
from pathlib import Path

import pyarrow as pa
import pytest
from pyiceberg.catalog.rest import RestCatalog as PyIcebergCatalog
from pyiceberg.exceptions import CommitFailedException

from lakewright import errors
from lakewright.lake import metadata
from lakewright.lake.catalog import Change
from lakewright.lake.cleaning import Terms
from lakewright.lake.rest_catalog import COMMIT_MANY, RestCatalog
from lakewright.lake.rest_transport import Answer, HttpTransport, Request, Transport
from lakewright.lake.staged import Published, Staged
from lakewright.sql import types
from tests.lake.conftest import NOW, Workshop
from tests.rest_catalog.proxy import Fate, Proxy, plan
from tests.rest_catalog.server import RestServer

ORDERS, SUMS = "bronze.orders", "gold.sums"
SCHEMA = types.Schema((types.Field(name="id", type=types.BIGINT),))
TIMEOUT_SECONDS = 2.0
ATTEMPTS_MAX = 40


class OneByOne:
    """Carries everything, but lets the server not say that it commits several tables at once."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner

    def send(self, request: Request) -> Answer:
        answer = self._inner.send(request)
        return replace(answer, body=answer.body.replace(f'"{COMMIT_MANY}",', ""))

    def close(self) -> None:
        self._inner.close()


@contextlib.contextmanager
def through(
    folder: Path, server: RestServer, fates: Iterator[Fate], *, is_one_by_one: bool = False
) -> Iterator[Workshop]:
    """A lake whose commits meet these fates on their way to the server, or back."""
    with Proxy(server.url, fates) as proxy:
        transport: Transport = HttpTransport(proxy.url, timeout_seconds=TIMEOUT_SECONDS)
        if is_one_by_one:
            transport = OneByOne(transport)
        catalog = RestCatalog(transport, proxy.url, namespace=[server.new_namespace()])
        yield Workshop(folder / "lake", catalog)
        catalog.close()


def insist(workshop: Workshop, staged: Sequence[Staged], run: str) -> Sequence[Published]:
    """Publish as a run does: an attempt that leaves it open is followed by another."""
    for _ in range(ATTEMPTS_MAX):
        with contextlib.suppress(errors.CommitUnknown, errors.CatalogUnavailable):
            return workshop.publish(*staged, run=run)
    raise AssertionError(f"{ATTEMPTS_MAX} attempts came to nothing")


def insist_anew(workshop: Workshop, tables: Sequence[str], number: int) -> None:
    """As `insist`; what a late commit of an earlier attempt has moved is found to be done."""
    run = f"run{number}"
    staged = [workshop.stage(table, SCHEMA, [{"id": number}], run=run) for table in tables]
    for _ in range(ATTEMPTS_MAX):
        try:
            insist(workshop, staged, run)
        except errors.CommitConflict:
            continue
        return


def check(workshop: Workshop, table: str, count: int) -> None:
    """Every row once, every snapshot once, one line of history, every file there."""
    assert sorted(row["id"] for row in workshop.rows(table)) == list(range(count))
    document = metadata.read(workshop.lake.storage.pointer(table))
    kept = list(metadata.snapshots(document))
    assert [one["summary"]["lakewright.run"] for one in kept] == [f"run{n}" for n in range(count)][
        -len(kept) :
    ]
    assert list(metadata.ancestors(document)) == kept[::-1]
    assert all(Path(file.path).exists() for file in workshop.lake.file_set(table).files)


@pytest.mark.parametrize("fate", list(Fate))
@pytest.mark.parametrize("tables", [[ORDERS], [ORDERS, SUMS]], ids=["one", "two"])
def test_a_commit_whose_answer_is_lost_is_made_once(
    tmp_path: Path, rest_server: RestServer, fate: Fate, tables: list[str]
) -> None:
    fates = chain([Fate.FINE, fate], repeat(Fate.FINE))
    with through(tmp_path, rest_server, fates) as workshop:
        for number in range(3):
            insist_anew(workshop, tables, number)
        for table in tables:
            check(workshop, table, 3)


def test_a_first_commit_whose_answer_is_lost_makes_the_table_once(
    tmp_path: Path, rest_server: RestServer
) -> None:
    with through(tmp_path, rest_server, iter([Fate.LOST, Fate.UNMADE, Fate.RESET])) as workshop:
        staged = workshop.stage(ORDERS, SCHEMA, [{"id": 0}], run="run0")
        with pytest.raises(errors.CommitUnknown):
            workshop.publish(staged, run="run0")
        assert workshop.lake.tables() == ()
        insist(workshop, [staged], "run0")
        check(workshop, ORDERS, 1)


@pytest.mark.parametrize("fate", [Fate.RESET, Fate.FAILED_500, Fate.FAILED_503, Fate.SILENT])
def test_a_commit_that_came_through_needs_no_second_attempt(
    tmp_path: Path, rest_server: RestServer, fate: Fate
) -> None:
    with through(tmp_path, rest_server, iter([fate])) as workshop:
        published = workshop.append(ORDERS, SCHEMA, [{"id": 0}], "run0")
        assert published.snapshot_id == workshop.lake.observe()[ORDERS].snapshot_id
        check(workshop, ORDERS, 1)


def test_tables_that_a_server_takes_one_by_one_are_finished_by_the_next_attempt(
    tmp_path: Path, rest_server: RestServer
) -> None:
    fates = iter([Fate.FINE, Fate.LOST])
    with through(tmp_path, rest_server, fates, is_one_by_one=True) as workshop:
        staged = [
            workshop.stage(ORDERS, SCHEMA, [{"id": 0}], run="run0"),
            workshop.stage(SUMS, SCHEMA, [{"id": 0}], run="run0", consumed={ORDERS: None}),
        ]
        with pytest.raises(errors.CommitUnknown, match=SUMS):
            workshop.publish(*staged, run="run0")
        assert workshop.lake.tables() == (ORDERS,)
        orders, sums = workshop.publish(*staged, run="run0")
        assert (orders.is_repeat, sums.is_repeat) == (True, False)
        assert workshop.lake.observe()[SUMS].consumed == {ORDERS: orders.snapshot_id}
        check(workshop, ORDERS, 1)
        check(workshop, SUMS, 1)


def test_a_publish_that_cannot_be_finished_says_what_is_published(
    tmp_path: Path, rest_server: RestServer
) -> None:
    fates = iter([Fate.FINE, Fate.FINE, Fate.LOST])
    with through(tmp_path, rest_server, fates, is_one_by_one=True) as workshop:
        workshop.append(SUMS, SCHEMA, [{"id": 0}], "before")
        staged = [
            workshop.stage(table, SCHEMA, [{"id": 1}], run="run1") for table in (ORDERS, SUMS)
        ]
        with pytest.raises(errors.CommitUnknown):
            workshop.publish(*staged, run="run1")
        workshop.append(SUMS, SCHEMA, [{"id": 2}], "another")
        for _ in range(2):
            with pytest.raises(errors.PublishedInPart, match=ORDERS):
                workshop.publish(*staged, run="run1")
        anew = [workshop.stage(table, SCHEMA, [{"id": 1}], run="run1") for table in (ORDERS, SUMS)]
        with pytest.raises(errors.PublishedInPart):
            workshop.publish(*anew, run="run1")
        assert [row["id"] for row in workshop.rows(ORDERS)] == [1]
        assert sorted(row["id"] for row in workshop.rows(SUMS)) == [0, 2]


def test_upkeep_deletes_no_file_of_a_commit_that_may_still_come(
    tmp_path: Path, rest_server: RestServer
) -> None:
    with through(tmp_path, rest_server, iter([Fate.FINE, Fate.LOST])) as workshop:
        workshop.append(ORDERS, SCHEMA, [{"id": 0}], "run0")
        staged = workshop.stage(ORDERS, SCHEMA, [{"id": 1}], run="run1")
        with pytest.raises(errors.CommitUnknown):
            workshop.publish(staged, run="run1")
        folder = workshop.lake.storage.location(ORDERS)
        before = {path for path in folder.rglob("*") if path.is_file()}
        terms = Terms(now=NOW.replace(year=2100), grace_seconds=3600, tokens=frozenset(["run1"]))
        young = replace(terms, now=NOW.replace(year=2000))
        assert workshop.lake.tidy(ORDERS, 1, young).files == ()
        assert {path for path in folder.rglob("*") if path.is_file()} == before
        workshop.lake.tidy(ORDERS, 1, terms)
        assert all(Path(file.path).exists() for file in staged.added)
        insist(workshop, [staged], "run1")
        check(workshop, ORDERS, 2)


def survive(folder: Path, server: RestServer, count: int, seed: int) -> Sequence[Fate]:
    """Publish so often through a proxy that loses answers; what its commits met."""
    with Proxy(server.url, plan(seed)) as proxy:
        transport = HttpTransport(proxy.url, timeout_seconds=TIMEOUT_SECONDS)
        catalog = RestCatalog(transport, proxy.url, namespace=[server.new_namespace()])
        workshop = Workshop(folder / "lake", catalog)
        number = 0
        while len(proxy.met) < count:
            insist_anew(workshop, [ORDERS, SUMS] if number % 3 == 0 else [ORDERS], number)
            if number % 3:
                insist_anew(workshop, [SUMS], number)
            number += 1
            if number % 25 == 0:
                terms = Terms(now=NOW, grace_seconds=3600)
                with contextlib.suppress(errors.CommitUnknown, errors.CommitConflict):
                    workshop.lake.tidy(ORDERS, 20, terms)
        check(workshop, ORDERS, number)
        check(workshop, SUMS, number)
        catalog.close()
        return tuple(proxy.met)


def test_some_commits_through_a_proxy_that_loses_answers(
    tmp_path: Path, rest_server: RestServer
) -> None:
    met = survive(tmp_path, rest_server, 20, seed=1)
    assert len(set(met)) > 4


@pytest.mark.slow
def test_a_thousand_commits_through_a_proxy_that_loses_answers(
    tmp_path: Path, rest_server: RestServer
) -> None:
    met = survive(tmp_path, rest_server, 1000, seed=2)
    assert set(met) == set(Fate)


class Scripted:
    """A server that gives the same answer to every commit, and to all reads another."""

    def __init__(self, *, commit: Answer, read: Answer) -> None:
        self._commit = commit
        self._read = read
        self.asked: list[Request] = []

    def send(self, request: Request) -> Answer:
        self.asked.append(request)
        if request.path == "v1/config":
            return Answer(status=200, body='{"overrides": {"prefix": "a b"}, "defaults": {}}')
        return self._read if request.method == "GET" else self._commit

    def close(self) -> None:
        pass


FINE = Answer(status=200, body="{}")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(status=409), errors.CommitConflict),
        (Answer(status=404), errors.CommitConflict),
        (Answer(status=500), errors.CommitUnknown),
        (Answer(status=502), errors.CommitUnknown),
        (Answer(status=503), errors.CommitUnknown),
        (Answer(status=504), errors.CommitUnknown),
        (Answer(why="reset"), errors.CommitUnknown),
        (Answer(is_sent=False, why="refused"), errors.CatalogUnavailable),
        (Answer(status=429), errors.CatalogUnavailable),
        (Answer(status=400, body='{"error": {"message": "bad"}}'), errors.LakewrightError),
        (Answer(status=403), errors.LakewrightError),
    ],
    ids=str,
)
def test_an_answer_to_a_commit_is_taken_for_what_it_says(
    tmp_path: Path, answer: Answer, kind: type[errors.LakewrightError]
) -> None:
    catalog = RestCatalog(Scripted(commit=answer, read=FINE), "http://x")
    document = metadata.new("0", str(tmp_path), 5)
    change = Change(table=ORDERS, pointer="x", before=document, updates=(), after=document)
    with pytest.raises(errors.LakewrightError) as told:
        catalog.commit([change], [], tmp_path)
    assert type(told.value) is kind
    assert told.value.is_transient == (kind is not errors.LakewrightError)


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (Answer(is_sent=False, why="refused"), errors.CatalogUnavailable, "refused"),
        (Answer(status=503), errors.CatalogUnavailable, "503"),
        (Answer(status=401), errors.LakewrightError, "LAKEWRIGHT_CATALOG_TOKEN"),
        (Answer(status=200, body="<html>"), errors.LakewrightError, "no Iceberg catalog"),
    ],
    ids=str,
)
def test_a_catalog_that_cannot_be_read_says_why(
    answer: Answer, kind: type[errors.LakewrightError], said: str
) -> None:
    catalog = RestCatalog(Scripted(commit=FINE, read=answer), "http://x")
    for ask in (catalog.pointers, lambda: catalog.pointer(ORDERS)):
        with pytest.raises(errors.LakewrightError, match=said) as told:
            ask()
        assert type(told.value) is kind


def test_names_are_quoted_and_levels_separated_as_the_server_says() -> None:
    scripted = Scripted(commit=FINE, read=Answer(status=404))
    assert RestCatalog(scripted, "http://x", "w", ["te/am"]).pointer("bronze.a b") is None
    assert [one.path for one in scripted.asked] == [
        "v1/config", "v1/a%20b/namespaces/te%2Fam%1Fbronze/tables/a%20b",
    ]  # fmt: skip
    assert scripted.asked[0].query == {"warehouse": "w"}


def test_pages_of_tables_are_read_to_their_end_and_known_tables_not_again() -> None:
    class Paged(Scripted):
        def send(self, request: Request) -> Answer:
            if request.path == "v1/config":
                return super().send(request)
            self.asked.append(request)
            if not request.path.endswith("/tables"):
                if request.etag:
                    return Answer(status=304)
                document = {"schemas": [{"fields": [1]}]}
                found = {"metadata-location": request.path, "metadata": document}
                return Answer(status=200, body=json.dumps(found), etag="e")
            if "bronze" not in request.path:
                return Answer(status=404)
            number = int(request.query.get("pageToken", "0"))
            page = {"identifiers": [{"name": f"t{number}"}]}
            more = {"next-page-token": str(number + 1)} if number < 2 else {}
            return Answer(status=200, body=json.dumps(page | more))

    scripted = Paged(commit=FINE, read=FINE)
    catalog = RestCatalog(scripted, "http://x")
    first = catalog.pointers()
    assert list(first) == ["bronze.t0", "bronze.t1", "bronze.t2"]
    assert catalog.pointers() == first
    assert len([one for one in scripted.asked if one.etag]) == 3


def test_what_pyiceberg_appends_is_seen_and_kept(rest_workshop: Workshop) -> None:
    rest_workshop.append(ORDERS, SCHEMA, [{"id": 1}], "run1")
    url, namespace = rest_workshop.lake.storage.catalog.place.split()
    theirs = PyIcebergCatalog("theirs", uri=url)
    table = theirs.load_table(f"{namespace}.{ORDERS}")
    assert table.scan().to_arrow().to_pylist() == [{"id": 1}]
    table.append(pa.table({"id": [2]}))
    late = rest_workshop.stage(ORDERS, SCHEMA, [{"id": 3}], run="run3")
    rest_workshop.publish(late, run="run3")
    with pytest.raises(CommitFailedException):
        table.append(pa.table({"id": [9]}))
    theirs.close()
    assert sorted(row["id"] for row in rest_workshop.rows(ORDERS)) == [1, 2, 3]
