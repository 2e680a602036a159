"""The version, in the one place that needs no import to read it."""

VERSION = "0.1.0"
