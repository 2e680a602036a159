import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakewright.ingest import block, splitting
from lakewright.project.source import Dialect

PLAIN = Dialect(delimiter=",", quote='"', escape='"', comment="")
DIALECTS = st.builds(
    Dialect,
    delimiter=st.sampled_from([",", "\t", " ", "||", "¦"]),
    quote=st.sampled_from(['"', "'", ""]),
    escape=st.sampled_from(['"', "'", "", "\\"]),
    comment=st.sampled_from(["", "#"]),
    is_trimmed=st.booleans(),
).filter(lambda dialect: dialect.escape in (dialect.quote, "", "\\"))
PIECES = st.sampled_from(
    [",", "\t", " ", "|", "||", "¦", '"', '""', "'", "\\", "#", "a", "é", "\0", "\n", "\r\n", "\r"]
)


def found(data: bytes, dialect: Dialect, width: int) -> list[splitting.Record]:
    """What is found in a file that is one block, in order."""
    blocks = block.Finder(dialect, width).find(data, 0, is_last=True)
    content = blocks.content.tobytes()
    records = list(blocks.read)
    places = zip(blocks.field_starts, blocks.field_ends, strict=True)
    texts = [content[start:end].decode() for start, end in places]
    for row, (start, end) in enumerate(zip(blocks.starts, blocks.ends, strict=True)):
        first = blocks.firsts[row]
        fields = texts[first : first + blocks.counts[row]]
        records.append(splitting.Record(int(start), data[start:end].decode(), fields))
    return sorted(records, key=lambda record: record.byte)


@given(data=st.lists(PIECES, max_size=40).map("".join), dialect=DIALECTS, width=st.integers(1, 3))
def test_a_block_gives_what_the_rules_give_on_any_text(
    data: str, dialect: Dialect, width: int
) -> None:
    content = data.encode()
    rules = splitting.Splitter(io.BytesIO(content), dialect, keeps_blank=width == 1)
    assert found(content, dialect, width) == list(rules.by_hand())


@given(data=st.binary(max_size=60))
def test_a_block_gives_what_the_rules_give_on_any_bytes(data: bytes) -> None:
    assert found(data, PLAIN, 2) == list(splitting.Splitter(io.BytesIO(data), PLAIN).by_hand())


@pytest.mark.parametrize(
    "text",
    [
        'a,b\n"c, ""d""",e\n,\n',
        '"two\nlines",b\r\nc,"and\r\nmore\rlines"\r',
        '5" pipe,37°36\'37.8"N\n',
        "a,b\n\n# c,d\ne\0,f",
    ],
)
def test_what_is_regular_or_plain_to_see_is_found_at_once(text: str) -> None:
    data = text.encode()
    blocks = block.Finder(PLAIN, 2).find(data, 0, is_last=True)
    assert not blocks.read
    assert len(blocks.starts) == len(list(splitting.Splitter(io.BytesIO(data), PLAIN)))


def test_a_record_that_goes_on_behind_the_block_is_left_for_the_next_one() -> None:
    finder = block.Finder(PLAIN, 2)
    assert finder.find(b'a,b\nc,"d\ne', 0, is_last=False).reached == 4
    assert finder.find(b"a,b\nc,d\r", 0, is_last=False).reached == 4
    assert finder.find(b'a,"b\nc', 0, is_last=False).reached == 0
    assert finder.find(b"a,b\nc,d", 0, is_last=True).reached == 7
    assert finder.find(b"a,b\nc,d\ne,f\n", 0, is_last=True, stop=1).reached == 4
