"""The child process: engine, readers and lake behind one set of operations, and never the journal.

python -m lakewright.wiring.child [FOLDER]
"""

import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path

from lakewright import settings
from lakewright.runs.children import child

_LATER = ("pyiceberg.manifest", "pyiceberg.table")
"""What a publish imports; on small files a tenth of all that a load takes."""


def main(arguments: Sequence[str]) -> None:
    """Serve as the child of a lakehouse in the folder that is named; without one, read files."""
    sys.meta_path.insert(0, WithoutPandas())
    door = child.Door()
    child.serve(lambda: _load(arguments, door), _LATER if arguments else (), door)


class WithoutPandas(MetaPathFinder):
    """Keeps pandas out, which is no part of ours: where it is installed, Arrow loads it as soon as
    it makes an array, to be ready for one of its tables. That takes a third of a second."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002
        target: object = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Say that there is no such module.

        Raises:
            ModuleNotFoundError: it is pandas.
        """
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is not used here", name=fullname)
        return None


def _load(arguments: Sequence[str], door: child.Door) -> Mapping[str, child.Operation]:
    """Import what is heavy, once the limits of this process are set."""
    from lakewright.wiring import hands

    configured = settings.read()
    if arguments:
        return hands.Hands(Path(arguments[0]), configured, door.ask)
    from lakewright.runs.operations.files import Files

    folder = Path(tempfile.gettempdir())
    return Files(hands.reading(configured), folder).operations()


if __name__ == "__main__":
    main(sys.argv[1:])
