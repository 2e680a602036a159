"""The whole journey with a server as the catalog: the same tables as with a file, the same words.

The child that reads files has no network here either: what it asks the server goes by its parent.
"""

from collections.abc import Mapping
from pathlib import Path

import pyarrow
import pytest
from pyiceberg.catalog.rest import RestCatalog

from lakewright.ingest import sample
from tests.rest_catalog.proxy import Fate, Proxy
from tests.rest_catalog.server import RestServer
from tests.system.conftest import House, Rows, multiset, of_example


class OnServer(House):
    """A project whose catalog is a server."""

    def __init__(self, house: House, server: RestServer, url: str | None = None) -> None:
        """`url`: of what stands before the server; None: nothing does."""
        super().__init__(house.folder)
        self.url = url or server.url
        self.namespace = server.new_namespace()
        text = (house.folder / "lakewright.yaml").read_text("utf-8")
        assert "environments:" not in text
        catalog = f"{{kind: rest, uri: {self.url}, namespace: {self.namespace}}}"
        chosen = f"environments:\n  local:\n    catalog: {catalog}\n"
        self.write({"lakewright.yaml": f"{text}\n{chosen}"})

    def table_names(self) -> list[str]:
        return [each["table"] for each in self.ask("tables", "list")]

    def table(self, name: str) -> pyarrow.Table:
        """A table's rows as PyIceberg reads them from the server."""
        catalog = RestCatalog("theirs", uri=self.url)
        try:
            return catalog.load_table(f"{self.namespace}.{name}").scan().to_arrow()
        finally:
            catalog.close()


def rows_of(house: House) -> Mapping[str, Rows]:
    return {name: multiset(house.table(name)) for name in house.table_names()}


@pytest.fixture
def house(tmp_path: Path, rest_server: RestServer) -> OnServer:
    return OnServer(of_example("shop", tmp_path / "project"), rest_server)


def test_a_file_becomes_the_same_tables_as_with_a_catalog_of_files(
    house: OnServer, tmp_path: Path
) -> None:
    embedded = of_example("shop", tmp_path / "embedded")
    for number, rows in enumerate((300, 200)):
        files = sample.write_shop(tmp_path / f"files-{number}", rows=rows, seed=number)
        for one in (house, embedded):
            one.upload(files.customers, files.orders)
    assert not (house.storage / "catalog.sqlite").exists()
    assert rows_of(house) == rows_of(embedded)
    sql = "SELECT count(*) AS n FROM bronze.orders"
    assert house.ask("sql", sql) == embedded.ask("sql", sql)


def test_tables_are_shown_rolled_back_and_kept_up(house: OnServer, tmp_path: Path) -> None:
    first = sample.write_shop(tmp_path / "files", rows=30)
    house.upload(first.customers, first.orders)
    before = rows_of(house)
    house.upload(sample.write_shop(tmp_path / "more", rows=20, seed=8).orders)
    after = rows_of(house)
    [newest, *_] = house.ask("tables", "history", "gold.daily_revenue")
    assert house.do("tables", "rollback", "gold.daily_revenue").code == 0
    assert rows_of(house)["gold.daily_revenue"] == before["gold.daily_revenue"]
    back = house.do("tables", "rollback", "gold.daily_revenue", "--to", newest["snapshot_id"])
    assert back.code == 0, back.err
    assert rows_of(house) == after
    assert house.do("tables", "upkeep").code == 0
    assert rows_of(house) == after
    [known] = house.upload(first.orders)
    assert known["status"] == "already_loaded"


def test_a_server_that_does_not_answer_is_named_and_nothing_is_lost(
    house: OnServer, tmp_path: Path
) -> None:
    first = sample.write_shop(tmp_path / "files", rows=30)
    house.upload(first.customers)
    text = (house.folder / "lakewright.yaml").read_text("utf-8")
    house.write({"lakewright.yaml": text.replace(house.url, "http://127.0.0.1:9")})
    refused = house.do("tables", "list")
    assert refused.code == 1
    assert "error[catalog-unavailable]" in refused.err
    assert "http://127.0.0.1:9" in refused.err
    house.write({"lakewright.yaml": text})
    house.upload(first.orders)
    assert house.count("bronze.orders") == 30


def test_runs_whose_commits_get_no_answer_are_told_as_they_went_and_load_nothing_twice(
    rest_server: RestServer, tmp_path: Path
) -> None:
    fates = [Fate.RESET, Fate.FINE, Fate.LOST, Fate.FAILED_503, Fate.LATE, Fate.HALF]
    with Proxy(rest_server.url, iter(fates)) as proxy:
        house = OnServer(of_example("shop", tmp_path / "project"), rest_server, proxy.url)
        rows = 0
        for number in range(4):
            files = sample.write_shop(tmp_path / f"files-{number}", rows=10 + number, seed=number)
            [orders] = house.upload(files.orders)
            assert (orders["status"], orders["records_in"]) == ("loaded", 10 + number)
            rows += orders["rows_loaded"]
        assert proxy.met[: len(fates)] == fates
        assert house.count("bronze.orders") == rows
        runs = house.ask("runs", "list")
        assert {each["status"] for each in runs} == {"succeeded"}
        made = [each["run_id"] for each in house.ask("tables", "history", "bronze.orders")]
        assert len(made) == len(set(made)) == 4
