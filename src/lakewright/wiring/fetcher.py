"""The child process that fetches files: it may use the network, and never looks into what it reads.

python -m lakewright.wiring.fetcher FOLDER
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from lakewright import settings
from lakewright.plan import codec
from lakewright.runs.children import child
from lakewright.runs.children.child import Operation, Report
from lakewright.runs.records import Json


def main(arguments: Sequence[str]) -> None:
    """Serve as the child that fetches for the project in the folder that is named."""
    child.serve(lambda: _load(Path(arguments[0])))


def _load(folder: Path) -> Mapping[str, Operation]:
    """Import what is heavy, once the limits of this process are set."""
    from lakewright.ingest import fetching
    from lakewright.lake.raw import LocalRawStore
    from lakewright.wiring.folder import Place

    store = LocalRawStore(Place.of(folder, settings.read()).storage / "raw")

    def fetch(payload: Json, report: Report) -> Json:
        facts = cast("Mapping[str, Json]", payload)
        order = fetching.Order(
            source=str(facts["source"]),
            location=str(facts["location"]),
            folder=folder,
            marks=cast("Mapping[str, str]", facts["marks"]),
            after=str(facts["after"]),
        )
        return codec.encode(fetching.fetch(order, store, report))

    return {"fetch": fetch}


if __name__ == "__main__":
    main(sys.argv[1:])
