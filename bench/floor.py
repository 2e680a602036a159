"""The floor: DuckDB reads the shop's orders typed and writes Parquet (zstd), and nothing else.

No quarantine, no types of ours, no table, no sync: what reading and writing alone cost on this
machine. Records that do not fit are dropped without a word, which is why it is no product.
"""

import sys

import duckdb

COLUMNS = {
    "order_id": "BIGINT",
    "customer_id": "BIGINT",
    "ordered_at": "TIMESTAMP",
    "updated_at": "TIMESTAMP",
    "status": "VARCHAR",
    "quantity": "INTEGER",
    "unit_price": "DECIMAL(12,2)",
    "note": "VARCHAR",
}


def main(csv: str, parquet: str, threads: int) -> None:
    """Read one file, write the other."""
    connection = duckdb.connect()
    connection.execute(f"SET threads = {threads}")
    connection.execute("SET preserve_insertion_order = false")
    orders = connection.read_csv(csv, header=True, columns=COLUMNS, ignore_errors=True)
    orders.write_parquet(parquet, compression="zstd")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
