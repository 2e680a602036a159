"""The journal as SQL, the same logic for every database that understands it."""

from lakewright.runs.journals.relational.journal import open_journal

__all__ = ["open_journal"]
