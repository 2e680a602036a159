from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakewright.plan import evolution
from lakewright.plan.evolution import Evolved
from lakewright.plan.landed import ArrivedColumn, Landed
from lakewright.project.contract import (
    Column,
    Contract,
    Evidence,
    Evolution,
    PartitionField,
    Policy,
    Reading,
)
from lakewright.project.source import Csv, Dialect, Source
from lakewright.sql import types
from lakewright.sql.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    INT,
    STRING,
    TIMESTAMP_NTZ,
    UNKNOWN,
    Decimal,
    Type,
)

EVOLVE, FREEZE, QUARANTINE = Policy.EVOLVE, Policy.FREEZE, Policy.QUARANTINE


def landed(upload_id: str = "u1", /, **columns: Type | tuple[Type, str]) -> Landed:
    arrived = []
    for name, hint in columns.items():
        kind, pattern = hint if isinstance(hint, tuple) else (hint, None)
        arrived.append(ArrivedColumn(name=name, type=kind, format=pattern))
    return Landed(
        upload_id=upload_id,
        file_name=f"{upload_id}.csv",
        format=Csv(dialect=Dialect(has_header="column_1" not in columns)),
        columns=tuple(arrived),
        parts=(),
        records=1,
        size_bytes=1,
    )


def declared(*columns: Column, **policies: Policy) -> Contract:
    return Contract(columns=columns, evolution=Evolution(**policies))


def column(name: str, kind: Type = STRING, /, **rest: object) -> Column:
    return replace(Column(name=name, type=kind), **rest)  # type: ignore[arg-type]


def source(contract: Contract | None = None) -> Source:
    file = "sources/orders.yaml" if contract else None
    return Source(name="orders", contract=contract, file=file)


def kinds(evolved: Evolved | Contract) -> dict[str, str]:
    contract = evolved.contract if isinstance(evolved, Evolved) else evolved
    return {each.name: str(each.type) for each in contract.columns}


def why(evolved: Evolved) -> str:
    (problem,) = evolved.refused.values()
    assert problem.code == "contract-broken"
    return problem.why


def test_without_a_contract_the_files_make_it() -> None:
    evolved = evolution.evolve(
        source(), None, [landed("u1", a=INT, b=UNKNOWN), landed("u2", a=BIGINT, c=DATE)]
    )
    assert kinds(evolved) == {"a": "bigint", "b": "unknown", "c": "date"}
    assert not evolved.contract.is_adopted
    assert evolved.contract.schema().names[:2] == ("a", "c")
    assert evolved.accepted == ("u1", "u2")
    assert (evolved.changes, evolved.rebuild_reasons) == ((), ())


def test_an_inferred_column_keeps_the_name_that_the_file_has() -> None:
    evolved = evolution.evolve(source(), None, [landed("u1", **{"Order ID": INT})])
    assert evolved.contract.columns == (
        Column(name="order_id", type=INT, source_name="Order ID", is_declared=False),
    )


@pytest.mark.parametrize(
    ("first", "second", "expected", "is_rebuild"),
    [
        (INT, INT, "int", False),
        (INT, BIGINT, "bigint", False),
        (BIGINT, INT, "bigint", False),
        (INT, DOUBLE, "double", True),
        (DOUBLE, INT, "double", False),
        (INT, STRING, "string", True),
        (UNKNOWN, DATE, "date", False),
        (DATE, UNKNOWN, "date", False),
        (DATE, TIMESTAMP_NTZ, "timestamp_ntz", True),
        (Decimal(5, 2), Decimal(7, 2), "decimal(7,2)", False),
        (Decimal(5, 2), Decimal(7, 3), "decimal(7,3)", True),
        ((DATE, "dd/MM/yyyy"), (DATE, "dd/MM/yyyy"), "date", False),
        ((DATE, "dd/MM/yyyy"), (DATE, "MM/dd/yyyy"), "string", True),
        ((DATE, "dd/MM/yyyy"), DATE, "string", True),
    ],
)
def test_a_type_that_nobody_declared_follows_what_the_files_hold(
    first: Type, second: Type, expected: str, is_rebuild: bool
) -> None:
    present = evolution.evolve(source(), None, [landed("u1", a=first)]).contract
    evolved = evolution.evolve(source(), present, [landed("u2", a=second)])
    assert (kinds(evolved), evolved.is_rebuild) == ({"a": expected}, is_rebuild)


