"""Where a journal lies: SQLite, PostgreSQL, memory. The ports are in `runs.journal`."""
