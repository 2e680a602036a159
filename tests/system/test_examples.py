"""Both examples from file to gold: right, and the same however the files come.

What is expected is computed by DuckDB or pandas from the files themselves.
"""

import gzip
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import duckdb
import pandas
import pytest

from lakewright.ingest import sample
from tests.system.conftest import Digest, House, of_example, reconciles

ORDERS = 10_000


@pytest.fixture(scope="module")
def flights(tmp_path_factory: pytest.TempPathFactory, flight_files: Mapping[str, Path]) -> House:
    """The flights example, loaded."""
    house = of_example("flights", tmp_path_factory.mktemp("flights") / "project")
    house.upload(*flight_files.values())
    return house


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> sample.Delivery:
    """The shop's files and the truth about them."""
    return sample.write_shop(tmp_path_factory.mktemp("shop"), rows=ORDERS)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory, delivery: sample.Delivery) -> House:
    """The shop example, loaded once; nobody changes it."""
    house = of_example("shop", tmp_path_factory.mktemp("loaded") / "project")
    house.upload(delivery.customers, delivery.orders)
    return house


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[House]:
    """The shop example, empty."""
    made = of_example("shop", tmp_path / "project")
    yield made
    made.close()


def modelled(house: House) -> Mapping[str, Digest]:
    """Silver and gold."""
    return {name: house.digest(name) for name in house.table_names()
            if name.startswith(("silver.", "gold."))}  # fmt: skip