@pytest.mark.parametrize(
    ("policies", "expected", "refusal"),
    [
        ({}, {"a": "int", "b": "double"}, ""),
        ({"new_columns": QUARANTINE}, {"a": "int"}, ""),
        ({"new_columns": FREEZE}, {"a": "int"}, "the file has the column b, which is new"),
    ],
)
def test_new_columns(policies: dict[str, Policy], expected: dict[str, str], refusal: str) -> None:
    contract = declared(column("a", INT), **policies)
    evolved = evolution.evolve(source(contract), contract, [landed(a=INT, b=DOUBLE)])
    assert kinds(evolved) == expected
    assert (why(evolved) if evolved.refused else "") == refusal
    assert not evolved.is_rebuild


@pytest.mark.parametrize(
    ("policies", "missing", "refusal"),
    [
        ({}, column("b"), ""),
        ({}, column("b", is_required=True, default="x"), ""),
        (
            {},
            column("b", is_required=True),
            "the file lacks the column b, which is required",
        ),
        ({"missing_columns": QUARANTINE}, column("b", is_required=True), ""),
        ({"missing_columns": FREEZE}, column("b"), "the file lacks the column b"),
    ],
)
def test_missing_columns(policies: dict[str, Policy], missing: Column, refusal: str) -> None:
    contract = declared(column("a", INT), missing, **policies)
    evolved = evolution.evolve(source(contract), contract, [landed(a=INT)])
    assert evolved.contract == contract
    assert (why(evolved) if evolved.refused else "") == refusal


@pytest.mark.parametrize(
    ("policy", "refusal"),
    [
        (EVOLVE, ""),
        (QUARANTINE, ""),
        (FREEZE, "the columns come in another order than A, b"),
    ],
)
def test_reordered_columns(policy: Policy, refusal: str) -> None:
    contract = declared(column("a"), column("b"), column("c"), reordered_columns=policy)
    evolved = evolution.evolve(source(contract), contract, [landed(b=STRING, A=STRING)])
    assert evolved.contract == contract
    assert (why(evolved) if evolved.refused else "") == refusal


@pytest.mark.parametrize(
    ("policy", "expected", "refusal"),
    [
        (EVOLVE, "double", ""),
        (QUARANTINE, "int", ""),
        (FREEZE, "int", "column a holds double, wider than int"),
    ],
)
def test_wider_types(policy: Policy, expected: str, refusal: str) -> None:
    contract = declared(column("a", INT), wider_types=policy)
    evolved = evolution.evolve(source(contract), contract, [landed(a=DOUBLE)])
    assert kinds(evolved) == {"a": expected}
    assert (why(evolved) if evolved.refused else "") == refusal
    assert evolved.is_rebuild == (policy is EVOLVE)


@pytest.mark.parametrize(
    ("promised", "arrived"),
    [
        (column("a", STRING), INT),
        (column("a", DOUBLE), Decimal(9, 2)),
        (column("a", Decimal(9, 2)), DOUBLE),
        (column("a", Decimal(9, 2)), Decimal(8, 1)),
        (column("a", BOOLEAN), INT),
        (column("a", TIMESTAMP_NTZ), DATE),
        (column("a", types.TIMESTAMP), TIMESTAMP_NTZ),
        (column("a", DATE, format="dd-MMM-yy"), STRING),
        (column("a", INT), UNKNOWN),
    ],
)
def test_a_declared_type_stands_where_types_cannot_tell_that_values_do_not_fit(
    promised: Column, arrived: Type
) -> None:
    for policy in (EVOLVE, FREEZE):
        contract = declared(promised, wider_types=policy)
        evolved = evolution.evolve(source(contract), contract, [landed(a=arrived)])
        assert (evolved.contract, evolved.refused) == (contract, {})


