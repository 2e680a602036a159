"""Bring data in: receive and hash bytes, decide how a file is written, read it exactly."""
