"""Which snapshots of a table are forgotten, and what of its properties nobody needs then.

Kept are the newest, the present state, what other programs have named (branches and tags), and
what a run made that may still look for its token. Pure.
"""

from collections.abc import Collection, Iterator, Sequence

from lakewright.lake import metadata, provenance
from lakewright.lake.metadata import Document


def updates(
    document: Document, keep: int, tokens: Collection[str], now_ms: int
) -> Sequence[metadata.Update]:
    """What forgets all but the newest `keep` snapshots; none: there is nothing to forget.

    Args:
        document: the table.
        keep: how many snapshots stay, at least 1.
        tokens: of runs that are not over; what they made stays.
        now_ms: the time to write down.
    """
    gone = frozenset(_expired(document, keep, frozenset(tokens)))
    if not gone:
        return ()
    left = [one for one in metadata.snapshots(document) if one["snapshot-id"] not in gone]
    unused = sorted(provenance.states(document) - provenance.states_named(left))
    found: list[metadata.Update] = []
    if behind := provenance.leaving_behind(document, gone):
        found.append(metadata.SetProperties(behind))
    found.append(metadata.RemoveSnapshots(sorted(gone), max(now_ms, document["last-updated-ms"])))
    return [*found, metadata.RemoveProperties(unused)] if unused else found


def _expired(document: Document, keep: int, tokens: frozenset[str]) -> Iterator[int]:
    named = {reference["snapshot-id"] for reference in document.get("refs", {}).values()}
    # Its state holds what the table remembers of itself: see `provenance.newest_own`.
    own = provenance.newest_own(document)
    kept = named | {document.get("current-snapshot-id"), own["snapshot-id"] if own else None}
    for snapshot in metadata.snapshots(document)[:-keep]:
        if snapshot["snapshot-id"] not in kept and provenance.run_id(snapshot) not in tokens:
            yield snapshot["snapshot-id"]
