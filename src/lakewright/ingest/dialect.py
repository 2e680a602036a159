"""Decide how a delimited text file is written: what is declared is obeyed, the rest is found.

Pure: a sample of text in, a pinned dialect with its evidence out. It says what it could not decide
rather than hide it; a file that may be misread is marked as suspicious.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lakewright.ingest import consistency, heading
from lakewright.ingest.splitting import Record
from lakewright.project.source import Dialect

SAMPLE_BYTES = 1 << 17
"""Enough for some thousand records of usual size; more has never changed a decision."""

_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", " ": "space", ":": "colon"}
_CLOSE = 0.9
_ABOUND = 0.3


@dataclass(frozen=True, kw_only=True, slots=True)
class Detected:
    """A dialect with nothing left to decide, and what speaks for it."""

    dialect: Dialect
    width: int
    """Fields in a record of the table, as most of the sample has them."""
    evidence: tuple[str, ...]
    suspicions: tuple[str, ...]


def detect(sample: bytes, declared: Dialect) -> Detected:
    """The dialect of a file that starts with this sample.

    Args:
        sample: UTF-8 text without a byte order mark, at most `SAMPLE_BYTES` of it.
        declared: what is None in it is found.
    """
    skipped = _skip(sample, declared.skip_lines or 0)
    found, rival = consistency.best(sample[skipped:], declared)
    records = found.records
    comment = declared.comment
    if comment is None:
        comment = heading.find_comment(records, found.width)
        if comment:
            found = consistency.fit(sample[skipped:], replace(found.dialect, comment=comment))
            records = found.records
    first = heading.find_first(records, found.width) if declared.skip_lines is None else 0
    skip_lines = declared.skip_lines
    if skip_lines is None:
        skip_lines = len(sample[: records[first].byte].splitlines()) if first else 0
    table = records[first:]
    header = _header(table, declared)
    dialect = replace(
        found.dialect,
        comment=comment,
        skip_lines=skip_lines,
        has_header=header.is_there,
        encoding=declared.encoding or "utf-8",
    )
    evidence = [*_delimiter_evidence(found, declared), *_quote_evidence(found, declared)]
    if comment and declared.comment is None:
        evidence.append(f"comment {comment}: lines that start with it do not fit the table")
    if skip_lines and declared.skip_lines is None:
        evidence.append(f"skip_lines {skip_lines}: what stands there does not fit the table below")
    evidence.append(f"header {'yes' if header.is_there else 'no'}: {header.reason}")
    return Detected(
        dialect=dialect,
        width=_width(table, found.width, has_header=header.is_there),
        evidence=tuple(evidence),
        suspicions=tuple(_suspicions(sample, found, rival, declared)),
    )


def _skip(sample: bytes, lines: int) -> int:
    """Where the line after the skipped ones starts."""
    return sum(len(line) for line in sample.splitlines(keepends=True)[:lines])


def _header(table: Sequence[Record], declared: Dialect) -> heading.Header:
    if declared.has_header is not None:
        return heading.Header(is_there=declared.has_header, reason="declared")
    rows = [record.fields for record in table if record.fields]
    if not rows:
        return heading.Header(is_there=False, reason="there is no record to judge")
    return heading.judge(rows[0], rows[1:])


def _width(table: Sequence[Record], usual: int, *, has_header: bool) -> int:
    """How many columns the table has: as the header says, unless the records know better."""
    if not (has_header and table and table[0].fields):
        return usual
    names = table[0].fields
    if len(table) == 1 or (len(names) > usual and any(names[usual:])):
        return len(names)
    return usual


def _delimiter_evidence(found: consistency.Fit, declared: Dialect) -> list[str]:
    delimiter = found.dialect.delimiter or ""
    name = _NAMES.get(delimiter, repr(delimiter))
    if declared.delimiter is not None:
        return [f"delimiter {name}: declared"]
    count = len(found.records)
    if found.width == 1:
        return [f"delimiter {name}: assumed; no delimiter makes a table of the file"]
    share = f"{found.agreement:.0%} of the first {count:,} records"
    return [f"delimiter {name}: {share} have {found.width} fields"]


def _quote_evidence(found: consistency.Fit, declared: Dialect) -> list[str]:
    dialect = found.dialect
    evidence = []
    if declared.quote is None:
        shown = dialect.quote or "none"
        evidence.append(f"quote {shown}: the records agree best with it")
    if declared.escape is None and dialect.escape not in (dialect.quote, ""):
        evidence.append(f"escape {dialect.escape}: quotes follow it inside quotes")
    if dialect.is_trimmed and not declared.is_trimmed:
        evidence.append("trim yes: blanks stand between delimiters and quotes")
    return evidence


def _suspicions(
    sample: bytes, found: consistency.Fit, rival: consistency.Fit | None, declared: Dialect
) -> list[str]:
    if declared.delimiter is not None:
        return []
    delimiter = found.dialect.delimiter or ""
    if found.width == 1:
        lines = [line for line in re.split(rb"[\r\n]+", sample) if line]
        for mark in consistency.COMMON:
            share = sum(mark.encode() in line for line in lines) / max(len(lines), 1)
            if share > _ABOUND:
                name = _NAMES[mark]
                return [f"it was read as one column, but {share:.0%} of its lines hold a {name}"]
        return []
    if found.agreement < consistency.AGREEMENT_MIN:
        return [f"only {found.agreement:.0%} of its records have {found.width} fields"]
    if rival is not None and rival.width > 1 and rival.score > _CLOSE * found.score:
        other = _NAMES.get(rival.dialect.delimiter or "", repr(rival.dialect.delimiter))
        name = _NAMES.get(delimiter, repr(delimiter))
        return [f"it was split at each {name}, but each {other} makes almost as good a table"]
    return []
