"""Whoever carries out runs, and what makes runs due: the journal's owners, at the top of `runs`."""
