import hashlib
import os
from pathlib import Path

import pytest

from lakewright import errors
from lakewright.ingest import receiving
from lakewright.lake.raw import LocalRawStore
from lakewright.project.project import Project
from lakewright.project.source import Source

SHOP = Project(
    name="shop",
    sources={
        "orders": Source(name="orders", match=("orders*.csv",), file="sources/orders.yaml"),
        "clients": Source(name="clients", match=("cust*", "*.vcf")),
        "weather": Source(name="weather"),
    },
)


@pytest.mark.parametrize(
    ("file_name", "given", "expected"),
    [
        ("orders_2024-01.csv", None, "orders"),
        ("customers.csv", None, "clients"),
        ("customers.csv", "orders", "orders"),
        ("customers.csv", "something_new", "something_new"),
        ("weather_2024-01-31.json.gz", None, "weather"),
        ("Unknown Things-2024-01-31.csv", None, "unknown_things"),
    ],
)
def test_a_file_belongs_to_the_source_named_matched_or_suggested(
    file_name: str, given: str | None, expected: str
) -> None:
    assert receiving.source_of(file_name, SHOP, given) == expected


@pytest.mark.parametrize(
    ("file_name", "given", "what"),
    [
        ("a.csv", "No Name", "cannot name a source"),
        ("a.csv", "../raw", "cannot name a source"),
        ("orders.json", None, "belongs to no source"),
        ("customers.vcf.csv", "", "cannot name a source"),
    ],
)
def test_an_unclear_source_is_refused(file_name: str, given: str | None, what: str) -> None:
    with pytest.raises(errors.UsageError, match=what) as caught:
        receiving.source_of(file_name, SHOP, given)
    assert caught.value.hint


def test_bytes_arrive_whole_under_their_hash(tmp_path: Path) -> None:
    data = os.urandom(3_000_000)
    path = tmp_path / "orders.csv"
    path.write_bytes(data)
    store = LocalRawStore(tmp_path / "raw")
    progress: list[int] = []
    received = receiving.receive(path, SHOP, store, report=progress.append)
    assert (received.source, received.sha256) == ("orders", hashlib.sha256(data).hexdigest())
    assert store.path("orders", received.sha256).read_bytes() == data
    assert progress[-1] == received.size_bytes == len(data)


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    store = LocalRawStore(tmp_path / "raw")
    with pytest.raises(errors.UsageError, match="is a folder"):
        receiving.receive(tmp_path, SHOP, store)
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    with pytest.raises(errors.UsageError, match="pipe"):
        receiving.receive(pipe, SHOP, store)
    with pytest.raises(errors.UsageError, match="device"):
        receiving.receive(Path("/dev/zero"), SHOP, store)


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    store = LocalRawStore(tmp_path / "raw")
    for path in (tmp_path / "absent.csv", tmp_path / "absent" / "x.csv"):
        with pytest.raises(errors.NotFound, match="there is no file"):
            receiving.receive(path, SHOP, store)
    loop = tmp_path / "loop.csv"
    loop.symlink_to(loop)
    with pytest.raises(errors.LakewrightError, match="cannot be read"):
        receiving.receive(loop, SHOP, store)
