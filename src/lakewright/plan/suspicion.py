"""What it means for a file to be suspect: loaded it shows as such, or, where its source says so, it
is refused. A file is judged when it arrives; what a table holds already was judged then."""

from collections.abc import Sequence

from lakewright import errors


def refusal(source: str, file_name: str, suspicions: Sequence[str]) -> errors.Problem:
    """Why a file that may have been misread is not loaded, and what to do about it."""
    return errors.Problem(
        code=errors.FileSuspect.code,
        what=f"{file_name} may have been misread, and {source} refuses suspect files",
        where=errors.Place(file=file_name),
        why="; ".join(suspicions),
        hint=f"say in the source {source} how its files are written (`format`), or let it load"
        " them (`suspects: load`), and upload the file again: its bytes are kept",
    )
