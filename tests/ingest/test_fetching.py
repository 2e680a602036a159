"""Files from a folder, a web server, an SFTP server and an S3 service, each read once."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from lakewright import errors
from lakewright.ingest import fetching
from lakewright.ingest.fetching import Batch, Order
from lakewright.lake.raw import LocalRawStore


def fetch(tmp_path: Path, order: Order) -> Batch:
    return fetching.fetch(order, LocalRawStore(tmp_path / "raw"), lambda _: None)


def order_for(tmp_path: Path, location: str) -> Order:
    return Order(source="orders", location=location, folder=tmp_path)


def after(order: Order, *batches: Batch) -> Order:
    """The order of the next tick."""
    marks = {file.name: file.mark for batch in batches for file in batch.files if file.mark}
    return replace(order, marks={**order.marks, **marks})


def names(batch: Batch) -> list[str]:
    return [file.file_name for file in batch.files]


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    for name in ("b.csv", "a.csv", "note.txt", ".hidden.csv", "deep/c.csv"):
        (folder / name).write_text(name, "utf-8")
    return folder


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("in", ["a.csv", "b.csv", "note.txt"]),
        ("in/", ["a.csv", "b.csv", "note.txt"]),
        ("in/*.csv", ["a.csv", "b.csv"]),
        ("in/**/*.csv", ["a.csv", "b.csv", "c.csv"]),
        ("in/[b]*", ["b.csv"]),
        ("in/a.csv", ["a.csv"]),
        ("{inbox}/*.txt", ["note.txt"]),
        ("in/*.parquet", []),
    ],
)
def test_a_folder_a_pattern_and_a_file_mean_the_files_there(
    tmp_path: Path, inbox: Path, location: str, expected: list[str]
) -> None:
    batch = fetch(tmp_path, order_for(tmp_path, location.format(inbox=inbox)))
    assert names(batch) == expected
    assert (batch.seen, batch.after) == (len(expected), None)
    for file in batch.files:
        stored = LocalRawStore(tmp_path / "raw").path("orders", file.sha256).read_bytes()
        assert (hashlib.sha256(stored).hexdigest(), len(stored)) == (file.sha256, file.size_bytes)


def test_a_file_that_did_not_change_is_not_read_again(tmp_path: Path, inbox: Path) -> None:
    order = order_for(tmp_path, "in/*.csv")
    first = fetch(tmp_path, order)
    order = after(order, first)
    again = fetch(tmp_path, order)
    assert (again.files, again.seen) == ((), 2)
    (inbox / "a.csv").write_text("new", "utf-8")
    (inbox / "z.csv").write_text("z", "utf-8")
    assert names(fetch(tmp_path, order)) == ["a.csv", "z.csv"]


def test_a_file_of_another_name_time_or_inode_is_seen_to_have_changed(
    tmp_path: Path, inbox: Path
) -> None:
    order = after(order := order_for(tmp_path, "in/a.csv"), fetch(tmp_path, order))
    before = (inbox / "a.csv").stat()
    other = inbox / "other"
    other.write_text("A.csv", "utf-8")  # As long as it was.
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(inbox / "a.csv")
    assert names(fetch(tmp_path, order)) == ["a.csv"]


def test_many_files_come_in_batches(
    tmp_path: Path, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "FILES_MAX", 2)
    order = order_for(tmp_path, "in")
    first = fetch(tmp_path, order)
    assert names(first) == ["a.csv", "b.csv"]
    assert first.after == first.files[-1].name
    second = fetch(tmp_path, replace(order, after=first.after))
    assert (names(second), second.after) == (["note.txt"], None)


def test_a_batch_that_holds_much_ends(
    tmp_path: Path, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "BYTES_MAX", 6)
    assert names(fetch(tmp_path, order_for(tmp_path, "in"))) == ["a.csv", "b.csv"]


def test_a_file_that_grows_while_it_is_read_is_left_for_the_next_time(
    tmp_path: Path, inbox: Path
) -> None:
    def grow(_: int) -> None:
        with (inbox / "a.csv").open("a") as file:
            file.write("more")

    order = order_for(tmp_path, "in/a.csv")
    batch = fetching.fetch(order, LocalRawStore(tmp_path / "raw"), grow)
    assert (batch.files, [Path(name).name for name in batch.changing]) == ((), ["a.csv"])
    assert names(fetch(tmp_path, order)) == ["a.csv"]


@pytest.mark.parametrize("location", ["nowhere/", "in/missing.csv"])
def test_a_place_that_is_not_there_is_told(tmp_path: Path, inbox: Path, location: str) -> None:
    with pytest.raises(errors.NotFound, match="nothing to fetch"):
        fetch(tmp_path, order_for(tmp_path, location))


def test_a_file_that_may_not_be_read_does_not_keep_others_back(
    tmp_path: Path, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str) -> None:
        if path.endswith("a.csv"):
            raise PermissionError(13, "Permission denied")

    real = fetching._Fetching._receive

    def receive(self: object, path: str, info: fetching.Info) -> object:
        refuse(path)
        return real(self, path, info)  # type: ignore[arg-type]

    monkeypatch.setattr(fetching._Fetching, "_receive", receive)
    batch = fetch(tmp_path, order_for(tmp_path, "in/*.csv"))
    assert names(batch) == ["b.csv"]
    (told,) = batch.unreadable
    assert told.endswith("a.csv: Permission denied")
