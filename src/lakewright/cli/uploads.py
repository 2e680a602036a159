"""`lakewright uploads`: what was delivered and what became of it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from cyclopts import Parameter

from lakewright import wiring
from lakewright.cli import output, progress, show
from lakewright.cli.app import Common
from lakewright.runs import accept, account, finding, records

_ROLLED_BACK = "rolled back"
"""The status of an upload whose rows a rollback took away: the journal knows nothing of it."""


def list_(
    *,
    source: str | None = None,
    limit: Annotated[int, Parameter(help="How many, newest first.")] = 50,
    common: Common = Common(),
) -> None:
    """List uploads, newest first.

    Parameters
    ----------
    source
        Only uploads of this source.
    """
    with wiring.open_lakehouse(common.project) as house:
        uploads = house.journal.reading.uploads(source=source, limit=limit)
        gone = house.rolled_back(uploads)
    if common.json:
        output.print_json([_json(upload, gone) for upload in uploads])
        return
    if not uploads:
        output.print_note("nothing was uploaded yet; try `lakewright upload FILE`")
        return
    output.print_table(
        ["upload", "file", "source", "status", "records", "rows", "quarantined", "accepted"],
        [
            (
                upload.upload_id,
                upload.file_name,
                upload.source,
                _ROLLED_BACK if upload.upload_id in gone else upload.status,
                show.number(upload.records),
                show.number(upload.rows),
                show.number(upload.quarantined),
                show.moment(upload.accepted_at),
            )
            for upload in uploads
        ],
        right=["records", "rows", "quarantined"],
        spare=["accepted", "source", "rows"],
        styles=show.STYLES | {_ROLLED_BACK: "yellow"},
    )


def show_(upload_id: str, /, *, common: Common = Common()) -> None:
    """Show one upload: its file, counts and run, how it differed, and why it or records failed.

    Parameters
    ----------
    upload_id
        As `lakewright uploads list` prints it; its first letters are enough.
    """
    with wiring.open_lakehouse(common.project) as house:
        upload = finding.find_upload(house.journal.reading, upload_id)
        told = account.of_upload(house.journal.reading.steps(upload.run_id), upload.upload_id)
        gone = house.rolled_back([upload])
    if common.json:
        output.print_json(_json(upload, gone) | show.account_json(told))
        return
    lines = show.upload_lines(upload, told)
    if gone:
        lines = [(name, _ROLLED_BACK if name == "status" else value) for name, value in lines]
    output.print_fields(lines, styles=show.STYLES | {_ROLLED_BACK: "yellow"})
    show.print_recorded_error(upload.error)


def remove(upload_ids: Sequence[str], /, *, common: Common = Common()) -> int:
    """Take uploads' rows out of bronze and quarantine, and of what is made from them.

    The raw files stay; uploading one again loads it again.

    Parameters
    ----------
    upload_ids
        As `lakewright uploads list` prints them; the first letters are enough.
    """
    with wiring.open_lakehouse(common.project) as house:
        found = [
            finding.find_upload(house.journal.reading, upload_id).upload_id
            for upload_id in upload_ids
        ]
        runs = accept.request_removal(house.journal, found, datetime.now(UTC))
        return progress.carry_out(house, [run.run_id for run in runs], as_json=common.json)


def _json(upload: records.Upload, gone: frozenset[str]) -> dict[str, output.Json]:
    told = show.value_json(upload)
    return told | {"status": "rolled_back"} if upload.upload_id in gone else told
