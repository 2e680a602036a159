"""A seeded generator of polluted delimited files, each with the truth about it.

A clean table (`tables.py`) becomes a draft; each pollution changes how the draft is written, or
what is written around it, and what a reader must then find. The truth is what `sources read` has
to write: missing fields are empty at the end, surplus fields stand behind the last column, an extra
quote is a character of its field, and nothing that is no record of the table is there.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import combinations
from random import Random

from tests.ingest import tables


class Escape(StrEnum):
    """How a quote inside quotes is written."""

    DOUBLED = "doubled"
    BACKSLASH = "backslash"
    MISSING = "missing"


Line = Sequence[str]
"""Texts with the file's delimiter between them, just so; one text: a line of its own."""


@dataclass(kw_only=True, slots=True)
class Draft:
    """A file that is being written. Record 0 is the header's last row, 1 the first of the body."""

    header: list[list[str]]
    rows: list[list[str]]
    delimiter: str = ","
    quote: str = '"'
    escape: Escape = Escape.DOUBLED
    quotes_all: bool = False
    line_end: str = "\n"
    is_mixed: bool = False
    encoding: str = "utf-8"
    before: list["Line"] = field(default_factory=list)
    """Lines before the table."""
    after: list["Line"] = field(default_factory=list)
    between: dict[int, list["Line"]] = field(default_factory=dict)
    """Lines before a record of the body."""
    written: dict[int, Callable[[], str]] = field(default_factory=dict)
    """Records that are written in a way of their own."""
    read: dict[int, Callable[[], list[str]]] = field(default_factory=dict)
    """What has to be read there, where it is not the record as it was."""
    final: str | None = None
    """What follows the last line; None: its line end."""
    is_empty: bool = False

    @property
    def width(self) -> int:
        return len(self.rows[0]) if self.rows else len(self.header[-1])

    def record(self, number: int) -> list[str]:
        """A record of the body, or the header's last row."""
        return self.header[-1] if number == 0 else self.rows[number - 1]

    def cell(self, text: str, delimiter: str, quote: str) -> str:
        """A field as the file has it."""
        if not (self.quotes_all or needs_quotes(text, delimiter, quote)):
            return text
        escaped = {
            Escape.DOUBLED: quote * 2, Escape.BACKSLASH: f"\\{quote}", Escape.MISSING: quote,
        }[self.escape]  # fmt: skip
        return f"{quote}{text.replace(quote, escaped)}{quote}"

    def line(self, cells: Sequence[str], delimiter: str = "", quote: str = "") -> str:
        """A record as the file has it, without its line end."""
        delimiter, quote = delimiter or self.delimiter, quote or self.quote
        return delimiter.join(self.cell(text, delimiter, quote) for text in cells)

    def plain(self, line: Line) -> str:
        """A line that is no record of the table."""
        return line[0] if len(line) == 1 else self.line(line)


