"""What inference has seen and what bronze then reads are the same, whatever the texts are."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias

import duckdb
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakewright.engines.duckdb.bronze import bronze
from lakewright.ingest import landing
from lakewright.lake.staged import Target
from lakewright.plan import evolution, steps
from lakewright.plan.landed import Landed
from lakewright.project.contract import (
    INFERRED_NULL_WORDS,
    QUARANTINE_SCHEMA,
    Column,
    Contract,
)
from lakewright.project.source import BadRecordLimits, Csv, Dialect, Source
from lakewright.sql import types

Value: TypeAlias = bool | int | float | Decimal | date | datetime | str | None

LOADED_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FORMAT = Csv(
    dialect=Dialect(
        delimiter=";",
        quote='"',
        escape='"',
        has_header=True,
        skip_lines=0,
        comment="",
        encoding="utf-8",
    )
)


def land(folder: Path, columns: Sequence[Sequence[str]], contract: Contract | None) -> Landed:
    """A file of these columns, landed."""
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(["n", *(f"c{place}" for place in range(len(columns)))])
    for number, row in enumerate(zip(*columns, strict=True)):
        writer.writerow([f"x{number}", *row])
    folder.mkdir(parents=True, exist_ok=True)
    raw = folder / "x.csv"
    raw.write_bytes(stream.getvalue().encode())
    step = steps.Land(
        upload_id="0123456789abcdef",
        source="orders",
        file_name="x.csv",
        sha256="0" * 64,
        format=FORMAT,
        contract=contract,
    )
    return landing.land(step, raw, folder / "work", lambda _: None)


def inferred(landed: Sequence[Landed]) -> Contract:
    """The contract that these files bring to a source that nobody has declared."""
    numbered = [replace(each, upload_id=str(number)) for number, each in enumerate(landed)]
    return evolution.evolve(Source(name="orders"), None, numbered).contract


def load(
    connection: duckdb.DuckDBPyConnection, folder: Path, contract: Contract, landed: Landed
) -> Mapping[str, Sequence[Value]]:
    """Bronze's columns, of a file no record of which may be refused."""
    schema = contract.schema()

    def target(table: str, its_schema: types.Schema, ids: Mapping[str, int]) -> Target:
        place = folder / table
        place.mkdir(parents=True, exist_ok=True)
        return Target(
            table=table,
            schema=its_schema,
            field_ids=ids,
            partitioning=(),
            folder=str(place),
            file_prefix="run-step",
            base=None,
        )

    reasons = {f"reasons.element.{name}" for name in ("column", "code", "message", "value")}
    names = [*QUARANTINE_SCHEMA.names, "reasons.element", *sorted(reasons)]
    staged = bronze(
        connection,
        steps.Bronze(
            source="orders",
            contract=contract,
            upload_ids=(landed.upload_id,),
            limits=BadRecordLimits(),
            loaded_at=LOADED_AT,
        ),
        landed,
        target("bronze.orders", schema, {n: i for i, n in enumerate(schema.names, 1)}),
        target("quarantine.orders", QUARANTINE_SCHEMA, {n: i for i, n in enumerate(names, 1)}),
        lambda _: None,
    )
    refused = [
        row["reasons"]
        for file in staged.quarantine
        for row in pyarrow.parquet.ParquetFile(file.path).read().to_pylist()
    ]
    assert not refused
    tables = [pyarrow.parquet.ParquetFile(file.path).read() for file in staged.rows]
    rows = [row for table in tables for row in table.to_pylist()]
    rows.sort(key=lambda row: row["_record"])
    return {name: [row[name] for row in rows] for name in schema.names}


MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
WORDS = {"true": True, "yes": True, "y": True, "t": True}
WORDS |= {"false": False, "no": False, "n": False, "f": False}


def moment(text: str, pattern: str | None) -> datetime:
    """A date or time by its letters, read piece by piece with nothing of ours."""
    if pattern is None:
        text = re.sub(r"(\.\d{6})0+", r"\1", text)
        found = datetime.fromisoformat(text)
    else:
        shape, letters = "", re.findall(r"'[^']*'|y+|M+|d+|H+|h+|m+|s+|S+|a|X+|.", pattern)
        for piece in letters:
            if piece.startswith("'"):
                shape += piece.strip("'")
            elif piece[0] in "yMdHhmsSaX":
                shape += f"(?P<{piece[0]}>[+-][0-9:]+|[A-Za-z]+|[0-9]+)"
            else:
                shape += re.escape(piece)
        match = re.fullmatch(shape, text)
        assert match, (text, pattern)
        part = match.groupdict()
        month = part["M"]
        hour = int(part.get("H") or part.get("h") or 0)
        if part.get("a"):
            hour = hour % 12 + (12 if part["a"].lower() == "pm" else 0)
        found = datetime(  # noqa: DTZ001
            int(part["y"]),
            int(month) if month.isdigit() else MONTHS.index(month[:3].lower()) + 1,
            int(part["d"]),
            hour,
            int(part.get("m") or 0),
            int(part.get("s") or 0),
            int((part.get("S") or "0").ljust(6, "0")),
        )
        offset = (part.get("X") or "").replace(":", "")
        if offset:
            away = timedelta(hours=int(offset[1:3]), minutes=int(offset[3:5]))
            found += away if offset[0] == "-" else -away
    return found if found.tzinfo is None else found.astimezone(UTC).replace(tzinfo=None)


