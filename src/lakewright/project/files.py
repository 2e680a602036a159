"""Which files make up a project: the patterns by which whoever reads the folder finds them."""

PROJECT_FILE = "lakewright.yaml"
"""The one file that every project has."""

SCHEDULE_FILES = ("schedules/**/*.yaml", "schedules/**/*.yml")

TEST_FILES = ("tests/**/*.yaml", "tests/**/*.yml")
"""Unit tests of models: they are read where tests are asked for, and nowhere in a load's way."""

PROJECT_FILES = (
    PROJECT_FILE,
    "lakewright.yml",
    "sources/**/*.yaml",
    "sources/**/*.yml",
    *SCHEDULE_FILES,
    "models/**/*.sql",
    "models/**/*.py",
)
"""Patterns of the files to hand to `load`, relative to the project's folder. Misplaced files are
among them, so that they can be told rather than overlooked."""