def test_a_refusal_lists_every_difference_and_the_way_out() -> None:
    contract = declared(column("a", INT), column("b"), new_columns=FREEZE, missing_columns=FREEZE)
    evolved = evolution.evolve(
        source(contract), contract, [landed("u1", a=INT, c=INT, d=INT), landed("u2", a=INT, b=INT)]
    )
    assert list(evolved.refused) == ["u1"]
    assert evolved.accepted == ("u2",)
    problem = evolved.refused["u1"]
    assert problem.what == "u1.csv breaks the contract of source orders"
    assert (
        problem.why == "the file has the columns c, d, which are new; the file lacks the column b"
    )
    assert problem.hint == (
        "mend the file, or change sources/orders.yaml"
        " (evolution.new_columns, evolution.missing_columns is freeze)"
    )


def test_a_refused_file_is_no_evidence() -> None:
    contract = declared(column("a", INT), column("b", INT), missing_columns=FREEZE)
    evolved = evolution.evolve(source(contract), None, [landed(a=INT, c=INT)])
    assert evolved.contract == contract


def test_a_file_without_records_nor_columns_differs_in_nothing() -> None:
    contract = declared(column("a", INT), missing_columns=FREEZE)
    assert evolution.evolve(source(contract), contract, [landed()]).refused == {}


def test_changes_are_told_in_words() -> None:
    present = Contract(
        columns=tuple(
            replace(each, is_declared=False)
            for each in (column("a", INT), column("b", UNKNOWN), column("c", INT))
        ),
        is_adopted=False,
    )
    evolved = evolution.evolve(
        source(), present, [landed(a=BIGINT, b=DATE, c=STRING, d=INT, e=UNKNOWN)]
    )
    assert evolved.changes == (
        "column a changes from int to bigint",
        "column b, empty until now, is date",
        "column c changes from int to string",
        "column d is new: int",
        "column e is new, and empty so far: it has no type yet",
    )
    assert evolved.rebuild_reasons == (
        "column c changes from int to string, which a table cannot do in place",
    )


BASE = declared(column("a", INT), column("b", DATE))


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (BASE, []),
        (declared(column("a", INT, description="x"), column("b", DATE)), []),
        (declared(column("a", BIGINT), column("b", DATE)), []),
        (declared(column("b", DATE), column("a", INT)), []),
        (declared(column("a", INT), column("b", DATE), wider_types=FREEZE), []),
        (declared(column("a", INT)), []),
        (
            declared(column("a", STRING), column("b", DATE)),
            ["column a changes from int to string, which a table cannot do in place"],
        ),
        (
            declared(column("a", INT), column("b", DATE), column("c")),
            ["column c is newly declared, and earlier files may hold it"],
        ),
        (
            declared(column("a", INT, null_words=("", "NA")), column("b", DATE)),
            ["column a is to be read with other null words"],
        ),
        (
            declared(column("a", INT, default="0"), column("b", DATE)),
            ["column a is to be read with other text for what is missing"],
        ),
        (
            declared(column("a", INT), column("b", DATE, format="dd/MM/yyyy")),
            ["column b is to be read with other formats"],
        ),
        (
            declared(column("a", INT, source_name="AA"), column("b", DATE)),
            ["column a is to be read with other headers"],
        ),
        (
            declared(column("a", INT, is_required=True), column("b", DATE)),
            ["column a is required now"],
        ),
        (
            replace(BASE, partitioning=(PartitionField(column="b"),)),
            ["the partitioning has changed"],
        ),
        (
            declared(column("a", INT), column("day", DATE, source_name="b")),
            [
                "column day is newly declared, and earlier files may hold it",
                "column b gave away its header",
            ],
        ),
    ],
)
def test_an_edited_contract_is_a_rebuild_where_earlier_files_would_read_otherwise(
    after: Contract, expected: list[str]
) -> None:
    assert list(evolution.evolve(source(after), BASE, []).rebuild_reasons) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (column("a", INT, is_required=True), column("a", INT), "column a is not required any more"),
        (column("a", INT), column("a", BIGINT), "column a takes all that fits bigint"),
        (column("a", INT), column("a", INT, is_required=True), ""),
        (column("a", INT), column("a", INT, description="x"), ""),
        (column("a", INT, is_declared=False), column("a", BIGINT), ""),
    ],
)
def test_what_a_contract_asks_less_strictly_is_told(
    before: Column, after: Column, expected: str
) -> None:
    evolved = evolution.evolve(source(declared(after)), declared(before), [])
    assert "".join(evolved.loosened) == expected


