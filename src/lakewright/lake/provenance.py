"""What a snapshot says about where it comes from: the run and step, cursors, contract, query.

All of it lies in the snapshot or is named by it, so rows and what is known about them cannot part,
whether a table is read as of now, as of an earlier snapshot, or after a rollback. Values that
seldom change and may be long (a contract) are kept once, as a table property named by their hash:

    summary   lakewright.run, lakewright.step      the token: who made it
              lakewright.consumed.<table>          the upstream snapshot that its rows hold
              lakewright.state                     hash of its state
              lakewright.<name>                    whatever else its step recorded
    table     lakewright.state.<hash>              a state: {name: value}, as JSON
              lakewright.rolled-back-by            the run of the last rollback: its token
              lakewright.left-behind               snapshots that were rolled back and are
                                                   forgotten: {id: operation}, as JSON
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping

import orjson

from lakewright.lake import metadata
from lakewright.lake.metadata import Document, SnapshotJson
from lakewright.lake.staged import Staged

PREFIX = "lakewright."
_RUN = f"{PREFIX}run"
_STEP = f"{PREFIX}step"
_CONSUMED = f"{PREFIX}consumed."
_STATE = f"{PREFIX}state"
_ROLLED_BACK_BY = f"{PREFIX}rolled-back-by"
_LEFT_BEHIND = f"{PREFIX}left-behind"


def find(document: Document, run_id: str, step: str) -> SnapshotJson | None:
    """The snapshot that this step of this run made, wherever in the table's history it is."""
    for snapshot in reversed(metadata.snapshots(document)):
        summary = snapshot["summary"]
        if summary.get(_RUN) == run_id and summary.get(_STEP) == step:
            return snapshot
    return None


def is_own(snapshot: SnapshotJson) -> bool:
    """Whether a run of ours made the snapshot."""
    return _RUN in snapshot["summary"]


def run_id(snapshot: SnapshotJson) -> str | None:
    """The run that made the snapshot; None: another program did."""
    return snapshot["summary"].get(_RUN)


def is_rolled_back_by(document: Document, run_id: str) -> bool:
    """Whether the table's last rollback was this run's."""
    return document["properties"].get(_ROLLED_BACK_BY) == run_id


def rolled_back_by(run_id: str) -> Mapping[str, str]:
    """What a table says of the run that rolls it back."""
    return {_ROLLED_BACK_BY: run_id}


def left_behind(document: Document) -> Mapping[int, str]:
    """The snapshots of ours that rollbacks have left, those that are forgotten included, each with
    its operation: what they loaded is not in the table."""
    found: dict[str, str] = orjson.loads(document["properties"].get(_LEFT_BEHIND, "{}"))
    aside = metadata.aside(document)
    kept = {
        one["snapshot-id"]: one["summary"]["operation"]
        for one in metadata.snapshots(document)
        if one["snapshot-id"] in aside and is_own(one)
    }
    return {int(name): operation for name, operation in found.items()} | kept


def leaving_behind(document: Document, gone: Collection[int]) -> Mapping[str, str]:
    """What a table says of the snapshots that rollbacks have left once these are forgotten."""
    kept = {one["snapshot-id"] for one in metadata.snapshots(document)} - set(gone)
    left = {str(key): name for key, name in left_behind(document).items() if key not in kept}
    return {_LEFT_BEHIND: orjson.dumps(left).decode()} if left else {}


def knows(document: Document, run_id: str) -> bool:
    """Whether a publish of this run has changed the table, whatever came after it."""
    made = any(snapshot["summary"].get(_RUN) == run_id for snapshot in metadata.snapshots(document))
    return made or is_rolled_back_by(document, run_id)


def consumed(snapshot: SnapshotJson) -> Mapping[str, int]:
    """Upstream table to the id of its snapshot that the rows hold."""
    return {
        name.removeprefix(_CONSUMED): int(value)
        for name, value in snapshot["summary"].items()
        if name.startswith(_CONSUMED)
    }


def state(document: Document, snapshot: SnapshotJson | None) -> Mapping[str, str]:
    """The properties of the table as the snapshot left it, and of the snapshot itself."""
    if snapshot is None:
        return {}
    summary = snapshot["summary"]
    kept = document["properties"].get(f"{_STATE}.{summary.get(_STATE, '')}", "{}")
    own = {
        name.removeprefix(PREFIX): value
        for name, value in summary.items()
        if name.startswith(PREFIX)
    }
    known: dict[str, str] = orjson.loads(kept)
    return {**known, **own}


def states(document: Document) -> frozenset[str]:
    """The names of the table's properties that hold states."""
    return frozenset(name for name in document["properties"] if name.startswith(f"{_STATE}."))


def states_named(snapshots: Iterable[SnapshotJson]) -> frozenset[str]:
    """Those of them that these snapshots refer to."""
    return frozenset(f"{_STATE}.{one['summary'].get(_STATE)}" for one in snapshots)


def describe(
    document: Document, staged: Staged, run_id: str, consumed: Mapping[str, int]
) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """What to write for a staged table: snapshot summary properties, and table properties."""
    summary = {f"{PREFIX}{name}": value for name, value in staged.properties.items()}
    summary |= {f"{_CONSUMED}{table}": str(cursor) for table, cursor in consumed.items()}
    summary |= {_RUN: run_id, _STEP: staged.step}
    before = _newest_state(document)
    after = {**before, **staged.table_properties}
    if not after:
        return summary, {}
    content = orjson.dumps(after, option=orjson.OPT_SORT_KEYS)
    digest = hashlib.sha256(content).hexdigest()[:16]
    return summary | {_STATE: digest}, {f"{_STATE}.{digest}": content.decode()}


def newest_own(document: Document) -> SnapshotJson | None:
    """The newest snapshot of the table's present line that a run of ours made."""
    return next((one for one in metadata.ancestors(document) if is_own(one)), None)


def _newest_state(document: Document) -> Mapping[str, str]:
    newest = newest_own(document)
    digest = newest["summary"].get(_STATE, "") if newest else ""
    known: dict[str, str] = orjson.loads(document["properties"].get(f"{_STATE}.{digest}", "{}"))
    return known
