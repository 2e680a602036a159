"""The 32-bit hash of Iceberg's bucket transform, over whole Arrow columns.

Source: the Iceberg table specification, "Appendix B: 32-bit Hash Requirements": Murmur3, x86
variant, seed 0. Whole numbers (and dates in days, times in microseconds) hash as 8 bytes, least
significant first; decimals as the shortest two's complement of their unscaled value, most
significant byte first; texts as UTF-8.
"""

from typing import TypeAlias

import numpy
import numpy.typing
import pyarrow

_Words: TypeAlias = numpy.typing.NDArray[numpy.uint32]
_Bytes: TypeAlias = numpy.typing.NDArray[numpy.uint8]
_Places: TypeAlias = numpy.typing.NDArray[numpy.int64]

_C1 = numpy.uint32(0xCC9E2D51)
_C2 = numpy.uint32(0x1B873593)


def hash_column(column: pyarrow.ChunkedArray) -> pyarrow.ChunkedArray:
    """The hash of each value as a signed 32-bit integer; of null, null.

    Takes columns of int64, string, binary, and decimal128.
    """
    return pyarrow.chunked_array(
        [_hash_array(chunk) for chunk in column.chunks], type=pyarrow.int32()
    )


def _hash_array(array: pyarrow.Array) -> pyarrow.Array:
    if pyarrow.types.is_int64(array.type):
        data, starts, lengths = _fixed(array, 8)
    elif pyarrow.types.is_decimal128(array.type):
        data, starts, lengths = _decimals(array)
    else:
        data, starts, lengths = _variable(array)
    hashes = _hash(data, starts, lengths).view(numpy.int32)
    is_null = array.is_null().to_numpy(zero_copy_only=False)
    return pyarrow.array(hashes, mask=is_null)


def _fixed(array: pyarrow.Array, width: int) -> tuple[_Bytes, _Places, _Places]:
    data = numpy.frombuffer(array.buffers()[1], dtype=numpy.uint8)
    starts = (numpy.arange(len(array), dtype=numpy.int64) + array.offset) * width
    return data, starts, numpy.full(len(array), width, dtype=numpy.int64)


def _variable(array: pyarrow.Array) -> tuple[_Bytes, _Places, _Places]:
    is_large = pyarrow.types.is_large_string(array.type) or pyarrow.types.is_large_binary(
        array.type
    )
    offset_type = numpy.int64 if is_large else numpy.int32
    _, offsets_buffer, data_buffer = array.buffers()
    offsets = numpy.frombuffer(offsets_buffer, dtype=offset_type).astype(numpy.int64)
    offsets = offsets[array.offset : array.offset + len(array) + 1]
    data = numpy.frombuffer(data_buffer or b"", dtype=numpy.uint8)
    return data, offsets[:-1], numpy.diff(offsets)


def _decimals(array: pyarrow.Array) -> tuple[_Bytes, _Places, _Places]:
    little, _, _ = _fixed(array, 16)
    rows = little.reshape(-1, 16)[array.offset : array.offset + len(array)]
    big = numpy.ascontiguousarray(rows[:, ::-1])
    sign = numpy.where(big[:, 0] >= 0x80, 0xFF, 0).astype(numpy.uint8)
    differs = big != sign[:, None]
    first = numpy.where(differs.any(axis=1), differs.argmax(axis=1), 15)
    leading = big[numpy.arange(len(big)), first]
    needs_sign_byte = (leading >= 0x80) != (sign == 0xFF)
    first = first - needs_sign_byte
    starts = numpy.arange(len(big), dtype=numpy.int64) * 16 + first
    return big.reshape(-1), starts, (16 - first).astype(numpy.int64)


def _hash(data: _Bytes, starts: _Places, lengths: _Places) -> _Words:
    """Murmur3 of `data[start : start + length]` for each row, one word of all rows at a time."""
    hashes = numpy.zeros(len(starts), dtype=numpy.uint32)
    words = lengths // 4
    for word in range(int(words.max(initial=0))):
        rows = numpy.nonzero(words > word)[0]
        at = starts[rows] + 4 * word
        mixed = hashes[rows] ^ _scramble(_gather(data, at, 4))
        hashes[rows] = _rotate(mixed, 13) * numpy.uint32(5) + numpy.uint32(0xE6546B64)
    for tail in (1, 2, 3):
        rows = numpy.nonzero(lengths % 4 == tail)[0]
        hashes[rows] ^= _scramble(_gather(data, starts[rows] + 4 * words[rows], tail))
    return _finish(hashes ^ lengths.astype(numpy.uint32))


def _gather(data: _Bytes, at: _Places, width: int) -> _Words:
    word = numpy.zeros(len(at), dtype=numpy.uint32)
    for byte in range(width):
        word |= data[at + byte].astype(numpy.uint32) << numpy.uint32(8 * byte)
    return word


def _rotate(word: _Words, bits: int) -> _Words:
    return (word << numpy.uint32(bits)) | (word >> numpy.uint32(32 - bits))


def _scramble(word: _Words) -> _Words:
    return _rotate(word * _C1, 15) * _C2


def _finish(hashes: _Words) -> _Words:
    mixed = hashes ^ (hashes >> numpy.uint32(16))
    mixed = mixed * numpy.uint32(0x85EBCA6B)
    mixed = mixed ^ (mixed >> numpy.uint32(13))
    mixed = mixed * numpy.uint32(0xC2B2AE35)
    last: _Words = mixed ^ (mixed >> numpy.uint32(16))
    return last