def test_a_type_that_a_file_makes_wider_may_take_what_an_earlier_policy_refused() -> None:
    before = declared(column("a", INT), wider_types=Policy.EVOLVE)
    evolved = evolution.evolve(source(before), before, [landed(a=BIGINT)])
    assert evolved.contract.columns[0].type == BIGINT
    assert evolved.loosened == ("column a takes all that fits bigint",)


def test_a_column_that_is_declared_no_more_is_not_required_either() -> None:
    before = declared(column("a", INT), column("b", DATE, is_required=True))
    evolved = evolution.evolve(source(declared(column("a", INT))), before, [])
    assert evolved.contract.columns[1] == column("b", DATE, is_declared=False)
    assert evolved.loosened == ("column b is not required any more",)


def test_a_column_that_is_declared_no_more_stays_as_one_that_files_brought() -> None:
    evolved = evolution.evolve(source(declared(column("a", INT))), BASE, [landed(a=INT, b=STRING)])
    assert evolved.contract.columns[1] == column("b", STRING, is_declared=False)


def test_adopting_what_was_inferred_changes_nothing() -> None:
    inferred = evolution.evolve(source(), None, [landed(A=INT, b=(DATE, "dd/MM/yyyy"))]).contract
    adopted = declared(*(replace(each, is_declared=True) for each in inferred.columns))
    evolved = evolution.evolve(source(adopted), inferred, [landed(A=INT, b=(DATE, "dd/MM/yyyy"))])
    assert (evolved.contract, evolved.changes, evolved.is_rebuild) == (adopted, (), False)


def test_names_for_columns_without_headers_take_their_places() -> None:
    inferred = evolution.evolve(
        source(), None, [landed(column_1=INT, column_2=INT, column_3=INT)]
    ).contract
    named = declared(column("a", INT), column("b", INT))
    evolved = evolution.evolve(source(named), inferred, [])
    assert list(kinds(evolved)) == ["a", "b", "column_3"]
    assert evolved.is_rebuild


ARRIVED = st.sampled_from(
    [
        UNKNOWN, INT, BIGINT, types.FLOAT, DOUBLE, STRING, BOOLEAN, DATE, TIMESTAMP_NTZ,
        types.TIMESTAMP, types.BINARY, Decimal(5, 2), Decimal(7, 3), Decimal(38, 0),
        Decimal(38, 38), types.Array(INT), types.Array(UNKNOWN), types.Array(STRING),
        types.Struct((("x", INT),)), types.Struct((("x", BIGINT),)), types.Map(STRING, INT),
        (DATE, "dd/MM/yyyy"), (DATE, "MM/dd/yyyy"), (TIMESTAMP_NTZ, "dd/MM/yyyy"),
    ]
)  # fmt: skip
FILES = st.lists(
    st.dictionaries(st.sampled_from(["a", "B b", "c", "d"]), ARRIVED, max_size=4), max_size=6
)
DECLARATIONS = st.none() | st.builds(
    lambda kind, wider, new: declared(column("a", kind), wider_types=wider, new_columns=new),
    st.sampled_from([INT, BIGINT, DOUBLE, DATE, BOOLEAN, Decimal(9, 2), STRING, TIMESTAMP_NTZ]),
    st.sampled_from(Policy),
    st.sampled_from(Policy),
)


@given(declaration=DECLARATIONS, files=FILES, data=st.data())
def test_no_order_of_files_and_no_batching_gives_another_type(
    declaration: Contract | None, files: list[dict[str, Type]], data: st.DataObject
) -> None:
    arrivals = [landed(f"u{number}", **columns) for number, columns in enumerate(files)]
    at_once = evolution.evolve(source(declaration), None, arrivals)
    shuffled = data.draw(st.permutations(arrivals + arrivals))
    present: Contract | None = None
    accepted: set[str] = set()
    while shuffled:
        size = data.draw(st.integers(1, len(shuffled)))
        evolved = evolution.evolve(source(declaration), present, shuffled[:size])
        present, shuffled = evolved.contract, shuffled[size:]
        accepted |= set(evolved.accepted)
    one_by_one = kinds(present or Contract(columns=()))
    if arrivals:
        assert dict(sorted(one_by_one.items())) == dict(sorted(kinds(at_once).items()))
        assert accepted == set(at_once.accepted)


