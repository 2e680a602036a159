from dataclasses import replace

import pytest

from lakewright.plan import codec, difference, evolution
from lakewright.plan.difference import Difference, Kind
from lakewright.plan.landed import ArrivedColumn, Landed
from lakewright.project.contract import Column, Contract, Evolution, Policy
from lakewright.project.source import Csv, Dialect, Format, Parquet, Source
from lakewright.sql import types

CSV = Csv(dialect=Dialect(has_header=True))
EVOLVE, FREEZE, QUARANTINE = Policy.EVOLVE, Policy.FREEZE, Policy.QUARANTINE


def landed(format: Format = CSV, /, **columns: types.Type) -> Landed:  # noqa: A002
    return Landed(
        upload_id="u",
        file_name="u.csv",
        format=format,
        columns=tuple(ArrivedColumn(name=name, type=kind) for name, kind in columns.items()),
        parts=(),
        records=1,
        size_bytes=1,
    )


ID = Column(name="id", type=types.BIGINT, source_name="ID")
PRICE = Column(name="price", type=types.DOUBLE)
NOTE = Column(name="note", type=types.STRING)


def found(
    columns: tuple[Column, ...],
    file: Landed,
    *,
    present: Contract | None = None,
    **policies: Policy,
) -> tuple[Difference, ...]:
    contract = Contract(columns=columns, evolution=Evolution(**policies))
    evolved = evolution.evolve(Source(name="s", contract=contract), present, [file])
    return evolved.differences.get("u", ())


def inferred(*files: Landed) -> tuple[tuple[str, ...], ...]:
    evolved = evolution.evolve(
        Source(name="s"),
        None,
        [replace(file, upload_id=str(number)) for number, file in enumerate(files)],
    )
    return tuple(
        tuple(difference.words(each) for each in evolved.differences.get(str(number), ()))
        for number in range(len(files))
    )


def test_a_file_as_its_contract_says_differs_in_nothing() -> None:
    file = landed(ID=types.BIGINT, price=types.BIGINT, note=types.UNKNOWN)
    assert found((ID, PRICE, NOTE), file) == ()


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (EVOLVE, "+ extra: new, date; the table gets it"),
        (QUARANTINE, "+ extra: new, date; records with a value there are refused"),
        (FREEZE, "+ extra: new, date; which the contract does not allow"),
    ],
)
def test_a_new_column_is_told_with_what_the_contract_does(policy: Policy, words: str) -> None:
    (one,) = found((ID,), landed(ID=types.BIGINT, extra=types.DATE), new_columns=policy)
    assert (one.kind, one.answer) == (Kind.ADDED, policy)
    assert difference.words(one) == words


@pytest.mark.parametrize(
    ("column", "policy", "answer", "words"),
    [
        (NOTE, EVOLVE, EVOLVE, "- note: missing; null stands in for it"),
        (NOTE, QUARANTINE, EVOLVE, "- note: missing; null stands in for it"),
        (NOTE, FREEZE, FREEZE, "- note: missing, which the contract does not allow"),
        (
            replace(NOTE, default="none", is_required=True), EVOLVE, EVOLVE,
            "- note: missing; 'none' stands in for it",
        ),
        (
            replace(NOTE, is_required=True), EVOLVE, FREEZE,
            "- note: missing, which the contract does not allow",
        ),
        (
            replace(NOTE, is_required=True), QUARANTINE, QUARANTINE,
            "- note: missing; no record can do without it",
        ),
    ],
)  # fmt: skip
def test_a_missing_column_is_told_with_what_stands_in_for_it(
    column: Column, policy: Policy, answer: Policy, words: str
) -> None:
    (one,) = found((ID, column), landed(ID=types.BIGINT), missing_columns=policy)
    assert (one.kind, one.answer, difference.words(one)) == (Kind.MISSING, answer, words)


def test_a_header_in_other_case_or_with_blanks_is_told_where_the_contract_names_one() -> None:
    file = landed(**{"id": types.BIGINT, " Price": types.DOUBLE})
    assert found((ID, PRICE), file) == (
        Difference(kind=Kind.RENAMED, column="id", before="ID", after="id"),
    )


@pytest.mark.parametrize(
    ("policy", "after", "effect"),
    [
        (EVOLVE, "double", "the table follows"),
        (QUARANTINE, "double", "values that do not fit are refused"),
        (FREEZE, "double", "which the contract does not allow"),
    ],
)
def test_values_of_a_wider_type_are_told(policy: Policy, after: str, effect: str) -> None:
    (one,) = found((ID,), landed(ID=types.DOUBLE), wider_types=policy)
    assert one == Difference(
        kind=Kind.WIDENED, column="id", before="bigint", after=after, answer=policy
    )
    assert difference.words(one) == f"~ id: bigint -> {after}; {effect}"


def test_whole_numbers_in_a_text_may_be_ints_but_parquet_states_what_they_are() -> None:
    column = Column(name="n", type=types.INT)
    assert found((column,), landed(n=types.BIGINT), wider_types=FREEZE) == ()
    (one,) = found((column,), landed(Parquet(), n=types.BIGINT), wider_types=FREEZE)
    assert one.kind is Kind.WIDENED


def test_only_a_file_that_states_its_types_is_narrower() -> None:
    column = Column(name="n", type=types.BIGINT)
    assert found((column,), landed(n=types.INT)) == ()
    (one,) = found((column,), landed(Parquet(), n=types.INT))
    assert one == Difference(kind=Kind.NARROWED, column="n", before="bigint", after="int")
    assert difference.words(one) == "~ n: int, within bigint"


@pytest.mark.parametrize(
    ("policy", "effect"),
    [(EVOLVE, "matched by name"), (FREEZE, "which the contract does not allow")],
)
def test_another_order_is_told(policy: Policy, effect: str) -> None:
    (one,) = found((ID, NOTE), landed(note=types.STRING, ID=types.BIGINT), reordered_columns=policy)
    assert difference.words(one) == f"~ the columns come in another order than ID, note; {effect}"


def test_the_first_file_of_an_inferred_contract_differs_from_nothing_and_later_ones_from_it() -> (
    None
):
    assert inferred(
        landed(a=types.BIGINT, B=types.UNKNOWN),
        landed(a=types.DOUBLE, b=types.DATE, c=types.STRING),
        landed(a=types.BIGINT, B=types.DATE, c=types.STRING),
    ) == (
        (),
        (
            "~ a: bigint -> double; the table follows",
            "~ b: called 'b' instead of 'B'",
            "~ b: unknown -> date; the table follows",
            "+ c: new, string; the table gets it",
        ),
        (),
    )  # fmt: skip


def test_a_refused_file_tells_all_of_its_differences() -> None:
    file = landed(ID=types.DOUBLE, x=types.DATE)
    kinds = [each.kind for each in found((ID, NOTE), file, new_columns=FREEZE)]
    assert kinds == [Kind.WIDENED, Kind.MISSING, Kind.ADDED]


def test_a_difference_survives_the_journal() -> None:
    (one,) = found((ID,), landed(ID=types.DOUBLE))
    assert codec.decode(Difference, codec.encode(one)) == one
