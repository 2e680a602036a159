"""What is particular to a catalog that is a server: its answers get lost, and it makes tables."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, repeat
from pathlib import Path

import pytest

from lakewright import errors
from lakewright.lake import metadata
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
