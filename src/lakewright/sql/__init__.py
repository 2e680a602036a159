"""Portable SQL: a query parsed once, what it reads and returns, its text for each engine."""
