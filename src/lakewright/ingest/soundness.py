"""Whether all of a file is sound UTF-8, found by all processors and without making a text of it.

Decoding a gigabyte takes half a second, as it makes characters of bytes that nobody asks for.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from enum import Enum, auto
from pathlib import Path

import numpy
import pyarrow

BLOCK_BYTES = 1 << 20
"""What is read stays in the processor's cache until it has been looked at."""

_FOLLOWERS_MAX = 3
"""A character has so many bytes behind its first one."""


class Soundness(Enum):
    """What all bytes of a file have in common."""

    ASCII = auto()
    UTF8 = auto()
    BROKEN = auto()
    """Some of them are no UTF-8."""


def of_file(path: Path, block_bytes: int = BLOCK_BYTES) -> Soundness:
    """Look at the whole file, or as far as it is sound.

    Args:
        path: the file.
        block_bytes: how much a thread looks at in one go.
    """
    found = Soundness.ASCII
    if path.stat().st_size <= block_bytes:
        with path.open("rb") as file:
            return _of_block(file.fileno(), 0, block_bytes)
    with path.open("rb") as file, ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        descriptor, size_bytes = file.fileno(), os.fstat(file.fileno()).st_size
        blocks = [
            pool.submit(_of_block, descriptor, start, min(block_bytes, size_bytes - start))
            for start in range(0, size_bytes, block_bytes)
        ]
        for block in blocks:
            answer = block.result()
            if answer is Soundness.BROKEN:
                pool.shutdown(cancel_futures=True)
                return answer
            if answer is Soundness.UTF8:
                found = answer
    return found


def _of_block(descriptor: int, start: int, size_bytes: int) -> Soundness:
    """Of the characters that start in the block: the last one may end behind it."""
    data = os.pread(descriptor, size_bytes + _FOLLOWERS_MAX, start)
    if data.isascii():
        return Soundness.ASCII
    first = _followers(data, 0) if start else 0
    end = size_bytes + _followers(data, size_bytes)
    whole = memoryview(data)[first:end]
    offsets = pyarrow.py_buffer(numpy.array([0, len(whole)], dtype="<i8"))
    text = pyarrow.Array.from_buffers(
        pyarrow.large_string(), 1, [None, offsets, pyarrow.py_buffer(whole)]
    )
    try:
        text.validate(full=True)
    except pyarrow.ArrowInvalid:
        return Soundness.BROKEN
    return Soundness.UTF8


def _followers(data: bytes, place: int) -> int:
    """How many bytes from a place on belong to a character that started before it."""
    count = 0
    while count < _FOLLOWERS_MAX and place + count < len(data):
        if data[place + count] & 0xC0 != 0x80:
            break
        count += 1
    return count
