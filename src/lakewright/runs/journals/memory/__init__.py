"""The journal in memory: the twin of those on disk."""

from lakewright.runs.journals.memory.journal import open_journal

__all__ = ["open_journal"]
