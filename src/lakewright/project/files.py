"""Which files make up a project: the patterns by which whoever reads the folder finds them."""

PROJECT_FILE = "lakewright.yaml"
"""The one file that every project has."""

SCHEDULE_FILES = ("schedules/**/*.yaml", "schedules/**/*.yml")

PROJECT_FILES = (
    PROJECT_FILE,
    "lakewright.yml",
    "sources/**/*.yaml",
    "sources/**/*.yml",
    *SCHEDULE_FILES,
    "models/**/*.sql",
)
"""Patterns of the files to hand to `load`, relative to the project's folder. Misplaced files are
among them, so that they can be told rather than overlooked."""