def split(path: Path, folder: Path, pieces: int) -> list[Path]:
    """A CSV file's records in several files, each with the header."""
    header, *records = whole_records(path)
    folder.mkdir(exist_ok=True)
    size = -(-len(records) // pieces)
    parts = []
    for number in range(pieces):
        part = folder / f"{path.stem}_{number}.csv"
        part.write_bytes(b"".join([header, *records[number * size : (number + 1) * size]]))
        parts.append(part)
    return parts


def whole_records(path: Path) -> list[bytes]:
    """A file's records as bytes; a record with an open quote goes on in the next line."""
    records: list[bytes] = []
    for line in path.read_bytes().splitlines(keepends=True):
        if records and records[-1].count(b'"') % 2:
            records[-1] += line
        else:
            records.append(line)
    return records


def test_every_record_of_the_flights_is_loaded(
    flights: House, flight_files: Mapping[str, Path]
) -> None:
    uploads = flights.ask("uploads", "list")
    assert {each["source"]: each["rows"] for each in uploads} == {
        name: len(pandas.read_csv(path)) for name, path in flight_files.items()
    }
    assert all(each["quarantined"] == 0 for each in uploads)
    assert all(each["records"] == each["rows"] for each in uploads)


def expected(path: Path, query: str) -> list[tuple[object, ...]]:
    """What DuckDB computes from a file as it is."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(
        f"CREATE VIEW f AS FROM read_csv('{path}', nullstr = ['', 'NA'], sample_size = -1)"
    )
    return connection.execute(query).fetchall()


def found(house: House, table: str, query: str) -> list[tuple[object, ...]]:
    """What DuckDB computes from a table as PyIceberg reads it."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.register("t", house.table(table))
    return connection.execute(query).fetchall()


def test_silver_flights_say_what_the_file_says(
    flights: House, flight_files: Mapping[str, Path]
) -> None:
    columns = (
        "count(*), count({tail}), count({air}), sum({air}), sum({miles}), sum({late}),"
        " count({late}), count(*) FILTER (WHERE {cancelled}), epoch_us(min({hour})),"
        " epoch_us(max({hour})),"
        " count(DISTINCT {tail})"
    )
    assert found(flights, "silver.flights", "SELECT " + columns.format(
        tail="tailnum", air="air_time_minutes", miles="distance_miles",
        late="arrival_delay_minutes", cancelled="is_cancelled", hour="scheduled_hour",
    ) + " FROM t") == expected(flight_files["flights"], "SELECT " + columns.format(
        tail="tailnum", air="air_time", miles="distance", late="arr_delay",
        cancelled="dep_time IS NULL", hour="time_hour::TIMESTAMPTZ",
    ) + " FROM f")  # fmt: skip


def test_a_departure_is_the_clock_of_the_file_on_the_right_day(
    flights: House, flight_files: Mapping[str, Path]
) -> None:
    clock = (
        "SELECT coalesce(sum(hour(departure) * 100 + minute(departure)), 0),"
        " count(*) FILTER (WHERE CAST(departure AS DATE) > flight_date),"
        " count(*) FILTER (WHERE date_diff('minute', scheduled_departure, departure)"
        " <> departure_delay_minutes) FROM t"
    )
    [(total, next_day, wrong)] = found(flights, "silver.flights", clock)
    assert wrong == 0
    # A flight that leaves at midnight is told as 2400 by the file and as 0 by a clock.
    assert expected(
        flight_files["flights"],
        "SELECT sum(dep_time % 2400), count(*) FILTER (WHERE dep_delay > 0 AND dep_time % 2400"
        " < sched_dep_time) FROM f",
    ) == [(total, next_day)]


def test_the_delay_by_carrier_and_month_is_what_pandas_computes(
    flights: House, flight_files: Mapping[str, Path]
) -> None:
    frame = pandas.read_csv(flight_files["flights"])
    groups = frame.groupby(["carrier", "month"])
    late = frame["arr_delay"].gt(15).groupby([frame["carrier"], frame["month"]]).sum()
    wanted = pandas.DataFrame({
        "flights": groups.size(),
        "cancelled": groups.size() - groups["dep_time"].count(),
        "mean_departure_delay": groups["dep_delay"].mean(),
        "mean_arrival_delay": groups["arr_delay"].mean(),
        "late_percent": 100 * late / groups["arr_delay"].count(),
    })  # fmt: skip
    gold = flights.table("gold.delay_by_carrier_month").to_pandas()
    gold["month"] = pandas.to_datetime(gold["flight_month"]).dt.month
    gold = gold.set_index(["carrier", "month"]).sort_index()
    assert list(gold.index) == list(wanted.index)
    for name in wanted:
        # The model rounds to one decimal.
        assert (gold[name].astype(float) - wanted[name]).abs().max() <= 0.05 + 1e-9, name
    names = pandas.read_csv(flight_files["airlines"]).set_index("carrier")["name"]
    assert all(gold["carrier_name"] == [names[carrier] for carrier, _ in gold.index])


def test_the_worst_route_is_the_one_that_duckdb_finds(
    flights: House, flight_files: Mapping[str, Path]
) -> None:
    wanted = expected(
        flight_files["flights"],
        "SELECT origin, dest, count(*) FROM f GROUP BY ALL HAVING count(*) >= 100"
        " ORDER BY avg(arr_delay) DESC LIMIT 1",
    )
    worst = "SELECT origin, destination, flights FROM t WHERE worst_rank = 1"
    assert wanted[0] in found(flights, "gold.worst_routes", worst)
    [(routes,)] = expected(
        flight_files["flights"],
        "SELECT count(*) FROM (SELECT 1 FROM f GROUP BY origin, dest HAVING count(*) >= 100)",
    )
    assert flights.count("gold.worst_routes") == routes


def test_every_flight_has_its_weather_or_none(
    flights: House, flight_files: Mapping[str, Path]
) -> None:
    connection = duckdb.connect()
    for name in ("flights", "weather"):
        connection.execute(
            f"CREATE VIEW {name} AS FROM read_csv('{flight_files[name]}', nullstr = ['', 'NA'],"
            " sample_size = -1)"
        )
    wanted = connection.execute(
        "SELECT origin, count(*) FROM flights LEFT JOIN weather USING (origin, time_hour)"
        " WHERE weather.year IS NULL GROUP BY origin ORDER BY origin"
    ).fetchall()
    unobserved = "SELECT origin, flights FROM t WHERE weather = 'not observed' ORDER BY origin"
    assert found(flights, "gold.delay_by_weather", unobserved) == wanted
    assert found(flights, "gold.delay_by_weather", "SELECT sum(flights) FROM t") == [(336_776,)]


def test_every_record_of_the_shop_is_a_row_or_in_quarantine(
    loaded: House, delivery: sample.Delivery
) -> None:
    uploads = {each["source"]: each for each in loaded.ask("uploads", "list")}
    orders = uploads["orders"]
    assert orders["records"] == delivery.order_records
    assert orders["quarantined"] == delivery.malformed_orders
    assert orders["rows"] == delivery.order_records - delivery.malformed_orders
    assert loaded.count("bronze.orders") == orders["rows"]
    assert loaded.count("quarantine.orders") == orders["quarantined"]
    assert uploads["customers"]["rows"] == delivery.customer_records


def test_a_quarantined_record_has_its_text_its_place_and_a_reason(
    loaded: House, delivery: sample.Delivery
) -> None:
    content = delivery.orders.read_bytes()
    records = whole_records(delivery.orders)
    for row in loaded.table("quarantine.orders").to_pylist():
        text = records[row["_record"]].rstrip(b"\n")
        assert row["raw"] == text.decode()
        start = row["byte_position"]
        assert content[start : start + len(text)] == text
        assert row["reasons"]


def test_silver_orders_hold_the_newest_version_of_each_order(loaded: House) -> None:
    [(orders, revenue)] = found(
        loaded,
        "bronze.orders",
        "WITH newest AS (SELECT * FROM t QUALIFY row_number() OVER"
        " (PARTITION BY order_id ORDER BY updated_at DESC) = 1)"
        " SELECT count(*), sum(quantity * unit_price) FROM newest",
    )
    query = "SELECT count(*), sum(amount) FROM t"
    assert found(loaded, "silver.orders", query) == [(orders, revenue)]
    [(total,)] = found(loaded, "gold.daily_revenue", "SELECT sum(orders) FROM t")
    assert total == orders
    [(total,)] = found(loaded, "gold.customer_metrics", "SELECT sum(orders) FROM t")
    assert total == orders


def in_other_order(shop: House, delivery: sample.Delivery, folder: Path) -> None:
    shop.load(delivery.orders)
    shop.load(delivery.customers)


def at_once(shop: House, delivery: sample.Delivery, folder: Path) -> None:
    shop.load(delivery.orders, delivery.customers)


def in_deliveries(shop: House, delivery: sample.Delivery, folder: Path) -> None:
    for part in split(delivery.orders, folder, 3):
        shop.load(part)
    shop.load(*split(delivery.customers, folder, 2))


def backwards(shop: House, delivery: sample.Delivery, folder: Path) -> None:
    orders = split(delivery.orders, folder, 4)
    shop.load(orders[3], *split(delivery.customers, folder, 2)[::-1])
    shop.load(orders[2], orders[0])
    shop.load(orders[1])


def with_repeats(shop: House, delivery: sample.Delivery, folder: Path) -> None:
    first, second = split(delivery.orders, folder, 2)
    shop.load(delivery.customers, first)
    shop.load(first, second, second)
    shop.load(second, first, is_again=True)


def packed(shop: House, delivery: sample.Delivery, folder: Path) -> None:
    for path in (delivery.orders, delivery.customers):
        target = folder / f"{path.name}.gz"
        target.write_bytes(gzip.compress(path.read_bytes()))
        shop.load(target)


def taken_out_and_back(shop: House, delivery: sample.Delivery, folder: Path) -> None:
    first, second = split(delivery.orders, folder, 2)
    uploads = shop.load(delivery.customers, first, second)
    before = modelled(shop)
    removed = shop.do("uploads", "remove", uploads[1].upload_id)
    assert removed.code == 0, removed.err
    assert shop.count("bronze.orders") == uploads[2].rows
    assert shop.count("quarantine.orders") == uploads[2].quarantined
    assert modelled(shop) != before
    only_second = modelled(shop)
    assert shop.do("run", "--full").code == 0
    assert modelled(shop) == only_second
    shop.load(first)


DELIVERIES: Mapping[str, Callable[[House, sample.Delivery, Path], None]] = {
    "orders before customers": in_other_order,
    "orders and customers in one command": at_once,
    "in several deliveries": in_deliveries,
    "the last one first": backwards,
    "twice and again": with_repeats,
    "packed": packed,
    "removed and uploaded again": taken_out_and_back,
}


@pytest.mark.parametrize("name", DELIVERIES)
def test_however_the_files_come_silver_and_gold_are_the_same(
    shop: House, loaded: House, delivery: sample.Delivery, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    DELIVERIES[name](shop, delivery, folder)
    assert modelled(shop) == modelled(loaded)
    for table in ("bronze.orders", "bronze.customers"):
        assert shop.digest(table) == loaded.digest(table)
    assert shop.count("quarantine.orders") == delivery.malformed_orders


def test_the_same_files_again_change_nothing(shop: House, delivery: sample.Delivery) -> None:
    first = shop.upload(delivery.customers, delivery.orders)
    assert [each["status"] for each in first] == ["loaded", "loaded"]
    assert reconciles(first)
    before = shop.snapshots()
    second = shop.upload(delivery.customers, delivery.orders)
    assert [each["status"] for each in second] == ["already_loaded", "already_loaded"]
    renamed = shop.file("orders_renamed.csv", delivery.orders.read_bytes())
    [third] = shop.upload(renamed)
    assert third["status"] == "already_loaded"
    assert third["upload_id"] == first[1]["upload_id"]
    assert shop.snapshots() == before


def test_a_full_build_equals_the_incremental_one(
    shop: House, delivery: sample.Delivery, tmp_path: Path
) -> None:
    shop.load(delivery.customers)
    for part in split(delivery.orders, tmp_path / "parts", 3):
        shop.load(part)
    incremental, before = modelled(shop), shop.snapshots()
    assert shop.do("run", "--full").code == 0
    assert modelled(shop) == incremental
    after = shop.snapshots()
    assert all(len(after[name]) == len(before[name]) + 1 for name in incremental)


def test_a_run_with_nothing_to_do_changes_nothing(loaded: House) -> None:
    before = loaded.snapshots()
    assert loaded.do("run").code == 0
    assert loaded.snapshots() == before


def test_an_upload_again_replaces_its_rows(shop: House, delivery: sample.Delivery) -> None:
    [first] = shop.upload(delivery.customers)
    [second] = shop.upload(delivery.customers, "--again")
    assert second["status"] == "loaded"
    assert second["upload_id"] == first["upload_id"]
    assert shop.count("bronze.customers") == delivery.customer_records
    assert len(shop.snapshots()["bronze.customers"]) == 2


def test_the_flights_are_the_same_in_any_order(
    flights: House, flight_files: Mapping[str, Path], tmp_path: Path
) -> None:
    other = of_example("flights", tmp_path / "project")
    for name in ("flights", "weather", "planes", "airports", "airlines"):
        other.load(flight_files[name])
    other.close()
    assert modelled(other) == modelled(flights)
    shutil.rmtree(other.folder)
