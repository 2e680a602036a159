"""Decide how a delimited text file is written: what is declared is obeyed, the rest is found.

Pure: samples of text in, a pinned dialect out, with its evidence, how sure that is, and what may be
wrong with it. It says what it could not decide rather than hide it. In this order:

1. `consistency` chooses delimiter, quote and escape: the ones that make the most of a table.
2. `heading` finds comment lines, lines before the table, and the header with its rows.
3. `ending` finds where the table ends, where its file does not.
4. `doubts` says what speaks against all this; samples from further on have to agree too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lakewright.ingest import consistency, doubts, ending, heading, salvage
from lakewright.ingest.splitting import Record
from lakewright.project.source import Dialect

SAMPLE_BYTES = 1 << 17
"""Enough for some thousand records of usual size; more has never changed a decision."""
CONFIDENCE_MIN = 0.5
"""A file whose dialect is less sure than this is suspect."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Detected:
    """A dialect with nothing left to decide, and what speaks for it."""

    dialect: Dialect
    width: int
    """Fields in a record of the table, as most of the sample has them."""
    end: ending.End | None
    """Where the table ends, if that is before its file does and the sample is the whole file."""
    confidence: float
    """From 0 to 1: the share of records that agree, less for every doubt. 1 if the delimiter is
    declared. Under `CONFIDENCE_MIN` the file is suspect."""
    evidence: tuple[str, ...]
    suspicions: tuple[str, ...]
    is_strange: bool
    """Whether records were seen that are split by the rules and nevertheless are none of the
    table's, so that each has to be looked at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Samples:
    """What is looked at of a file, as UTF-8 text without a byte order mark."""

    head: bytes
    """Its start."""
    later: Sequence[bytes] = ()
    """From further on; each starts at a line's start."""
    is_whole: bool = True
    """Whether the head is the whole file."""


def detect(samples: Samples, declared: Dialect, names: Sequence[str] = ()) -> Detected:
    """The dialect of a file.

    Args:
        samples: of the file, about `SAMPLE_BYTES` each.
        declared: what is None in it is found.
        names: of the columns that are declared, if any are: a record of just these is a header.
    """
    sample = samples.head
    skipped = sum(map(len, sample.splitlines(keepends=True)[: declared.skip_lines or 0]))
    found, rival = consistency.best(sample[skipped:], declared)
    comment = declared.comment
    if comment is None:
        comment = heading.find_comment(found.records, found.width)
        if comment:
            found = consistency.fit(sample[skipped:], replace(found.dialect, comment=comment))
    records = found.records
    first = _first(records, found) if declared.skip_lines is None else 0
    skip_lines = declared.skip_lines
    if skip_lines is None:
        skip_lines = len(sample[: records[first].byte].splitlines()) if first else 0
    table = records[first:]
    end = _end(table, found, sample[skipped:]) if samples.is_whole else None
    if end is not None:
        table = table[: len(table) - end.records]
        end = replace(end, byte=end.byte + skipped)
        width, agreement = consistency.agreed_width(table)
        if end.is_table and width == found.width:  # The other table says nothing against this one.
            found = replace(found, agreement=agreement)
    header = _header(_rows(table, found), declared, names)
    dialect = replace(
        found.dialect,
        comment=comment,
        skip_lines=skip_lines,
        has_header=header.is_there,
        header_rows=header.rows,
        encoding=declared.encoding or "utf-8",
    )
    seen = doubts.Seen(
        sample=sample[skipped:],
        later=samples.later,
        skipped=records[:first],
        table=table,
        header=header,
        end=end,
    )
    found_doubts = [] if declared.delimiter is not None else doubts.of_dialect(found, rival, seen)
    found_doubts = [*found_doubts, *doubts.of_table(found, seen)]
    confidence = found.agreement
    for doubt in found_doubts:
        confidence *= doubt.factor
    confidence = 1.0 if declared.delimiter is not None else round(confidence, 2)
    suspicions = [doubt.text for doubt in found_doubts]
    if confidence < CONFIDENCE_MIN and not suspicions:
        suspicions.append(f"its dialect is a guess: the confidence is {confidence:.2f} of 1")
    return Detected(
        dialect=dialect,
        width=_width(table, found.width, header),
        end=end,
        confidence=confidence,
        evidence=tuple(_evidence(found, dialect, declared, header, end)),
        suspicions=tuple(suspicions),
        is_strange=_is_strange(table, dialect),
    )