def read(text: str, column: Column) -> Value:
    """What a text is, by its column."""
    words = ("",) if column.null_words is None else column.null_words
    kind = column.type
    if text in words:
        return None
    if kind == types.STRING:
        return text
    if kind == types.BOOLEAN:
        return WORDS[text.lower()]
    if kind == types.BIGINT:
        return int(text)
    if isinstance(kind, types.Decimal):
        return Decimal(text)
    if kind == types.DOUBLE:
        return float(text.replace(",", ".") if column.format == "0,0" else text)
    found = moment(text, column.format)
    return found.date() if kind == types.DATE else found


def plain(value: Value) -> Value:
    """As `read` gives it."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def written(pattern: str, kinds: st.SearchStrategy[datetime]) -> st.SearchStrategy[str]:
    return kinds.map(lambda each: each.strftime(pattern))


MOMENTS = st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31))  # noqa: DTZ001
SMALL_DAYS = MOMENTS.map(lambda each: each.replace(day=each.day % 12 + 1))
PATTERNS = (
    *(
        "%Y-%m-%d",
        "%d.%m.%Y",
        "%d/%m/%Y",
        "%m/%d/%Y",
        "%Y/%m/%d",
        "%Y%m%d",
        "%d-%b-%Y",
        "%b %d, %Y",
    ),
    *("%d %B %Y", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%MZ", "%d.%m.%Y %H:%M"),
    *("%m/%d/%Y %I:%M:%S %p", "%Y-%m-%d %H:%M:%S +0530", "%Y-%m-%d %H:%M:%S UTC", "%d.%m.%y"),
    *("%Y-%m-%d %H:%M:%S-03", "%H:%M", "%d/%m/%Y %H:%M:%S.%f", "%d-%m-%Y %H:%M:%S +02:00"),
)
INTEGERS = st.integers(-(10**20), 10**20).map(str) | st.integers(-99, 99).map(str)
DECIMALS = st.decimals(-(10**6), 10**6, places=2).map(str) | st.decimals(0, 10**3, places=3).map(
    str
)
WORDINGS = st.sampled_from([*WORDS, "TRUE", "No", "T", *INFERRED_NULL_WORDS])
NEARLY = st.text("0123456789-+.,:/ TZeE'%$_xaApPmMnuy\n\u00a0\u0661\u2212", max_size=12)
FAMILIES = (
    INTEGERS,
    DECIMALS,
    DECIMALS.map(lambda text: text.replace(".", ",")),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    WORDINGS,
    st.sampled_from(["yes", "no", "YES"]),
    NEARLY,
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8),
    *(written(pattern, MOMENTS | SMALL_DAYS) for pattern in PATTERNS),
    *(written(f"%-d/%-m/%Y{rest}", MOMENTS) for rest in ("", " %-H:%M", " %-I:%M %p")),
)
EMPTY = st.sampled_from(["", "", "NA", "-", "null"])


@st.composite
def texts(draw: st.DrawFn, size: int) -> list[str]:
    """A column: of one family or two, with gaps or without."""
    one = draw(st.sampled_from(FAMILIES))
    other = draw(st.sampled_from([one, one, EMPTY, *FAMILIES]))
    return [draw(st.one_of(one, one, other)) for _ in range(size)]


COLUMNS = st.integers(1, 8).flatmap(lambda size: st.lists(texts(size), min_size=1, max_size=8))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(columns=COLUMNS)
def test_a_file_fits_the_types_inferred_from_it_and_keeps_every_value(
    connection: duckdb.DuckDBPyConnection,
    tmp_path_factory: pytest.TempPathFactory,
    columns: list[list[str]],
) -> None:
    folder = tmp_path_factory.mktemp("inferred")
    landed = land(folder, columns, None)
    contract = inferred([landed])
    rows = load(connection, folder, contract, landed)
    for place, column in enumerate(columns):
        name = f"c{place}"
        known = contract.column(name)
        assert known is not None
        if known.type == types.UNKNOWN:
            assert set(column) == {""}
            continue
        assert [plain(value) for value in rows[name]] == [read(text, known) for text in column]