def needs_quotes(text: str, delimiter: str, quote: str) -> bool:
    """Whether a writer puts quotes around a field."""
    has_blanks = text != text.strip() or (delimiter.strip() != delimiter and " " in text)
    is_lost = not text and delimiter.isspace() and delimiter != "\t"
    return has_blanks or is_lost or any(mark in text for mark in (delimiter, quote, "\n", "\r"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Polluted:
    """A file and what it holds."""

    name: str
    pollutions: tuple[str, ...]
    data: bytes
    header: tuple[str, ...] | None
    rows: tuple[tuple[str, ...], ...]


Pollute = Callable[[Draft, Random], None]


def files(seed: int, pollutions: Sequence[tuple[str, ...]], copies: int) -> Iterator[Polluted]:
    """Files with each of the pollutions, alone or together, on every table in so many copies."""
    for names in pollutions:
        for table in tables.TABLES:
            for copy in range(copies):
                random = Random(f"{seed} {names} {table} {copy}")
                draft = _draft(table, random)
                if all(_is_possible(name, draft) for name in names):
                    for name in names:
                        POLLUTIONS[name](draft, random)
                    yield _finish(f"{'+'.join(names)} on {table} {copy}", names, draft, random)


def alone() -> Sequence[tuple[str, ...]]:
    """Each pollution by itself."""
    return [(name,) for name in POLLUTIONS]


def in_pairs() -> Sequence[tuple[str, ...]]:
    """Each two pollutions of different groups; those of one group exclude each other."""
    return [pair for pair in combinations(POLLUTIONS, 2) if _may_meet(*pair)]


def _may_meet(one: str, other: str) -> bool:
    """Whether both can happen to one file, and one does not undo or hide the other."""
    groups = {GROUPS[one], GROUPS[other]}
    if one in ("no payload", "header only", "one row"):
        return bool(groups & {"start", "delimiter", "quoting", "line end", "encoding"})
    if "header again" in (one, other) and (groups & {"record"} or one == "no header"):
        return False  # A header that is damaged is not there again.
    marks = {
        "semicolons": "semicolon",
        "tabs": "tab",
        "spaces": "space",
        "apostrophes": "apostrophe",
    }
    is_same = any(other.endswith(many) and one.endswith(mark) for many, mark in marks.items())
    return len(groups) == 2 and not is_same


def _draft(table: str, random: Random) -> Draft:
    clean = tables.TABLES[table](random)
    draft = Draft(header=[list(clean.header)], rows=[list(row) for row in clean.rows])
    draft.delimiter = ";" if table == "accounts" else ","
    draft.line_end = random.choice(("\n", "\n", "\r\n"))
    draft.quotes_all = random.random() < 0.2
    return draft


def _is_possible(name: str, draft: Draft) -> bool:
    texts = [cell for row in draft.rows for cell in row]
    needs_quote_inside = {"escape backslash", "escape missing"}
    if name in needs_quote_inside and not any('"' in text for text in texts):
        return False
    if name.startswith("encoding windows"):
        encoding = name.removeprefix("encoding ")
        return _is_in(texts, encoding) and not "".join(texts).isascii()
    return name != "delimiter blanks" or all(texts)


def _is_in(texts: Sequence[str], encoding: str) -> bool:
    try:
        "".join(texts).encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _finish(name: str, names: tuple[str, ...], draft: Draft, random: Random) -> Polluted:
    if draft.is_empty:
        return Polluted(name=name, pollutions=names, data=b"", header=None, rows=())
    lines = [*map(draft.plain, draft.before), *(draft.line(row) for row in draft.header[:-1])]
    for number in range(0 if draft.header else 1, len(draft.rows) + 1):
        lines += map(draft.plain, draft.between.get(number, []))
        write = draft.written.get(number)
        lines.append(write() if write else draft.line(draft.record(number)))
    lines += map(draft.plain, draft.after)
    ends = ["\n", "\r\n"] if draft.is_mixed else [draft.line_end]
    text = "".join(line + random.choice(ends) for line in lines[:-1]) + lines[-1]
    text += draft.line_end if draft.final is None else draft.final
    if 0 in draft.read and draft.header:
        draft.header[-1] = draft.read[0]()
    return Polluted(
        name=name,
        pollutions=names,
        data=text.encode(draft.encoding),
        header=_joined(draft.header),
        rows=tuple(
            tuple(draft.read[number]() if number in draft.read else row)
            for number, row in enumerate(draft.rows, start=1)
        ),
    )


def _joined(header: Sequence[Sequence[str]]) -> tuple[str, ...] | None:
    """The names of several header rows: each column's texts from top to bottom."""
    if not header:
        return None
    upper = []
    for row in header[:-1]:
        filled = list(row)
        for place in range(1, len(filled)):
            filled[place] = filled[place] or filled[place - 1]
        upper.append(filled)
    return tuple(" ".join(filter(None, names)) for names in zip(*upper, header[-1], strict=True))


# What is done to the file as a whole.


def _no_payload(draft: Draft, _: Random) -> None:
    draft.is_empty = True


def _header_only(draft: Draft, _: Random) -> None:
    draft.rows = []


def _one_row(draft: Draft, _: Random) -> None:
    draft.rows = draft.rows[:1]


def _no_header(draft: Draft, _: Random) -> None:
    draft.header = []


def _end(text: str) -> Pollute:
    def pollute(draft: Draft, _: Random) -> None:
        draft.final = text.replace("\n", draft.line_end)

    return pollute


def _preamble(draft: Draft, random: Random) -> None:
    day = random.randint(10, 28)
    draft.before = [["Export of the shop"], [f"Made on 2024-05-{day}, by Ann"], [""]]


def _preamble_close(draft: Draft, _: Random) -> None:
    draft.before = [["Report"], ["All prices without tax"]]


def _preamble_padded(draft: Draft, _: Random) -> None:
    rest = [""] * (draft.width - 1)
    draft.before = [["Report 17", *rest], ["Region: North", *rest], ["", *rest]]


def _preamble_comments(draft: Draft, _: Random) -> None:
    draft.before = [["# made by exporter 1.2"], ["# do not edit"]]


def _comments(draft: Draft, random: Random) -> None:
    place = random.randint(2, len(draft.rows))
    draft.between[place] = [["# checked by hand"]]


def _footer(draft: Draft, _: Random) -> None:
    draft.after = [[""], ["Source: the shop's own count"]]


def _footer_close(draft: Draft, _: Random) -> None:
    draft.after = [[f"{len(draft.rows)} records"]]


def _second_table(change: int) -> Pollute:
    def pollute(draft: Draft, random: Random) -> None:
        width = draft.width + change
        names = [f"{word} code" for word in ("Area", "Shop", "Unit", "Staff", "Till", "Zone")]
        names = [*names, "Floor", "Door", "Desk", "Shelf", "Box", "Bin"][:width]
        body = [[str(random.randint(1, 99)) for _ in range(width)] for _ in range(4)]
        draft.after = [[""], names, *body]

    return pollute


def _header_again(draft: Draft, random: Random) -> None:
    draft.between[random.randint(2, len(draft.rows))] = [draft.header[-1]]


def _header_rows(count: int) -> Pollute:
    def pollute(draft: Draft, _: Random) -> None:
        upper = [""] * draft.width
        upper[1], upper[draft.width // 2] = "main", "more"
        draft.header = [upper, *draft.header]
        if count == 3:
            top = [""] * draft.width
            top[1] = "values"
            draft.header = [top, *draft.header]

    return pollute


def _blank_lines(draft: Draft, random: Random) -> None:
    for place in random.sample(range(1, len(draft.rows) + 1), 2):
        draft.between[place] = [[""]]


# How every record is written.


def _delimiter(mark: str) -> Pollute:
    def pollute(draft: Draft, _: Random) -> None:
        draft.delimiter = mark

    return pollute


def _quote(mark: str) -> Pollute:
    def pollute(draft: Draft, _: Random) -> None:
        draft.quote = mark
        draft.quotes_all = True

    return pollute


def _escape(escape: Escape) -> Pollute:
    def pollute(draft: Draft, _: Random) -> None:
        draft.escape = escape

    return pollute


def _quotes_all(draft: Draft, _: Random) -> None:
    draft.quotes_all = True


def _line_end(mark: str) -> Pollute:
    def pollute(draft: Draft, _: Random) -> None:
        draft.line_end = mark

    return pollute


def _mixed_line_ends(draft: Draft, _: Random) -> None:
    draft.is_mixed = True


def _encoding(name: str) -> Pollute:
    def pollute(draft: Draft, _: Random) -> None:
        draft.encoding = name

    return pollute


# What happens to one record.


def _pick(draft: Draft, random: Random, first: int = 1) -> int:
    """A record to which nothing has happened yet; the header is 0."""
    first = first if draft.header else 1
    free = [n for n in range(first, len(draft.rows) + 1) if n not in draft.written]
    return random.choice(free)


def _less(draft: Draft, random: Random) -> None:
    number = _pick(draft, random, 0)
    cells = draft.record(number)
    places = list(range(1, draft.width))
    random.shuffle(places)

    def is_quoted(place: int) -> bool:
        return draft.line([cells[place]]).startswith(draft.quote)

    def place() -> int:
        # Where quotes touch text the separator is missed; a blank there may be an inch of 10" size.
        return next((p for p in places if is_plain(p) or is_seen(p)), 0)

    def is_plain(place: int) -> bool:
        return not is_quoted(place - 1) and not is_quoted(place)

    def is_seen(place: int) -> bool:
        left, right = draft.line([cells[place - 1]]), draft.line([cells[place]])
        edges = left.rstrip(draft.quote)[-1:] + right.lstrip(draft.quote)[:1]
        is_single = draft.quote * 2 not in left + right
        return len(edges) == 2 and edges.isalnum() and is_single

    def write() -> str:
        written, at = [draft.line([text]) for text in cells], place()
        if at:
            written[at - 1 : at + 1] = [written[at - 1] + written[at]]
        return draft.delimiter.join(written)

    def read() -> list[str]:
        at = place()
        if not at or not is_plain(at):
            return cells
        return [*cells[: at - 1], cells[at - 1] + cells[at], *cells[at + 1 :], ""]

    draft.written[number] = write
    draft.read[number] = read


def _more(draft: Draft, random: Random) -> None:
    number = _pick(draft, random)
    cells, place = draft.record(number), random.randint(0, draft.width)
    wider = [*cells[:place], "", *cells[place:]]
    draft.written[number] = lambda: draft.line(wider)
    draft.read[number] = lambda: wider


def _extra_quote(where: str) -> Pollute:
    def pollute(draft: Draft, random: Random) -> None:
        number = _pick(draft, random, 0)
        cells, place = list(draft.record(number)), random.randrange(draft.width)

        def write() -> str:
            written = [draft.line([text]) for text in cells]
            text, quote = written[place], draft.quote
            is_quoted = text.startswith(quote)
            inner = _with_quote(text[1:-1] if is_quoted else text, where, quote)
            written[place] = f"{quote}{inner}{quote}" if is_quoted else inner
            return draft.delimiter.join(written)

        def read() -> list[str]:
            text = _with_quote(cells[place], where, draft.quote)
            return [*cells[:place], text, *cells[place + 1 :]]

        draft.written[number] = write
        draft.read[number] = read

    return pollute


def _with_quote(text: str, where: str, quote: str) -> str:
    at = {"start": 0, "middle": len(text) // 2, "end": len(text)}[where]
    return text[:at] + quote + text[at:]


def _other_delimiter(mark: str) -> Pollute:
    def pollute(draft: Draft, random: Random) -> None:
        number = _pick(draft, random)
        cells = draft.record(number)
        draft.written[number] = lambda: draft.line(cells, delimiter=mark)

    return pollute


def _other_quote(draft: Draft, random: Random) -> None:
    number = _pick(draft, random)
    cells = draft.record(number)
    quoted = [f"'{text.replace(chr(39), chr(39) * 2)}'" for text in cells]
    draft.written[number] = lambda: draft.delimiter.join(quoted)


def _zero_byte(draft: Draft, random: Random) -> None:
    number = _pick(draft, random)
    row = draft.rows[number - 1]
    place = random.randrange(draft.width)
    row[place] = row[place] + "\0"


_SHAPE: Mapping[str, Pollute] = {
    "no payload": _no_payload,
    "header only": _header_only,
    "one row": _one_row,
    "no header": _no_header,
    "second header row": _header_rows(2),
    "third header row": _header_rows(3),
}
_END: Mapping[str, Pollute] = {
    "no last line end": _end(""),
    "doubled last line end": _end("\n\n"),
    "footer": _footer,
    "footer close": _footer_close,
    "second table as wide": _second_table(0),
    "second table narrower": _second_table(-2),
    "second table wider": _second_table(2),
}
_START: Mapping[str, Pollute] = {
    "preamble": _preamble,
    "preamble close": _preamble_close,
    "preamble padded": _preamble_padded,
    "preamble of comments": _preamble_comments,
}
_AMONG: Mapping[str, Pollute] = {
    "comments": _comments,
    "header again": _header_again,
    "blank lines": _blank_lines,
}
_DELIMITER: Mapping[str, Pollute] = {
    "delimiter semicolon": _delimiter(";"),
    "delimiter tab": _delimiter("\t"),
    "delimiter pipe": _delimiter("|"),
    "delimiter space": _delimiter(" "),
    "delimiter comma and blank": _delimiter(", "),
    "delimiter two pipes": _delimiter("||"),
    "delimiter two colons": _delimiter("::"),
    "delimiter caret": _delimiter("^"),
    "delimiter tilde": _delimiter("~"),
    "delimiter unit separator": _delimiter("\x1f"),
    "delimiter blanks": _delimiter("   "),
}
_QUOTING: Mapping[str, Pollute] = {
    "quote apostrophe": _quote("'"),
    "quote backtick": _quote("`"),
    "quotes everywhere": _quotes_all,
    "escape backslash": _escape(Escape.BACKSLASH),
    "escape missing": _escape(Escape.MISSING),
}
_LINE_END: Mapping[str, Pollute] = {
    "line end LF": _line_end("\n"),
    "line end CR LF": _line_end("\r\n"),
    "line end CR": _line_end("\r"),
    "line end LF CR": _line_end("\n\r"),
    "line ends mixed": _mixed_line_ends,
}
_ENCODING: Mapping[str, Pollute] = {
    "encoding utf-8 marked": _encoding("utf-8-sig"),
    "encoding utf-16 marked": _encoding("utf-16"),
    "encoding utf-16-be": _encoding("utf-16-be"),
    "encoding utf-32-le": _encoding("utf-32-le"),
    "encoding windows-1252": _encoding("windows-1252"),
    "encoding windows-1250": _encoding("windows-1250"),
}
_RECORD: Mapping[str, Pollute] = {
    "missing separator": _less,
    "extra separator": _more,
    "extra quote at the start": _extra_quote("start"),
    "extra quote in the middle": _extra_quote("middle"),
    "extra quote at the end": _extra_quote("end"),
    "record with spaces": _other_delimiter(" "),
    "record with semicolons": _other_delimiter(";"),
    "record with tabs": _other_delimiter("\t"),
    "record in apostrophes": _other_quote,
    "zero byte": _zero_byte,
}
_GROUPS = {
    "shape": _SHAPE, "end": _END, "start": _START, "among": _AMONG, "delimiter": _DELIMITER,
    "quoting": _QUOTING, "line end": _LINE_END, "encoding": _ENCODING, "record": _RECORD,
}  # fmt: skip
POLLUTIONS: Mapping[str, Pollute] = {
    name: pollute for group in _GROUPS.values() for name, pollute in group.items()
}
"""What may happen to a file, by name; in this order where two happen to one file."""
GROUPS = {name: group for group, members in _GROUPS.items() for name in members}
