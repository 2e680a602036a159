"""The child process: engine, readers and lake behind one set of operations, and never the journal.

python -m lakewright.wiring.child [FOLDER]
"""

import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from lakewright import settings
from lakewright.runs import child


def main(arguments: Sequence[str]) -> None:
    """Serve as the child of a lakehouse in the folder that is named; without one, read files."""
    child.serve(lambda: _load(arguments))


def _load(arguments: Sequence[str]) -> Mapping[str, child.Operation]:
    """Import what is heavy, once the limits of this process are set."""
    from lakewright.wiring import hands

    configured = settings.read()
    if arguments:
        return hands.Hands(Path(arguments[0]), configured)
    from lakewright.runs.files import Files

    folder = Path(tempfile.gettempdir())
    return Files(hands.reading(configured), folder).operations()


if __name__ == "__main__":
    main(sys.argv[1:])
