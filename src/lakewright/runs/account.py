"""What a run's steps tell of one upload beyond its counts: how it differed, why records went. Pure.

Steps of runs that an earlier version carried out may tell less.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from lakewright.engines.engine import Reason
from lakewright.plan import codec
from lakewright.plan.difference import Difference
from lakewright.runs import rules
from lakewright.runs.records import Json, Step


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """The account of one upload in one run."""

    differences: tuple[Difference, ...] = ()
    """From the contract as the upload found it."""
    reasons: tuple[Reason, ...] = ()
    """Why its records were refused, the most frequent reason first."""


def of_upload(steps: Iterable[Step], upload_id: str) -> Account:
    """What the steps of a run's round tell of an upload."""
    differences: Sequence[Json] = ()
    reasons: Sequence[Json] = ()
    for step in steps:
        if not isinstance(step.result, Mapping):
            continue
        if step.name == rules.PLAN:
            plan = cast("Mapping[str, Mapping[str, Sequence[Json]]]", step.result.get("plan", {}))
            differences = plan.get("differences", {}).get(upload_id, ())
        elif step.name.startswith("bronze:"):
            uploads = cast("Sequence[Mapping[str, Json]]", step.result["uploads"])
            for each in uploads:
                if each["upload_id"] == upload_id:
                    reasons = cast("Sequence[Json]", each.get("reasons", ()))
    return Account(
        differences=tuple(codec.decode(Difference, each) for each in differences),
        reasons=tuple(codec.decode(Reason, each) for each in reasons),
    )
