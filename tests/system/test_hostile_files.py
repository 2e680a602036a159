"""Files made to break their reader end as typed errors, in bounded memory; the child reads on.

Memory is what the system says that the child has held at most, above what it held before.
"""

import gzip
import json
import random
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, cast

import pyarrow
import pyarrow.parquet
import pytest
import zstandard

from lakewright import errors
from lakewright.runs.children.launcher import Launcher, Limits
from lakewright.runs.records import UploadStatus
from tests.system.conftest import House, Json, of_data

MEMORY_MAX_BYTES = 512 * 2**20
MILLION = 1_000_000


class Reader:
    """A child that reads files, and how much memory it has held at most."""

    def __init__(self, folder: Path) -> None:
        command = (sys.executable, "-m", "lakewright.wiring.child")
        self.launcher = Launcher(command, Limits(memory_max_bytes=4 * 2**30))
        self.folder = folder
        self.baseline = 0

    def look(self, path: Path) -> Json:
        """What the child finds in a file."""
        payload = {"path": str(path), "source": "things"}
        return self.launcher.call("preview", payload, timeout_seconds=60)

    def is_well(self) -> bool:
        path = self.folder / "sound.json"
        path.write_text('{"a": 1}\n')
        return bool(self.look(path)["records"] == 1)

    @property
    def pid(self) -> str:
        found = []
        for children in Path("/proc/self/task").glob("*/children"):
            with suppress(FileNotFoundError, ProcessLookupError):  # Threads and processes end.
                found += [
                    pid
                    for pid in children.read_text().split()
                    if "lakewright.wiring.child" in Path(f"/proc/{pid}/cmdline").read_text()
                ]
        [pid] = found
        return pid

    def peak(self) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("the system does not tell a process's peak")


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    made = Reader(tmp_path)
    with made.launcher:
        assert made.is_well()
        made.baseline = made.peak()
        yield made


def pieces(*parts: tuple[bytes, int]) -> Callable[[Path], None]:
    """Writes each of these so many times."""

    def write(path: Path) -> None:
        with path.open("wb") as file:
            for text, count in parts:
                whole, rest = divmod(count, 10_000)
                for _ in range(whole):
                    file.write(text * 10_000)
                file.write(text * rest)

    return write


def packed(path: Path) -> None:
    """Very many brackets in very few bytes."""
    with ExitStack() as stack:
        if path.suffix == ".gz":
            file = cast("IO[bytes]", stack.enter_context(gzip.open(path, "wb")))
        else:
            target = stack.enter_context(path.open("wb"))
            packer = zstandard.ZstdCompressor().stream_writer(target)
            file = cast("IO[bytes]", stack.enter_context(packer))
        for _ in range(200):
            file.write(b"[" * MILLION)


def one_text(path: Path) -> None:
    """A Parquet file that holds one text of a megabyte and means it a million times."""
    texts = pyarrow.DictionaryArray.from_arrays(
        pyarrow.array([0] * MILLION, pyarrow.int32()), pyarrow.array(["x" * MILLION])
    )
    table = pyarrow.table({"a": texts})
    pyarrow.parquet.write_table(table, path, compression="zstd", store_schema=False)


