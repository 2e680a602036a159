"""Whether an upload whose records are typed may be loaded, and the words if not. Pure."""

from lakewright import errors
from lakewright.engines.engine import Reason, UploadCounts
from lakewright.plan import steps
from lakewright.plan.landed import Landed
from lakewright.plan.suspicion import refusal
from lakewright.project.source import BadRecordLimits, Suspects
from lakewright.wording import counted

REASONS_SHOWN_MAX = 3
"""Reasons that an error tells; `lakewright uploads show` tells all of them."""


def check(step: steps.Bronze, landed: Landed, counts: UploadCounts) -> None:
    """See that no more records were refused than the source allows, and nothing looks misread.

    Raises:
        TooManyBadRecords: they were; with the most frequent reasons.
        FileSuspect: the source refuses files that may have been misread, and this one may.
    """
    if _is_over(step.limits, counts.quarantined, counts.records):
        raise _too_many(step, landed, counts)
    suspicions = (*landed.suspicions, *counts.suspicions)
    if suspicions and step.suspects is Suspects.REFUSE:
        raise errors.FileSuspect.of(refusal(step.source, landed.file_name, suspicions))


def told(reason: Reason) -> str:
    """One reason, how many records it refused, and where the first of them stands."""
    subject = f"{reason.column}: " if reason.column else ""
    where = f"record {reason.first_record:,}"
    if reason.first_byte is not None:
        where += f" at byte {reason.first_byte:,}"
    only = "" if reason.records == 1 else "the first is "
    return f"{counted(reason.records, 'record')}: {subject}{reason.message} ({only}{where})"


def rows_would_be_lost(step: steps.Bronze, error: errors.LakewrightError) -> errors.RunFailed:
    """The error of a rebuild over an upload that the table holds and that fits no more."""
    return errors.RunFailed(
        f"{step.table} cannot be rebuilt: {error.what}",
        where=error.where,
        why=f"{error.why}; its rows are in the table and would be lost",
        hint="change the contract so that the file fits, or remove the upload first",
        problems=error.problems,
    )


def _is_over(limits: BadRecordLimits, quarantined: int, records: int) -> bool:
    if limits.count_max is not None and quarantined > limits.count_max:
        return True
    return quarantined > limits.share_max * records


def _too_many(step: steps.Bronze, landed: Landed, counts: UploadCounts) -> errors.TooManyBadRecords:
    limits = step.limits
    allowed = f"{limits.share_max:.1%} of them"
    if limits.count_max is not None:
        allowed += f", and no more than {limits.count_max:,}"
    refused = f"{counts.quarantined:,} of {counted(counts.records, 'record')}"
    verb = "was" if counts.quarantined == 1 else "were"
    lines = [f"{refused} {verb} refused; allowed are {allowed}"]
    lines += [told(reason) for reason in counts.reasons[:REASONS_SHOWN_MAX]]
    more = len(counts.reasons) - REASONS_SHOWN_MAX
    if more > 0:
        lines.append(f"and {counted(more, 'other reason')}")
    return errors.TooManyBadRecords(
        f"{landed.file_name} has too many records that break the contract of {step.source}",
        where=errors.Place(file=landed.file_name),
        why="\n".join(lines),
        hint=f"`lakewright uploads show {landed.upload_id}` tells every reason; mend the file or"
        f" the contract, or raise `bad_records` of {step.source}",
    )