def _is_strange(table: Sequence[Record], dialect: Dialect) -> bool:
    rows = [record.fields for record in table if len(record.fields) > 1]
    count = (dialect.header_rows or 1) if dialect.has_header else 0
    is_again = any(row in rows[count:] for row in rows[:count])
    return is_again or any(salvage.is_in_other_quotes(row, dialect) for row in rows)


def _first(records: Sequence[Record], found: consistency.Fit) -> int:
    """The index of the table's first record."""

    def is_record(record: Record) -> bool:
        is_wide = len(record.fields) > 1 and len(record.fields) * 2 >= found.width
        return is_wide or salvage.whole(record.raw, found.dialect, found.width) is not None

    return heading.find_first(records, found.width, is_record)


def _end(table: Sequence[Record], found: consistency.Fit, sample: bytes) -> ending.End | None:
    quote = found.dialect.quote or ""

    def is_record(raw: str) -> bool:
        is_spoilt = (
            bool(quote) and raw.count(quote) % 2 == 1
        )  # Perhaps a spoilt record's last line.
        marks = consistency.COMMON
        return is_spoilt or salvage.whole(raw, found.dialect, found.width, marks) is not None

    header_rows = heading.count_rows(_rows(table, found))
    return ending.find(table, found.width, sample, is_record, header_rows)


def _rows(table: Sequence[Record], found: consistency.Fit) -> list[list[str]]:
    """The fields of a table's records; a first one that cannot be split is read nevertheless."""
    rows = [record.fields for record in table if record.fields]
    if table and len(table[0].fields) != found.width:
        names = salvage.fields(table[0].raw, found.dialect, found.width)
        rows = [*([names] if names else []), *rows[1 if table[0].fields else 0 :]]
    return rows


def _header(
    rows: Sequence[Sequence[str]], declared: Dialect, names: Sequence[str]
) -> heading.Header:
    if declared.has_header is not None or declared.header_rows is not None:
        return heading.Header(
            is_there=declared.has_header is not False,
            reason="declared",
            rows=declared.header_rows or 1,
        )
    if rows and heading.holds(rows[0], names):
        return heading.Header(is_there=True, reason="it holds the names that are declared")
    return heading.judge(rows)


def _width(table: Sequence[Record], usual: int, header: heading.Header) -> int:
    """How many columns the table has: as the header says, unless the records know better."""
    if not (header.is_there and table and table[0].fields):
        return usual
    names = heading.fitted(table[0].fields, usual)
    if len(table) == 1 or (len(names) > usual and any(names[usual:])):
        return len(names)
    return usual


# Evidence: what a person is told.


def _evidence(
    found: consistency.Fit,
    dialect: Dialect,
    declared: Dialect,
    header: heading.Header,
    end: ending.End | None,
) -> Iterator[str]:
    yield from _delimiter_evidence(found, declared)
    yield from _quote_evidence(found, declared)
    if dialect.comment and declared.comment is None:
        yield f"comment {dialect.comment}: lines that start with it do not fit the table"
    if dialect.skip_lines and declared.skip_lines is None:
        yield f"skip_lines {dialect.skip_lines}: what stands there does not fit the table below"
    yield f"header {'yes' if header.is_there else 'no'}: {header.reason}"
    if end is not None:
        yield end_evidence(end)


def end_evidence(end: ending.End) -> str:
    """What a person is told of a table that ends before its file does."""
    lines = "record" if end.records == 1 else "records"
    return f"end: the last {end.records:,} {lines} are none of the table's: {end.what}"


def _delimiter_evidence(found: consistency.Fit, declared: Dialect) -> Iterator[str]:
    name = consistency.name(found.dialect.delimiter)
    if declared.delimiter is not None:
        yield f"delimiter {name}: declared"
    elif found.width == 1:
        yield f"delimiter {name}: assumed; no delimiter makes a table of the file"
    else:
        share = f"{found.agreement:.0%} of the first {len(found.records):,} records"
        yield f"delimiter {name}: {share} have {found.width} fields"


def _quote_evidence(found: consistency.Fit, declared: Dialect) -> Iterator[str]:
    dialect = found.dialect
    if declared.quote is None:
        yield f"quote {dialect.quote or 'none'}: the records agree best with it"
    if declared.escape is None and dialect.escape not in (dialect.quote, ""):
        yield f"escape {dialect.escape}: quotes follow it inside quotes"
    if dialect.is_trimmed and not declared.is_trimmed:
        is_joined = dialect.delimiter == " "
        yield "trim yes: " + (
            "runs of blanks stand between fields" if is_joined
            else "blanks stand between delimiters and quotes"
        )  # fmt: skip