def one_line(path: Path) -> None:
    """A ZIP file of one line, very often."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.csv", b"1,2\n" * 30 * MILLION)


HOSTILE: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "lists without end": ("x.json", pieces((b"[", MILLION)), "at byte "),
    "objects without end": ("x.json", pieces((b'{"a":', MILLION)), "at byte "),
    "lists a million deep": ("x.json", pieces((b"[", MILLION), (b"]", MILLION)), "at byte "),
    "text without end": ("x.json", pieces((b'{"a":"', 1), (b"x", 500 * MILLION)), "134,217,728"),
    "a number without end": ("x.json", pieces((b"[1", 1), (b"0", 500 * MILLION)), "134,217,728"),
    "values without end": ("x.json", pieces((b'[{"a":[', 1), (b"[],", 20 * MILLION)), "values"),
    "blanks without end": ("x.json", pieces((b"[", 1), (b" ", 300 * MILLION)), "at byte "),
    "keys without end": ("x.json", pieces((b'{"a":{', 1), (b'"k":1,', 30 * MILLION)), "at byte "),
    "a gzip bomb": ("x.json.gz", packed, "1,000 times"),
    "a zstd bomb": ("x.json.zst", packed, "1,000 times"),
    "a ZIP bomb": ("x.zip", one_line, "1,000 times"),
    "one text very often": ("x.parquet", one_text, "1,000 times"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_in_bounded_memory_and_the_child_reads_on(
    reader: Reader, tmp_path: Path, name: str
) -> None:
    file_name, write, reason = HOSTILE[name]
    write(tmp_path / file_name)
    pid = reader.pid
    with pytest.raises(errors.FileUnreadable) as refused:
        reader.look(tmp_path / file_name)
    assert reason in refused.value.why + refused.value.what
    assert reader.peak() - reader.baseline < MEMORY_MAX_BYTES
    assert reader.is_well()
    assert reader.pid == pid


def test_a_record_a_million_deep_is_quarantined_and_the_others_are_rows(house: House) -> None:
    deep = '{"a":' * MILLION + "1" + "}" * MILLION
    [upload] = house.load(house.file("things.json", f'{{"a":1}}\n{{"a":2}}\n{deep}\n{{"a":3}}\n'))
    assert (upload.records, upload.rows, upload.quarantined) == (4, 3, 1)
    [refused] = house.table("quarantine.things").to_pylist()
    assert (refused["_record"], refused["raw"]) == (3, deep)


def test_json_of_every_depth_is_loaded(house: House) -> None:
    records = [
        {"lists": json.loads("[" * depth + "1" + "]" * depth),
         "objects": json.loads('{"a":' * depth + "1" + "}" * depth)}
        for depth in (1, 5, 6, 7, 30, 240)
    ]  # fmt: skip
    for number, record in enumerate(records):
        path = house.file(f"deep{number}.json", json.dumps(record) + "\n")
        assert house.load(path, source=f"deep_{number}")[0].rows == 1


def mutated(data: bytes, seed: int) -> bytes:
    """The file with some bytes changed, mostly in its footer, whose length stays."""
    dice = random.Random(seed)
    found = bytearray(data)
    footer = int.from_bytes(data[-8:-4], "little")
    for _ in range(dice.choice([1, 2, 8])):
        start = len(data) - 8 - footer if dice.random() < 0.7 else 4
        place = dice.randrange(start, len(data) - 8)
        found[place] = dice.choice([0, 0x7F, 0x80, 0xFF, dice.randrange(256)])
    return bytes(found)


def parquet_files(folder: Path) -> list[bytes]:
    """Sound files of several kinds to change."""
    table = pyarrow.table(
        {
            "n": pyarrow.array(range(500), pyarrow.int64()),
            "t": pyarrow.array(["word", None, "", "x" * 50] * 125),
            "l": pyarrow.array([[1, 2], None, [], [None]] * 125),
            "s": pyarrow.array([{"a": 1.5, "b": [{"c": "x"}]}, None] * 250),
        }
    )
    found = []
    for codec in ("none", "snappy", "zstd"):
        path = folder / f"{codec}.parquet"
        pyarrow.parquet.write_table(table, path, compression=codec, row_group_size=200)
        found.append(path.read_bytes())
    return found


def test_damaged_parquet_files_are_read_or_refused_in_bounded_memory(
    reader: Reader, tmp_path: Path
) -> None:
    sound = parquet_files(tmp_path)
    peaks = [0]
    for seed in range(300):
        path = tmp_path / "x.parquet"
        path.write_bytes(mutated(sound[seed % len(sound)], seed))
        with suppress(errors.FileUnreadable, errors.StepCrashed):
            reader.look(path)
            peaks.append(reader.peak())
    assert max(peaks) - reader.baseline < MEMORY_MAX_BYTES
    assert reader.is_well()


@pytest.mark.slow
def test_damaged_parquet_files_lose_no_record_on_the_way_to_bronze(
    house: House, tmp_path: Path
) -> None:
    sound = parquet_files(tmp_path)
    for seed in range(60):
        path = house.file("x.parquet", mutated(sound[seed % len(sound)], seed))
        [upload] = house.try_to_load(path, source=f"source_{seed}")
        if upload.status is UploadStatus.FAILED:
            assert isinstance(upload.error, dict)
            assert upload.error["code"] != "internal", upload.error
        else:
            assert upload.records == (upload.rows or 0) + (upload.quarantined or 0)
            assert house.count(f"bronze.source_{seed}") == upload.rows


def test_files_made_to_crash_readers_are_refused_in_bounded_memory(reader: Reader) -> None:
    files = sorted(of_data("parquet-testing").glob("bad_data/*.parquet"))
    assert len(files) == 8
    for path in files:
        with suppress(errors.FileUnreadable):
            reader.look(path)
        assert reader.peak() - reader.baseline < MEMORY_MAX_BYTES, path.name
    assert reader.is_well()
