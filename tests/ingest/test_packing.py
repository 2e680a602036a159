import gzip
from functools import partial
from pathlib import Path

import pytest
import zstandard

from lakewright import errors
from lakewright.ingest import packing
from lakewright.project.source import Compression

zipped = partial(gzip.compress, mtime=0)  # The same bytes at any time of day.
TEXT = b"a,b\n" + b"1,two\n" * 50_000


def unpack(
    folder: Path,
    data: bytes,
    declared: Compression = Compression.AUTO,
    limits: packing.Limits | None = None,
) -> packing.Unpacked:
    path = folder / "delivered"
    path.write_bytes(data)
    return packing.unpack(path, declared, folder, "orders.csv.gz", limits or packing.Limits())


@pytest.mark.parametrize(
    ("data", "compression"),
    [
        (zipped(TEXT), Compression.GZIP),
        (zipped(TEXT[:1000]) + zipped(TEXT[1000:]), Compression.GZIP),
        (zipped(TEXT) + b"\0" * 512, Compression.GZIP),
        (zstandard.compress(TEXT), Compression.ZSTD),
        (zstandard.compress(TEXT[:1000]) + zstandard.compress(TEXT[1000:]), Compression.ZSTD),
        (TEXT, Compression.NONE),
    ],
)
def test_whatever_packing_is_found_the_content_is_whole(
    tmp_path: Path, data: bytes, compression: Compression
) -> None:
    unpacked = unpack(tmp_path, data)
    assert unpacked.compression is compression
    assert unpacked.path.read_bytes() == TEXT
    assert unpacked.size_bytes == len(TEXT)


@pytest.mark.parametrize("cut", [5, 20, -9, -1])
@pytest.mark.parametrize("packed", [zipped(TEXT), zstandard.compress(TEXT)])
def test_a_packed_file_that_is_cut_short_is_refused_with_the_place(
    tmp_path: Path, packed: bytes, cut: int
) -> None:
    with pytest.raises(errors.FileUnreadable, match="cut short") as caught:
        unpack(tmp_path, packed[:cut])
    assert "ends at byte" in caught.value.why


@pytest.mark.parametrize(
    "data",
    [
        zipped(TEXT)[:-8] + b"not 8 ok",
        zipped(TEXT)[:40] + b"\xff" * 40 + zipped(TEXT)[80:],
        zipped(TEXT) + b"trailing text",
        zipped(TEXT) + b"\0" * 512 + b"trailing text",
        zstandard.compress(TEXT) + b"trailing text",
    ],
)
def test_a_damaged_packed_file_is_refused_with_the_place(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(errors.FileUnreadable, match="damaged") as caught:
        unpack(tmp_path, data)
    assert "byte" in caught.value.why


def test_a_bomb_is_refused_before_it_fills_the_disk(tmp_path: Path) -> None:
    bomb = zstandard.compress(b"\0" * (64 << 20))
    with pytest.raises(errors.FileUnreadable, match="bomb"):
        unpack(tmp_path, bomb)
    assert (tmp_path / "unpacked").stat().st_size <= 64 << 20


def test_more_than_the_size_limit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.FileUnreadable, match="too large"):
        unpack(tmp_path, zipped(TEXT), limits=packing.Limits(size_bytes_max=1000))


def test_a_declared_packing_is_obeyed(tmp_path: Path) -> None:
    with pytest.raises(errors.FileUnreadable, match="not packed with gzip"):
        unpack(tmp_path, TEXT, Compression.GZIP)
    packed = zipped(TEXT)
    assert unpack(tmp_path, packed, Compression.NONE).path.read_bytes() == packed
