"""What is done while a fault strikes: an upload of each form of file, and what else changes tables.

Each deed begins with tables that hold something, and is one command. Given again, it changes
nothing more.
"""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lakewright.lake import upkeep
from tests.system.conftest import House

FORMS = ("csv", "json", "parquet")
"""An upload of a file of this form."""

AGAIN, ROLLBACK, UPKEEP = "again", "rollback", "upkeep"
"""An upload that replaces its own rows; a table, and what is made from it, goes back; small files
become one, snapshots are forgotten and files deleted."""

ALL = (*FORMS, AGAIN, ROLLBACK, UPKEEP)

ROWS = 40
PROJECT = {
    "lakewright.yaml": "name: faults\n",
    "sources/orders.yaml": """
columns:
  - {name: id, type: bigint, required: true}
  - {name: customer, type: string}
  - {name: quantity, type: int}
key: id
bad_records: {share_max: 0.5}
""",
    "models/silver/orders.sql": """/*
write: merge
key: id
latest_by: quantity
checks: [{unique: id}]
*/
SELECT id, customer, quantity FROM bronze.orders
""",
    "models/gold/customers.sql": """
SELECT customer, count(*) AS orders, sum(quantity) AS quantity FROM silver.orders GROUP BY customer
""",
}


_SHORT = "name: faults\nenvironments: {local: {snapshots_kept: 1, orphans_kept: 0s}}\n"
"""A project that keeps little, so that upkeep has something to forget and to delete."""


def begin(house: House, deed: str) -> Sequence[str]:
    """Make the project, up to where the deed begins; the command that does it."""
    house.write(PROJECT)
    folder = house.folder.parent
    if deed in FORMS:
        first, second = (_orders(folder / f"orders_{number}.{deed}", number) for number in range(2))
        house.load(first, source="orders")
        return ("upload", str(second), "--source", "orders")
    if deed == UPKEEP:
        files = [
            _small(folder / f"orders_{number}.csv") for number in range(upkeep.SMALL_FILES_MIN)
        ]
        house.load(*files, source="orders")
        house.write({"lakewright.yaml": _SHORT})
        return ("tables", "upkeep")
    files = [_orders(folder / f"orders_{number}.csv", number) for number in range(2)]
    for file in files:
        house.load(file, source="orders")
    if deed == AGAIN:
        return ("upload", str(files[0]), "--again", "--source", "orders")
    first = house.ask("tables", "history", "bronze.orders")[-1]["snapshot_id"]
    return ("tables", "rollback", "bronze.orders", "--to", str(first))


def _orders(path: Path, number: int) -> Path:
    """A file of `ROWS` records; some repeat keys of the one before, two of a text form are bad."""
    ids = [number * 20 + place for place in range(ROWS)]
    customers = ["abc"[identity % 3] for identity in ids]
    quantities = [number * 100 + place for place in range(ROWS)]
    if path.suffix == ".parquet":
        columns = {"id": pa.array(ids, pa.int64()), "customer": customers,
                   "quantity": pa.array(quantities, pa.int32())}  # fmt: skip
        pq.write_table(pa.table(columns), path)
        return path
    rows = list(zip(map(str, ids), customers, map(str, quantities), strict=True))
    rows += [("x", "a", "1"), (f"{number}", "b", "many")]
    if path.suffix == ".json":
        lines = [f'{{"id": "{i}", "customer": "{c}", "quantity": "{q}"}}' for i, c, q in rows]
    else:
        lines = ["id,customer,quantity", *(",".join(row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def _small(path: Path) -> Path:
    """A file of two records, of which one is bad: so it shares its files with no other upload."""
    path.write_text(f"id,customer,quantity\n{path.stem[7:]},a,1\nx,b,{path.stem[7:]}\n", "utf-8")
    return path