@pytest.mark.parametrize("policy", Policy)
def test_a_settled_type_is_one_that_no_file_changes_and_for_which_none_is_refused(
    policy: Policy,
) -> None:
    contract = declared(column("a", INT), column("b", INT, is_declared=False), wider_types=policy)
    evolved = evolution.evolve(source(contract), contract, [landed(a=STRING, b=STRING)])
    is_unmoved = evolved.contract.columns[0] == contract.columns[0] and not evolved.refused
    assert contract.is_settled(contract.columns[0]) == is_unmoved
    assert not contract.is_settled(contract.columns[1])
    assert not evolution.evolve(source(), None, [landed(a=INT)]).contract.is_settled(column("a"))


WITH_NA = ArrivedColumn(name="a", type=BIGINT, evidence=Evidence(null_words=("NA",)))


def with_column(upload_id: str, arrived: ArrivedColumn) -> Landed:
    return replace(landed(upload_id), columns=(arrived,))


def test_words_that_are_null_in_a_later_file_change_nothing_of_earlier_ones() -> None:
    present = evolution.evolve(source(), None, [landed("u1", a=BIGINT)]).contract
    evolved = evolution.evolve(source(), present, [with_column("u2", WITH_NA)])
    assert evolved.contract.columns[0].null_words == ("", "NA")
    assert not evolved.is_rebuild
    text = evolution.evolve(source(), evolved.contract, [landed("u3", a=STRING)])
    assert text.contract.columns[0].null_words is None
    assert text.is_rebuild


def test_a_contract_that_is_saved_as_it_was_inferred_rebuilds_nothing() -> None:
    present = evolution.evolve(source(), None, [with_column("u1", WITH_NA)]).contract
    saved = declared(column("a", BIGINT, null_words=("", "NA")))
    assert not evolution.evolve(source(saved), present, []).is_rebuild
    strict = declared(column("a", BIGINT))
    assert evolution.evolve(source(strict), present, []).rebuild_reasons == (
        "column a is to be read with other null words",
    )


def test_null_words_of_a_column_that_is_not_declared_any_more_stay_its_own() -> None:
    present = declared(column("a", BIGINT, null_words=("none",)))
    evolved = evolution.evolve(source(), present, [landed("u2", a=BIGINT)])
    assert evolved.contract.columns[0].null_words == ("none",)
    assert not evolved.is_rebuild


@pytest.mark.parametrize(
    ("kind", "arrived", "expected"),
    [
        (BOOLEAN, (STRING, Reading(type=BOOLEAN)), "boolean"),
        (DATE, (STRING, Reading(type=DATE, format="dd/MM/yyyy")), "string"),
        (DOUBLE, (STRING, Reading(type=DOUBLE, format="0,0")), "string"),
    ],
)
def test_what_nothing_proves_is_what_is_declared_if_it_can_be(
    kind: Type, arrived: tuple[Type, Reading], expected: str
) -> None:
    evidence = Evidence(may_be=(arrived[1],))
    file = with_column("u1", ArrivedColumn(name="a", type=arrived[0], evidence=evidence))
    contract = declared(column("a", kind), wider_types=EVOLVE)
    assert kinds(evolution.evolve(source(contract), None, [file])) == {"a": expected}


def test_a_declared_column_is_text_where_its_notation_cannot_read_a_file() -> None:
    contract = declared(column("a", BIGINT), wider_types=EVOLVE)
    evolved = evolution.evolve(source(contract), None, [landed("u1", a=(DOUBLE, "0,0"))])
    assert kinds(evolved) == {"a": "string"}
    is_own = declared(column("a", DOUBLE, format="0,0"), wider_types=EVOLVE)
    evolved = evolution.evolve(source(is_own), None, [landed("u1", a=(DOUBLE, "0,0"))])
    assert kinds(evolved) == {"a": "double"}


def test_dates_that_lose_a_zero_are_read_in_place() -> None:
    present = evolution.evolve(source(), None, [landed("u1", a=(DATE, "dd/MM/yyyy"))]).contract
    evolved = evolution.evolve(source(), present, [landed("u2", a=(DATE, "d/M/yyyy"))])
    assert evolved.contract.columns[0].format == "d/M/yyyy"
    assert not evolved.is_rebuild
