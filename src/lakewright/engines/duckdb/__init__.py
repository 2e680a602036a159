"""The embedded engine: DuckDB, in this process, on this machine, without a network."""
