from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lakewright import errors
from lakewright.engines.engine import Reason, UploadCounts
from lakewright.plan import steps
from lakewright.plan.landed import Landed
from lakewright.project.contract import Contract
from lakewright.project.source import BadRecordLimits, Csv, Suspects
from lakewright.runs.operations import verdict

STEP = steps.Bronze(
    source="orders",
    contract=Contract(columns=()),
    upload_ids=("u1",),
    limits=BadRecordLimits(share_max=0.5),
    loaded_at=datetime(2026, 1, 1, tzinfo=UTC),
)
FILE = Landed(
    upload_id="u1", file_name="o.csv", format=Csv(), columns=(), parts=(), records=4, size_bytes=9
)


def counts(quarantined: int, *reasons: Reason, suspicions: tuple[str, ...] = ()) -> UploadCounts:
    return UploadCounts(
        upload_id="u1",
        records=4,
        rows=4 - quarantined,
        quarantined=quarantined,
        suspicions=suspicions,
        reasons=reasons,
    )


def reason(number: int, column: str | None = "quantity") -> Reason:
    return Reason(
        column=column,
        code="c",
        message=f"message {number}",
        records=number,
        first_record=1234,
        first_byte=56789,
    )


def test_as_many_bad_records_as_allowed_are_loaded() -> None:
    verdict.check(STEP, FILE, counts(2))
    with pytest.raises(errors.TooManyBadRecords):
        verdict.check(STEP, FILE, counts(3))
    one = replace(STEP, limits=BadRecordLimits(share_max=1, count_max=1))
    with pytest.raises(errors.TooManyBadRecords) as refused:
        verdict.check(one, FILE, counts(2))
    assert "no more than 1" in refused.value.why


def test_too_many_bad_records_are_told_with_their_most_frequent_reasons_and_first_places() -> None:
    found = counts(3, *(reason(number) for number in (5, 4, 3, 2, 1)))
    with pytest.raises(errors.TooManyBadRecords) as refused:
        verdict.check(STEP, FILE, found)
    assert refused.value.why.split("\n") == [
        "3 of 4 records were refused; allowed are 50.0% of them",
        "5 records: quantity: message 5 (the first is record 1,234 at byte 56,789)",
        "4 records: quantity: message 4 (the first is record 1,234 at byte 56,789)",
        "3 records: quantity: message 3 (the first is record 1,234 at byte 56,789)",
        "and 2 other reasons",
    ]
    assert "lakewright uploads show u1" in refused.value.hint


def test_a_reason_may_be_the_records_as_a_whole_and_of_one_record() -> None:
    one = replace(reason(1, column=None), first_byte=None)
    assert verdict.told(one) == "1 record: message 1 (record 1,234)"


def test_a_suspect_file_is_refused_where_its_source_says_so() -> None:
    step = replace(STEP, suspects=Suspects.REFUSE)
    verdict.check(step, FILE, counts(0))
    found = counts(0, suspicions=("every value of a was refused",))
    verdict.check(STEP, FILE, found)
    with pytest.raises(errors.FileSuspect) as refused:
        verdict.check(step, replace(FILE, suspicions=("it has one column",)), found)
    assert refused.value.why == "it has one column; every value of a was refused"
    assert "suspects: load" in refused.value.hint
