from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from lakewright.project import dump, naming, source_file
from lakewright.project.contract import (
    Column,
    Contract,
    Evolution,
    PartitionField,
    Transform,
)
from lakewright.project.file import TextFile
from lakewright.project.source import (
    BadRecordLimits,
    Csv,
    Dialect,
    Excel,
    FixedField,
    FixedWidth,
    Json,
    Parquet,
    Source,
)
from lakewright.sql import types

TEXTS = st.text(max_size=12) | st.sampled_from(
    ["no", "null", "1.0", "~", "- a", "a: b", "#", "a, b", "é ", "\ue000", "decimal(1,2)", "'x\""]
)
NAMES = st.text("abcdeé日_ 0", min_size=1, max_size=6).map(naming.standardise)
CHARACTERS = st.sampled_from([";", "\t", "|", "'", "\\", "\x01", "§"])
TYPES: st.SearchStrategy[types.Type] = st.recursive(
    st.sampled_from(types.PRIMITIVES) | st.just(types.Decimal(12, 2)),
    lambda inner: st.one_of(
        inner.map(types.Array),
        st.tuples(inner, inner).map(lambda pair: types.Map(*pair)),
        st.dictionaries(st.sampled_from(["a", "b c", "d`"]), inner, min_size=1, max_size=2).map(
            lambda fields: types.Struct(tuple(fields.items()))
        ),
    ),
    max_leaves=3,
)


def _words() -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(TEXTS, max_size=3).map(tuple)


@st.composite
def columns(draw: st.DrawFn) -> tuple[Column, ...]:
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    headers = draw(st.lists(TEXTS.filter(bool), min_size=4, max_size=4, unique=True))
    return tuple(
        Column(
            name=name,
            type=draw(TYPES),
            is_required=draw(st.booleans()),
            null_words=draw(st.none() | _words()),
            source_name=draw(st.none() | st.just(header)),
            description=draw(TEXTS),
        )
        for name, header in zip(names, headers, strict=False)
    )


@st.composite
def contracts(draw: st.DrawFn) -> Contract:
    found = draw(columns())
    plain = [each.name for each in found if each.type in types.PRIMITIVES[:-1]]
    key = tuple(draw(st.lists(st.sampled_from(plain), unique=True, max_size=2)) if plain else ())
    parts = tuple(
        PartitionField(column=name) if name not in key
        else PartitionField(column=name, transform=Transform.IDENTITY)
        for name in plain
    )  # fmt: skip
    return Contract(
        columns=tuple(
            replace(each, is_required=each.is_required or each.name in key) for each in found
        ),
        key=key,
        partitioning=draw(st.sampled_from([(), parts])),
        evolution=draw(st.builds(Evolution)),
        null_words=draw(_words()),
    )


DIALECTS = st.builds(
    Dialect,
    delimiter=st.none() | CHARACTERS,
    quote=st.sampled_from([None, "", '"']),
    escape=st.sampled_from([None, '"']),
    has_header=st.none() | st.booleans(),
    skip_lines=st.none() | st.integers(0, 9),
    comment=st.sampled_from([None, "", "#"]),
    encoding=st.sampled_from([None, "utf-8", "windows-1252"]),
)
MEMBERS = st.sampled_from([(), ("*.csv",), ("a/*", "b.txt")])
FORMATS = st.one_of(
    st.none(),
    st.builds(Csv, dialect=DIALECTS, members=MEMBERS),
    st.builds(Json, members=MEMBERS),
    st.builds(Parquet, members=MEMBERS),
    st.builds(
        Excel,
        sheet=st.none() | TEXTS.filter(bool),
        has_header=st.none() | st.booleans(),
        skip_lines=st.none() | st.integers(0, 9),
        members=MEMBERS,
    ),
    st.builds(
        FixedWidth,
        fields=st.sampled_from(
            [
                None,
                (FixedField(start=0, width=4), FixedField(start=4, width=1)),
                (FixedField(start=2, width=4), FixedField(start=9, width=1)),
            ]
        ),
        has_header=st.none() | st.booleans(),
        skip_lines=st.none() | st.integers(0, 9),
        comment=st.sampled_from([None, "", "#"]),
        encoding=st.sampled_from([None, "utf-8"]),
        is_padded=st.none() | st.booleans(),
        decimal_separator=st.sampled_from([".", ","]),
    ),
    st.builds(
        FixedWidth,
        fields=st.just((FixedField(start=0, width=4, name="Id"),)),
        has_header=st.just(False),
    ),
)
SOURCES = st.builds(
    Source,
    name=st.just("orders"),
    match=st.lists(
        TEXTS.filter(lambda text: bool(text) and not {"/", "\\"} & set(text)), max_size=3
    ).map(tuple),
    format=FORMATS,
    contract=st.none() | contracts(),
    limits=st.builds(BadRecordLimits, share_max=st.floats(0, 1), count_max=st.none() | st.just(5)),
    description=TEXTS,
    file=st.just("sources/orders.yaml"),
)


def load(text: str) -> Source | None:
    found = source_file.read(TextFile.read("sources/orders.yaml", text), "orders")
    assert not found.mistakes.problems, text
    return found.source


@given(SOURCES)
@settings(max_examples=200)
def test_a_source_that_is_written_down_loads_as_the_same_source(source: Source) -> None:
    assert load(dump.dump(source)) == source


def test_a_file_says_only_what_differs_from_the_defaults() -> None:
    source = Source(
        name="orders",
        match=("orders*.csv",),
        format=Csv(),
        contract=Contract(
            columns=(
                Column(
                    name="order_id", type=types.BIGINT, is_required=True, source_name="Order ID"
                ),
                Column(name="price", type=types.Decimal(12, 2), description="In euros: net."),
            ),
            key=("order_id",),
            partitioning=(PartitionField(column="order_id", transform=Transform.BUCKET, width=4),),
        ),
    )
    assert dump.dump(source) == (
        "match: orders*.csv\n"
        "format: csv\n"
        "columns:\n"
        "  - {name: order_id, type: bigint, source_name: Order ID}\n"
        '  - {name: price, type: "decimal(12,2)", description: "In euros: net."}\n'
        "key: order_id\n"
        'partitioning: ["bucket(4, order_id)"]\n'
    )
