"""The shop's deliveries, generated: orders and customers of any size, the same for the same seed.

Every field is a function of the order's number and the seed, so that a second version of an order
agrees with the first in all that does not change. Of the orders 0.5 % are newer versions of an
earlier one, 0.1 % are malformed in one of six ways, 1 % are late; a tenth of all fields is quoted.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy
import pyarrow
import pyarrow.compute

DUPLICATES_EVERY = 200
MALFORMED_EVERY = 1000
LATE_EVERY = 100
ORDERS_PER_CUSTOMER = 10
BLOCK_ROWS = 200_000
ORDERS_HEADER = "order_id,customer_id,ordered_at,updated_at,status,quantity,unit_price,note"
CUSTOMERS_HEADER = "customer_id,name,email,country,signed_up_at"

_STATUSES = ("new", "paid", "shipped", "delivered", "returned")
_NOTES = (
    '"gift, please wrap"',
    '"leave at the door"',
    '"called ""Jo"", ring twice"',
    '"second floor, left"',
    '"deliver\nafter six"',
    '""',
    "fragile",
    "",
    '"Straße 5, München"',
    '"no comment"',
)
_GIVEN = ("Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Frances", "Tony", "Zoë", "Łukasz")
_FAMILY = ("Berg", "Novak", "Silva", "Okafor", "Tanaka", "O'Neil", "Garcia", "Larsen", "Singh")
_COUNTRIES = ("DE", "FR", "PL", "BR", "JP", "NG", "US", "IN", "NO", "ES")
_FIRST_DAY = numpy.datetime64("2025-01-01T00:00:00", "s")
_YEAR_SECONDS = 365 * 86_400


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """What was written, and the truth about it."""

    orders: Path
    customers: Path
    order_records: int
    malformed_orders: int
    customer_records: int


def write_shop(folder: Path, *, rows: int, seed: int = 7) -> Delivery:
    """Write `orders.csv` with `rows` records and `customers.csv` into a folder.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    customers = max(rows // ORDERS_PER_CUSTOMER, 1)
    orders_path, customers_path = folder / "orders.csv", folder / "customers.csv"
    _write(
        orders_path, ORDERS_HEADER, _blocks(rows, lambda ids: _orders(ids, rows, customers, seed))
    )
    _write(customers_path, CUSTOMERS_HEADER, _blocks(customers, lambda ids: _customers(ids, seed)))
    return Delivery(
        orders=orders_path,
        customers=customers_path,
        order_records=rows,
        malformed_orders=(rows + MALFORMED_EVERY // 2) // MALFORMED_EVERY,
        customer_records=customers,
    )


def _write(path: Path, header: str, blocks: Iterator[pyarrow.Array]) -> None:
    with path.open("wb") as file:
        file.write(header.encode() + b"\n")
        for lines in blocks:
            # A string array's data buffer is its values end to end: the text of the file.
            offsets = numpy.frombuffer(lines.buffers()[1], dtype=numpy.int32)
            file.write(lines.buffers()[2][: int(offsets[len(lines)])])


def _blocks(rows: int, make: Callable[[numpy.ndarray], pyarrow.Array]) -> Iterator[pyarrow.Array]:
    for start in range(1, rows + 1, BLOCK_ROWS):
        yield make(numpy.arange(start, min(start + BLOCK_ROWS, rows + 1), dtype=numpy.uint64))


def _mix(numbers: numpy.ndarray, salt: int) -> numpy.ndarray:
    """Spread numbers evenly over 64 bits (the finaliser of Steele's SplitMix64)."""
    with numpy.errstate(over="ignore"):
        value = numbers + numpy.uint64((salt * 0x9E3779B97F4A7C15) % 2**64)
        value = (value ^ (value >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        value = (value ^ (value >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        return value ^ (value >> numpy.uint64(31))


def _pick(numbers: numpy.ndarray, salt: int, count: int) -> numpy.ndarray:
    return (_mix(numbers, salt) % numpy.uint64(count)).astype(numpy.int64)


def _choose(words: tuple[str, ...], picks: numpy.ndarray) -> pyarrow.Array:
    return pyarrow.array(words).take(pyarrow.array(picks))


def _text(numbers: numpy.ndarray) -> pyarrow.Array:
    return pyarrow.compute.cast(pyarrow.array(numbers), pyarrow.string())


def _moment(seconds: numpy.ndarray) -> pyarrow.Array:
    moments = pyarrow.array(_FIRST_DAY + seconds.astype("timedelta64[s]"))
    return pyarrow.compute.strftime(moments, format="%Y-%m-%d %H:%M:%S")


def _join(separator: str, *parts: pyarrow.Array | str) -> pyarrow.Array:
    return pyarrow.compute.binary_join_element_wise(*parts, separator)


def _orders(lines: numpy.ndarray, rows: int, customers: int, seed: int) -> pyarrow.Array:
    is_second = (lines % numpy.uint64(DUPLICATES_EVERY)) == 0
    earlier = _mix(lines, seed + 1) % lines + numpy.uint64(1)
    ids = numpy.where(is_second, earlier, lines)
    # Orders come in over one year, in order but for some minutes.
    ordered = ids.astype(numpy.int64) * _YEAR_SECONDS // (rows + 1) + _pick(ids, seed + 2, 3600)
    is_late = _pick(ids, seed + 3, LATE_EVERY) == 0
    ordered = numpy.where(is_late, ordered // 2, ordered)
    age = 60 + _pick(ids, seed + 4, 86_400)
    age = numpy.where(is_second, age + 86_400 + _pick(lines, seed + 5, 86_400), age)
    cents = 99 + _pick(ids, seed + 7, 99_900)
    price = _join(".", _text(cents // 100), _two_digits(cents % 100))
    fields = [
        _text(ids),
        _text(1 + _pick(ids, seed + 6, customers)),
        _moment(ordered),
        _moment(ordered + age),
        _choose(_STATUSES, _pick(lines, seed + 8, len(_STATUSES))),
        _text(1 + _pick(ids, seed + 9, 9)),
        price,
        _choose(_NOTES, _pick(lines, seed + 10, len(_NOTES))),
    ]
    return _join("", _malform(lines, _join(",", *fields), fields), "\n")


def _two_digits(numbers: numpy.ndarray) -> pyarrow.Array:
    return pyarrow.compute.utf8_lpad(_text(numbers), width=2, padding="0")


def _malform(
    lines: numpy.ndarray, sound: pyarrow.Array, fields: list[pyarrow.Array]
) -> pyarrow.Array:
    """Spoil every thousandth record, in one of six ways in turn."""
    number, customer, ordered, updated, status, quantity, price, note = fields
    spoiled = (
        _join(",", number, customer, ordered, updated, status, "many", price, note),
        _join(",", number, customer, "31/31/2025", updated, status, quantity, price, note),
        _join(",", number, customer, ordered, updated, status),
        _join(",", number, customer, ordered, updated, status, quantity, price, note, "extra"),
        _join(",", "", customer, ordered, updated, status, quantity, price, note),
        _join(",", number, customer, ordered, updated, status, quantity, "12,50", note),
    )
    offset = MALFORMED_EVERY // 2
    is_spoiled = (lines % numpy.uint64(MALFORMED_EVERY)) == offset
    ways = (lines // numpy.uint64(MALFORMED_EVERY) % numpy.uint64(len(spoiled))).astype(numpy.int64)
    result = sound
    for way, record in enumerate(spoiled):
        mask = pyarrow.array(is_spoiled & (ways == way))
        result = pyarrow.compute.if_else(mask, record, result)
    return result


def _customers(ids: numpy.ndarray, seed: int) -> pyarrow.Array:
    given = _choose(_GIVEN, _pick(ids, seed + 11, len(_GIVEN)))
    family = _choose(_FAMILY, _pick(ids, seed + 12, len(_FAMILY)))
    days = _pick(ids, seed + 14, 1000) * 86_400
    signed_up = pyarrow.compute.utf8_slice_codeunits(_moment(-days), 0, 10)
    fields = [
        _text(ids.astype(numpy.int64)),
        _join(" ", given, family),
        _join("", "customer", _text(ids.astype(numpy.int64)), "@example.com"),
        _choose(_COUNTRIES, _pick(ids, seed + 13, len(_COUNTRIES))),
        signed_up,
    ]
    return _join("", _join(",", *fields), "\n")
