"""The SQL of the journal, which lies in `sql/`: named statements, schemas and migrations.

sql/statements.sql                         what every database understands
sql/<database>/statements.sql              what it says in its own way
sql/<database>/schema.sql                  a new journal, in the present version
sql/<database>/migrations/<version>.sql    from the version before to this one
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

VERSION = 2
"""The version of the schema, the same in every database. PostgreSQL began with 2."""

_FOLDER = Path(__file__).with_name("sql")

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def named(database: str) -> Mapping[str, str]:
    """Every statement for this database, by its name."""
    found: dict[str, str] = {}
    for path in (_FOLDER / "statements.sql", _FOLDER / database / "statements.sql"):
        _, *parts = _NAME.split(path.read_text("utf-8"))
        found.update(zip(parts[::2], parts[1::2], strict=True))
    return found


def scripts(database: str, version: int) -> Iterator[str]:
    """What leads from a version to the present one; 0: there is no journal yet."""
    if version == 0:
        yield (_FOLDER / database / "schema.sql").read_text("utf-8")
        return
    for following in range(version + 1, VERSION + 1):
        yield (_FOLDER / database / "migrations" / f"{following}.sql").read_text("utf-8")
