"""`lakewright quarantine`: records that broke their contract, why, and another try."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import cast

from lakewright import errors, wiring
from lakewright.cli import output, progress, show
from lakewright.cli.app import Common
from lakewright.runs import accept, finding, records

_FACETS_RECORDS_MAX = 100_000
_COLUMNS = ("_upload_id", "_source_file", "_record", "byte_position", "raw", "reasons")


def list_(*, common: Common = Common()) -> None:
    """List the uploads that have quarantined records, with the reasons in order of frequency."""
    with wiring.open_lakehouse(common.project) as house:
        uploads = [upload for upload in house.journal.reading.uploads() if upload.quarantined
                   and upload.status.is_in_bronze]  # fmt: skip
        facets = {
            source: _facets(house, source) for source in sorted({each.source for each in uploads})
        }
    if common.json:
        output.print_json(
            [
                {
                    "upload_id": upload.upload_id,
                    "file": upload.file_name,
                    "source": upload.source,
                    "records_in": upload.records,
                    "records_quarantined": upload.quarantined,
                    "reasons": dict(facets[upload.source].get(upload.upload_id, {})),
                }
                for upload in uploads
            ]
        )
        return
    if not uploads:
        output.print_note("no record is in quarantine")
        return
    output.print_table(
        ["upload", "file", "source", "quarantined", "of", "reasons"],
        [
            (
                upload.upload_id,
                upload.file_name,
                upload.source,
                show.number(upload.quarantined),
                show.number(upload.records),
                tuple(
                    f"{show.number(count)} × {_words(reason)}"
                    for reason, count in facets[upload.source]
                    .get(upload.upload_id, Counter())
                    .most_common(5)
                ),
            )
            for upload in uploads
        ],
        right=["quarantined", "of"],
    )
    output.print_note("see records with `lakewright quarantine show SOURCE`")


def show_(
    source: str, /, *, upload: str | None = None, limit: int = 20, common: Common = Common()
) -> None:
    """Show quarantined records of a source: where they stand, their text, and every reason.

    Parameters
    ----------
    source
        The source's name.
    upload
        Only of this upload; the first letters of its id are enough.
    limit
        How many.
    """
    with wiring.open_lakehouse(common.project) as house:
        upload_id = finding.find_upload(house.journal.reading, upload).upload_id if upload else None
        records = _records(house, source, upload_id, limit)
    if common.json:
        output.print_json(records)
        return
    for record in records:
        byte = cast("int | None", record["byte_position"])
        at = "" if byte is None else f", byte {show.number(byte)}"
        place = show.number(cast("int", record["_record"]))
        output.print_line(f"{record['_source_file']}, record {place}{at}", style="bold")
        output.print_line(f"  {record['raw']}")
        for reason in cast("list[Mapping[str, str | None]]", record["reasons"]):
            output.print_line(f"  {reason['column'] or 'whole record'}: {reason['message']}",
                              style="yellow")  # fmt: skip
    if not records:
        output.print_note("no record is in quarantine there")


def replay(source: str, /, *, upload: str | None = None, common: Common = Common()) -> int:
    """Read uploads with quarantined records again, under the contract as it is now.

    What they had in bronze and quarantine is replaced, in one publish.

    Parameters
    ----------
    source
        The source's name.
    upload
        Only this upload; the first letters of its id are enough.
    """
    with wiring.open_lakehouse(common.project) as house:
        if upload is not None:
            chosen = [finding.find_upload(house.journal.reading, upload)]
        else:
            _check_loaded(house, source)
            chosen = [each for each in house.journal.reading.uploads(source=source)
                      if each.quarantined and each.status.is_in_bronze]  # fmt: skip
        if not chosen:
            raise errors.NotFound(
                f"no upload of {source} has quarantined records",
                hint="`lakewright quarantine list` shows which have",
            )
        ids = [each.upload_id for each in reversed(chosen)]
        runs = accept.request_replay(house.journal, ids, datetime.now(UTC))
        return progress.carry_out(house, [run.run_id for run in runs], as_json=common.json)


def _facets(house: wiring.Lakehouse, source: str) -> Mapping[str, Counter[str]]:
    """For each upload, how often each reason occurs: `column: code`."""
    found: dict[str, Counter[str]] = {}
    query = f"SELECT _upload_id, reasons FROM quarantine.{source} LIMIT {_FACETS_RECORDS_MAX}"
    for upload_id, reasons in _rows(house, query):
        counter = found.setdefault(str(upload_id), Counter())
        for reason in cast("list[Mapping[str, str | None]]", reasons):
            counter[f"{reason['column'] or 'record'}: {reason['code']}"] += 1
    return found


def _words(reason: str) -> str:
    """`quantity: not an int`, `whole record: too few fields`."""
    column, _, code = reason.rpartition(": ")
    return f"{'whole record' if column == 'record' else column}: {code.replace('_', ' ')}"


def _check_loaded(house: wiring.Lakehouse, source: str) -> None:
    if f"quarantine.{source}" not in house.lake.tables():
        raise errors.NotFound(
            f"there is no source {source} that was loaded",
            hint="`lakewright sources list` shows the sources",
        )


def _records(
    house: wiring.Lakehouse, source: str, upload_id: str | None, limit: int
) -> list[dict[str, output.Json]]:
    _check_loaded(house, source)
    where = f" WHERE _upload_id = '{upload_id}'" if upload_id else ""
    query = (
        f"SELECT {', '.join(_COLUMNS)} FROM quarantine.{source}{where}"
        f" ORDER BY _loaded_at, _source_file, _record LIMIT {limit}"
    )
    return [dict(zip(_COLUMNS, row, strict=True)) for row in _rows(house, query)]


def _rows(house: wiring.Lakehouse, query: str) -> Sequence[Sequence[records.Json]]:
    answer = house.ask("query", {"sql": query, "at": None, "rows_max": None, "output": None})
    return cast(
        "Sequence[Sequence[records.Json]]", cast("Mapping[str, records.Json]", answer)["rows"]
    )
